/*
 * gru_text.h: what a recurrent layer does between its products, one step at a time; written on the
 * names of an isa_*.h and on step_text.h, which are included before. kernels.h has the formulas.
 *
 * A unit's two gates and its candidate stay in registers: products leave 6 numbers per unit and
 * sample, and 5 go back to memory.
 */

/* One unit's rows. */
struct gru_rows {
    const float *input_r, *input_z, *input_n, *recurrent_r, *recurrent_z, *recurrent_n, *before;
    float *r, *z, *n, *g, *state;
};

static inline struct gru_rows gru_rows_of(const struct gru_step *step, uint32_t unit)
{
    const size_t gate = step->units * step->stride, row = unit * step->stride;
    return (struct gru_rows){
        .input_r = step->input + row,
        .input_z = step->input + gate + row,
        .input_n = step->input + 2 * gate + row,
        .recurrent_r = step->recurrent + row,
        .recurrent_z = step->recurrent + gate + row,
        .recurrent_n = step->recurrent + 2 * gate + row,
        .before = step->before + unit * step->before_row,
        .r = step->kept + row,
        .z = step->kept + gate + row,
        .n = step->kept + 2 * gate + row,
        .g = step->kept + 3 * gate + row,
        .state = step->state + unit * step->state_row,
    };
}

static inline void gru_group(const struct gru_rows *rows, uint32_t first)
{
    struct floats r = floats_sigmoid(
        floats_add(floats_load(rows->input_r + first), floats_load(rows->recurrent_r + first)));
    struct floats z = floats_sigmoid(
        floats_add(floats_load(rows->input_z + first), floats_load(rows->recurrent_z + first)));
    struct floats g = floats_load(rows->recurrent_n + first);
    struct floats n = floats_tanh(floats_fma(r, g, floats_load(rows->input_n + first)));
    struct floats before = floats_load(rows->before + first);
    floats_store(rows->r + first, r);
    floats_store(rows->z + first, z);
    floats_store(rows->n + first, n);
    floats_store(rows->g + first, g);
    floats_store(rows->state + first, floats_fma(z, floats_subtract(before, n), n));
}

static void gru_forward(const struct gru_step *step)
{
    for (uint32_t unit = 0; unit < step->units; unit++) {
        const struct gru_rows rows = gru_rows_of(step, unit);
        for (uint32_t first = 0; first < step->n; first += LANES)
            gru_group(&rows, first);
    }
}

/* One unit's rows on the way back. */
struct gru_back_rows {
    float *r, *z, *n, *g, *delta;
    const float *before, *delta_before;
};

static inline void gru_back_group(const struct gru_back_rows *rows, uint32_t first)
{
    const struct floats one = floats_all(1.0F);
    struct floats r = floats_load(rows->r + first), z = floats_load(rows->z + first);
    struct floats n = floats_load(rows->n + first), g = floats_load(rows->g + first);
    struct floats delta = floats_load(rows->delta + first);
    struct floats apart = floats_subtract(floats_load(rows->before + first), n);
    struct floats by_n =
        derived(ACTIVATION_TANH, n, floats_multiply(delta, floats_subtract(one, z)));
    floats_store(rows->r + first, derived(ACTIVATION_SIGMOID, r, floats_multiply(by_n, g)));
    floats_store(rows->z + first, derived(ACTIVATION_SIGMOID, z, floats_multiply(delta, apart)));
    floats_store(rows->n + first, by_n);
    floats_store(rows->g + first, floats_multiply(by_n, r));
    if (rows->delta_before != NULL)
        floats_store(rows->delta + first,
                     floats_fma(delta, z, floats_load(rows->delta_before + first)));
}

static void gru_backward(const struct gru_step_back *step)
{
    const size_t gate = step->units * step->stride;
    for (uint32_t unit = 0; unit < step->units; unit++) {
        const size_t row = unit * step->stride;
        const struct gru_back_rows rows = {
            .r = step->kept + row,
            .z = step->kept + gate + row,
            .n = step->kept + 2 * gate + row,
            .g = step->kept + 3 * gate + row,
            .delta = step->delta + row,
            .before = step->before + unit * step->before_row,
            .delta_before = step->delta_before == NULL
                                ? NULL
                                : step->delta_before + unit * step->delta_before_row,
        };
        for (uint32_t first = 0; first < step->n; first += LANES)
            gru_back_group(&rows, first);
    }
}
