/*
 * narrow_text.h: the products of narrow layers' deltas and values over the samples; written on the
 * names of an isa_*.h that is included before.
 *
 * As a matrix product this has few outputs and a long k: one chain of fused multiply-adds per
 * output would wait for itself at each sample. Here the lanes are samples, and four outputs run
 * side by side.
 */

/* Four rows of `right` that are met by one of `left`. */
struct quartet {
    struct floats x0, x1, x2, x3;
};

/* How many outputs are used is a constant wherever this is called. */
static inline __attribute__((always_inline)) struct quartet
quartet_add(struct quartet sums, struct floats factor, const float *right, size_t row,
            struct lanes inside, const uint32_t columns)
{
    sums.x0 = floats_fma(factor, floats_load_where(right, inside), sums.x0);
    if (columns > 1)
        sums.x1 = floats_fma(factor, floats_load_where(right + row, inside), sums.x1);
    if (columns > 2)
        sums.x2 = floats_fma(factor, floats_load_where(right + 2 * row, inside), sums.x2);
    if (columns > 3)
        sums.x3 = floats_fma(factor, floats_load_where(right + 3 * row, inside), sums.x3);
    return sums;
}

static inline __attribute__((always_inline)) void quartet_run(const float *left, const float *right,
                                                              size_t row, uint32_t n, float *to,
                                                              const uint32_t columns)
{
    const struct floats zero = floats_all(0);
    const struct lanes all = lanes_first(LANES);
    struct quartet sums = {zero, zero, zero, zero};
    uint32_t first = 0;
    for (; first + LANES <= n; first += LANES)
        sums = quartet_add(sums, floats_load(left + first), right + first, row, all, columns);
    if (first < n) {
        struct lanes inside = lanes_first(n - first);
        sums = quartet_add(sums, floats_load_where(left + first, inside), right + first, row,
                           inside, columns);
    }
    to[0] = floats_sum(sums.x0);
    if (columns > 1)
        to[1] = floats_sum(sums.x1);
    if (columns > 2)
        to[2] = floats_sum(sums.x2);
    if (columns > 3)
        to[3] = floats_sum(sums.x3);
}

static void sum_products(const struct activations *left, const struct activations *right,
                         float *sums, size_t sums_row)
{
    for (uint32_t i = 0; i < left->units; i++) {
        const float *from = left->values + i * left->stride;
        float *to = sums + i * sums_row;
        for (uint32_t j = 0; j < right->units; j += 4) {
            const float *with = right->values + j * right->stride;
            switch (right->units - j) {
            case 1:
                quartet_run(from, with, right->stride, left->n, to + j, 1);
                break;
            case 2:
                quartet_run(from, with, right->stride, left->n, to + j, 2);
                break;
            case 3:
                quartet_run(from, with, right->stride, left->n, to + j, 3);
                break;
            default:
                quartet_run(from, with, right->stride, left->n, to + j, 4);
                break;
            }
        }
    }
}
