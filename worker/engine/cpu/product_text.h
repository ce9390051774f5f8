/*
 * product_text.h: the matrix product, written on the names of an isa_*.h that is included before.
 *
 * A tile of up to TILE_ROWS rows and TILE_VECTORS vectors of c stays in registers while k runs, so
 * each output is one chain of fused multiply-adds in ascending k. Tiles go down the rows of a panel
 * of columns first: the panel of b is then met again in the cache.
 */

/* What becomes of the sums on their way out: only what relu needs is cheap enough for here. */
enum tile_end { TILE_ENDS, TILE_ACTIVATES, TILE_DERIVES };

struct tile {
    const float *a;
    size_t a_row, a_column;
    const float *b;
    size_t b_row;
    const float *bias; /* of the first row, or NULL */
    float *c;
    size_t c_row;
    uint32_t k;
    enum product_start start;
    enum tile_end end;
    const float *from; /* of TILE_DERIVES; rows as c */
    struct lanes last; /* of the last vector */
};

enum { TILE_ROWS = 6, TILE_VECTORS = 4 };

/* Whether the last vector is whole, or goes by tile.last. */
enum tile_edge { TILE_WHOLE, TILE_PARTIAL };

/* One row of a tile is a quartet of vectors, of which the first `vectors` are used: a constant
 * wherever these functions are called. */
static inline struct quartet strip_all(float x)
{
    struct floats all = floats_all(x);
    return (struct quartet){all, all, all, all};
}

static inline struct floats strip_load_part(const float *from, enum tile_edge edge,
                                            struct lanes last)
{
    return edge == TILE_WHOLE ? floats_load(from) : floats_load_where(from, last);
}

static inline struct quartet strip_load(const float *from, const uint32_t vectors,
                                        enum tile_edge edge, struct lanes last)
{
    struct quartet b = strip_all(0);
    b.x0 = strip_load_part(from, vectors == 1 ? edge : TILE_WHOLE, last);
    if (vectors > 1)
        b.x1 = strip_load_part(from + LANES, vectors == 2 ? edge : TILE_WHOLE, last);
    if (vectors > 2)
        b.x2 = strip_load_part(from + 2 * LANES, vectors == 3 ? edge : TILE_WHOLE, last);
    if (vectors > 3)
        b.x3 = strip_load_part(from + 3 * LANES, edge, last);
    return b;
}

/* c + factor * b, lane by lane */
static inline struct quartet strip_add_products(struct quartet c, struct floats factor,
                                                struct quartet b, const uint32_t vectors)
{
    c.x0 = floats_fma(factor, b.x0, c.x0);
    if (vectors > 1)
        c.x1 = floats_fma(factor, b.x1, c.x1);
    if (vectors > 2)
        c.x2 = floats_fma(factor, b.x2, c.x2);
    if (vectors > 3)
        c.x3 = floats_fma(factor, b.x3, c.x3);
    return c;
}

static inline struct quartet strip_add_product(struct quartet c, float a, struct quartet b,
                                               const uint32_t vectors)
{
    return strip_add_products(c, floats_all(a), b, vectors);
}

static inline void strip_store(float *to, struct quartet c, const uint32_t vectors,
                               struct lanes last)
{
    if (vectors > 1)
        floats_store(to, c.x0);
    if (vectors > 2)
        floats_store(to + LANES, c.x1);
    if (vectors > 3)
        floats_store(to + 2 * LANES, c.x2);
    floats_store_where(to + (vectors - 1) * LANES, last,
                       vectors == 1   ? c.x0
                       : vectors == 2 ? c.x1
                       : vectors == 3 ? c.x2
                                      : c.x3);
}

static inline struct quartet strip_activate(struct quartet c)
{
    return (struct quartet){
        activation_of(ACTIVATION_RELU, c.x0),
        activation_of(ACTIVATION_RELU, c.x1),
        activation_of(ACTIVATION_RELU, c.x2),
        activation_of(ACTIVATION_RELU, c.x3),
    };
}

static inline struct quartet strip_derive(struct quartet from, struct quartet c)
{
    return (struct quartet){
        derived(ACTIVATION_RELU, from.x0, c.x0),
        derived(ACTIVATION_RELU, from.x1, c.x1),
        derived(ACTIVATION_RELU, from.x2, c.x2),
        derived(ACTIVATION_RELU, from.x3, c.x3),
    };
}

/* One row of a tile leaves. */
static inline __attribute__((always_inline)) void strip_end(const struct tile *tile,
                                                            const uint32_t row, struct quartet c,
                                                            const uint32_t vectors,
                                                            enum tile_edge edge)
{
    const size_t place = row * tile->c_row;
    if (tile->end == TILE_ACTIVATES)
        c = strip_activate(c);
    if (tile->end == TILE_DERIVES)
        c = strip_derive(strip_load(tile->from + place, vectors, edge, tile->last), c);
    strip_store(tile->c + place, c, vectors, tile->last);
}

static inline __attribute__((always_inline)) struct quartet strip_start(const struct tile *tile,
                                                                        const uint32_t row,
                                                                        const uint32_t vectors,
                                                                        enum tile_edge edge)
{
    if (tile->start == PRODUCT_CONTINUES)
        return strip_load(tile->c + row * tile->c_row, vectors, edge, tile->last);
    return strip_all(tile->bias == NULL ? 0 : tile->bias[row]);
}

/* All but the tile are constants wherever this is called. */
static inline __attribute__((always_inline)) void
tile_run(const struct tile *tile, const uint32_t rows, const uint32_t vectors, enum tile_edge edge)
{
    const size_t a_row = tile->a_row, a_column = tile->a_column, b_row = tile->b_row;
    const struct lanes last = tile->last;
    struct quartet c0 = strip_start(tile, 0, vectors, edge);
    struct quartet c1 = rows > 1 ? strip_start(tile, 1, vectors, edge) : c0;
    struct quartet c2 = rows > 2 ? strip_start(tile, 2, vectors, edge) : c0;
    struct quartet c3 = rows > 3 ? strip_start(tile, 3, vectors, edge) : c0;
    struct quartet c4 = rows > 4 ? strip_start(tile, 4, vectors, edge) : c0;
    struct quartet c5 = rows > 5 ? strip_start(tile, 5, vectors, edge) : c0;
    const float *a = tile->a, *b = tile->b;
    for (uint32_t k = tile->k; k > 0; k--) {
        struct quartet row = strip_load(b, vectors, edge, last);
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
        b += b_row;
    }
    strip_end(tile, 0, c0, vectors, edge);
    if (rows > 1)
        strip_end(tile, 1, c1, vectors, edge);
    if (rows > 2)
        strip_end(tile, 2, c2, vectors, edge);
    if (rows > 3)
        strip_end(tile, 3, c3, vectors, edge);
    if (rows > 4)
        strip_end(tile, 4, c4, vectors, edge);
    if (rows > 5)
        strip_end(tile, 5, c5, vectors, edge);
}

/* What does not fit the registers is never asked for, and compiles to nothing. */
static inline __attribute__((always_inline)) void
tile_of_width(const struct tile *tile, uint32_t rows, const uint32_t vectors, enum tile_edge edge)
{
    assert(rows * vectors <= TILE_SUMS);
    switch (rows) {
    case 1:
        tile_run(tile, 1, vectors, edge);
        break;
    case 2:
        if (2 * vectors <= TILE_SUMS)
            tile_run(tile, 2, vectors, edge);
        break;
    case 3:
        if (3 * vectors <= TILE_SUMS)
            tile_run(tile, 3, vectors, edge);
        break;
    case 4:
        if (4 * vectors <= TILE_SUMS)
            tile_run(tile, 4, vectors, edge);
        break;
    case 5:
        if (5 * vectors <= TILE_SUMS)
            tile_run(tile, 5, vectors, edge);
        break;
    default:
        if (6 * vectors <= TILE_SUMS)
            tile_run(tile, 6, vectors, edge);
        break;
    }
}

static inline __attribute__((always_inline)) void tile_of(const struct tile *tile, uint32_t rows,
                                                          uint32_t vectors, enum tile_edge edge)
{
    switch (vectors) {
    case 1:
        tile_of_width(tile, rows, 1, edge);
        break;
    case 2:
        tile_of_width(tile, rows, 2, edge);
        break;
    case 3:
        tile_of_width(tile, rows, 3, edge);
        break;
    default:
        tile_of_width(tile, rows, 4, edge);
        break;
    }
}

static void tile_whole(const struct tile *tile, uint32_t rows, uint32_t vectors)
{
    tile_of(tile, rows, vectors, TILE_WHOLE);
}

static void tile_partial(const struct tile *tile, uint32_t rows, uint32_t vectors)
{
    tile_of(tile, rows, vectors, TILE_PARTIAL);
}

static void tile_choose(const struct tile *tile, uint32_t rows, uint32_t columns)
{
    const uint32_t vectors = (columns + LANES - 1) / LANES;
    if (columns % LANES == 0)
        tile_whole(tile, rows, vectors);
    else
        tile_partial(tile, rows, vectors);
}

/* How the sums of a product are cut: into rows of nearly equal tiles, and panels of columns. */
struct cut {
    uint32_t tiles; /* from top to bottom */
    uint32_t width; /* vectors of a panel */
};

static struct cut product_cut(const struct product *product)
{
    struct cut cut = {.tiles = (product->m + TILE_ROWS - 1) / TILE_ROWS};
    uint32_t rows = (product->m + cut.tiles - 1) / cut.tiles;
    cut.width = TILE_SUMS / rows < TILE_VECTORS ? TILE_SUMS / rows : TILE_VECTORS;
    return cut;
}

/* Columns of the next panel, of those left. */
static uint32_t panel_columns(uint32_t left, uint32_t width)
{
    /* 3 + 2 vectors keep the multipliers busier than 4 + 1. */
    if (width == 4 && left > 4 * LANES && left <= 5 * LANES)
        return 3 * LANES;
    return left < width * LANES ? left : width * LANES;
}

static struct tile product_tile(const struct product *product)
{
    return (struct tile){
        .a = product->a,
        .a_row = product->a_row,
        .a_column = product->a_column,
        .b = product->b,
        .b_row = product->b_row,
        .bias = product->bias,
        .c = product->c,
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

/* Panel by panel: what the tiles of a panel read of b is then met again in the cache. */
static void product_by_panels(const struct product *product, struct cut cut)
{
    uint32_t columns;
    for (uint32_t first = 0; first < product->n; first += columns) {
        columns = panel_columns(product->n - first, cut.width);
        struct tile tile = product_tile(product);
        tile.b += first;
        tile.c += first;
        tile.from += product->from != NULL ? first : 0;
        tile.last = lanes_first((columns - 1) % LANES + 1);
        uint32_t left = product->m;
        for (uint32_t tiles = cut.tiles; tiles > 0; tiles--) {
            uint32_t rows = (left + tiles - 1) / tiles;
            tile_choose(&tile, rows, columns);
            left -= rows;
            tile.a += rows * tile.a_row;
            tile.c += rows * tile.c_row;
            tile.from += product->from != NULL ? rows * tile.c_row : 0;
            if (tile.bias != NULL)
                tile.bias += rows;
        }
    }
}

enum { PACKED_K_MAX = 2048, PACKED_K_MIN = 256, PACKED_ROWS_MIN = 256 };

/*
 * Tile by tile, for a large `a` that is stored as its transpose: a tile would read few bytes of
 * each of many lines, once per panel. So its part of a is copied into one piece first.
 */
static void product_by_tiles(const struct product *product, struct cut cut)
{
    float packed[PACKED_K_MAX * TILE_ROWS];
    struct tile tile = product_tile(product);
    tile.a = packed;
    tile.a_row = 1;
    tile.a_column = TILE_ROWS;
    uint32_t row = 0;
    for (uint32_t tiles = cut.tiles; tiles > 0; tiles--) {
        uint32_t rows = (product->m - row + tiles - 1) / tiles;
        for (uint32_t k = 0; k < product->k; k++) {
            const float *from = product->a + row * product->a_row + k * product->a_column;
            for (uint32_t i = 0; i < rows; i++)
                packed[k * TILE_ROWS + i] = from[i * product->a_row];
        }
        tile.bias = product->bias == NULL ? NULL : product->bias + row;
        uint32_t columns;
        for (uint32_t first = 0; first < product->n; first += columns) {
            columns = panel_columns(product->n - first, cut.width);
            tile.b = product->b + first;
            tile.c = product->c + row * product->c_row + first;
            if (product->from != NULL)
                tile.from = product->from + row * product->c_row + first;
            tile.last = lanes_first((columns - 1) % LANES + 1);
            tile_choose(&tile, rows, columns);
        }
        row += rows;
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

static void product(const struct product *product)
{
    if (product->m == 0)
        return;
    struct cut cut = product_cut(product);
    if (product->a_column != 1 && product->m >= PACKED_ROWS_MIN && product->k >= PACKED_K_MIN &&
        product->k <= PACKED_K_MAX)
        product_by_tiles(product, cut);
    else
        product_by_panels(product, cut);
    if (product->end != PRODUCT_ENDS && product->activation != ACTIVATION_RELU)
        product_finish(product);
}
