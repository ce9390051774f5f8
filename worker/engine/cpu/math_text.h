/*
 * math_text.h: exp, log, tanh and erf of floats, as one sequence of IEEE operations.
 *
 * Not a header of its own: it is included after one of the isa_*.h and written on their names, so
 * every build of it gives the same bits. Each function reduces its argument to a short interval and
 * takes a polynomial there, fitted for this file (weighted least squares, reweighted towards the
 * smallest greatest relative error, coefficients rounded to float). What NaN's bits are is left
 * open; that a result is NaN is not.
 */

/* coefficients[0] + coefficients[1] * x + ..., by Horner's rule */
static inline struct floats floats_polynomial(struct floats x, const float *coefficients,
                                              int degree)
{
    struct floats sum = floats_all(coefficients[degree]);
    for (int i = degree - 1; i >= 0; i--)
        sum = floats_fma(sum, x, floats_all(coefficients[i]));
    return sum;
}

/* 2^n for n in -126 .. 127 */
static inline struct floats floats_power_of_two(struct words n)
{
    return words_as_floats(words_shift_left_23(words_add(n, words_all(127))));
}

static inline struct floats floats_magnitude(struct floats x)
{
    return words_as_floats(words_and(floats_bits(x), words_all(0x7fffffff)));
}

static inline struct floats floats_with_sign_of(struct floats magnitude, struct floats x)
{
    struct words sign = words_and(floats_bits(x), words_all(UINT32_C(0x80000000)));
    return words_as_floats(words_or(floats_bits(magnitude), sign));
}

/* e^x = 2^n e^r with n = round(x / ln 2), |r| <= ln 2 / 2. */
static inline struct floats floats_exp(struct floats x)
{
    /* (e^r - 1 - r) / r^2 */
    static const float series[] = {0.5F, 0.166665167F, 0.0416662022F, 0.00836907793F,
                                   0.00139507605F};
    /* Adding it leaves an integer in the low bits. */
    const struct floats shifter = floats_all(0x1.8p23F);
    /* Beyond these the result is infinite or zero anyway, and n would not fit. */
    x = floats_select(floats_below(floats_all(89.0F), x), floats_all(89.0F), x);
    x = floats_select(floats_below(x, floats_all(-104.0F)), floats_all(-104.0F), x);
    struct floats shifted = floats_fma(x, floats_all(1.44269502F), shifter);
    struct floats n = floats_subtract(shifted, shifter);
    struct floats r = floats_fma(n, floats_all(-0.693147182F), x);
    r = floats_fma(n, floats_all(1.90465421e-9F), r);
    struct floats tail = floats_polynomial(r, series, 4);
    struct floats power = floats_fma(tail, floats_multiply(r, r), r);
    power = floats_add(power, floats_all(1.0F));
    /* Two steps, so that a denormal result is rounded once, by the last. */
    struct words whole = words_subtract(floats_bits(shifted), floats_bits(shifter));
    struct words half = words_shift_right_1(whole);
    power = floats_multiply(power, floats_power_of_two(half));
    return floats_multiply(power, floats_power_of_two(words_subtract(whole, half)));
}

/* log x = e ln 2 + log(1 + f) with x = 2^e (1 + f), 1 + f in sqrt(1/2) .. sqrt(2). */
static inline struct floats floats_log(struct floats x)
{
    /* (log(1 + f) - f + f^2 / 2) / f^3 */
    static const float series[] = {0.333333135F,  -0.250000089F, 0.200021327F,
                                   -0.166680098F, 0.14219296F,   -0.124052487F,
                                   0.118897751F,  -0.116780862F, 0.0674568266F};
    const struct words root_half = words_all(0x3f3504f3);
    struct lanes denormal = floats_below(x, floats_all(0x1p-126F));
    struct floats normal = floats_select(denormal, floats_multiply(x, floats_all(0x1p23F)), x);
    struct words bits = words_subtract(floats_bits(normal), root_half);
    struct words mantissa = words_add(words_and(bits, words_all(0x7fffff)), root_half);
    struct floats f = floats_subtract(words_as_floats(mantissa), floats_all(1.0F));
    struct floats e = words_to_floats(words_shift_right_23(bits));
    e = floats_select(denormal, floats_subtract(e, floats_all(23.0F)), e);

    struct floats square = floats_multiply(f, f);
    struct floats cube = floats_multiply(square, f);
    struct floats tail = floats_multiply(cube, floats_polynomial(f, series, 8));
    /* ln 2 in two parts; e times the first is exact. */
    tail = floats_fma(e, floats_all(1.42860677e-6F), tail);
    tail = floats_fma(square, floats_all(-0.5F), tail);
    struct floats result = floats_fma(e, floats_all(0.693145752F), floats_add(f, tail));

    const struct floats infinity = floats_all(__builtin_inff());
    struct floats other =
        floats_select(floats_equal(x, floats_all(0)), floats_all(-__builtin_inff()),
                      floats_all(__builtin_nanf("")));
    result = floats_select(floats_equal(x, infinity), infinity, result);
    return floats_select(floats_below(floats_all(0), x), result, other);
}

/* Near 0 a polynomial; beyond, 1 - 2 / (e^2|x| + 1). */
static inline struct floats floats_tanh(struct floats x)
{
    /* (tanh(a) - a) / a^3, in a^2, for a up to 0.62 */
    static const float series[] = {-0.333332866F, 0.133315936F, -0.0537526347F, 0.0206823535F,
                                   -0.00575459562F};
    struct floats a = floats_magnitude(x);
    struct floats square = floats_multiply(a, a);
    struct floats cube = floats_multiply(square, a);
    struct floats near = floats_fma(cube, floats_polynomial(square, series, 4), a);
    struct floats growth = floats_add(floats_exp(floats_add(a, a)), floats_all(1.0F));
    struct floats far = floats_subtract(floats_all(1.0F), floats_divide(floats_all(2.0F), growth));
    struct floats result = floats_select(floats_below(a, floats_all(0.61F)), near, far);
    return floats_with_sign_of(result, x);
}

/* Near 0 a polynomial; beyond, 1 - e^p with a polynomial p of log(1 - erf). */
static inline struct floats floats_erf(struct floats x)
{
    /* erf(a) / a - 1, in a^2, for a up to 0.925 */
    static const float near_series[] = {0.128379166F,   -0.376126349F,  0.112836987F,
                                        -0.0268595386F, 0.00520130293F, -0.000814506086F,
                                        8.37752377e-5F};
    /* log(1 - erf(a)) for a from 0.92 */
    static const float far_series[] = {0.000174722198F, -1.12951517F,   -0.633346498F,
                                       -0.108280562F,   0.025119748F,   -0.00417119171F,
                                       0.000434490677F, -2.10976177e-5F};
    struct floats a = floats_magnitude(x);
    a = floats_select(floats_below(floats_all(4.0F), a), floats_all(4.0F), a); /* 1 from there */
    struct floats square = floats_multiply(a, a);
    struct floats near = floats_fma(a, floats_polynomial(square, near_series, 6), a);
    struct floats rest = floats_exp(floats_polynomial(a, far_series, 7));
    struct floats far = floats_subtract(floats_all(1.0F), rest);
    struct floats result = floats_select(floats_below(a, floats_all(0.921875F)), near, far);
    return floats_with_sign_of(result, x);
}
