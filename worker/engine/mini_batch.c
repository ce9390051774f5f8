/* mini_batch.c: see mini_batch.h. */
#include "worker/engine/mini_batch.h"

void mini_batch_choose(struct workspace *workspace, const struct samples *samples,
                       const struct sample_slice *slice, const struct batch_places *places)
{
    workspace->n = places->n;
    workspace->batch.stride = workspace_row(places->n);
    for (uint32_t i = 0; i < places->n; i++) {
        uint32_t place = places->first + i;
        if (places->permutation != NULL)
            place = places->permutation[place];
        workspace->index[i] = slice->index[place];
        workspace->labels[i] = samples->labels[workspace->index[i]];
    }
}

void mini_batch_gather(const struct pass *pass, const struct samples *samples)
{
    struct workspace *workspace = pass->workspace;
    struct batch_source source = {samples, workspace->index, workspace->n};
    if (pass->bytes != NULL && byte_layer_gather(pass->bytes, pass, &source))
        return;
    pass->kernels->gather(&source, &workspace->batch);
}

uint32_t mini_batch_evaluation(const struct pass *pass, const struct samples *samples,
                               const struct sample_slice *slice, uint32_t first)
{
    const uint32_t left = slice->count - first;
    const uint32_t n = left < EVALUATION_BATCH ? left : EVALUATION_BATCH;
    mini_batch_choose(pass->workspace, samples, slice, &(struct batch_places){NULL, first, n});
    mini_batch_gather(pass, samples);
    return n;
}
