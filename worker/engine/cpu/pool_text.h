/*
 * pool_text.h: the greatest of a window's rows, and the way back; written on the names of an
 * isa_*.h and on step_text.h, which are included before.
 */

static void pool(const struct pool_window *window, const float *from, float *to)
{
    for (uint32_t s = 0; s < window->n; s += LANES) {
        struct floats greatest = floats_load(from + s);
        for (uint32_t y = 0; y < window->rows; y++) {
            const float *row = from + y * window->row + s;
            for (uint32_t x = 0; x < window->columns; x++) {
                struct floats value = floats_load(row + x * window->column);
                greatest = floats_select(floats_below(greatest, value), value, greatest);
            }
        }
        floats_store(to + s, greatest);
    }
}

/* A lane's delta is given to the first row that is not below the greatest; 0 is left for others. */
static void unpool(const struct pool_window *window, const struct pool_back *back)
{
    const struct floats zero = floats_all(0);
    for (uint32_t s = 0; s < window->n; s += LANES) {
        struct floats greatest = floats_load(back->greatest + s);
        struct floats rest = floats_load(back->delta + s);
        if (back->use == POOL_DERIVES)
            rest = derived(ACTIVATION_RELU, greatest, rest);
        for (uint32_t y = 0; y < window->rows; y++) {
            for (uint32_t x = 0; x < window->columns; x++) {
                const size_t at = y * window->row + x * window->column + s;
                struct lanes below = floats_below(floats_load(back->from + at), greatest);
                struct floats given = floats_select(below, zero, rest);
                rest = floats_select(below, rest, zero);
                if (back->use == POOL_ADDS)
                    given = floats_add(floats_load(back->before + at), given);
                floats_store(back->before + at, given);
            }
        }
    }
}
