/* narrator.c: see narrator.h. */
#include "tests/simulation/narrator.h"

#include <inttypes.h>
#include <stdio.h>

static void describe_lease(const struct lease_key *key, const char *what, char *text, size_t size)
{
    if (key->job.job == JOB_NUMBER_FINAL)
        snprintf(text, size, "%" PRIu32 "/final", key->job.line);
    else
        snprintf(text, size, "%" PRIu32 "/%" PRIu64, key->job.line, key->job.job);
    size_t used = 0;
    while (text[used] != '\0')
        used++;
    snprintf(text + used, size - used, " try %" PRIu64 ".%" PRIu32 " %s", key->epoch, key->attempt,
             what);
}

static const char *reason_word(uint32_t reason)
{
    static const char *const words[] = {"", "first", "retry", "late", "promising", "audit"};
    return reason <= LEASE_REASON_LAST ? words[reason] : "?";
}

static const char *verdict_word(uint32_t kind)
{
    static const char *const words[] = {"", "held", "released", "later"};
    return kind <= VERDICT_LAST ? words[kind] : "?";
}

void narrate_message(const struct world *world, const char *direction, uint32_t seat,
                     const struct message *message)
{
    if (world->voice == WORLD_QUIET || message->kind == MESSAGE_HEARTBEAT ||
        message->kind == MESSAGE_ALIVE)
        return;
    char text[128] = "";
    switch (message->kind) {
    case MESSAGE_LEASE:
        describe_lease(&message->lease.key, reason_word(message->lease.reason), text, sizeof text);
        break;
    case MESSAGE_RESULT:
        describe_lease(&message->result.lease, outcome_name(message->result.outcome), text,
                       sizeof text);
        break;
    case MESSAGE_VERDICT:
        describe_lease(&message->verdict.lease, verdict_word(message->verdict.kind), text,
                       sizeof text);
        break;
    case MESSAGE_DEATH:
        if (message->death.lease_count > 0)
            describe_lease(&message->death.leases[0], "", text, sizeof text);
        break;
    default:
        break;
    }
    world_trace(world, "w%" PRIu32 " %s coordinator: %s %s (epoch %" PRIu64 ")", seat, direction,
                message_name(message->kind), text, message->epoch);
}
