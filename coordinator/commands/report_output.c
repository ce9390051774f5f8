/* report_output.c: see report_output.h. */
#include "coordinator/commands/report_output.h"

#include "common/os_signal.h"
#include "coordinator/commands/record_output.h"
#include "coordinator/commands/report_overrides.h"
#include "coordinator/reading/output_path.h"
#include "coordinator/report/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------- JSON */

/* By the fitness of the parents: see "band_edges". */
static struct json_node *bands_node(const struct report_operator *row)
{
    struct json_node *bands = json_node_array();
    for (int i = 0; i < REPORT_BANDS; i++) {
        struct json_node *band = json_node_object();
        json_set_u64(band, "compared", row->bands[i].compared);
        json_set_u64(band, "improved", row->bands[i].improved);
        json_append_node(bands, band);
    }
    return bands;
}

static struct json_node *operator_node(const struct report_operator *row)
{
    struct json_node *node = json_node_object();
    json_set_text(node, "operator", row->name);
    if (strcmp(row->label, row->name) != 0)
        json_set_text(node, "label", row->label);
    json_set_u64(node, "tried", row->tried);
    json_set_u64(node, "compared", row->compared);
    json_set_u64(node, "improved", row->improved);
    json_set_u64(node, "admitted", row->admitted);
    json_set_u64(node, "champions", row->champions);
    json_set_u64(node, "diverged", row->diverged);
    json_set_u64(node, "failed", row->failed);
    json_set_node(node, "bands", bands_node(row));
    json_set_f64(node, "gain_mean", row->gain_mean);
    json_set_f64(node, "gain_best", row->gain_best);
    json_set_u64(node, "steps", row->steps);
    json_set_f64(node, "compute_s", row->compute_s);
    return node;
}

/* Nulls when there are no bands. */
static struct json_node *edges_node(const struct report *report)
{
    struct json_node *edges = json_node_array();
    for (int i = 0; i <= REPORT_BANDS; i++)
        json_append_node(edges, json_node_f64(report->band_edges[i]));
    return edges;
}

static struct json_node *champion_node(const struct report *report)
{
    struct json_node *node = summary_node(&report->champion);
    json_set_node(node, "metrics",
                  metrics_node(report->has_final ? &report->final : &report->champion));
    return node;
}

static struct json_node *report_node(const struct report *report)
{
    struct json_node *node = json_node_object(), *rows = json_node_array();
    json_set_text(node, "name", report->name);
    json_set_text(node, "state", report->state);
    if (report->poison[0] != '\0')
        json_set_text(node, "reason", report->poison);
    json_set_text(node, "digest", report->digest[0] != '\0' ? report->digest : NULL);
    json_set_u64(node, "jobs", report->jobs);
    json_set_u64(node, "commits", report->counts.commits);
    json_set_u64(node, "admitted", report->counts.admitted);
    json_set_u64(node, "diverged", report->counts.diverged);
    json_set_u64(node, "failed", report->counts.failed);
    json_set_u64(node, "attempts", report->attempts);
    json_set_u64(node, "opinions", report->opinions);
    json_set_u64(node, "lines", report->lines_total);
    json_set_u64(node, "steps", report->steps);
    json_set_f64(node, "compute_s", report->compute_s);
    json_set_f64(node, "wall_s", report->wall_s);
    if (report->has_champion)
        json_set_node(node, "champion", champion_node(report));
    else
        json_set_text(node, "champion", NULL);
    for (uint32_t i = 0; i < report->operator_count; i++)
        json_append_node(rows, operator_node(&report->operators[i]));
    json_set_node(node, "operators", rows);
    json_set_node(node, "band_edges", edges_node(report));
    return node;
}

/* ------------------------------------------------------------------------------------- writing */

/* 0, or -1 with the reason. */
static int draw(const struct report_request *request, const struct report *report,
                struct figure figures[FIGURE_COUNT], struct report_made *made, struct error *error)
{
    struct error reason = {""};
    enum figures_result drawn = report_figures(report, figures, &reason);
    if (signal_stop_waiting() != 0)
        return error_set(error, -1, "interrupted before the page was written");
    /* A page without figures is worth more than none; who asks for the figures wants them. */
    if ((drawn == FIGURES_NO_GNUPLOT || drawn == FIGURES_FAILED) && request->figures != NULL)
        return error_set(error, -1, "%s", reason.text);
    if (drawn != FIGURES_DRAWN)
        snprintf(made->warning, sizeof made->warning, "%s", reason.text);
    made->drawn = drawn == FIGURES_DRAWN || drawn == FIGURES_ONE_LEFT_OUT;
    return 0;
}

/* Where nobody said where to, the reason gets advice. */
static int fail(const struct report_request *request, const struct error *reason,
                struct error *error)
{
    return error_set(error, -1, "%s%s", reason->text,
                     request->output == NULL ? "; --output FILE writes the report elsewhere" : "");
}

/* What it is called and, links followed, where it goes: not over a file of the run. */
static int place_page(const struct report_request *request, struct report_made *made,
                      char target[OS_PATH_BYTES_MAX], struct error *error)
{
    struct error reason;
    if (request->output == NULL &&
        os_path_join(made->path, sizeof made->path, request->run, "report.html", error) != 0)
        return -1;
    if (request->output != NULL &&
        (size_t)snprintf(made->path, sizeof made->path, "%s", request->output) >= sizeof made->path)
        return error_set(error, -1, "%.200s...: path too long", request->output);
    const struct output_wish wish = {made->path, request->run};
    return output_path_find(&wish, target, &reason) == 0 ? 0 : fail(request, &reason, error);
}

static int write_page(const struct report_request *request, const struct report_page *page,
                      const char *target, struct error *error)
{
    struct error reason;
    return report_write_html(page, target, &reason) == 0 ? 0 : fail(request, &reason, error);
}

/* {"report": ..., "figures": [...], "warning": ..., ...} */
static struct json_node *made_node(const struct report_request *request,
                                   const struct report *report,
                                   const struct figure figures[FIGURE_COUNT],
                                   const struct report_made *made)
{
    struct json_node *node = json_node_object(), *files = json_node_array();
    json_set_text(node, "report", made->path);
    for (int i = 0; i < FIGURE_COUNT && request->figures != NULL; i++) {
        char path[OS_PATH_BYTES_MAX + 64];
        if (figures[i].svg == NULL)
            continue;
        snprintf(path, sizeof path, "%s/%s.svg", request->figures,
                 figure_title((enum figure_name)i));
        json_append_node(files, json_node_text(path));
    }
    json_set_node(node, "figures", files);
    json_set_text(node, "warning", made->warning[0] != '\0' ? made->warning : NULL);
    json_set_node(node, "run", report_node(report));
    return node;
}

static int write_all(const struct report_request *request, const struct report *report,
                     struct report_made *made, struct error *error)
{
    struct figure figures[FIGURE_COUNT] = {{NULL, 0}};
    char target[OS_PATH_BYTES_MAX];
    int rc = place_page(request, made, target, error);
    if (rc == 0)
        rc = draw(request, report, figures, made, error);
    char **overrides = report_overrides(report);
    const struct report_page page = {
        .report = report,
        .figures = made->drawn ? figures : NULL,
        .figures_reason = made->warning,
        .overrides = (const char *const *)overrides,
    };
    if (rc == 0 && request->figures != NULL)
        rc = figures_write(figures, request->figures, error);
    if (rc == 0)
        rc = write_page(request, &page, target, error);
    if (rc == 0)
        made->node = made_node(request, report, figures, made);
    report_overrides_free(overrides);
    figures_free(figures);
    return rc;
}

int write_report(const struct report_request *request, struct report_made *made,
                 struct error *error)
{
    struct reader reader;
    *made = (struct report_made){.path = ""};
    if (reader_open(&reader, request->run, error) != 0)
        return -1;
    struct report *report = malloc(sizeof *report);
    int rc = report == NULL ? error_set(error, -1, "no memory for a report")
                            : report_read(&reader, report, error);
    if (rc == 0) {
        rc = write_all(request, report, made, error);
        report_free(report);
    }
    free(report);
    reader_close(&reader);
    return rc;
}
