/*
 * kernels.h: the loops that training is made of, once per vector unit.
 *
 * cpu/ implements this table three times from one text (plain C, AVX2 + FMA, AVX-512); all three
 * give the same bits, so which one runs is a matter of speed only. engine.c calls them; nothing
 * else does. A GPU does not come in here but beside engine.c: it takes whole cohorts.
 *
 * Activations and deltas are feature-major: a[unit][sample], rows `stride` floats apart, stride a
 * multiple of 16, rows 64-byte aligned. Samples from n to stride are padding: kernels may compute
 * on them, never trap on them, and no result for a sample or parameter depends on them.
 *
 * The orders of summation named here are the contract of the class `portable`.
 */
#ifndef RATCHET_WORKER_ENGINE_KERNELS_H
#define RATCHET_WORKER_ENGINE_KERNELS_H

#include "worker/engine/engine.h"
#include "worker/engine/kernels_bytes.h"
#include "worker/engine/kernels_positions.h"

enum { KERNEL_LANES = 16 };

/*
 * How a matrix of many columns lies in memory. In panels it is cut by columns: 64 each, and the
 * last 80 or fewer, but more than 64, into 48 and the rest. A panel's rows follow each other, each
 * as long as the panel is wide (the last rounded up to 16 floats); so the panel from column j on
 * begins at j * rows. A product then reads memory in one direction.
 */
enum matrix_layout { MATRIX_ROWS = 0, MATRIX_PANELS = 1 };

enum { PANEL_COLUMNS = 4 * KERNEL_LANES };

/* Columns of the next panel, of those left. */
static inline uint32_t panel_columns(uint32_t left)
{
    if (left > PANEL_COLUMNS && left <= PANEL_COLUMNS + KERNEL_LANES)
        return PANEL_COLUMNS - KERNEL_LANES;
    return left < PANEL_COLUMNS ? left : PANEL_COLUMNS;
}

/* What a product's chains begin with. */
enum product_start {
    PRODUCT_STARTS = 0,    /* bias[i], or 0 without a bias */
    PRODUCT_CONTINUES = 1, /* what c holds: two products in a row are one over the longer k */
};

/* What becomes of a product's outputs before they are stored: c is activations then. */
enum product_end {
    PRODUCT_ENDS = 0,      /* nothing */
    PRODUCT_ACTIVATES = 1, /* as by `activate` */
    PRODUCT_DERIVES = 2,   /* as by `derive`, from `from` */
};

/*
 * c[i][j] = start + sum over k of a(i,k) * b[k][j], one chain of fused multiply-adds per output in
 * ascending k. a(i,k) = a[i * a_row + k * a_column], so a transposed matrix needs no copy. b and c
 * have any alignment; only their n columns are touched.
 */
struct product {
    uint32_t m, n, k;
    const float *a;
    const float *const *a_rows; /* [m] where each row of a begins, or NULL: as above */
    size_t a_row, a_column;
    const float *b;
    enum matrix_layout b_layout;
    size_t b_row;      /* of MATRIX_ROWS */
    const float *bias; /* [m] or NULL */
    float *c;
    float *const *c_rows; /* [m] where each row of c begins, or NULL: c_row apart. With an end of
                             PRODUCT_ENDS only */
    size_t c_row;
    enum product_start start;
    enum product_end end;
    enum activation activation; /* of an end */
    const float *from;          /* [m] rows, c_row floats apart */
};

/*
 * sums[i * sums_row + j] = sum over all samples of left row i times right row j. A row is `runs`
 * runs of n samples each, left_run and right_run floats from one to the next: one for a dense
 * layer, one per position or time step where weights are shared between those. Sixteen lanes: lane
 * l takes samples l, l + 16, ... of the first run by fused multiply-adds in ascending order from 0,
 * and 0 * 0 beyond the run's last; then those of the next run; at the end lanes l + 8, l + 4, l +
 * 2, l + 1 are added to lane l, in that order. Rows have any alignment and may overlap (a shifted
 * row is another one); only n samples of a run are touched.
 */
struct lane_product {
    uint32_t left_rows, right_rows, n, runs;
    const float *left;
    size_t left_row, left_run;
    const float *right;
    size_t right_row, right_run;
    float *sums;
    size_t sums_row;
};

/* A mini-batch from the data set. */
struct batch_source {
    const struct samples *samples;
    const uint32_t *index; /* [n] */
    uint32_t n;
};

struct batch {
    float *by_sample;  /* [n][sample_row]; for the gradient of the first layer */
    size_t sample_row; /* features, rounded up to 16 */
    float *by_feature; /* [features][stride]; for its forward pass; padding is zero */
    size_t stride;
    enum matrix_layout layout; /* of both; in panels they have as many floats, without sample_row */
    /* In panels: rows of ones behind those, 0 or 1. What meets them in a product is added last. */
    uint32_t ones;
};

struct softmax {
    uint32_t classes, n;
    size_t stride;
    const float *logits;   /* [classes][stride] */
    const uint8_t *labels; /* [n], of the batch */
    float gradient_scale;  /* 1 / n: the loss is the mean */
    float *delta;          /* [classes][stride]: (softmax - target) * gradient_scale; 0 in the
                              padding. NULL: not wanted. May be the logits themselves */
    float *losses;         /* [n]: -log softmax[label], in nats; with smoothing the mean of that
                              over the target's distribution */
    /* Label smoothing: the target is `smoothed_label` for the label's class and `smoothed_other`
     * for each other; both 0: 1 and 0. */
    float smoothed_label, smoothed_other;
};

/* Constants of one AdamW step, rounded to float once, the same for all parameters. */
struct adamw_step {
    float keep;                           /* 1 - lr * weight_decay */
    float l2;                             /* g <- fma(l2, w, g) if not 0, before the decay */
    float beta1, beta2;                   /* m <- fma(beta1, m, (1 - beta1) * g) */
    float one_less_beta1, one_less_beta2; /* v <- fma(beta2, v, (1 - beta2) * (g * g)) */
    float step_size;                      /* lr / (1 - beta1^t) */
    float root_scale;                     /* 1 / sqrt(1 - beta2^t) */
    float eps; /* w <- w * keep; w <- w - step_size * (m / fma(sqrt(v), root_scale, eps)) */
};

struct sgd_step {
    float keep, l2, lr, momentum; /* g as above; v <- fma(momentum, v, g); w <- fma(-lr, v, w *
                                     keep) */
};

/* The random numbers of one layer's dropout in one step: word j of unit u, sample s is word
 * (s % 4) of Philox(counter {u * ceil(n / 4) + s / 4, context...}, key). */
struct dropout {
    uint32_t key[2], context[3];
    uint32_t threshold; /* dropped when the word is below it: rate * 2^32 */
    float scale;        /* 1 / (1 - rate): what stays is multiplied by it */
};

/*
 * How parameters become bfloat16 behind an update. Stochastic: away from zero with the chance
 * (lower 16 bits) / 2^16. The random 16 bits of parameter i, with j = i % 128: of word j % 64 of
 * the words of Philox(counter {16 * (i / 128) + 0 .. 15, context...}, key), the low half for j <
 * 64, else the high.
 */
struct rounding {
    bool is_stochastic;
    uint32_t key[2], context[3];
    uint64_t first;      /* number of the first parameter, a multiple of 128 */
    const float *before; /* [count] what the parameters were before the update; NULL: not counted */
};

struct activations {
    uint32_t units, n;
    size_t stride;
    float *values; /* [units][stride] */
};

/* A window of max-pooling: rows of samples, `row` and `column` floats from one to the next; n a
 * multiple of 16. */
struct pool_window {
    uint32_t rows, columns, n;
    size_t row, column;
};

/* Its way back: all [n], `from` and `before` of the window's first row. */
struct pool_back {
    const float *from, *greatest; /* what `pool` read and wrote */
    const float *delta;           /* by the greatest */
    float *before;                /* by `from`: the first of equal greatest gets it, others get 0 */
    enum pool_use {
        POOL_SETS,
        POOL_ADDS,   /* to what is there */
        POOL_DERIVES /* times the derivative of relu, whose values `from` are */
    } use;
};

enum { CHAIN_WIDTH_MAX = 4 };

/*
 * Consecutive hidden layers with as many inputs as units, without dropout: the narrowest nets spend
 * their time between the layers, so these go through registers. The bits are those of `product`,
 * `activate`, `sum_products`, `sum_samples` and `derive` one after the other.
 *
 * With keeps_all chain_forward leaves the values of all layers. Without it, the last layer's, and
 * in the places before what chain_backward, told the same, computes the others from once more.
 */
struct chain {
    uint32_t layers, width, n;
    bool keeps_all;
    size_t stride;
    enum activation activation;
    const float *parameters; /* of each layer: W [width, width], then b [width] */
    float *values; /* [layers + 1][width][stride]: the first layer's input, then their values */
    float *kept;   /* GELU: [layers + 1][width][stride], z of the same layers; NULL for others */
};

struct chain_backward {
    struct chain chain;
    const float *delta;  /* [width][stride]: loss by the last layer's z */
    float *delta_before; /* [width][stride]: by z of the layer before the first; not `delta` */
    float *gradient;     /* as chain.parameters */
};

/*
 * One step of a gated recurrent unit, as torch.nn.GRU (Cho et al. 2014), between its products.
 * Gates follow each other as r, z, n, each [units] rows. r = sigmoid(input_r + recurrent_r), z =
 * sigmoid(input_z + recurrent_z), g = recurrent_n n = tanh(fma(r, g, input_n)), state = fma(z,
 * before - n, n)
 */
struct gru_step {
    uint32_t units, n;
    size_t stride;          /* of rows where nothing else is said */
    const float *input;     /* [3][units]: W_ih x + b_ih */
    const float *recurrent; /* [3][units]: W_hh before + b_hh */
    const float *before;    /* [units] rows before_row apart: the state of the step before */
    size_t before_row;      /* 0: all rows are one, of zeros */
    float *state;           /* [units] rows state_row apart */
    size_t state_row;
    float *kept; /* [4][units]: r, z, n, g */
};

/*
 * And back: `kept` becomes the delta by each gate's sum, and `delta`, by the state, the start of
 * that by the state before, without what comes through the products.
 *   n <- (delta * (1 - z)) * (1 - n * n), g <- n * r; with this new n:
 *   r <- (n * g) * (r * (1 - r)), z <- (delta * (before - old n)) * (z * (1 - z))
 *   delta <- fma(delta, z, delta_before)
 */
struct gru_step_back {
    uint32_t units, n;
    size_t stride;
    float *kept;         /* [4][units] */
    float *delta;        /* [units] */
    const float *before; /* as above */
    size_t before_row;
    const float *delta_before; /* [units] rows delta_before_row apart; NULL: delta stays */
    size_t delta_before_row;
};

struct kernels {
    const char *name; /* "plain", "avx2", "avx512" */
    void (*gather)(const struct batch_source *source, const struct batch *batch);
    /* Both ways round, for kernels_bytes.h; n rows, of bytes. */
    void (*gather_bytes)(const struct batch_source *source, const struct byte_matrix *by_sample,
                         const struct byte_matrix *by_feature);
    void (*sparse_product)(const struct sparse_product *product);
    /* Of more units than this, it is faster than `product` where the share of values that are not 0
     * is below sparse_density * (1 - sparse_units / units). */
    uint32_t sparse_units;
    float sparse_density;
    /* to[i] = factor * from[i]; what comes back is their sum, as by sum_samples. */
    float (*scale_row)(float factor, size_t count, const float *from, float *to);
    void (*product)(const struct product *product);
    /* The same with row k of b at b[k], wherever that is; n is a multiple of 16. */
    void (*product_of_rows)(const struct product *product, const float *const *b);
    /* to[j][i] = from[i][j]: to has rows of to_row floats; from as activations (n columns). */
    void (*transpose)(const struct activations *from, float *to, size_t to_row);
    /* The same, with row j at to[j]. */
    void (*transpose_to_rows)(const struct activations *from, float *const *to);
    /* values <- f(values) */
    void (*activate)(enum activation activation, const struct activations *z);
    /* delta <- delta * f'(z): from f's value `a` for relu, tanh and sigmoid; GELU takes z. */
    void (*derive)(enum activation activation, const struct activations *a_or_z,
                   const struct activations *delta);
    /* Zeroes or scales values; the same call on the deltas is its derivative. */
    void (*drop)(const struct dropout *dropout, const struct activations *values);
    /* sums[u]: lane l adds samples l, l + 16, ... in ascending order from 0; then lanes l + 8, l +
     * 4, l + 2, l + 1 are added to lane l, in that order. */
    void (*sum_samples)(const struct activations *values, float *sums);
    void (*lane_product)(const struct lane_product *product);
    /* The same for rows of one run: sums[i * sums_row + j] is left[i] times right[j]. For few
     * units: there the chains of `product` over the samples are too long. */
    void (*sum_products)(const struct activations *left, const struct activations *right,
                         float *sums, size_t sums_row);
    /* The greatest of each sample in a window whose first row is `from`. */
    void (*pool)(const struct pool_window *window, const float *from, float *to);
    void (*unpool)(const struct pool_window *window, const struct pool_back *back);
    /* Fills values (and kept) from the second layer's place on. */
    void (*chain_forward)(const struct chain *chain);
    void (*chain_backward)(const struct chain_backward *backward);
    /* Above this width the CPU has too few registers, and going layer by layer is faster. */
    uint32_t chain_backward_width;
    void (*gru_forward)(const struct gru_step *step);
    void (*gru_backward)(const struct gru_step_back *step);
    void (*softmax)(const struct softmax *softmax);
    /* See kernels_positions.h. */
    void (*block_product)(const struct block_product *product);
    void (*block_weigh)(const struct block_weights *weights);
    void (*block_weigh_back)(const struct block_weights *weights);
    void (*layer_norm)(const struct layer_norm *norm);
    void (*layer_norm_back)(const struct layer_norm_backward *back);
    void (*adamw)(const struct adamw_step *step, size_t count, const float *g, float *w, float *m,
                  float *v);
    void (*sgd)(const struct sgd_step *step, size_t count, const float *g, float *w, float *v);
    /* In double: lane l adds the squares of values l, l + 16, ... in ascending order from 0, which
     * are exact; then as sum_samples. */
    double (*sum_squares)(size_t count, const float *values);
    /* values[i] <- factor * values[i] */
    void (*scale)(float factor, size_t count, float *values);
    /* Single values, for tests and initialisation: to[i] = f(from[i]). */
    void (*exp)(const float *from, float *to, size_t count);
    void (*log)(const float *from, float *to, size_t count);
    void (*tanh)(const float *from, float *to, size_t count);
    void (*erf)(const float *from, float *to, size_t count);
    /* bfloat16, of which a float keeps the upper half. To nearest even; NaN stays NaN, and what is
     * too small for a normal float becomes a zero of its sign. */
    void (*bf16)(const float *from, float *to, size_t count);
    /* As the functions without bf16 in their names, of operands rounded so; see precision.h. */
    void (*product_bf16)(const struct product *product);
    void (*lane_product_bf16)(const struct lane_product *product);
    void (*sum_products_bf16)(const struct activations *left, const struct activations *right,
                              float *sums, size_t sums_row);
    /* Rounds; how many are what they were before the update, though the update moved them. */
    uint64_t (*round_parameters)(const struct rounding *rounding, size_t count, float *values);
};

/* The table in use; the best that the CPU has, unless engine_choose_cpu said otherwise. */
const struct kernels *kernels_current(void);
/* By name, NULL when this CPU cannot run it or there is none: for tests that compare them all. */
const struct kernels *kernels_named(const char *name);

/* ------------------------------------------------------------------- one value at a time, any CPU
 */

/* The same bits as the table's functions of these names. Errors against the true value: below 2 ulp
 * (erf 4 ulp) where the result is normal. Infinities and NaN as C's. */
float portable_exp(float x);
float portable_log(float x);
float portable_tanh(float x);
float portable_erf(float x);
/* cos(pi * half_turns) for half_turns in 0 .. 1, in double; off by less than 2^-52. Exact at 0, 1/2
 * and 1. */
double portable_cosine(double half_turns);
/* Two independent standard normals from two 32-bit words (Box and Muller 1958). */
void portable_normals(uint32_t first, uint32_t second, float normals[2]);

/* ------------------------------------------------------------------------------------ native */

/* The product by OpenBLAS sgemm, one thread; -1 when there is none. blas_class: see engine.h. */
int blas_open(struct error *error) __attribute__((warn_unused_result));
void blas_product(const struct product *product);

#endif
