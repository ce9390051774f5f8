/*
 * report_ledger.h: ledgers made by hand, commit by commit, for tests of the report.
 */
#ifndef TESTS_UNIT_COORDINATOR_REPORT_REPORT_LEDGER_H
#define TESTS_UNIT_COORDINATOR_REPORT_REPORT_LEDGER_H

#include "coordinator/report/report.h"

/* A run in a folder of its own below $TMPDIR or /tmp, open for writing. */
enum { MADE_LINES_MAX = 8 };
struct made_run {
    char folder[256];
    struct ledger *ledger;
    uint64_t sequence;
    struct digest chains[MADE_LINES_MAX]; /* zeros: the line has no commit yet */
};

/* `name` and `canonical` may be anything a ledger takes. */
struct made_header {
    const char *name, *canonical, *yaml;
};
struct made_run *run_make(const struct made_header *header);
/* Removes it with its folder. */
void run_unmake(struct made_run **run);

/* What a commit of the tests is told apart by; the rest is made up. */
struct made_commit {
    uint32_t line;
    uint64_t job;
    const char *made_by;     /* NULL: an evaluation */
    uint32_t operator_index; /* founders: UINT32_MAX */
    bool has_parent, admitted, champion;
    uint64_t parent;      /* of the same line */
    enum outcome outcome; /* 0: OK */
    double fitness;       /* also of other outcomes than OK, unless it is 0: no worker says so */
    const char *worker;   /* NULL: "local" */
};
void run_commit(struct made_run *run, const struct made_commit *commit);
/* The same in one batch of many. */
void run_begin(struct made_run *run);
void run_put(struct made_run *run, const struct made_commit *commit);
void run_end(struct made_run *run);

/* Opens the ledger again, for writing. 0, or -1 with the reason. */
int run_reopen(struct made_run *run, struct error *error);

/* Closes the ledger and reads the report of it: 0, or -1 with the reason. */
int run_report(struct made_run *run, struct report *report, struct error *error);

#endif
