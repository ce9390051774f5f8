/*
 * command.h: what a command is: a row of the table that parses it, documents it and runs it.
 *
 * The table in commands.c is all there is: `ratchet --help`, each command's --help, the parser, the
 * suggestion after a misspelt name come from it. A command gets its arguments checked in number and
 * in spelling, says what it has to say on stdout, and returns the program's exit code.
 */
#ifndef RATCHET_COORDINATOR_COMMANDS_COMMAND_H
#define RATCHET_COORDINATOR_COMMANDS_COMMAND_H

#include "common/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Scripts rely on these. A command stopped by a signal returns 128 + signal, as a shell would say.
 */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_BAD_EXPERIMENT = 3,
    EXIT_UNREACHABLE = 4,
    EXIT_SIGNAL = 128,
};

enum option_name {
    OPTION_ALL = 0,
    OPTION_AT,
    OPTION_BULK,
    OPTION_BY,
    OPTION_DEVICE,
    OPTION_DIR,
    OPTION_DOT,
    OPTION_FIGURES,
    OPTION_FORMAT,
    OPTION_FROM_FOUNDERS,
    OPTION_HOURS,
    OPTION_INSECURE,
    OPTION_JSON,
    OPTION_KEY,
    OPTION_KEYS,
    OPTION_LISTEN,
    OPTION_OUTPUT,
    OPTION_REPORT,
    OPTION_RESTORE,
    OPTION_SEED,
    OPTION_SERVER_KEY,
    OPTION_SET,
    OPTION_TOP,
    OPTION_USES,
    OPTION_WORKERS,
    OPTION_COUNT,
};

enum { POSITIONAL_MAX = 2, OVERRIDES_MAX = 64 };

struct arguments {
    const char *positional[POSITIONAL_MAX];
    uint32_t positional_count;
    bool given[OPTION_COUNT];
    const char *value[OPTION_COUNT];          /* NULL for an option that takes none */
    const char *overrides[OVERRIDES_MAX + 1]; /* of --set, in order; room for --seed */
    uint32_t override_count;
};

struct command {
    const char *name;
    const char *usage;   /* "EXP.yaml": positional arguments */
    const char *summary; /* one line */
    const char *details; /* or NULL: a paragraph for --help */
    uint32_t options;    /* bit set: 1 << enum option_name */
    uint32_t positional_least, positional_most;
    int (*run)(const struct arguments *arguments);
};

/* In the order in which they are listed; NULL past the end. */
const struct command *command_at(uint32_t index);
const struct command *command_find(const char *name);

/*
 * Parses argv[1..] of `command` (argv[0] is its name). -1: go on; otherwise the exit code to leave
 * with: help was asked for and shown, or the usage error was said.
 */
int command_parse(const struct command *command, int argc, char **argv,
                  struct arguments *arguments);

/* The whole program. */
int command_main(int argc, char **argv);

/* Says "ratchet: ..." in one line on stderr and returns `code`. */
int complain(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Parses a whole number; -1 with the reason, which names the option. */
int parse_count(const struct arguments *arguments, enum option_name option, uint64_t most,
                uint64_t *value, struct error *error) __attribute__((warn_unused_result));

/* A value of --device, or NULL. Whether this machine has it is the worker's to say. */
int check_device(const char *device, struct error *error) __attribute__((warn_unused_result));

/* The experiment that EXP.yaml, --set and --seed make together; NULL with the reason. */
struct experiment;
struct experiment *load_experiment(const struct arguments *arguments, struct error *error);

int command_diff(const struct arguments *arguments);
int command_digest(const struct arguments *arguments);
int command_drain(const struct arguments *arguments);
int command_export(const struct arguments *arguments);
int command_individuals(const struct arguments *arguments);
int command_keys(const struct arguments *arguments);
int command_lineage(const struct arguments *arguments);
int command_operators(const struct arguments *arguments);
int command_replay(const struct arguments *arguments);
int command_salvage(const struct arguments *arguments);
int command_report(const struct arguments *arguments);
int command_rewind(const struct arguments *arguments);
int command_run(const struct arguments *arguments);
int command_runs(const struct arguments *arguments);
int command_serve(const struct arguments *arguments);
int command_show(const struct arguments *arguments);
int command_skip(const struct arguments *arguments);
int command_status(const struct arguments *arguments);
int command_strategies(const struct arguments *arguments);
int command_validate(const struct arguments *arguments);
int command_why(const struct arguments *arguments);

#endif
