/*
 * beats.c: hello and heartbeat, the levels from which the coordinator puts right what it has
 * missed.
 *
 * Both carry the capacity and the list of everything held for the present run, in order of arrival.
 * The list can hold the whole task table, so it is never cut and absence from it is proof. It is
 * rebuilt each time: this is the one place whose cost grows with the number of tasks.
 */
#include "worker/core/core_state.h"

#include <string.h>

static enum held_phase phase_told(enum task_phase phase)
{
    if (phase == TASK_FINISHED || phase == TASK_HANDED_OVER) /* both wait for a verdict */
        return HELD_FINISHED;
    return phase == TASK_RUNNING ? HELD_RUNNING : HELD_QUEUED;
}

/* The first 8 bytes, little-endian. */
static uint64_t prefix_of(const struct digest *digest)
{
    uint64_t prefix = 0;
    for (uint32_t i = 8; i > 0; i--)
        prefix = prefix << 8 | digest->bytes[i - 1];
    return prefix;
}

static uint32_t list_held(struct worker_core *core)
{
    uint32_t count = 0;
    for (uint32_t i = core->first_task; i != TASK_NONE; i = core->tasks[i].next) {
        const struct task *task = &core->tasks[i];
        if (!worker_run_equal(&task->run, &core->run))
            continue;
        core->held[count++] = (struct held){
            .lease = task->lease.key,
            .job_prefix = prefix_of(&task->description),
            .phase = phase_told(task->phase),
        };
    }
    return count;
}

/* Leases wanted, those not yet finished counted in; never more than there are rows for. */
static uint32_t capacity_of(const struct worker_core *core)
{
    if (core->leaving || core->cache_full || core->crowded_by > 0)
        return 0;
    uint32_t wanted = core->config.slots * core->config.jobs_per_slot * worker_cohort_wanted(core);
    uint32_t possible = HELD_MAX - core->finished;
    return wanted < possible ? wanted : possible;
}

static struct heartbeat heartbeat_of(struct worker_core *core)
{
    return (struct heartbeat){
        .capacity = capacity_of(core),
        .cache_bytes = core->cache_bytes,
        .held_count = list_held(core),
        .held_cut = false,
        .held = core->held,
    };
}

void worker_emit_heartbeat(struct worker_core *core)
{
    worker_emit_message(core, MESSAGE_HEARTBEAT)->heartbeat = heartbeat_of(core);
}

void worker_emit_hello(struct worker_core *core)
{
    const struct worker_config *config = &core->config;
    struct hello *hello = &worker_emit_message(core, MESSAGE_HELLO)->hello;
    *hello = (struct hello){
        .protocol_version = PROTOCOL_VERSION,
        .instance = config->instance,
        .home = config->home,
        .slots = config->slots,
        .numeric_count = config->numeric_count,
        .beat = heartbeat_of(core),
    };
    memcpy(hello->engine_version, config->engine_version, sizeof hello->engine_version);
    memcpy(hello->name, config->name, sizeof hello->name);
    memcpy(hello->host, config->host, sizeof hello->host);
    memcpy(hello->numeric, config->numeric, sizeof hello->numeric);
    memcpy(hello->token, config->token, sizeof hello->token);
}
