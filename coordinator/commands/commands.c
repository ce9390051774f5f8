/* commands.c: the table of commands, and what is the same for all of them. See command.h. */
#include "coordinator/commands/ask.h"
#include "coordinator/commands/clean_text.h"
#include "coordinator/commands/command.h"

#include "common/suggest.h"
#include "common/version.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct command commands[] = {
    {
        .name = "run",
        .usage = "EXP.yaml",
        .summary = "run an experiment on this machine",
        .details =
            "Coordinator and workers in one command. A run directory that exists already is "
            "resumed. Ctrl-C pauses the run (exit code 130), as SIGTERM does (143): running jobs "
            "get up to 10 s to finish, a second Ctrl-C stops at once. The same command goes on "
            "with the run.",
        .options = 1 << OPTION_WORKERS | 1 << OPTION_DEVICE | 1 << OPTION_DIR | 1 << OPTION_SEED |
                   1 << OPTION_SET | 1 << OPTION_REPORT | 1 << OPTION_JSON,
        .positional_least = 1,
        .positional_most = 1,
        .run = command_run,
    },
    {
        .name = "serve",
        .usage = "EXP.yaml",
        .summary = "run an experiment on workers that connect to this machine",
        .details =
            "Starts no workers: `ratchet-worker --connect ADDRESS` does, on any machine. Needs "
            "--listen. At an address that other machines reach everything is encrypted, and only "
            "workers whose keys are known, or who bring a token, are let in: `ratchet keys`. On "
            "this machine alone so only with --keys.",
        .options = 1 << OPTION_LISTEN | 1 << OPTION_KEYS | 1 << OPTION_BULK | 1 << OPTION_DIR |
                   1 << OPTION_SEED | 1 << OPTION_SET | 1 << OPTION_INSECURE | 1 << OPTION_REPORT |
                   1 << OPTION_JSON,
        .positional_least = 1,
        .positional_most = 1,
        .run = command_serve,
    },
    {
        .name = "status",
        .usage = "RUN|ADDRESS",
        .summary = "how a run stands and who works for it",
        .details = "Asks the coordinator while there is one, else reads the ledger. With the "
                   "ADDRESS of one that encrypts, --key is needed.",
        .options = 1 << OPTION_KEY | 1 << OPTION_SERVER_KEY | 1 << OPTION_JSON,
        .positional_least = 1,
        .positional_most = 1,
        .run = command_status,
    },
    {
        .name = "why",
        .usage = "RUN [JOB|WORKER]",
        .summary = "why a job, a worker or the run is where it is",
        .details =
            "Why a job waits, and for whom; why it was admitted or not; why a worker is "
            "idle, lost or refused. Without JOB or WORKER: what holds the run. A JOB is an "
            "ID as in `ratchet show`, a WORKER its name or how its instance begins. Asks "
            "the coordinator while there is one; the ledger tells what has gone. In place "
            "of RUN, a coordinator's address is taken as well, with --key where it encrypts.",
        .options = 1 << OPTION_KEY | 1 << OPTION_SERVER_KEY | 1 << OPTION_JSON,
        .positional_least = 1,
        .positional_most = 2,
        .run = command_why,
    },
    {
        .name = "drain",
        .usage = "RUN WORKER",
        .summary = "have a worker hand over what it does, and leave",
        .details = "A WORKER is its name or how its instance begins, as `ratchet status` and "
                   "`ratchet why` tell. It gets no more work; what it trains goes on elsewhere "
                   "from where it stands, or is finished; then, after a minute at most, it leaves. "
                   "SIGTERM on the worker's machine does the same. In place of RUN, a "
                   "coordinator's address is taken as well.",
        .options = 1 << OPTION_KEY | 1 << OPTION_SERVER_KEY | 1 << OPTION_JSON,
        .positional_least = 2,
        .positional_most = 2,
        .run = command_drain,
    },
    {
        .name = "keys",
        .usage = "token|list|revoke [KEY|NAME|TOKEN]",
        .summary = "who may work for the coordinators of this user",
        .details =
            "token: makes a token that lets --uses workers in within --hours; each makes its "
            "own key, and needs the token once. list: the keys that were let in, and the "
            "tokens. revoke: a key, or all keys of a worker's NAME, is out at once, also of "
            "coordinators that serve now; their jobs go to others, and the tokens that let them in "
            "are closed. A TOKEN, by its id as list shows it, is closed alone: the keys that it "
            "let in stay.",
        .options = 1 << OPTION_KEYS | 1 << OPTION_USES | 1 << OPTION_HOURS | 1 << OPTION_JSON,
        .positional_least = 1,
        .positional_most = 2,
        .run = command_keys,
    },
    {
        .name = "digest",
        .usage = "RUN",
        .summary = "the digest of all that was committed: equal runs have equal digests",
        .details =
            "Computed anew from the rows of the ledger, which is thereby checked: a row that was "
            "changed no longer fits the chain.",
        .options = 1 << OPTION_AT | 1 << OPTION_JSON,
        .positional_least = 1,
        .positional_most = 1,
        .run = command_digest,
    },
    {
        .name = "diff",
        .usage = "RUN RUN",
        .summary = "the first commit and field in which two runs differ",
        .details = "Exit code 0: equal; 1: they differ.",
        .options = 1 << OPTION_JSON,
        .positional_least = 2,
        .positional_most = 2,
        .run = command_diff,
    },
    {
        .name = "individuals",
        .usage = "RUN",
        .summary = "the individuals that were admitted to a population, best first",
        .options = 1 << OPTION_ALL | 1 << OPTION_TOP | 1 << OPTION_JSON,
        .positional_least = 1,
        .positional_most = 1,
        .run = command_individuals,
    },
    {
        .name = "show",
        .usage = "RUN ID",
        .summary = "all that is known about one job and what it made",
        .details = "An ID is LINE/JOB, or JOB for line 0; also champion (of all lines), final (its "
                   "last evaluation), LINE/champion and LINE/final.",
        .options = 1 << OPTION_JSON,
        .positional_least = 2,
        .positional_most = 2,
        .run = command_show,
    },
    {
        .name = "lineage",
        .usage = "RUN ID",
        .summary = "the ancestors of an individual, nearest first",
        .details = "IDs are as in `ratchet show`. With --dot, a graph for Graphviz.",
        .options = 1 << OPTION_DOT | 1 << OPTION_JSON,
        .positional_least = 2,
        .positional_most = 2,
        .run = command_lineage,
    },
    {
        .name = "salvage",
        .usage = "RUN",
        .summary = "take a run whose ledger is damaged back to its last good commit",
        .details = "Copies what is sound from the first commit on into a new ledger, and keeps the "
                   "damaged one as RUN/ledger.sqlite.damaged. The command that made the run then "
                   "computes again what was dropped: in ordered mode to the same digest, in "
                   "arrival mode to another. Changes nothing where nothing is wrong.",
        .options = 1 << OPTION_JSON,
        .positional_least = 1,
        .positional_most = 1,
        .run = command_salvage,
    },
    {
        .name = "skip",
        .usage = "RUN JOB",
        .summary = "give up a job: it is committed as failed, and its line goes on",
        .details = "For a job that nobody can carry out, and on which its line waits or has "
                   "stopped: `ratchet why` names it. JOB is LINE/JOB, JOB for line 0, or "
                   "LINE/final. The skip is kept in the ledger: whoever resumes the run has it, "
                   "and two runs with the same skips have the same digest. Asks the coordinator "
                   "while there is one. A job that is committed, or not created yet, is refused.",
        .options = 1 << OPTION_KEY | 1 << OPTION_SERVER_KEY | 1 << OPTION_JSON,
        .positional_least = 2,
        .positional_most = 2,
        .run = command_skip,
    },
    {
        .name = "rewind",
        .usage = "RUN COMMIT",
        .summary = "take a run back to before one of its commits",
        .details = "COMMIT is its number in the ledger, as `ratchet show` and `individuals --json` "
                   "tell it, or the job that it committed, as LINE/JOB. That commit, all behind "
                   "it, and stops and skips behind it are dropped; the ledger with them is kept as "
                   "RUN/ledger.sqlite.before-rewind-1 (-2, ...). The command that made the run "
                   "goes on from there: in ordered mode to the same digest. Not while a "
                   "coordinator serves the run.",
        .options = 1 << OPTION_JSON,
        .positional_least = 2,
        .positional_most = 2,
        .run = command_rewind,
    },
    {
        .name = "replay",
        .usage = "RUN [ID]",
        .summary = "make an individual again and hold it against what was committed",
        .details =
            "IDs are as in `ratchet show`. Ancestors whose checkpoints the run no longer "
            "keeps are made again first. Exit code 0: equal, bit by bit; 1: not. With "
            "--output, its checkpoint is written to FILE; with --restore, back into RUN, which "
            "can then be resumed. With --by instead of an ID, all that a worker had committed is "
            "made again, in its order, and the first commit that is wrong is named.",
        .options = 1 << OPTION_OUTPUT | 1 << OPTION_RESTORE | 1 << OPTION_FROM_FOUNDERS |
                   1 << OPTION_BY | 1 << OPTION_DEVICE | 1 << OPTION_JSON,
        .positional_least = 1,
        .positional_most = 2,
        .run = command_replay,
    },
    {
        .name = "export",
        .usage = "RUN ID",
        .summary = "write an individual's network to a file that other programs open",
        .details = "IDs are as in `ratchet show`. Weights and biases only, with what is needed to "
                   "use them in the file's metadata. What the run no longer keeps is made again "
                   "first, as by `ratchet replay`. Needs --output.",
        .options = 1 << OPTION_OUTPUT | 1 << OPTION_FORMAT | 1 << OPTION_DEVICE | 1 << OPTION_JSON,
        .positional_least = 2,
        .positional_most = 2,
        .run = command_export,
    },
    {
        .name = "report",
        .usage = "RUN",
        .summary = "a page that tells a run: fitness, operators, champion, damage, compute",
        .details = "One HTML file that needs nothing else; RUN/report.html unless --output says "
                   "otherwise. Reads the ledger only, also of a run that goes on. The figures are "
                   "drawn by gnuplot.",
        .options = 1 << OPTION_OUTPUT | 1 << OPTION_FIGURES | 1 << OPTION_JSON,
        .positional_least = 1,
        .positional_most = 1,
        .run = command_report,
    },
    {
        .name = "validate",
        .usage = "EXP.yaml",
        .summary = "check an experiment and show all its settings",
        .options = 1 << OPTION_SEED | 1 << OPTION_SET | 1 << OPTION_JSON,
        .positional_least = 1,
        .positional_most = 1,
        .run = command_validate,
    },
    {
        .name = "operators",
        .usage = "",
        .summary = "the mutation operators and their parameters",
        .options = 1 << OPTION_JSON,
        .run = command_operators,
    },
    {
        .name = "strategies",
        .usage = "",
        .summary = "the search strategies and their parameters",
        .options = 1 << OPTION_JSON,
        .run = command_strategies,
    },
    {
        .name = "runs",
        .usage = "[DIR]",
        .summary = "the runs in a folder (runs/ when none is given)",
        .options = 1 << OPTION_JSON,
        .positional_most = 1,
        .run = command_runs,
    },
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

const struct command *command_at(uint32_t index)
{
    return index < COMMANDS ? &commands[index] : NULL;
}

const struct command *command_find(const char *name)
{
    for (uint32_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

int complain(int code, const char *format, ...)
{
    char text[1024], clean[sizeof text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    /* One line that moves no cursor, whatever a path, a ledger or a peer put into it. */
    for (char *c = text; *c != '\0'; c++) {
        if (*c == '\n' || *c == '\r')
            *c = ' ';
    }
    clean_text(text, clean, sizeof clean);
    fprintf(stderr, "ratchet: %s\n", clean);
    return code;
}

static int show_help(void)
{
    printf("Usage: ratchet COMMAND [ARGUMENTS]\n"
           "Distributed evolutionary search for neural networks.\n\n");
    for (uint32_t i = 0; i < COMMANDS; i++) {
        char head[64];
        snprintf(head, sizeof head, "%s %s", commands[i].name, commands[i].usage);
        printf("  %-22s %s\n", head, commands[i].summary);
    }
    printf("\n`ratchet COMMAND --help` tells more. Exit codes: 0 done, 1 failed, 2 usage, 3 bad\n"
           "experiment, 4 cannot reach or not let in, 128 + N stopped by signal N.\n");
    return EXIT_DONE;
}

static int unknown_command(const char *name)
{
    const char *names[COMMANDS];
    for (uint32_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i].name;
    const char *nearest = suggest_nearest(name, names, COMMANDS);
    if (nearest != NULL)
        return complain(EXIT_USAGE, "there is no command '%s'; did you mean '%s'?", name, nearest);
    return complain(EXIT_USAGE, "there is no command '%s'; `ratchet --help` lists them", name);
}

int command_main(int argc, char **argv)
{
    if (argc < 2)
        return complain(EXIT_USAGE, "no command given; `ratchet --help` lists them");
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        return printf("ratchet %s\n", RATCHET_VERSION) > 0 ? EXIT_DONE : EXIT_FAILED;
    bool help = strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0;
    if (help && argc == 2)
        return show_help();
    if (help) /* `ratchet help run` is `ratchet run --help` */
        name = argv[2];
    const struct command *command = command_find(name);
    if (command == NULL)
        return unknown_command(name);
    char *help_arguments[] = {argv[0], (char[]){"--help"}, NULL};
    struct arguments arguments;
    int code = help ? command_parse(command, 2, help_arguments, &arguments)
                    : command_parse(command, argc - 1, argv + 1, &arguments);
    if (code >= 0)
        return code;
    struct error error;
    if ((command->options >> OPTION_KEY & 1) != 0 && ask_take_key(&arguments, &error) != 0)
        return complain(EXIT_UNREACHABLE, "%s: %s", command->name, error.text);
    code = command->run(&arguments);
    if (fflush(stdout) != 0 && code == EXIT_DONE)
        return complain(EXIT_FAILED, "cannot write the answer to standard output");
    return code;
}
