/*
 * bf16_units.c: see bf16_units.h.
 *
 * Operands are packed first, in pairs along k: left row by row, right in panels of sixteen columns.
 * In each pair the lower k is the upper half, which VDPBF16PS takes first. Both instructions then
 * work on blocks of 32 rows by 32 columns, whose sums go through a buffer of their own. A long k is
 * cut into blocks, between which the sums are in c; blocks are whole multiples of what either
 * instruction takes at once, so the cuts change no bit.
 */
#include "worker/engine/bf16_units.h"

#include <assert.h>
#include <stddef.h>

#if defined(__AVX512BF16__) && defined(__AMX_BF16__) && defined(__linux__)

#include "worker/engine/cpu/isa_avx512.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    PAIRS_STEP = 16, /* of one AMX instruction */
    PAIRS_MAX = 256,
    PANEL = 16, /* columns */
    ROWS = 32,
    COLUMNS = 2 * PANEL,
    COLUMNS_MAX = 256,
};

/* One block of k of a product, packed. */
struct packed {
    uint32_t pairs; /* a multiple of PAIRS_STEP */
    uint32_t left[ROWS * PAIRS_MAX];
    uint32_t right[COLUMNS_MAX / PANEL][PAIRS_MAX * PANEL];
};

/* sums [ROWS][COLUMNS] += left times two panels of right; of the first `rows` rows at least. */
typedef void block_function(const struct packed *packed, uint32_t panel, uint32_t rows,
                            float *sums);

/* What of a product is worked on. */
struct place {
    uint32_t row, column, k;
    uint32_t rows, columns, length;
};

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* ------------------------------------------------------------------------------------- packing */

/* Sixteen pairs of two rows of k: the first in the upper half. */
static __m512i pair_up(__m512 first, __m512 second)
{
    const __m512i high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(first));
    const __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(second));
    return _mm512_or_si512(_mm512_slli_epi32(high, 16), low);
}

static void pack_row(const float *from, uint32_t length, uint32_t pairs, uint32_t *to)
{
    for (uint32_t pair = 0; pair < pairs; pair += PAIRS_STEP) {
        const uint32_t done = smaller(2 * pair, length), left = length - done;
        const __m512 low = _mm512_maskz_loadu_ps(lanes_first(left).x, from + done);
        const __m512 high = _mm512_maskz_loadu_ps(lanes_first(left > 16 ? left - 16 : 0).x,
                                                  from + done + (left > 16 ? 16 : 0));
        const __m512i both = (__m512i)_mm512_cvtne2ps_pbh(high, low);
        _mm512_storeu_si512(to + pair, _mm512_rol_epi32(both, 16));
    }
}

/* Row `row` of a, and of c. */
static const float *row_of(const struct product *product, uint32_t row)
{
    return product->a_rows != NULL ? product->a_rows[row] : product->a + row * product->a_row;
}

static float *output_row(const struct product *product, uint32_t row)
{
    return product->c_rows != NULL ? product->c_rows[row] : product->c + row * product->c_row;
}

/* Row k of a's block, of up to sixteen rows of c. */
static __m512 load_column(const struct product *product, const struct place *place, uint32_t row,
                          uint32_t k)
{
    const uint32_t count = smaller(place->rows - row, LANES);
    const size_t column = (size_t)(place->k + k) * product->a_column;
    float some[LANES] = {0};
    if (k >= place->length)
        return _mm512_setzero_ps();
    if (product->a_row == 1 && product->a_rows == NULL)
        return _mm512_maskz_loadu_ps(lanes_first(count).x,
                                     row_of(product, place->row + row) + column);
    for (uint32_t i = 0; i < count; i++)
        some[i] = row_of(product, place->row + row + i)[column];
    return _mm512_loadu_ps(some);
}

/* Where the rows of c are what lies side by side in a. */
static void pack_columns(const struct product *product, const struct place *place, uint32_t row,
                         struct packed *packed)
{
    for (uint32_t pair = 0; pair < packed->pairs; pair += PAIRS_STEP) {
        struct floats x[LANES];
        for (uint32_t i = 0; i < LANES; i++) {
            const uint32_t k = 2 * (pair + i);
            x[i].x = _mm512_castsi512_ps(pair_up(load_column(product, place, row, k),
                                                 load_column(product, place, row, k + 1)));
        }
        floats_transpose(x);
        for (uint32_t i = 0; i < LANES; i++)
            _mm512_storeu_ps(packed->left + (size_t)(row + i) * PAIRS_MAX + pair, x[i].x);
    }
}

static void pack_left(const struct product *product, const struct place *place,
                      struct packed *packed)
{
    for (uint32_t row = 0; row < ROWS; row += LANES) {
        if (product->a_column != 1 && row < place->rows) {
            pack_columns(product, place, row, packed);
            continue;
        }
        for (uint32_t i = row; i < row + LANES; i++) {
            const float *from = row_of(product, place->row + smaller(i, place->rows - 1));
            pack_row(from + place->k, i < place->rows ? place->length : 0, packed->pairs,
                     packed->left + (size_t)i * PAIRS_MAX);
        }
    }
}

static void pack_panel(const struct product *product, const struct place *place, uint32_t panel,
                       struct packed *packed)
{
    const uint32_t first = panel * PANEL;
    const __mmask16 inside = lanes_first(first < place->columns ? place->columns - first : 0).x;
    const float *from = product->b + place->k * product->b_row + place->column + first;
    for (uint32_t pair = 0; pair < packed->pairs; pair++) {
        const uint32_t k = 2 * pair;
        const __m512 high =
            _mm512_maskz_loadu_ps(k < place->length ? inside : 0, from + k * product->b_row);
        const __m512 low = _mm512_maskz_loadu_ps(k + 1 < place->length ? inside : 0,
                                                 from + (k + 1) * product->b_row);
        _mm512_storeu_si512(packed->right[panel] + (size_t)pair * PANEL, pair_up(high, low));
    }
}

/* ------------------------------------------------------------------------------------- products */

enum { GROUP = 8 }; /* rows whose sums are in registers together */

static inline __attribute__((always_inline)) void
add_pair(__m512 sums[GROUP][2], const uint32_t *left, __m512i first, __m512i second)
{
    for (uint32_t i = 0; i < GROUP; i++) {
        const __m512bh pair = (__m512bh)_mm512_set1_epi32((int)left[(size_t)i * PAIRS_MAX]);
        sums[i][0] = _mm512_dpbf16_ps(sums[i][0], pair, (__m512bh)first);
        sums[i][1] = _mm512_dpbf16_ps(sums[i][1], pair, (__m512bh)second);
    }
}

static void block_avx512(const struct packed *packed, uint32_t panel, uint32_t rows, float *sums)
{
    const uint32_t *right = packed->right[panel], *next = packed->right[panel + 1];
    for (uint32_t row = 0; row < rows; row += GROUP) {
        __m512 group[GROUP][2];
        for (uint32_t i = 0; i < 2 * GROUP; i++)
            group[i / 2][i % 2] = _mm512_loadu_ps(sums + (row + i / 2) * COLUMNS + (i % 2) * PANEL);
        for (uint32_t pair = 0; pair < packed->pairs; pair++)
            add_pair(group, packed->left + (size_t)row * PAIRS_MAX + pair,
                     _mm512_loadu_si512(right + (size_t)pair * PANEL),
                     _mm512_loadu_si512(next + (size_t)pair * PANEL));
        for (uint32_t i = 0; i < 2 * GROUP; i++)
            _mm512_storeu_ps(sums + (row + i / 2) * COLUMNS + (i % 2) * PANEL, group[i / 2][i % 2]);
    }
}

/* Tiles 0 .. 3 are the sums, 4 and 5 rows of left, 6 and 7 panels of right. */
static void block_amx(const struct packed *packed, uint32_t panel, uint32_t rows, float *sums)
{
    enum { LINE = 64, TILE_ROWS_MAX = 16, SUMS_LINE = COLUMNS * sizeof(float) };
    const uint32_t *lower = packed->left + (size_t)TILE_ROWS_MAX * PAIRS_MAX;
    const size_t left_line = PAIRS_MAX * sizeof *packed->left;
    float *below = sums + (size_t)TILE_ROWS_MAX * COLUMNS;
    (void)rows;
    _tile_loadd(0, sums, SUMS_LINE);
    _tile_loadd(1, sums + PANEL, SUMS_LINE);
    _tile_loadd(2, below, SUMS_LINE);
    _tile_loadd(3, below + PANEL, SUMS_LINE);
    for (uint32_t pair = 0; pair < packed->pairs; pair += PAIRS_STEP) {
        _tile_loadd(4, packed->left + pair, left_line);
        _tile_loadd(6, packed->right[panel] + (size_t)pair * PANEL, LINE);
        _tile_loadd(7, packed->right[panel + 1] + (size_t)pair * PANEL, LINE);
        _tile_loadd(5, lower + pair, left_line);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, sums, SUMS_LINE);
    _tile_stored(1, sums + PANEL, SUMS_LINE);
    _tile_stored(2, below, SUMS_LINE);
    _tile_stored(3, below + PANEL, SUMS_LINE);
}

/* What c, or the start of its chains, has at a place of up to 32 by 32. */
static void load_sums(const struct product *product, const struct place *place, float *sums)
{
    const bool continues = place->k > 0 || product->start == PRODUCT_CONTINUES;
    for (uint32_t i = 0; i < place->rows; i++) {
        const uint32_t row = place->row + i;
        const float *from = output_row(product, row) + place->column;
        const float bias = product->bias == NULL ? 0 : product->bias[row];
        for (uint32_t j = 0; j < COLUMNS; j += PANEL) {
            const uint32_t left = place->columns > j ? place->columns - j : 0;
            const __m512 x = continues ? _mm512_maskz_loadu_ps(lanes_first(left).x, from + j)
                                       : _mm512_set1_ps(bias);
            _mm512_storeu_ps(sums + i * COLUMNS + j, x);
        }
    }
}

static void store_sums(const struct product *product, const struct place *place, const float *sums)
{
    for (uint32_t i = 0; i < place->rows; i++) {
        float *to = output_row(product, place->row + i) + place->column;
        for (uint32_t j = 0; j < place->columns; j += PANEL)
            _mm512_mask_storeu_ps(to + j, lanes_first(place->columns - j).x,
                                  _mm512_loadu_ps(sums + i * COLUMNS + j));
    }
}

/* All of c that a block of k and columns of right meet. */
static void run_columns(const struct product *product, struct place place, struct packed *packed,
                        block_function *block)
{
    float sums[ROWS * COLUMNS] = {0};
    const uint32_t first = place.column, columns = place.columns;
    for (place.row = 0; place.row < product->m; place.row += place.rows) {
        place.rows = smaller(product->m - place.row, ROWS);
        pack_left(product, &place, packed);
        for (uint32_t j = 0; j < columns; j += COLUMNS) {
            place.column = first + j;
            place.columns = smaller(columns - j, COLUMNS);
            load_sums(product, &place, sums);
            block(packed, j / PANEL, place.rows, sums);
            store_sums(product, &place, sums);
        }
    }
}

/* The sums behind all of k. */
static void finish(const struct product *product)
{
    const struct activations c = {product->m, product->n, product->c_row, product->c};
    struct activations from = c;
    if (product->end == PRODUCT_ACTIVATES)
        kernels_current()->activate(product->activation, &c);
    if (product->end != PRODUCT_DERIVES)
        return;
    from.values = (float *)(uintptr_t)product->from;
    kernels_current()->derive(product->activation, &from, &c);
}

static void run_product(const struct product *product, block_function *block)
{
    struct packed packed;
    struct place place = {.row = 0};
    assert(product->b_layout == MATRIX_ROWS);
    for (; place.column < product->n; place.column += place.columns) {
        place.columns = smaller(product->n - place.column, COLUMNS_MAX);
        place.k = 0;
        do {
            place.length = smaller(product->k - place.k, 2 * PAIRS_MAX);
            packed.pairs = (place.length + 2 * PAIRS_STEP - 1) / (2 * PAIRS_STEP) * PAIRS_STEP;
            for (uint32_t j = 0; j < place.columns; j += COLUMNS) {
                pack_panel(product, &place, j / PANEL, &packed);
                pack_panel(product, &place, j / PANEL + 1, &packed);
            }
            run_columns(product, place, &packed, block);
            place.k += place.length;
        } while (place.k < product->k);
    }
    finish(product);
}

static void product_avx512(const struct product *product)
{
    run_product(product, block_avx512);
}

/* The layout of an AMX configuration: Intel's manual, volume 1, 18.2. */
struct tile_shapes {
    uint8_t palette, start_row, reserved[14];
    uint16_t line_bytes[16];
    uint8_t rows[16];
};

static void product_amx(const struct product *product)
{
    struct tile_shapes shapes = {.palette = 1};
    for (uint32_t tile = 0; tile < 8; tile++) {
        shapes.line_bytes[tile] = 64;
        shapes.rows[tile] = 16;
    }
    _tile_loadconfig(&shapes);
    run_product(product, block_amx);
    _tile_release();
}

/* ----------------------------------------------------------------------------- what is there */

static bool cpu_has_avx512_bf16(void)
{
    uint32_t a = 0, b = 0, c = 0, d = 0;
    return kernels_named("avx512") != NULL && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 &&
           (a & UINT32_C(1) << 5) != 0;
}

/* Asks the kernel too, which keeps room for the tiles only where it has been asked. */
static bool cpu_has_amx_bf16(void)
{
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    const uint32_t needed = UINT32_C(1) << 22 | UINT32_C(1) << 24; /* AMX_BF16, AMX_TILE */
    uint32_t a = 0, b = 0, c = 0, d = 0;
    return cpu_has_avx512_bf16() && __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 &&
           (d & needed) == needed && syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

void (*bf16_units_open(enum engine_numeric numeric,
                       struct error *error))(const struct product *product)
{
    assert(numeric == NUMERIC_AVX512_BF16 || numeric == NUMERIC_AMX_BF16);
    if (numeric == NUMERIC_AVX512_BF16 && cpu_has_avx512_bf16())
        return product_avx512;
    if (numeric == NUMERIC_AMX_BF16 && cpu_has_amx_bf16())
        return product_amx;
    error_set(error, -1,
              numeric == NUMERIC_AMX_BF16
                  ? "amx_bf16: this CPU, or its operating system, has no AMX tiles of bfloat16"
                  : "avx512_bf16: this CPU has no AVX-512 instructions for bfloat16");
    return NULL;
}

#else

void (*bf16_units_open(enum engine_numeric numeric,
                       struct error *error))(const struct product *product)
{
    error_set(error, -1, "%s: this worker was built without bfloat16 instructions",
              numeric == NUMERIC_AMX_BF16 ? "amx_bf16" : "avx512_bf16");
    return NULL;
}

#endif
