/*
 * isa_plain.h: the sixteen lanes of the kernels in C for any CPU: four vectors of four, which gcc
 * and clang map to what the CPU has. See isa_avx512.h for what the names mean.
 */
#ifndef RATCHET_WORKER_ENGINE_CPU_ISA_PLAIN_H
#define RATCHET_WORKER_ENGINE_CPU_ISA_PLAIN_H

#include <stdint.h>
#include <string.h>

static const char isa_name[] = "plain";

/*
 * The texts ask for a copy of their loops per shape, so that sums stay in registers. Where there is
 * no fused multiply-add all time goes into the C library's, sixteen calls a vector, and the copies
 * would be a megabyte for nothing: what is copied is the compiler's choice then.
 */
#ifndef __FP_FAST_FMAF
#define always_inline
#endif

enum { LANES = 16, PARTS = 4, PART_LANES = 4 };
enum { TILE_SUMS = 6 };

typedef float four_floats __attribute__((vector_size(16)));
typedef uint32_t four_words __attribute__((vector_size(16)));
typedef int32_t four_signed __attribute__((vector_size(16)));

struct floats {
    four_floats part[PARTS];
};
struct doubles {
    double lane[LANES];
};
struct quartet {
    struct floats x0, x1, x2, x3;
};
struct words {
    four_words part[PARTS];
};
/* All bits of a lane are set, or none. */
struct lanes {
    four_signed part[PARTS];
};

static inline struct lanes lanes_first(uint32_t count)
{
    struct lanes lanes = {{{0}}};
    for (uint32_t i = 0; i < LANES; i++)
        lanes.part[i / PART_LANES][i % PART_LANES] = i < count ? -1 : 0;
    return lanes;
}

static inline struct floats floats_all(float x)
{
    struct floats all;
    for (int i = 0; i < PARTS; i++)
        all.part[i] = (four_floats){x, x, x, x};
    return all;
}

static inline struct floats floats_load(const float *from)
{
    struct floats x;
    memcpy(&x, from, sizeof x);
    return x;
}

static inline struct floats floats_load_where(const float *from, struct lanes where)
{
    struct floats x = floats_all(0);
    for (int i = 0; i < LANES; i++) {
        if (where.part[i / PART_LANES][i % PART_LANES])
            x.part[i / PART_LANES][i % PART_LANES] = from[i];
    }
    return x;
}

static inline void floats_store(float *to, struct floats x)
{
    memcpy(to, &x, sizeof x);
}

static inline void floats_store_where(float *to, struct lanes where, struct floats x)
{
    for (int i = 0; i < LANES; i++) {
        if (where.part[i / PART_LANES][i % PART_LANES])
            to[i] = x.part[i / PART_LANES][i % PART_LANES];
    }
}

static inline struct floats floats_add(struct floats a, struct floats b)
{
    for (int i = 0; i < PARTS; i++)
        a.part[i] += b.part[i];
    return a;
}

static inline struct floats floats_subtract(struct floats a, struct floats b)
{
    for (int i = 0; i < PARTS; i++)
        a.part[i] -= b.part[i];
    return a;
}

static inline struct floats floats_multiply(struct floats a, struct floats b)
{
    for (int i = 0; i < PARTS; i++)
        a.part[i] *= b.part[i];
    return a;
}

static inline struct floats floats_divide(struct floats a, struct floats b)
{
    for (int i = 0; i < PARTS; i++)
        a.part[i] /= b.part[i];
    return a;
}

static inline struct floats floats_fma(struct floats a, struct floats b, struct floats c)
{
    for (int i = 0; i < PARTS; i++) {
        for (int j = 0; j < PART_LANES; j++)
            c.part[i][j] = __builtin_fmaf(a.part[i][j], b.part[i][j], c.part[i][j]);
    }
    return c;
}

static inline struct floats floats_sqrt(struct floats x)
{
    for (int i = 0; i < PARTS; i++) {
        for (int j = 0; j < PART_LANES; j++)
            x.part[i][j] = __builtin_sqrtf(x.part[i][j]);
    }
    return x;
}

static inline struct lanes floats_below(struct floats a, struct floats b)
{
    struct lanes lanes = {{{0}}};
    for (int i = 0; i < PARTS; i++)
        lanes.part[i] = a.part[i] < b.part[i];
    return lanes;
}

static inline struct lanes floats_equal(struct floats a, struct floats b)
{
    struct lanes lanes = {{{0}}};
    for (int i = 0; i < PARTS; i++)
        lanes.part[i] = a.part[i] == b.part[i];
    return lanes;
}

static inline struct floats floats_select(struct lanes where, struct floats yes, struct floats no)
{
    for (int i = 0; i < PARTS; i++) {
        four_signed y = (four_signed)yes.part[i], n = (four_signed)no.part[i];
        no.part[i] = (four_floats)((y & where.part[i]) | (n & ~where.part[i]));
    }
    return no;
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
    for (int i = 0; i < PARTS; i++)
        bits.part[i] = (four_words)x.part[i];
    return bits;
}

static inline float floats_sum(struct floats x)
{
    four_floats four = (x.part[0] + x.part[2]) + (x.part[1] + x.part[3]);
    return (four[0] + four[2]) + (four[1] + four[3]);
}

static inline struct doubles doubles_zero(void)
{
    return (struct doubles){{0}};
}

static inline struct doubles doubles_add_square(struct doubles sum, struct floats x)
{
    for (int i = 0; i < LANES; i++) {
        double wide = (double)x.part[i / PART_LANES][i % PART_LANES];
        sum.lane[i] += wide * wide;
    }
    return sum;
}

static inline double doubles_sum(struct doubles x)
{
    for (int half = LANES / 2; half > 0; half /= 2) {
        for (int i = 0; i < half; i++)
            x.lane[i] += x.lane[i + half];
    }
    return x.lane[0];
}

static inline four_floats quartet_sums(struct quartet x)
{
    return (four_floats){floats_sum(x.x0), floats_sum(x.x1), floats_sum(x.x2), floats_sum(x.x3)};
}

/* Lanes 0 .. 3 are floats_sum of a.x0 .. a.x3, lanes 4 .. 7 those of b, and so on. */
static inline struct floats floats_sums(struct quartet a, struct quartet b, struct quartet c,
                                        struct quartet d)
{
    return (struct floats){{quartet_sums(a), quartet_sums(b), quartet_sums(c), quartet_sums(d)}};
}

static inline struct words words_all(uint32_t x)
{
    struct words all;
    for (int i = 0; i < PARTS; i++)
        all.part[i] = (four_words){x, x, x, x};
    return all;
}

static inline struct words words_load(const uint32_t *from)
{
    struct words x = {{{0}}};
    memcpy(&x, from, sizeof x);
    return x;
}

static inline struct words words_load_bytes(const uint8_t *from)
{
    struct words x = {{{0}}};
    for (int i = 0; i < LANES; i++)
        x.part[i / PART_LANES][i % PART_LANES] = from[i];
    return x;
}

static inline uint64_t bytes_filled(const uint8_t *from)
{
    uint64_t filled = 0;
    for (int j = 0; j < 64; j++)
        filled |= (uint64_t)(from[j] != 0) << j;
    return filled;
}

static inline void bytes_transpose(const uint8_t *from, uint8_t *to, uint32_t count)
{
    for (uint32_t j = 0; j < count; j++)
        for (uint32_t i = 0; i < LANES; i++)
            to[64 * j + i] = from[64 * i + j];
}

static inline struct floats words_as_floats(struct words x)
{
    struct floats same;
    for (int i = 0; i < PARTS; i++)
        same.part[i] = (four_floats)x.part[i];
    return same;
}

static inline struct floats words_to_floats(struct words x)
{
    struct floats converted;
    for (int i = 0; i < PARTS; i++)
        converted.part[i] = __builtin_convertvector((four_signed)x.part[i], four_floats);
    return converted;
}

static inline struct words words_add(struct words a, struct words b)
{
    for (int i = 0; i < PARTS; i++)
        a.part[i] += b.part[i];
    return a;
}

static inline struct words words_subtract(struct words a, struct words b)
{
    for (int i = 0; i < PARTS; i++)
        a.part[i] -= b.part[i];
    return a;
}

static inline struct words words_and(struct words a, struct words b)
{
    for (int i = 0; i < PARTS; i++)
        a.part[i] &= b.part[i];
    return a;
}

static inline struct words words_or(struct words a, struct words b)
{
    for (int i = 0; i < PARTS; i++)
        a.part[i] |= b.part[i];
    return a;
}

static inline struct words words_xor(struct words a, struct words b)
{
    for (int i = 0; i < PARTS; i++)
        a.part[i] ^= b.part[i];
    return a;
}

static inline struct words words_shift_left_23(struct words x)
{
    for (int i = 0; i < PARTS; i++)
        x.part[i] <<= 23;
    return x;
}

static inline struct words words_shift_right_23(struct words x)
{
    for (int i = 0; i < PARTS; i++)
        x.part[i] = (four_words)((four_signed)x.part[i] >> 23);
    return x;
}

static inline struct words words_shift_right_16(struct words x)
{
    for (int i = 0; i < PARTS; i++)
        x.part[i] >>= 16;
    return x;
}

static inline struct words words_shift_right_1(struct words x)
{
    for (int i = 0; i < PARTS; i++)
        x.part[i] = (four_words)((four_signed)x.part[i] >> 1);
    return x;
}

static inline struct lanes words_equal(struct words a, struct words b)
{
    struct lanes lanes = {{{0}}};
    for (int i = 0; i < PARTS; i++)
        lanes.part[i] = (four_signed)(a.part[i] == b.part[i]);
    return lanes;
}

static inline struct lanes words_below(struct words a, struct words b)
{
    struct lanes lanes = {{{0}}};
    for (int i = 0; i < PARTS; i++)
        lanes.part[i] = (four_signed)(a.part[i] < b.part[i]);
    return lanes;
}

static inline struct words words_multiply(struct words a, struct words b, struct words *high)
{
    for (int i = 0; i < PARTS; i++) {
        for (int j = 0; j < PART_LANES; j++) {
            uint64_t product = (uint64_t)a.part[i][j] * b.part[i][j];
            a.part[i][j] = (uint32_t)product;
            high->part[i][j] = (uint32_t)(product >> 32);
        }
    }
    return a;
}

static inline void words_interleave(struct words x[4])
{
    struct words y[4] = {{{{0}}}};
    for (int quarter = 0; quarter < PARTS; quarter++) {
        for (int r = 0; r < 4; r++) {
            for (int i = 0; i < 4; i++)
                y[r].part[quarter][i] = x[i].part[quarter][r];
        }
    }
    memcpy(x, y, sizeof y);
}

static inline void floats_transpose(struct floats x[LANES])
{
    struct floats y[LANES] = {{{{0}}}};
    for (int i = 0; i < LANES; i++) {
        for (int j = 0; j < LANES; j++)
            y[j].part[i / PART_LANES][i % PART_LANES] = x[i].part[j / PART_LANES][j % PART_LANES];
    }
    memcpy(x, y, sizeof y);
}

#endif
