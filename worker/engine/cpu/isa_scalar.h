/*
 * isa_scalar.h: the one-lane relative of isa_avx512.h, for single values on any CPU. It has the
 * names that math_text.h needs.
 */
#ifndef RATCHET_WORKER_ENGINE_CPU_ISA_SCALAR_H
#define RATCHET_WORKER_ENGINE_CPU_ISA_SCALAR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct floats {
    float x;
};
struct words {
    uint32_t x;
};
struct lanes {
    bool x;
};

static inline struct floats floats_all(float x)
{
    return (struct floats){x};
}

static inline struct floats floats_add(struct floats a, struct floats b)
{
    return (struct floats){a.x + b.x};
}

static inline struct floats floats_subtract(struct floats a, struct floats b)
{
    return (struct floats){a.x - b.x};
}

static inline struct floats floats_multiply(struct floats a, struct floats b)
{
    return (struct floats){a.x * b.x};
}

static inline struct floats floats_divide(struct floats a, struct floats b)
{
    return (struct floats){a.x / b.x};
}

static inline struct floats floats_fma(struct floats a, struct floats b, struct floats c)
{
    return (struct floats){__builtin_fmaf(a.x, b.x, c.x)};
}

static inline struct lanes floats_below(struct floats a, struct floats b)
{
    return (struct lanes){a.x < b.x};
}

static inline struct lanes floats_equal(struct floats a, struct floats b)
{
    return (struct lanes){a.x == b.x};
}

static inline struct floats floats_select(struct lanes where, struct floats yes, struct floats no)
{
    return where.x ? yes : no;
}

static inline struct floats floats_maximum(struct floats a, struct floats b)
{
    return floats_select(floats_below(b, a), a, b);
}

static inline struct floats floats_fma_where(struct lanes where, struct floats a, struct floats b,
                                             struct floats c)
{
    return floats_select(where, floats_fma(a, b, c), floats_all(0));
}

static inline struct words floats_bits(struct floats x)
{
    struct words bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline struct words words_all(uint32_t x)
{
    return (struct words){x};
}

static inline struct floats words_as_floats(struct words x)
{
    struct floats same;
    memcpy(&same, &x, sizeof same);
    return same;
}

static inline struct floats words_to_floats(struct words x)
{
    return (struct floats){(float)(int32_t)x.x};
}

static inline struct words words_add(struct words a, struct words b)
{
    return (struct words){a.x + b.x};
}

static inline struct words words_subtract(struct words a, struct words b)
{
    return (struct words){a.x - b.x};
}

static inline struct words words_and(struct words a, struct words b)
{
    return (struct words){a.x & b.x};
}

static inline struct words words_or(struct words a, struct words b)
{
    return (struct words){a.x | b.x};
}

static inline struct words words_shift_left_23(struct words x)
{
    return (struct words){x.x << 23};
}

static inline struct words words_shift_right_23(struct words x)
{
    return (struct words){(uint32_t)((int32_t)x.x >> 23)};
}

static inline struct words words_shift_right_1(struct words x)
{
    return (struct words){(uint32_t)((int32_t)x.x >> 1)};
}

#endif
