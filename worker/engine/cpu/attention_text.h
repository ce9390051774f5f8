/*
 * attention_text.h: products and weights of attention over a block of sixteen samples; written on
 * the names of an isa_*.h that is included before. struct block_product says what a block is.
 *
 * Every lane is a sample, so nothing is ever summed over lanes; a tile of outputs stays in
 * registers, since two loads for one operation would be what it waits for.
 */

/* As many sums as registers hold beside one row and one column. */
enum {
    ATTENTION_ROWS = (int)TILE_SUMS >= 16 ? 4 : 2,
    ATTENTION_COLUMNS = (int)TILE_SUMS >= 16 ? 4 : 2,
};

/* Outputs [i, i + rows) x [j, j + columns); both are constants wherever this is called. */
static inline __attribute__((always_inline)) void block_tile(const struct block_product *product,
                                                             uint32_t i, uint32_t j,
                                                             const uint32_t rows,
                                                             const uint32_t columns)
{
    struct floats sums[ATTENTION_ROWS][ATTENTION_COLUMNS];
    const float *left = product->left + i * product->left_row * LANES;
    const float *right = product->right + j * product->right_row * LANES;
    const size_t left_row = product->left_row * LANES, right_row = product->right_row * LANES;
    for (uint32_t r = 0; r < rows; r++)
        for (uint32_t c = 0; c < columns; c++)
            sums[r][c] = floats_all(0);
    for (uint32_t t = 0; t < product->terms; t++) {
        struct floats factors[ATTENTION_COLUMNS];
        for (uint32_t c = 0; c < columns; c++)
            factors[c] = floats_load(right + c * right_row);
        for (uint32_t r = 0; r < rows; r++) {
            struct floats factor = floats_load(left + r * left_row);
            for (uint32_t c = 0; c < columns; c++)
                sums[r][c] = floats_fma(factor, factors[c], sums[r][c]);
        }
        left += product->left_term * LANES;
        right += product->right_term * LANES;
    }
    for (uint32_t r = 0; r < rows; r++)
        for (uint32_t c = 0; c < columns; c++)
            floats_store(product->c + ((i + r) * product->c_row + j + c) * LANES, sums[r][c]);
}

static void block_product(const struct block_product *product)
{
    uint32_t i = 0;
    for (; i + ATTENTION_ROWS <= product->m; i += ATTENTION_ROWS) {
        uint32_t j = 0;
        for (; j + ATTENTION_COLUMNS <= product->n; j += ATTENTION_COLUMNS)
            block_tile(product, i, j, ATTENTION_ROWS, ATTENTION_COLUMNS);
        for (; j < product->n; j++)
            block_tile(product, i, j, ATTENTION_ROWS, 1);
    }
    for (; i < product->m; i++) {
        uint32_t j = 0;
        for (; j + ATTENTION_COLUMNS <= product->n; j += ATTENTION_COLUMNS)
            block_tile(product, i, j, 1, ATTENTION_COLUMNS);
        for (; j < product->n; j++)
            block_tile(product, i, j, 1, 1);
    }
}

/* The weights of one query. */
static inline void weigh_query(float *row, uint32_t keys, float scale)
{
    struct floats greatest = floats_multiply(floats_load(row), floats_all(scale));
    for (uint32_t k = 0; k < keys; k++) {
        struct floats z = floats_multiply(floats_load(row + k * LANES), floats_all(scale));
        greatest = floats_select(floats_below(greatest, z), z, greatest);
    }
    struct floats sum = floats_all(0);
    for (uint32_t k = 0; k < keys; k++) {
        struct floats z = floats_multiply(floats_load(row + k * LANES), floats_all(scale));
        struct floats e = floats_exp(floats_subtract(z, greatest));
        sum = floats_add(sum, e);
        floats_store(row + k * LANES, e);
    }
    struct floats share = floats_divide(floats_all(1.0F), sum);
    for (uint32_t k = 0; k < keys; k++)
        floats_store(row + k * LANES, floats_multiply(floats_load(row + k * LANES), share));
}

static void block_weigh(const struct block_weights *weights)
{
    for (uint32_t q = 0; q < weights->queries; q++)
        weigh_query(weights->weights + (size_t)q * weights->keys * LANES, weights->keys,
                    weights->scale);
}

static void block_weigh_back(const struct block_weights *weights)
{
    for (uint32_t q = 0; q < weights->queries; q++) {
        const float *row = weights->weights + (size_t)q * weights->keys * LANES;
        float *delta = weights->delta + (size_t)q * weights->keys * LANES;
        struct floats mean = floats_all(0);
        for (uint32_t k = 0; k < weights->keys; k++)
            mean = floats_fma(floats_load(row + k * LANES), floats_load(delta + k * LANES), mean);
        for (uint32_t k = 0; k < weights->keys; k++) {
            struct floats apart = floats_subtract(floats_load(delta + k * LANES), mean);
            apart = floats_multiply(floats_load(row + k * LANES), apart);
            floats_store(delta + k * LANES, floats_multiply(apart, floats_all(weights->scale)));
        }
    }
}
