/*
 * codec_decode.c: protobuf-c's structs -> struct message, checked.
 *
 * This is the border that message.h promises: behind it every string ends, every count and enum is
 * within its bound. Each read_*() below takes one message, in the order of its fields; the first
 * field that is out of bounds ends it. Texts and ids are copied, because they are short; a result's
 * detail, a status' JSON and a chunk's payload stay in the arena and are pointed to.
 */
#include "proto/codec_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

_Static_assert((int)RATCHET__ENVELOPE__BODY_HELLO == (int)CODEC_BODY_FIELD + (int)MESSAGE_HELLO,
               "the envelope's numbers follow enum message_kind");
_Static_assert((int)RATCHET__ENVELOPE__BODY_ANSWER ==
                   (int)CODEC_BODY_FIELD + (int)MESSAGE_KIND_LAST,
               "the envelope's numbers follow enum message_kind");
_Static_assert((int)RATCHET__HELD_PHASE__HELD_PHASE_FINISHED == (int)HELD_FINISHED, "same enum");
_Static_assert((int)RATCHET__REFUSAL__REFUSAL_NOT_ALLOWED == (int)REFUSED_LAST, "same enum");
_Static_assert((int)RATCHET__LEASE_REASON__LEASE_REASON_AUDIT == (int)LEASE_REASON_LAST,
               "same enum");
_Static_assert((int)RATCHET__VERDICT_KIND__VERDICT_KIND_LATER == (int)VERDICT_LAST, "same enum");
_Static_assert((int)RATCHET__STOP_CODE__STOP_CODE_RUN_PAUSED == (int)STOP_LAST, "same enum");
_Static_assert((int)RATCHET__JOB_KIND__JOB_KIND_EVALUATE == (int)JOB_EVALUATE, "same enum");
_Static_assert((int)RATCHET__STATUS_SUBJECT__STATUS_SUBJECT_WHY_WORKER == (int)STATUS_SUBJECT_LAST,
               "same enum");
_Static_assert((int)RATCHET__COMMAND_KIND__COMMAND_KIND_SKIP == (int)COMMAND_KIND_LAST,
               "same enum");
_Static_assert((int)RATCHET__OUTCOME__OUTCOME_FAILED == (int)OUTCOME_FAILED, "same enum");

static bool read_key(const struct reader *reader, const char *field, const Ratchet__LeaseKey *wire,
                     struct lease_key *key)
{
    if (!read_present(reader, field, wire))
        return false;
    key->job.line = wire->line;
    key->job.job = wire->job;
    key->epoch = wire->epoch;
    key->attempt = wire->attempt;
    return read_lease_key(reader, key);
}

static bool read_held(const struct reader *reader, const Ratchet__Held *wire, struct held *held)
{
    held->lease.job.line = wire->line;
    held->lease.job.job = wire->job;
    held->lease.epoch = wire->epoch;
    held->lease.attempt = wire->attempt;
    held->phase = (uint32_t)wire->phase;
    held->job_prefix = wire->job_prefix;
    return read_lease_key(reader, &held->lease) &&
           read_enum(reader, "phase", held->phase, HELD_FINISHED);
}

static bool read_heartbeat(const struct reader *reader, const Ratchet__Heartbeat *wire,
                           struct heartbeat *beat)
{
    *beat = (struct heartbeat){
        .capacity = wire->capacity,
        .cache_bytes = wire->cache_bytes,
        .held_count = (uint32_t)wire->n_held,
        .held_cut = wire->held_cut,
        .held = reader->codec->held,
    };
    if (!read_at_most(reader, "capacity", wire->capacity, HELD_MAX) ||
        !read_count(reader, "held", wire->n_held, HELD_MAX))
        return false;
    struct reader entry = *reader;
    entry.list = "held";
    for (entry.index = 0; entry.index < wire->n_held; entry.index++)
        if (!read_held(&entry, wire->held[entry.index], &reader->codec->held[entry.index]))
            return false;
    return true;
}

static bool read_hello(const struct reader *reader, const Ratchet__Hello *wire, struct hello *hello)
{
    *hello = (struct hello){
        .protocol_version = wire->protocol_version,
        .slots = wire->slots,
        .numeric_count = (uint32_t)wire->n_numeric,
    };
    if (!read_name(reader, "engine_version", wire->engine_version, hello->engine_version,
                   sizeof hello->engine_version) ||
        !read_name(reader, "name", wire->name, hello->name, sizeof hello->name) ||
        !read_name(reader, "host", wire->host, hello->host, sizeof hello->host) ||
        !read_id(reader, "instance", wire->instance, hello->instance.bytes) ||
        !read_id(reader, "home", wire->home, hello->home.bytes) ||
        !read_at_most(reader, "slots", wire->slots, SLOTS_MAX) ||
        !read_count(reader, "numeric", wire->n_numeric, NUMERIC_CLASSES_MAX) ||
        !read_name(reader, "token", wire->token, hello->token, sizeof hello->token) ||
        !read_present(reader, "beat", wire->beat))
        return false;
    if (hello->instance.bytes[0] == 0)
        return reader_refuse(reader, "instance", "begins with 0, which ZeroMQ keeps for itself");
    for (uint32_t i = 0; i < hello->numeric_count; i++)
        if (!read_name(reader, "numeric", wire->numeric[i], hello->numeric[i],
                       sizeof hello->numeric[i]))
            return false;
    return read_heartbeat(reader, wire->beat, &hello->beat);
}

static bool read_welcome(const struct reader *reader, const Ratchet__Welcome *wire,
                         struct welcome *welcome)
{
    *welcome = (struct welcome){.heartbeat_ms = wire->heartbeat_ms, .lost_ms = wire->lost_ms};
    return read_id(reader, "run", wire->run, welcome->run.bytes) &&
           read_name(reader, "experiment", wire->experiment, welcome->experiment,
                     sizeof welcome->experiment) &&
           read_name(reader, "numeric", wire->numeric, welcome->numeric, sizeof welcome->numeric) &&
           read_positive(reader, "heartbeat_ms", wire->heartbeat_ms) &&
           read_positive(reader, "lost_ms", wire->lost_ms);
}

/* A peer of another version may refuse for a reason that is new to us: its version will do. */
static bool read_refused(const struct reader *reader, const Ratchet__Envelope *envelope,
                         struct refused *refused)
{
    const Ratchet__Refused *wire = envelope->refused;
    *refused = (struct refused){.code = (uint32_t)wire->code};
    if (envelope->version != PROTOCOL_VERSION &&
        (refused->code < 1 || refused->code > REFUSED_LAST))
        refused->code = REFUSED_VERSION;
    return read_enum(reader, "code", refused->code, REFUSED_LAST) &&
           read_text(reader, "reason", wire->reason, refused->reason, sizeof refused->reason);
}

static bool read_parents(const struct reader *reader, const Ratchet__Job *wire, struct job *job)
{
    if (!read_count(reader, "parents", wire->n_parents, JOB_PARENTS_MAX))
        return false;
    if (job->kind == JOB_EVALUATE && wire->n_parents == 0)
        return reader_refuse(reader, "parents", "0 given, an evaluation needs 1");
    job->parent_count = (uint32_t)wire->n_parents;
    for (uint32_t i = 0; i < job->parent_count; i++)
        if (!read_digest(reader, "parents", wire->parents[i], &job->parents[i]))
            return false;
    return true;
}

static bool read_call(const struct reader *reader, const Ratchet__Job *wire,
                      struct operator_call *call)
{
    if (!read_name(reader, "operator_name", wire->operator_name, call->name, sizeof call->name) ||
        !read_count(reader, "params", wire->n_params, OPERATOR_PARAMS_MAX))
        return false;
    call->param_count = (uint32_t)wire->n_params;
    if (wire->n_params > 0)
        memcpy(call->params, wire->params, wire->n_params * sizeof wire->params[0]);
    return true;
}

/* Absent when there is none, so that nothing has two encodings. */
static bool read_data(const struct reader *reader, const Ratchet__Job *wire, struct job *job)
{
    job->data = (struct digest){{0}};
    if (wire->data.len == 0)
        return true;
    if (!read_digest(reader, "data", wire->data, &job->data))
        return false;
    return !digest_is_zero(&job->data) ||
           reader_refuse(reader, "data", "zeros, which stand for none");
}

static bool read_job(const struct reader *reader, const Ratchet__Job *wire, struct job *job)
{
    if (!read_present(reader, "job", wire))
        return false;
    job->kind = (enum job_kind)wire->kind;
    job->slices = wire->slices;
    job->seed = wire->seed;
    job->stream = wire->stream;
    if ((job->slices & ~(uint32_t)SLICE_ALL) != 0)
        return reader_refuse(reader, "slices", "%#" PRIx32 " holds unknown slices", job->slices);
    return read_enum(reader, "kind", (uint32_t)wire->kind, JOB_EVALUATE) &&
           read_digest(reader, "spec", wire->spec, &job->spec) && read_data(reader, wire, job) &&
           read_call(reader, wire, &job->call) && read_parents(reader, wire, job);
}

/* A state has a digest and bytes. Absent when there is none, so that nothing has two encodings. */
static bool read_partial(const struct reader *reader, const Ratchet__Partial *wire,
                         struct partial *partial)
{
    *partial = (struct partial){.steps = 0};
    if (wire == NULL)
        return true;
    *partial = (struct partial){.bytes = wire->bytes, .steps = wire->steps};
    if (!read_digest(reader, "state", wire->state, &partial->state))
        return false;
    if (digest_is_zero(&partial->state))
        return reader_refuse(reader, "state", "zeros, which stand for none");
    return read_positive(reader, "state_bytes", wire->bytes) &&
           read_at_most(reader, "state_bytes", wire->bytes, BLOB_BYTES_MAX);
}

static bool read_lease(const struct reader *reader, const Ratchet__Lease *wire, struct lease *lease)
{
    *lease = (struct lease){.reason = (uint32_t)wire->reason};
    if (!read_key(reader, "key", wire->key, &lease->key))
        return false;
    lease->job.key = lease->key.job;
    return read_enum(reader, "reason", lease->reason, LEASE_REASON_LAST) &&
           read_job(reader, wire->job, &lease->job) &&
           read_partial(reader, wire->partial, &lease->partial);
}

static bool read_handover(const struct reader *reader, const Ratchet__Handover *wire,
                          struct handover *handover)
{
    *handover = (struct handover){.partial = {.steps = 0}};
    return read_key(reader, "lease", wire->lease, &handover->lease) &&
           read_digest(reader, "job", wire->job, &handover->job) &&
           read_present(reader, "partial", wire->partial) &&
           read_partial(reader, wire->partial, &handover->partial);
}

static bool read_metrics(const struct reader *reader, const Ratchet__Result *wire,
                         struct result *result)
{
    if (!read_count(reader, "metrics", wire->n_metric_ids, METRICS_MAX))
        return false;
    if (wire->n_metric_values != wire->n_metric_ids)
        return reader_refuse(reader, "metrics", "%zu ids for %zu values", wire->n_metric_ids,
                             wire->n_metric_values);
    uint64_t seen = 0;
    for (size_t i = 0; i < wire->n_metric_ids; i++) {
        uint32_t id = wire->metric_ids[i];
        if (!read_enum(reader, "metrics", id, METRIC_LAST))
            return false;
        if ((seen >> id & 1) != 0)
            return reader_refuse(reader, "metrics", "%s is given twice", metric_name(id));
        seen |= UINT64_C(1) << id;
        result->metrics[i] = (struct metric){.id = id, .value = wire->metric_values[i]};
    }
    result->metric_count = (uint32_t)wire->n_metric_ids;
    return true;
}

/* A child has a digest and bytes, or it has neither. */
static bool read_child(const struct reader *reader, const Ratchet__Result *wire,
                       struct result *result)
{
    result->child_bytes = wire->child_bytes;
    if (wire->child.len == 0)
        return wire->child_bytes == 0 ||
               reader_refuse(reader, "child_bytes", "given without a child");
    if (!read_digest(reader, "child", wire->child, &result->child))
        return false;
    if (digest_is_zero(&result->child))
        return reader_refuse(reader, "child", "zeros, which stand for none");
    return read_positive(reader, "child_bytes", wire->child_bytes) &&
           read_at_most(reader, "child_bytes", wire->child_bytes, BLOB_BYTES_MAX);
}

static bool read_fitness(const struct reader *reader, const Ratchet__Result *wire,
                         struct result *result)
{
    memcpy(&result->fitness, &wire->fitness_bits, sizeof result->fitness);
    bool is_nan = result->fitness != result->fitness;
    return result->outcome == OUTCOME_OK || is_nan ||
           reader_refuse(reader, "fitness", "a number, though the outcome is \"%s\"",
                         outcome_name(result->outcome));
}

static bool read_result(const struct reader *reader, const Ratchet__Result *wire,
                        struct result *result)
{
    *result = (struct result){
        .outcome = (enum outcome)wire->outcome,
        .steps = wire->steps,
        .compute_ms = wire->compute_ms,
        .cohort = wire->cohort,
        .detail_bytes = (uint32_t)wire->detail.len,
        .detail = wire->detail.data,
    };
    return read_key(reader, "lease", wire->lease, &result->lease) &&
           read_digest(reader, "job", wire->job, &result->job) &&
           read_enum(reader, "outcome", (uint32_t)wire->outcome, OUTCOME_FAILED) &&
           read_fitness(reader, wire, result) && read_metrics(reader, wire, result) &&
           read_child(reader, wire, result) &&
           read_text(reader, "reason", wire->reason, result->reason, sizeof result->reason) &&
           read_at_most(reader, "detail_bytes", wire->detail.len, DETAIL_BYTES_MAX) &&
           read_at_most(reader, "cohort", wire->cohort, COHORT_MAX);
}

static bool read_verdict(const struct reader *reader, const Ratchet__Verdict *wire,
                         struct verdict *verdict)
{
    *verdict = (struct verdict){.kind = (uint32_t)wire->kind};
    return read_key(reader, "lease", wire->lease, &verdict->lease) &&
           read_enum(reader, "kind", verdict->kind, VERDICT_LAST);
}

static bool read_death(const struct reader *reader, const Ratchet__Death *wire, struct death *death)
{
    *death = (struct death){
        .slot = wire->slot,
        .exit_code = wire->exit_code,
        .signal = wire->signal,
        .out_of_memory = wire->out_of_memory,
        .lease_count = (uint32_t)wire->n_leases,
        .cohort = wire->cohort,
    };
    if (!read_at_most(reader, "slot", wire->slot, SLOTS_MAX - 1) ||
        !read_at_most(reader, "cohort", wire->cohort, COHORT_MAX) ||
        !read_count(reader, "leases", wire->n_leases, COHORT_MAX))
        return false;
    struct reader entry = *reader;
    entry.list = "leases";
    for (entry.index = 0; entry.index < wire->n_leases; entry.index++)
        if (!read_key(&entry, "lease", wire->leases[entry.index], &death->leases[entry.index]))
            return false;
    return read_text(reader, "log_tail", wire->log_tail, death->log_tail, sizeof death->log_tail);
}

static bool read_goodbye(const struct reader *reader, const Ratchet__Goodbye *wire,
                         struct goodbye *goodbye)
{
    *goodbye = (struct goodbye){.reason = ""};
    return read_text(reader, "reason", wire->reason, goodbye->reason, sizeof goodbye->reason);
}

static bool read_stop(const struct reader *reader, const Ratchet__Stop *wire, struct stop *stop)
{
    *stop = (struct stop){.code = (uint32_t)wire->code};
    return read_enum(reader, "code", stop->code, STOP_LAST) &&
           read_text(reader, "reason", wire->reason, stop->reason, sizeof stop->reason);
}

static bool read_status_request(const struct reader *reader, const Ratchet__StatusRequest *wire,
                                struct status_request *request)
{
    *request = (struct status_request){
        .subject = (uint32_t)wire->subject,
        .job = {.line = wire->line, .job = wire->job},
    };
    return read_at_most(reader, "subject", request->subject, STATUS_SUBJECT_LAST) &&
           read_at_most(reader, "line", wire->line, LINES_MAX - 1) &&
           read_at_most(reader, "job", wire->job, JOB_NUMBER_FINAL) &&
           read_name(reader, "worker", wire->worker, request->worker, sizeof request->worker);
}

static bool read_status(const struct reader *reader, const Ratchet__Status *wire,
                        struct status *status)
{
    status->json_bytes = (uint32_t)wire->json.len;
    status->json = (const char *)wire->json.data;
    return read_at_most(reader, "json_bytes", wire->json.len, STATUS_BYTES_MAX);
}

static bool read_drain(const struct reader *reader, const Ratchet__Drain *wire, struct drain *drain)
{
    *drain = (struct drain){.reason = ""};
    return read_text(reader, "reason", wire->reason, drain->reason, sizeof drain->reason);
}

static bool read_command(const struct reader *reader, const Ratchet__Command *wire,
                         struct user_command *command)
{
    *command = (struct user_command){
        .kind = (uint32_t)wire->kind,
        .job = {.line = wire->line, .job = wire->job},
    };
    return read_enum(reader, "kind", command->kind, COMMAND_KIND_LAST) &&
           read_at_most(reader, "line", wire->line, LINES_MAX - 1) &&
           read_at_most(reader, "job", wire->job, JOB_NUMBER_FINAL) &&
           read_name(reader, "worker", wire->worker, command->worker, sizeof command->worker);
}

static bool read_answer(const struct reader *reader, const Ratchet__Answer *wire,
                        struct command_answer *answer)
{
    *answer = (struct command_answer){.done = wire->done};
    return read_text(reader, "reason", wire->reason, answer->reason, sizeof answer->reason);
}

static bool read_pull(const struct reader *reader, const Ratchet__Pull *wire, struct pull *pull)
{
    pull->offset = wire->offset;
    pull->length = wire->length;
    return read_digest(reader, "digest", wire->digest, &pull->digest) &&
           read_at_most(reader, "offset", wire->offset, BLOB_BYTES_MAX) &&
           read_positive(reader, "length", wire->length) &&
           read_at_most(reader, "length", wire->length, CHUNK_BYTES_MAX);
}

static bool read_chunk(const struct reader *reader, const Ratchet__Chunk *wire, struct chunk *chunk)
{
    chunk->offset = wire->offset;
    chunk->total = wire->total;
    chunk->length = (uint32_t)wire->data.len;
    chunk->bytes = wire->data.data;
    return read_digest(reader, "digest", wire->digest, &chunk->digest) &&
           read_at_most(reader, "total", wire->total, BLOB_BYTES_MAX) &&
           read_at_most(reader, "offset", wire->offset, wire->total) &&
           read_at_most(reader, "length", wire->data.len, CHUNK_BYTES_MAX) &&
           read_at_most(reader, "length", wire->data.len, wire->total - wire->offset);
}

static bool read_body(const struct reader *reader, const Ratchet__Envelope *envelope,
                      struct message *message)
{
    switch (message->kind) {
    case MESSAGE_HELLO:
        return read_hello(reader, envelope->hello, &message->hello);
    case MESSAGE_WELCOME:
        return read_welcome(reader, envelope->welcome, &message->welcome);
    case MESSAGE_REFUSED:
        return read_refused(reader, envelope, &message->refused);
    case MESSAGE_HEARTBEAT:
        return read_heartbeat(reader, envelope->heartbeat, &message->heartbeat);
    case MESSAGE_LEASE:
        return read_lease(reader, envelope->lease, &message->lease);
    case MESSAGE_RESULT:
        return read_result(reader, envelope->result, &message->result);
    case MESSAGE_VERDICT:
        return read_verdict(reader, envelope->verdict, &message->verdict);
    case MESSAGE_DEATH:
        return read_death(reader, envelope->death, &message->death);
    case MESSAGE_GOODBYE:
        return read_goodbye(reader, envelope->goodbye, &message->goodbye);
    case MESSAGE_STOP:
        return read_stop(reader, envelope->stop, &message->stop);
    case MESSAGE_STATUS:
        return read_status(reader, envelope->status, &message->status);
    case MESSAGE_PULL:
        return read_pull(reader, envelope->pull, &message->pull);
    case MESSAGE_CHUNK:
        return read_chunk(reader, envelope->chunk, &message->chunk);
    case MESSAGE_ABSENT:
        return read_digest(reader, "digest", envelope->absent->digest, &message->absent.digest);
    case MESSAGE_HANDOVER:
        return read_handover(reader, envelope->handover, &message->handover);
    case MESSAGE_DRAIN:
        return read_drain(reader, envelope->drain, &message->drain);
    case MESSAGE_COMMAND:
        return read_command(reader, envelope->command, &message->command);
    case MESSAGE_ANSWER:
        return read_answer(reader, envelope->answer, &message->answer);
    case MESSAGE_STATUS_REQUEST:
        return read_status_request(reader, envelope->status_request, &message->status_request);
    case MESSAGE_REJOIN:
    case MESSAGE_ALIVE:
        return true;
    }
    return false;
}

bool codec_read(struct codec *codec, const Ratchet__Envelope *envelope, struct message *message,
                struct error *error)
{
    struct reader reader = {.codec = codec, .message = "envelope", .error = error};
    if (envelope->body_case == RATCHET__ENVELOPE__BODY__NOT_SET)
        return reader_refuse(&reader, "body", "missing, or of a kind that is not known");
    message->kind = (enum message_kind)((uint32_t)envelope->body_case - CODEC_BODY_FIELD);
    message->epoch = envelope->epoch;
    reader.message = message_name(message->kind);
    assert(reader.message != NULL); /* the schema knows no other */
    return read_body(&reader, envelope, message);
}
