/*
 * float_mode.c: see float_mode.h.
 *
 * Elsewhere than on x86-64 the mode stays as it is; there the class `portable` has other bits as
 * soon as a denormal number turns up.
 */
#include "worker/engine/float_mode.h"

#if defined(__x86_64__)

#include <immintrin.h>

enum { FLUSH_RESULTS = 0x8000, DENORMALS_ARE_ZERO = 0x0040 };

struct float_mode float_mode_enter(void)
{
    struct float_mode before = {_mm_getcsr()};
    _mm_setcsr(before.control | FLUSH_RESULTS | DENORMALS_ARE_ZERO);
    return before;
}

void float_mode_leave(struct float_mode before)
{
    _mm_setcsr(before.control);
}

#else

struct float_mode float_mode_enter(void)
{
    return (struct float_mode){0};
}

void float_mode_leave(struct float_mode before)
{
    (void)before;
}

#endif
