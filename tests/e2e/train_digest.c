/*
 * train_digest.c: trains a handful of networks and prints one digest over all that came out.
 *
 *   e2e_train_digest [--cpu auto|plain|avx2|avx512] [--cohort N] [--group
 * usual|controls|precisions]
 *
 * bits.test compares what it prints under different vector units, cohort sizes and an emulated CPU.
 * It is the train evaluator itself on MNIST-1D: some topologies, all operators that one parent
 * allows, optimiser state kept and reset, a batch size that no vector divides. Each group has its
 * own digest: the usual one has been the same since there is one.
 */
#include "tests/unit/worker/evaluators/train_fixture.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JOBS = 10 };

static const char *const operators[JOBS] = {
    "none",    "psa.full",    "psa.hidden",  "psa.output",    "decay",
    "dropout", "reinit.full", "mask_replay", "reinit.output", "none"};

static const char *const usual[] = {
    "evaluator = train\nmodel.spec = mlp:3x20\ndata.train = 250\ndata.select = 35\n"
    "data.confirm = 35\ntrain.batch = 29\ntrain.lr = 0.003\ntrain.epochs = 2\n",
    "evaluator = train\nmodel.spec = mlp:[2x7,1x33]\nmodel.activation = gelu\nmodel.init = he\n"
    "data.train = 250\ndata.select = 35\ndata.confirm = 0\ntrain.batch = 64\n"
    "train.lr = 0.01\ntrain.optimizer_state = keep\ntrain.l2 = 0.001\n",
    "evaluator = train\nmodel.spec = mlp:4x3\nmodel.activation = tanh\n"
    "data.train = 250\ndata.select = 35\ndata.confirm = 0\ntrain.batch = 16\n"
    "train.optimizer = sgd\ntrain.momentum = 0.9\ntrain.lr = 0.05\n",
    NULL,
};

/* All limits; then a schedule of each kind. */
#define CONTROLLED                                                                                 \
    "evaluator = train\ndata.train = 250\ndata.select = 35\ndata.confirm = 0\n"                    \
    "train.batch = 29\ntrain.epochs = 2\ntrain.lr = 0.01\ntrain.warmup = 3\n"

static const char *const controls[] = {
    CONTROLLED "model.spec = mlp:[1x95,1x90,2x4]\ntrain.label_smoothing = 0.1\n"
               "train.clip_norm = 0.5\ntrain.clamp_norm = 9\ntrain.l2 = 0.001\n",
    CONTROLLED "model.spec = mlp:2x9\ntrain.schedule = cosine\ntrain.lr_final = 0.0001\n",
    CONTROLLED "model.spec = mlp:2x9\ntrain.schedule = sgdr\ntrain.restart_steps = 4\n"
               "train.restart_factor = 2\ntrain.optimizer = sgd\ntrain.momentum = 0.9\n",
    CONTROLLED "model.spec = mlp:2x9\ntrain.schedule = geometric\ntrain.decay_rate = 0.9\n"
               "train.decay_steps = 0\n",
    NULL,
};

/* Each way to round. */
static const char *const precisions[] = {
    CONTROLLED "model.spec = mlp:[1x95,2x4]\ntrain.precision = bf16_mixed\n",
    CONTROLLED "model.spec = mlp:[1x95,2x4]\ntrain.precision = bf16_nearest\n",
    CONTROLLED "model.spec = mlp:[1x95,2x4]\ntrain.precision = bf16_stochastic\n"
               "train.clamp_norm = 9\ntrain.optimizer_state = keep\n",
    NULL,
};

#undef CONTROLLED

static const struct {
    const char *name;
    const char *const *specs;
} groups[] = {{"usual", usual}, {"controls", controls}, {"precisions", precisions}};

enum { GROUPS = sizeof groups / sizeof groups[0] };

/* The specs of a group, up to a NULL; NULL when there is none of the name. */
static const char *const *find_group(const char *name)
{
    for (size_t i = 0; i < GROUPS; i++)
        if (strcmp(groups[i].name, name) == 0)
            return groups[i].specs;
    return NULL;
}

/* Adds one result to the chain. */
static void chain(struct digest *digest, const struct result *result)
{
    uint8_t bytes[3 * DIGEST_BYTES + 8];
    struct digest detail = digest_of(result->detail, result->detail_bytes);
    memcpy(bytes, digest->bytes, DIGEST_BYTES);
    memcpy(bytes + DIGEST_BYTES, result->child.bytes, DIGEST_BYTES);
    memcpy(bytes + 2 * DIGEST_BYTES, detail.bytes, DIGEST_BYTES);
    memcpy(bytes + 3 * DIGEST_BYTES, &result->fitness, 8);
    *digest = digest_of(bytes, sizeof bytes);
}

static void train(struct train_fixture *fixture, const char *spec, uint32_t cohort,
                  struct digest *digest)
{
    struct job jobs[JOBS];
    struct digest founder = train_fixture_founder(fixture, spec);
    for (uint32_t i = 0; i < JOBS; i++) {
        jobs[i] = train_fixture_child_job(fixture, 1 + i, operators[i], &founder);
        jobs[i].stream = 5;
        jobs[i].slices = SLICE_ALL;
        if (strcmp(operators[i], "decay") == 0)
            jobs[i].call.params[0] = 0.5;
    }
    train_fixture_run(fixture, spec, jobs, JOBS, cohort);
    for (uint32_t i = 0; i < JOBS; i++) {
        assert(fixture->cache->results[i].outcome == OUTCOME_OK);
        chain(digest, &fixture->cache->results[i]);
    }
}

static int usage(void)
{
    fputs("usage: e2e_train_digest [--cpu NAME] [--cohort N] [--group NAME]\n", stderr);
    return 2;
}

int main(int argc, char **argv)
{
    const char *cpu = "auto";
    const char *const *specs = usual;
    long cohort = 1;
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 < argc && strcmp(argv[i], "--cpu") == 0)
            cpu = argv[i + 1];
        else if (i + 1 < argc && strcmp(argv[i], "--cohort") == 0)
            cohort = strtol(argv[i + 1], NULL, 10);
        else if (i + 1 < argc && strcmp(argv[i], "--group") == 0)
            specs = find_group(argv[i + 1]);
        else
            return usage();
    }
    struct error error;
    if (cohort < 1 || cohort > COHORT_MAX || specs == NULL)
        return usage();
    if (engine_choose_cpu(cpu, &error) != 0) {
        fprintf(stderr, "e2e_train_digest: %s\n", error.text);
        return 77;
    }
    struct train_fixture fixture;
    struct digest digest = {{0}};
    char hex[DIGEST_HEX_BYTES];
    train_fixture_init(&fixture);
    for (uint32_t i = 0; specs[i] != NULL; i++)
        train(&fixture, specs[i], (uint32_t)cohort, &digest);
    train_fixture_fini(&fixture);
    digest_to_hex(&digest, hex);
    printf("%s %s\n", hex, engine_cpu());
    return 0;
}
