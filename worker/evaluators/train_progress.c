/* train_progress.c: see train_progress.h. */
#include "worker/evaluators/train_progress.h"

#include <string.h>

/* The same network as one of which everything is kept. Borrows its memory. */
static struct network whole_network(const struct cohort_member *member)
{
    struct network whole = *member->network;
    whole.state = OPTIMIZER_STATE_MOMENTS;
    return whole;
}

size_t train_progress_bytes(const struct cohort_member *member)
{
    const struct network whole = whole_network(member);
    return sizeof member->loss_sum + network_checkpoint_bytes(&whole);
}

void train_progress_write(const struct cohort_member *member, uint8_t *bytes)
{
    const struct network whole = whole_network(member);
    memcpy(bytes, &member->loss_sum, sizeof member->loss_sum);
    network_checkpoint_write(&whole, bytes + sizeof member->loss_sum);
}

int train_progress_read(const uint8_t *bytes, size_t count, struct cohort_member *member,
                        struct error *error)
{
    struct network whole = whole_network(member);
    if (count != train_progress_bytes(member))
        return error_set(error, -1, "a training of another size");
    if (network_checkpoint_read(&whole, bytes + sizeof member->loss_sum,
                                count - sizeof member->loss_sum, error) != 0)
        return -1;
    member->network->optimizer_step = whole.optimizer_step;
    memcpy(&member->loss_sum, bytes, sizeof member->loss_sum);
    return 0;
}
