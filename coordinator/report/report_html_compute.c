/*
 * report_html_compute.c: see report_html.h. What the run cost and who paid; how its lines ended.
 */
#include "coordinator/report/report_html.h"

enum { LINES_SHOWN_MAX = 50, BUSY_LEAST_S = 5 };

/* ------------------------------------------------------------------------------------- compute */

static void put_totals(struct page *page)
{
    const struct report *report = page->report;
    struct html *html = &page->html;
    html_raw(html, "<p>");
    html_say(html, "%s commits took %s of computing", say_count(report->counts.commits).text,
             say_duration(report->compute_s).text);
    if (report->steps > 0)
        html_say(html, " and %s optimiser steps", say_count(report->steps).text);
    html_say(html, ". From the first commit to the last, %s went by",
             say_duration(report->wall_s).text);
    /* A run that was paused went on without anybody who could have been busy. */
    double up_s = report->served_s > 0 ? report->served_s : report->wall_s;
    if (report->served_s > 0)
        html_say(html, "; a coordinator was up for %s", say_duration(report->served_s).text);
    /* In less, starting and stopping would count. */
    if (up_s >= BUSY_LEAST_S)
        html_say(html, ": %.1f processes were busy on average", report->compute_s / up_s);
    html_raw(html, ".</p>\n");
    uint64_t commits = report->counts.commits;
    uint64_t repeats = report->attempts > commits ? report->attempts - commits : 0;
    if (repeats == 0 && report->opinions == 0)
        return;
    html_raw(html, "<p>");
    html_say(html,
             "Besides, %s second opinion%s on would-be champions %s asked for, and %s job%s %s "
             "handed out once more, since a worker was lost or late. Their time is not in these "
             "numbers.",
             say_count(report->opinions).text, report->opinions == 1 ? "" : "s",
             report->opinions == 1 ? "was" : "were", say_count(repeats).text,
             repeats == 1 ? "" : "s", repeats == 1 ? "was" : "were");
    html_raw(html, "</p>\n");
}

static void put_workers(struct page *page)
{
    const struct report *report = page->report;
    struct html *html = &page->html;
    page_open_table(page, "Workers");
    html_raw(html,
             "<table>\n<thead><tr><th>Worker</th><th>Host</th><th>Numeric class</th>"
             "<th class=\"n\">Commits</th><th class=\"n\">Steps</th>"
             "<th class=\"n\">Compute</th><th class=\"n\">Share</th></tr></thead>\n<tbody>\n");
    for (uint32_t i = 0; i < report->worker_count; i++) {
        const struct report_worker *row = &report->workers[i];
        html_raw(html, "<tr>");
        html_element(html, "th", "%s", row->worker);
        html_element(html, "td", "%s", row->host);
        html_element(html, "td", "%s", row->numeric);
        html_element(html, "td.n", "%s", say_count(row->jobs).text);
        html_element(html, "td.n", "%s", say_count(row->steps).text);
        html_element(html, "td.n", "%s", say_duration(row->compute_s).text);
        html_element(html, "td.n", "%s",
                     report->compute_s > 0 ? say_share((uint64_t)(row->compute_s * 1000 + 0.5),
                                                       (uint64_t)(report->compute_s * 1000 + 0.5))
                                                 .text
                                           : "\xe2\x80\x93");
        html_raw(html, "</tr>\n");
    }
    html_raw(html, "</tbody>\n");
    page_close_table(page);
}

void page_compute(struct page *page)
{
    const struct section section = {"compute", "Compute spent"};
    page_open_section(page, &section);
    if (page->report->counts.commits == 0) {
        html_raw(&page->html, "<p>None yet: no job is done.</p>\n");
    } else {
        put_totals(page);
        page_figure(page, FIGURE_COMPUTE,
                    "Best fitness over the computing time that was spent to get there.");
        put_workers(page);
    }
    page_close_section(page);
}

/* --------------------------------------------------------------------------------------- lines */

static void put_line(struct page *page, const struct report_line *line)
{
    struct html *html = &page->html;
    char id[ID_BYTES_MAX] = "\xe2\x80\x93";
    struct words fitness = {"\xe2\x80\x93"}, depth = fitness, test = fitness;
    if (line->has_champion) {
        format_id(line->champion.job.key, id);
        fitness = say_fitness(page->unit, line->champion.fitness);
        depth = say_count(line->champion.depth);
    }
    const struct commit_record *final = line->has_final ? &line->final : NULL;
    const double *accuracy = record_metric(final, METRIC_TEST_ACCURACY);
    const double *loss = record_metric(final, METRIC_TEST_LOSS);
    if (accuracy != NULL)
        test = say_percent(*accuracy);
    else if (loss != NULL)
        test = say_number(*loss);
    html_raw(html, "<tr>");
    html_element(html, "th", "%s", say_count(line->line).text);
    html_element(html, "td.n", "%s", say_count(line->commits).text);
    html_element(html, "td", "%s", id);
    html_element(html, "td.n", "%s", depth.text);
    html_element(html, "td.n", "%s", fitness.text);
    html_element(html, "td.n", "%s", test.text);
    html_raw(html, "</tr>\n");
}

/* Where the middle of the lines is, which the best of them does not tell. */
static void put_middle(struct page *page)
{
    const struct report *report = page->report;
    size_t with = 0;
    while (with < report->line_count && report->lines[with].has_champion)
        with++;
    html_raw(&page->html, "<p>");
    html_say(&page->html, "%s lines, which share no state; %s of them have a champion.",
             say_count(report->lines_total).text, say_count(with).text);
    if (with > 1)
        html_say(&page->html, " Their fitness: best %s, median %s, worst %s.",
                 say_fitness(page->unit, report->lines[0].champion.fitness).text,
                 say_fitness(page->unit, (report->lines[(with - 1) / 2].champion.fitness +
                                          report->lines[with / 2].champion.fitness) /
                                             2)
                     .text,
                 say_fitness(page->unit, report->lines[with - 1].champion.fitness).text);
    html_raw(&page->html, "</p>\n");
}

void page_lines(struct page *page)
{
    const struct report *report = page->report;
    const struct section section = {"lines", "Lines"};
    struct html *html = &page->html;
    if (report->lines_total <= 1 || report->line_count == 0)
        return;
    page_open_section(page, &section);
    /* Beyond what a report holds, its last line is not the worst one. */
    if (report->line_count < REPORT_LINES_MAX)
        put_middle(page);
    page_open_table(page, "Lines");
    html_raw(html, "<table>\n<thead><tr><th>Line</th><th class=\"n\">Commits</th>"
                   "<th>Champion</th><th class=\"n\">Generation</th><th class=\"n\">Fitness</th>"
                   "<th class=\"n\">Test</th></tr></thead>\n<tbody>\n");
    size_t shown = report->line_count < LINES_SHOWN_MAX ? report->line_count : LINES_SHOWN_MAX;
    for (size_t i = 0; i < shown; i++)
        put_line(page, &report->lines[i]);
    html_raw(html, "</tbody>\n");
    page_close_table(page);
    if (report->lines_total > shown) {
        html_raw(html, "<p class=\"soft\">");
        html_say(html, "The %s best of %s lines.", say_count(shown).text,
                 say_count(report->lines_total).text);
        html_raw(html, "</p>\n");
    }
    page_close_section(page);
}
