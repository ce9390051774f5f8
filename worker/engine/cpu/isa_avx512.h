/*
 * isa_avx512.h: the sixteen lanes of the kernels as one AVX-512 register.
 *
 * One of four headers that define the same names (isa_plain, isa_avx2, isa_avx512 with sixteen
 * lanes, isa_scalar with one); the texts beside them are written on these names alone. Each name is
 * one IEEE operation per lane, or moves bits; so the lanes' bits are the same everywhere. Where a
 * function takes `lanes`, those outside are not touched in memory and read as zero.
 *
 * This header, isa_avx2.h and bf16_units.c are the only places with intrinsics.
 */
#ifndef RATCHET_WORKER_ENGINE_CPU_ISA_AVX512_H
#define RATCHET_WORKER_ENGINE_CPU_ISA_AVX512_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

static const char isa_name[] = "avx512";

enum { LANES = 16 };
/* The product's sums stay in registers: 24 of 32 here. */
enum { TILE_SUMS = 24 };

struct floats {
    __m512 x;
};
struct doubles {
    __m512d low, high;
};
/* Four vectors; named and not an array, so that compilers keep them in registers. */
struct quartet {
    struct floats x0, x1, x2, x3;
};
struct words {
    __m512i x;
};
struct lanes {
    __mmask16 x;
};

static inline struct lanes lanes_first(uint32_t count)
{
    return (struct lanes){(__mmask16)(count >= LANES ? 0xffffU : (1U << count) - 1)};
}

static inline struct floats floats_all(float x)
{
    return (struct floats){_mm512_set1_ps(x)};
}

static inline struct floats floats_load(const float *from)
{
    return (struct floats){_mm512_loadu_ps(from)};
}

static inline struct floats floats_load_where(const float *from, struct lanes where)
{
    return (struct floats){_mm512_maskz_loadu_ps(where.x, from)};
}

static inline void floats_store(float *to, struct floats x)
{
    _mm512_storeu_ps(to, x.x);
}

static inline void floats_store_where(float *to, struct lanes where, struct floats x)
{
    _mm512_mask_storeu_ps(to, where.x, x.x);
}

static inline struct floats floats_add(struct floats a, struct floats b)
{
    return (struct floats){_mm512_add_ps(a.x, b.x)};
}

static inline struct floats floats_subtract(struct floats a, struct floats b)
{
    return (struct floats){_mm512_sub_ps(a.x, b.x)};
}

static inline struct floats floats_multiply(struct floats a, struct floats b)
{
    return (struct floats){_mm512_mul_ps(a.x, b.x)};
}

static inline struct floats floats_divide(struct floats a, struct floats b)
{
    return (struct floats){_mm512_div_ps(a.x, b.x)};
}

/* a * b + c, rounded once */
static inline struct floats floats_fma(struct floats a, struct floats b, struct floats c)
{
    return (struct floats){_mm512_fmadd_ps(a.x, b.x, c.x)};
}

/* The same, and 0 in the other lanes. */
static inline struct floats floats_fma_where(struct lanes where, struct floats a, struct floats b,
                                             struct floats c)
{
    return (struct floats){_mm512_maskz_fmadd_ps(where.x, a.x, b.x, c.x)};
}

static inline struct floats floats_sqrt(struct floats x)
{
    return (struct floats){_mm512_sqrt_ps(x.x)};
}

/* a < b; false where one is NaN */
static inline struct lanes floats_below(struct floats a, struct floats b)
{
    return (struct lanes){_mm512_cmp_ps_mask(a.x, b.x, _CMP_LT_OQ)};
}

static inline struct lanes floats_equal(struct floats a, struct floats b)
{
    return (struct lanes){_mm512_cmp_ps_mask(a.x, b.x, _CMP_EQ_OQ)};
}

static inline struct floats floats_select(struct lanes where, struct floats yes, struct floats no)
{
    return (struct floats){_mm512_mask_blend_ps(where.x, no.x, yes.x)};
}

/* a > b ? a : b; so b where one is NaN, and of two zeros. Neither is denormal. */
static inline struct floats floats_maximum(struct floats a, struct floats b)
{
    return (struct floats){_mm512_max_ps(a.x, b.x)};
}

static inline struct words floats_bits(struct floats x)
{
    return (struct words){_mm512_castps_si512(x.x)};
}

/* Lanes l + 8, l + 4, l + 2, l + 1 are added to lane l, in that order. */
static inline float floats_sum(struct floats x)
{
    __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(x.x), _mm512_extractf32x8_ps(x.x, 1));
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

static inline struct doubles doubles_zero(void)
{
    return (struct doubles){_mm512_setzero_pd(), _mm512_setzero_pd()};
}

/* sum + x * x; the square of a float is exact in double, so there is one rounding. */
static inline struct doubles doubles_add_square(struct doubles sum, struct floats x)
{
    __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(x.x));
    __m512d high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(x.x, 1));
    return (struct doubles){_mm512_fmadd_pd(low, low, sum.low),
                            _mm512_fmadd_pd(high, high, sum.high)};
}

/* As floats_sum. */
static inline double doubles_sum(struct doubles x)
{
    __m512d eight = _mm512_add_pd(x.low, x.high);
    __m256d four = _mm256_add_pd(_mm512_castpd512_pd256(eight), _mm512_extractf64x4_pd(eight, 1));
    __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

/*
 * Lanes 0 .. 3 are floats_sum of a.x0 .. a.x3, lanes 4 .. 7 those of b, and so on. Vectors are met
 * in pairs (a, b): lanes of the lower half of a group go on in a's place, those of the upper half
 * in b's, so each step halves what is left.
 */
static inline __m512 sum_of_halves(__m512 a, __m512 b)
{
    return _mm512_add_ps(_mm512_mask_blend_ps(0xff00, a, b), _mm512_shuffle_f32x4(a, b, 0x4e));
}

static inline __m512 sum_of_quarters(__m512 a, __m512 b)
{
    const __m512i order = _mm512_setr_epi64(2, 3, 8, 9, 6, 7, 12, 13);
    __m512 crossed =
        _mm512_castpd_ps(_mm512_permutex2var_pd(_mm512_castps_pd(a), order, _mm512_castps_pd(b)));
    return _mm512_add_ps(_mm512_mask_blend_ps(0xf0f0, a, b), crossed);
}

static inline __m512 sum_of_pairs(__m512 a, __m512 b)
{
    __m512 crossed =
        _mm512_castpd_ps(_mm512_shuffle_pd(_mm512_castps_pd(a), _mm512_castps_pd(b), 0x55));
    return _mm512_add_ps(_mm512_mask_blend_ps(0xcccc, a, b), crossed);
}

static inline __m512 sum_of_neighbours(__m512 a, __m512 b)
{
    const __m512i order =
        _mm512_setr_epi32(1, 16, 3, 18, 5, 20, 7, 22, 9, 24, 11, 26, 13, 28, 15, 30);
    __m512 crossed = _mm512_permutex2var_ps(a, order, b);
    return _mm512_add_ps(_mm512_mask_blend_ps(0xaaaa, a, b), crossed);
}

static inline struct floats floats_sums(struct quartet a, struct quartet b, struct quartet c,
                                        struct quartet d)
{
    struct quartet ac = {{sum_of_halves(a.x0.x, c.x0.x)},
                         {sum_of_halves(a.x1.x, c.x1.x)},
                         {sum_of_halves(a.x2.x, c.x2.x)},
                         {sum_of_halves(a.x3.x, c.x3.x)}};
    struct quartet bd = {{sum_of_halves(b.x0.x, d.x0.x)},
                         {sum_of_halves(b.x1.x, d.x1.x)},
                         {sum_of_halves(b.x2.x, d.x2.x)},
                         {sum_of_halves(b.x3.x, d.x3.x)}};
    struct quartet all = {{sum_of_quarters(ac.x0.x, bd.x0.x)},
                          {sum_of_quarters(ac.x1.x, bd.x1.x)},
                          {sum_of_quarters(ac.x2.x, bd.x2.x)},
                          {sum_of_quarters(ac.x3.x, bd.x3.x)}};
    return (struct floats){
        sum_of_neighbours(sum_of_pairs(all.x0.x, all.x2.x), sum_of_pairs(all.x1.x, all.x3.x))};
}

static inline struct words words_all(uint32_t x)
{
    return (struct words){_mm512_set1_epi32((int)x)};
}

static inline struct words words_load(const uint32_t *from)
{
    return (struct words){_mm512_loadu_si512(from)};
}

/* Sixteen bytes, each a word. */
static inline struct words words_load_bytes(const uint8_t *from)
{
    return (struct words){_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)from))};
}

/* Bit j says that byte j of 64 is not 0. */
static inline uint64_t bytes_filled(const uint8_t *from)
{
    const __m512i x = _mm512_loadu_si512(from);
    return _mm512_test_epi8_mask(x, x);
}

/* Byte j of row i, 64 * i behind `from`, goes to to[64 * j + i], for j < count <= 64. */
static inline void bytes_transpose(const uint8_t *from, uint8_t *to, uint32_t count)
{
    __m512i x[LANES], y[LANES];
    for (int i = 0; i < LANES; i++)
        x[i] = _mm512_loadu_si512(from + 64 * i);
    /* Each round moves the number of the byte by one bit: after four, rows are columns. */
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < LANES / 2; i++) {
            y[2 * i] = _mm512_unpacklo_epi8(x[i], x[i + LANES / 2]);
            y[2 * i + 1] = _mm512_unpackhi_epi8(x[i], x[i + LANES / 2]);
        }
        memcpy(x, y, sizeof x);
    }
    for (uint32_t j = 0; j < LANES; j++) {
        if (j < count)
            _mm_storeu_si128((__m128i *)(to + 64 * j), _mm512_castsi512_si128(x[j]));
        if (j + 16 < count)
            _mm_storeu_si128((__m128i *)(to + 64 * (j + 16)), _mm512_extracti32x4_epi32(x[j], 1));
        if (j + 32 < count)
            _mm_storeu_si128((__m128i *)(to + 64 * (j + 32)), _mm512_extracti32x4_epi32(x[j], 2));
        if (j + 48 < count)
            _mm_storeu_si128((__m128i *)(to + 64 * (j + 48)), _mm512_extracti32x4_epi32(x[j], 3));
    }
}

static inline struct floats words_as_floats(struct words x)
{
    return (struct floats){_mm512_castsi512_ps(x.x)};
}

/* Of signed numbers, to the nearest. */
static inline struct floats words_to_floats(struct words x)
{
    return (struct floats){_mm512_cvtepi32_ps(x.x)};
}

static inline struct words words_add(struct words a, struct words b)
{
    return (struct words){_mm512_add_epi32(a.x, b.x)};
}

static inline struct words words_subtract(struct words a, struct words b)
{
    return (struct words){_mm512_sub_epi32(a.x, b.x)};
}

static inline struct words words_and(struct words a, struct words b)
{
    return (struct words){_mm512_and_si512(a.x, b.x)};
}

static inline struct words words_or(struct words a, struct words b)
{
    return (struct words){_mm512_or_si512(a.x, b.x)};
}

static inline struct words words_xor(struct words a, struct words b)
{
    return (struct words){_mm512_xor_si512(a.x, b.x)};
}

static inline struct words words_shift_left_23(struct words x)
{
    return (struct words){_mm512_slli_epi32(x.x, 23)};
}

/* Of signed numbers: rounds down. */
static inline struct words words_shift_right_23(struct words x)
{
    return (struct words){_mm512_srai_epi32(x.x, 23)};
}

/* Of numbers without a sign. */
static inline struct words words_shift_right_16(struct words x)
{
    return (struct words){_mm512_srli_epi32(x.x, 16)};
}

static inline struct words words_shift_right_1(struct words x)
{
    return (struct words){_mm512_srai_epi32(x.x, 1)};
}

static inline struct lanes words_equal(struct words a, struct words b)
{
    return (struct lanes){_mm512_cmpeq_epi32_mask(a.x, b.x)};
}

/* a < b, of numbers without a sign */
static inline struct lanes words_below(struct words a, struct words b)
{
    return (struct lanes){_mm512_cmplt_epu32_mask(a.x, b.x)};
}

/* The low and the high half of a * b. */
static inline struct words words_multiply(struct words a, struct words b, struct words *high)
{
    __m512i even = _mm512_mul_epu32(a.x, b.x);
    __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(a.x, 32), _mm512_srli_epi64(b.x, 32));
    high->x = _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd);
    return (struct words){_mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32))};
}

/* Transposes 4 x 4 words in each quarter q: lane 4q + i of vector r was lane 4q + r of vector i. */
static inline void words_interleave(struct words x[4])
{
    __m512i low01 = _mm512_unpacklo_epi32(x[0].x, x[1].x);
    __m512i low23 = _mm512_unpacklo_epi32(x[2].x, x[3].x);
    __m512i high01 = _mm512_unpackhi_epi32(x[0].x, x[1].x);
    __m512i high23 = _mm512_unpackhi_epi32(x[2].x, x[3].x);
    x[0].x = _mm512_unpacklo_epi64(low01, low23);
    x[1].x = _mm512_unpackhi_epi64(low01, low23);
    x[2].x = _mm512_unpacklo_epi64(high01, high23);
    x[3].x = _mm512_unpackhi_epi64(high01, high23);
}

/* Lane j of vector i goes to lane i of vector j. */
static inline void floats_transpose(struct floats x[LANES])
{
    struct words part[4][4];
    for (int group = 0; group < 4; group++) {
        for (int i = 0; i < 4; i++)
            part[group][i] = floats_bits(x[4 * group + i]);
        words_interleave(part[group]);
    }
    for (int i = 0; i < 4; i++) {
        __m512i even01 = _mm512_shuffle_i32x4(part[0][i].x, part[1][i].x, 0x88);
        __m512i even23 = _mm512_shuffle_i32x4(part[2][i].x, part[3][i].x, 0x88);
        __m512i odd01 = _mm512_shuffle_i32x4(part[0][i].x, part[1][i].x, 0xdd);
        __m512i odd23 = _mm512_shuffle_i32x4(part[2][i].x, part[3][i].x, 0xdd);
        x[i].x = _mm512_castsi512_ps(_mm512_shuffle_i32x4(even01, even23, 0x88));
        x[4 + i].x = _mm512_castsi512_ps(_mm512_shuffle_i32x4(odd01, odd23, 0x88));
        x[8 + i].x = _mm512_castsi512_ps(_mm512_shuffle_i32x4(even01, even23, 0xdd));
        x[12 + i].x = _mm512_castsi512_ps(_mm512_shuffle_i32x4(odd01, odd23, 0xdd));
    }
}

#endif
