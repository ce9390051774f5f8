/*
 * portable_double.c: see portable_double.h.
 *
 * Both reduce their argument by multiples of ln 2 and sum a Taylor series there. The reduced
 * argument and the leading terms are kept as an unevaluated sum of two doubles, so that one
 * rounding, the last, decides the error.
 */
#include "worker/data/portable_double.h"

#include <assert.h>
#include <float.h>
#include <math.h>

/* ln 2 in two pieces; the first has 36 bits, so that its product with an exponent is exact. */
static const double LN2_HIGH = 0x1.62e42fefap-1, LN2_LOW = 0x1.cf79abc9e3b3ap-40;

/* With s = f / (2 + f) and x = 1 + f: ln x = 2 (s + s^3/3 + s^5/5 + ...). */
double portable_double_log(double x)
{
    assert(x >= DBL_MIN && x <= DBL_MAX);
    int exponent;
    double m = frexp(x, &exponent);
    if (m < 0x1.6a09e667f3bcdp-1) { /* below sqrt(1/2): then 2m lies nearer to 1 */
        m *= 2;
        exponent--;
    }
    double f = m - 1;       /* exact */
    double divisor = 2 + f; /* rounded: what was lost is taken up in `rest` */
    double lost = f - (divisor - 2);
    double s = f / divisor;
    double rest = (fma(-s, divisor, f) - s * lost) / divisor;
    double square = s * s, series = 0;
    for (int k = 23; k >= 3; k -= 2) /* |s| < 0.172: the first term left out is below 2^-63 s */
        series = series * square + 1.0 / k;
    double scale = exponent;
    double high = scale * LN2_HIGH, sum = high + 2 * s;
    double sum_lost = 2 * s - (sum - high); /* exact: |high| is either 0 or above |2 s| */
    double low = scale * LN2_LOW + (2 * rest + 2 * s * square * series);
    return sum + (sum_lost + low);
}

/* With x = n ln 2 + r, |r| <= ln(2)/2: e^x = 2^n (1 + r + r^2/2! + ...). */
double portable_double_exp(double x)
{
    assert(x >= -700 && x <= 700);
    double n = rint(x * 0x1.71547652b82fep+0);
    double high = x - n * LN2_HIGH; /* exact: the two are near and the product is exact */
    double r = high - n * LN2_LOW;
    double rest = (high - r) - n * LN2_LOW;
    double series = 0;
    for (int k = 15; k >= 2; k--)
        series = (series * r + 1) / k;
    /* series = 1/2! + r/3! + ..., times r so far: e^r = 1 + r + r * series. */
    double sum = 1 + r;
    double lost = r - (sum - 1);
    return ldexp(sum + (lost + (rest + r * (rest + series * r))), (int)n);
}
