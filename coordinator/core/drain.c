/*
 * drain.c: workers that a user tells to leave.
 *
 * A draining worker gets no more work; it hands over or finishes what it has and says goodbye. It
 * is told with every answer to a heartbeat, since a message may be lost. Being told is a matter of
 * its session: a worker that joins anew, under whatever name, works.
 */
#include "coordinator/core/core_internal.h"
#include "coordinator/core/explain.h"

#include <inttypes.h>
#include <string.h>

enum { NAMESAKES_MAX = 2 };

#define DRAIN_REASON "drained by a user"

static const char *plural(uint32_t count)
{
    return count == 1 ? "" : "s";
}

void drain_remind(struct core *core, uint32_t session)
{
    struct message *message = effect_send(core, &core->sessions[session].instance, MESSAGE_DRAIN);
    if (message != NULL)
        memcpy(message->drain.reason, DRAIN_REASON, sizeof DRAIN_REASON);
}

static void drain(struct core *core, uint32_t index, struct command_answer *answer)
{
    struct session *session = &core->sessions[index];
    if (!session->draining) {
        struct note note = {.kind = NOTE_WORKER_DRAINING, .instance = &session->instance};
        effect_note(
            core, note, "worker %s on %s: a user told it to leave; it has %" PRIu32 " job%s",
            session->name, session->host, session->lease_count, plural(session->lease_count));
        session->draining = true;
        session_update_credit(core, index);
    }
    drain_remind(core, index);
    order_done(answer, "worker %s on %s is draining: it hands over or finishes %" PRIu32 " job%s",
               session->name, session->host, session->lease_count, plural(session->lease_count));
}

void drain_order(struct core *core, const struct user_command *command,
                 struct command_answer *answer)
{
    struct instance_id found[NAMESAKES_MAX];
    uint32_t count = core_find_workers(core, command->worker, found, NAMESAKES_MAX);
    if (count == 0)
        order_refused(answer, "no worker '%s' is connected; `ratchet status` lists those that are",
                      command->worker);
    else if (count > 1)
        order_refused(answer,
                      "several workers are called '%s': name one by how its instance begins, which "
                      "`ratchet why` tells",
                      command->worker);
    else
        drain(core, session_find(core, &found[0]), answer);
}
