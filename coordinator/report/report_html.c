/*
 * report_html.c: see report.h and report_html.h. The frame of the page, and the file.
 *
 * The page goes to people who have nothing but the page: it carries its figures as data, has no
 * script and asks no server for anything.
 */
#include "coordinator/report/report_html.h"

#include "common/version.h"
#include "coordinator/reading/settings_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------- helpers */

void page_open_section(struct page *page, const struct section *section)
{
    struct html *html = &page->html;
    html_raw(html, "\n<section id=\"");
    html_raw(html, section->id);
    html_raw(html, "\">\n<h2>");
    html_raw(html, section->title);
    html_raw(html, "</h2>\n");
}

void page_close_section(struct page *page)
{
    html_raw(&page->html, "</section>\n");
}

void page_open_table(struct page *page, const char *label)
{
    html_raw(&page->html, "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"");
    html_text(&page->html, label);
    html_raw(&page->html, "\">\n");
}

void page_close_table(struct page *page)
{
    html_raw(&page->html, "</table>\n</div>\n");
}

void page_figure(struct page *page, enum figure_name name, const char *says)
{
    struct html *html = &page->html;
    if (page->figures == NULL || page->figures[name].svg == NULL)
        return;
    html_raw(html, "<figure>\n<div><img src=\"data:image/svg+xml;base64,");
    html_base64(html, (struct html_bytes){page->figures[name].svg, page->figures[name].bytes});
    html_raw(html, "\" alt=\"");
    html_text(html, says);
    html_raw(html, "\"></div>\n<figcaption>");
    html_text(html, says);
    html_raw(html, "</figcaption>\n</figure>\n");
}

uint64_t page_setting(const struct page *page, const char *key)
{
    char value[32];
    settings_find(page->report->canonical, key, value, sizeof value);
    return strtoull(value, NULL, 10);
}

double page_metric(const struct page *page, enum metric_id id)
{
    const struct report *report = page->report;
    const double *value = record_metric(report->has_final ? &report->final : NULL, id);
    if (value == NULL)
        value = record_metric(report->has_champion ? &report->champion : NULL, id);
    return value != NULL ? *value : (double)NAN;
}

/* ---------------------------------------------------------------------------------------- page */

static void page_whole(struct page *page)
{
    struct html *html = &page->html;
    html_raw(html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                   "<meta name=\"generator\" content=\"ratchet\">\n<title>");
    html_text(html, page->report->name);
    html_raw(html, " \xe2\x80\x93 Ratchet report</title>\n<style>");
    html_raw(html, report_style);
    html_raw(html, "</style>\n</head>\n<body>\n");
    page_summary(page);
    html_raw(html, "<main>");
    page_experiment(page);
    page_progress(page);
    page_operators(page);
    page_champion(page);
    page_lineage(page);
    page_damage(page);
    page_confusion(page);
    page_lines(page);
    page_compute(page);
    page_reproduce(page);
    html_raw(html, "</main>\n<footer>\n<p>");
    html_say(html, "Made from the run\xe2\x80\x99s ledger by ratchet %s.", RATCHET_VERSION);
    html_raw(html, "</p>\n</footer>\n</body>\n</html>\n");
}

int report_write_html(const struct report_page *input, const char *path, struct error *error)
{
    char evaluator[32];
    struct page page = {
        .report = input->report,
        .figures = input->figures,
        .figures_reason = input->figures_reason,
        .overrides = input->overrides,
    };
    settings_find(input->report->canonical, "evaluator", evaluator, sizeof evaluator);
    page.trained = strcmp(evaluator, "train") == 0;
    page.unit = report_fitness_meaning(input->report).kind == FITNESS_IS_ACCURACY ? FITNESS_ACCURACY
                                                                                  : FITNESS_NUMBER;
    page_whole(&page);
    int rc = page.html.failed
                 ? error_set(error, -1, "%s: no memory for the page", path)
                 : os_write_atomic(path, page.html.bytes, page.html.count, 0644, error);
    free(page.html.bytes);
    return rc;
}
