/*
 * report_html_bands.c: see report_html.h. Which operators helped whom: shares of improvement by how
 * good the parent was.
 */
#include "coordinator/report/report_html.h"

#include <math.h>

static void put_heads(struct page *page)
{
    const double *edges = page->report->band_edges;
    struct html *html = &page->html;
    html_raw(html, "<table>\n<thead><tr><th>Parent\xe2\x80\x99s fitness</th>");
    for (int band = 0; band < REPORT_BANDS; band++)
        html_element(html, "th.n", "%s to %s", say_fitness(page->unit, edges[band]).text,
                     say_fitness(page->unit, edges[band + 1]).text);
    html_raw(html, "</tr></thead>\n<tbody>\n");
}

static void put_row(struct page *page, const struct report_operator *row)
{
    struct html *html = &page->html;
    html_raw(html, "<tr>");
    html_element(html, "th", "%s", row->label);
    for (int band = 0; band < REPORT_BANDS; band++) {
        uint64_t improved = row->bands[band].improved, compared = row->bands[band].compared;
        html_raw(html, "<td class=\"n\">");
        if (compared == 0)
            html_raw(html, "\xe2\x80\x93");
        else
            html_say(html, "%s ", say_share(improved, compared).text);
        if (compared > 0)
            html_element(html, "small", "(%s of %s)", say_count(improved).text,
                         say_count(compared).text);
        html_raw(html, "</td>");
    }
    html_raw(html, "</tr>\n");
}

void page_bands(struct page *page)
{
    const struct report *report = page->report;
    struct html *html = &page->html;
    if (isnan(report->band_edges[0]))
        return;
    html_raw(html, "<p>What frees a network that is stuck may only hurt one that learns. The share "
                   "of children that improved, by how good their parent was:</p>\n");
    page_open_table(page, "Operators by the fitness of the parent");
    put_heads(page);
    for (uint32_t i = 0; i < report->operator_count; i++)
        if (report->operators[i].compared > 0)
            put_row(page, &report->operators[i]);
    html_raw(html, "</tbody>\n");
    page_close_table(page);
}
