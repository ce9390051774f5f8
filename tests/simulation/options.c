/* options.c: see options.h. */
#include "tests/simulation/options.h"

#include "common/limits.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAULTS_BYTES_MAX = 150 };

static void print_usage(FILE *stream)
{
    fputs("usage: ratchet-sim [--seed S] [--seeds N] [--seconds T] [--faults none|default|LIST]\n"
          "                   [--workers W [--jobs J]] [--first] [--verbose] [--json]\n\n"
          "Runs the whole cluster in virtual time, once per seed S .. S+N-1, under random faults;\n"
          "with --first, up to the first seed that fails; with --seconds, until time is up.\n"
          "With --workers each seed is one run of a crowd, and its cost per job is told.\n"
          "Exit codes: 0 clean, 1 something wrong was done or committed, 2 usage, 3 a run did not\n"
          "come to its end, 128 and above: a crash.\n"
          "LIST: words between commas: default, a fault (on in every seed), or -FAULT (off):\n",
          stream);
    for (enum fault i = 0; i < FAULT_COUNT; i++)
        fprintf(stream, "  %-18s %s\n", fault_info(i)->name, fault_info(i)->help);
}

static int parse_number(const char *text, uint64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno == 0 && *text != '\0' && *text != '-' && *end == '\0' ? 0 : -1;
}

/* 0, or -1 when the option does not go like that. */
static int take(struct options *options, int option)
{
    switch (option) {
    case 's':
        return parse_number(optarg, &options->seed);
    case 'n':
        return parse_number(optarg, &options->seeds);
    case 't':
        return parse_number(optarg, &options->seconds);
    case 'w':
        return parse_number(optarg, &options->crowd);
    case 'J':
        return parse_number(optarg, &options->jobs);
    case 'f':
        options->faults = optarg;
        return 0;
    case 'v':
        options->verbose = 1;
        return 0;
    case 'j':
        options->json = 1;
        return 0;
    case '1':
        options->first = 1;
        return 0;
    default:
        return -1;
    }
}

/* What is wrong with the options together, or NULL. */
static const char *flaw_of(struct options *options, struct error *error)
{
    if (options->seeds == 0)
        return "--seeds: 0 seeds show nothing";
    if (options->crowd > SESSIONS_MAX)
        return "--workers: more than a coordinator takes";
    if (options->jobs == 0 || options->jobs > 10000000)
        return "--jobs: not within 1 .. 10000000";
    if (strlen(options->faults) > FAULTS_BYTES_MAX)
        return "--faults: the list is too long";
    return fault_choice_parse(options->faults, &options->choice, error) == 0 ? NULL : error->text;
}

int options_parse(struct options *options, int argc, char **argv)
{
    static const struct option table[] = {
        {"seed", required_argument, NULL, 's'},
        {"seeds", required_argument, NULL, 'n'},
        {"seconds", required_argument, NULL, 't'},
        {"workers", required_argument, NULL, 'w'},
        {"jobs", required_argument, NULL, 'J'},
        {"faults", required_argument, NULL, 'f'},
        {"verbose", no_argument, NULL, 'v'},
        {"json", no_argument, NULL, 'j'},
        {"first", no_argument, NULL, '1'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    *options = (struct options){.seed = 1, .seeds = 1, .jobs = 40000, .faults = "default"};
    int option;
    while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
        if (option == 'h') {
            print_usage(stdout);
            return 1 + EXIT_CLEAN;
        }
        if (take(options, option) != 0) {
            print_usage(stderr);
            return 1 + EXIT_USAGE;
        }
    }
    struct error error = {""};
    const char *flaw = optind < argc ? "what is that for?" : flaw_of(options, &error);
    if (flaw == NULL)
        return 0;
    fprintf(stderr, "ratchet-sim: %s%s%s\n", optind < argc ? argv[optind] : "",
            optind < argc ? ": " : "", flaw);
    return 1 + EXIT_USAGE;
}
