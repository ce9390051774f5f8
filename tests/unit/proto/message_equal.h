/*
 * message_equal.h: whether two messages say the same, field by field; for tests of the codec.
 *
 * Doubles are compared by their bits. Only what a count admits is looked at, so that a stale entry
 * behind it does not matter.
 */
#ifndef RATCHET_TESTS_MESSAGE_EQUAL_H
#define RATCHET_TESTS_MESSAGE_EQUAL_H

#include "proto/message.h"

#include <string.h>

static inline bool same_bytes(const void *a, const void *b, size_t count)
{
    return count == 0 || memcmp(a, b, count) == 0;
}

static inline bool same_held(const struct held *a, const struct held *b)
{
    return lease_key_equal(a->lease, b->lease) && a->job_prefix == b->job_prefix &&
           a->phase == b->phase;
}

static inline bool same_heartbeat(const struct heartbeat *a, const struct heartbeat *b)
{
    if (a->capacity != b->capacity || a->cache_bytes != b->cache_bytes ||
        a->held_count != b->held_count || a->held_cut != b->held_cut)
        return false;
    for (uint32_t i = 0; i < a->held_count; i++)
        if (!same_held(&a->held[i], &b->held[i]))
            return false;
    return true;
}

static inline bool same_hello(const struct hello *a, const struct hello *b)
{
    if (a->numeric_count != b->numeric_count)
        return false;
    for (uint32_t i = 0; i < a->numeric_count; i++)
        if (strcmp(a->numeric[i], b->numeric[i]) != 0)
            return false;
    return a->protocol_version == b->protocol_version &&
           strcmp(a->engine_version, b->engine_version) == 0 && strcmp(a->name, b->name) == 0 &&
           strcmp(a->host, b->host) == 0 && same_bytes(&a->instance, &b->instance, 16) &&
           same_bytes(&a->home, &b->home, 16) && a->slots == b->slots &&
           strcmp(a->token, b->token) == 0 && same_heartbeat(&a->beat, &b->beat);
}

static inline bool same_welcome(const struct welcome *a, const struct welcome *b)
{
    return same_bytes(&a->run, &b->run, 16) && strcmp(a->experiment, b->experiment) == 0 &&
           strcmp(a->numeric, b->numeric) == 0 && a->heartbeat_ms == b->heartbeat_ms &&
           a->lost_ms == b->lost_ms;
}

static inline bool same_job(const struct job *a, const struct job *b)
{
    return job_key_equal(a->key, b->key) && a->kind == b->kind && a->slices == b->slices &&
           a->seed == b->seed && a->stream == b->stream && digest_equal(&a->spec, &b->spec) &&
           digest_equal(&a->data, &b->data) && strcmp(a->call.name, b->call.name) == 0 &&
           a->call.param_count == b->call.param_count &&
           same_bytes(a->call.params, b->call.params, a->call.param_count * sizeof(double)) &&
           a->parent_count == b->parent_count &&
           same_bytes(a->parents, b->parents, a->parent_count * sizeof a->parents[0]);
}

static inline bool same_partial(const struct partial *a, const struct partial *b)
{
    return digest_equal(&a->state, &b->state) && a->bytes == b->bytes && a->steps == b->steps;
}

static inline bool same_lease(const struct lease *a, const struct lease *b)
{
    return lease_key_equal(a->key, b->key) && a->reason == b->reason &&
           same_job(&a->job, &b->job) && same_partial(&a->partial, &b->partial);
}

static inline bool same_result(const struct result *a, const struct result *b)
{
    if (a->metric_count != b->metric_count)
        return false;
    for (uint32_t i = 0; i < a->metric_count; i++)
        if (a->metrics[i].id != b->metrics[i].id ||
            !same_bytes(&a->metrics[i].value, &b->metrics[i].value, sizeof(double)))
            return false;
    return lease_key_equal(a->lease, b->lease) && digest_equal(&a->job, &b->job) &&
           a->outcome == b->outcome && same_bytes(&a->fitness, &b->fitness, sizeof(double)) &&
           digest_equal(&a->child, &b->child) && a->child_bytes == b->child_bytes &&
           a->steps == b->steps && a->compute_ms == b->compute_ms &&
           strcmp(a->reason, b->reason) == 0 && a->detail_bytes == b->detail_bytes &&
           same_bytes(a->detail, b->detail, a->detail_bytes);
}

static inline bool same_death(const struct death *a, const struct death *b)
{
    if (a->lease_count != b->lease_count)
        return false;
    for (uint32_t i = 0; i < a->lease_count; i++)
        if (!lease_key_equal(a->leases[i], b->leases[i]))
            return false;
    return a->slot == b->slot && a->exit_code == b->exit_code && a->signal == b->signal &&
           a->out_of_memory == b->out_of_memory && strcmp(a->log_tail, b->log_tail) == 0;
}

static inline bool same_chunk(const struct chunk *a, const struct chunk *b)
{
    return digest_equal(&a->digest, &b->digest) && a->offset == b->offset && a->total == b->total &&
           a->length == b->length && same_bytes(a->bytes, b->bytes, a->length);
}

static inline bool message_equal(const struct message *a, const struct message *b)
{
    if (a->kind != b->kind || a->epoch != b->epoch)
        return false;
    switch (a->kind) {
    case MESSAGE_HELLO:
        return same_hello(&a->hello, &b->hello);
    case MESSAGE_WELCOME:
        return same_welcome(&a->welcome, &b->welcome);
    case MESSAGE_REFUSED:
        return a->refused.code == b->refused.code &&
               strcmp(a->refused.reason, b->refused.reason) == 0;
    case MESSAGE_HEARTBEAT:
        return same_heartbeat(&a->heartbeat, &b->heartbeat);
    case MESSAGE_LEASE:
        return same_lease(&a->lease, &b->lease);
    case MESSAGE_RESULT:
        return same_result(&a->result, &b->result);
    case MESSAGE_VERDICT:
        return lease_key_equal(a->verdict.lease, b->verdict.lease) &&
               a->verdict.kind == b->verdict.kind;
    case MESSAGE_DEATH:
        return same_death(&a->death, &b->death);
    case MESSAGE_GOODBYE:
        return strcmp(a->goodbye.reason, b->goodbye.reason) == 0;
    case MESSAGE_STOP:
        return a->stop.code == b->stop.code && strcmp(a->stop.reason, b->stop.reason) == 0;
    case MESSAGE_STATUS:
        return a->status.json_bytes == b->status.json_bytes &&
               same_bytes(a->status.json, b->status.json, a->status.json_bytes);
    case MESSAGE_PULL:
        return digest_equal(&a->pull.digest, &b->pull.digest) && a->pull.offset == b->pull.offset &&
               a->pull.length == b->pull.length;
    case MESSAGE_CHUNK:
        return same_chunk(&a->chunk, &b->chunk);
    case MESSAGE_ABSENT:
        return digest_equal(&a->absent.digest, &b->absent.digest);
    case MESSAGE_HANDOVER:
        return lease_key_equal(a->handover.lease, b->handover.lease) &&
               digest_equal(&a->handover.job, &b->handover.job) &&
               same_partial(&a->handover.partial, &b->handover.partial);
    case MESSAGE_DRAIN:
        return strcmp(a->drain.reason, b->drain.reason) == 0;
    case MESSAGE_COMMAND:
        return a->command.kind == b->command.kind &&
               job_key_equal(a->command.job, b->command.job) &&
               strcmp(a->command.worker, b->command.worker) == 0;
    case MESSAGE_ANSWER:
        return a->answer.done == b->answer.done && strcmp(a->answer.reason, b->answer.reason) == 0;
    case MESSAGE_STATUS_REQUEST:
        return a->status_request.subject == b->status_request.subject &&
               job_key_equal(a->status_request.job, b->status_request.job) &&
               strcmp(a->status_request.worker, b->status_request.worker) == 0;
    case MESSAGE_REJOIN:
    case MESSAGE_ALIVE:
        return true;
    }
    return false;
}

#endif
