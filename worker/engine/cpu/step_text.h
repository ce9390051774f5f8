/*
 * step_text.h: activations and their derivatives, the loss, the optimisers and the functions of
 * math_text.h over arrays; written on the names of an isa_*.h that is included before.
 */

static inline struct floats floats_sigmoid(struct floats x)
{
    struct floats minus = floats_subtract(floats_all(0), x);
    struct floats growth = floats_add(floats_exp(minus), floats_all(1.0F));
    return floats_divide(floats_all(1.0F), growth);
}

/* Phi(x) = (1 + erf(x / sqrt 2)) / 2 */
static inline struct floats floats_normal_below(struct floats x)
{
    struct floats e = floats_erf(floats_multiply(x, floats_all(0.707106769F)));
    return floats_fma(e, floats_all(0.5F), floats_all(0.5F));
}

/* z is a result of arithmetic, and so not denormal where denormals are flushed. */
static inline struct floats activation_of(enum activation activation, struct floats z)
{
    switch (activation) {
    case ACTIVATION_RELU: /* keeps NaN */
        return floats_maximum(floats_all(0), z);
    case ACTIVATION_TANH:
        return floats_tanh(z);
    case ACTIVATION_SIGMOID:
        return floats_sigmoid(z);
    case ACTIVATION_GELU:
        break;
    }
    return floats_multiply(z, floats_normal_below(z));
}

/* delta * f'(z); x is f(z), or z for GELU: f' = Phi(z) + z phi(z). */
static inline struct floats derived(enum activation activation, struct floats x,
                                    struct floats delta)
{
    const struct floats one = floats_all(1.0F);
    switch (activation) {
    case ACTIVATION_RELU:
        return floats_select(floats_below(floats_all(0), x), delta, floats_all(0));
    case ACTIVATION_TANH:
        return floats_multiply(delta, floats_subtract(one, floats_multiply(x, x)));
    case ACTIVATION_SIGMOID:
        return floats_multiply(delta, floats_multiply(x, floats_subtract(one, x)));
    case ACTIVATION_GELU:
        break;
    }
    struct floats half_square = floats_multiply(floats_multiply(x, x), floats_all(-0.5F));
    struct floats density = floats_multiply(floats_exp(half_square), floats_all(0.398942292F));
    return floats_multiply(delta, floats_fma(x, density, floats_normal_below(x)));
}

static inline void activate_all(enum activation activation, const struct activations *z)
{
    for (uint32_t unit = 0; unit < z->units; unit++) {
        float *row = z->values + unit * z->stride;
        for (uint32_t first = 0; first < z->n; first += LANES)
            floats_store(row + first, activation_of(activation, floats_load(row + first)));
    }
}

static inline void derive_all(enum activation activation, const struct activations *from,
                              const struct activations *delta)
{
    for (uint32_t unit = 0; unit < delta->units; unit++) {
        const float *row = from->values + unit * from->stride;
        float *to = delta->values + unit * delta->stride;
        for (uint32_t first = 0; first < delta->n; first += LANES) {
            struct floats x = floats_load(row + first), old = floats_load(to + first);
            floats_store(to + first, derived(activation, x, old));
        }
    }
}

/* One loop per function, each with its own constants. */
static void activate(enum activation activation, const struct activations *z)
{
    switch (activation) {
    case ACTIVATION_RELU:
        activate_all(ACTIVATION_RELU, z);
        break;
    case ACTIVATION_TANH:
        activate_all(ACTIVATION_TANH, z);
        break;
    case ACTIVATION_SIGMOID:
        activate_all(ACTIVATION_SIGMOID, z);
        break;
    case ACTIVATION_GELU:
        activate_all(ACTIVATION_GELU, z);
        break;
    }
}

static void derive(enum activation activation, const struct activations *a_or_z,
                   const struct activations *delta)
{
    switch (activation) {
    case ACTIVATION_RELU:
        derive_all(ACTIVATION_RELU, a_or_z, delta);
        break;
    case ACTIVATION_TANH:
        derive_all(ACTIVATION_TANH, a_or_z, delta);
        break;
    case ACTIVATION_SIGMOID:
        derive_all(ACTIVATION_SIGMOID, a_or_z, delta);
        break;
    case ACTIVATION_GELU:
        derive_all(ACTIVATION_GELU, a_or_z, delta);
        break;
    }
}

/* The labels of `count` samples, a word each; 0 beyond. */
static inline struct words labels_load(const uint8_t *labels, uint32_t count)
{
    uint8_t part[LANES] = {0};
    memcpy(part, labels, count < LANES ? count : LANES);
    return words_load_bytes(part);
}

/* What a class counts for in the loss, as the label's and as another. */
struct target {
    struct floats label, other;
};

static inline struct target target_of(const struct softmax *softmax)
{
    float label = softmax->smoothed_label == 0 ? 1.0F : softmax->smoothed_label;
    return (struct target){floats_all(label), floats_all(softmax->smoothed_other)};
}

/* sum of target * shifted logit over the classes, of which `total` is the plain sum */
static inline struct floats expected_logit(const struct softmax *softmax, struct floats of_label,
                                           struct floats total)
{
    if (softmax->smoothed_label == 0)
        return of_label;
    struct target target = target_of(softmax);
    struct floats apart = floats_subtract(target.label, target.other);
    return floats_fma(target.other, total, floats_multiply(apart, of_label));
}

/* Sixteen samples from `first` on: all of their classes. */
static inline void softmax_group(const struct softmax *softmax, uint32_t first)
{
    uint32_t count = softmax->n - first;
    struct lanes inside = lanes_first(count);
    struct words labels = labels_load(softmax->labels + first, count);
    const float *logits = softmax->logits + first;
    struct floats greatest = floats_load(logits);
    for (uint32_t class = 1; class < softmax->classes; class ++) {
        struct floats z = floats_load(logits + class * softmax->stride);
        greatest = floats_select(floats_below(greatest, z), z, greatest);
    }
    struct floats sum = floats_all(0), of_label = floats_all(0), total = floats_all(0);
    for (uint32_t class = 0; class < softmax->classes; class ++) {
        struct floats z = floats_load(logits + class * softmax->stride);
        z = floats_subtract(z, greatest);
        of_label = floats_select(words_equal(labels, words_all(class)), z, of_label);
        total = floats_add(total, z);
        struct floats e = floats_exp(z);
        sum = floats_add(sum, e);
        if (softmax->delta != NULL)
            floats_store(softmax->delta + first + class * softmax->stride, e);
    }
    struct floats expected = expected_logit(softmax, of_label, total);
    floats_store_where(softmax->losses + first, inside, floats_subtract(floats_log(sum), expected));
    struct target target = target_of(softmax);
    for (uint32_t class = 0; softmax->delta != NULL && class < softmax->classes; class ++) {
        float *place = softmax->delta + first + class * softmax->stride;
        struct lanes right = words_equal(labels, words_all(class));
        struct floats wanted = floats_select(right, target.label, target.other);
        struct floats delta = floats_subtract(floats_divide(floats_load(place), sum), wanted);
        delta = floats_multiply(delta, floats_all(softmax->gradient_scale));
        floats_store(place, floats_select(inside, delta, floats_all(0)));
    }
}

static void softmax(const struct softmax *softmax)
{
    uint32_t first = 0;
    for (; first < softmax->n; first += LANES)
        softmax_group(softmax, first);
    for (; softmax->delta != NULL && first < softmax->stride; first += LANES) {
        for (uint32_t class = 0; class < softmax->classes; class ++)
            floats_store(softmax->delta + first + class * softmax->stride, floats_all(0));
    }
}

static inline struct floats with_l2(float l2, struct floats w, struct floats g)
{
    return l2 != 0 ? floats_fma(floats_all(l2), w, g) : g;
}

static void adamw(const struct adamw_step *step, size_t count, const float *gradient,
                  float *parameter, float *first, float *second)
{
    for (size_t i = 0; i < count; i += LANES) {
        struct lanes inside = lanes_first(count - i < LANES ? (uint32_t)(count - i) : LANES);
        struct floats w = floats_load_where(parameter + i, inside);
        struct floats m = floats_load_where(first + i, inside);
        struct floats v = floats_load_where(second + i, inside);
        struct floats g = with_l2(step->l2, w, floats_load_where(gradient + i, inside));
        m = floats_fma(floats_all(step->beta1), m,
                       floats_multiply(floats_all(step->one_less_beta1), g));
        v = floats_fma(floats_all(step->beta2), v,
                       floats_multiply(floats_all(step->one_less_beta2), floats_multiply(g, g)));
        struct floats root =
            floats_fma(floats_sqrt(v), floats_all(step->root_scale), floats_all(step->eps));
        struct floats move = floats_multiply(floats_all(step->step_size), floats_divide(m, root));
        w = floats_subtract(floats_multiply(w, floats_all(step->keep)), move);
        floats_store_where(parameter + i, inside, w);
        floats_store_where(first + i, inside, m);
        floats_store_where(second + i, inside, v);
    }
}

static void sgd(const struct sgd_step *step, size_t count, const float *gradient, float *parameter,
                float *velocity)
{
    for (size_t i = 0; i < count; i += LANES) {
        struct lanes inside = lanes_first(count - i < LANES ? (uint32_t)(count - i) : LANES);
        struct floats w = floats_load_where(parameter + i, inside);
        struct floats g = with_l2(step->l2, w, floats_load_where(gradient + i, inside));
        struct floats v =
            floats_fma(floats_all(step->momentum), floats_load_where(velocity + i, inside), g);
        w = floats_fma(floats_all(-step->lr), v, floats_multiply(w, floats_all(step->keep)));
        floats_store_where(parameter + i, inside, w);
        floats_store_where(velocity + i, inside, v);
    }
}

static inline __attribute__((always_inline)) void map(struct floats (*function)(struct floats),
                                                      const float *from, float *to, size_t count)
{
    for (size_t i = 0; i < count; i += LANES) {
        struct lanes inside = lanes_first(count - i < LANES ? (uint32_t)(count - i) : LANES);
        floats_store_where(to + i, inside, function(floats_load_where(from + i, inside)));
    }
}

static void map_exp(const float *from, float *to, size_t count)
{
    map(floats_exp, from, to, count);
}

static void map_log(const float *from, float *to, size_t count)
{
    map(floats_log, from, to, count);
}

static void map_tanh(const float *from, float *to, size_t count)
{
    map(floats_tanh, from, to, count);
}

static void map_erf(const float *from, float *to, size_t count)
{
    map(floats_erf, from, to, count);
}
