/*
 * engine.h: training and evaluation of a cohort of networks: the numerics behind one interface.
 *
 * A cohort is networks of one model that train on the same mini-batches in lockstep: the batch is
 * prepared once. What comes out for one of them never depends, to the bit, on who else was in the
 * cohort, on the vector unit (plain C, AVX2, AVX-512) or on where a training was cut in two.
 *
 * Numeric classes (the contract of `portable` is in worker/engine/README.md):
 *   NUMERIC_PORTABLE  our own kernels: one FMA chain per output in ascending k, sums over the batch
 *                     in 16 virtual lanes, our own exp, log, tanh, erf and normals; numbers too
 *                     small for a normal float count as zero.
 *   NUMERIC_NATIVE    matrix products by OpenBLAS, one network at a time on one thread, the rest as
 *                     above. Its bits belong to library version and core type.
 *   NUMERIC_AVX512_BF16, NUMERIC_AMX_BF16
 *                     the products of the bf16 precisions by that instruction of the CPU, in its
 *                     order of summation (bf16_units.h), the rest as above.
 *
 * One engine belongs to one thread.
 */
#ifndef RATCHET_WORKER_ENGINE_ENGINE_H
#define RATCHET_WORKER_ENGINE_ENGINE_H

#include "worker/engine/network.h"
#include "worker/engine/schedule.h"

#include <stdbool.h>

enum engine_numeric {
    NUMERIC_PORTABLE = 0,
    NUMERIC_NATIVE = 1,
    NUMERIC_AVX512_BF16 = 2,
    NUMERIC_AMX_BF16 = 3,
};
/* In which numbers a training computes: precision.h. */
enum precision {
    PRECISION_FP32 = 0,
    PRECISION_BF16_MIXED = 1,      /* products of bfloat16; float parameters and moments */
    PRECISION_BF16_NEAREST = 2,    /* besides, parameters are bfloat16, rounded to nearest even */
    PRECISION_BF16_STOCHASTIC = 3, /* or up or down by chance, right on average */
};
enum optimizer { OPTIMIZER_ADAMW = 0, OPTIMIZER_SGD = 1 };
/* In which order an epoch takes the samples of its slice: data_order.h. */
enum sample_order {
    ORDER_SHUFFLED = 0,   /* another for each epoch */
    ORDER_SEQUENTIAL = 1, /* the slice's own, always */
};
enum sample_type { SAMPLE_U8 = 1, SAMPLE_F32 = 2 };

/* Samples as they lie in the data set's blob; the engine converts each mini-batch. Borrowed. */
struct samples {
    enum sample_type type;
    const void *inputs;    /* [count, features] row-major; F32 need not be aligned */
    const uint8_t *labels; /* [count], each below the model's classes */
    uint32_t count, features;
    float scale, shift; /* what the network sees is fma(input, scale, shift) */
};

struct training_settings {
    enum optimizer optimizer;
    double lr;
    double beta1, beta2, eps; /* AdamW: Loshchilov and Hutter 2019, alg. 2, as torch.optim.AdamW */
    double momentum;          /* SGD: v <- momentum * v + g; w <- w - lr * v, as torch.optim.SGD */
    double l2;                /* g <- g + l2 * w, before any moment; all parameters */
    struct schedule schedule; /* of `lr`: where lr stands above and below, the step's own */
    /* The target of a sample is (1 - label_smoothing) onehot + label_smoothing / classes, 0 .. 1,
     * as torch.nn.CrossEntropyLoss; evaluation does not smooth */
    double label_smoothing;
    /* Not 0: g <- g * clip_norm / (|g| + 1e-6) where that is less, before l2, with |g| the length
     * of the whole gradient, as torch.nn.utils.clip_grad_norm_ */
    double clip_norm;
    /* Not 0: behind each update w <- w * clamp_norm / |w| where |w|, of all parameters, is greater
     */
    double clamp_norm;
    enum precision precision;
    enum sample_order order;
    uint32_t batch; /* samples of a mini-batch, 1 .. 65536; the last of an epoch is shorter */
};

struct engine_options {
    const struct model *model; /* borrowed */
    struct training_settings training;
    enum engine_numeric numeric;
};

/* A part of the samples. */
struct sample_slice {
    const uint32_t *index; /* [count], into the samples */
    uint32_t count;
};

/* Where ORDER_SHUFFLED comes from: epoch e's permutation is a function of these and e. */
struct data_order {
    uint64_t seed, stream; /* of the job */
};

/* One network of a cohort and what is its own in training. */
struct cohort_member {
    struct network *network;   /* borrowed; changed by training */
    double weight_decay;       /* decoupled: w <- (1 - lr * weight_decay) * w before the update */
    double dropout;            /* chance of a hidden unit to be zero for a sample, 0 .. 0.9 */
    struct random dropout_key; /* its sequence; position is ignored */
    /* Of PRECISION_BF16_STOCHASTIC: likewise */
    struct random rounding_key;
    double loss_sum; /* in, out: sum over steps of the batch's mean loss before the update */
    /* In, out, where parameters are bfloat16: how often one of them was, behind an update that
     * would have moved it as a float, what it had been. */
    uint64_t lost_updates;
};

/* Steps of one training: [first, end). Step s is batch s % per_epoch of epoch s / per_epoch. */
struct step_range {
    uint64_t first, end;
};

struct evaluation {
    double loss;     /* mean cross-entropy, nats */
    double accuracy; /* 0 .. 1; the first of equal logits is the answer */
    uint32_t confusion[MODEL_CLASSES_MAX * MODEL_CLASSES_MAX]; /* [true * classes + answer] */
};

struct engine;

/* NULL with the reason: no memory, no OpenBLAS, no such instructions. */
struct engine *engine_create(const struct engine_options *options, struct error *error);
void engine_destroy(struct engine **engine);

/*
 * How many networks of a model to train in lockstep for speed: small ones share the preparation of
 * the mini-batch and their first layer's product; of large ones each wants the caches for itself.
 * engine_train goes through larger cohorts in groups of so many, one after the other.
 */
uint32_t engine_cohort_best(const struct model *model);

/* ceil(slice / batch) */
uint64_t engine_steps_per_epoch(const struct engine *engine, const struct sample_slice *slice);

/*
 * Trains all members through the steps of the range; optimizer_step counts on from where each
 * network stands. Training [0, n) equals [0, k) then [k, n), bit for bit, also when network,
 * loss_sum, lost_updates and k went through a file in between. Numbers that stop being finite are
 * no error here. 0 or -1: no memory.
 */
int engine_train(struct engine *engine, const struct samples *samples,
                 const struct sample_slice *slice, const struct data_order *order,
                 struct step_range steps, struct cohort_member *members, uint32_t count,
                 struct error *error) __attribute__((warn_unused_result));

/* Evaluates without dropout. A loss that is not finite is given as it is. */
void engine_evaluate(struct engine *engine, const struct samples *samples,
                     const struct sample_slice *slice, const struct network *network,
                     struct evaluation *evaluation);

/* ----------------------------------------------------------------------- what this machine has */

/*
 * Chooses the CPU's kernels for the whole process, before the first engine: "auto", "plain",
 * "avx2", "avx512". -1 when the CPU lacks it or the name is none.
 */
int engine_choose_cpu(const char *name, struct error *error) __attribute__((warn_unused_result));
/* "plain", "avx2" or "avx512". */
const char *engine_cpu(void);

/*
 * The name of the native class of this machine, "openblas-0.3.21-SkylakeX-1", or -1 with the reason
 * when there is no OpenBLAS. Loads the library, on one thread.
 */
int engine_native_class(char *name, size_t size, struct error *error)
    __attribute__((warn_unused_result));

/* "avx512_bf16" or "amx_bf16" of the class of that number where this machine has it, else NULL with
 * the reason. */
const char *engine_bf16_class(enum engine_numeric numeric, struct error *error);

#endif
