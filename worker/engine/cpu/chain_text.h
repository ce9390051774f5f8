/*
 * chain_text.h: runs of the narrowest layers, one to CHAIN_WIDTH_MAX units wide; written on the
 * names of an isa_*.h and on step_text.h, which are included before.
 *
 * Layer by layer, all samples of one go by in the order of memory while its numbers stay in
 * registers. On the way back its gradient is added up there as well, and the deltas of the layer
 * before leave by the same loop. Deep chains would spend their time on waiting for memory: of those
 * only every `segment`-th layer's values are kept, and on the way back a segment at a time is
 * computed once more, all in one place.
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

/* Neighbouring layers of one unit that a group of samples passes through in one go. */
enum { CHAIN_DEPTH = 4 };

static inline uint32_t chain_depth(const uint32_t width)
{
    return width == 1 ? CHAIN_DEPTH : 1;
}

/* As many layers, from the one whose parameters these are; [width][stride] each. */
struct chain_step {
    const float *parameters, *input;
    float *output[CHAIN_DEPTH], *kept[CHAIN_DEPTH]; /* kept: GELU only */
    size_t stride;
    uint32_t n;
};

static inline __attribute__((always_inline)) struct units
units_leave(const struct chain_step *step, const uint32_t d, size_t first, struct units z,
            const uint32_t width, const enum activation activation)
{
    if (activation == ACTIVATION_GELU)
        units_store(step->kept[d] + first, step->stride, z, width);
    for (uint32_t u = 0; u < width; u++)
        z.x[u] = activation_of(activation, z.x[u]);
    units_store(step->output[d] + first, step->stride, z, width);
    return z;
}

/* One layer: its numbers stay in registers, and the samples go by in the order of memory. */
static inline __attribute__((always_inline)) void
chain_step_forward(const struct chain_step *step, const uint32_t width,
                   const enum activation activation)
{
    const struct chain_factors factors = chain_factors_load(step->parameters, width);
    const struct lanes all = lanes_first(LANES);
    for (uint32_t first = 0; first < step->n; first += LANES) {
        struct units a = units_load(step->input + first, step->stride, all, width);
        units_leave(step, 0, first, units_forward(&factors, a, width), width, activation);
    }
}

/* z = w a + b of the layer d of one unit */
static inline __attribute__((always_inline)) struct floats
single_through(const struct chain_step *step, const uint32_t d, struct floats w, struct floats b,
               size_t first, struct floats a, const enum activation activation)
{
    struct floats z = floats_fma(w, a, b);
    if (activation == ACTIVATION_GELU)
        floats_store(step->kept[d] + first, z);
    a = activation_of(activation, z);
    floats_store(step->output[d] + first, a);
    return a;
}

/* CHAIN_DEPTH layers of one unit. Named and not an array, here and below: compilers keep those in
 * registers. */
static inline __attribute__((always_inline)) void singles_forward(const struct chain_step *step,
                                                                  const enum activation activation)
{
    const float *p = step->parameters;
    const struct floats w0 = floats_all(p[0]), b0 = floats_all(p[1]), w1 = floats_all(p[2]),
                        b1 = floats_all(p[3]), w2 = floats_all(p[4]), b2 = floats_all(p[5]),
                        w3 = floats_all(p[6]), b3 = floats_all(p[7]);
    for (uint32_t first = 0; first < step->n; first += LANES) {
        struct floats a = floats_load(step->input + first);
        a = single_through(step, 0, w0, b0, first, a, activation);
        a = single_through(step, 1, w1, b1, first, a, activation);
        a = single_through(step, 2, w2, b2, first, a, activation);
        single_through(step, 3, w3, b3, first, a, activation);
    }
}

/* Segments end where the chain does, so the first may be shorter. The layers within any of them
 * lie where those of the last one do; between them each has its own place. */
static inline uint32_t chain_first_end(const struct chain *chain)
{
    return chain->layers - (chain->layers - 1) / chain->segment * chain->segment;
}

/* Layers after `first` up to `end`; 0 is the chain's input. */
struct segment {
    uint32_t first, end;
};

static inline uint32_t segment_place(const struct chain *chain, struct segment segment,
                                     uint32_t layer)
{
    if (layer == segment.first || layer == segment.end || chain->layers <= chain->segment)
        return layer;
    return chain->layers - chain->segment + (layer - segment.first);
}

static inline __attribute__((always_inline)) struct chain_step
chain_step_of(const struct chain *chain, struct segment segment, uint32_t layer,
              const uint32_t depth, const uint32_t width)
{
    const size_t values = width * chain->stride;
    struct chain_step step = {
        .parameters = chain->parameters + (layer - 1) * (width * width + width),
        .input = chain->values + segment_place(chain, segment, layer - 1) * values,
        .stride = chain->stride,
        .n = chain->n,
    };
    for (uint32_t d = 0; d < depth; d++) {
        const size_t place = segment_place(chain, segment, layer + d) * values;
        step.output[d] = chain->values + place;
        step.kept[d] = chain->kept != NULL ? chain->kept + place : NULL;
    }
    return step;
}

/* The segment's layers up to `until`. */
static inline __attribute__((always_inline)) void
chain_forward_segment(const struct chain *chain, struct segment segment, uint32_t until,
                      const uint32_t width, const enum activation activation)
{
    const uint32_t depth = chain_depth(width);
    uint32_t layer = segment.first + 1;
    for (; layer + depth <= until + 1; layer += depth) {
        const struct chain_step step = chain_step_of(chain, segment, layer, depth, width);
        if (width == 1)
            singles_forward(&step, activation);
        else
            chain_step_forward(&step, width, activation);
    }
    for (; layer <= until; layer++) {
        const struct chain_step step = chain_step_of(chain, segment, layer, 1, width);
        chain_step_forward(&step, width, activation);
    }
}

static inline __attribute__((always_inline)) void
chain_forward_width(const struct chain *chain, const uint32_t width,
                    const enum activation activation)
{
    struct segment segment = {0, chain_first_end(chain)};
    for (; segment.end <= chain->layers; segment.end += chain->segment) {
        chain_forward_segment(chain, segment, segment.end, width, activation);
        segment.first = segment.end;
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

/* As many layers as of chain_step, on the way back: the last of them first. */
struct chain_layers {
    const float *parameters[CHAIN_DEPTH], *input[CHAIN_DEPTH], *kept[CHAIN_DEPTH];
    const float *delta;                /* of the first here */
    float *delta_before;               /* of the layer before the last here */
    struct floats *lanes[CHAIN_DEPTH]; /* where each one's sums go, as its parameters lie */
    size_t stride;
    uint32_t n;
};

static inline __attribute__((always_inline)) struct chain_sums
chain_backward_group(const struct chain_layers *layers, uint32_t first, struct lanes inside,
                     struct chain_sums sums, const uint32_t width, const enum activation activation)
{
    struct units delta = units_load(layers->delta + first, layers->stride, inside, width);
    struct units input = units_load(layers->input[0] + first, layers->stride, inside, width);
    struct units from = input;
    if (activation == ACTIVATION_GELU)
        from = units_load(layers->kept[0] + first, layers->stride, inside, width);
    struct units before = units_backward(layers->parameters[0], delta, from, width, activation);
    units_store(layers->delta_before + first, layers->stride, before, width);
    return chain_sums_add(sums, delta, input, width);
}

/* Sums that are still in lanes: those of a few layers leave them together. */
enum { CHAIN_LAYERS_SUMMED = 8 };

struct chain_lanes {
    struct floats sums[CHAIN_LAYERS_SUMMED * CHAIN_WIDTH_MAX * (CHAIN_WIDTH_MAX + 1)];
};

static inline __attribute__((always_inline)) void
chain_backward_step(const struct chain_layers *layers, const uint32_t width,
                    const enum activation activation)
{
    const uint32_t n = layers->n;
    struct chain_sums sums;
    for (uint32_t u = 0; u < width; u++) {
        sums.biases[u] = floats_all(0);
        for (uint32_t i = 0; i < width; i++)
            sums.weights[u][i] = floats_all(0);
    }
    uint32_t first = 0;
    for (; first + LANES <= n; first += LANES)
        sums = chain_backward_group(layers, first, lanes_first(LANES), sums, width, activation);
    if (first < n)
        sums = chain_backward_group(layers, first, lanes_first(n - first), sums, width, activation);
    for (uint32_t u = 0; u < width; u++) {
        layers->lanes[0][width * width + u] = sums.biases[u];
        for (uint32_t i = 0; i < width; i++)
            layers->lanes[0][u * width + i] = sums.weights[u][i];
    }
}

/* One group of samples at a layer of one unit: its sums, and the delta of the layer before. */
struct single {
    struct floats weight, bias, delta;
};

static inline __attribute__((always_inline)) struct single
single_back(const struct chain_layers *layers, const uint32_t d, struct floats w, struct single s,
            size_t first, struct lanes inside, const enum activation activation)
{
    struct floats input = floats_load_where(layers->input[d] + first, inside), from = input;
    if (activation == ACTIVATION_GELU)
        from = floats_load_where(layers->kept[d] + first, inside);
    s.bias = floats_add(s.bias, s.delta);
    s.weight = floats_fma(s.delta, input, s.weight);
    s.delta = derived_fma(activation, from, w, s.delta, floats_all(0));
    return s;
}

static inline __attribute__((always_inline)) void
singles_backward(const struct chain_layers *layers, const enum activation activation)
{
    const struct floats zero = floats_all(0);
    const struct floats w0 = floats_all(layers->parameters[0][0]),
                        w1 = floats_all(layers->parameters[1][0]),
                        w2 = floats_all(layers->parameters[2][0]),
                        w3 = floats_all(layers->parameters[3][0]);
    struct single s0 = {zero, zero, zero}, s1 = s0, s2 = s0, s3 = s0;
    for (uint32_t first = 0; first < layers->n; first += LANES) {
        const struct lanes inside = lanes_first(layers->n - first);
        s0.delta = floats_load_where(layers->delta + first, inside);
        s0 = single_back(layers, 0, w0, s0, first, inside, activation);
        s1.delta = s0.delta;
        s1 = single_back(layers, 1, w1, s1, first, inside, activation);
        s2.delta = s1.delta;
        s2 = single_back(layers, 2, w2, s2, first, inside, activation);
        s3.delta = s2.delta;
        s3 = single_back(layers, 3, w3, s3, first, inside, activation);
        floats_store(layers->delta_before + first, s3.delta);
    }
    layers->lanes[0][0] = s0.weight, layers->lanes[0][1] = s0.bias;
    layers->lanes[1][0] = s1.weight, layers->lanes[1][1] = s1.bias;
    layers->lanes[2][0] = s2.weight, layers->lanes[2][1] = s2.bias;
    layers->lanes[3][0] = s3.weight, layers->lanes[3][1] = s3.bias;
}

static inline struct quartet lanes_quartet(const struct floats *lanes)
{
    return (struct quartet){lanes[0], lanes[1], lanes[2], lanes[3]};
}

/* Those beyond `count` are any numbers. */
static void lanes_sum(const struct floats *lanes, uint32_t count, float *sums)
{
    for (uint32_t i = 0; i < count; i += LANES)
        floats_store_where(sums + i, lanes_first(count - i),
                           floats_sums(lanes_quartet(lanes + i), lanes_quartet(lanes + i + 4),
                                       lanes_quartet(lanes + i + 8),
                                       lanes_quartet(lanes + i + 12)));
}

/* How far the way back through a chain is. */
struct chain_way {
    const struct chain_backward *backward;
    struct segment segment;
    uint32_t from; /* the layers after it are at hand */
    const float *delta;
};

/* Layers after `from`, which the lanes begin with, down from this one. */
static inline __attribute__((always_inline)) void
chain_go_back(struct chain_way *way, struct floats *lanes, uint32_t number, const uint32_t depth,
              const uint32_t width, const enum activation activation)
{
    const struct chain *chain = &way->backward->chain;
    struct chain_layers layers = {
        .delta = way->delta,
        .delta_before = way->backward->delta_before,
        .stride = chain->stride,
        .n = chain->n,
    };
    for (uint32_t d = 0; d < depth; d++) {
        const uint32_t before = number - d - 1, parameters = width * width + width;
        const size_t row = segment_place(chain, way->segment, before) * width * chain->stride;
        layers.parameters[d] = chain->parameters + before * parameters;
        layers.input[d] = chain->values + row;
        layers.kept[d] = chain->kept != NULL ? chain->kept + row : NULL;
        layers.lanes[d] = lanes + (before - way->from) * parameters;
    }
    if (width == 1 && depth == CHAIN_DEPTH)
        singles_backward(&layers, activation);
    else
        chain_backward_step(&layers, width, activation);
    way->delta = way->backward->delta_before;
}

/* Layers after way->from up to `until`, at most CHAIN_LAYERS_SUMMED. */
static inline __attribute__((always_inline)) void
chain_backward_layers(struct chain_way *way, uint32_t until, const uint32_t width,
                      const enum activation activation)
{
    const uint32_t depth = chain_depth(width), parameters = width * width + width;
    const uint32_t count = (until - way->from) * parameters;
    struct chain_lanes lanes;
    uint32_t number = until;
    for (; number >= way->from + depth; number -= depth)
        chain_go_back(way, lanes.sums, number, depth, width, activation);
    for (; number > way->from; number--)
        chain_go_back(way, lanes.sums, number, 1, width, activation);
    for (uint32_t i = count; i % LANES != 0; i++)
        lanes.sums[i] = floats_all(0);
    lanes_sum(lanes.sums, count, way->backward->gradient + way->from * parameters);
}

static inline __attribute__((always_inline)) void
chain_backward_width(const struct chain_backward *backward, const uint32_t width,
                     const enum activation activation)
{
    const struct chain *chain = &backward->chain;
    struct chain_way way = {backward, {0, chain->layers}, 0, backward->delta};
    while (way.segment.end > 0) {
        uint32_t end = way.segment.end, first = end > chain->segment ? end - chain->segment : 0;
        way.segment.first = first;
        if (end < chain->layers)
            chain_forward_segment(chain, way.segment, end - 1, width, activation);
        for (uint32_t until = end; until > first; until = way.from) {
            way.from = until - first > CHAIN_LAYERS_SUMMED ? until - CHAIN_LAYERS_SUMMED : first;
            chain_backward_layers(&way, until, width, activation);
        }
        way.segment.end = first;
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
