/*
 * layer_norm_text.h: layer norm over channels, forward and back; written on the names of an isa_*.h
 * that is included before.
 *
 * The rows of one position's channels lie far apart, and in few of the cache's sets: so a column of
 * them, for sixteen samples, is copied together once and worked on there.
 */

/* Samples from `first` on; zeros beyond the last. */
static inline struct floats floats_load_inside(const float *from, uint32_t first, uint32_t n)
{
    if (first + LANES <= n)
        return floats_load(from + first);
    return floats_load_where(from + first, lanes_first(n - first));
}

/* What a position and sixteen samples have in common. */
struct norm_column {
    struct floats mean, root;
};

/* Copies the channels to `column` less their mean. */
static inline struct norm_column norm_open(const struct layer_norm *norm, uint32_t position,
                                           uint32_t first, float *column)
{
    const struct floats share = floats_all(1.0F / (float)norm->channels);
    const size_t step = norm->positions * norm->stride;
    const float *input = norm->input + position * norm->stride;
    struct floats sum = floats_all(0), squares = floats_all(0);
    for (uint32_t c = 0; c < norm->channels; c++) {
        struct floats x = floats_load_inside(input + c * step, first, norm->n);
        floats_store(column + c * LANES, x);
        sum = floats_add(sum, x);
    }
    struct floats mean = floats_multiply(sum, share);
    for (uint32_t c = 0; c < norm->channels; c++) {
        struct floats apart = floats_subtract(floats_load(column + c * LANES), mean);
        squares = floats_fma(apart, apart, squares);
        floats_store(column + c * LANES, apart);
    }
    struct floats variance = floats_multiply(squares, share);
    struct floats root = floats_sqrt(floats_add(variance, floats_all(norm->eps)));
    return (struct norm_column){mean, floats_divide(floats_all(1.0F), root)};
}

static void layer_norm(const struct layer_norm *norm)
{
    const size_t step = norm->positions * norm->stride;
    for (uint32_t p = 0; p < norm->positions; p++)
        for (uint32_t first = 0; first < norm->n; first += LANES) {
            struct norm_column open = norm_open(norm, p, first, norm->scratch);
            float *output = norm->output + p * norm->stride + first;
            floats_store(norm->means + p * norm->stride + first, open.mean);
            floats_store(norm->roots + p * norm->stride + first, open.root);
            for (uint32_t c = 0; c < norm->channels; c++) {
                struct floats h =
                    floats_multiply(floats_load(norm->scratch + c * LANES), open.root);
                floats_store(output + c * step,
                             floats_fma(h, floats_all(norm->gain[c]), floats_all(norm->bias[c])));
            }
        }
}

/* The four columns of the way back: h, g, and the sums for the gradients. */
struct norm_columns {
    float *h, *g, *gain_sums, *bias_sums;
};

/* One position of sixteen samples: its share of the gradients, and the delta. */
static inline void norm_back(const struct layer_norm_backward *back,
                             const struct norm_columns *columns, uint32_t position, uint32_t first)
{
    const struct layer_norm *norm = &back->norm;
    const struct floats share = floats_all(1.0F / (float)norm->channels);
    const size_t step = norm->positions * norm->stride, row = position * norm->stride;
    struct floats mean = floats_load(norm->means + row + first);
    struct floats root = floats_load(norm->roots + row + first);
    struct floats a = floats_all(0), b = floats_all(0);
    for (uint32_t c = 0; c < norm->channels; c++) {
        struct floats x = floats_load_inside(norm->input + row + c * step, first, norm->n);
        struct floats delta = floats_load_inside(back->delta + row + c * step, first, norm->n);
        struct floats h = floats_multiply(floats_subtract(x, mean), root);
        struct floats g = floats_multiply(delta, floats_all(norm->gain[c]));
        float *gain_sum = columns->gain_sums + c * LANES,
              *bias_sum = columns->bias_sums + c * LANES;
        floats_store(gain_sum, floats_fma(delta, h, floats_load(gain_sum)));
        floats_store(bias_sum, floats_add(floats_load(bias_sum), delta));
        floats_store(columns->h + c * LANES, h);
        floats_store(columns->g + c * LANES, g);
        a = floats_add(a, g);
        b = floats_fma(g, h, b);
    }
    a = floats_multiply(a, share);
    b = floats_subtract(floats_all(0), floats_multiply(b, share));
    for (uint32_t c = 0; back->before != NULL && c < norm->channels; c++) {
        float *to = back->before + row + c * step + first;
        struct floats apart = floats_subtract(floats_load(columns->g + c * LANES), a);
        struct floats delta = floats_fma(floats_load(columns->h + c * LANES), b, apart);
        delta = floats_multiply(root, delta);
        floats_store(to, back->adds ? floats_add(floats_load(to), delta) : delta);
    }
}

static void layer_norm_back(const struct layer_norm_backward *back)
{
    const struct layer_norm *norm = &back->norm;
    const size_t column = (size_t)norm->channels * LANES;
    const struct norm_columns columns = {norm->scratch, norm->scratch + column,
                                         norm->scratch + 2 * column, norm->scratch + 3 * column};
    for (uint32_t c = 0; c < norm->channels; c++) {
        floats_store(columns.gain_sums + c * LANES, floats_all(0));
        floats_store(columns.bias_sums + c * LANES, floats_all(0));
    }
    for (uint32_t p = 0; p < norm->positions; p++)
        for (uint32_t first = 0; first < norm->n; first += LANES)
            norm_back(back, &columns, p, first);
    for (uint32_t c = 0; c < norm->channels; c++) {
        back->gain_gradient[c] = floats_sum(floats_load(columns.gain_sums + c * LANES));
        back->bias_gradient[c] = floats_sum(floats_load(columns.bias_sums + c * LANES));
    }
}
