/*
 * report_html_operators.c: see report_html.h. How fitness grew, and which operators it owes that
 * to.
 */
#include "coordinator/report/report_html.h"

#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------------------------ progress */

static uint64_t count_champions(const struct report *report)
{
    uint64_t champions = 0;
    for (uint32_t i = 0; i < report->operator_count; i++)
        champions += report->operators[i].champions;
    return champions;
}

void page_progress(struct page *page)
{
    const struct report *report = page->report;
    const struct section section = {"progress", "Fitness over jobs"};
    struct html *html = &page->html;
    char says[256];
    uint64_t champions = count_champions(report);
    if (report->jobs == 0)
        return;
    page_open_section(page, &section);
    html_raw(html, "<p>");
    html_say(html, "%s jobs made %s new champion%s", say_count(report->jobs).text,
             say_count(champions).text, champions == 1 ? "" : "s");
    if (report->has_champion) {
        char id[ID_BYTES_MAX];
        format_id(report->champion.job.key, id);
        html_say(html, "; the best, %s, reached a fitness of %s at commit %s of %s", id,
                 say_fitness(page->unit, report->champion.fitness).text,
                 say_count(report->champion_commit).text, say_count(report->counts.commits).text);
    }
    html_raw(html, ". ");
    struct fitness_meaning meaning = report_fitness_meaning(report);
    if (meaning.kind == FITNESS_IS_ACCURACY)
        html_say(html, "Fitness is the accuracy on %s.", slice_name(meaning.slice));
    html_raw(html, "</p>\n");
    snprintf(says, sizeof says, "Fitness of %s, and the best so far.%s",
             report->points_thinned ? "an even choice of the jobs, with all champions"
                                    : "every job",
             report->lines_total > 1 ? " Each line has a best of its own." : "");
    page_figure(page, FIGURE_FITNESS, says);
    page_close_section(page);
}

/* ----------------------------------------------------------------------------------- operators */

/* What the table shows only if it has happened. */
struct operator_columns {
    bool diverged, failed;
};

static void put_rate(struct page *page, const struct report_operator *row)
{
    struct html *html = &page->html;
    if (row->compared == 0) {
        html_element(html, "td.rate", "\xe2\x80\x93");
        return;
    }
    struct interval interval = interval_of_share(row->improved, row->compared);
    html_raw(html, "<td class=\"rate\">");
    html_say(html, "%s ", say_share(row->improved, row->compared).text);
    html_element(html, "small", "(%.1f\xe2\x80\x93%.1f)", 100 * interval.low, 100 * interval.high);
    html_raw(html, "<i style=\"width:");
    html_say(html, "%.1f", 100 * (double)row->improved / (double)row->compared);
    html_raw(html, "%\"></i></td>");
}

static void put_operator(struct page *page, const struct report_operator *row,
                         const struct operator_columns *columns)
{
    struct html *html = &page->html;
    html_raw(html, "<tr>");
    html_element(html, "th", "%s", row->label);
    html_element(html, "td.n", "%s", say_count(row->tried).text);
    if (row->compared > 0)
        html_element(html, "td.n", "%s of %s", say_count(row->improved).text,
                     say_count(row->compared).text);
    else
        html_raw(html, "<td class=\"n\">\xe2\x80\x93</td>");
    put_rate(page, row);
    html_element(html, "td.n", "%s", say_count(row->admitted).text);
    html_element(html, "td.n", "%s", say_count(row->champions).text);
    html_element(html, "td.n", "%s", say_gain(page->unit, row->gain_mean).text);
    html_element(html, "td.n", "%s", say_gain(page->unit, row->gain_best).text);
    if (columns->diverged)
        html_element(html, "td.n", "%s", say_count(row->diverged).text);
    if (columns->failed)
        html_element(html, "td.n", "%s", say_count(row->failed).text);
    html_element(html, "td.n", "%s", say_duration(row->compute_s).text);
    html_raw(html, "</tr>\n");
}

static void put_operator_table(struct page *page)
{
    const struct report *report = page->report;
    struct html *html = &page->html;
    const struct operator_columns columns = {.diverged = report->counts.diverged > 0,
                                             .failed = report->counts.failed > 0};
    page_open_table(page, "Operators");
    html_raw(html, "<table>\n<thead><tr><th>Operator</th><th class=\"n\">Tried</th>"
                   "<th class=\"n\">Improved</th>"
                   "<th class=\"rate\">Share <small>(95\xc2\xa0%)</small></th>"
                   "<th class=\"n\">Admitted</th><th class=\"n\">Champions</th>"
                   "<th class=\"n\">Mean gain</th><th class=\"n\">Best gain</th>");
    html_raw(html, columns.diverged ? "<th class=\"n\">Diverged</th>" : "");
    html_raw(html, columns.failed ? "<th class=\"n\">Failed</th>" : "");
    html_raw(html, "<th class=\"n\">Compute</th></tr></thead>\n<tbody>\n");
    for (uint32_t i = 0; i < report->operator_count; i++)
        put_operator(page, &report->operators[i], &columns);
    html_raw(html, "</tbody>\n");
    page_close_table(page);
}

/* ------------------------------------------------------------------------------------- control */

static const struct report_operator *find_control(const struct report *report)
{
    for (uint32_t i = 0; i < report->operator_count; i++)
        if (strcmp(report->operators[i].label, "none") == 0 && report->operators[i].compared > 0)
            return &report->operators[i];
    return NULL;
}

enum standing { STANDS_ABOVE = 0, STANDS_BELOW, STANDS_WITH, STANDINGS };

/* Two shares are told apart where their 95 % intervals have nothing in common. */
static enum standing standing_of(const struct report_operator *row,
                                 const struct report_operator *control)
{
    struct interval own = interval_of_share(row->improved, row->compared);
    struct interval other = interval_of_share(control->improved, control->compared);
    if (own.low > other.high)
        return STANDS_ABOVE;
    return own.high < other.low ? STANDS_BELOW : STANDS_WITH;
}

/* Names those that stand so, behind `separator`; returns how many. */
static uint32_t put_standing(struct page *page, const struct report_operator *control,
                             enum standing standing, const char *separator)
{
    static const char *const words[STANDINGS] = {
        [STANDS_ABOVE] = "more often: ",
        [STANDS_BELOW] = "less often: ",
        [STANDS_WITH] = "no clear difference: ",
    };
    const struct report *report = page->report;
    uint32_t said = 0;
    for (uint32_t i = 0; i < report->operator_count; i++) {
        const struct report_operator *row = &report->operators[i];
        if (row == control || row->compared == 0 || standing_of(row, control) != standing)
            continue;
        html_raw(&page->html, said == 0 ? separator : ", ");
        html_raw(&page->html, said++ == 0 ? words[standing] : "");
        html_element(&page->html, "b", "%s", row->label);
    }
    return said;
}

/* Damage is worth something where it beats going on without any. */
static void put_control(struct page *page)
{
    const struct report *report = page->report;
    const struct report_operator *control = find_control(report);
    uint32_t others = 0;
    for (uint32_t i = 0; i < report->operator_count; i++)
        others += &report->operators[i] != control && report->operators[i].compared > 0;
    if (control == NULL || others == 0)
        return;
    html_raw(&page->html, "<p>How often children improve on their parent, beside those of the "
                          "control arm <b>none</b>, which changes nothing: ");
    const char *separator = "";
    for (enum standing standing = STANDS_ABOVE; standing < STANDINGS; standing++)
        if (put_standing(page, control, standing, separator) > 0)
            separator = "; ";
    html_raw(&page->html, ". (Told apart where the 95\xc2\xa0% intervals do not overlap.)</p>\n");
}

static void put_totals(struct page *page)
{
    const struct report *report = page->report;
    uint64_t compared = 0, improved = 0;
    for (uint32_t i = 0; i < report->operator_count; i++) {
        compared += report->operators[i].compared;
        improved += report->operators[i].improved;
    }
    if (compared == 0)
        return;
    html_raw(&page->html, "<p>");
    html_say(&page->html, "Of %s children compared with their (first) parent, %s were fitter: %s.",
             say_count(compared).text, say_count(improved).text,
             say_share(improved, compared).text);
    html_raw(&page->html, "</p>\n");
}

void page_operators(struct page *page)
{
    const struct section section = {"operators", "Operators"};
    if (page->report->jobs == 0)
        return;
    page_open_section(page, &section);
    put_totals(page);
    put_control(page);
    put_operator_table(page);
    html_raw(&page->html,
             "<p class=\"soft\"><small>Improved: strictly fitter than the first parent, of "
             "the children that have both a parent and an outcome. Champions: "
             "fitter than all before in their line. Gain: fitness minus the first "
             "parent\xe2\x80\x99s");
    html_raw(&page->html, page->unit == FITNESS_ACCURACY ? ", in percentage points.</small></p>\n"
                                                         : ".</small></p>\n");
    page_figure(page, FIGURE_OPERATORS,
                "How often each operator\xe2\x80\x99s children improved on their parents, with "
                "95\xc2\xa0% intervals.");
    page_bands(page);
    page_close_section(page);
}
