/*
 * shell_internal.h: the state of the loop, shared by shell*.c and by nobody else.
 *
 *   shell.c          opening, the loop, the end
 *   shell_receive.c  datagrams into events
 *   shell_gate.c     who may say what, where connections are encrypted
 *   shell_effects.c  effects into ledger, outbox, bulk; the end of a turn
 *   shell_command.c  what users order, and the answers
 *   shell_status.c   the answer to `ratchet status`
 *   shell_why.c      the answer to `ratchet why`
 *
 * A turn is: wait; read a bounded number of datagrams, stepping the core for each message; step it
 * for what became of transfers and for time; then settle. Everything that the core said in a turn
 * is one batch: PERSISTs are written into an open transaction at once and SENDs encoded at once,
 * because both borrow memory of the step; settling commits the transaction and only then lets the
 * datagrams go.
 */
#ifndef RATCHET_COORDINATOR_SHELL_SHELL_INTERNAL_H
#define RATCHET_COORDINATOR_SHELL_SHELL_INTERNAL_H

#include "coordinator/shell/bulk.h"
#include "coordinator/shell/gate.h"
#include "coordinator/shell/local_worker.h"
#include "coordinator/shell/outbox.h"
#include "coordinator/shell/progress.h"
#include "coordinator/shell/run.h"
#include "coordinator/shell/shell.h"
#include "coordinator/shell/shell_zmq.h"

enum {
    ANSWERS_PER_TURN = 8, /* to strangers: who asks faster asks again */
};

/* What a user who gave an order is told once the turn has settled. */
struct shell_command_answer {
    struct socket_peer to;
    struct command_answer answer;
};

/* Bytes of lease messages: "a job message is under 1 KiB" is a promise that status shows. */
struct lease_traffic {
    uint64_t count, bytes, largest;
};

struct shell {
    const struct shell_options *options;
    struct run run;
    struct gate *gate; /* NULL: in the clear */
    struct sockets *sockets;
    struct bulk *bulk;
    struct outbox *outbox;
    struct codec *codec;          /* for what comes in */
    struct local_worker *local;   /* or NULL */
    struct core_effects *effects; /* of the step under way */
    int signals;                  /* signalfd */

    uint64_t now_ms, opened_ms;
    bool batch_open;
    uint64_t batch_commits; /* in the open batch */
    uint64_t commits_safe;  /* in the ledger */
    bool blobs_lag;         /* the store is still being synced */
    bool unsynced;          /* something was committed that a power cut may take */
    uint64_t synced_ms, served_written_ms, observed_ms;
    bool stop_requested; /* the hours are over and the core knows */

    struct digest *drops; /* blobs to be removed after the next sync */
    size_t drop_count, drop_capacity;

    bool finished;
    enum finish_code finish;
    int stop_signal;       /* 0: none came */
    uint32_t stop_signals; /* how many came: whoever asks twice is in a hurry */

    struct progress progress;
    char operator_labels[OPERATORS_MAX][OPERATOR_LABEL_BYTES_MAX];
    uint32_t operator_count;
    struct lease_traffic lease_traffic;
    uint64_t malformed, strangers; /* datagrams that were not ours; messages out of place */
    uint64_t thefts;               /* datagrams that spoke for another key's worker, */
    uint64_t thefts_told;
    bool shortage_told; /* that descriptors were short */
    uint32_t refusals_noted;
    uint32_t stranger_answers; /* in this turn, to keys that are not let in */
    uint32_t answers;          /* to strangers in this turn */
    uint32_t messages;         /* taken in this turn */

    struct socket_peer command_from; /* of the command that the core is stepped for */
    uint32_t command_answer_count;
    struct shell_command_answer command_answers[ANSWERS_PER_TURN]; /* to leave with this turn */
};

/* ---------------------------------------------------------------------------- shell_effects.c */

/* Steps the core and takes in all effects, also those of what follows at once. 0, or -1: stop
 * serving. */
int shell_step(struct shell *shell, const struct core_event *event, struct error *error)
    __attribute__((warn_unused_result));
/* Lets a sentence enter the ledger and shows it. */
int shell_note(struct shell *shell, const struct ledger_note *note, struct error *error)
    __attribute__((warn_unused_result));

enum settle { SETTLE_TURN = 1, SETTLE_DURABLY = 2 };

/* Commits what the turn wrote, then lets its messages go. */
int shell_settle(struct shell *shell, enum settle how, struct error *error)
    __attribute__((warn_unused_result));
/* Lets the turn's messages go, without any batch. */
void shell_flush(struct shell *shell);
/* When the last batches have to be synced; UINT64_MAX when they are. */
uint64_t shell_sync_deadline(const struct shell *shell);
/* Puts a fact into the open batch, opening one when there is none. */
/* How long this run has been served, this life included. */
int shell_put_served(struct shell *shell, struct error *error);
int shell_put_fact(struct shell *shell, const char *name, const char *value, struct error *error)
    __attribute__((warn_unused_result));

/* ------------------------------------------------------------------------------- shell_open.c */

/* Opens the run and all that serving it takes. What was opened is for shell_close, whatever came.
 */
enum shell_result shell_open(struct shell *shell, struct error *error);
void shell_close(struct shell *shell);

/* ---------------------------------------------------------------------------- shell_receive.c */

/* Reads at most `budget` datagrams from the control socket, fewer when they hold many messages. */
int shell_receive(struct shell *shell, uint32_t budget, struct error *error)
    __attribute__((warn_unused_result));

/* Sends one message at once: it answers a stranger, who is no part of the run's order. */
void shell_answer(struct shell *shell, const struct socket_peer *to, const struct message *message);
/* Notes that somebody was refused, the first few times. */
int shell_note_refusal(struct shell *shell, const char *text, struct error *error)
    __attribute__((warn_unused_result));

/* ---------------------------------------------------------------------------- shell_command.c */

/* Steps the core for an order. Beyond ANSWERS_PER_TURN it is not heard: it will be given again. */
int shell_take_command(struct shell *shell, const struct socket_peer *from,
                       const struct user_command *command, struct error *error)
    __attribute__((warn_unused_result));
/* The core's answer to it, and letting the answers of this turn go. */
void shell_keep_answer(struct shell *shell, const struct command_answer *answer);
void shell_send_answers(struct shell *shell);

/* ------------------------------------------------------------------------------- shell_gate.c */

/* Opens the keys if the options ask for it. 0, or -1 with the reason. */
int shell_open_gate(struct shell *shell, struct error *error) __attribute__((warn_unused_result));
/* For the sockets; only with a gate. */
struct sockets_guard shell_guard(struct shell *shell);
/* The owner's key of this life into RUN, or none there. */
int shell_write_owner_key(const struct shell *shell, struct error *error)
    __attribute__((warn_unused_result));
/* Sees changes of the keys: whose key was revoked is out. Once per turn. */
int shell_watch_keys(struct shell *shell, struct error *error) __attribute__((warn_unused_result));
/* Whether to look into the datagram at all; revoked keys are answered and no more. */
bool shell_opens_datagram(struct shell *shell, const struct datagram *datagram);
/*
 * Whether the message may be said by who said it; a stranger is let in here. What is in a hello of
 * other peoples' is made the key's own. 1: it may; 0: it may not; -1: stop serving.
 */
int shell_lets_speak(struct shell *shell, const struct datagram *datagram, struct message *message,
                     struct error *error) __attribute__((warn_unused_result));

/* ----------------------------------------------------------------------------- shell_status.c */

/* Once the run is open: asks it what its operators are called. */
void shell_name_operators(struct shell *shell);
struct shell_view shell_view(const struct shell *shell);
/* The status as JSON, at most STATUS_BYTES_MAX; the caller's to free. */
char *shell_status_json(const struct shell *shell);

/* -------------------------------------------------------------------------------- shell_why.c */

/* The answer to a question other than STATUS_RUN, likewise. */
char *shell_why_json(const struct shell *shell, const struct status_request *request);

#endif
