/*
 * isa_avx2.h: the sixteen lanes of the kernels as two AVX2 registers, with FMA. See isa_avx512.h
 * for what the names mean.
 */
#ifndef RATCHET_WORKER_ENGINE_CPU_ISA_AVX2_H
#define RATCHET_WORKER_ENGINE_CPU_ISA_AVX2_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

static const char isa_name[] = "avx2";

enum { LANES = 16 };
/* 12 of 16 registers are sums. */
enum { TILE_SUMS = 6 };

struct floats {
    __m256 low, high;
};
struct doubles {
    __m256d part[4];
};
struct quartet {
    struct floats x0, x1, x2, x3;
};
struct words {
    __m256i low, high;
};
/* All bits of a lane are set, or none. */
struct lanes {
    __m256i low, high;
};

static inline struct lanes lanes_first(uint32_t count)
{
    __m256i number = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    __m256i limit = _mm256_set1_epi32((int)(count >= LANES ? LANES : count));
    return (struct lanes){
        _mm256_cmpgt_epi32(limit, number),
        _mm256_cmpgt_epi32(limit, _mm256_add_epi32(number, _mm256_set1_epi32(8))),
    };
}

static inline struct floats floats_all(float x)
{
    return (struct floats){_mm256_set1_ps(x), _mm256_set1_ps(x)};
}

static inline struct floats floats_load(const float *from)
{
    return (struct floats){_mm256_loadu_ps(from), _mm256_loadu_ps(from + 8)};
}

static inline struct floats floats_load_where(const float *from, struct lanes where)
{
    return (struct floats){_mm256_maskload_ps(from, where.low),
                           _mm256_maskload_ps(from + 8, where.high)};
}

static inline void floats_store(float *to, struct floats x)
{
    _mm256_storeu_ps(to, x.low);
    _mm256_storeu_ps(to + 8, x.high);
}

static inline void floats_store_where(float *to, struct lanes where, struct floats x)
{
    _mm256_maskstore_ps(to, where.low, x.low);
    _mm256_maskstore_ps(to + 8, where.high, x.high);
}

static inline struct floats floats_add(struct floats a, struct floats b)
{
    return (struct floats){_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
}

static inline struct floats floats_subtract(struct floats a, struct floats b)
{
    return (struct floats){_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
}

static inline struct floats floats_multiply(struct floats a, struct floats b)
{
    return (struct floats){_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
}

static inline struct floats floats_divide(struct floats a, struct floats b)
{
    return (struct floats){_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)};
}

static inline struct floats floats_fma(struct floats a, struct floats b, struct floats c)
{
    return (struct floats){_mm256_fmadd_ps(a.low, b.low, c.low),
                           _mm256_fmadd_ps(a.high, b.high, c.high)};
}

static inline struct floats floats_sqrt(struct floats x)
{
    return (struct floats){_mm256_sqrt_ps(x.low), _mm256_sqrt_ps(x.high)};
}

static inline struct lanes floats_below(struct floats a, struct floats b)
{
    return (struct lanes){_mm256_castps_si256(_mm256_cmp_ps(a.low, b.low, _CMP_LT_OQ)),
                          _mm256_castps_si256(_mm256_cmp_ps(a.high, b.high, _CMP_LT_OQ))};
}

static inline struct lanes floats_equal(struct floats a, struct floats b)
{
    return (struct lanes){_mm256_castps_si256(_mm256_cmp_ps(a.low, b.low, _CMP_EQ_OQ)),
                          _mm256_castps_si256(_mm256_cmp_ps(a.high, b.high, _CMP_EQ_OQ))};
}

static inline struct floats floats_select(struct lanes where, struct floats yes, struct floats no)
{
    return (struct floats){
        _mm256_blendv_ps(no.low, yes.low, _mm256_castsi256_ps(where.low)),
        _mm256_blendv_ps(no.high, yes.high, _mm256_castsi256_ps(where.high)),
    };
}

static inline struct floats floats_maximum(struct floats a, struct floats b)
{
    return (struct floats){_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
}

static inline struct floats floats_fma_where(struct lanes where, struct floats a, struct floats b,
                                             struct floats c)
{
    return floats_select(where, floats_fma(a, b, c), floats_all(0));
}

static inline struct words floats_bits(struct floats x)
{
    return (struct words){_mm256_castps_si256(x.low), _mm256_castps_si256(x.high)};
}

static inline float floats_sum(struct floats x)
{
    __m256 eight = _mm256_add_ps(x.low, x.high);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

static inline struct doubles doubles_zero(void)
{
    __m256d zero = _mm256_setzero_pd();
    return (struct doubles){{zero, zero, zero, zero}};
}

static inline struct doubles doubles_add_square(struct doubles sum, struct floats x)
{
    const __m128 quarters[4] = {_mm256_castps256_ps128(x.low), _mm256_extractf128_ps(x.low, 1),
                                _mm256_castps256_ps128(x.high), _mm256_extractf128_ps(x.high, 1)};
    for (int i = 0; i < 4; i++) {
        __m256d wide = _mm256_cvtps_pd(quarters[i]);
        sum.part[i] = _mm256_fmadd_pd(wide, wide, sum.part[i]);
    }
    return sum;
}

static inline double doubles_sum(struct doubles x)
{
    __m256d four =
        _mm256_add_pd(_mm256_add_pd(x.part[0], x.part[2]), _mm256_add_pd(x.part[1], x.part[3]));
    __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

/*
 * Lanes 0 .. 3 are floats_sum of a.x0 .. a.x3, lanes 4 .. 7 those of b, and so on. Vectors are met
 * in pairs (a, b): lanes of the lower half of a group go on in a's place, those of the upper half
 * in b's, so each step halves what is left.
 */
static inline __m256 sum_of_halves(__m256 a, __m256 b)
{
    return _mm256_add_ps(_mm256_blend_ps(a, b, 0xf0), _mm256_permute2f128_ps(a, b, 0x21));
}

static inline __m256 sum_of_pairs(__m256 a, __m256 b)
{
    __m256 crossed = _mm256_shuffle_ps(a, b, 0x4e);
    return _mm256_add_ps(_mm256_blend_ps(a, b, 0xcc), crossed);
}

static inline __m256 sum_of_neighbours(__m256 a, __m256 b)
{
    __m256 crossed = _mm256_blend_ps(_mm256_movehdup_ps(a), _mm256_moveldup_ps(b), 0xaa);
    return _mm256_add_ps(_mm256_blend_ps(a, b, 0xaa), crossed);
}

static inline __m256 sum_of_lanes(struct floats x)
{
    return _mm256_add_ps(x.low, x.high);
}

static inline __m256 sums_of_eight(struct quartet a, struct quartet b)
{
    __m256 x0 = sum_of_halves(sum_of_lanes(a.x0), sum_of_lanes(b.x0));
    __m256 x1 = sum_of_halves(sum_of_lanes(a.x1), sum_of_lanes(b.x1));
    __m256 x2 = sum_of_halves(sum_of_lanes(a.x2), sum_of_lanes(b.x2));
    __m256 x3 = sum_of_halves(sum_of_lanes(a.x3), sum_of_lanes(b.x3));
    return sum_of_neighbours(sum_of_pairs(x0, x2), sum_of_pairs(x1, x3));
}

static inline struct floats floats_sums(struct quartet a, struct quartet b, struct quartet c,
                                        struct quartet d)
{
    return (struct floats){sums_of_eight(a, b), sums_of_eight(c, d)};
}

static inline struct words words_all(uint32_t x)
{
    return (struct words){_mm256_set1_epi32((int)x), _mm256_set1_epi32((int)x)};
}

static inline struct words words_load(const uint32_t *from)
{
    return (struct words){_mm256_loadu_si256((const __m256i *)from),
                          _mm256_loadu_si256((const __m256i *)(from + 8))};
}

static inline struct words words_load_bytes(const uint8_t *from)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)from);
    return (struct words){_mm256_cvtepu8_epi32(bytes),
                          _mm256_cvtepu8_epi32(_mm_unpackhi_epi64(bytes, bytes))};
}

static inline uint64_t bytes_filled(const uint8_t *from)
{
    const __m256i zero = _mm256_setzero_si256();
    const __m256i low = _mm256_loadu_si256((const __m256i *)from);
    const __m256i high = _mm256_loadu_si256((const __m256i *)(from + 32));
    const uint32_t low_empty = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, zero));
    const uint32_t high_empty = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, zero));
    return ~((uint64_t)high_empty << 32 | low_empty);
}

/* Of half as many bytes each. */
static inline void bytes_transpose_half(const uint8_t *from, uint32_t first, uint8_t *to,
                                        uint32_t count)
{
    __m256i x[LANES], y[LANES];
    for (int i = 0; i < LANES; i++)
        x[i] = _mm256_loadu_si256((const __m256i *)(from + 64 * i + first));
    /* Each round moves the number of the byte by one bit: after four, rows are columns. */
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < LANES / 2; i++) {
            y[2 * i] = _mm256_unpacklo_epi8(x[i], x[i + LANES / 2]);
            y[2 * i + 1] = _mm256_unpackhi_epi8(x[i], x[i + LANES / 2]);
        }
        memcpy(x, y, sizeof x);
    }
    for (uint32_t j = 0; j < LANES; j++) {
        const uint32_t low = first + j, high = low + 16;
        if (low < count)
            _mm_storeu_si128((__m128i *)(to + 64 * (size_t)low), _mm256_castsi256_si128(x[j]));
        if (high < count)
            _mm_storeu_si128((__m128i *)(to + 64 * (size_t)high),
                             _mm256_extracti128_si256(x[j], 1));
    }
}

static inline void bytes_transpose(const uint8_t *from, uint8_t *to, uint32_t count)
{
    bytes_transpose_half(from, 0, to, count);
    bytes_transpose_half(from, 32, to, count);
}

static inline struct floats words_as_floats(struct words x)
{
    return (struct floats){_mm256_castsi256_ps(x.low), _mm256_castsi256_ps(x.high)};
}

static inline struct floats words_to_floats(struct words x)
{
    return (struct floats){_mm256_cvtepi32_ps(x.low), _mm256_cvtepi32_ps(x.high)};
}

static inline struct words words_add(struct words a, struct words b)
{
    return (struct words){_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
}

static inline struct words words_subtract(struct words a, struct words b)
{
    return (struct words){_mm256_sub_epi32(a.low, b.low), _mm256_sub_epi32(a.high, b.high)};
}

static inline struct words words_and(struct words a, struct words b)
{
    return (struct words){_mm256_and_si256(a.low, b.low), _mm256_and_si256(a.high, b.high)};
}

static inline struct words words_or(struct words a, struct words b)
{
    return (struct words){_mm256_or_si256(a.low, b.low), _mm256_or_si256(a.high, b.high)};
}

static inline struct words words_xor(struct words a, struct words b)
{
    return (struct words){_mm256_xor_si256(a.low, b.low), _mm256_xor_si256(a.high, b.high)};
}

static inline struct words words_shift_left_23(struct words x)
{
    return (struct words){_mm256_slli_epi32(x.low, 23), _mm256_slli_epi32(x.high, 23)};
}

static inline struct words words_shift_right_23(struct words x)
{
    return (struct words){_mm256_srai_epi32(x.low, 23), _mm256_srai_epi32(x.high, 23)};
}

static inline struct words words_shift_right_16(struct words x)
{
    return (struct words){_mm256_srli_epi32(x.low, 16), _mm256_srli_epi32(x.high, 16)};
}

static inline struct words words_shift_right_1(struct words x)
{
    return (struct words){_mm256_srai_epi32(x.low, 1), _mm256_srai_epi32(x.high, 1)};
}

static inline struct lanes words_equal(struct words a, struct words b)
{
    return (struct lanes){_mm256_cmpeq_epi32(a.low, b.low), _mm256_cmpeq_epi32(a.high, b.high)};
}

static inline struct lanes words_below(struct words a, struct words b)
{
    struct words sign = words_all(UINT32_C(0x80000000)); /* the instruction compares with signs */
    a = words_xor(a, sign);
    b = words_xor(b, sign);
    return (struct lanes){_mm256_cmpgt_epi32(b.low, a.low), _mm256_cmpgt_epi32(b.high, a.high)};
}

static inline __m256i words_multiply_half(__m256i a, __m256i b, __m256i *high)
{
    __m256i even = _mm256_mul_epu32(a, b);
    __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32));
    *high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
    return _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
}

static inline struct words words_multiply(struct words a, struct words b, struct words *high)
{
    struct words low;
    low.low = words_multiply_half(a.low, b.low, &high->low);
    low.high = words_multiply_half(a.high, b.high, &high->high);
    return low;
}

static inline void words_interleave_half(__m256i *x0, __m256i *x1, __m256i *x2, __m256i *x3)
{
    __m256i low01 = _mm256_unpacklo_epi32(*x0, *x1), low23 = _mm256_unpacklo_epi32(*x2, *x3);
    __m256i high01 = _mm256_unpackhi_epi32(*x0, *x1), high23 = _mm256_unpackhi_epi32(*x2, *x3);
    *x0 = _mm256_unpacklo_epi64(low01, low23);
    *x1 = _mm256_unpackhi_epi64(low01, low23);
    *x2 = _mm256_unpacklo_epi64(high01, high23);
    *x3 = _mm256_unpackhi_epi64(high01, high23);
}

static inline void words_interleave(struct words x[4])
{
    words_interleave_half(&x[0].low, &x[1].low, &x[2].low, &x[3].low);
    words_interleave_half(&x[0].high, &x[1].high, &x[2].high, &x[3].high);
}

static inline void floats_transpose(struct floats x[LANES])
{
    struct words part[4][4];
    for (int group = 0; group < 4; group++) {
        for (int i = 0; i < 4; i++)
            part[group][i] = floats_bits(x[4 * group + i]);
        words_interleave(part[group]);
    }
    for (int i = 0; i < 4; i++) {
        struct words a = part[0][i], b = part[1][i], c = part[2][i], d = part[3][i];
        x[i] = words_as_floats((struct words){_mm256_permute2x128_si256(a.low, b.low, 0x20),
                                              _mm256_permute2x128_si256(c.low, d.low, 0x20)});
        x[4 + i] = words_as_floats((struct words){_mm256_permute2x128_si256(a.low, b.low, 0x31),
                                                  _mm256_permute2x128_si256(c.low, d.low, 0x31)});
        x[8 + i] = words_as_floats((struct words){_mm256_permute2x128_si256(a.high, b.high, 0x20),
                                                  _mm256_permute2x128_si256(c.high, d.high, 0x20)});
        x[12 + i] =
            words_as_floats((struct words){_mm256_permute2x128_si256(a.high, b.high, 0x31),
                                           _mm256_permute2x128_si256(c.high, d.high, 0x31)});
    }
}

#endif
