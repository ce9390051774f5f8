/* report_read_fixture.c: see report_read_fixture.h. */
#include "report_read_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct made_header header = {
    .name = "made",
    .canonical = "data.set = fashion-mnist\n"
                 "operators.0.name = noise\noperators.0.scale = 0.1\noperators.0.weight = 2\n"
                 "operators.1.name = psa.output\noperators.1.weight = 1\n"
                 "operators.2.name = none\noperators.2.weight = 1\n"
                 "search.lines = 3\n",
    .yaml = "name: made\n",
};

int read_setup(void **state)
{
    struct read_fixture *fixture = calloc(1, sizeof *fixture);
    fixture->run = run_make(&header);
    fixture->report = calloc(1, sizeof *fixture->report);
    *state = fixture;
    return 0;
}

int read_teardown(void **state)
{
    struct read_fixture *fixture = *state;
    report_free(fixture->report);
    free(fixture->report);
    run_unmake(&fixture->run);
    free(fixture);
    return 0;
}

const struct report *read_it(struct read_fixture *fixture)
{
    if (run_report(fixture->run, fixture->report, &fixture->error) != 0)
        fail_msg("%s", fixture->error.text);
    return fixture->report;
}

void founds(struct read_fixture *fixture, uint32_t line, double fitness)
{
    run_commit(fixture->run, &(struct made_commit){.line = line,
                                                   .made_by = "init",
                                                   .operator_index = FOUNDER,
                                                   .admitted = true,
                                                   .champion = true,
                                                   .fitness = fitness});
}
