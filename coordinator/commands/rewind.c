/* rewind.c: `ratchet rewind`: a run goes back to before one of its commits. */
#include "coordinator/commands/command.h"
#include "coordinator/commands/record_output.h"
#include "coordinator/reading/reader.h"
#include "coordinator/shell/run_rewind.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int begin(void *context, const struct ledger_header *header, struct error *error)
{
    struct run_chain *chain = context;
    uint32_t lines = lines_of_run(header);
    if (lines == 0)
        return error_set(error, -1, "search.lines is not a number of lines");
    return run_chain_open(chain, &header->experiment_digest, lines, error);
}

static int fits(void *context, const struct ledger_record *record, struct error *error)
{
    struct run_chain *chain = context;
    return record->kind == RECORD_COMMIT ? run_chain_add(chain, &record->commit, error) : 0;
}

static int find_commit(const char *path, const char *name, uint64_t *sequence, struct error *error)
{
    struct reader reader;
    struct commit_record record;
    if (reader_open(&reader, path, error) != 0)
        return -1;
    int rc = reader_find(&reader, name, &record, error);
    reader_close(&reader);
    *sequence = record.sequence;
    return rc;
}

/* A number of the ledger's, or a job: only the latter has a slash or a name in it. */
static int parse_commit(const char *path, const char *text, uint64_t *sequence, struct error *error)
{
    if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0')
        return find_commit(path, text, sequence, error);
    errno = 0;
    *sequence = strtoull(text, NULL, 10);
    if (errno != 0 || *sequence == 0)
        return error_set(error, -1, "there is no commit %.40s: they are numbered from 1", text);
    return 0;
}

static void print_rewound_json(const struct run_rewound *rewound,
                               const struct run_rewind_options *options)
{
    const struct ledger_salvaged *records = &rewound->records;
    char id[ID_BYTES_MAX] = "";
    struct json_node *node = json_node_object();
    if (records->commits_dropped > 0)
        format_id(records->first_dropped, id);
    json_set_text(node, "directory", options->directory);
    json_set_u64(node, "before", options->before);
    json_set_u64(node, "commits", records->commits);
    json_set_u64(node, "inputs", records->inputs);
    json_set_u64(node, "commits_dropped", records->commits_dropped);
    json_set_u64(node, "inputs_dropped", records->inputs_dropped);
    json_set_text(node, "first_dropped", id[0] != '\0' ? id : NULL);
    json_set_text(node, "kept_as", rewound->kept);
    print_json(node);
}

static void print_rewound(const struct run_rewound *rewound)
{
    const struct ledger_salvaged *records = &rewound->records;
    char id[ID_BYTES_MAX];
    format_id(records->first_dropped, id);
    printf("%-12s %" PRIu64 " commits\n", "kept", records->commits);
    if (records->commits_dropped > 0)
        printf("%-12s %" PRIu64 " commits, the first of job %s\n", "dropped",
               records->commits_dropped, id);
    if (records->inputs_dropped > 0)
        printf("%-12s %" PRIu64 " %s\n", "dropped", records->inputs_dropped,
               records->inputs_dropped == 1 ? "stop or skip" : "stops and skips");
    printf("%-12s %s\n", "old ledger", rewound->kept);
    printf("%-12s `ratchet run` or `serve`, given as before\n", "go on with");
}

int command_rewind(const struct arguments *arguments)
{
    struct run_chain chain = {0};
    struct run_rewound rewound;
    struct error error;
    struct run_rewind_options options = {
        .directory = arguments->positional[0], .begin = begin, .fits = fits, .context = &chain};
    if (parse_commit(options.directory, arguments->positional[1], &options.before, &error) != 0)
        return complain(EXIT_FAILED, "%s", error.text);
    int rc = run_rewind(&options, &rewound, &error);
    run_chain_close(&chain);
    if (rc != 0)
        return complain(EXIT_FAILED, "%s", error.text);
    if (arguments->given[OPTION_JSON])
        print_rewound_json(&rewound, &options);
    else
        print_rewound(&rewound);
    return EXIT_DONE;
}
