/*
 * tile_text.h: what the matrix product is made of; written on the names of an isa_*.h and on
 * step_text.h, which are included before.
 *
 * A tile of up to TILE_ROWS rows and TILE_VECTORS vectors of c stays in registers while k runs, so
 * each output is one chain of fused multiply-adds in ascending k.
 */

/* What becomes of the sums on their way out: only what relu needs is cheap enough for here. */
enum tile_end { TILE_ENDS, TILE_ACTIVATES, TILE_DERIVES };

struct tile {
    const float *a;
    const float *const *a_rows; /* or NULL: rows lie a_row apart from `a` on */
    size_t a_row, a_column;
    const float *b;
    size_t b_row;
    const float *bias; /* of the first row, or NULL */
    float *c;
    float *const *c_rows; /* as a_rows; `column` is then where the tile begins in each */
    size_t c_row, column;
    uint32_t k;
    enum product_start start;
    enum tile_end end;
    const float *from; /* of TILE_DERIVES; rows as c */
    struct lanes last; /* of the last vector */
};

enum { TILE_ROWS = 6, TILE_VECTORS = 4 };

/* A panel of b is larger than the nearest cache: so many rows ahead are asked for. Of a c that has
 * to wait as long as this, all is. */
enum { ROWS_AHEAD = 8, FETCHED_K_MIN = 64 };

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

/* Asks for what is to be met soon. */
static inline void strip_fetch(const float *from, const uint32_t vectors)
{
    __builtin_prefetch(from);
    if (vectors > 1)
        __builtin_prefetch(from + LANES);
    if (vectors > 2)
        __builtin_prefetch(from + 2 * LANES);
    if (vectors > 3)
        __builtin_prefetch(from + 3 * LANES);
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

static inline float *tile_place(const struct tile *tile, const uint32_t row)
{
    return tile->c_rows != NULL ? tile->c_rows[row] + tile->column : tile->c + row * tile->c_row;
}

/* One row of a tile leaves. */
static inline __attribute__((always_inline)) void strip_end(const struct tile *tile,
                                                            const uint32_t row, struct quartet c,
                                                            const uint32_t vectors,
                                                            enum tile_edge edge)
{
    if (tile->end == TILE_ACTIVATES)
        c = strip_activate(c);
    if (tile->end == TILE_DERIVES) {
        const float *from = tile->from + row * tile->c_row;
        c = strip_derive(strip_load(from, vectors, edge, tile->last), c);
    }
    strip_store(tile_place(tile, row), c, vectors, tile->last);
}

static inline __attribute__((always_inline)) struct quartet strip_start(const struct tile *tile,
                                                                        const uint32_t row,
                                                                        const uint32_t vectors,
                                                                        enum tile_edge edge)
{
    if (tile->start == PRODUCT_CONTINUES)
        return strip_load(tile_place(tile, row), vectors, edge, tile->last);
    return strip_all(tile->bias == NULL ? 0 : tile->bias[row]);
}

static inline const float *tile_factors(const struct tile *tile, const uint32_t row)
{
    return tile->a_rows != NULL ? tile->a_rows[row] : tile->a + row * tile->a_row;
}

/* All but the tile are constants wherever this is called. */
static inline __attribute__((always_inline)) void
tile_run(const struct tile *tile, const uint32_t rows, const uint32_t vectors, enum tile_edge edge)
{
    const size_t a_column = tile->a_column, b_row = tile->b_row;
    const struct lanes last = tile->last;
    struct quartet c0 = strip_start(tile, 0, vectors, edge);
    struct quartet c1 = rows > 1 ? strip_start(tile, 1, vectors, edge) : c0;
    struct quartet c2 = rows > 2 ? strip_start(tile, 2, vectors, edge) : c0;
    struct quartet c3 = rows > 3 ? strip_start(tile, 3, vectors, edge) : c0;
    struct quartet c4 = rows > 4 ? strip_start(tile, 4, vectors, edge) : c0;
    struct quartet c5 = rows > 5 ? strip_start(tile, 5, vectors, edge) : c0;
    const float *a0 = tile_factors(tile, 0), *b = tile->b;
    const float *a1 = rows > 1 ? tile_factors(tile, 1) : a0;
    const float *a2 = rows > 2 ? tile_factors(tile, 2) : a0;
    const float *a3 = rows > 3 ? tile_factors(tile, 3) : a0;
    const float *a4 = rows > 4 ? tile_factors(tile, 4) : a0;
    const float *a5 = rows > 5 ? tile_factors(tile, 5) : a0;
    size_t place = 0;
    for (uint32_t row = 0; tile->k >= FETCHED_K_MIN && row < rows; row++)
        strip_fetch(tile_place(tile, row), vectors);
    for (uint32_t k = tile->k; k > 0; k--) {
        struct quartet row = strip_load(b, vectors, edge, last);
        if (rows > 3)
            strip_fetch(b + ROWS_AHEAD * b_row, vectors);
        c0 = strip_add_product(c0, a0[place], row, vectors);
        if (rows > 1)
            c1 = strip_add_product(c1, a1[place], row, vectors);
        if (rows > 2)
            c2 = strip_add_product(c2, a2[place], row, vectors);
        if (rows > 3)
            c3 = strip_add_product(c3, a3[place], row, vectors);
        if (rows > 4)
            c4 = strip_add_product(c4, a4[place], row, vectors);
        if (rows > 5)
            c5 = strip_add_product(c5, a5[place], row, vectors);
        place += a_column;
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
