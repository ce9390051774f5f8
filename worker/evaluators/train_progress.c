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

/* In front of the checkpoint. */
struct sums {
    double loss;
    uint64_t lost_updates;
};

size_t train_progress_bytes(const struct cohort_member *member)
{
    const struct network whole = whole_network(member);
    return sizeof(struct sums) + network_checkpoint_bytes(&whole);
}

void train_progress_write(const struct cohort_member *member, uint8_t *bytes)
{
    const struct network whole = whole_network(member);
    const struct sums sums = {member->loss_sum, member->lost_updates};
    memcpy(bytes, &sums, sizeof sums);
    network_checkpoint_write(&whole, bytes + sizeof sums);
}

int train_progress_read(const uint8_t *bytes, size_t count, struct cohort_member *member,
                        struct error *error)
{
    struct network whole = whole_network(member);
    struct sums sums;
    if (count != train_progress_bytes(member))
        return error_set(error, -1, "a training of another size");
    if (network_checkpoint_read(&whole, bytes + sizeof sums, count - sizeof sums, error) != 0)
        return -1;
    memcpy(&sums, bytes, sizeof sums);
    member->network->optimizer_step = whole.optimizer_step;
    member->loss_sum = sums.loss;
    member->lost_updates = sums.lost_updates;
    return 0;
}
