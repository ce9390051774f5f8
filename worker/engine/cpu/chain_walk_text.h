/*
 * chain_walk_text.h: through a chain of the narrowest layers, stretch by stretch, and back; written
 * on the names of chain_text.h and chain_single_text.h, which are included before.
 */

/* ------------------------------------------------------------------------------------ forward */

/* From this layer's values on. */
static inline __attribute__((always_inline)) void
chain_go_forward(const struct chain *chain, uint32_t layer, const uint32_t layers,
                 const uint32_t width, const enum activation activation)
{
    const struct chain_step step = {
        .parameters = chain_parameters_of(chain, layer, width),
        .from = chain_rows_of(chain, layer, width),
        .to = chain_rows_of(chain, layer + layers, width),
        .stride = chain->stride,
        .n = chain->n,
    };
    if (width == 1 && layers > 1)
        singles_forward(&step, activation);
    else
        chain_step_forward(&step, layers, width, activation);
}

static inline __attribute__((always_inline)) void
chain_forward_width(const struct chain *chain, const uint32_t width,
                    const enum activation activation)
{
    const uint32_t stretch = chain_stretch(width);
    uint32_t layer = 0;
    for (; !chain->keeps_all && layer + stretch <= chain->layers; layer += stretch)
        chain_go_forward(chain, layer, stretch, width, activation);
    for (; layer < chain->layers; layer++)
        chain_go_forward(chain, layer, 1, width, activation);
}

/* ----------------------------------------------------------------------------------- backward */

/* Sums that are still in lanes: those of a few layers, whole stretches, leave them together. */
enum { CHAIN_LAYERS_SUMMED = 8 };

struct chain_lanes {
    struct floats sums[CHAIN_LAYERS_SUMMED * CHAIN_WIDTH_MAX * (CHAIN_WIDTH_MAX + 1)];
};

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
    const float *delta;
    struct floats *lanes; /* the sums of the layers behind this one */
    uint32_t behind;
};

/* Of so many layers behind this one. */
static inline __attribute__((always_inline)) void
chain_go_back(struct chain_way *way, uint32_t layer, const uint32_t layers, const uint32_t width,
              const enum activation activation)
{
    const struct chain *chain = &way->backward->chain;
    const uint32_t parameters = width * width + width;
    struct chain_step_back step = {
        .parameters = chain_parameters_of(chain, layer, width),
        .from = chain_rows_of(chain, layer, width),
        .delta = way->delta,
        .delta_before = way->backward->delta_before,
        .sums = way->lanes + (layer - way->behind) * parameters,
        .stride = chain->stride,
        .n = chain->n,
    };
    way->delta = step.delta_before;
    if (width == 1 && layers > 1) {
        singles_backward(&step, activation);
        return;
    }
    if (layers > 1) {
        struct chain_step_back second = step;
        second.again = step.parameters;
        second.parameters += parameters;
        second.sums += parameters;
        chain_step_backward(&second, CHAIN_COMPUTES, width, activation);
        step.delta = step.delta_before;
    }
    chain_step_backward(&step, CHAIN_READS, width, activation);
}

/* Layers behind way->behind up to `until`, at most CHAIN_LAYERS_SUMMED. */
static inline __attribute__((always_inline)) void
chain_backward_layers(struct chain_way *way, uint32_t until, const uint32_t width,
                      const enum activation activation)
{
    const uint32_t stretch = chain_stretch(width), parameters = width * width + width;
    const uint32_t count = (until - way->behind) * parameters;
    uint32_t layer = until;
    while (layer > way->behind) {
        if (way->backward->chain.keeps_all || layer % stretch != 0) {
            layer--;
            chain_go_back(way, layer, 1, width, activation);
        } else {
            layer -= stretch;
            chain_go_back(way, layer, stretch, width, activation);
        }
    }
    for (uint32_t i = count; i % LANES != 0; i++)
        way->lanes[i] = floats_all(0);
    lanes_sum(way->lanes, count, way->backward->gradient + way->behind * parameters);
}

static inline __attribute__((always_inline)) void
chain_backward_width(const struct chain_backward *backward, const uint32_t width,
                     const enum activation activation)
{
    struct chain_lanes lanes;
    struct chain_way way = {backward, backward->delta, lanes.sums, 0};
    for (uint32_t until = backward->chain.layers; until > 0; until = way.behind) {
        way.behind = (until - 1) / CHAIN_LAYERS_SUMMED * CHAIN_LAYERS_SUMMED;
        chain_backward_layers(&way, until, width, activation);
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
