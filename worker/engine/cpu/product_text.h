/*
 * product_text.h: the matrix product, cut into the tiles of tile_text.h, which is included before.
 *
 * Tiles go down the rows of a panel of columns first: the panel of b is then met again in the
 * cache.
 */

/* `count` things in nearly equal groups of at most so many: the first `longer` have one more. */
struct sharing {
    uint32_t each, longer;
};

static inline struct sharing share(uint32_t count, const uint32_t most)
{
    const uint32_t groups = (count + most - 1) / most;
    return groups == 0 ? (struct sharing){1, 0} : (struct sharing){count / groups, count % groups};
}

/* Of how many things the next group is. */
static inline uint32_t share_next(struct sharing *sharing)
{
    if (sharing->longer == 0)
        return sharing->each;
    sharing->longer--;
    return sharing->each + 1;
}

_Static_assert(TILE_VECTORS *(int)LANES == (int)PANEL_COLUMNS, "a tile is as wide as a panel");

static struct tile product_tile(const struct product *product)
{
    return (struct tile){
        .a = product->a,
        .a_rows = product->a_rows,
        .a_row = product->a_row,
        .a_column = product->a_column,
        .b_row = product->b_row,
        .bias = product->bias,
        .c = product->c,
        .c_rows = product->c_rows,
        .c_row = product->c_row,
        .k = product->k,
        .start = product->start,
        .end = product->activation != ACTIVATION_RELU ? TILE_ENDS
               : product->end == PRODUCT_ACTIVATES    ? TILE_ACTIVATES
               : product->end == PRODUCT_DERIVES      ? TILE_DERIVES
                                                      : TILE_ENDS,
        .from = product->from,
    };
}

/* Which columns of b and c a tile meets. */
static void tile_go_to(struct tile *tile, const struct product *product, uint32_t column,
                       uint32_t columns)
{
    tile->last = lanes_first((columns - 1) % LANES + 1);
    tile->b = product->b + column;
    tile->c = product->c != NULL ? product->c + column : NULL;
    tile->column = column;
    tile->from = product->from != NULL ? product->from + column : NULL;
}

static void tile_go_down(struct tile *tile, uint32_t rows)
{
    if (tile->a_rows != NULL)
        tile->a_rows += rows;
    else
        tile->a += rows * tile->a_row;
    if (tile->c_rows != NULL)
        tile->c_rows += rows;
    else
        tile->c += rows * tile->c_row;
    if (tile->from != NULL)
        tile->from += rows * tile->c_row;
    if (tile->bias != NULL)
        tile->bias += rows;
}

/* Vectors of a tile of so many rows, by what fits the registers. */
static inline uint32_t tile_vectors_max(uint32_t rows)
{
    if (TILE_VECTORS * TILE_ROWS <= (int)TILE_SUMS || rows == 1)
        return TILE_VECTORS;
    return rows == 2 ? (int)TILE_SUMS / 2 : rows == 3 ? (int)TILE_SUMS / 3 : 1;
}

/* A panel's part of some rows: in one tile where that fits the registers. */
static inline void tile_run_columns(const struct tile *panel, uint32_t rows, uint32_t columns)
{
    const uint32_t most = tile_vectors_max(rows) * LANES;
    if (columns <= most) {
        tile_choose(panel, rows, columns);
        return;
    }
    struct tile tile = *panel;
    for (uint32_t left = columns, now; left > 0; left -= now) {
        now = left < most ? left : most;
        tile.last = lanes_first((now - 1) % LANES + 1);
        tile_choose(&tile, rows, now);
        tile.b += now;
        if (tile.c_rows == NULL)
            tile.c += now;
        tile.column += now;
        if (tile.from != NULL)
            tile.from += now;
    }
}

/* Which columns of b and c a tile meets. */
static void tile_go_to_panel(struct tile *tile, const struct product *product, uint32_t first,
                             uint32_t columns)
{
    tile_go_to(tile, product, first, columns);
    if (product->b_layout == MATRIX_PANELS) {
        tile->b = product->b + (size_t)first * product->k;
        tile->b_row = (columns + LANES - 1) / LANES * LANES;
    }
}

/* Panel by panel: what the tiles of a panel read of b is then met again in the cache. */
static void product_by_panels(const struct product *product)
{
    const struct sharing sharing = share(product->m, TILE_ROWS);
    uint32_t columns, rows;
    for (uint32_t first = 0; first < product->n; first += columns) {
        struct sharing tiles = sharing;
        columns = panel_columns(product->n - first);
        struct tile tile = product_tile(product);
        tile_go_to_panel(&tile, product, first, columns);
        for (uint32_t left = product->m; left > 0; left -= rows) {
            rows = share_next(&tiles);
            tile_run_columns(&tile, rows, columns);
            tile_go_down(&tile, rows);
        }
    }
}

/* Some rows, panel after panel: their part of a stays in the nearest cache. `packed` has it tile by
 * tile, each column by column, or is NULL: it is where the product has it. */
static void product_by_tiles(const struct product *product, uint32_t row, uint32_t rows,
                             const float *packed)
{
    struct sharing tiles = share(rows, TILE_ROWS);
    uint32_t now, columns;
    for (const uint32_t end = row + rows; row < end; row += now) {
        now = share_next(&tiles);
        for (uint32_t first = 0; first < product->n; first += columns) {
            struct tile tile = product_tile(product);
            columns = panel_columns(product->n - first);
            tile_go_to_panel(&tile, product, first, columns);
            tile_go_down(&tile, row);
            if (packed != NULL) {
                tile.a = packed;
                tile.a_column = TILE_ROWS;
            }
            tile_run_columns(&tile, now, columns);
        }
        if (packed != NULL)
            packed += (size_t)product->k * TILE_ROWS;
    }
}

/* Room for two tiles of the most columns, and for more where there are less. */
enum { PACKED_K_MAX = 2048, PACKED_FLOATS = 2 * TILE_ROWS * PACKED_K_MAX };
enum { PACKED_K_MIN = 256, PACKED_ROWS_MIN = 256, PACKED_COLUMNS = 16 };

/* Some columns of a tile's rows, which lie in one piece; copies of a known length are fastest. */
static inline void pack_columns(const struct product *product, uint32_t row, uint32_t columns,
                                const float *from, float *to)
{
    const uint32_t left = product->m - row;
    for (uint32_t k = 0; k < columns; k++) {
        if (left >= TILE_ROWS)
            memcpy(to, from, TILE_ROWS * sizeof *to);
        else
            memcpy(to, from, left * sizeof *to);
        from += product->a_column;
        to += TILE_ROWS;
    }
}

/* Some tiles' rows of an `a` that is stored as its transpose: tile after tile, each column by
 * column. A column is in a page of its own; so all tiles take from a few columns, then from the
 * next ones. */
static void pack_tiles(const struct product *product, uint32_t row, uint32_t rows, float *packed)
{
    uint32_t columns;
    for (uint32_t first = 0; first < product->k; first += columns) {
        const float *from = product->a + first * product->a_column;
        float *to = packed + (size_t)first * TILE_ROWS;
        struct sharing tiles = share(rows, TILE_ROWS);
        columns = product->k - first < PACKED_COLUMNS ? product->k - first : PACKED_COLUMNS;
        for (uint32_t i = row; i < row + rows; i += share_next(&tiles)) {
            pack_columns(product, i, columns, from + i, to);
            to += (size_t)product->k * TILE_ROWS;
        }
    }
}

/*
 * For a large `a` that is stored as its transpose. A tile by itself would read few bytes of each of
 * many lines, once per panel.
 */
static void product_of_packed(const struct product *product)
{
    float packed[PACKED_FLOATS];
    struct sharing groups = share(product->m, PACKED_FLOATS / (TILE_ROWS * product->k) * TILE_ROWS);
    uint32_t rows;
    for (uint32_t row = 0; row < product->m; row += rows) {
        rows = share_next(&groups);
        pack_tiles(product, row, rows, packed);
        product_by_tiles(product, row, rows, packed);
    }
}

/* What is not done on the way out. */
static void product_finish(const struct product *product)
{
    const struct activations c = {product->m, product->n, product->c_row, product->c};
    const struct activations from = {product->m, product->n, product->c_row,
                                     (float *)(uintptr_t)product->from};
    if (product->end == PRODUCT_ACTIVATES)
        activate(product->activation, &c);
    else
        derive(product->activation, &from, &c);
}

/* Floats that the second-level cache has room for, beside a mini-batch. */
static const size_t rows_kept = (size_t)1 << 17;

static int is_packed(const struct product *product)
{
    return product->a_rows == NULL && product->a_column != 1 && product->a_row == 1 &&
           product->m >= PACKED_ROWS_MIN && product->k >= PACKED_K_MIN &&
           product->k <= PACKED_K_MAX;
}

static int goes_by_tiles(const struct product *product)
{
    return product->a_column == 1 && (size_t)product->m * product->k > rows_kept;
}

static void product(const struct product *product)
{
    if (is_packed(product))
        product_of_packed(product);
    else if (goes_by_tiles(product))
        product_by_tiles(product, 0, product->m, NULL);
    else
        product_by_panels(product);
    if (product->end != PRODUCT_ENDS && product->activation != ACTIVATION_RELU)
        product_finish(product);
}
