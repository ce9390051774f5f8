/*
 * run.c: `ratchet run` and `ratchet serve`: the coordinator, with a local worker or without.
 *
 * They differ in where workers come from and in nothing else. The search itself is in the shell;
 * here arguments become its options, and what came out an exit code; ending.c has the words.
 */
#include "common/os_process.h"
#include "coordinator/commands/command.h"
#include "coordinator/commands/ending.h"
#include "coordinator/commands/report_output.h"
#include "coordinator/commands/restore.h"
#include "coordinator/shell/local_worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct invocation {
    const struct arguments *arguments;
    const char *command; /* "run" or "serve" */
    struct experiment *experiment;
    char directory[OS_PATH_BYTES_MAX];
    struct shell_options options;
    struct progress_output output;
};

struct experiment *load_experiment(const struct arguments *arguments, struct error *error)
{
    const char *overrides[OVERRIDES_MAX + 1];
    uint32_t count = arguments->override_count;
    char seed[64];
    memcpy(overrides, arguments->overrides, count * sizeof *overrides);
    if (arguments->given[OPTION_SEED]) {
        snprintf(seed, sizeof seed, "seed=%s", arguments->value[OPTION_SEED]);
        overrides[count++] = seed;
    }
    return experiment_load(arguments->positional[0], overrides, count, error);
}

static int choose_directory(struct invocation *invocation)
{
    const char *given = invocation->arguments->value[OPTION_DIR];
    int written;
    if (given != NULL)
        written = snprintf(invocation->directory, sizeof invocation->directory, "%s", given);
    else
        written = snprintf(invocation->directory, sizeof invocation->directory, "runs/%s-s%llu",
                           experiment_name(invocation->experiment),
                           (unsigned long long)experiment_seed(invocation->experiment));
    if (written <= 0 || (size_t)written >= sizeof invocation->directory)
        return complain(EXIT_USAGE, "%s: the path of the run directory is empty or too long",
                        invocation->command);
    return EXIT_DONE;
}

/* "; resume with: ratchet run EXP.yaml --dir RUN": the words that brought us here. */
static void print_resume(const struct invocation *invocation, char *text, size_t size)
{
    const struct arguments *arguments = invocation->arguments;
    size_t used = (size_t)snprintf(text, size, "ratchet %s %s", invocation->command,
                                   arguments->positional[0]);
    static const struct {
        enum option_name option;
        const char *name;
    } valued[] = {{OPTION_LISTEN, "listen"}, {OPTION_BULK, "bulk"},       {OPTION_KEYS, "keys"},
                  {OPTION_DIR, "dir"},       {OPTION_WORKERS, "workers"}, {OPTION_DEVICE, "device"},
                  {OPTION_SEED, "seed"}};
    for (size_t i = 0; i < sizeof valued / sizeof *valued && used < size; i++) {
        if (arguments->value[valued[i].option] != NULL)
            used += (size_t)snprintf(text + used, size - used, " --%s %s", valued[i].name,
                                     arguments->value[valued[i].option]);
    }
    for (uint32_t i = 0; i < arguments->override_count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, " --set %s", arguments->overrides[i]);
    snprintf(text + used, used < size ? size - used : 0, "%s%s",
             arguments->given[OPTION_INSECURE] ? " --insecure" : "",
             arguments->given[OPTION_REPORT] ? " --report" : "");
}

/* ------------------------------------------------------------------------------------ the end */

/* Nothing is lost without it: `ratchet report` makes it at any time. */
static void make_report(const struct invocation *invocation, struct ending *ending)
{
    const struct report_request request = {.run = invocation->directory};
    struct report_made made;
    struct error error;
    if (write_report(&request, &made, &error) != 0) {
        complain(EXIT_DONE, "there is no report: %s", error.text);
        return;
    }
    if (made.warning[0] != '\0')
        complain(EXIT_DONE, "%s: %s", made.path, made.warning);
    snprintf(ending->report, sizeof ending->report, "%s", made.path);
    json_node_free(&made.node);
}

static void show(struct invocation *invocation, struct ending *ending)
{
    progress_output_clear(&invocation->output);
    fflush(stdout);
    if (invocation->arguments->given[OPTION_REPORT] && ending->state != ENDING_PAUSED)
        make_report(invocation, ending);
    show_ending(ending, invocation->output.style);
}

static int finish(struct invocation *invocation, enum shell_result result,
                  const struct shell_outcome *outcome, const struct error *error)
{
    char resume[1024];
    print_resume(invocation, resume, sizeof resume);
    struct ending ending = {
        .state = ENDING_DONE,
        .code = EXIT_DONE,
        .outcome = outcome,
        .directory = invocation->directory,
    };
    switch (result) {
    case SHELL_DONE:
        show(invocation, &ending);
        return EXIT_DONE;
    case SHELL_INTERRUPTED:
        if (!outcome->started)
            return complain(EXIT_SIGNAL + outcome->signal, "%s", error->text);
        ending.state = ENDING_PAUSED;
        ending.code = EXIT_SIGNAL + outcome->signal;
        show(invocation, &ending);
        if (invocation->output.style != PROGRESS_JSON)
            printf("%-12s %s\n", "resume with", resume);
        return ending.code;
    case SHELL_POISONED:
        ending.state = ENDING_POISONED;
        ending.code = EXIT_FAILED;
        show(invocation, &ending);
        return complain(EXIT_FAILED,
                        "%u line%s of %s stopped at a job that nobody can carry out, for the "
                        "reason given above; the run can be resumed with: %s",
                        outcome->poisoned_lines, outcome->poisoned_lines == 1 ? "" : "s",
                        invocation->directory, resume);
    case SHELL_BAD_EXPERIMENT:
        return complain(EXIT_BAD_EXPERIMENT, "%s", error->text);
    case SHELL_FAILED:
        break;
    }
    progress_output_clear(&invocation->output);
    if (!outcome->started)
        return complain(EXIT_FAILED, "%s", error->text);
    return complain(outcome->local_refused ? EXIT_UNREACHABLE : EXIT_FAILED,
                    "%s; %llu commits are safe, resume with: %s", error->text,
                    (unsigned long long)outcome->commits_safe, resume);
}

/* ------------------------------------------------------------------------------- the commands */

static int serve(struct invocation *invocation)
{
    struct error error = {0};
    invocation->experiment = load_experiment(invocation->arguments, &error);
    if (invocation->experiment == NULL)
        return complain(EXIT_BAD_EXPERIMENT, "%s", error.text);
    int code = choose_directory(invocation);
    if (code == EXIT_DONE) {
        invocation->output.style =
            invocation->arguments->given[OPTION_JSON] ? PROGRESS_JSON : progress_style_of_stdout();
        invocation->options.experiment = invocation->experiment;
        invocation->options.directory = invocation->directory;
        struct restoring restoring = {.device = invocation->options.device};
        invocation->options.restorer = (struct run_restorer){restore_checkpoint, &restoring};
        invocation->options.observer = progress_output_observer(&invocation->output);
        struct shell_outcome outcome;
        enum shell_result result = shell_serve(&invocation->options, &outcome, &error);
        code = finish(invocation, result, &outcome, &error);
    }
    experiment_destroy(&invocation->experiment);
    return code;
}

int check_device(const char *device, struct error *error)
{
    static const char *const names[] = {"auto", "cpu", "cpu:plain", "cpu:avx2", "cpu:avx512"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (device == NULL || strcmp(device, names[i]) == 0)
            return 0;
    return error_set(
        error, -1, "--device takes auto, cpu, cpu:plain, cpu:avx2 or cpu:avx512, not '%s'", device);
}

int command_run(const struct arguments *arguments)
{
    struct invocation invocation = {.arguments = arguments, .command = "run"};
    uint64_t slots = process_cpu_count();
    if (slots > SLOTS_MAX)
        slots = SLOTS_MAX;
    struct error error;
    if (parse_count(arguments, OPTION_WORKERS, SLOTS_MAX, &slots, &error) != 0)
        return complain(EXIT_USAGE, "run: %s", error.text);
    if (slots == 0)
        return complain(EXIT_USAGE,
                        "run: --workers 0 would never end; `ratchet serve` runs without");
    if (check_device(arguments->value[OPTION_DEVICE], &error) != 0)
        return complain(EXIT_USAGE, "run: %s", error.text);
    char program[OS_PATH_BYTES_MAX];
    if (local_worker_find_program(program, &error) != 0)
        return complain(EXIT_FAILED, "run: %s", error.text);
    invocation.options.local_program = program;
    invocation.options.local_slots = (uint32_t)slots;
    invocation.options.device = arguments->value[OPTION_DEVICE];
    return serve(&invocation);
}

static int check_address(const char *address)
{
    struct error error;
    if (address != NULL && endpoint_check(address, &error) != 0)
        return complain(EXIT_USAGE, "serve: %s", error.text);
    return EXIT_DONE;
}

/* Where others can connect, unless somebody insists; where they cannot, if somebody wants it. */
static int choose_encryption(struct invocation *invocation)
{
    const struct arguments *arguments = invocation->arguments;
    struct shell_options *options = &invocation->options;
    bool local = endpoint_is_local(options->listen) &&
                 (options->bulk == NULL || endpoint_is_local(options->bulk));
    if (arguments->given[OPTION_KEYS] && arguments->given[OPTION_INSECURE])
        return complain(EXIT_USAGE, "serve: --insecure uses no --keys: give one of them");
    options->keys = arguments->value[OPTION_KEYS];
    options->encrypted =
        arguments->given[OPTION_KEYS] || (!local && !arguments->given[OPTION_INSECURE]);
    return EXIT_DONE;
}

int command_serve(const struct arguments *arguments)
{
    struct invocation invocation = {.arguments = arguments, .command = "serve"};
    invocation.options.listen = arguments->value[OPTION_LISTEN];
    invocation.options.bulk = arguments->value[OPTION_BULK];
    invocation.output.remote = true;
    if (invocation.options.listen == NULL)
        return complain(EXIT_USAGE, "serve: needs --listen, as in --listen tcp://127.0.0.1:5555");
    int code = check_address(invocation.options.listen);
    if (code == EXIT_DONE)
        code = check_address(invocation.options.bulk);
    if (code == EXIT_DONE)
        code = choose_encryption(&invocation);
    return code == EXIT_DONE ? serve(&invocation) : code;
}
