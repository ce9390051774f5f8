/*
 * chain_text.h: runs of the narrowest layers, one to CHAIN_WIDTH_MAX units wide; written on the
 * names of an isa_*.h and on step_text.h, which are included before.
 *
 * Forward, a few groups of sixteen samples pass through all layers in registers. Backward, each
 * layer meets all samples once: its deltas and inputs are loaded, its gradient is added up in
 * registers, and the deltas of the layer before leave by the same loop.
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

/* W [width, width] times the units, plus b behind it. */
static inline __attribute__((always_inline)) struct units
units_forward(const float *parameters, struct units a, const uint32_t width)
{
    struct units z;
    for (uint32_t u = 0; u < width; u++) {
        z.x[u] = floats_all(parameters[width * width + u]);
        for (uint32_t i = 0; i < width; i++)
            z.x[u] = floats_fma(floats_all(parameters[u * width + i]), a.x[i], z.x[u]);
    }
    return z;
}

/* ------------------------------------------------------------------------------------ forward */

/* Where one layer of one group of samples comes from and goes to. */
struct chain_place {
    const float *parameters;
    float *values, *kept; /* of the group's first sample */
    size_t stride;
};

static inline __attribute__((always_inline)) struct units
chain_step(const struct chain_place *place, size_t offset, struct units a, const uint32_t width,
           const enum activation activation)
{
    a = units_forward(place->parameters, a, width);
    if (activation == ACTIVATION_GELU)
        units_store(place->kept + offset, place->stride, a, width);
    for (uint32_t u = 0; u < width; u++)
        a.x[u] = activation_of(activation, a.x[u]);
    units_store(place->values + offset, place->stride, a, width);
    return a;
}

/* Groups side by side, `first` the first sample of the first. Named and not an array: compilers
 * keep those in registers. */
static inline __attribute__((always_inline)) void
chain_forward_groups(const struct chain *chain, uint32_t first, const uint32_t groups,
                     const uint32_t width, const enum activation activation)
{
    const size_t layer_values = width * chain->stride;
    const struct lanes all = lanes_first(LANES);
    struct chain_place place = {
        .parameters = chain->parameters,
        .values = chain->values + first,
        .kept = chain->kept != NULL ? chain->kept + first : NULL,
        .stride = chain->stride,
    };
    struct units a0 = units_load(place.values, place.stride, all, width), a1 = a0, a2 = a0, a3 = a0;
    if (groups > 1)
        a1 = units_load(place.values + LANES, place.stride, all, width);
    if (groups > 2) {
        a2 = units_load(place.values + 2 * LANES, place.stride, all, width);
        a3 = units_load(place.values + 3 * LANES, place.stride, all, width);
    }
    for (uint32_t layer = 0; layer < chain->layers; layer++) {
        place.values += layer_values;
        if (activation == ACTIVATION_GELU)
            place.kept += layer_values;
        a0 = chain_step(&place, 0, a0, width, activation);
        if (groups > 1)
            a1 = chain_step(&place, LANES, a1, width, activation);
        if (groups > 2) {
            a2 = chain_step(&place, 2 * LANES, a2, width, activation);
            a3 = chain_step(&place, 3 * LANES, a3, width, activation);
        }
        place.parameters += width * width + width;
    }
}

static inline __attribute__((always_inline)) void
chain_forward_width(const struct chain *chain, const uint32_t width,
                    const enum activation activation)
{
    /* As many as hide the wait for each other, and no more than there are registers for. */
    const uint32_t groups = activation != ACTIVATION_RELU  ? 1
                            : (4 + 1) * width <= TILE_SUMS ? 4
                            : (2 + 1) * width <= TILE_SUMS ? 2
                                                           : 1;
    uint32_t first = 0;
    for (; first + groups * LANES <= chain->stride; first += groups * LANES)
        chain_forward_groups(chain, first, groups, width, activation);
    for (; first < chain->n; first += LANES)
        chain_forward_groups(chain, first, 1, width, activation);
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

/* W^T times the deltas, times the derivative of the layer before. */
static inline __attribute__((always_inline)) struct units
units_backward(const float *parameters, struct units delta, struct units from, const uint32_t width,
               const enum activation activation)
{
    struct units before;
    for (uint32_t i = 0; i < width; i++) {
        struct floats sum = floats_all(0);
        for (uint32_t u = 0; u < width; u++)
            sum = floats_fma(floats_all(parameters[u * width + i]), delta.x[u], sum);
        before.x[i] = derived(activation, from.x[i], sum);
    }
    return before;
}

/* Pointers into one layer of a chain. */
struct chain_layer {
    const float *parameters, *input, *kept, *delta;
    float *delta_before, *gradient;
};

static inline __attribute__((always_inline)) struct chain_sums
chain_backward_group(const struct chain_layer *layer, size_t stride, uint32_t first,
                     struct lanes inside, struct chain_sums sums, const uint32_t width,
                     const enum activation activation)
{
    struct units delta = units_load(layer->delta + first, stride, inside, width);
    struct units input = units_load(layer->input + first, stride, inside, width);
    struct units from = input;
    if (activation == ACTIVATION_GELU)
        from = units_load(layer->kept + first, stride, inside, width);
    struct units before = units_backward(layer->parameters, delta, from, width, activation);
    units_store(layer->delta_before + first, stride, before, width);
    return chain_sums_add(sums, delta, input, width);
}

static inline __attribute__((always_inline)) void
chain_backward_layer(const struct chain_layer *layer, const struct chain *chain,
                     const uint32_t width, const enum activation activation)
{
    struct chain_sums sums;
    for (uint32_t u = 0; u < width; u++) {
        sums.biases[u] = floats_all(0);
        for (uint32_t i = 0; i < width; i++)
            sums.weights[u][i] = floats_all(0);
    }
    uint32_t first = 0;
    for (; first + LANES <= chain->n; first += LANES)
        sums = chain_backward_group(layer, chain->stride, first, lanes_first(LANES), sums, width,
                                    activation);
    if (first < chain->n)
        sums = chain_backward_group(layer, chain->stride, first, lanes_first(chain->n - first),
                                    sums, width, activation);
    for (uint32_t u = 0; u < width; u++) {
        layer->gradient[width * width + u] = floats_sum(sums.biases[u]);
        for (uint32_t i = 0; i < width; i++)
            layer->gradient[u * width + i] = floats_sum(sums.weights[u][i]);
    }
}

static inline __attribute__((always_inline)) void
chain_backward_width(const struct chain_backward *backward, const uint32_t width,
                     const enum activation activation)
{
    const struct chain *chain = &backward->chain;
    const float *delta = backward->delta;
    for (uint32_t number = chain->layers; number-- > 0;) {
        const size_t place = number * (width * width + width), row = number * width * chain->stride;
        struct chain_layer layer = {
            .parameters = chain->parameters + place,
            .input = chain->values + row,
            .kept = chain->kept != NULL ? chain->kept + row : NULL,
            .delta = delta,
            .delta_before = backward->delta_before,
            .gradient = backward->gradient + place,
        };
        chain_backward_layer(&layer, chain, width, activation);
        delta = backward->delta_before;
    }
}

/* -------------------------------------------------------------------------- one of each of them */

static inline __attribute__((always_inline)) void
chain_forward_any(const struct chain *chain, const enum activation activation)
{
    switch (chain->width) {
    case 1:
        chain_forward_width(chain, 1, activation);
        break;
    case 2:
        chain_forward_width(chain, 2, activation);
        break;
    case 3:
        chain_forward_width(chain, 3, activation);
        break;
    default:
        chain_forward_width(chain, 4, activation);
        break;
    }
}

static inline __attribute__((always_inline)) void
chain_backward_any(const struct chain_backward *backward, const enum activation activation)
{
    switch (backward->chain.width) {
    case 1:
        chain_backward_width(backward, 1, activation);
        break;
    case 2:
        chain_backward_width(backward, 2, activation);
        break;
    case 3:
        chain_backward_width(backward, 3, activation);
        break;
    default:
        chain_backward_width(backward, 4, activation);
        break;
    }
}

static void chain_forward(const struct chain *chain)
{
    switch (chain->activation) {
    case ACTIVATION_RELU:
        chain_forward_any(chain, ACTIVATION_RELU);
        break;
    case ACTIVATION_TANH:
        chain_forward_any(chain, ACTIVATION_TANH);
        break;
    case ACTIVATION_SIGMOID:
        chain_forward_any(chain, ACTIVATION_SIGMOID);
        break;
    case ACTIVATION_GELU:
        chain_forward_any(chain, ACTIVATION_GELU);
        break;
    }
}

static void chain_backward(const struct chain_backward *backward)
{
    switch (backward->chain.activation) {
    case ACTIVATION_RELU:
        chain_backward_any(backward, ACTIVATION_RELU);
        break;
    case ACTIVATION_TANH:
        chain_backward_any(backward, ACTIVATION_TANH);
        break;
    case ACTIVATION_SIGMOID:
        chain_backward_any(backward, ACTIVATION_SIGMOID);
        break;
    case ACTIVATION_GELU:
        chain_backward_any(backward, ACTIVATION_GELU);
        break;
    }
}
