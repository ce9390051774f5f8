/*
 * portable_math.c: the functions of cpu/math_text.h for one value at a time, a cosine in double,
 * and normals.
 */
#include "worker/engine/kernels.h"

#include "worker/engine/cpu/isa_scalar.h"

#include "worker/engine/cpu/math_text.h"

#include <assert.h>

float portable_exp(float x)
{
    return floats_exp(floats_all(x)).x;
}

float portable_log(float x)
{
    return floats_log(floats_all(x)).x;
}

float portable_tanh(float x)
{
    return floats_tanh(floats_all(x)).x;
}

float portable_erf(float x)
{
    return floats_erf(floats_all(x)).x;
}

/* Sine and cosine of `turn` 2^-32 turns. */
static void sine_and_cosine(uint32_t turn, float *sine, float *cosine)
{
    /* (sin(a) - a) / a^3 and (cos(a) - 1 + a^2 / 2) / a^4, in a^2, for a up to pi / 4 */
    static const float sine_series[] = {-0.166666672F, 0.00833332911F, -0.000198393274F,
                                        2.71823524e-6F};
    static const float cosine_series[] = {0.0416666456F, -0.00138873607F, 2.44376861e-5F};
    /* The nearest quarter of a turn, and the angle from there. */
    uint32_t quarter = (turn + (UINT32_C(1) << 29)) >> 30;
    float a = (float)(int32_t)(turn - (quarter << 30)) * 1.46291812e-9F;
    struct floats square = floats_all(a * a);
    float cube = a * a * a, fourth = square.x * square.x;
    float s = __builtin_fmaf(cube, floats_polynomial(square, sine_series, 3).x, a);
    float c = __builtin_fmaf(-0.5F, square.x, 1.0F);
    c = __builtin_fmaf(fourth, floats_polynomial(square, cosine_series, 2).x, c);
    *sine = quarter % 2 == 0 ? s : c;
    *cosine = quarter % 2 == 0 ? c : s;
    if (quarter % 4 >= 2)
        *sine = -*sine;
    if (quarter % 4 == 1 || quarter % 4 == 2)
        *cosine = -*cosine;
}

/* coefficients[0] + coefficients[1] * x + ..., by Horner's rule */
static double polynomial(double x, const double *coefficients, int degree)
{
    double sum = coefficients[degree];
    for (int i = degree - 1; i >= 0; i--)
        sum = __builtin_fma(sum, x, coefficients[i]);
    return sum;
}

/* Taylor's series, which at pi / 4 leave less than 2^-58 out. */
static double short_sine(double a)
{
    static const double series[] = {-1.0 / 6,
                                    1.0 / 120,
                                    -1.0 / 5040,
                                    1.0 / 362880,
                                    -1.0 / 39916800,
                                    1.0 / 6227020800.0,
                                    -1.0 / 1307674368000.0,
                                    1.0 / 355687428096000.0};
    double square = a * a;
    return __builtin_fma(a * square, polynomial(square, series, 7), a);
}

static double short_cosine(double a)
{
    static const double series[] = {
        -1.0 / 2,       1.0 / 24,        -1.0 / 720,           1.0 / 40320,
        -1.0 / 3628800, 1.0 / 479001600, -1.0 / 87178291200.0, 1.0 / 20922789888000.0};
    double square = a * a;
    return __builtin_fma(square, polynomial(square, series, 7), 1.0);
}

/* Folded into the first eighth of a turn; both subtractions are exact. */
double portable_cosine(double half_turns)
{
    const double pi = 0x1.921fb54442d18p+1;
    assert(half_turns >= 0 && half_turns <= 1);
    double x = half_turns > 0.5 ? 1.0 - half_turns : half_turns;
    double cosine = x > 0.25 ? short_sine(pi * (0.5 - x)) : short_cosine(pi * x);
    return half_turns > 0.5 ? -cosine : cosine;
}

void portable_normals(uint32_t first, uint32_t second, float normals[2])
{
    /* In (0, 1]: the middle of the first word's cell, rounded. */
    float u = __builtin_fmaf((float)first, 0x1p-32F, 0x1p-33F);
    float radius = __builtin_sqrtf(-2.0F * portable_log(u));
    float sine, cosine;
    sine_and_cosine(second, &sine, &cosine);
    normals[0] = radius * cosine;
    normals[1] = radius * sine;
}
