/*
 * bench_unequal.c: how much of unequal machines' speed an ordered run makes use of.
 *
 *   bench-unequal [--json]
 *
 * Nothing is timed: the production core hands out jobs in virtual time
 * (tests/simulation/unequal.h), so the numbers are the same everywhere. `of ideal`: throughput over
 * the sum of the slots' speeds; `of first`: over that of the first sort of workers alone.
 * tests/property/test_unequal.c holds them to what is promised.
 */
#include "tests/simulation/unequal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct row {
    const struct unequal_scenario *scenario;
    struct unequal_result result, alone;
    double of_ideal, of_first;
};

static void print_text(const struct row *row)
{
    printf("%-32s %6" PRIu32 " %6" PRIu64 " %10.1f %10.1f %9.3f %9.3f %6" PRIu64 " %8" PRIu64 "\n",
           row->scenario->name, row->scenario->lookahead, row->result.commits,
           (double)row->result.ms / 1e3, row->result.ideal_ms / 1e3, row->of_ideal, row->of_first,
           row->result.twins, row->result.carried_out);
}

static void print_json(const struct row *row)
{
    printf("{\"scenario\": \"%s\", \"lookahead\": %" PRIu32 ", \"commits\": %" PRIu64
           ", \"virtual_s\": %.3f, \"ideal_s\": %.3f, \"of_ideal\": %.4f, \"of_first\": %.4f, "
           "\"twins\": %" PRIu64 ", \"carried_out\": %" PRIu64 "}\n",
           row->scenario->name, row->scenario->lookahead, row->result.commits,
           (double)row->result.ms / 1e3, row->result.ideal_ms / 1e3, row->of_ideal, row->of_first,
           row->result.twins, row->result.carried_out);
}

int main(int argc, char **argv)
{
    int json = argc == 2 && strcmp(argv[1], "--json") == 0;
    if (argc > 1 + json) {
        fputs("usage: bench-unequal [--json]\n", stderr);
        return 2;
    }
    if (!json)
        printf("%-32s %6s %6s %10s %10s %9s %9s %6s %8s\n", "workers", "window", "jobs",
               "virtual s", "ideal s", "of ideal", "of first", "twins", "computed");
    for (const struct unequal_scenario *scenario = unequal_scenarios; scenario->name != NULL;
         scenario++) {
        struct row row = {
            .scenario = scenario,
            .result = unequal_run(scenario),
            .alone = unequal_run_first_sort(scenario),
        };
        row.of_ideal = row.result.ideal_ms / (double)row.result.ms;
        row.of_first = (double)row.alone.ms / (double)row.result.ms;
        if (json)
            print_json(&row);
        else
            print_text(&row);
    }
    return 0;
}
