/*
 * codec_encode.c: struct message -> protobuf-c's structs.
 *
 * Nothing is copied that protobuf-c could point to: texts, digests and payloads stay where they are
 * until they are packed into the caller's buffer. What is out of bounds here was built wrong by
 * this very program, so it is asserted, not reported.
 */
#include "proto/codec_internal.h"

#include <assert.h>
#include <string.h>

/* protobuf-c's pointers are not const; packing only reads through them. */
static ProtobufCBinaryData bytes_of(const void *bytes, size_t count)
{
    return (ProtobufCBinaryData){.len = count, .data = (uint8_t *)bytes};
}

static ProtobufCBinaryData text_of(const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    assert(length < size);
    return bytes_of(text, length);
}

static ProtobufCBinaryData digest_bytes_of(const struct digest *digest)
{
    return bytes_of(digest->bytes, DIGEST_BYTES);
}

static Ratchet__LeaseKey *fill_key(Ratchet__LeaseKey *wire, const struct lease_key *key)
{
    ratchet__lease_key__init(wire);
    wire->line = key->job.line;
    wire->job = key->job.job;
    wire->epoch = key->epoch;
    wire->attempt = key->attempt;
    return wire;
}

static void fill_held(Ratchet__Held *wire, const struct held *held)
{
    ratchet__held__init(wire);
    wire->line = held->lease.job.line;
    wire->job = held->lease.job.job;
    wire->epoch = held->lease.epoch;
    wire->attempt = held->lease.attempt;
    wire->phase = (Ratchet__HeldPhase)held->phase;
    wire->job_prefix = held->job_prefix;
}

static void fill_heartbeat(struct codec *codec, const struct heartbeat *beat,
                           Ratchet__Heartbeat *wire)
{
    assert(beat->held_count <= HELD_MAX);
    ratchet__heartbeat__init(wire);
    wire->capacity = beat->capacity;
    wire->cache_bytes = beat->cache_bytes;
    wire->held_cut = beat->held_cut;
    for (uint32_t i = 0; i < beat->held_count; i++) {
        fill_held(&codec->wire_held[i], &beat->held[i]);
        codec->wire_held_list[i] = &codec->wire_held[i];
    }
    wire->n_held = beat->held_count;
    wire->held = codec->wire_held_list;
}

static void fill_hello(struct codec *codec, const struct hello *hello, struct outgoing *out)
{
    assert(hello->numeric_count <= NUMERIC_CLASSES_MAX);
    Ratchet__Hello *wire = &out->body.hello;
    ratchet__hello__init(wire);
    wire->protocol_version = hello->protocol_version;
    wire->engine_version = text_of(hello->engine_version, sizeof hello->engine_version);
    wire->name = text_of(hello->name, sizeof hello->name);
    wire->host = text_of(hello->host, sizeof hello->host);
    wire->instance = bytes_of(hello->instance.bytes, sizeof hello->instance.bytes);
    wire->home = bytes_of(hello->home.bytes, sizeof hello->home.bytes);
    wire->slots = hello->slots;
    for (uint32_t i = 0; i < hello->numeric_count; i++)
        out->texts[i] = text_of(hello->numeric[i], sizeof hello->numeric[i]);
    wire->n_numeric = hello->numeric_count;
    wire->numeric = out->texts;
    fill_heartbeat(codec, &hello->beat, &out->beat);
    wire->beat = &out->beat;
    wire->token = text_of(hello->token, sizeof hello->token);
}

static void fill_welcome(const struct welcome *welcome, Ratchet__Welcome *wire)
{
    ratchet__welcome__init(wire);
    wire->run = bytes_of(welcome->run.bytes, sizeof welcome->run.bytes);
    wire->experiment = text_of(welcome->experiment, sizeof welcome->experiment);
    wire->numeric = text_of(welcome->numeric, sizeof welcome->numeric);
    wire->heartbeat_ms = welcome->heartbeat_ms;
    wire->lost_ms = welcome->lost_ms;
}

static void fill_refused(const struct refused *refused, Ratchet__Refused *wire)
{
    ratchet__refused__init(wire);
    wire->code = (Ratchet__Refusal)refused->code;
    wire->reason = text_of(refused->reason, sizeof refused->reason);
}

static void fill_job(const struct job *job, struct outgoing *out)
{
    assert(job->call.param_count <= OPERATOR_PARAMS_MAX);
    assert(job->parent_count <= JOB_PARENTS_MAX);
    Ratchet__Job *wire = &out->job;
    ratchet__job__init(wire);
    wire->kind = (Ratchet__JobKind)job->kind;
    wire->slices = job->slices;
    wire->seed = job->seed;
    wire->stream = job->stream;
    wire->spec = digest_bytes_of(&job->spec);
    if (!digest_is_zero(&job->data))
        wire->data = digest_bytes_of(&job->data);
    wire->operator_name = text_of(job->call.name, sizeof job->call.name);
    wire->n_params = job->call.param_count;
    wire->params = (double *)job->call.params;
    for (uint32_t i = 0; i < job->parent_count; i++)
        out->parents[i] = digest_bytes_of(&job->parents[i]);
    wire->n_parents = job->parent_count;
    wire->parents = out->parents;
}

/* NULL when there is none. */
static Ratchet__Partial *fill_partial(Ratchet__Partial *wire, const struct partial *partial)
{
    if (digest_is_zero(&partial->state))
        return NULL;
    ratchet__partial__init(wire);
    wire->state = digest_bytes_of(&partial->state);
    wire->bytes = partial->bytes;
    wire->steps = partial->steps;
    return wire;
}

static void fill_lease(const struct lease *lease, struct outgoing *out)
{
    assert(job_key_equal(lease->key.job, lease->job.key));
    Ratchet__Lease *wire = &out->body.lease;
    ratchet__lease__init(wire);
    wire->key = fill_key(&out->keys[0], &lease->key);
    wire->reason = (Ratchet__LeaseReason)lease->reason;
    fill_job(&lease->job, out);
    wire->job = &out->job;
    wire->partial = fill_partial(&out->partial, &lease->partial);
}

static void fill_handover(const struct handover *handover, struct outgoing *out)
{
    Ratchet__Handover *wire = &out->body.handover;
    ratchet__handover__init(wire);
    wire->lease = fill_key(&out->keys[0], &handover->lease);
    wire->job = digest_bytes_of(&handover->job);
    wire->partial = fill_partial(&out->partial, &handover->partial);
}

static void fill_metrics(const struct result *result, struct outgoing *out)
{
    assert(result->metric_count <= METRICS_MAX);
    for (uint32_t i = 0; i < result->metric_count; i++) {
        out->metric_ids[i] = result->metrics[i].id;
        out->metric_values[i] = result->metrics[i].value;
    }
    out->body.result.n_metric_ids = result->metric_count;
    out->body.result.metric_ids = out->metric_ids;
    out->body.result.n_metric_values = result->metric_count;
    out->body.result.metric_values = out->metric_values;
}

static void fill_result(const struct result *result, struct outgoing *out)
{
    assert(result->detail_bytes <= DETAIL_BYTES_MAX);
    Ratchet__Result *wire = &out->body.result;
    ratchet__result__init(wire);
    wire->lease = fill_key(&out->keys[0], &result->lease);
    wire->job = digest_bytes_of(&result->job);
    wire->outcome = (Ratchet__Outcome)result->outcome;
    memcpy(&wire->fitness_bits, &result->fitness, sizeof wire->fitness_bits);
    fill_metrics(result, out);
    if (!digest_is_zero(&result->child))
        wire->child = digest_bytes_of(&result->child);
    wire->child_bytes = result->child_bytes;
    wire->steps = result->steps;
    wire->compute_ms = result->compute_ms;
    wire->cohort = result->cohort;
    wire->reason = text_of(result->reason, sizeof result->reason);
    wire->detail = bytes_of(result->detail, result->detail_bytes);
}

static void fill_verdict(const struct verdict *verdict, struct outgoing *out)
{
    Ratchet__Verdict *wire = &out->body.verdict;
    ratchet__verdict__init(wire);
    wire->lease = fill_key(&out->keys[0], &verdict->lease);
    wire->kind = (Ratchet__VerdictKind)verdict->kind;
}

static void fill_death(const struct death *death, struct outgoing *out)
{
    assert(death->lease_count <= COHORT_MAX);
    Ratchet__Death *wire = &out->body.death;
    ratchet__death__init(wire);
    wire->slot = death->slot;
    wire->exit_code = death->exit_code;
    wire->signal = death->signal;
    wire->out_of_memory = death->out_of_memory;
    for (uint32_t i = 0; i < death->lease_count; i++)
        out->key_list[i] = fill_key(&out->keys[i], &death->leases[i]);
    wire->n_leases = death->lease_count;
    wire->cohort = death->cohort;
    wire->leases = out->key_list;
    wire->log_tail = text_of(death->log_tail, sizeof death->log_tail);
}

static void fill_stop(const struct stop *stop, Ratchet__Stop *wire)
{
    ratchet__stop__init(wire);
    wire->code = (Ratchet__StopCode)stop->code;
    wire->reason = text_of(stop->reason, sizeof stop->reason);
}

static void fill_status_request(const struct status_request *request, Ratchet__StatusRequest *wire)
{
    assert(request->subject <= STATUS_SUBJECT_LAST);
    ratchet__status_request__init(wire);
    wire->subject = (Ratchet__StatusSubject)request->subject;
    wire->line = request->job.line;
    wire->job = request->job.job;
    wire->worker = text_of(request->worker, sizeof request->worker);
}

static void fill_status(const struct status *status, Ratchet__Status *wire)
{
    assert(status->json_bytes <= STATUS_BYTES_MAX);
    ratchet__status__init(wire);
    wire->json = bytes_of(status->json, status->json_bytes);
}

static void fill_drain(const struct drain *drain, Ratchet__Drain *wire)
{
    ratchet__drain__init(wire);
    wire->reason = text_of(drain->reason, sizeof drain->reason);
}

static void fill_command(const struct user_command *command, Ratchet__Command *wire)
{
    ratchet__command__init(wire);
    wire->kind = (Ratchet__CommandKind)command->kind;
    wire->line = command->job.line;
    wire->job = command->job.job;
    wire->worker = text_of(command->worker, sizeof command->worker);
}

static void fill_answer(const struct command_answer *answer, Ratchet__Answer *wire)
{
    ratchet__answer__init(wire);
    wire->done = answer->done;
    wire->reason = text_of(answer->reason, sizeof answer->reason);
}

static void fill_pull(const struct pull *pull, Ratchet__Pull *wire)
{
    ratchet__pull__init(wire);
    wire->digest = digest_bytes_of(&pull->digest);
    wire->offset = pull->offset;
    wire->length = pull->length;
}

static void fill_chunk(const struct chunk *chunk, Ratchet__Chunk *wire)
{
    assert(chunk->length <= CHUNK_BYTES_MAX);
    ratchet__chunk__init(wire);
    wire->digest = digest_bytes_of(&chunk->digest);
    wire->offset = chunk->offset;
    wire->total = chunk->total;
    wire->data = bytes_of(chunk->bytes, chunk->length);
}

static void fill_envelope(Ratchet__Envelope *envelope, enum message_kind kind, uint64_t epoch,
                          void *body)
{
    ratchet__envelope__init(envelope);
    envelope->version = PROTOCOL_VERSION;
    envelope->epoch = epoch;
    envelope->body_case = (Ratchet__Envelope__BodyCase)(CODEC_BODY_FIELD + kind);
    envelope->hello = body; /* whatever it is: each member of the union is a pointer to a message */
}

static void fill_body(struct codec *codec, const struct message *message, struct outgoing *out)
{
    switch (message->kind) {
    case MESSAGE_HELLO:
        fill_hello(codec, &message->hello, out);
        return;
    case MESSAGE_WELCOME:
        fill_welcome(&message->welcome, &out->body.welcome);
        return;
    case MESSAGE_REFUSED:
        fill_refused(&message->refused, &out->body.refused);
        return;
    case MESSAGE_REJOIN:
        ratchet__rejoin__init(&out->body.rejoin);
        return;
    case MESSAGE_HEARTBEAT:
        fill_heartbeat(codec, &message->heartbeat, &out->beat);
        return;
    case MESSAGE_ALIVE:
        ratchet__alive__init(&out->body.alive);
        return;
    case MESSAGE_LEASE:
        fill_lease(&message->lease, out);
        return;
    case MESSAGE_RESULT:
        fill_result(&message->result, out);
        return;
    case MESSAGE_VERDICT:
        fill_verdict(&message->verdict, out);
        return;
    case MESSAGE_DEATH:
        fill_death(&message->death, out);
        return;
    case MESSAGE_GOODBYE:
        ratchet__goodbye__init(&out->body.goodbye);
        out->body.goodbye.reason = text_of(message->goodbye.reason, sizeof message->goodbye.reason);
        return;
    case MESSAGE_STOP:
        fill_stop(&message->stop, &out->body.stop);
        return;
    case MESSAGE_STATUS_REQUEST:
        fill_status_request(&message->status_request, &out->body.status_request);
        return;
    case MESSAGE_STATUS:
        fill_status(&message->status, &out->body.status);
        return;
    case MESSAGE_PULL:
        fill_pull(&message->pull, &out->body.pull);
        return;
    case MESSAGE_CHUNK:
        fill_chunk(&message->chunk, &out->body.chunk);
        return;
    case MESSAGE_ABSENT:
        ratchet__absent__init(&out->body.absent);
        out->body.absent.digest = digest_bytes_of(&message->absent.digest);
        return;
    case MESSAGE_HANDOVER:
        fill_handover(&message->handover, out);
        return;
    case MESSAGE_DRAIN:
        fill_drain(&message->drain, &out->body.drain);
        return;
    case MESSAGE_COMMAND:
        fill_command(&message->command, &out->body.command);
        return;
    case MESSAGE_ANSWER:
        fill_answer(&message->answer, &out->body.answer);
        return;
    }
}

void codec_fill(struct codec *codec, const struct message *message, struct outgoing *out)
{
    assert(message_name(message->kind) != NULL);
    fill_body(codec, message, out);
    void *body = message->kind == MESSAGE_HEARTBEAT ? (void *)&out->beat : (void *)&out->body;
    fill_envelope(&out->envelope, message->kind, message->epoch, body);
}

void codec_fill_result(const struct result *result, struct outgoing *out)
{
    fill_result(result, out);
    fill_envelope(&out->envelope, MESSAGE_RESULT, 0, &out->body);
}
