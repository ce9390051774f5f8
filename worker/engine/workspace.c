/* workspace.c: see workspace.h. */
#include "worker/engine/workspace.h"

#include "worker/engine/pages.h"
#include "worker/engine/program.h"

#include <assert.h>
#include <stdlib.h>

enum { ALIGNMENT = 64 };

size_t workspace_row(uint32_t n)
{
    return ((size_t)n + KERNEL_LANES - 1) / KERNEL_LANES * KERNEL_LANES;
}

/* One block is cut into pieces: first counted with no block, then handed out. */
struct carver {
    char *memory; /* NULL while counting */
    size_t used;
};

static void *carve(struct carver *carver, size_t count, size_t size)
{
    void *piece = carver->memory != NULL ? carver->memory + carver->used : NULL;
    carver->used += (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return piece;
}

static void lay_out(struct workspace *workspace, const struct model *model, struct carver *carver)
{
    const struct program *program = model->program;
    size_t samples = workspace->samples_max, stride = workspace_row(workspace->samples_max);
    size_t real = sizeof(float);
    workspace->batch.sample_row = workspace_row(model->inputs);
    workspace->batch.stride = stride;
    workspace->batch.by_sample = carve(carver, (samples + 1) * workspace->batch.sample_row, real);
    workspace->batch.by_feature = carve(carver, ((size_t)model->inputs + 1) * stride, real);
    workspace->index = carve(carver, samples, sizeof *workspace->index);
    workspace->labels = carve(carver, samples, sizeof *workspace->labels);
    workspace->losses = carve(carver, samples, real);
    workspace->values = carve(carver, program->value_rows * stride, real);
    workspace->kept = carve(carver, program->kept_rows * stride, real);
    workspace->deltas = carve(carver, program->delta_rows * stride, real);
    workspace->scratch = carve(carver, program_scratch(model, workspace->samples_max), real);
    workspace->gradient = carve(carver, model->parameter_count, real);
}

int workspace_init(struct workspace *workspace, const struct model *model, uint32_t samples_max)
{
    struct carver carver = {.used = 0};
    assert(samples_max > 0);
    *workspace = (struct workspace){.samples_max = samples_max};
    lay_out(workspace, model, &carver);
    workspace->memory = pages_take(carver.used);
    if (workspace->memory == NULL)
        return -1;
    carver = (struct carver){.memory = workspace->memory};
    lay_out(workspace, model, &carver);
    return 0;
}

void workspace_fini(struct workspace *workspace)
{
    free(workspace->memory);
    *workspace = (struct workspace){.n = 0};
}
