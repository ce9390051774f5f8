/* show.c: `ratchet show`: all that is known about one job. */
#include "common/operator_catalog.h"
#include "coordinator/commands/clean_text.h"
#include "coordinator/commands/command.h"
#include "coordinator/commands/detail_output.h"
#include "coordinator/commands/record_output.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The slices that count, as words. Without samples to select by, those of training stand in for
 * them (data.select).
 */
static void slices_text(uint32_t slices, const char *canonical, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    if ((slices & SLICE_SELECT) != 0 && strstr(canonical, "\ndata.select = 0\n") != NULL)
        slices = (slices & ~(uint32_t)SLICE_SELECT) | SLICE_TRAIN;
    for (uint32_t slice = SLICE_TRAIN; slice <= SLICE_TEST && used < size; slice *= 2) {
        if ((slices & slice) != 0)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used > 0 ? " " : "",
                                     slice_name((enum slice)slice));
    }
}

/* Names as the catalogue has them: {"scale": 0.1}. */
static struct json_node *params_node(const struct operator_call *call)
{
    struct json_node *node = json_node_object();
    const struct operator_info *info = operator_find(call->name);
    for (uint32_t i = 0; info != NULL && i < call->param_count && i < info->param_count; i++)
        json_set_f64(node, info->params[i].name, call->params[i]);
    return node;
}

static struct json_node *record_node(const struct commit_record *record, const char *canonical)
{
    struct json_node *node = summary_node(record);
    char hex[DIGEST_HEX_BYTES], slices[64];
    slices_text(record->job.slices, canonical, slices, sizeof slices);
    json_set_node(node, "params", params_node(&record->job.call));
    json_set_text(node, "outcome", outcome_name(record->outcome));
    json_set_node(node, "metrics", metrics_node(record));
    json_set_text(node, "slices", slices);
    json_set_u64(node, "seed", record->job.seed);
    json_set_u64(node, "stream", record->job.stream);
    json_set_u64(node, "checkpoint_bytes", record->child_bytes);
    json_set_u64(node, "steps", record->steps);
    digest_to_hex(&record->description, hex);
    json_set_text(node, "description_digest", hex);
    digest_to_hex(&record->job.spec, hex);
    json_set_text(node, "spec_digest", hex);
    digest_to_hex(&record->job.data, hex);
    json_set_text(node, "data_digest", digest_is_zero(&record->job.data) ? NULL : hex);
    digest_to_hex(&record->chain, hex);
    json_set_text(node, "chain", hex);
    json_set_u64(node, "sequence", record->sequence);
    json_set_u64(node, "attempts", record->attempts);
    json_set_u64(node, "opinions", record->opinions);
    json_set_u64(node, "compute_ms", record->compute_ms);
    json_set_u64(node, "waited_ms", record->waited_ms);
    json_set_text(node, "worker", record->worker);
    json_set_text(node, "host", record->host);
    json_set_text(node, "numeric", record->numeric);
    return node;
}

static void show_digest_line(const char *label, const struct digest *digest)
{
    char hex[DIGEST_HEX_BYTES];
    digest_to_hex(digest, hex);
    printf("%-14s %s\n", label, digest_is_zero(digest) ? "-" : hex);
}

/* "noise scale=0.1" */
static void show_operator(const struct commit_record *record)
{
    char text[OPERATOR_NAME_BYTES_MAX + OPERATOR_PARAMS_MAX * 2 * NUMBER_BYTES_MAX];
    format_operator_call(&record->job.call, text, sizeof text);
    printf("%-14s %s\n", "operator", record->job.kind == JOB_EVALUATE ? operator_of(record) : text);
}

static void show_number(const char *label, double value)
{
    char text[NUMBER_BYTES_MAX];
    format_number(value, text);
    printf("%-14s %s\n", label, text);
}

/* Two columns when the names are longer than the labels are wide. */
static void show_metrics(const struct commit_record *record)
{
    for (uint32_t i = 0; i < record->metric_count; i++) {
        const char *name = metric_name(record->metrics[i].id);
        char text[NUMBER_BYTES_MAX];
        format_number(record->metrics[i].value, text);
        if (name != NULL)
            printf("%-14s %-17s %s\n", i == 0 ? "metrics" : "", name, text);
    }
}

static void show_record(const struct commit_record *record, const char *canonical)
{
    char id[ID_BYTES_MAX], parents[2 * ID_BYTES_MAX], slices[64];
    format_id(record->job.key, id);
    format_parents(record, parents, sizeof parents);
    slices_text(record->job.slices, canonical, slices, sizeof slices);
    printf("%-14s %s%s\n", "id", id, record->champion ? ", champion when it was committed" : "");
    show_operator(record);
    printf("%-14s %s\n", "parents", parents[0] != '\0' ? parents : "-");
    printf("%-14s %" PRIu32 "\n", "depth", record->depth);
    printf("%-14s %s, %s\n", "outcome", outcome_name(record->outcome),
           record->admitted ? "admitted" : "not admitted");
    show_number("fitness", record->fitness);
    show_metrics(record);
    show_digest_line("checkpoint", &record->child);
    printf("%-14s %" PRIu64 "\n", "bytes", record->child_bytes);
    printf("%-14s %" PRIu64 "\n", "steps", record->steps);
    printf("%-14s seed %" PRIu64 ", stream %" PRIu64 ", evaluated on %s\n", "job", record->job.seed,
           record->job.stream, slices);
    if (!digest_is_zero(&record->job.data))
        show_digest_line("data set", &record->job.data);
    show_digest_line("description", &record->description);
    show_digest_line("chain", &record->chain);
    print_clean((struct clean_row){14, "numeric"}, record->numeric);
    char worker[NAME_BYTES_MAX], host[NAME_BYTES_MAX];
    clean_text(record->worker, worker, sizeof worker);
    clean_text(record->host, host, sizeof host);
    printf("%-14s %s on %s, %" PRIu32 " attempt%s", "worker", worker, host, record->attempts,
           record->attempts == 1 ? "" : "s");
    if (record->opinions > 0)
        printf(", %" PRIu32 " second opinion%s", record->opinions,
               record->opinions == 1 ? "" : "s");
    printf(", computed %" PRIu32 " ms, committed %" PRIu64
           " ms after its creation as number %" PRIu64 "\n",
           record->compute_ms, record->waited_ms, record->sequence);
}

struct shown {
    const char *canonical; /* of the run's experiment */
    struct commit_record record;
    const struct detail *detail; /* or NULL */
    const char *complaint;       /* why there is no detail, where there should be one */
};

static void show_all(const struct shown *shown)
{
    show_record(&shown->record, shown->canonical);
    if (shown->detail != NULL)
        show_detail(shown->detail, shown->canonical);
    else if (shown->complaint != NULL)
        print_clean((struct clean_row){14, "detail"}, shown->complaint);
}

static void print_record_json(const struct shown *shown)
{
    struct json_node *node = record_node(&shown->record, shown->canonical);
    if (shown->detail != NULL)
        json_set_node(node, "detail", detail_node(shown->detail));
    else
        json_set_text(node, "detail", NULL);
    if (shown->complaint != NULL)
        json_set_text(node, "detail_error", shown->complaint);
    print_json(node);
}

int command_show(const struct arguments *arguments)
{
    struct error error;
    struct reader reader;
    struct shown shown;
    if (reader_open(&reader, arguments->positional[0], &error) != 0)
        return complain(EXIT_FAILED, "%s", error.text);
    int code = EXIT_DONE;
    if (reader_find(&reader, arguments->positional[1], &shown.record, &error) != 0) {
        code = complain(EXIT_FAILED, "%s", error.text);
    } else {
        struct detail *detail = malloc(sizeof *detail);
        assert(detail != NULL);
        int found = reader_detail(&reader, shown.record.job.key, detail, &error);
        shown.canonical = reader.header.canonical;
        shown.detail = found > 0 ? detail : NULL;
        shown.complaint = found < 0 ? error.text : NULL;
        if (arguments->given[OPTION_JSON])
            print_record_json(&shown);
        else
            show_all(&shown);
        free(detail);
    }
    reader_close(&reader);
    return code;
}
