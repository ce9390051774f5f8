/* message_make.c: see message_make.h. */
#include "tests/unit/proto/message_make.h"

#include <string.h>

void maker_init(struct maker *maker)
{
    struct random random = random_open(1, 0, 0, RANDOM_NULL);
    for (size_t i = 0; i < sizeof maker->payload; i++)
        maker->payload[i] = (uint8_t)random_u32(&random);
    maker_open(maker, 0, MAKE_RANDOM);
}

void maker_open(struct maker *maker, uint64_t iteration, enum maker_size size)
{
    maker->random = random_open(20240613, 0, iteration, RANDOM_NULL);
    maker->size = size;
}

/* Uniform in [least, most], with the ends far more often than by chance. */
static uint64_t make_number(struct maker *maker, uint64_t least, uint64_t most)
{
    uint32_t choice = random_below(&maker->random, 8);
    if (maker->size == MAKE_LARGEST || choice == 0)
        return most;
    if (choice == 1)
        return least;
    uint64_t span = most - least;
    uint64_t drawn = random_u64(&maker->random) >> random_below(&maker->random, 64);
    return span == UINT64_MAX ? drawn : least + drawn % (span + 1);
}

static uint32_t make_u32(struct maker *maker, uint32_t least, uint32_t most)
{
    return (uint32_t)make_number(maker, least, most);
}

static double make_double(struct maker *maker)
{
    static const uint64_t special[] = {
        UINT64_C(0),                  /* 0.0 */
        UINT64_C(0x8000000000000000), /* -0.0 */
        UINT64_C(0x7ff0000000000000), /* infinity */
        UINT64_C(0xfff0000000000000), /* -infinity */
        UINT64_C(0x7ff0000000000001), /* a signalling NaN */
        UINT64_C(0xfff8dead0000beef), /* a quiet NaN with a payload */
        UINT64_C(1),                  /* the least subnormal */
    };
    uint32_t choice = random_below(&maker->random, 14);
    uint64_t bits = choice < 7 ? special[choice] : random_u64(&maker->random);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void make_text(struct maker *maker, char *text, size_t size)
{
    size_t length = make_number(maker, 0, size - 1);
    for (size_t i = 0; i < length; i++)
        text[i] = (char)(1 + random_below(&maker->random, 255));
    text[length] = '\0';
}

static void make_name(struct maker *maker, char *name, size_t size)
{
    size_t length = make_number(maker, 0, size - 1);
    for (size_t i = 0; i < length; i++)
        name[i] = (char)(' ' + random_below(&maker->random, 95));
    name[length] = '\0';
}

static void make_bytes(struct maker *maker, void *bytes, size_t count)
{
    uint8_t *byte = bytes;
    for (size_t i = 0; i < count; i++)
        byte[i] = (uint8_t)random_u32(&maker->random);
    byte[0] |= 1; /* an instance does not begin with 0, and a digest of zeros is none */
}

static struct digest make_digest(struct maker *maker)
{
    struct digest digest;
    make_bytes(maker, &digest, sizeof digest);
    return digest;
}

static struct lease_key make_key(struct maker *maker)
{
    return (struct lease_key){
        .job = {.line = make_u32(maker, 0, LINES_MAX - 1),
                .job = make_number(maker, 0, JOB_NUMBER_FINAL)},
        .epoch = make_number(maker, 0, UINT64_MAX),
        .attempt = make_u32(maker, 1, UINT32_MAX),
    };
}

static void make_heartbeat(struct maker *maker, struct heartbeat *beat)
{
    uint32_t most = random_below(&maker->random, 16) == 0 ? HELD_MAX : 20;
    *beat = (struct heartbeat){
        .capacity = make_u32(maker, 0, HELD_MAX),
        .cache_bytes = make_number(maker, 0, UINT64_MAX),
        .held_count = make_u32(maker, 0, maker->size == MAKE_LARGEST ? HELD_MAX : most),
        .held_cut = random_below(&maker->random, 2) == 1,
        .held = maker->held,
    };
    for (uint32_t i = 0; i < beat->held_count; i++)
        maker->held[i] = (struct held){
            .lease = make_key(maker),
            .job_prefix = random_u64(&maker->random),
            .phase = make_u32(maker, 1, HELD_FINISHED),
        };
}

static void make_hello(struct maker *maker, struct hello *hello)
{
    hello->protocol_version = make_u32(maker, 0, UINT32_MAX);
    make_name(maker, hello->engine_version, sizeof hello->engine_version);
    make_name(maker, hello->name, sizeof hello->name);
    make_name(maker, hello->host, sizeof hello->host);
    make_bytes(maker, &hello->instance, sizeof hello->instance);
    make_bytes(maker, &hello->home, sizeof hello->home);
    hello->slots = make_u32(maker, 0, SLOTS_MAX);
    hello->numeric_count = make_u32(maker, 0, NUMERIC_CLASSES_MAX);
    for (uint32_t i = 0; i < hello->numeric_count; i++)
        make_name(maker, hello->numeric[i], sizeof hello->numeric[i]);
    make_name(maker, hello->token, sizeof hello->token);
    make_heartbeat(maker, &hello->beat);
}

static void make_welcome(struct maker *maker, struct welcome *welcome)
{
    make_bytes(maker, &welcome->run, sizeof welcome->run);
    make_name(maker, welcome->experiment, sizeof welcome->experiment);
    make_name(maker, welcome->numeric, sizeof welcome->numeric);
    welcome->heartbeat_ms = make_u32(maker, 1, UINT32_MAX);
    welcome->lost_ms = make_u32(maker, 1, UINT32_MAX);
}

static struct partial make_partial(struct maker *maker)
{
    return (struct partial){
        .state = make_digest(maker),
        .bytes = make_number(maker, 1, BLOB_BYTES_MAX),
        .steps = make_number(maker, 0, UINT64_MAX),
    };
}

static void make_lease(struct maker *maker, struct lease *lease)
{
    lease->key = make_key(maker);
    lease->reason = make_u32(maker, 1, LEASE_REASON_LAST);
    struct job *job = &lease->job;
    job->key = lease->key.job;
    job->kind = (enum job_kind)make_u32(maker, 1, JOB_EVALUATE);
    job->slices = make_u32(maker, 0, SLICE_ALL);
    job->seed = random_u64(&maker->random);
    job->stream = random_u64(&maker->random);
    job->spec = make_digest(maker);
    if (make_u32(maker, 0, 1) == 1)
        job->data = make_digest(maker);
    make_name(maker, job->call.name, sizeof job->call.name);
    job->call.param_count = make_u32(maker, 0, OPERATOR_PARAMS_MAX);
    for (uint32_t i = 0; i < job->call.param_count; i++)
        job->call.params[i] = make_double(maker);
    job->parent_count = make_u32(maker, job->kind == JOB_EVALUATE ? 1 : 0, JOB_PARENTS_MAX);
    for (uint32_t i = 0; i < job->parent_count; i++)
        job->parents[i] = make_digest(maker);
    lease->partial = (struct partial){.steps = 0};
    if (make_u32(maker, 0, 1) == 1)
        lease->partial = make_partial(maker);
}

static void make_result(struct maker *maker, struct result *result)
{
    static const uint32_t nan_bits[] = {0x7ff80000, 0xfff80000, 0x7ff00000};
    *result = (struct result){
        .lease = make_key(maker),
        .job = make_digest(maker),
        .outcome = (enum outcome)make_u32(maker, 1, OUTCOME_FAILED),
        .fitness = make_double(maker),
        .metric_count = make_u32(maker, 0, METRIC_LAST),
        .steps = make_number(maker, 0, UINT64_MAX),
        .compute_ms = make_u32(maker, 0, UINT32_MAX),
        .cohort = make_u32(maker, 0, COHORT_MAX),
        .detail_bytes = make_u32(maker, 0, DETAIL_BYTES_MAX),
        .detail = maker->payload,
    };
    if (result->outcome != OUTCOME_OK) {
        uint64_t bits = (uint64_t)nan_bits[random_below(&maker->random, 3)] << 32 |
                        random_u32(&maker->random) | 1;
        memcpy(&result->fitness, &bits, sizeof bits);
    }
    uint32_t first = random_below(&maker->random, METRIC_LAST);
    for (uint32_t i = 0; i < result->metric_count; i++)
        result->metrics[i] =
            (struct metric){.id = 1 + (first + i) % METRIC_LAST, .value = make_double(maker)};
    if (make_u32(maker, 0, 1) == 1) {
        result->child = make_digest(maker);
        result->child_bytes = make_number(maker, 1, BLOB_BYTES_MAX);
    }
    make_text(maker, result->reason, sizeof result->reason);
}

static void make_death(struct maker *maker, struct death *death)
{
    death->slot = make_u32(maker, 0, SLOTS_MAX - 1);
    death->exit_code = (int32_t)make_u32(maker, 0, 256) - 1;
    death->signal = (int32_t)make_u32(maker, 0, 64);
    death->out_of_memory = random_below(&maker->random, 2) == 1;
    death->lease_count = make_u32(maker, 0, COHORT_MAX);
    for (uint32_t i = 0; i < death->lease_count; i++)
        death->leases[i] = make_key(maker);
    death->cohort = make_u32(maker, 0, COHORT_MAX);
    make_text(maker, death->log_tail, sizeof death->log_tail);
}

static void make_chunk(struct maker *maker, struct chunk *chunk)
{
    chunk->digest = make_digest(maker);
    chunk->total = make_number(maker, 0, BLOB_BYTES_MAX);
    uint64_t most = chunk->total < CHUNK_BYTES_MAX ? chunk->total : CHUNK_BYTES_MAX;
    chunk->length = make_u32(maker, 0, (uint32_t)most);
    chunk->offset = make_number(maker, 0, chunk->total - chunk->length);
    chunk->bytes = maker->payload;
}

static void make_stop(struct maker *maker, struct stop *stop)
{
    stop->code = make_u32(maker, 1, STOP_LAST);
    make_text(maker, stop->reason, sizeof stop->reason);
}

static void make_verdict(struct maker *maker, struct verdict *verdict)
{
    verdict->lease = make_key(maker);
    verdict->kind = make_u32(maker, 1, VERDICT_LAST);
}

static void make_handover(struct maker *maker, struct handover *handover)
{
    handover->lease = make_key(maker);
    handover->job = make_digest(maker);
    handover->partial = make_partial(maker);
}

static void make_pull(struct maker *maker, struct pull *pull)
{
    pull->digest = make_digest(maker);
    pull->offset = make_number(maker, 0, BLOB_BYTES_MAX);
    pull->length = make_u32(maker, 1, CHUNK_BYTES_MAX);
}

static void make_status_request(struct maker *maker, struct status_request *request)
{
    request->subject = make_u32(maker, STATUS_RUN, STATUS_SUBJECT_LAST);
    request->job.line = make_u32(maker, 0, LINES_MAX - 1);
    request->job.job = make_number(maker, 0, JOB_NUMBER_FINAL);
    make_name(maker, request->worker, sizeof request->worker);
}

static void make_command(struct maker *maker, struct user_command *command)
{
    command->kind = make_u32(maker, 1, COMMAND_KIND_LAST);
    command->job.line = make_u32(maker, 0, LINES_MAX - 1);
    command->job.job = make_number(maker, 0, JOB_NUMBER_FINAL);
    make_name(maker, command->worker, sizeof command->worker);
}

void make_message(struct maker *maker, enum message_kind kind, struct message *message)
{
    message->kind = kind;
    message->epoch = make_number(maker, 0, UINT64_MAX);
    switch (kind) {
    case MESSAGE_HELLO:
        make_hello(maker, &message->hello);
        return;
    case MESSAGE_WELCOME:
        make_welcome(maker, &message->welcome);
        return;
    case MESSAGE_REFUSED:
        message->refused.code = make_u32(maker, 1, REFUSED_LAST);
        make_text(maker, message->refused.reason, sizeof message->refused.reason);
        return;
    case MESSAGE_HEARTBEAT:
        make_heartbeat(maker, &message->heartbeat);
        return;
    case MESSAGE_LEASE:
        make_lease(maker, &message->lease);
        return;
    case MESSAGE_RESULT:
        make_result(maker, &message->result);
        return;
    case MESSAGE_VERDICT:
        make_verdict(maker, &message->verdict);
        return;
    case MESSAGE_DEATH:
        make_death(maker, &message->death);
        return;
    case MESSAGE_GOODBYE:
        make_text(maker, message->goodbye.reason, sizeof message->goodbye.reason);
        return;
    case MESSAGE_STOP:
        make_stop(maker, &message->stop);
        return;
    case MESSAGE_STATUS:
        message->status.json_bytes = make_u32(maker, 0, STATUS_BYTES_MAX);
        message->status.json = (const char *)maker->payload;
        return;
    case MESSAGE_PULL:
        make_pull(maker, &message->pull);
        return;
    case MESSAGE_CHUNK:
        make_chunk(maker, &message->chunk);
        return;
    case MESSAGE_ABSENT:
        message->absent.digest = make_digest(maker);
        return;
    case MESSAGE_STATUS_REQUEST:
        make_status_request(maker, &message->status_request);
        return;
    case MESSAGE_HANDOVER:
        make_handover(maker, &message->handover);
        return;
    case MESSAGE_DRAIN:
        make_text(maker, message->drain.reason, sizeof message->drain.reason);
        return;
    case MESSAGE_COMMAND:
        make_command(maker, &message->command);
        return;
    case MESSAGE_ANSWER:
        message->answer.done = make_u32(maker, 0, 1) == 1;
        make_text(maker, message->answer.reason, sizeof message->answer.reason);
        return;
    case MESSAGE_REJOIN:
    case MESSAGE_ALIVE:
        return;
    }
}
