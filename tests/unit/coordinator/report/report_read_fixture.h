/*
 * report_read_fixture.h: a made ledger and the report of it, for tests of report_read().
 */
#ifndef TESTS_UNIT_COORDINATOR_REPORT_REPORT_READ_FIXTURE_H
#define TESTS_UNIT_COORDINATOR_REPORT_REPORT_READ_FIXTURE_H

#include "report_ledger.h"

/* The operator_index of a commit that has no parent. */
#define FOUNDER UINT32_MAX

struct read_fixture {
    struct made_run *run; /* of three lines, with noise, psa.output and none */
    struct report *report;
    struct error error;
};

/* For cmocka: *state is a struct read_fixture. */
int read_setup(void **state);
int read_teardown(void **state);

/* The report of what was committed until now; fails the test when there is none. */
const struct report *read_it(struct read_fixture *fixture);
/* Commits a founder that is its line's champion. */
void founds(struct read_fixture *fixture, uint32_t line, double fitness);

#endif
