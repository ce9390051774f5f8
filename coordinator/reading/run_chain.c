/* run_chain.c: see run_chain.h. */
#include "coordinator/reading/run_chain.h"

#include "coordinator/core/chain.h"
#include "coordinator/reading/reader.h"

#include <stdlib.h>

/* Where a line's history stands. A final job is counted only as long as nothing comes after it. */
struct line_chain {
    struct digest chain, closed;
    bool is_closed;
};

int run_chain_open(struct run_chain *chain, const struct digest *experiment, uint32_t lines,
                   struct error *error)
{
    *chain = (struct run_chain){.items = calloc(lines, sizeof *chain->items), .lines = lines};
    if (chain->items == NULL)
        return error_set(error, -1, "no memory for the chains of %u lines", lines);
    for (uint32_t i = 0; i < lines; i++)
        chain->items[i].chain = chain_start(experiment, i);
    return 0;
}

void run_chain_close(struct run_chain *chain)
{
    free(chain->items);
    chain->items = NULL;
}

int run_chain_add(struct run_chain *chain, const struct commit_record *record, struct error *error)
{
    struct job_key key = record->job.key;
    char id[ID_BYTES_MAX];
    format_id(key, id);
    if (key.line >= chain->lines)
        return error_set(error, -1, "commit %llu is of line %u, and the run has %u",
                         (unsigned long long)record->sequence, key.line, chain->lines);
    struct line_chain *line = &chain->items[key.line];
    struct digest description = job_digest(&record->job);
    struct digest next = chain_extend(&line->chain, record);
    if (!digest_equal(&description, &record->description) || !digest_equal(&next, &record->chain))
        return error_set(error, -1,
                         "the ledger was damaged or changed: commit %llu (%s) does not fit those "
                         "before it",
                         (unsigned long long)record->sequence, id);
    line->is_closed = key.job == JOB_NUMBER_FINAL;
    if (line->is_closed)
        line->closed = next;
    else
        line->chain = next;
    return 0;
}

struct digest run_chain_digest(const struct run_chain *chain)
{
    struct digest_state state;
    chain_run_init(&state);
    for (uint32_t i = 0; i < chain->lines; i++) {
        const struct line_chain *line = &chain->items[i];
        chain_run_add(&state, line->is_closed ? &line->closed : &line->chain);
    }
    return digest_final(&state);
}
