/*
 * main.c: ratchet-sim: runs seeds, and says of each that fails how to see it again.
 *
 * Exit codes: 0 all seeds are clean, 1 something wrong was done or committed, 2 usage, 3 a run did
 * not finish although all was well, or a core spun so that the watchdog had to end it. An assert in
 * the code under test, and whatever a sanitizer finds, ends the program with its signal, after the
 * seed was named.
 */
#include "tests/simulation/report.h"

#include "common/os_clock.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

/* A seed takes milliseconds of the processor; one that takes this long spins in a core, where
 * virtual time cannot see it. */
enum { SEED_SECONDS_MAX = 120, CROWD_SECONDS_MAX = 1800, LAST_WORDS_BYTES = 400 };

/* What the signal handlers say: written before each seed, as they cannot format anything. */
static char words_of_crash[LAST_WORDS_BYTES], words_of_hang[LAST_WORDS_BYTES];
static volatile sig_atomic_t asked_to_end;

/* Sanitizers end with code 1 unless they are told otherwise, which here means something else. */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
    return "abort_on_error=1";
}

const char *__ubsan_default_options(void)
{
    return "abort_on_error=1:print_stacktrace=1";
}

static void on_crash(int signal_number)
{
    ssize_t ignored = write(STDERR_FILENO, words_of_crash, strlen(words_of_crash));
    (void)ignored;
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void on_hang(int signal_number)
{
    (void)signal_number;
    ssize_t ignored = write(STDERR_FILENO, words_of_hang, strlen(words_of_hang));
    (void)ignored;
    _exit(EXIT_STUCK);
}

static void on_request(int signal_number)
{
    (void)signal_number;
    asked_to_end = 1;
}

/* A stack of their own: a stack that overflowed is one of the things they tell of. */
static void handle(int signal_number, void (*handler)(int))
{
    static char memory[1 << 16];
    const stack_t stack = {.ss_sp = memory, .ss_size = sizeof memory};
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    (void)sigaltstack(&stack, NULL);
    sigemptyset(&action.sa_mask);
    (void)sigaction(signal_number, &action, NULL);
}

static void prepare_for_signals(void)
{
    static const int crashes[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
        handle(crashes[i], on_crash);
    handle(SIGVTALRM, on_hang);
    handle(SIGINT, on_request);
    handle(SIGTERM, on_request);
}

static void prepare_last_words(const struct options *options, uint64_t seed)
{
    char replay[300];
    report_replay(options, seed, replay, sizeof replay);
    snprintf(words_of_crash, sizeof words_of_crash, "seed %llu: crash\n%s",
             (unsigned long long)seed, replay);
    snprintf(words_of_hang, sizeof words_of_hang, "seed %llu: liveness: it hangs\n%s",
             (unsigned long long)seed, replay);
    const struct itimerval patience = {
        .it_value.tv_sec = options->crowd > 0 ? CROWD_SECONDS_MAX : SEED_SECONDS_MAX,
    };
    (void)setitimer(ITIMER_VIRTUAL, &patience, NULL);
}

static enum failure_kind run_seed(const struct options *options, uint64_t seed,
                                  struct totals *totals)
{
    struct seed_setup setup = {
        .seed = seed,
        .faults = options->choice,
        .voice = options->verbose ? SEED_VERBOSE : SEED_QUIET,
        .crowd = (uint32_t)options->crowd,
        .crowd_jobs = (uint32_t)options->jobs,
    };
    prepare_last_words(options, seed);
    if (options->verbose)
        report_seed(&setup);
    struct simulation_result result = seed_run(&setup);
    totals_add(totals, seed, &result);
    if (result.failure.kind != FAILURE_NONE)
        report_failure(options, seed, &result.failure);
    return result.failure.kind;
}

int main(int argc, char **argv)
{
    struct options options;
    int stop = options_parse(&options, argc, argv);
    if (stop != 0)
        return stop - 1;
    prepare_for_signals();
    /* Large tables come from the system each time, zeroed page by page when they are touched: the
     * cores' are large, and most of each stays untouched in a small trial. */
    mallopt(M_MMAP_THRESHOLD, 1 << 16);
    static struct totals totals;
    uint64_t started_ms = clock_monotonic_ms();
    while (totals.seeds < options.seeds && !asked_to_end) {
        enum failure_kind kind = run_seed(&options, options.seed + totals.seeds, &totals);
        if (kind != FAILURE_NONE && options.first)
            break;
        if (options.seconds > 0 && clock_monotonic_ms() - started_ms >= 1000 * options.seconds)
            break;
    }
    totals.seconds = (double)(clock_monotonic_ms() - started_ms + 1) / 1e3;
    report_totals(&options, &totals);
    if (totals.failed[FAILURE_INVARIANT] + totals.failed[FAILURE_DIGEST] > 0)
        return EXIT_WRONG;
    return totals.failed[FAILURE_LIVENESS] > 0 ? EXIT_STUCK : EXIT_CLEAN;
}
