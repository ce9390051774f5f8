/*
 * norm_text.h: lengths of long vectors, and what brings them to another length; written on the
 * names of an isa_*.h that is included before.
 */

static double sum_squares(size_t count, const float *values)
{
    struct doubles sum = doubles_zero();
    for (size_t i = 0; i < count; i += LANES) {
        struct lanes inside = lanes_first(count - i < LANES ? (uint32_t)(count - i) : LANES);
        sum = doubles_add_square(sum, floats_load_where(values + i, inside));
    }
    return doubles_sum(sum);
}

static void scale(float factor, size_t count, float *values)
{
    for (size_t i = 0; i < count; i += LANES) {
        struct lanes inside = lanes_first(count - i < LANES ? (uint32_t)(count - i) : LANES);
        struct floats x = floats_load_where(values + i, inside);
        floats_store_where(values + i, inside, floats_multiply(floats_all(factor), x));
    }
}
