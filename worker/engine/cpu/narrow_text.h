/*
 * narrow_text.h: sums of products over long rows of samples, in lanes; written on the names of an
 * isa_*.h and on product_text.h, which are included before.
 *
 * As a matrix product this has few outputs and a long k: one chain of fused multiply-adds per
 * output would wait for itself at each sample. Here the lanes are samples. A block of up to four
 * rows of left by four of right stays in registers over all samples, and its sixteen sums leave
 * the lanes together.
 */

enum { BLOCK_ROWS = 4, BLOCK_COLUMNS = 4 };
_Static_assert((int)BLOCK_ROWS *(int)BLOCK_COLUMNS == (int)LANES, "a block's sums fill a vector");

/* The rows that meet in one block. */
struct block {
    const float *left, *right;
    size_t left_row, right_row;
};

/* One group of sixteen samples: right's part is a strip, a row per vector. */
static inline __attribute__((always_inline)) struct quartet
block_strip(const float *right, size_t row, struct lanes inside, enum tile_edge edge,
            const uint32_t columns)
{
    struct quartet b = strip_all(0);
    b.x0 = strip_load_part(right, edge, inside);
    if (columns > 1)
        b.x1 = strip_load_part(right + row, edge, inside);
    if (columns > 2)
        b.x2 = strip_load_part(right + 2 * row, edge, inside);
    if (columns > 3)
        b.x3 = strip_load_part(right + 3 * row, edge, inside);
    return b;
}

/* Named parts and not an array: see tile_text.h. */
struct block_sums {
    struct quartet c0, c1, c2, c3;
};

static inline __attribute__((always_inline)) struct block_sums
block_add(struct block_sums sums, const struct block *block, size_t first, struct lanes inside,
          enum tile_edge edge, const uint32_t rows, const uint32_t columns)
{
    const float *left = block->left + first;
    const size_t row = block->left_row;
    struct quartet b = block_strip(block->right + first, block->right_row, inside, edge, columns);
    sums.c0 = strip_add_products(sums.c0, strip_load_part(left, edge, inside), b, columns);
    if (rows > 1)
        sums.c1 =
            strip_add_products(sums.c1, strip_load_part(left + row, edge, inside), b, columns);
    if (rows > 2)
        sums.c2 =
            strip_add_products(sums.c2, strip_load_part(left + 2 * row, edge, inside), b, columns);
    if (rows > 3)
        sums.c3 =
            strip_add_products(sums.c3, strip_load_part(left + 3 * row, edge, inside), b, columns);
    return sums;
}

static inline __attribute__((always_inline)) void block_finish(struct block_sums s, float *sums,
                                                               size_t sums_row, const uint32_t rows,
                                                               const uint32_t columns)
{
    float sum[LANES];
    floats_store(sum, floats_sums(s.c0, s.c1, s.c2, s.c3));
    for (uint32_t i = 0; i < rows; i++)
        memcpy(sums + i * sums_row, sum + i * BLOCK_COLUMNS, columns * sizeof *sums);
}

/* How many rows and columns are used is a constant wherever this is called. */
static inline __attribute__((always_inline)) void block_run(const struct lane_product *product,
                                                            struct block block, float *sums,
                                                            const uint32_t rows,
                                                            const uint32_t columns)
{
    const struct quartet zero = strip_all(0);
    const uint32_t n = product->n;
    struct block_sums s = {zero, zero, zero, zero};
    for (uint32_t run = product->runs; run > 0; run--) {
        uint32_t first = 0;
        for (; first + LANES <= n; first += LANES)
            s = block_add(s, &block, first, lanes_first(LANES), TILE_WHOLE, rows, columns);
        if (first < n)
            s = block_add(s, &block, first, lanes_first(n - first), TILE_PARTIAL, rows, columns);
        block.left += product->left_run;
        block.right += product->right_run;
    }
    block_finish(s, sums, product->sums_row, rows, columns);
}

static inline __attribute__((always_inline)) void block_of_rows(const struct lane_product *product,
                                                                const struct block *block,
                                                                float *sums, const uint32_t rows,
                                                                uint32_t columns)
{
    switch (columns) {
    case 1:
        block_run(product, *block, sums, rows, 1);
        break;
    case 2:
        block_run(product, *block, sums, rows, 2);
        break;
    case 3:
        block_run(product, *block, sums, rows, 3);
        break;
    default:
        block_run(product, *block, sums, rows, 4);
        break;
    }
}

static void block_of(const struct lane_product *product, const struct block *block, float *sums,
                     uint32_t rows, uint32_t columns)
{
    switch (rows) {
    case 1:
        block_of_rows(product, block, sums, 1, columns);
        break;
    case 2:
        block_of_rows(product, block, sums, 2, columns);
        break;
    case 3:
        block_of_rows(product, block, sums, 3, columns);
        break;
    default:
        block_of_rows(product, block, sums, 4, columns);
        break;
    }
}

static void lane_product(const struct lane_product *product)
{
    struct sharing down = share(product->left_rows, BLOCK_ROWS);
    uint32_t rows, columns;
    for (uint32_t i = 0; i < product->left_rows; i += rows) {
        struct sharing across = share(product->right_rows, BLOCK_COLUMNS);
        rows = share_next(&down);
        for (uint32_t j = 0; j < product->right_rows; j += columns) {
            columns = share_next(&across);
            struct block block = {product->left + i * product->left_row,
                                  product->right + j * product->right_row, product->left_row,
                                  product->right_row};
            block_of(product, &block, product->sums + i * product->sums_row + j, rows, columns);
        }
    }
}

static void sum_products(const struct activations *left, const struct activations *right,
                         float *sums, size_t sums_row)
{
    lane_product(&(struct lane_product){
        .left_rows = left->units,
        .right_rows = right->units,
        .n = left->n,
        .runs = 1,
        .left = left->values,
        .left_row = left->stride,
        .right = right->values,
        .right_row = right->stride,
        .sums = sums,
        .sums_row = sums_row,
    });
}
