/*
 * batch_text.h: a mini-batch from the data set, transposes, dropout and the sums over samples;
 * written on the names of an isa_*.h that is included before.
 */

/* `count` inputs of one sample from `feature` on, as the network sees them; 0 in the other lanes.
 */
static inline struct floats inputs_load(const struct samples *samples, uint32_t sample,
                                        uint32_t feature, uint32_t count)
{
    size_t place = (size_t)sample * samples->features + feature;
    struct floats x;
    if (samples->type == SAMPLE_U8) {
        const uint8_t *from = (const uint8_t *)samples->inputs + place;
        uint8_t part[LANES] = {0};
        if (count < LANES)
            from = memcpy(part, from, count);
        x = words_to_floats(words_load_bytes(from));
    } else {
        float part[LANES] = {0};
        memcpy(part, (const uint8_t *)samples->inputs + place * sizeof(float),
               (count < LANES ? count : LANES) * sizeof(float));
        x = floats_load(part);
    }
    x = floats_fma(x, floats_all(samples->scale), floats_all(samples->shift));
    return count < LANES ? floats_select(lanes_first(count), x, floats_all(0)) : x;
}

enum { PREFETCHED_SAMPLES = 8, LINE_BYTES = 64 };

/* The samples lie anywhere in memory: asks for the lines of one that is soon to be read. */
static inline void inputs_prefetch(const struct batch_source *source, uint32_t number)
{
    if (number >= source->n)
        return;
    const struct samples *samples = source->samples;
    size_t bytes = samples->features * (samples->type == SAMPLE_U8 ? 1 : sizeof(float));
    const uint8_t *from = (const uint8_t *)samples->inputs + source->index[number] * bytes;
    for (size_t line = 0; line < bytes; line += LINE_BYTES)
        __builtin_prefetch(from + line);
}

static void gather_sample(const struct batch_source *source, uint32_t number, float *to)
{
    uint32_t features = source->samples->features;
    inputs_prefetch(source, number + PREFETCHED_SAMPLES);
    for (uint32_t feature = 0; feature < features; feature += LANES)
        floats_store(to + feature, inputs_load(source->samples, source->index[number], feature,
                                               features - feature));
}

/* Samples first .. first + LANES; those beyond the batch are padding. */
static void gather_group(const struct batch_source *source, const struct batch *batch,
                         uint32_t first)
{
    uint32_t features = source->samples->features;
    uint32_t count = first >= source->n ? 0 : source->n - first;
    const float *from = batch->by_sample + first * batch->sample_row;
    for (uint32_t i = 0; i < LANES && i < count; i++)
        gather_sample(source, first + i, batch->by_sample + (first + i) * batch->sample_row);
    for (uint32_t feature = 0; feature < features; feature += LANES) {
        struct floats x[LANES];
        for (uint32_t i = 0; i < LANES; i++)
            x[i] = i < count ? floats_load(from + i * batch->sample_row + feature) : floats_all(0);
        floats_transpose(x);
        float *to = batch->by_feature + feature * batch->stride + first;
        for (uint32_t i = 0; i < LANES && i < features - feature; i++)
            floats_store(to + i * batch->stride, x[i]);
    }
}

static void gather(const struct batch_source *source, const struct batch *batch)
{
    for (uint32_t first = 0; first < batch->stride; first += LANES)
        gather_group(source, batch, first);
}

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
