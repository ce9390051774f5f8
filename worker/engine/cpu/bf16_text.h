/*
 * bf16_text.h: rounding to bfloat16, and the products of operands that are rounded first; written
 * on the names of an isa_*.h and on the texts that are included before.
 *
 * A bfloat16 is the upper half of a float, and stays a float in memory here. The instructions that
 * work on halves are another numeric class (bf16_units.h); this is its arithmetic for any CPU.
 */

/* What rounds by itself: NaN stays NaN, and what is too small for a normal float is zero. */
static inline struct floats bf16_settle(struct floats x, struct words rounded)
{
    const struct words sign = words_all(UINT32_C(0x80000000)), bits = floats_bits(x);
    const struct words size = words_and(bits, words_all(UINT32_C(0x7fffffff)));
    const struct words upper = words_all(UINT32_C(0xffff0000));
    const struct words quiet = words_or(bits, words_all(UINT32_C(0x00400000)));
    const struct lanes small = words_below(size, words_all(UINT32_C(0x00800000)));
    const struct lanes finite = words_below(size, words_all(UINT32_C(0x7f800000)));
    /* An infinity has no lower half: with the quiet NaNs' bit left out it passes as it is. */
    const struct lanes infinite = words_equal(size, words_all(UINT32_C(0x7f800000)));
    const struct floats other =
        floats_select(infinite, x, words_as_floats(words_and(quiet, upper)));
    const struct floats normal = words_as_floats(words_and(rounded, upper));
    const struct floats zero = words_as_floats(words_and(bits, sign));
    return floats_select(small, zero, floats_select(finite, normal, other));
}

/* To the nearest, ties to even. */
static inline struct floats bf16_nearest(struct floats x)
{
    const struct words bits = floats_bits(x);
    const struct words odd = words_and(words_shift_right_16(bits), words_all(1));
    return bf16_settle(x, words_add(words_add(bits, words_all(0x7fff)), odd));
}

/* Away from zero with the chance of the lower half / 2^16; `half` is below 2^16. */
static inline struct floats bf16_stochastic(struct floats x, struct words half)
{
    return bf16_settle(x, words_add(floats_bits(x), half));
}

/* ---------------------------------------------------------------------------------- parameters */

/* Parameters that share one draw of random words; see README.md's table of random addresses. */
enum { ROUNDED_TOGETHER = 128, WORDS_TOGETHER = 64 };

/* The words of chunk number `chunk`: word w is word w % 4 of block 16 * chunk + w / 4. */
static inline void rounding_words(const struct rounding *rounding, uint32_t chunk,
                                  struct words words[4])
{
    /* In this order the interleaved words are successive. */
    static const uint32_t order[LANES] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
    words[0] = words_add(words_all(chunk * (WORDS_TOGETHER / 4)), words_load(order));
    words[1] = words_all(rounding->context[0]);
    words[2] = words_all(rounding->context[1]);
    words[3] = words_all(rounding->context[2]);
    philox_words(words, rounding->key);
    words_interleave(words);
}

/* 1 in the lanes whose update is lost, else 0. */
static inline struct floats lost_update(struct floats before, struct floats exact,
                                        struct floats rounded)
{
    const struct floats one = floats_all(1.0F), zero = floats_all(0);
    const struct floats moved = floats_select(floats_equal(before, exact), zero, one);
    return floats_select(floats_equal(before, rounded), moved, zero);
}

static inline struct floats round_group(const struct rounding *rounding, size_t place, size_t count,
                                        struct words half, float *values)
{
    struct lanes inside = lanes_first(count - place < LANES ? (uint32_t)(count - place) : LANES);
    struct floats exact = floats_load_where(values + place, inside);
    struct floats rounded =
        rounding->is_stochastic ? bf16_stochastic(exact, half) : bf16_nearest(exact);
    floats_store_where(values + place, inside, rounded);
    if (rounding->before == NULL)
        return floats_all(0);
    return lost_update(floats_load_where(rounding->before + place, inside), exact, rounded);
}

static uint64_t round_parameters(const struct rounding *rounding, size_t count, float *values)
{
    const struct words low = words_all(0xffff);
    uint64_t lost = 0;
    assert(rounding->first % ROUNDED_TOGETHER == 0);
    for (size_t start = 0; start < count; start += ROUNDED_TOGETHER) {
        struct words words[4] = {low, low, low, low};
        struct floats sum = floats_all(0); /* whole numbers, far below 2^24 */
        if (rounding->is_stochastic)
            rounding_words(rounding, (uint32_t)((rounding->first + start) / ROUNDED_TOGETHER),
                           words);
        for (uint32_t i = 0; i < 2 * 4 && start + i * LANES < count; i++) {
            struct words half =
                i < 4 ? words_and(words[i], low) : words_shift_right_16(words[i - 4]);
            sum = floats_add(sum, round_group(rounding, start + i * LANES, count, half, values));
        }
        lost += (uint64_t)floats_sum(sum);
    }
    return lost;
}

/* ------------------------------------------------------------------------------------ products */

static void bf16_round_all(float *values, size_t count)
{
    for (size_t i = 0; i < count; i += LANES) {
        struct lanes inside = lanes_first(count - i < LANES ? (uint32_t)(count - i) : LANES);
        floats_store_where(values + i, inside, bf16_nearest(floats_load_where(values + i, inside)));
    }
}

/* A product is cut into blocks whose rounded operands lie on the stack. */
enum { BLOCK_K = 256, BLOCK_N = 64, BLOCK_M = 48 };

struct bf16_block {
    uint32_t row, column, start;    /* of c; of the sums */
    uint32_t rows, columns, length; /* of c; of the sums */
};

/* Row `row` of a. */
static const float *bf16_left_row(const struct product *product, uint32_t row)
{
    return product->a_rows != NULL ? product->a_rows[row] : product->a + row * product->a_row;
}

/* Rows of `length`, or where a is the transpose of what lies in memory, columns of `rows`. */
static void bf16_copy_left(const struct product *product, const struct bf16_block *block, float *to)
{
    const size_t first = block->start * product->a_column;
    for (uint32_t i = 0; i < block->rows; i++) {
        const float *from = bf16_left_row(product, block->row + i) + first;
        if (product->a_column == 1) {
            memcpy(to + (size_t)i * block->length, from, block->length * sizeof *to);
            continue;
        }
        for (uint32_t k = 0; k < block->length; k++)
            to[(size_t)k * block->rows + i] = from[k * product->a_column];
    }
    bf16_round_all(to, (size_t)block->rows * block->length);
}

static void bf16_copy_right(const struct product *product, const struct bf16_block *block,
                            float *to)
{
    const bool is_panel = product->b_layout == MATRIX_PANELS;
    const size_t row = is_panel ? (block->columns + LANES - 1) / LANES * LANES : product->b_row;
    const float *from =
        product->b + block->start * row + block->column * (is_panel ? (size_t)product->k : 1);
    for (uint32_t k = 0; k < block->length; k++)
        memcpy(to + (size_t)k * block->columns, from + k * row, block->columns * sizeof *to);
    bf16_round_all(to, (size_t)block->columns * block->length);
}

/* The part of the product that the block is; its operands are rounded and lie in one piece. */
static struct product bf16_part(const struct product *whole, const struct bf16_block *block)
{
    const size_t place = block->row * whole->c_row + block->column;
    const bool by_rows = whole->a_column == 1;
    const bool is_last = block->start + block->length == whole->k;
    return (struct product){
        .m = block->rows,
        .n = block->columns,
        .k = block->length,
        .a_row = by_rows ? block->length : 1,
        .a_column = by_rows ? 1 : block->rows,
        .b_row = block->columns,
        .bias = whole->bias == NULL ? NULL : whole->bias + block->row,
        .c = whole->c == NULL ? NULL : whole->c + place,
        .c_row = whole->c_row,
        .start = block->start == 0 ? whole->start : PRODUCT_CONTINUES,
        .end = is_last ? whole->end : PRODUCT_ENDS,
        .activation = whole->activation,
        .from = whole->from == NULL ? NULL : whole->from + place,
    };
}

/* `right` is the block's; the rows of c one part after the other. */
static void bf16_block_rows(const struct product *whole, struct bf16_block block,
                            const float *right)
{
    float left[BLOCK_M * BLOCK_K];
    float *rows[BLOCK_M];
    for (block.row = 0; block.row < whole->m; block.row += block.rows) {
        block.rows = whole->m - block.row < BLOCK_M ? whole->m - block.row : BLOCK_M;
        struct product part = bf16_part(whole, &block);
        bf16_copy_left(whole, &block, left);
        part.a = left;
        part.b = right;
        for (uint32_t i = 0; whole->c_rows != NULL && i < block.rows; i++)
            rows[i] = whole->c_rows[block.row + i] + block.column;
        part.c_rows = whole->c_rows == NULL ? NULL : rows;
        product(&part);
    }
}

static void product_bf16(const struct product *product)
{
    float right[BLOCK_K * BLOCK_N];
    struct bf16_block block = {.row = 0};
    for (; block.column < product->n; block.column += block.columns) {
        block.columns = panel_columns(product->n - block.column);
        block.start = 0;
        do {
            block.length = product->k - block.start < BLOCK_K ? product->k - block.start : BLOCK_K;
            bf16_copy_right(product, &block, right);
            bf16_block_rows(product, block, right);
            block.start += block.length;
        } while (block.start < product->k);
    }
}

_Static_assert((int)BLOCK_N >= (int)PANEL_COLUMNS, "a panel is one block of columns");

/* Rows of a block of sums; those beyond the last are the first again, and are not stored. */
enum { LANE_BLOCK = 4 };

struct lane_rows {
    const float *row[LANE_BLOCK];
};

static inline struct lane_rows lane_rows(const float *first, size_t row, uint32_t count)
{
    struct lane_rows rows;
    for (uint32_t i = 0; i < LANE_BLOCK; i++)
        rows.row[i] = first + (i < count ? i * row : 0);
    return rows;
}

struct lane_sums {
    struct floats x[LANE_BLOCK][LANE_BLOCK];
};

static inline __attribute__((always_inline)) void lane_sums_add(struct lane_sums *sums,
                                                                const struct lane_rows *left,
                                                                const struct lane_rows *right,
                                                                size_t place, struct lanes inside)
{
    struct floats with[LANE_BLOCK];
    for (uint32_t j = 0; j < LANE_BLOCK; j++)
        with[j] = bf16_nearest(floats_load_where(right->row[j] + place, inside));
    for (uint32_t i = 0; i < LANE_BLOCK; i++) {
        struct floats factor = bf16_nearest(floats_load_where(left->row[i] + place, inside));
        for (uint32_t j = 0; j < LANE_BLOCK; j++)
            sums->x[i][j] = floats_fma(factor, with[j], sums->x[i][j]);
    }
}

static void lane_block_bf16(const struct lane_product *product, uint32_t i, uint32_t j)
{
    const uint32_t rows = product->left_rows - i < LANE_BLOCK ? product->left_rows - i : LANE_BLOCK;
    const uint32_t columns =
        product->right_rows - j < LANE_BLOCK ? product->right_rows - j : LANE_BLOCK;
    struct lane_sums sums;
    for (uint32_t s = 0; s < LANE_BLOCK * LANE_BLOCK; s++)
        sums.x[s / LANE_BLOCK][s % LANE_BLOCK] = floats_all(0);
    for (uint32_t run = 0; run < product->runs; run++) {
        const struct lane_rows left =
            lane_rows(product->left + i * product->left_row + run * product->left_run,
                      product->left_row, rows);
        const struct lane_rows right =
            lane_rows(product->right + j * product->right_row + run * product->right_run,
                      product->right_row, columns);
        for (uint32_t first = 0; first < product->n; first += LANES)
            lane_sums_add(&sums, &left, &right, first, lanes_first(product->n - first));
    }
    for (uint32_t row = 0; row < rows; row++)
        for (uint32_t column = 0; column < columns; column++)
            product->sums[(i + row) * product->sums_row + j + column] =
                floats_sum(sums.x[row][column]);
}

static void lane_product_bf16(const struct lane_product *product)
{
    for (uint32_t i = 0; i < product->left_rows; i += LANE_BLOCK)
        for (uint32_t j = 0; j < product->right_rows; j += LANE_BLOCK)
            lane_block_bf16(product, i, j);
}

static void sum_products_bf16(const struct activations *left, const struct activations *right,
                              float *sums, size_t sums_row)
{
    lane_product_bf16(&(struct lane_product){
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

static void map_bf16(const float *from, float *to, size_t count)
{
    map(bf16_nearest, from, to, count);
}
