/*
 * chain_text.h: what runs of the narrowest layers, one to CHAIN_WIDTH_MAX units wide, are made of:
 * where their values lie, and one layer or two of them at all samples. Written on the names of an
 * isa_*.h, on step_text.h and tile_text.h, which are included before. chain_single_text.h has the
 * runs of one unit, chain_walk_text.h the way through a chain.
 *
 * A layer's numbers stay in registers, or near, while the samples go by in the order of memory. On
 * the way back its gradient is added up in registers as well, and the deltas of the layer before
 * leave by the same loop. The values of a deep chain would leave the cache before they are needed
 * again: so only those of every other layer are kept, and the way back computes the others once
 * more, in registers, where it needs them.
 */

/* One group of samples: a value per unit. Widths are constants wherever these are used. */
struct units {
    struct floats x[CHAIN_WIDTH_MAX];
};

static inline __attribute__((always_inline)) struct units
units_load(const float *from, size_t stride, struct lanes inside, const uint32_t width)
{
    struct units units;
    for (uint32_t u = 0; u < width; u++)
        units.x[u] = floats_load_where(from + u * stride, inside);
    return units;
}

static inline __attribute__((always_inline)) void
units_store(float *to, size_t stride, struct units units, const uint32_t width)
{
    for (uint32_t u = 0; u < width; u++)
        floats_store(to + u * stride, units.x[u]);
}

static inline __attribute__((always_inline)) struct units
units_activate(enum activation activation, struct units z, const uint32_t width)
{
    for (uint32_t u = 0; u < width; u++)
        z.x[u] = activation_of(activation, z.x[u]);
    return z;
}

/* ------------------------------------------------------------------------------- where they lie */

/* A stretch is as many layers as a group of samples goes through at once: the values at its ends
 * are kept. For one unit there is room for the sums of four layers in many registers. */
enum { CHAIN_STRETCH = 2, SINGLES_STRETCH = (int)TILE_SUMS >= 16 ? 4 : 2 };

static inline __attribute__((always_inline)) uint32_t chain_stretch(const uint32_t width)
{
    return width == 1 ? SINGLES_STRETCH : CHAIN_STRETCH;
}

/* A layer's values, and for GELU their z. */
struct chain_rows {
    float *values, *kept;
};

/* Layer 0 is the chain's input. What is kept lies together, so that it meets all sets of the
 * caches: of a power of two apart it would not. Layers behind the last whole stretch, and the last
 * layer of all, are in their own places. */
static inline __attribute__((always_inline)) struct chain_rows
chain_rows_of(const struct chain *chain, uint32_t layer, const uint32_t width)
{
    const uint32_t stretch = chain->keeps_all ? 1 : chain_stretch(width);
    const uint32_t stretches = (chain->layers - 1) / stretch;
    const size_t place = layer > stretches * stretch ? layer : layer / stretch;
    const size_t first = place * width * chain->stride;
    return (struct chain_rows){chain->values + first,
                               chain->kept != NULL ? chain->kept + first : NULL};
}

/* Of the layer that reads the values of this one. */
static inline __attribute__((always_inline)) const float *
chain_parameters_of(const struct chain *chain, uint32_t layer, const uint32_t width)
{
    return chain->parameters + (size_t)layer * (width * width + width);
}

/* ------------------------------------------------------------------------------------ forward */

/* What a layer's weights and biases are, a vector each. */
struct chain_factors {
    struct floats weights[CHAIN_WIDTH_MAX][CHAIN_WIDTH_MAX];
    struct floats biases[CHAIN_WIDTH_MAX];
};

static inline __attribute__((always_inline)) struct chain_factors
chain_factors_load(const float *parameters, const uint32_t width)
{
    struct chain_factors factors;
    for (uint32_t u = 0; u < width; u++) {
        factors.biases[u] = floats_all(parameters[width * width + u]);
        for (uint32_t i = 0; i < width; i++)
            factors.weights[u][i] = floats_all(parameters[u * width + i]);
    }
    return factors;
}

/* W [width, width] times the units, plus b. */
static inline __attribute__((always_inline)) struct units
units_forward(const struct chain_factors *factors, struct units a, const uint32_t width)
{
    struct units z;
    for (uint32_t u = 0; u < width; u++) {
        z.x[u] = factors->biases[u];
        for (uint32_t i = 0; i < width; i++)
            z.x[u] = floats_fma(factors->weights[u][i], a.x[i], z.x[u]);
    }
    return z;
}

/* The same where there are no registers for the factors: each is read when it is used, and the
 * units take turns, so that none waits for itself. */
static inline __attribute__((always_inline)) struct units
units_forward_reading(const float *parameters, struct units a, const uint32_t width)
{
    struct units z;
    for (uint32_t u = 0; u < width; u++)
        z.x[u] = floats_all(parameters[width * width + u]);
    for (uint32_t i = 0; i < width; i++) {
        for (uint32_t u = 0; u < width; u++)
            z.x[u] = floats_fma(floats_all(parameters[u * width + i]), a.x[i], z.x[u]);
    }
    return z;
}

/* A layer, or a stretch of them, at all samples; [width][stride]. */
struct chain_step {
    const float *parameters; /* of the first of its layers */
    struct chain_rows from, to;
    size_t stride;
    uint32_t n;
};

/* One or two layers. */
static inline __attribute__((always_inline)) void
chain_step_forward(const struct chain_step *step, const uint32_t layers, const uint32_t width,
                   const enum activation activation)
{
    const struct chain_factors factors = chain_factors_load(step->parameters, width);
    const float *second = step->parameters + width * width + width;
    const struct lanes all = lanes_first(LANES);
    for (uint32_t first = 0; first < step->n; first += LANES) {
        struct units a = units_load(step->from.values + first, step->stride, all, width);
        struct units z = units_forward(&factors, a, width);
        if (layers > 1)
            z = units_forward_reading(second, units_activate(activation, z, width), width);
        if (activation == ACTIVATION_GELU)
            units_store(step->to.kept + first, step->stride, z, width);
        a = units_activate(activation, z, width);
        units_store(step->to.values + first, step->stride, a, width);
    }
}

/* ----------------------------------------------------------------------------------- backward */

/* The widest layer whose gradient is added up in registers; a tile's sums tell how many there are.
 */
enum {
    CHAIN_BACKWARD_WIDTH =
        CHAIN_WIDTH_MAX * (CHAIN_WIDTH_MAX + 1) <= (int)TILE_SUMS ? (int)CHAIN_WIDTH_MAX : 2
};

/* What one layer's gradient is added up in. */
struct chain_sums {
    struct floats weights[CHAIN_WIDTH_MAX][CHAIN_WIDTH_MAX];
    struct floats biases[CHAIN_WIDTH_MAX];
};

static inline __attribute__((always_inline)) struct chain_sums
chain_sums_add(struct chain_sums sums, struct units delta, struct units input, const uint32_t width)
{
    for (uint32_t u = 0; u < width; u++) {
        sums.biases[u] = floats_add(sums.biases[u], delta.x[u]);
        for (uint32_t i = 0; i < width; i++)
            sums.weights[u][i] = floats_fma(delta.x[u], input.x[i], sums.weights[u][i]);
    }
    return sums;
}

/* Factor times delta plus sum, times the derivative of the layer before. */
static inline __attribute__((always_inline)) struct floats
derived_fma(const enum activation activation, struct floats from, struct floats factor,
            struct floats delta, struct floats sum)
{
    if (activation == ACTIVATION_RELU)
        return floats_fma_where(floats_below(floats_all(0), from), factor, delta, sum);
    return derived(activation, from, floats_fma(factor, delta, sum));
}

/* W^T times the deltas, times the derivative of the layer before. */
static inline __attribute__((always_inline)) struct units
units_backward(const float *parameters, struct units delta, struct units from, const uint32_t width,
               const enum activation activation)
{
    struct units before;
    for (uint32_t i = 0; i < width; i++) {
        struct floats sum = floats_all(0);
        for (uint32_t u = 0; u + 1 < width; u++)
            sum = floats_fma(floats_all(parameters[u * width + i]), delta.x[u], sum);
        before.x[i] =
            derived_fma(activation, from.x[i], floats_all(parameters[(width - 1) * width + i]),
                        delta.x[width - 1], sum);
    }
    return before;
}

/* A layer, or of one unit a stretch of them, on the way back at all samples; [width][stride]. */
struct chain_step_back {
    const float *parameters; /* of the first of its layers */
    struct chain_rows from;  /* what is kept: its input, or with `again` that of the layer before */
    const float *again;      /* that layer's parameters */
    const float *delta;      /* of the last of its layers */
    float *delta_before;     /* of the layer before the first */
    struct floats *sums;     /* where its sums go, as parameters lie */
    size_t stride;
    uint32_t n;
};

/* What a layer reads is kept, or computed once more. */
enum chain_source { CHAIN_READS, CHAIN_COMPUTES };

/* What a layer read, and what its activation's derivative is taken from. */
struct chain_input {
    struct units values, from;
};

static inline __attribute__((always_inline)) struct chain_input
chain_input_at(const struct chain_step_back *step, uint32_t first, struct lanes inside,
               const enum tile_edge edge, const enum chain_source source, const uint32_t width,
               const enum activation activation)
{
    struct chain_input input;
    input.values = units_load(step->from.values + first, step->stride, inside, width);
    input.from = input.values;
    if (source == CHAIN_COMPUTES) {
        input.from = units_forward_reading(step->again, input.values, width);
        input.values = units_activate(activation, input.from, width);
        for (uint32_t u = 0; u < width && edge == TILE_PARTIAL; u++)
            input.values.x[u] = floats_select(inside, input.values.x[u], floats_all(0));
        if (activation != ACTIVATION_GELU)
            input.from = input.values;
    } else if (activation == ACTIVATION_GELU) {
        input.from = units_load(step->from.kept + first, step->stride, inside, width);
    }
    return input;
}

static inline __attribute__((always_inline)) struct chain_sums
chain_step_group(const struct chain_step_back *step, uint32_t first, struct lanes inside,
                 const enum tile_edge edge, struct chain_sums sums, const enum chain_source source,
                 const uint32_t width, const enum activation activation)
{
    const struct chain_input input =
        chain_input_at(step, first, inside, edge, source, width, activation);
    struct units delta = units_load(step->delta + first, step->stride, inside, width);
    struct units before = units_backward(step->parameters, delta, input.from, width, activation);
    units_store(step->delta_before + first, step->stride, before, width);
    return chain_sums_add(sums, delta, input.values, width);
}

static inline __attribute__((always_inline)) void
chain_step_backward(const struct chain_step_back *step, const enum chain_source source,
                    const uint32_t width, const enum activation activation)
{
    const uint32_t n = step->n;
    struct chain_sums sums;
    for (uint32_t u = 0; u < width; u++) {
        sums.biases[u] = floats_all(0);
        for (uint32_t i = 0; i < width; i++)
            sums.weights[u][i] = floats_all(0);
    }
    uint32_t first = 0;
    for (; first + LANES <= n; first += LANES)
        sums = chain_step_group(step, first, lanes_first(LANES), TILE_WHOLE, sums, source, width,
                                activation);
    if (first < n)
        sums = chain_step_group(step, first, lanes_first(n - first), TILE_PARTIAL, sums, source,
                                width, activation);
    for (uint32_t u = 0; u < width; u++) {
        step->sums[width * width + u] = sums.biases[u];
        for (uint32_t i = 0; i < width; i++)
            step->sums[u * width + i] = sums.weights[u][i];
    }
}
