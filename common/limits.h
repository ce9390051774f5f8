/*
 * limits.h: every bound that more than one part must agree on.
 *
 * Whatever arrives from outside (wire, file, YAML, command line) is held against these numbers at
 * the border; inside, arrays are sized by them. Bounds that only one module knows live in that
 * module.
 */
#ifndef RATCHET_COMMON_LIMITS_H
#define RATCHET_COMMON_LIMITS_H

enum {
    NAME_BYTES_MAX = 64,          /* name of a worker, host or experiment, with its NUL */
    VERSION_BYTES_MAX = 64,       /* engine version or numeric class, with its NUL */
    OPERATOR_NAME_BYTES_MAX = 32, /* with its NUL */
    OPERATOR_PARAMS_MAX = 8,      /* parameters of one operator call */
    OPERATORS_MAX = 32,           /* operators that one experiment may choose from */
    STRATEGY_PARAMS_MAX = 16,     /* parameters of one strategy */
    JOB_PARENTS_MAX = 2,          /* parents of one mutation */
    NUMERIC_CLASSES_MAX = 4,      /* numeric classes that one worker offers */
    METRICS_MAX = 16,             /* metrics in one result */
    DETAIL_BYTES_MAX = 16384,     /* mask, confusion matrix: opaque to the cores */
    TOKEN_BYTES_MAX = 96,         /* a join token as text, with its NUL */
    REASON_BYTES_MAX = 256,       /* a sentence for people, with its NUL */
    LOG_TAIL_BYTES_MAX = 2048,    /* last log lines of a dead slot, with the NUL */
    HELD_MAX = 4096,              /* jobs that one worker may hold, in any phase */
    COHORT_MAX = 64,              /* jobs that one slot process may run together */
    SLOTS_MAX = 512,              /* slots of one worker */
    SESSIONS_MAX = 16384,         /* workers joined to one coordinator */
    LOOKAHEAD_MAX = 65536,        /* jobs of one line in flight */
    LINES_MAX = 1000000,          /* lines of one experiment */
    SPEC_BYTES_MAX = 65536,       /* an evaluator's settings as text */
    CHUNK_BYTES_MAX = 262144,     /* payload of one bulk chunk */
    STATUS_BYTES_MAX = 262144,    /* the JSON of one status answer */
    DATAGRAM_BYTES_MAX = 393216,  /* one ZeroMQ frame: one or more envelopes */
};

/* A checkpoint or data set larger than this is refused. */
#define BLOB_BYTES_MAX (UINT64_C(16) << 30)

#endif
