/*
 * message.h: every message of the cluster as a plain struct.
 *
 * Who says what (C: coordinator, W: worker, U: a user's command):
 *
 *   control socket   W>C hello, heartbeat, result, handover, death, goodbye
 *                    C>W welcome, refused, rejoin, alive, lease, verdict, drain, stop
 *                    U>C status_request, command   C>U status, answer
 *   bulk socket      both ways: pull, chunk, absent
 *
 * The protocol assumes that any message may be lost, doubled, late or out of order. State is
 * therefore sent as levels, not as edges: a heartbeat lists all that the worker holds and how much
 * more it can take, and either side puts right what the other has missed.
 *
 * A decoded message is trusted: strings end, names are printable ASCII, counts are within the
 * limits, enums are known, doubles may be anything. Reasons and log lines are any bytes but NUL.
 * Pointers inside a message borrow from the decoder or from whoever built it.
 */
#ifndef RATCHET_PROTO_MESSAGE_H
#define RATCHET_PROTO_MESSAGE_H

#include "proto/job.h"

/* Raised whenever an older peer would misread us. */
enum { PROTOCOL_VERSION = 3 };

enum message_kind {
    MESSAGE_HELLO = 1,
    MESSAGE_WELCOME = 2,
    MESSAGE_REFUSED = 3,
    MESSAGE_REJOIN = 4, /* "I do not know you: say hello" */
    MESSAGE_HEARTBEAT = 5,
    MESSAGE_ALIVE = 6, /* the answer to a heartbeat */
    MESSAGE_LEASE = 7,
    MESSAGE_RESULT = 8,
    MESSAGE_VERDICT = 9,
    MESSAGE_DEATH = 10,
    MESSAGE_GOODBYE = 11,
    MESSAGE_STOP = 12,
    MESSAGE_STATUS_REQUEST = 13,
    MESSAGE_STATUS = 14,
    MESSAGE_PULL = 15,
    MESSAGE_CHUNK = 16,
    MESSAGE_ABSENT = 17,
    MESSAGE_HANDOVER = 18,
    MESSAGE_DRAIN = 19, /* "hand over or finish what you hold, take no more, and leave" */
    MESSAGE_COMMAND = 20,
    MESSAGE_ANSWER = 21,
    MESSAGE_KIND_LAST = MESSAGE_ANSWER,
};

/* "hello"; NULL when it is none. */
const char *message_name(uint32_t kind);

enum held_phase {
    HELD_QUEUED = 1, /* waits for a slot or for bytes */
    HELD_RUNNING = 2,
    HELD_FINISHED = 3, /* the result, or the state of a job that is handed over, waits for its
                          verdict; the child, or the state, is pinned */
};

struct held {
    struct lease_key lease;
    uint64_t job_prefix; /* first 8 bytes, little-endian, of the description's digest */
    uint32_t phase;      /* enum held_phase */
};

struct heartbeat {
    uint32_t capacity; /* leases it wants to hold now, unfinished ones counted in; <= HELD_MAX */
    uint64_t cache_bytes;
    uint32_t held_count;
    bool held_cut;           /* more are held than are listed: absence proves nothing */
    const struct held *held; /* borrowed */
};

struct hello {
    uint32_t protocol_version;
    char engine_version[VERSION_BYTES_MAX];
    char name[NAME_BYTES_MAX];
    char host[NAME_BYTES_MAX];
    struct instance_id instance;
    struct home_id home; /* a second hello from one home: the earlier instance is dead */
    uint32_t slots;
    uint32_t numeric_count;
    char numeric[NUMERIC_CLASSES_MAX][VERSION_BYTES_MAX]; /* classes offered, best first */
    char token[TOKEN_BYTES_MAX]; /* lets a key join that is not known yet; "": none. Sent only over
                                    an encrypted connection */
    struct heartbeat beat;
};

struct welcome {
    struct run_id run;
    char experiment[NAME_BYTES_MAX];
    char numeric[VERSION_BYTES_MAX]; /* the class in which this worker is to compute */
    uint32_t heartbeat_ms;           /* at least 1, as is lost_ms */
    uint32_t lost_ms;
};

enum refusal {
    REFUSED_VERSION = 1, /* protocol or engine */
    REFUSED_NUMERIC = 2, /* an ordered run has one numeric class */
    REFUSED_FULL = 3,    /* too many workers; try again later */
    REFUSED_NOT_ALLOWED = 4,
    REFUSED_LAST = REFUSED_NOT_ALLOWED,
};

struct refused {
    uint32_t code; /* enum refusal */
    char reason[REASON_BYTES_MAX];
};

/* Why an attempt was made. */
enum lease_reason {
    LEASE_FIRST = 1,
    LEASE_RETRY = 2,     /* the one before was lost */
    LEASE_LATE = 3,      /* a twin of a slow one */
    LEASE_PROMISING = 4, /* second opinion on a would-be champion */
    LEASE_AUDIT = 5,     /* second opinion, drawn */
    LEASE_REASON_LAST = LEASE_AUDIT,
};

/*
 * A job trained up to some step: a blob of the evaluator's, which continues bit for bit from there.
 * It is no part of the job's description: whoever cannot use it starts from the beginning.
 */
struct partial {
    struct digest state; /* zero: none */
    uint64_t bytes;      /* 0 when, and only when, there is none */
    uint64_t steps;      /* carried out so far */
};

struct lease {
    struct lease_key key;
    uint32_t reason; /* enum lease_reason */
    struct job job;  /* job.key equals key.job */
    struct partial partial;
};

enum verdict_kind {
    VERDICT_HELD = 1,     /* received, undecided: keep result and child, do not send again */
    VERDICT_RELEASED = 2, /* decided or not wanted: drop result, unpin child, stop if running */
    VERDICT_LATER = 3,    /* not here, or not re-created yet: keep, offer again later */
    VERDICT_LAST = VERDICT_LATER,
};

struct verdict {
    struct lease_key lease;
    uint32_t kind; /* enum verdict_kind */
};

/*
 * A worker that leaves gives a job back, trained up to some step; its state is pinned until the
 * verdict: released once the coordinator has the bytes, or does not want them.
 */
struct handover {
    struct lease_key lease;
    struct digest job;      /* of the description that is being carried out */
    struct partial partial; /* there is one */
};

/* A slot process died. Sent once per death, and by the supervisor, who saw it. */
struct death {
    uint32_t slot;
    int32_t exit_code;  /* -1 when it died by a signal */
    int32_t signal;     /* 0 when it exited */
    bool out_of_memory; /* evidence of it: the kernel's counter, a CUDA error */
    uint32_t lease_count;
    struct lease_key leases[COHORT_MAX]; /* alive in the slot when it died */
    uint32_t cohort; /* jobs that it was given together, those that it had finished counted in; 0
                        or 1: whatever was alive was alone in it */
    char log_tail[LOG_TAIL_BYTES_MAX];
};

struct goodbye {
    char reason[REASON_BYTES_MAX];
};

struct drain {
    char reason[REASON_BYTES_MAX];
};

enum stop_code {
    STOP_RUN_DONE = 1,
    STOP_RUN_PAUSED = 2, /* the coordinator goes; it may come back */
    STOP_LAST = STOP_RUN_PAUSED,
};

struct stop {
    uint32_t code; /* enum stop_code */
    char reason[REASON_BYTES_MAX];
};

/* What a user asks about; the answer to each is a status. */
enum status_subject {
    STATUS_RUN = 0,        /* how does it stand? */
    STATUS_WHY_RUN = 1,    /* why does it not go on faster? */
    STATUS_WHY_JOB = 2,    /* why is this job where it is? */
    STATUS_WHY_WORKER = 3, /* why does this worker do what it does, or nothing? */
    STATUS_SUBJECT_LAST = STATUS_WHY_WORKER,
};

struct status_request {
    uint32_t subject;            /* enum status_subject */
    struct job_key job;          /* of STATUS_WHY_JOB, else 0/0 */
    char worker[NAME_BYTES_MAX]; /* of STATUS_WHY_WORKER, else "": its name, or how its instance
                                    begins in hexadecimal */
};

/* What a user orders. Each may be repeated without harm; the answer to each is an answer. */
enum command_kind {
    COMMAND_DRAIN = 1, /* of a worker: it hands over and leaves */
    COMMAND_SKIP = 2,  /* of a job: it is committed as failed */
    COMMAND_KIND_LAST = COMMAND_SKIP,
};

struct user_command {
    uint32_t kind;               /* enum command_kind */
    struct job_key job;          /* of COMMAND_SKIP, else 0/0 */
    char worker[NAME_BYTES_MAX]; /* of COMMAND_DRAIN, else "": as in a status request */
};

struct command_answer {
    bool done;                     /* or refused */
    char reason[REASON_BYTES_MAX]; /* what was done, or why not */
};

struct status {
    uint32_t json_bytes; /* at most STATUS_BYTES_MAX */
    const char *json;    /* borrowed, not NUL-ended */
};

struct pull {
    struct digest digest;
    uint64_t offset;
    uint32_t length; /* 1 to CHUNK_BYTES_MAX */
};

struct chunk {
    struct digest digest;
    uint64_t offset, total; /* offset + length <= total <= BLOB_BYTES_MAX */
    uint32_t length;
    const uint8_t *bytes; /* borrowed */
};

struct absent {
    struct digest digest;
};

struct message {
    enum message_kind kind;
    uint64_t epoch; /* C: its own; W: the one it was welcomed in, 0 before that */
    union {
        struct hello hello;
        struct welcome welcome;
        struct refused refused;
        struct heartbeat heartbeat;
        struct lease lease;
        struct result result;
        struct verdict verdict;
        struct death death;
        struct goodbye goodbye;
        struct stop stop;
        struct status_request status_request;
        struct status status;
        struct pull pull;
        struct chunk chunk;
        struct absent absent;
        struct handover handover;
        struct drain drain;
        struct user_command command;
        struct command_answer answer;
    };
};

#endif
