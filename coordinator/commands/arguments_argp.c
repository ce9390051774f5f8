/*
 * arguments_argp.c: argp, held to one line per error.
 *
 * argp parses and lays out the help; its messages take two lines and its own exit codes, so it is
 * told to be silent, and what it stumbled over is named here, from the same table of options.
 */
#include "coordinator/commands/command.h"

#include "common/suggest.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_HELP = 'h',
    KEY_BASE = 0x100, /* + enum option_name: no single letter */
};

struct option_row {
    const char *name;
    const char *argument; /* or NULL */
    const char *help;
};

static const struct option_row rows[OPTION_COUNT] = {
    [OPTION_ALL] = {"all", NULL, "also what was not admitted"},
    [OPTION_AT] = {"at", "N", "after the first N commits"},
    [OPTION_BULK] = {"bulk", "ADDRESS", "where checkpoints travel (default: the next port)"},
    [OPTION_BY] = {"by", "WORKER", "all that this worker had committed (its name or instance)"},
    [OPTION_DEVICE] = {"device", "NAME",
                       "cpu, cpu:plain, cpu:avx2, cpu:avx512 or auto (the default)"},
    [OPTION_DIR] = {"dir", "RUN", "run directory (default: runs/NAME-sSEED)"},
    [OPTION_DOT] = {"dot", NULL, "as a graph for Graphviz"},
    [OPTION_FIGURES] = {"figures", "DIR", "write the figures there as well, one SVG file each"},
    [OPTION_FORMAT] = {"format", "NAME", "safetensors (the default)"},
    [OPTION_FROM_FOUNDERS] = {"from-founders", NULL, "make all ancestors again, stored ones too"},
    [OPTION_HOURS] = {"hours", "H", "how long the token lets workers in (24)"},
    [OPTION_INSECURE] = {"insecure", NULL, "listen in the clear where others can connect"},
    [OPTION_JSON] = {"json", NULL, "JSON instead of text"},
    [OPTION_KEY] = {"key", "FILE", "the owner's key: a copy of the coordinator's RUN/admin.key"},
    [OPTION_KEYS] = {"keys", "DIR", "folder of keys (~/.config/ratchet/keys)"},
    [OPTION_LISTEN] = {"listen", "ADDRESS", "tcp://HOST:PORT; port * takes a free one"},
    [OPTION_OUTPUT] = {"output", "FILE", "the file to write"},
    [OPTION_REPORT] = {"report", NULL, "write RUN/report.html at the end"},
    [OPTION_RESTORE] = {"restore", NULL, "put the checkpoint back into RUN, which lost it"},
    [OPTION_SEED] = {"seed", "S", "instead of the experiment's seed"},
    [OPTION_SERVER_KEY] = {"server-key", "FILE", "the coordinator's public key (that in --key)"},
    [OPTION_SET] = {"set", "KEY=VALUE", "change a setting, as in --set budget.jobs=500"},
    [OPTION_TOP] = {"top", "N", "only the first N"},
    [OPTION_USES] = {"uses", "N", "how many workers the token lets in (1)"},
    [OPTION_WORKERS] = {"workers", "N", "slots of the local worker (default: one per CPU)"},
};

/* Short names. */
static const char short_names[OPTION_COUNT] = {[OPTION_OUTPUT] = 'o'};

/* What argp calls an option: its letter, else its number beyond all letters. */
static int key_of(enum option_name option)
{
    return short_names[option] != 0 ? short_names[option] : KEY_BASE + (int)option;
}

/* OPTION_COUNT when it is none. */
static enum option_name option_of(int key)
{
    for (int i = 0; i < OPTION_COUNT; i++)
        if (key == key_of((enum option_name)i))
            return (enum option_name)i;
    return OPTION_COUNT;
}

struct parse {
    const struct command *command;
    struct arguments *arguments;
    const char *too_many; /* the first word that is one too many */
    const char *twice;    /* an option that was given twice */
    bool help;
};

static error_t take_option(struct parse *parse, enum option_name option, const char *value)
{
    struct arguments *arguments = parse->arguments;
    if (option == OPTION_SET) {
        if (arguments->override_count == OVERRIDES_MAX) {
            parse->twice = "set"; /* more often than anybody needs */
            return EINVAL;
        }
        arguments->overrides[arguments->override_count++] = value;
    } else if (arguments->given[option]) {
        parse->twice = rows[option].name;
        return EINVAL;
    }
    arguments->given[option] = true;
    arguments->value[option] = value;
    return 0;
}

static error_t take(int key, char *value, struct argp_state *state)
{
    struct parse *parse = state->input;
    struct arguments *arguments = parse->arguments;
    if (option_of(key) != OPTION_COUNT)
        return take_option(parse, option_of(key), value);
    if (key == KEY_HELP) {
        parse->help = true;
        return 0;
    }
    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    if (arguments->positional_count == parse->command->positional_most) {
        parse->too_many = value;
        return EINVAL;
    }
    arguments->positional[arguments->positional_count++] = value;
    return 0;
}

static void fill_options(const struct command *command, struct argp_option *options)
{
    uint32_t count = 0;
    for (int i = 0; i < OPTION_COUNT; i++) {
        if ((command->options >> i & 1) == 0)
            continue;
        options[count++] = (struct argp_option){.name = rows[i].name,
                                                .key = key_of((enum option_name)i),
                                                .arg = rows[i].argument,
                                                .doc = rows[i].help};
    }
    options[count++] =
        (struct argp_option){.name = "help", .key = KEY_HELP, .doc = "show this", .group = -1};
    options[count] = (struct argp_option){0};
}

/* How many options begin with these letters; *option is the last one. argp takes unique
 * abbreviations. */
static uint32_t matching_options(const struct command *command, const char *word, size_t bytes,
                                 enum option_name *option)
{
    uint32_t count = 0;
    for (int i = 0; i < OPTION_COUNT; i++) {
        if ((command->options >> i & 1) == 0 || strncmp(rows[i].name, word, bytes) != 0)
            continue;
        *option = (enum option_name)i;
        count++;
        if (rows[i].name[bytes] == '\0')
            return 1;
    }
    return count;
}

/* "-o" and "-oFILE"; 0 or 1, as above. */
static uint32_t matching_letter(const struct command *command, char letter,
                                enum option_name *option)
{
    *option = option_of(letter);
    return *option != OPTION_COUNT && (command->options >> *option & 1) != 0;
}

static int complain_unknown(const struct command *command, const char *word)
{
    const char *names[OPTION_COUNT];
    uint32_t count = 0;
    for (int i = 0; i < OPTION_COUNT; i++) {
        if ((command->options >> i & 1) != 0)
            names[count++] = rows[i].name;
    }
    char bare[SUGGEST_WORD_BYTES_MAX];
    const char *letters = word + strspn(word, "-");
    snprintf(bare, sizeof bare, "%.*s", (int)strcspn(letters, "="), letters);
    const char *nearest = suggest_nearest(bare, names, count);
    if (nearest == NULL)
        return complain(EXIT_USAGE, "%s: there is no option '%s'", command->name, word);
    return complain(EXIT_USAGE, "%s: there is no option '%s'; did you mean '--%s'?", command->name,
                    word, nearest);
}

/* argp says that something is wrong with the options, and not what: the first that cannot be right.
 */
static int complain_about_options(const struct command *command, int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *word = argv[i];
        if (word[0] != '-' || word[1] == '\0')
            continue;
        enum option_name option = OPTION_COUNT;
        bool is_long = word[1] == '-';
        size_t bytes = strcspn(word + 1 + is_long, "=");
        uint32_t count = is_long ? matching_options(command, word + 2, bytes, &option)
                                 : matching_letter(command, word[1], &option);
        if (count == 0)
            return complain_unknown(command, word);
        if (count > 1)
            return complain(EXIT_USAGE, "%s: '%s' could be several options", command->name, word);
        bool valued = rows[option].argument != NULL;
        bool attached = is_long ? strchr(word, '=') != NULL : word[2] != '\0';
        if (!valued && attached)
            return complain(EXIT_USAGE, "%s: --%s takes no value", command->name,
                            rows[option].name);
        if (valued && !attached && ++i == argc)
            return complain(EXIT_USAGE, "%s: --%s needs a value", command->name, rows[option].name);
    }
    return complain(EXIT_USAGE, "%s: the options make no sense", command->name);
}

static int complain_about(const struct parse *parse, int argc, char **argv)
{
    const char *name = parse->command->name;
    if (parse->twice != NULL)
        return complain(EXIT_USAGE, "%s: --%s was given too often", name, parse->twice);
    if (parse->too_many != NULL)
        return complain(EXIT_USAGE, "%s: '%s' is one argument too many", name, parse->too_many);
    return complain_about_options(parse->command, argc, argv);
}

static int show_help(const struct command *command, struct argp *argp)
{
    char name[64], doc[1024];
    snprintf(name, sizeof name, "ratchet %s", command->name);
    /* argp's separator between what stands above the options and what below. */
    snprintf(doc, sizeof doc, "%s\v%s", command->summary,
             command->details != NULL ? command->details : "");
    argp->doc = doc;
    argp_help(argp, stdout, ARGP_HELP_STD_HELP & ~(unsigned)ARGP_HELP_EXIT_OK, name);
    return EXIT_DONE;
}

int command_parse(const struct command *command, int argc, char **argv, struct arguments *arguments)
{
    *arguments = (struct arguments){0};
    struct argp_option options[OPTION_COUNT + 2];
    fill_options(command, options);
    struct argp argp = {.options = options, .parser = take, .args_doc = command->usage};
    struct parse parse = {.command = command, .arguments = arguments};
    error_t rc = argp_parse(&argp, argc, argv, ARGP_NO_ERRS | ARGP_NO_HELP, NULL, &parse);
    if (parse.help)
        return show_help(command, &argp);
    if (rc != 0)
        return complain_about(&parse, argc, argv);
    if (arguments->positional_count < command->positional_least)
        return complain(EXIT_USAGE, "%s: needs %s; `ratchet %s --help` tells more", command->name,
                        command->usage, command->name);
    return -1;
}

int parse_count(const struct arguments *arguments, enum option_name option, uint64_t most,
                uint64_t *value, struct error *error)
{
    const char *text = arguments->value[option];
    if (text == NULL)
        return 0;
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number > most)
        return error_set(error, -1, "--%s %s: a whole number up to %llu is wanted",
                         rows[option].name, text, (unsigned long long)most);
    *value = number;
    return 0;
}
