/* chain.c: see chain.h. */
#include "coordinator/core/chain.h"

#include "common/canonical.h"

struct digest chain_start(const struct digest *experiment, uint32_t line)
{
    struct digest_state state;
    digest_init(&state);
    canonical_text(&state, "ratchet line 1");
    canonical_digest(&state, experiment);
    canonical_u32(&state, line);
    return digest_final(&state);
}

struct digest chain_extend(const struct digest *chain, const struct commit_record *record)
{
    struct digest_state state;
    digest_init(&state);
    canonical_digest(&state, chain);
    canonical_digest(&state, &record->description);
    canonical_u32(&state, record->outcome);
    canonical_f64(&state, record->fitness);
    canonical_u32(&state, record->metric_count);
    for (uint32_t i = 0; i < record->metric_count; i++) {
        canonical_u32(&state, record->metrics[i].id);
        canonical_f64(&state, record->metrics[i].value);
    }
    canonical_u32(&state, record->admitted);
    if (record->admitted)
        canonical_digest(&state, &record->child);
    return digest_final(&state);
}

void chain_run_init(struct digest_state *state)
{
    digest_init(state);
    canonical_text(state, "ratchet run 1");
}

void chain_run_add(struct digest_state *state, const struct digest *chain)
{
    canonical_digest(state, chain);
}
