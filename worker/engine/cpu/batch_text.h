/*
 * batch_text.h: transposes, dropout and the sums over samples; written on the names of an isa_*.h
 * that is included before.
 */

/* Rows below the first `units` and columns below the first n take part. */
static void transpose(const struct activations *from, float *to, size_t to_row)
{
    for (uint32_t unit = 0; unit < from->units; unit += LANES) {
        struct lanes units = lanes_first(from->units - unit);
        for (uint32_t first = 0; first < from->n; first += LANES) {
            struct floats x[LANES];
            for (uint32_t i = 0; i < LANES; i++)
                x[i] = unit + i < from->units
                           ? floats_load(from->values + (unit + i) * from->stride + first)
                           : floats_all(0);
            floats_transpose(x);
            for (uint32_t i = 0; i < LANES && first + i < from->n; i++)
                floats_store_where(to + (first + i) * to_row + unit, units, x[i]);
        }
    }
}

static void sum_samples(const struct activations *values, float *sums)
{
    for (uint32_t unit = 0; unit < values->units; unit++) {
        const float *row = values->values + unit * values->stride;
        struct floats sum = floats_all(0);
        uint32_t first = 0;
        for (; first + LANES <= values->n; first += LANES)
            sum = floats_add(sum, floats_load(row + first));
        /* The other lanes get a zero added, which changes no sum that began at +0. */
        if (first < values->n)
            sum = floats_add(sum, floats_load_where(row + first, lanes_first(values->n - first)));
        sums[unit] = floats_sum(sum);
    }
}

/* Philox4x32-10 (see common/philox.h) of sixteen counters under one key. */
static inline void philox_words(struct words counter[4], const uint32_t key[2])
{
    struct words key0 = words_all(key[0]), key1 = words_all(key[1]);
    for (int round = 0; round < 10; round++) {
        struct words high0, high1;
        struct words low0 = words_multiply(counter[0], words_all(UINT32_C(0xD2511F53)), &high0);
        struct words low1 = words_multiply(counter[2], words_all(UINT32_C(0xCD9E8D57)), &high1);
        counter[0] = words_xor(words_xor(high1, counter[1]), key0);
        counter[1] = low1;
        counter[2] = words_xor(words_xor(high0, counter[3]), key1);
        counter[3] = low0;
        key0 = words_add(key0, words_all(UINT32_C(0x9E3779B9)));
        key1 = words_add(key1, words_all(UINT32_C(0xBB67AE85)));
    }
}

/* The 64 samples from `first` on of one unit; `block` is the counter of the first four. */
static inline void drop_samples(const struct dropout *dropout, uint32_t block, uint32_t left,
                                float *values)
{
    /* In this order the interleaved words are those of successive samples. */
    static const uint32_t order[LANES] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
    struct words words[4] = {
        words_add(words_all(block), words_load(order)),
        words_all(dropout->context[0]),
        words_all(dropout->context[1]),
        words_all(dropout->context[2]),
    };
    philox_words(words, dropout->key);
    words_interleave(words);
    for (uint32_t i = 0; i < 4 && i * LANES < left; i++) {
        struct lanes dropped = words_below(words[i], words_all(dropout->threshold));
        struct floats x = floats_load(values + i * LANES);
        x = floats_multiply(x, floats_all(dropout->scale));
        floats_store(values + i * LANES, floats_select(dropped, floats_all(0), x));
    }
}

static void drop(const struct dropout *dropout, const struct activations *values)
{
    uint32_t blocks = values->n / 4 + (values->n % 4 != 0); /* of four samples, in a row */
    for (uint32_t unit = 0; unit < values->units; unit++) {
        float *row = values->values + unit * values->stride;
        for (uint32_t first = 0; first < values->n; first += 4 * LANES)
            drop_samples(dropout, unit * blocks + first / 4, values->n - first, row + first);
    }
}
