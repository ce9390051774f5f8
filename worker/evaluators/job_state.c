/* job_state.c: see job_state.h. */
#include "worker/evaluators/job_state.h"

#include <string.h>

static const char magic[] = "ratchet state 1\n";

enum {
    MAGIC_BYTES = sizeof magic - 1,
    STEPS_AT = MAGIC_BYTES + sizeof(struct digest),
    CONTENT_AT = STEPS_AT + sizeof(uint64_t),
    FRAME_BYTES = CONTENT_AT + sizeof(struct digest),
};

static void put_u64(uint8_t *bytes, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get_u64(const uint8_t *bytes)
{
    uint64_t value = 0;
    for (int i = 8; i > 0; i--)
        value = value << 8 | bytes[i - 1];
    return value;
}

size_t job_state_bytes(const struct job_progress *progress)
{
    return FRAME_BYTES + progress->content.count;
}

void job_state_write(const struct job_progress *progress, const struct digest *job, uint8_t *bytes)
{
    size_t count = progress->content.count;
    memcpy(bytes, magic, MAGIC_BYTES);
    memcpy(bytes + MAGIC_BYTES, job->bytes, sizeof job->bytes);
    put_u64(bytes + STEPS_AT, progress->steps);
    if (count > 0)
        memcpy(bytes + CONTENT_AT, progress->content.data, count);
    struct digest digest = digest_of(bytes, CONTENT_AT + count);
    memcpy(bytes + CONTENT_AT + count, digest.bytes, sizeof digest.bytes);
}

int job_state_read(struct bytes whole, const struct digest *job, struct job_progress *progress,
                   struct error *error)
{
    if (whole.count < FRAME_BYTES || memcmp(whole.data, magic, MAGIC_BYTES) != 0)
        return error_set(error, -1, "it is not the state of a job, or of another release");
    if (memcmp(whole.data + MAGIC_BYTES, job->bytes, sizeof job->bytes) != 0)
        return error_set(error, -1, "it is the state of another job");
    size_t end = whole.count - sizeof(struct digest);
    struct digest digest = digest_of(whole.data, end);
    if (memcmp(whole.data + end, digest.bytes, sizeof digest.bytes) != 0)
        return error_set(error, -1, "it is damaged");
    *progress = (struct job_progress){
        .steps = get_u64(whole.data + STEPS_AT),
        .content = {.data = whole.data + CONTENT_AT, .count = end - CONTENT_AT},
    };
    return 0;
}
