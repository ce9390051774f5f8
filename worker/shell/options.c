/* options.c: see options.h. */
#include "worker/shell/options.h"

#include "common/suggest.h"
#include "common/version.h"
#include "worker/core/worker_core.h"

#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_CONNECT = 256, /* beyond all letters: there are no short options */
    KEY_SLOTS,
    KEY_COHORT,
    KEY_BULK,
    KEY_DEVICE,
    KEY_NAME,
    KEY_CACHE,
    KEY_CACHE_BYTES,
    KEY_STAY,
    KEY_LINGER,
    KEY_SERVER_KEY,
    KEY_KEY,
    KEY_TOKEN,
    KEY_PACK_DATA,
    KEY_DATA_DIR,
    KEY_DATA_SAMPLES,
    KEY_DATA_SEED,
    KEY_DATA_SHUFFLE,
    KEY_OUTPUT,
    KEY_SLOT_FD,
    KEY_SLOT_NUMBER,
};

static const uint64_t CACHE_BYTES_DEFAULT = UINT64_C(2) << 30;
static const uint64_t CACHE_BYTES_MIN = UINT64_C(1) << 20;

static const struct argp_option table[] = {
    {"connect", KEY_CONNECT, "ENDPOINT", 0, "the coordinator: tcp://HOST:PORT or ipc://PATH", 1},
    {"bulk", KEY_BULK, "ENDPOINT", 0,
     "its address for checkpoints (the port after that of --connect; PATH.bulk)", 1},
    {"slots", KEY_SLOTS, "N", 0, "jobs at a time, a process each (one per processor)", 2},
    {"cohort", KEY_COHORT, "N", 0,
     "jobs of one data stream that a slot trains together at most, 1: none (16)", 2},
    {"device", KEY_DEVICE, "NAME", 0,
     "what computes: cpu, cpu:plain, cpu:avx2, cpu:avx512 or auto (auto)", 2},
    {"name", KEY_NAME, "NAME", 0, "how people see this worker (from the host's name)", 2},
    {"cache", KEY_CACHE, "DIR", 0, "folder for checkpoints (~/.cache/ratchet/N)", 3},
    {"cache-bytes", KEY_CACHE_BYTES, "N", 0, "how large it may grow, also as 500M, 2G (2G)", 3},
    {"stay", KEY_STAY, NULL, 0, "when the run ends, wait for the next one", 4},
    {"linger", KEY_LINGER, "SECONDS", 0, "leave when no coordinator was heard for so long (600)",
     4},
    {"server-key", KEY_SERVER_KEY, "FILE", 0,
     "the coordinator's public key, a copy of its server.pub: encrypt, and talk to it alone", 5},
    {"key", KEY_KEY, "FILE", 0,
     "our own key, made on first use (~/.config/ratchet/worker-HOST.key)", 5},
    {"token", KEY_TOKEN, "TOKEN", 0,
     "lets our key in the first time; @FILE reads it from there ($RATCHET_TOKEN)", 5},
    {"pack-data", KEY_PACK_DATA, "SET", 0,
     "join nobody: write fashion-mnist, idx or mnist1d as one file", 6},
    {"output", KEY_OUTPUT, "FILE", 0, "with --pack-data: that file", 6},
    {"data-dir", KEY_DATA_DIR, "DIR", 0, "folder of the four IDX files", 6},
    {"data-samples", KEY_DATA_SAMPLES, "N", 0, "mnist1d: how many (5000)", 6},
    {"data-seed", KEY_DATA_SEED, "S", 0, "mnist1d: drawn by (42)", 6},
    {"data-shuffle", KEY_DATA_SHUFFLE, NULL, 0, "mnist1d: shuffle the positions", 6},
    {NULL, 'h', NULL, OPTION_HIDDEN, NULL, 7},
    {"slot-fd", KEY_SLOT_FD, "FD", OPTION_HIDDEN, NULL, 7},
    {"slot-number", KEY_SLOT_NUMBER, "N", OPTION_HIDDEN, NULL, 7},
    {0},
};

static const char doc[] = "Computes jobs for a Ratchet coordinator until its run ends."
                          "\vSIGTERM or Ctrl-C: hand over what runs, so that another worker goes "
                          "on with it, then leave, after 8 s at most; a second time: leave at "
                          "once. SIGUSR1: finish what runs, then leave. Exit codes: 0 "
                          "done, 1 failed, 2 usage, 3 a data set is missing or damaged, 4 cannot "
                          "reach the coordinator or not let in.";

/* Says what is wrong in one line and ends the program. */
static void refuse(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

static void refuse(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "ratchet-worker: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    exit(EXIT_CODE_USAGE);
}

/* argp is told to be silent, since it takes two lines; `word` is what it stumbled over. */
static void refuse_option(const char *word)
{
    enum { NAMES = sizeof table / sizeof table[0] };
    const char *names[NAMES];
    char bare[SUGGEST_WORD_BYTES_MAX];
    uint32_t count = 0;
    size_t dashes = strspn(word, "-");
    size_t bytes = strcspn(word + dashes, "=");
    for (const struct argp_option *row = table; row->key != 0; row++) {
        if (row->name == NULL || (row->flags & OPTION_HIDDEN) != 0)
            continue;
        if (dashes == 2 && strlen(row->name) == bytes &&
            strncmp(row->name, word + dashes, bytes) == 0)
            refuse("--%s %s", row->name, row->arg != NULL ? "needs a value" : "takes no value");
        names[count++] = row->name;
    }
    snprintf(bare, sizeof bare, "%.*s", (int)bytes, word + dashes);
    const char *nearest = suggest_nearest(bare, names, count);
    if (nearest != NULL)
        refuse("there is no option '%s'; did you mean '--%s'?", word, nearest);
    refuse("there is no option '%s'; `ratchet-worker --help` lists them", word);
}

/* ------------------------------------------------------------------------------------- values */

struct range {
    const char *option;
    uint64_t least, most;
};

/* A whole number, perhaps with a unit of 1024: "500M", "2GiB". */
static uint64_t parse_number(const char *text, const struct range *range)
{
    static const char units[] = "KMGT";
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    unsigned shift = 0;
    const char *unit = *end != '\0' ? strchr(units, toupper((unsigned char)*end)) : NULL;
    if (unit != NULL && range->most > UINT32_MAX) {
        shift = 10 * (unsigned)(unit - units + 1);
        end++;
        end += *end == 'i' && end[1] == 'B' ? 2 : 0;
    }
    bool whole = isdigit((unsigned char)text[0]) && *end == '\0' && errno == 0 &&
                 value <= UINT64_MAX >> shift;
    if (!whole || value << shift < range->least || value << shift > range->most)
        refuse("%s takes a number within %" PRIu64 " .. %" PRIu64 ", not \"%s\"", range->option,
               range->least, range->most, text);
    return value << shift;
}

/* Names end up in logs and on pages: no blanks, nothing that a terminal would act upon. */
static void parse_name(const char *text, char name[NAME_BYTES_MAX])
{
    size_t length = strlen(text);
    bool fine = length > 0 && length < NAME_BYTES_MAX;
    for (size_t i = 0; fine && i < length; i++)
        fine = isalnum((unsigned char)text[i]) || strchr("._-", text[i]) != NULL;
    if (!fine)
        refuse("--name takes 1 to %d letters, digits, '.', '_' and '-', not \"%s\"",
               NAME_BYTES_MAX - 1, text);
    snprintf(name, NAME_BYTES_MAX, "%s", text);
}

static void parse_bulk(const char *text, char bulk[ENDPOINT_BYTES_MAX])
{
    if (strlen(text) >= ENDPOINT_BYTES_MAX ||
        (strncmp(text, "tcp://", 6) != 0 && strncmp(text, "ipc://", 6) != 0))
        refuse("--bulk takes tcp://HOST:PORT or ipc://PATH, not \"%s\"", text);
    snprintf(bulk, ENDPOINT_BYTES_MAX, "%s", text);
}

static void check_pack(const struct options *options)
{
    if (options->connect != NULL)
        refuse("--pack-data joins nobody: it goes without --connect");
    if (options->pack.output == NULL || options->pack.output[0] == '\0')
        refuse("--pack-data needs --output: the file to write");
}

static void parse_device(const char *text, struct options *options)
{
    static const char *const names[][2] = {
        {"auto", "auto"},     {"cpu", "auto"},          {"cpu:plain", "plain"},
        {"cpu:avx2", "avx2"}, {"cpu:avx512", "avx512"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(text, names[i][0]) == 0) {
            options->device = text;
            options->cpu = names[i][1];
            return;
        }
    if (strncmp(text, "cuda", 4) == 0)
        refuse("--device %s: this program has no engine for GPUs yet", text);
    refuse("--device takes cpu, cpu:plain, cpu:avx2, cpu:avx512 or auto, not \"%s\"", text);
}

static void check(struct options *options)
{
    struct error error;
    char bulk[ENDPOINT_BYTES_MAX];
    if (options->slot_fd >= 0)
        return;
    if (options->pack.source.set != NULL) {
        check_pack(options);
        return;
    }
    if (options->has_pack_options)
        refuse("--output and --data-... are for --pack-data only");
    if (options->connect == NULL)
        refuse("--connect is needed: the address of the coordinator");
    if (endpoint_bulk(options->connect, bulk, sizeof bulk, &error) != 0)
        refuse("--connect: %s", error.text);
    if (options->bulk[0] == '\0')
        memcpy(options->bulk, bulk, sizeof bulk);
    if (options->server_key == NULL && (options->key != NULL || options->token != NULL))
        refuse("--%s needs --server-key: keys and tokens are for encrypted connections",
               options->key != NULL ? "key" : "token");
}

/* ------------------------------------------------------------------------------------- options */

/* What to pack; the data set itself is checked where it is known. */
static error_t parse_pack_option(int key, char *text, struct argp_state *state)
{
    static const struct range samples = {"--data-samples", 1, UINT32_MAX};
    static const struct range seed = {"--data-seed", 0, UINT32_MAX};
    struct options *options = state->input;
    struct pack_data_options *pack = &options->pack;
    switch (key) {
    case KEY_PACK_DATA:
        pack->source.set = text;
        return 0;
    case KEY_OUTPUT:
        pack->output = text;
        break;
    case KEY_DATA_DIR:
        pack->source.dir = text;
        break;
    case KEY_DATA_SAMPLES:
        pack->source.samples = (uint32_t)parse_number(text, &samples);
        break;
    case KEY_DATA_SEED:
        pack->source.seed = (uint32_t)parse_number(text, &seed);
        break;
    case KEY_DATA_SHUFFLE:
        pack->source.shuffle_positions = 1;
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    options->has_pack_options = true;
    return 0;
}

/* What computes, and how much at a time. */
static error_t parse_work_option(int key, char *text, struct argp_state *state)
{
    static const struct range slots = {"--slots", 1, SLOTS_MAX};
    static const struct range cohort = {"--cohort", 1, WORKER_COHORT_MAX};
    struct options *options = state->input;
    switch (key) {
    case KEY_SLOTS:
        options->slots = (uint32_t)parse_number(text, &slots);
        return 0;
    case KEY_COHORT:
        options->cohort = (uint32_t)parse_number(text, &cohort);
        return 0;
    case KEY_DEVICE:
        parse_device(text, options);
        return 0;
    default:
        return parse_pack_option(key, text, state);
    }
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    static const struct range linger = {"--linger", 0, UINT32_MAX};
    static const struct range descriptor = {"--slot-fd", 0, 65535};
    static const struct range number = {"--slot-number", 0, SLOTS_MAX - 1};
    const struct range bytes = {"--cache-bytes", CACHE_BYTES_MIN, UINT64_C(1) << 60};
    struct options *options = state->input;
    switch (key) {
    case 'h':
        argp_state_help(state, stdout, ARGP_HELP_STD_HELP); /* exits */
        return 0;
    case KEY_CONNECT:
        options->connect = text;
        return 0;
    case KEY_BULK:
        parse_bulk(text, options->bulk);
        return 0;
    case KEY_NAME:
        parse_name(text, options->name);
        return 0;
    case KEY_CACHE:
        if (text[0] == '\0')
            refuse("--cache takes the path of a folder");
        options->cache = text;
        return 0;
    case KEY_CACHE_BYTES:
        options->cache_bytes = parse_number(text, &bytes);
        return 0;
    case KEY_STAY:
        options->stay = true;
        return 0;
    case KEY_LINGER:
        options->linger_ms = 1000 * parse_number(text, &linger);
        return 0;
    case KEY_SERVER_KEY:
        options->server_key = text;
        return 0;
    case KEY_KEY:
        options->key = text;
        return 0;
    case KEY_TOKEN:
        options->token = text;
        return 0;
    case KEY_SLOT_FD:
        options->slot_fd = (int)parse_number(text, &descriptor);
        return 0;
    case KEY_SLOT_NUMBER:
        options->slot_number = (uint32_t)parse_number(text, &number);
        return 0;
    case ARGP_KEY_ARG:
        refuse("\"%s\" is not an option", text);
        return EINVAL;
    case ARGP_KEY_ERROR:
        refuse_option(state->argv[state->next - 1]);
        return EINVAL;
    case ARGP_KEY_END:
        check(options);
        return 0;
    default:
        return parse_work_option(key, text, state);
    }
}

/* Told to be silent about mistakes, argp would be silent about its help, too. */
static bool asks_for_help(int argc, char **argv)
{
    static const char *const words[] = {"--help", "--usage", "--version", "-?", "-V"};
    for (int i = 1; i < argc; i++)
        for (size_t word = 0; word < sizeof words / sizeof words[0]; word++)
            if (strcmp(argv[i], words[word]) == 0)
                return true;
    return false;
}

void options_parse(int argc, char **argv, struct options *options)
{
    static const struct argp argp = {.options = table, .parser = parse_option, .doc = doc};
    *options = (struct options){
        .cache_bytes = CACHE_BYTES_DEFAULT,
        .linger_ms = UINT64_MAX,
        .cohort = WORKER_COHORT_MAX,
        .pack.source = {.samples = 5000, .seed = 42},
        .device = "auto",
        .cpu = "auto",
        .slot_fd = -1,
    };
    argp_program_version = "ratchet-worker " RATCHET_VERSION;
    argp_err_exit_status = EXIT_CODE_USAGE;
    unsigned flags = asks_for_help(argc, argv) ? 0 : ARGP_NO_ERRS;
    error_t failed = argp_parse(&argp, argc, argv, flags, NULL, options);
    if (failed) {
        fprintf(stderr, "ratchet-worker: %s\n", strerror(failed));
        exit(EXIT_CODE_USAGE);
    }
}
