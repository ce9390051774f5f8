/*
 * shell_gate.c: who may say what, where connections are encrypted. See shell_internal.h and gate.h.
 *
 * Every datagram bears the key of its connection. What a key may say is looked up each time, in
 * what the folder of keys holds now: so a revocation acts on the next frame, whatever is open. To
 * who is not let in nothing is said of the run: answers bear no epoch, and name neither it nor its
 * experiment.
 */
#include "coordinator/shell/shell_internal.h"

#include "common/os_clock.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { THEFTS_TOLD_MAX = 16 };

/* ------------------------------------------------------------------------------- opening, guard */

int shell_open_gate(struct shell *shell, struct error *error)
{
    if (!shell->options->encrypted)
        return 0;
    shell->gate = gate_open(shell->options->keys, error);
    return shell->gate != NULL ? 0 : -1;
}

static bool admits(void *context, const struct public_key *key)
{
    const struct shell *shell = context;
    return gate_admits(shell->gate, key, clock_wall_ms());
}

/* On the control socket strangers are heard: they may have a token. */
static bool hears(void *context, enum socket_name name, const struct datagram *datagram)
{
    struct shell *shell = context;
    struct instance_id instance;
    if (!socket_peer_is_worker(&datagram->from, &instance))
        return name == SOCKET_CONTROL;
    enum gate_binding binding = gate_binding(shell->gate, &instance, &datagram->key);
    gate_note_route(shell->gate, &instance, (uint32_t)name, binding);
    if (binding == GATE_ANOTHERS) {
        shell->thefts++;
        return false;
    }
    return name == SOCKET_CONTROL ||
           (binding == GATE_OWN && gate_role(shell->gate, &datagram->key) == GATE_WORKER);
}

static bool tells(void *context, enum socket_name name, const struct socket_peer *peer)
{
    const struct shell *shell = context;
    struct instance_id instance;
    return !socket_peer_is_worker(peer, &instance) ||
           gate_trusts_route(shell->gate, &instance, (uint32_t)name);
}

struct sockets_guard shell_guard(struct shell *shell)
{
    _Static_assert((int)GATE_WIRES == (int)SOCKET_COUNT, "a gate watches each socket's routes");
    if (shell->gate == NULL)
        return (struct sockets_guard){.server = NULL};
    return (struct sockets_guard){
        .server = key_store_server(gate_store(shell->gate)),
        .context = shell,
        .admits = admits,
        .hears = hears,
        .tells = tells,
    };
}

int shell_write_owner_key(const struct shell *shell, struct error *error)
{
    char path[OS_PATH_BYTES_MAX];
    run_directory_file(&shell->run.directory, "admin.key", path);
    if (shell->gate != NULL)
        return key_file_write(path, gate_owner(shell->gate), error);
    unlink(path); /* an earlier life may have left one */
    return 0;
}

/* ---------------------------------------------------------------------------------- who is out */

static void tell(struct shell *shell, const struct socket_peer *to, const struct message *message)
{
    if (shell->stranger_answers++ < ANSWERS_PER_TURN)
        shell_answer(shell, to, message);
}

static void refuse(struct shell *shell, const struct socket_peer *to, const char *reason)
{
    struct message message = {.kind = MESSAGE_REFUSED, .refused = {.code = REFUSED_NOT_ALLOWED}};
    snprintf(message.refused.reason, sizeof message.refused.reason, "%.*s",
             (int)sizeof message.refused.reason - 1, reason);
    tell(shell, to, &message);
}

/* A worker that has been let in hears a refusal only after it was told to say hello again. */
static void turn_out(struct shell *shell, const struct socket_peer *to)
{
    const struct message message = {.kind = MESSAGE_REJOIN};
    tell(shell, to, &message);
    refuse(shell, to, "this worker's key was revoked by the coordinator's owner");
}

/* Its session ends as if it had said goodbye: its jobs go to others at once. */
static int end_session(struct shell *shell, const struct instance_id *instance, struct error *error)
{
    struct message goodbye = {.kind = MESSAGE_GOODBYE, .epoch = shell->run.epoch};
    snprintf(goodbye.goodbye.reason, sizeof goodbye.goodbye.reason, "its key was revoked");
    const struct core_event event = {
        .kind = CORE_MESSAGE_RECEIVED,
        .now_ms = shell->now_ms,
        .received = {.from = *instance, .message = &goodbye},
    };
    return core_knows_worker(shell->run.core, instance) ? shell_step(shell, &event, error) : 0;
}

static int end_sessions(struct shell *shell, struct error *error)
{
    struct instance_id instance;
    struct public_key key;
    while (gate_take_banished(shell->gate, &instance, &key)) {
        struct socket_peer peer = socket_peer_of_worker(&instance);
        if (end_session(shell, &instance, error) != 0)
            return -1;
        turn_out(shell, &peer);
    }
    return 0;
}

static int note(struct shell *shell, const char *kind, const char *text, struct error *error)
{
    const struct ledger_note noted = {.wall_ms = clock_wall_ms(), .kind = kind, .text = text};
    return shell_note(shell, &noted, error);
}

/* That somebody tried is worth a line; that he tries on is not. */
static int tell_thefts(struct shell *shell, struct error *error)
{
    if (shell->thefts == shell->thefts_told || shell->thefts_told >= THEFTS_TOLD_MAX)
        return 0;
    shell->thefts_told = shell->thefts;
    return note(shell, "identity_refused",
                "somebody with another key spoke for a worker that is joined, and was not heard",
                error);
}

int shell_watch_keys(struct shell *shell, struct error *error)
{
    struct error reason;
    if (shell->gate == NULL)
        return 0;
    switch (key_store_refresh(gate_store(shell->gate), &reason)) {
    case KEY_STORE_SAME:
        return tell_thefts(shell, error);
    case KEY_STORE_CHANGED:
        return end_sessions(shell, error);
    case KEY_STORE_DAMAGED:
        break;
    }
    char text[sizeof reason.text + 64];
    snprintf(text, sizeof text, "%s; the keys that were known before still hold", reason.text);
    return note(shell, "keys_damaged", text, error);
}

bool shell_opens_datagram(struct shell *shell, const struct datagram *datagram)
{
    if (shell->gate == NULL || gate_role(shell->gate, &datagram->key) != GATE_REVOKED)
        return true;
    shell->strangers++;
    turn_out(shell, &datagram->from);
    return false;
}

/* ----------------------------------------------------------------------------------- who is in */

struct joining {
    struct join_request request;
    bool refused; /* by the registry: its words may be told to whoever asked */
};

static int change_join(void *context, struct key_registry *registry, struct error *error)
{
    struct joining *joining = context;
    int rc = key_registry_join(registry, &joining->request, error);
    joining->refused = rc != 0;
    return rc;
}

/*
 * What goes wrong with files here is the owner's to know; the stranger asks again. That attempt
 * counts as an answer, too: it cost as much.
 */
static int refuse_stranger(struct shell *shell, const struct datagram *datagram,
                           const struct joining *joining, const struct error *reason,
                           struct error *error)
{
    char hex[KEY_HEX_BYTES], text[REASON_BYTES_MAX];
    public_key_to_hex(&datagram->key, hex);
    if (joining->refused)
        refuse(shell, &datagram->from, reason->text);
    else
        shell->stranger_answers++;
    snprintf(text, sizeof text, "worker %s with key %.16s: %.150s", joining->request.name, hex,
             reason->text);
    return shell_note_refusal(shell, text, error);
}

/* A stranger's hello. 1: it is in now; 0: it is not, and the refusal was told; -1: stop serving. */
static int join(struct shell *shell, const struct datagram *datagram, const struct hello *hello,
                struct error *error)
{
    struct joining joining = {.request = {.key = datagram->key,
                                          .name = hello->name,
                                          .token = hello->token,
                                          .now_ms = clock_wall_ms()}};
    struct error reason;
    char hex[KEY_HEX_BYTES], text[REASON_BYTES_MAX];
    if (shell->stranger_answers >= ANSWERS_PER_TURN)
        return 0; /* each attempt reads a file */
    if (key_store_change(gate_store(shell->gate), change_join, &joining, &reason) != 0)
        return refuse_stranger(shell, datagram, &joining, &reason, error);
    shell->stranger_answers++;
    public_key_to_hex(&datagram->key, hex);
    snprintf(text, sizeof text, "worker %s: its key %.16s joined by a token", hello->name, hex);
    return note(shell, "key_joined", text, error) == 0 ? 1 : -1;
}

static bool is_alive(const void *context, const struct instance_id *instance)
{
    return core_knows_worker(context, instance);
}

static int take_hello(struct shell *shell, const struct datagram *datagram, struct hello *hello,
                      struct error *error)
{
    struct instance_id instance;
    if (!socket_peer_is_worker(&datagram->from, &instance) ||
        memcmp(&instance, &hello->instance, sizeof instance) != 0) {
        shell->strangers++;
        return 0;
    }
    if (gate_role(shell->gate, &datagram->key) == GATE_STRANGER) {
        int joined = join(shell, datagram, hello, error);
        if (joined <= 0)
            return joined;
    }
    const struct gate_living living = {is_alive, shell->run.core};
    if (!gate_bind(shell->gate, &instance, &datagram->key, &living)) {
        refuse(shell, &datagram->from, "the coordinator has no room for another worker");
        return 0;
    }
    hello->home = gate_home(&hello->home, &datagram->key);
    return 1;
}

static bool is_order(enum message_kind kind)
{
    return kind == MESSAGE_STATUS_REQUEST || kind == MESSAGE_COMMAND;
}

int shell_lets_speak(struct shell *shell, const struct datagram *datagram, struct message *message,
                     struct error *error)
{
    if (shell->gate == NULL)
        return 1;
    enum gate_role role = gate_role(shell->gate, &datagram->key);
    if (message->kind == MESSAGE_HELLO && (role == GATE_STRANGER || role == GATE_WORKER))
        return take_hello(shell, datagram, &message->hello, error);
    /* An instance that is not bound is none of the core's, which asks it to say hello. */
    if (is_order(message->kind) ? role == GATE_OWNER : role == GATE_WORKER)
        return 1;
    shell->strangers++;
    return 0;
}
