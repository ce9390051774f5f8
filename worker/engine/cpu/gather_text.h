/*
 * gather_text.h: a mini-batch from the data set, both ways round; written on the names of an
 * isa_*.h that is included before.
 *
 * Sixteen samples by sixteen features at a time: read, converted, stored, transposed in registers
 * and stored again. The samples lie anywhere in memory, so meanwhile the lines of the next sixteen
 * are asked for, a few at a time: all at once they would wait for each other.
 */

enum { LINE_BYTES = 64 };

/* Some columns of a matrix: where they are in the first row, and the way to the next row. */
struct columns {
    float *first;
    size_t row;
};

/* A matrix of the batch. */
struct batch_matrix {
    float *values;
    size_t row; /* of MATRIX_ROWS */
    uint32_t rows;
    enum matrix_layout layout;
};

/* The panel that begins at this column; `count` is its width. */
static inline struct columns columns_of_panel(const struct batch_matrix *matrix, uint32_t column,
                                              uint32_t count)
{
    if (matrix->layout == MATRIX_ROWS)
        return (struct columns){matrix->values + column, matrix->row};
    return (struct columns){matrix->values + (size_t)column * matrix->rows,
                            (count + LANES - 1) / LANES * LANES};
}

/* Where a sample begins. */
static inline const uint8_t *sample_start(const struct batch_source *source, uint32_t number)
{
    const struct samples *samples = source->samples;
    size_t bytes = samples->features * (samples->type == SAMPLE_U8 ? 1 : sizeof(float));
    return (const uint8_t *)samples->inputs + source->index[number] * bytes;
}

/* `count` inputs of a sample as the network sees them; 0 in the other lanes. */
static inline struct floats inputs_load(const struct samples *samples, const uint8_t *from,
                                        uint32_t count)
{
    struct floats x;
    if (samples->type == SAMPLE_U8) {
        uint8_t part[LANES] = {0};
        if (count < LANES)
            from = memcpy(part, from, count);
        x = words_to_floats(words_load_bytes(from));
    } else {
        float part[LANES] = {0};
        memcpy(part, from, (count < LANES ? count : LANES) * sizeof(float));
        x = floats_load(part);
    }
    x = floats_fma(x, floats_all(samples->scale), floats_all(samples->shift));
    return count < LANES ? floats_select(lanes_first(count), x, floats_all(0)) : x;
}

/* Sixteen samples, the first of them `first`; those beyond the batch are padding. */
struct gather_group {
    const struct batch_source *source;
    uint32_t first, count;
    size_t bytes; /* of an input */
    const uint8_t *start[LANES];
};

static struct gather_group group_open(const struct batch_source *source, uint32_t first)
{
    struct gather_group group = {.source = source, .first = first};
    group.count = first >= source->n ? 0 : source->n - first < LANES ? source->n - first : LANES;
    group.bytes = source->samples->type == SAMPLE_U8 ? 1 : sizeof(float);
    for (uint32_t i = 0; i < group.count; i++)
        group.start[i] = sample_start(source, first + i);
    return group;
}

/* Of the lines that these samples have in sixteen features, the share of this place. */
static inline void group_prefetch(const struct gather_group *group, uint32_t feature)
{
    const uint32_t steps = (uint32_t)(LINE_BYTES / (LANES * group->bytes)); /* to a line */
    const uint32_t samples = LANES / steps, step = feature / LANES % steps;
    for (uint32_t i = step * samples; i < (step + 1) * samples && i < group->count; i++)
        __builtin_prefetch(group->start[i] + feature * group->bytes);
}

/* Sixteen features of the group's samples. */
static inline void group_load(const struct gather_group *group, uint32_t feature,
                              struct floats x[LANES])
{
    const struct samples *samples = group->source->samples;
    const uint32_t features = samples->features - feature;
    if (group->count == LANES && features >= LANES) {
        for (uint32_t i = 0; i < LANES; i++)
            x[i] = inputs_load(samples, group->start[i] + feature * group->bytes, LANES);
        return;
    }
    for (uint32_t i = 0; i < LANES; i++)
        x[i] = i < group->count
                   ? inputs_load(samples, group->start[i] + feature * group->bytes, features)
                   : floats_all(0);
}

/* Into the rows of by_sample and the columns `to` of by_feature. */
static void gather_columns(const struct gather_group *group, const struct gather_group *next,
                           const struct batch *batch, struct columns to)
{
    const struct batch_matrix by_sample = {batch->by_sample, batch->sample_row,
                                           group->source->n + batch->ones, batch->layout};
    const uint32_t features = group->source->samples->features;
    uint32_t count;
    for (uint32_t panel = 0; panel < features; panel += count) {
        count = panel_columns(features - panel);
        struct columns rows = columns_of_panel(&by_sample, panel, count);
        rows.first += group->first * rows.row;
        for (uint32_t feature = panel; feature < panel + count; feature += LANES) {
            struct floats x[LANES];
            group_prefetch(next, feature);
            group_load(group, feature, x);
            for (uint32_t i = 0; i < group->count; i++)
                floats_store(rows.first + i * rows.row + feature - panel, x[i]);
            floats_transpose(x);
            for (uint32_t i = 0; i < LANES && i < features - feature; i++)
                floats_store(to.first + (feature + i) * to.row, x[i]);
        }
    }
}

/* The row behind the others. */
static void add_ones(const struct batch_matrix *matrix, uint32_t columns)
{
    uint32_t count;
    for (uint32_t panel = 0; panel < columns; panel += count) {
        count = panel_columns(columns - panel);
        const struct columns to = columns_of_panel(matrix, panel, count);
        for (uint32_t column = 0; column < count; column += LANES)
            floats_store(to.first + (matrix->rows - 1) * to.row + column, floats_all(1));
    }
}

static void gather(const struct batch_source *source, const struct batch *batch)
{
    const uint32_t samples = (uint32_t)batch->stride;
    const struct batch_matrix by_feature = {batch->by_feature, batch->stride,
                                            source->samples->features + batch->ones, batch->layout};
    struct gather_group next = group_open(source, 0);
    uint32_t count;
    for (uint32_t panel = 0; panel < samples; panel += count) {
        count = panel_columns(samples - panel);
        for (uint32_t first = panel; first < panel + count; first += LANES) {
            struct gather_group group = next;
            struct columns to = columns_of_panel(&by_feature, panel, count);
            to.first += first - panel;
            next = group_open(source, first + LANES);
            gather_columns(&group, &next, batch, to);
        }
    }
    if (batch->ones == 0)
        return;
    add_ones(&by_feature, samples);
    add_ones(&(struct batch_matrix){batch->by_sample, 0, source->n + batch->ones, batch->layout},
             source->samples->features);
}
