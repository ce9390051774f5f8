/* carry_out.c: see carry_out.h. */
#include "tests/simulation/carry_out.h"

#include <assert.h>

bool carry_out(const struct trial *trial, const struct archive *archive, const struct job *job,
               struct result *result, uint8_t child[CHILD_BYTES_MAX])
{
    *result = (struct result){0};
    struct bytes parents[JOB_PARENTS_MAX] = {{0}};
    for (uint32_t i = 0; i < job->parent_count; i++) {
        const struct blob *blob = archive_find(archive, &job->parents[i]);
        if (blob == NULL)
            return false;
        parents[i] = (struct bytes){blob->bytes, blob->count};
    }
    assert(null_child_bytes_max(&trial->null) <= CHILD_BYTES_MAX);
    size_t bytes = null_evaluate(&trial->null, job, parents, child, result);
    result->child_bytes = bytes;
    if (bytes > 0)
        result->child = digest_of(child, bytes);
    (void)trial_let_diverge(trial, job, result);
    return true;
}
