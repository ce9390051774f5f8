/*
 * blake2b_text.h: the text of BLAKE2b's compression function (RFC 7693, section 3), for whatever
 * `words` are: blake2b_plain.c and blake2b_avx2.c say so before they include it, and once each.
 * They also say what words_all() and the rotations to the right are.
 *
 * The rounds are written out: only then are the places of the message's words constants.
 */
static const uint64_t blake2b_start[8] = {
    UINT64_C(0x6a09e667f3bcc908), UINT64_C(0xbb67ae8584caa73b), UINT64_C(0x3c6ef372fe94f82b),
    UINT64_C(0xa54ff53a5f1d36f1), UINT64_C(0x510e527fade682d1), UINT64_C(0x9b05688c2b3e6c1f),
    UINT64_C(0x1f83d9abfb41bd6b), UINT64_C(0x5be0cd19137e2179),
};

/* In which order the rounds take the message's words: SIGMA. */
static const uint8_t order[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

/* Four words of the sixteen, a column or a diagonal: G. */
struct four {
    words *a, *b, *c, *d;
};

static inline __attribute__((always_inline)) void mix(struct four at, const words *message,
                                                      const uint8_t *two)
{
    *at.a = *at.a + *at.b + message[two[0]];
    *at.d = rotate_32(*at.d ^ *at.a);
    *at.c = *at.c + *at.d;
    *at.b = rotate_24(*at.b ^ *at.c);
    *at.a = *at.a + *at.b + message[two[1]];
    *at.d = rotate_16(*at.d ^ *at.a);
    *at.c = *at.c + *at.d;
    *at.b = rotate_63(*at.b ^ *at.c);
}

static inline __attribute__((always_inline)) void round_of(words *v, const words *message,
                                                           const uint8_t *of)
{
    mix((struct four){&v[0], &v[4], &v[8], &v[12]}, message, of);
    mix((struct four){&v[1], &v[5], &v[9], &v[13]}, message, of + 2);
    mix((struct four){&v[2], &v[6], &v[10], &v[14]}, message, of + 4);
    mix((struct four){&v[3], &v[7], &v[11], &v[15]}, message, of + 6);
    mix((struct four){&v[0], &v[5], &v[10], &v[15]}, message, of + 8);
    mix((struct four){&v[1], &v[6], &v[11], &v[12]}, message, of + 10);
    mix((struct four){&v[2], &v[7], &v[8], &v[13]}, message, of + 12);
    mix((struct four){&v[3], &v[4], &v[9], &v[14]}, message, of + 14);
}

/* `bytes`: of the message up to the end of this block; `last`: all bits set for its last one. */
struct place {
    words bytes, last;
};

/* chain: [8], message: [16]; F. */
static inline __attribute__((always_inline)) void compress(words *chain, const words *message,
                                                           struct place place)
{
    words v[16];
    for (int i = 0; i < 8; i++)
        v[i] = chain[i];
    for (int i = 0; i < 8; i++)
        v[8 + i] = words_all(blake2b_start[i]);
    v[12] ^= place.bytes;
    v[14] ^= place.last;
    round_of(v, message, order[0]);
    round_of(v, message, order[1]);
    round_of(v, message, order[2]);
    round_of(v, message, order[3]);
    round_of(v, message, order[4]);
    round_of(v, message, order[5]);
    round_of(v, message, order[6]);
    round_of(v, message, order[7]);
    round_of(v, message, order[8]);
    round_of(v, message, order[9]);
    round_of(v, message, order[0]);
    round_of(v, message, order[1]);
    for (int i = 0; i < 8; i++)
        chain[i] ^= v[i] ^ v[8 + i];
}
