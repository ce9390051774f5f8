/*
 * bytes_text.h: mini-batches of bytes, and products that leave out their zeros; written on the
 * names of an isa_*.h and on gather_text.h, which are included before.
 */

static inline uint32_t byte_panels(uint32_t columns)
{
    return (columns + BYTE_COLUMNS - 1) / BYTE_COLUMNS;
}

/* -------------------------------------------------------------------------------------- gather */

/* So many samples ahead lines are asked for: those of one sample after the other, which costs the
 * fewest translations of addresses. */
enum { SAMPLES_AHEAD = 6 };

static inline void sample_prefetch(const struct batch_source *source, uint32_t number)
{
    if (number >= source->n)
        return;
    const uint8_t *start = sample_start(source, number);
    for (uint32_t feature = 0; feature < source->samples->features; feature += BYTE_COLUMNS)
        __builtin_prefetch(start + feature);
}

/* Sample by sample. */
static void gather_samples(const struct batch_source *source, const struct byte_matrix *to)
{
    for (uint32_t i = 0; i < SAMPLES_AHEAD; i++)
        sample_prefetch(source, i);
    for (uint32_t i = 0; i < source->n; i++) {
        const uint8_t *from = sample_start(source, i);
        sample_prefetch(source, i + SAMPLES_AHEAD);
        for (uint32_t feature = 0; feature < to->columns; feature += BYTE_COLUMNS) {
            const size_t row = (size_t)feature / BYTE_COLUMNS * to->rows + i;
            uint8_t *values = to->values + row * BYTE_COLUMNS;
            if (to->columns - feature >= BYTE_COLUMNS) {
                memcpy(values, from + feature, BYTE_COLUMNS);
            } else {
                memset(values, 0, BYTE_COLUMNS);
                memcpy(values, from + feature, to->columns - feature);
            }
            to->filled[row] = bytes_filled(values);
        }
    }
}

/* Sixteen samples from `first` on of a panel of features; those that are not there are zeros. */
static void turn_samples(const struct byte_matrix *by_sample, size_t panel, uint32_t first,
                         const struct byte_matrix *by_feature)
{
    const uint32_t feature = (uint32_t)panel * BYTE_COLUMNS, left = by_feature->rows - feature;
    const size_t row = (size_t)first / BYTE_COLUMNS * by_feature->rows + feature;
    const uint8_t *from = by_sample->values + (panel * by_sample->rows + first) * BYTE_COLUMNS;
    uint8_t part[LANES * BYTE_COLUMNS];
    if (first + LANES > by_sample->rows) {
        const uint32_t rows = first < by_sample->rows ? by_sample->rows - first : 0;
        memset(part, 0, sizeof part);
        memcpy(part, from, (size_t)rows * BYTE_COLUMNS);
        from = part;
    }
    bytes_transpose(from, by_feature->values + row * BYTE_COLUMNS + first % BYTE_COLUMNS,
                    left < BYTE_COLUMNS ? left : BYTE_COLUMNS);
}

static void gather_bytes(const struct batch_source *source, const struct byte_matrix *by_sample,
                         const struct byte_matrix *by_feature)
{
    const uint32_t panels = byte_panels(by_sample->columns);
    gather_samples(source, by_sample);
    for (uint32_t first = 0; first < source->n; first += BYTE_COLUMNS) {
        const size_t row = (size_t)first / BYTE_COLUMNS * by_feature->rows;
        for (uint32_t panel = 0; panel < panels; panel++)
            for (uint32_t i = first; i < first + BYTE_COLUMNS; i += LANES)
                turn_samples(by_sample, panel, i, by_feature);
        for (uint32_t feature = 0; feature < by_feature->rows; feature++)
            by_feature->filled[row + feature] =
                bytes_filled(by_feature->values + (row + feature) * BYTE_COLUMNS);
    }
}

/* -------------------------------------------------------------------------------------- factors */

static float scale_row(float factor, size_t count, const float *from, float *to)
{
    struct floats sum = floats_all(0);
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        const struct floats x = floats_multiply(floats_all(factor), floats_load(from + i));
        floats_store(to + i, x);
        sum = floats_add(sum, x);
    }
    if (i < count) { /* the other lanes get a zero added, which changes no sum that began at +0 */
        const struct lanes left = lanes_first((uint32_t)(count - i));
        const struct floats x =
            floats_multiply(floats_all(factor), floats_load_where(from + i, left));
        floats_store_where(to + i, left, x);
        sum = floats_add(sum, floats_select(left, x, floats_all(0)));
    }
    return floats_sum(sum);
}

static void transpose_to_rows(const struct activations *from, float *const *to)
{
    for (uint32_t column = 0; column < from->n; column += LANES) {
        const uint32_t columns = from->n - column < LANES ? from->n - column : LANES;
        for (uint32_t unit = 0; unit < from->units; unit += LANES) {
            const struct lanes units = lanes_first(from->units - unit);
            struct floats x[LANES];
            for (uint32_t i = 0; i < LANES; i++)
                x[i] = unit + i < from->units
                           ? floats_load(from->values + (unit + i) * from->stride + column)
                           : floats_all(0);
            floats_transpose(x);
            for (uint32_t i = 0; i < columns; i++)
                floats_store_where(to[column + i] + unit, units, x[i]);
        }
    }
}

/* -------------------------------------------------------------------------------------- product */

/* As measured (README.md): where a product's sums fill many registers, it is hard to beat. */
enum { SPARSE_UNITS = (int)TILE_SUMS > 6 ? 10 : 4 };
static const float sparse_density = (int)TILE_SUMS > 6 ? 0.62F : 0.7F;

/* Some rows of a, in one of its panels, and what they meet. */
struct sparse_panel {
    const uint8_t *values;
    const uint64_t *filled;
    const float *floats; /* [256] what a byte is as a float: to read it needs no arithmetic unit */
    uint32_t rows;
    const float *b;
    size_t row;        /* of b and c */
    const float *last; /* NULL: there are more panels to come */
    float *c;
    enum product_start start;
};

/* The first `vectors` of eight: a constant wherever these functions are called. */
struct octet {
    struct quartet low, high;
};

static inline struct octet octet_load(const float *from, const uint32_t vectors)
{
    const struct lanes none = lanes_first(LANES);
    struct octet x;
    x.low = strip_load(from, vectors < 4 ? vectors : 4, TILE_WHOLE, none);
    x.high = vectors > 4 ? strip_load(from + 4 * LANES, vectors - 4, TILE_WHOLE, none) : x.low;
    return x;
}

static inline void octet_store(float *to, struct octet x, const uint32_t vectors)
{
    const struct lanes all = lanes_first(LANES);
    strip_store(to, x.low, vectors < 4 ? vectors : 4, all);
    if (vectors > 4)
        strip_store(to + 4 * LANES, x.high, vectors - 4, all);
}

static inline struct octet octet_add_products(struct octet sum, float factor, struct octet x,
                                              const uint32_t vectors)
{
    sum.low = strip_add_product(sum.low, factor, x.low, vectors < 4 ? vectors : 4);
    if (vectors > 4)
        sum.high = strip_add_product(sum.high, factor, x.high, vectors - 4);
    return sum;
}

static inline __attribute__((always_inline)) void sparse_run(const struct sparse_panel *panel,
                                                             const uint32_t vectors)
{
    const size_t row = panel->row;
    const struct quartet zeros = strip_all(0);
    for (uint32_t i = 0; i < panel->rows; i++) {
        const uint8_t *values = panel->values + (size_t)i * BYTE_COLUMNS;
        float *c = panel->c + i * row;
        struct octet sum = panel->start == PRODUCT_CONTINUES ? octet_load(c, vectors)
                                                             : (struct octet){zeros, zeros};
        for (uint64_t filled = panel->filled[i]; filled != 0; filled &= filled - 1) {
            const uint32_t k = (uint32_t)__builtin_ctzll(filled);
            const struct octet b = octet_load(panel->b + k * row, vectors);
            sum = octet_add_products(sum, panel->floats[values[k]], b, vectors);
        }
        if (panel->last != NULL)
            sum = octet_add_products(sum, 1, octet_load(panel->last, vectors), vectors);
        octet_store(c, sum, vectors);
    }
}

/* Each number of vectors is a loop of its own. */
static void sparse_choose(const struct sparse_panel *panel, uint32_t vectors)
{
    switch (vectors) {
    case 1:
        sparse_run(panel, 1);
        break;
    case 2:
        sparse_run(panel, 2);
        break;
    case 3:
        sparse_run(panel, 3);
        break;
    case 4:
        sparse_run(panel, 4);
        break;
    case 5:
        sparse_run(panel, 5);
        break;
    case 6:
        sparse_run(panel, 6);
        break;
    case 7:
        sparse_run(panel, 7);
        break;
    default:
        sparse_run(panel, 8);
        break;
    }
}

static void sparse_product(const struct sparse_product *product)
{
    const struct byte_matrix *a = product->a;
    const uint32_t panels = byte_panels(a->columns);
    float floats[256];
    for (int x = 0; x < 256; x++)
        floats[x] = (float)x;
    for (uint32_t i = 0; i < panels; i++) {
        const size_t row = (size_t)i * a->rows;
        const struct sparse_panel panel = {
            .values = a->values + row * BYTE_COLUMNS,
            .filled = a->filled + row,
            .floats = floats,
            .rows = a->rows,
            .b = product->b + (size_t)i * BYTE_COLUMNS * product->units,
            .row = product->units,
            .last = i + 1 == panels ? product->last : NULL,
            .c = product->c,
            .start = i == 0 ? PRODUCT_STARTS : PRODUCT_CONTINUES,
        };
        sparse_choose(&panel, product->units / LANES);
    }
}
