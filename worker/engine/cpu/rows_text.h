/*
 * rows_text.h: the matrix product whose rows of b lie anywhere; written on the names of an isa_*.h
 * and on the tiles of product_text.h, which are included before.
 *
 * The rows of one position of a convolution are those that its taps find: copying them together
 * took as long as a quarter of the product itself. Rows are whole vectors here.
 */

/* Of `tile` all but its b; rows and vectors are constants wherever this is called. */
static inline __attribute__((always_inline)) void rows_run(const struct tile *tile,
                                                           const float *const *b, size_t column,
                                                           const uint32_t rows,
                                                           const uint32_t vectors)
{
    const size_t a_row = tile->a_row, a_column = tile->a_column;
    const struct lanes last = tile->last;
    struct quartet c0 = strip_start(tile, 0, vectors, TILE_WHOLE);
    struct quartet c1 = rows > 1 ? strip_start(tile, 1, vectors, TILE_WHOLE) : c0;
    struct quartet c2 = rows > 2 ? strip_start(tile, 2, vectors, TILE_WHOLE) : c0;
    struct quartet c3 = rows > 3 ? strip_start(tile, 3, vectors, TILE_WHOLE) : c0;
    struct quartet c4 = rows > 4 ? strip_start(tile, 4, vectors, TILE_WHOLE) : c0;
    struct quartet c5 = rows > 5 ? strip_start(tile, 5, vectors, TILE_WHOLE) : c0;
    const float *a = tile->a;
    for (uint32_t k = 0; k < tile->k; k++) {
        struct quartet row = strip_load(b[k] + column, vectors, TILE_WHOLE, last);
        c0 = strip_add_product(c0, a[0], row, vectors);
        if (rows > 1)
            c1 = strip_add_product(c1, a[a_row], row, vectors);
        if (rows > 2)
            c2 = strip_add_product(c2, a[2 * a_row], row, vectors);
        if (rows > 3)
            c3 = strip_add_product(c3, a[3 * a_row], row, vectors);
        if (rows > 4)
            c4 = strip_add_product(c4, a[4 * a_row], row, vectors);
        if (rows > 5)
            c5 = strip_add_product(c5, a[5 * a_row], row, vectors);
        a += a_column;
    }
    strip_end(tile, 0, c0, vectors, TILE_WHOLE);
    if (rows > 1)
        strip_end(tile, 1, c1, vectors, TILE_WHOLE);
    if (rows > 2)
        strip_end(tile, 2, c2, vectors, TILE_WHOLE);
    if (rows > 3)
        strip_end(tile, 3, c3, vectors, TILE_WHOLE);
    if (rows > 4)
        strip_end(tile, 4, c4, vectors, TILE_WHOLE);
    if (rows > 5)
        strip_end(tile, 5, c5, vectors, TILE_WHOLE);
}

/* What does not fit the registers is never asked for, and compiles to nothing. */
static inline __attribute__((always_inline)) void rows_of_width(const struct tile *tile,
                                                                const float *const *b,
                                                                size_t column, uint32_t rows,
                                                                const uint32_t vectors)
{
    assert(rows * vectors <= TILE_SUMS);
    switch (rows) {
    case 1:
        rows_run(tile, b, column, 1, vectors);
        break;
    case 2:
        if (2 * vectors <= TILE_SUMS)
            rows_run(tile, b, column, 2, vectors);
        break;
    case 3:
        if (3 * vectors <= TILE_SUMS)
            rows_run(tile, b, column, 3, vectors);
        break;
    case 4:
        if (4 * vectors <= TILE_SUMS)
            rows_run(tile, b, column, 4, vectors);
        break;
    case 5:
        if (5 * vectors <= TILE_SUMS)
            rows_run(tile, b, column, 5, vectors);
        break;
    default:
        if (6 * vectors <= TILE_SUMS)
            rows_run(tile, b, column, 6, vectors);
        break;
    }
}

static void rows_of(const struct tile *tile, const float *const *b, size_t column, uint32_t rows,
                    uint32_t vectors)
{
    switch (vectors) {
    case 1:
        rows_of_width(tile, b, column, rows, 1);
        break;
    case 2:
        rows_of_width(tile, b, column, rows, 2);
        break;
    case 3:
        rows_of_width(tile, b, column, rows, 3);
        break;
    default:
        rows_of_width(tile, b, column, rows, 4);
        break;
    }
}

/* Of `left` things, the next of nearly equal groups of at most so many. */
static uint32_t rows_share(uint32_t left, uint32_t most)
{
    uint32_t groups = (left + most - 1) / most;
    return (left + groups - 1) / groups;
}

static void product_of_rows(const struct product *product, const float *const *b)
{
    assert(product->n % LANES == 0);
    const uint32_t tallest = rows_share(product->m, TILE_ROWS);
    const uint32_t widest = TILE_SUMS / tallest < TILE_VECTORS ? TILE_SUMS / tallest : TILE_VECTORS;
    const uint32_t end = product->n / LANES;
    uint32_t vectors, rows;
    for (uint32_t first = 0; first < end; first += vectors) {
        const size_t column = (size_t)first * LANES;
        vectors = rows_share(end - first, widest);
        struct tile tile = product_tile(product);
        tile.last = lanes_first(LANES);
        for (uint32_t row = 0; row < product->m; row += rows) {
            rows = rows_share(product->m - row, tallest);
            tile.a = product->a + row * product->a_row;
            tile.bias = product->bias != NULL ? product->bias + row : NULL;
            tile.c = product->c + row * product->c_row + column;
            tile.from =
                product->from != NULL ? product->from + row * product->c_row + column : NULL;
            rows_of(&tile, b, column, rows, vectors);
        }
    }
    if (product->end != PRODUCT_ENDS && product->activation != ACTIVATION_RELU)
        product_finish(product);
}
