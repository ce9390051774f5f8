/*
 * status.c: `ratchet status`: how a run stands.
 *
 * A living coordinator answers over its control socket; a run that nobody serves is told from its
 * ledger. Both ways end in one JSON object, which is printed as it is or as a page for people.
 */
#include "coordinator/commands/ask.h"
#include "coordinator/commands/clean_text.h"
#include "coordinator/commands/command.h"
#include "coordinator/commands/progress_output.h"
#include "coordinator/commands/record_output.h"
#include "coordinator/commands/status_work.h"
#include "coordinator/shell/run_directory.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------------------- from the ledger */

static void set_champion(struct reader *reader, struct json_node *root)
{
    struct commit_record champion;
    char id[ID_BYTES_MAX];
    if (reader_champion(reader, READER_ANY_LINE, &champion, NULL) != 1) {
        json_set_text(root, "champion", NULL);
        return;
    }
    format_id(champion.job.key, id);
    json_set_text(root, "champion", id);
    json_set_f64(root, "fitness_best", champion.fitness);
    json_set_node(root, "metrics", metrics_node(&champion));
}

/* `silent`: there seems to be a coordinator, and it does not answer. */
static struct json_node *read_run(const char *path, bool silent, struct error *error)
{
    struct reader reader;
    struct commit_counts counts;
    if (reader_open(&reader, path, error) != 0)
        return NULL;
    struct json_node *root = NULL;
    if (reader_count(&reader, &counts, error) == 0) {
        char finished[32], digest[DIGEST_HEX_BYTES], served[32], hex[DIGEST_HEX_BYTES];
        char reason[REASON_BYTES_MAX];
        reader_fact(&reader, "finished", finished, sizeof finished);
        reader_fact(&reader, "digest", digest, sizeof digest);
        reader_fact(&reader, "served_ms", served, sizeof served);
        reader_poison(&reader, reason, sizeof reason);
        digest_to_hex(&reader.header.experiment_digest, hex);
        root = json_node_object();
        json_set_text(root, "name", reader.header.name);
        json_set_text(root, "directory", path);
        json_set_text(root, "state",
                      silent                ? "not answering"
                      : finished[0] != '\0' ? "finished"
                                            : "stopped");
        if (reason[0] != '\0')
            json_set_text(root, "reason", reason);
        json_set_text(root, "experiment_digest", hex);
        json_set_text(root, "engine_version", reader.header.engine_version);
        json_set_u64(root, "served_ms", strtoull(served, NULL, 10));
        json_set_text(root, "digest", digest[0] != '\0' ? digest : NULL);
        json_set_u64(root, "commits", counts.commits);
        json_set_u64(root, "admitted", counts.admitted);
        json_set_u64(root, "diverged", counts.diverged);
        json_set_u64(root, "failed", counts.failed);
        json_set_u64(root, "attempts", counts.attempts);
        json_set_u64(root, "opinions", counts.opinions);
        json_set_u64(root, "lines", reader.lines);
        set_champion(&reader, root);
    }
    reader_close(&reader);
    return root;
}

/* ------------------------------------------------------------------------------------ showing */

/* As a living coordinator told them; an older one says nothing of operators. */
static void read_operators(const struct json_node *root, struct shell_view *view)
{
    const struct json_node *list = json_get_node(root, "operators");
    size_t count = list != NULL ? json_array_count(list) : 0;
    for (size_t i = 0; i < count && i < OPERATORS_MAX; i++) {
        const struct json_node *node = json_array_at(list, i);
        struct shell_operator *shown = &view->operators[view->operator_count++];
        clean_text(json_get_text(node, "operator", "?"), shown->label, sizeof shown->label);
        shown->tried = json_get_u64(node, "tried", 0);
        shown->compared = json_get_u64(node, "compared", 0);
        shown->improved = json_get_u64(node, "improved", 0);
    }
}

static void show_operators(const struct shell_view *view)
{
    for (uint32_t i = 0; i < view->operator_count; i++) {
        const struct shell_operator *shown = &view->operators[i];
        char success[SUCCESS_BYTES_MAX];
        format_success(shown, success);
        printf("%-11s %-16s %6s  %" PRIu64 " of %" PRIu64 " children fitter than their parent\n",
               i == 0 ? "improved" : "", shown->label, success, shown->improved, shown->compared);
    }
}

static void show_live(const struct json_node *root)
{
    struct shell_view view = {
        .commits = json_get_u64(root, "commits", 0),
        .jobs_total = json_get_u64(root, "jobs_total", 0),
        .jobs_per_s = json_get_f64(root, "jobs_per_s", (double)NAN),
        .seconds_left = json_get_f64(root, "left_s", (double)NAN),
        .fitness_best = json_get_f64(root, "fitness_best", (double)NAN),
        .fitness_median = json_get_f64(root, "fitness_median", (double)NAN),
        .workers = (uint32_t)json_get_u64(root, "workers_joined", 0),
        .slots = (uint32_t)json_get_u64(root, "slots", 0),
    };
    if (!parse_id(json_get_text(root, "champion", ""), &view.champion))
        view.fitness_best = (double)NAN; /* told above, too */
    read_operators(root, &view);
    char text[256];
    format_progress(&view, text, sizeof text);
    printf("%-11s %s\n", "progress", text);
    show_operators(&view);
    uint64_t quarantined = json_get_u64(root, "quarantined", 0);
    printf("%-11s %" PRIu64 " waiting, %" PRIu64 " leased, %" PRIu64 " held", "in flight",
           json_get_u64(root, "waiting", 0), json_get_u64(root, "leased", 0),
           json_get_u64(root, "held", 0));
    if (quarantined > 0)
        printf(", %" PRIu64 " quarantined: `ratchet why` tells", quarantined);
    printf("\n");
    show_live_work(root);
}

/* What a coordinator elsewhere says, or somebody's ledger. */
static void show_text(const char *title, const struct json_node *root, const char *key)
{
    print_clean((struct clean_row){11, title}, json_get_text(root, key, "?"));
}

static void show_champion(const struct json_node *root, const struct job_key *champion)
{
    char id[ID_BYTES_MAX];
    format_id(*champion, id);
    char fitness[NUMBER_BYTES_MAX];
    const struct json_node *metrics = json_get_node(root, "metrics");
    double accuracy = (double)NAN;
    if (metrics != NULL)
        accuracy = json_get_f64(metrics, "select_accuracy", (double)NAN);
    format_number(json_get_f64(root, "fitness_best", (double)NAN), fitness);
    printf("%-11s %s, fitness %s", "champion", id, fitness);
    if (isfinite(accuracy))
        printf(", accuracy %.2f %% on select", 100 * accuracy);
    printf("\n");
}

static void show_no_champion(const struct json_node *root)
{
    const struct commit_counts counts = {
        .commits = json_get_u64(root, "commits", 0),
        .diverged = json_get_u64(root, "diverged", 0),
        .failed = json_get_u64(root, "failed", 0),
    };
    char text[NO_CHAMPION_BYTES_MAX];
    format_no_champion(&counts, text);
    printf("%-11s %s\n", "champion", text);
}

static void show(const struct json_node *root)
{
    struct job_key champion;
    show_text("name", root, "name");
    show_text("directory", root, "directory");
    show_text("state", root, "state");
    if (json_get_text(root, "reason", NULL) != NULL)
        show_text("reason", root, "reason");
    printf("%-11s %" PRIu64 ", %" PRIu64 " admitted\n", "commits", json_get_u64(root, "commits", 0),
           json_get_u64(root, "admitted", 0));
    if (parse_id(json_get_text(root, "champion", ""), &champion))
        show_champion(root, &champion);
    else
        show_no_champion(root);
    if (json_get_text(root, "digest", NULL) != NULL)
        show_text("digest", root, "digest");
    if (json_get_node(root, "workers") != NULL)
        show_live(root);
    else
        show_past_work(root);
}

int command_status(const struct arguments *arguments)
{
    const char *subject = arguments->positional[0];
    struct error error;
    struct json_node *root = NULL;
    const struct status_request request = {.subject = STATUS_RUN};
    char endpoint[ENDPOINT_BYTES_MAX];
    if (is_address(subject)) {
        root = coordinator_ask(subject, &request, &error);
        if (root == NULL)
            return complain(EXIT_UNREACHABLE, "%s", error.text);
    } else {
        /* A coordinator that was killed leaves its address behind; nobody answers there. */
        bool served = run_directory_is_served(subject);
        if (served && run_directory_read_endpoint(subject, endpoint))
            root = coordinator_ask(endpoint, &request, &error);
        if (root == NULL)
            root = read_run(subject, served, &error);
        if (root == NULL)
            return complain(EXIT_FAILED, "%s", error.text);
    }
    if (arguments->given[OPTION_JSON]) {
        char *text = json_print(root, JSON_INDENTED);
        printf("%s\n", text);
        free(text);
    } else {
        show(root);
    }
    json_node_free(&root);
    return EXIT_DONE;
}
