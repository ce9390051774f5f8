/*
 * digest.c: `ratchet digest` and `ratchet diff`: are two runs the same, and if not, where do they
 * part?
 *
 * The chain of each line is computed anew from the rows and held against the one that is stored
 * with them (reading/run_chain.h), so that a row that was changed later does not go unseen.
 */
#include "coordinator/commands/clean_text.h"
#include "coordinator/commands/command.h"
#include "coordinator/experiment/experiment.h"
#include "coordinator/reading/reader.h"
#include "coordinator/shell/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct digest_walk {
    struct reader *reader;
    uint64_t at; /* commits to count */
    uint64_t commits;
};

static int walk_commits(struct digest_walk *walk, struct error *error)
{
    if (reader_rewind(walk->reader, error) != 0)
        return -1;
    struct commit_record record;
    int rc = 0;
    while (walk->commits < walk->at && (rc = reader_next_commit(walk->reader, &record, error)) > 0)
        walk->commits++;
    return rc < 0 ? -1 : 0;
}

static void show_digest(const struct digest_walk *walk, const struct arguments *arguments)
{
    char hex[DIGEST_HEX_BYTES];
    struct digest digest = run_chain_digest(&walk->reader->chain);
    digest_to_hex(&digest, hex);
    if (!arguments->given[OPTION_JSON]) {
        printf("%s\n", hex);
        return;
    }
    struct json_node *root = json_node_object();
    json_set_text(root, "digest", hex);
    json_set_u64(root, "commits", walk->commits);
    json_set_u64(root, "lines", walk->reader->lines);
    char *text = json_print(root, JSON_INDENTED);
    printf("%s\n", text);
    free(text);
    json_node_free(&root);
}

int command_digest(const struct arguments *arguments)
{
    struct error error;
    struct reader reader;
    struct digest_walk walk = {.at = UINT64_MAX};
    if (parse_count(arguments, OPTION_AT, UINT64_MAX - 1, &walk.at, &error) != 0)
        return complain(EXIT_USAGE, "digest: %s", error.text);
    if (reader_open(&reader, arguments->positional[0], &error) != 0)
        return complain(EXIT_FAILED, "%s", error.text);
    int code = EXIT_DONE;
    walk.reader = &reader;
    if (walk_commits(&walk, &error) != 0)
        code = complain(EXIT_FAILED, "%s", error.text);
    else if (arguments->given[OPTION_AT] && walk.commits < walk.at)
        code = complain(EXIT_FAILED, "%s has %llu commits, not %llu", reader.path,
                        (unsigned long long)walk.commits, (unsigned long long)walk.at);
    else
        show_digest(&walk, arguments);
    reader_close(&reader);
    return code;
}

/* --------------------------------------------------------------------------------------- diff */

/* Room for the differences of two experiments, in a sentence that people still read. */
enum { DIFFERENCES_BYTES_MAX = 1024 };

/* The first difference, as texts. */
struct difference {
    bool found;
    char commit[ID_BYTES_MAX]; /* "" when it is not about one */
    char field[32];
    char values[2][DIFFERENCES_BYTES_MAX]; /* cleaned: they come from ledgers */
};

static void differ(struct difference *difference, const char *field, const char *a, const char *b)
{
    difference->found = true;
    snprintf(difference->field, sizeof difference->field, "%s", field);
    clean_text(a, difference->values[0], sizeof difference->values[0]);
    clean_text(b, difference->values[1], sizeof difference->values[1]);
}

static void differ_digest(struct difference *difference, const char *field, const struct digest *a,
                          const struct digest *b)
{
    char left[DIGEST_HEX_BYTES], right[DIGEST_HEX_BYTES];
    digest_to_hex(a, left);
    digest_to_hex(b, right);
    differ(difference, field, left, right);
}

static void differ_real(struct difference *difference, const char *field, double a, double b)
{
    char left[40], right[40];
    snprintf(left, sizeof left, "%.17g", a);
    snprintf(right, sizeof right, "%.17g", b);
    differ(difference, field, left, right);
}

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static void compare_metrics(struct difference *difference, const struct commit_record *a,
                            const struct commit_record *b)
{
    for (uint32_t i = 0; i < a->metric_count && i < b->metric_count && !difference->found; i++) {
        const char *name = metric_name(a->metrics[i].id);
        if (a->metrics[i].id != b->metrics[i].id)
            differ(difference, "metrics", name != NULL ? name : "?", "another metric");
        else if (!same_bits(a->metrics[i].value, b->metrics[i].value))
            differ_real(difference, name != NULL ? name : "metric", a->metrics[i].value,
                        b->metrics[i].value);
    }
    if (!difference->found && a->metric_count != b->metric_count)
        differ(difference, "metrics", a->metric_count < b->metric_count ? "fewer" : "more", "");
}

static void compare_jobs(struct difference *difference, const struct job *a, const struct job *b)
{
    if (strcmp(a->call.name, b->call.name) != 0) {
        differ(difference, "operator", a->call.name, b->call.name);
        return;
    }
    for (uint32_t i = 0; i < JOB_PARENTS_MAX; i++) {
        if (digest_equal(&a->parents[i], &b->parents[i]))
            continue;
        differ_digest(difference, i == 0 ? "parent" : "second parent", &a->parents[i],
                      &b->parents[i]);
        return;
    }
    struct digest left = job_digest(a), right = job_digest(b);
    differ_digest(difference, "job description", &left, &right);
}

/* The fields that enter the digest, in the order in which they come about. */
static void compare_commits(struct difference *difference, const struct commit_record *a,
                            const struct commit_record *b)
{
    format_id(a->job.key, difference->commit);
    if (!digest_equal(&a->description, &b->description))
        compare_jobs(difference, &a->job, &b->job);
    else if (a->outcome != b->outcome)
        differ(difference, "outcome", outcome_name(a->outcome), outcome_name(b->outcome));
    else if (!same_bits(a->fitness, b->fitness))
        differ_real(difference, "fitness", a->fitness, b->fitness);
    if (!difference->found)
        compare_metrics(difference, a, b);
    if (!difference->found && a->admitted != b->admitted)
        differ(difference, "admitted", a->admitted ? "yes" : "no", b->admitted ? "yes" : "no");
    if (!difference->found && a->admitted && !digest_equal(&a->child, &b->child))
        differ_digest(difference, "checkpoint", &a->child, &b->child);
    /* All fields are the same, so what differs is what came before: the order, in arrival mode. */
    if (!difference->found && !digest_equal(&a->chain, &b->chain))
        differ_digest(difference, "order", &a->chain, &b->chain);
}

/* Holds each commit of `one` against that of `other`; in the second pass only looks for missing
 * ones. */
static int compare_all(struct reader *one, struct reader *other, struct difference *difference,
                       struct error *error)
{
    struct commit_record a, b;
    int rc;
    if (reader_rewind(one, error) != 0)
        return -1;
    while ((rc = reader_next_commit(one, &a, error)) > 0 && !difference->found) {
        int found = reader_get(other, a.job.key, &b, error);
        if (found < 0)
            return -1;
        if (found == 1) {
            compare_commits(difference, &a, &b);
        } else {
            format_id(a.job.key, difference->commit);
            differ(difference, "presence", "committed", "not committed");
        }
    }
    return rc < 0 ? -1 : 0;
}

static int compare_runs(struct reader readers[2], struct difference *difference,
                        struct error *error)
{
    const struct ledger_header *a = &readers[0].header, *b = &readers[1].header;
    if (!digest_equal(&a->experiment_digest, &b->experiment_digest)) {
        differ_digest(difference, "experiment", &a->experiment_digest, &b->experiment_digest);
        char text[DIFFERENCES_BYTES_MAX];
        experiment_differences(a->canonical, b->canonical, text, sizeof text);
        if (text[0] != '\0')
            differ(difference, "experiment", text, "");
        return 0;
    }
    if (compare_all(&readers[0], &readers[1], difference, error) != 0)
        return -1;
    if (difference->found)
        return 0;
    /* Everything in the first is in the second; is there more in the second? */
    int rc = compare_all(&readers[1], &readers[0], difference, error);
    if (rc == 0 && difference->found)
        differ(difference, "presence", "not committed", "committed");
    return rc;
}

static void show_difference(const struct difference *difference, const struct arguments *arguments)
{
    if (arguments->given[OPTION_JSON]) {
        struct json_node *root = json_node_object();
        json_set_bool(root, "equal", !difference->found);
        if (difference->found) {
            json_set_text(root, "commit",
                          difference->commit[0] != '\0' ? difference->commit : NULL);
            json_set_text(root, "field", difference->field);
            json_set_text(root, "first", difference->values[0]);
            json_set_text(root, "second", difference->values[1]);
        }
        char *text = json_print(root, JSON_INDENTED);
        printf("%s\n", text);
        free(text);
        json_node_free(&root);
    } else if (!difference->found) {
        printf("equal\n");
    } else if (difference->commit[0] == '\0') {
        printf("the experiments differ: %s\n", difference->values[0]);
    } else {
        printf("%s: %s: %s | %s\n", difference->commit, difference->field, difference->values[0],
               difference->values[1]);
    }
}

int command_diff(const struct arguments *arguments)
{
    struct error error;
    struct reader readers[2] = {0};
    struct difference difference = {0};
    int code = EXIT_FAILED;
    if (reader_open(&readers[0], arguments->positional[0], &error) != 0 ||
        reader_open(&readers[1], arguments->positional[1], &error) != 0 ||
        compare_runs(readers, &difference, &error) != 0) {
        complain(EXIT_FAILED, "%s", error.text);
    } else {
        show_difference(&difference, arguments);
        code = difference.found ? EXIT_FAILED : EXIT_DONE;
    }
    reader_close(&readers[0]);
    reader_close(&readers[1]);
    return code;
}
