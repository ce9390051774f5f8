/*
 * blake2b_avx2.c: see blake2b.h. Four messages, one in each lane of AVX2's registers. The build
 * compiles this file for such CPUs, and nobody calls it on others; elsewhere there is no four.
 */
#include "coordinator/shell/blake2b.h"

#include <stdlib.h>

#if defined(__AVX2__)

#include <immintrin.h>

typedef uint64_t words __attribute__((vector_size(32)));

static inline words words_all(uint64_t word)
{
    return (words){word, word, word, word};
}

static inline words rotate_32(words x)
{
    return (words)_mm256_shuffle_epi32((__m256i)x, 0xb1);
}

static inline words rotate_24(words x)
{
    const __m128i from = _mm_setr_epi8(3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10);
    return (words)_mm256_shuffle_epi8((__m256i)x, _mm256_broadcastsi128_si256(from));
}

static inline words rotate_16(words x)
{
    const __m128i from = _mm_setr_epi8(2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9);
    return (words)_mm256_shuffle_epi8((__m256i)x, _mm256_broadcastsi128_si256(from));
}

static inline words rotate_63(words x)
{
    return x >> 63 | (x + x);
}

#include "coordinator/shell/blake2b_text.h"

static __m256i load(const struct blake2b_lane *lane, size_t at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)(lane->blocks + at));
}

/* The four words at `at` of each lane's blocks: message[i] is word i of all. */
static inline void load_words(const struct blake2b_lane *lanes, size_t at, words message[4])
{
    __m256i a = load(&lanes[0], at), b = load(&lanes[1], at);
    __m256i c = load(&lanes[2], at), d = load(&lanes[3], at);
    __m256i ab_even = _mm256_unpacklo_epi64(a, b), ab_odd = _mm256_unpackhi_epi64(a, b);
    __m256i cd_even = _mm256_unpacklo_epi64(c, d), cd_odd = _mm256_unpackhi_epi64(c, d);
    message[0] = (words)_mm256_permute2x128_si256(ab_even, cd_even, 0x20);
    message[1] = (words)_mm256_permute2x128_si256(ab_odd, cd_odd, 0x20);
    message[2] = (words)_mm256_permute2x128_si256(ab_even, cd_even, 0x31);
    message[3] = (words)_mm256_permute2x128_si256(ab_odd, cd_odd, 0x31);
}

bool blake2b_has_four(void)
{
    return __builtin_cpu_supports("avx2");
}

void blake2b_take_four(const struct blake2b_lane lanes[BLAKE2B_LANES], size_t count)
{
    words chain[8];
    struct place place = {.last = words_all(0)};
    for (int lane = 0; lane < BLAKE2B_LANES; lane++) {
        place.bytes[lane] = lanes[lane].state->bytes;
        for (int i = 0; i < 8; i++)
            chain[i][lane] = lanes[lane].state->chain[i];
    }
    for (size_t block = 0; block < count; block++) {
        words message[16];
        for (size_t i = 0; i < 4; i++)
            load_words(lanes, block * BLAKE2B_BLOCK_BYTES + i * sizeof(words), message + 4 * i);
        place.bytes += words_all(BLAKE2B_BLOCK_BYTES);
        compress(chain, message, place);
    }
    for (int lane = 0; lane < BLAKE2B_LANES; lane++) {
        lanes[lane].state->bytes = place.bytes[lane];
        for (int i = 0; i < 8; i++)
            lanes[lane].state->chain[i] = chain[i][lane];
    }
}

#else

bool blake2b_has_four(void)
{
    return false;
}

void blake2b_take_four(const struct blake2b_lane lanes[BLAKE2B_LANES], size_t count)
{
    (void)lanes;
    (void)count;
    abort(); /* nobody asks for four where there is no four */
}

#endif
