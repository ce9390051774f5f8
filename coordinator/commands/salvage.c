/* salvage.c: `ratchet salvage`: a run whose ledger is damaged goes back to its last good commit. */
#include "coordinator/commands/command.h"
#include "coordinator/commands/record_output.h"
#include "coordinator/reading/reader.h"
#include "coordinator/shell/run_salvage.h"

#include <inttypes.h>
#include <stdio.h>

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

static void print_salvaged_json(const struct ledger_salvaged *salvaged, const char *path)
{
    struct json_node *node = json_node_object();
    json_set_text(node, "directory", path);
    json_set_bool(node, "changed", !salvaged->is_sound);
    json_set_u64(node, "commits", salvaged->commits);
    json_set_u64(node, "details_lost", salvaged->details_lost);
    json_set_u64(node, "facts_lost", salvaged->facts_lost);
    json_set_text(node, "reason", salvaged->reason.text[0] != '\0' ? salvaged->reason.text : NULL);
    print_json(node);
}

static void print_salvaged(const struct ledger_salvaged *salvaged, const char *path)
{
    if (salvaged->is_sound) {
        printf("%s: nothing is wrong with the ledger: %" PRIu64 " commits\n", path,
               salvaged->commits);
        return;
    }
    printf("%-12s %" PRIu64 " commits%s\n", "kept", salvaged->commits,
           salvaged->reason.text[0] != '\0' ? "" : ", which are all");
    if (salvaged->reason.text[0] != '\0')
        printf("%-12s what follows: %s\n", "dropped", salvaged->reason.text);
    if (salvaged->details_lost > 0)
        printf("%-12s the details of %" PRIu64 " commits\n", "dropped", salvaged->details_lost);
    printf("%-12s %s/ledger.sqlite.damaged\n", "damaged one", path);
    printf("%-12s `ratchet run` or `serve`, given as before, computes again what was dropped\n",
           "go on with");
}

int command_salvage(const struct arguments *arguments)
{
    struct run_chain chain = {0};
    struct ledger_salvaged salvaged;
    struct error error;
    const struct run_salvage_options options = {
        .directory = arguments->positional[0], .begin = begin, .fits = fits, .context = &chain};
    int rc = run_salvage(&options, &salvaged, &error);
    run_chain_close(&chain);
    if (rc != 0)
        return complain(EXIT_FAILED, "%s", error.text);
    if (arguments->given[OPTION_JSON])
        print_salvaged_json(&salvaged, options.directory);
    else
        print_salvaged(&salvaged, options.directory);
    return EXIT_DONE;
}
