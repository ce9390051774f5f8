/*
 * chain_single_text.h: runs of layers of one unit; written on the names of chain_text.h, which is
 * included before.
 *
 * A group of samples waits for each layer in turn, and with a multiplication per layer there is
 * nothing else to do: so four groups go side by side, where there are registers for them. A
 * stretch of layers reads and writes only at its ends.
 */

/* So many groups of sixteen samples, a strip of a tile: one or four, a constant everywhere. */
static inline __attribute__((always_inline)) uint32_t
singles_groups(const enum activation activation)
{
    return (int)TILE_SUMS >= 16 && activation == ACTIVATION_RELU ? 4 : 1;
}

static inline __attribute__((always_inline)) struct quartet
singles_load(const float *from, struct lanes inside, const uint32_t groups)
{
    struct quartet a = strip_all(0);
    if (groups > 1)
        return strip_load(from, 4, TILE_WHOLE, inside);
    a.x0 = floats_load_where(from, inside);
    return a;
}

static inline __attribute__((always_inline)) void singles_store(float *to, struct quartet a,
                                                                const uint32_t groups)
{
    strip_store(to, a, groups, lanes_first(LANES));
}

/* w a + b */
static inline __attribute__((always_inline)) struct quartet
singles_through(const float *parameters, struct quartet a, const uint32_t groups)
{
    const struct floats w = floats_all(parameters[0]), b = floats_all(parameters[1]);
    a.x0 = floats_fma(w, a.x0, b);
    if (groups > 1) {
        a.x1 = floats_fma(w, a.x1, b);
        a.x2 = floats_fma(w, a.x2, b);
        a.x3 = floats_fma(w, a.x3, b);
    }
    return a;
}

static inline __attribute__((always_inline)) struct quartet
singles_activate(const enum activation activation, struct quartet z, const uint32_t groups)
{
    z.x0 = activation_of(activation, z.x0);
    if (groups > 1) {
        z.x1 = activation_of(activation, z.x1);
        z.x2 = activation_of(activation, z.x2);
        z.x3 = activation_of(activation, z.x3);
    }
    return z;
}

/* ------------------------------------------------------------------------------------ forward */

static inline __attribute__((always_inline)) void
singles_forward_groups(const struct chain_step *step, uint32_t first, const uint32_t groups,
                       const enum activation activation)
{
    struct quartet a = singles_load(step->from.values + first, lanes_first(LANES), groups), z = a;
    for (uint32_t layer = 0; layer < SINGLES_STRETCH; layer++) {
        z = singles_through(step->parameters + 2 * layer, a, groups);
        a = singles_activate(activation, z, groups);
    }
    if (activation == ACTIVATION_GELU)
        singles_store(step->to.kept + first, z, groups);
    singles_store(step->to.values + first, a, groups);
}

/* A stretch. */
static inline __attribute__((always_inline)) void singles_forward(const struct chain_step *step,
                                                                  const enum activation activation)
{
    const uint32_t groups = singles_groups(activation);
    uint32_t first = 0;
    for (; groups > 1 && first + groups * LANES <= step->n; first += groups * LANES)
        singles_forward_groups(step, first, groups, activation);
    for (; first < step->n; first += LANES)
        singles_forward_groups(step, first, 1, activation);
}

/* ----------------------------------------------------------------------------------- backward */

struct single_sums {
    struct floats weight, bias;
};

/* Named and not an array: compilers keep those in registers. */
struct singles_sums {
    struct single_sums s0, s1, s2, s3;
};

/* As chain_input. */
struct single_input {
    struct quartet values, from;
};

static inline __attribute__((always_inline)) struct single_input
single_input_computed(const float *parameters, struct quartet a, struct lanes inside,
                      const uint32_t groups, const enum activation activation)
{
    struct single_input input;
    input.from = singles_through(parameters, a, groups);
    input.values = singles_activate(activation, input.from, groups);
    if (groups == 1)
        input.values.x0 = floats_select(inside, input.values.x0, floats_all(0));
    if (activation != ACTIVATION_GELU)
        input.from = input.values;
    return input;
}

static inline __attribute__((always_inline)) struct single_sums
single_sums_add(struct single_sums sums, struct quartet delta, struct quartet input,
                const uint32_t groups)
{
    sums.bias = floats_add(sums.bias, delta.x0);
    sums.weight = floats_fma(delta.x0, input.x0, sums.weight);
    if (groups > 1) {
        sums.bias = floats_add(sums.bias, delta.x1);
        sums.weight = floats_fma(delta.x1, input.x1, sums.weight);
        sums.bias = floats_add(sums.bias, delta.x2);
        sums.weight = floats_fma(delta.x2, input.x2, sums.weight);
        sums.bias = floats_add(sums.bias, delta.x3);
        sums.weight = floats_fma(delta.x3, input.x3, sums.weight);
    }
    return sums;
}

/* The delta of the layer before. */
static inline __attribute__((always_inline)) struct quartet
singles_back(const float *parameters, struct quartet delta, struct quartet from,
             const uint32_t groups, const enum activation activation)
{
    const struct floats w = floats_all(parameters[0]), zero = floats_all(0);
    delta.x0 = derived_fma(activation, from.x0, w, delta.x0, zero);
    if (groups > 1) {
        delta.x1 = derived_fma(activation, from.x1, w, delta.x1, zero);
        delta.x2 = derived_fma(activation, from.x2, w, delta.x2, zero);
        delta.x3 = derived_fma(activation, from.x3, w, delta.x3, zero);
    }
    return delta;
}

static inline __attribute__((always_inline)) struct singles_sums
singles_backward_groups(const struct chain_step_back *step, uint32_t first, struct lanes inside,
                        struct singles_sums s, const uint32_t groups,
                        const enum activation activation)
{
    const float *p = step->parameters;
    struct single_input a0, a1, a2, a3;
    a0.values = singles_load(step->from.values + first, inside, groups);
    a0.from = a0.values;
    if (activation == ACTIVATION_GELU)
        a0.from = singles_load(step->from.kept + first, inside, groups);
    a1 = single_input_computed(p, a0.values, inside, groups, activation);
    struct quartet delta = singles_load(step->delta + first, inside, groups);
    if (SINGLES_STRETCH > 2) {
        a2 = single_input_computed(p + 2, a1.values, inside, groups, activation);
        a3 = single_input_computed(p + 4, a2.values, inside, groups, activation);
        s.s3 = single_sums_add(s.s3, delta, a3.values, groups);
        delta = singles_back(p + 6, delta, a3.from, groups, activation);
        s.s2 = single_sums_add(s.s2, delta, a2.values, groups);
        delta = singles_back(p + 4, delta, a2.from, groups, activation);
    }
    s.s1 = single_sums_add(s.s1, delta, a1.values, groups);
    delta = singles_back(p + 2, delta, a1.from, groups, activation);
    s.s0 = single_sums_add(s.s0, delta, a0.values, groups);
    delta = singles_back(p, delta, a0.from, groups, activation);
    singles_store(step->delta_before + first, delta, groups);
    return s;
}

static inline void single_sums_store(struct floats *to, struct single_sums sums)
{
    to[0] = sums.weight;
    to[1] = sums.bias;
}

/* A stretch. */
static inline __attribute__((always_inline)) void
singles_backward(const struct chain_step_back *step, const enum activation activation)
{
    const struct single_sums zero = {floats_all(0), floats_all(0)};
    const uint32_t groups = singles_groups(activation), n = step->n;
    struct singles_sums s = {zero, zero, zero, zero};
    uint32_t first = 0;
    for (; groups > 1 && first + groups * LANES <= n; first += groups * LANES)
        s = singles_backward_groups(step, first, lanes_first(LANES), s, groups, activation);
    for (; first < n; first += LANES)
        s = singles_backward_groups(step, first, lanes_first(n - first), s, 1, activation);
    single_sums_store(step->sums, s.s0);
    single_sums_store(step->sums + 2, s.s1);
    if (SINGLES_STRETCH > 2) {
        single_sums_store(step->sums + 4, s.s2);
        single_sums_store(step->sums + 6, s.s3);
    }
}
