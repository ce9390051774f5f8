/*
 * report_html_champion.c: see report_html.h. The champion: how it was made, where it comes from,
 * what was broken in it on the way.
 */
#include "coordinator/reading/model_layers.h"
#include "coordinator/report/report_html.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------ champion */

static const struct {
    enum slice slice;
    enum metric_id accuracy, loss;
} score_rows[] = {
    {SLICE_TRAIN, METRIC_TRAIN_ACCURACY, METRIC_TRAIN_LOSS},
    {SLICE_SELECT, METRIC_SELECT_ACCURACY, METRIC_SELECT_LOSS},
    {SLICE_CONFIRM, METRIC_CONFIRM_ACCURACY, METRIC_CONFIRM_LOSS},
    {SLICE_TEST, METRIC_TEST_ACCURACY, METRIC_TEST_LOSS},
};
enum { SCORE_ROWS = sizeof score_rows / sizeof score_rows[0] };

static void put_scores(struct page *page)
{
    struct html *html = &page->html;
    bool accuracies = false, any = false;
    for (size_t i = 0; i < SCORE_ROWS; i++) {
        accuracies = accuracies || !isnan(page_metric(page, score_rows[i].accuracy));
        any = any || accuracies || !isnan(page_metric(page, score_rows[i].loss));
    }
    if (!any)
        return;
    page_open_table(page, "Scores of the champion");
    html_raw(html, "<table style=\"width:auto;min-width:18rem\">\n<thead><tr><th>Slice</th>");
    html_raw(html, accuracies ? "<th class=\"n\">Accuracy</th>" : "");
    html_raw(html, "<th class=\"n\">Loss</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < SCORE_ROWS; i++) {
        double accuracy = page_metric(page, score_rows[i].accuracy);
        double loss = page_metric(page, score_rows[i].loss);
        if (isnan(accuracy) && isnan(loss))
            continue;
        html_raw(html, "<tr>");
        html_element(html, "th", "%s", slice_name(score_rows[i].slice));
        if (accuracies)
            html_element(html, "td.n", "%s", say_percent(accuracy).text);
        html_element(html, "td.n", "%s", say_number(loss).text);
        html_raw(html, "</tr>\n");
    }
    html_raw(html, "</tbody>\n");
    page_close_table(page);
}

static void put_checkpoint(struct page *page, const struct commit_record *champion)
{
    char hex[DIGEST_HEX_BYTES];
    if (digest_is_zero(&champion->child))
        return;
    digest_to_hex(&champion->child, hex);
    html_raw(&page->html, "<dt>Checkpoint</dt><dd>");
    html_element(&page->html, "code", "%s", hex);
    html_say(&page->html, ", %s bytes", say_count(champion->child_bytes).text);
    html_raw(&page->html, "</dd>\n");
}

void page_champion(struct page *page)
{
    const struct report *report = page->report;
    const struct commit_record *champion = &report->champion;
    const struct section section = {"champion", "The champion"};
    struct html *html = &page->html;
    char id[ID_BYTES_MAX], label[REPORT_LABEL_BYTES];
    if (!report->has_champion)
        return;
    page_open_section(page, &section);
    format_id(champion->job.key, id);
    format_operator_call(&champion->job.call, label, sizeof label);
    html_raw(html, "<dl>\n<dt>Individual</dt><dd><b>");
    html_say(html, "%s", id);
    html_raw(html, "</b>");
    html_say(html, ", generation %s", say_count(champion->depth).text);
    html_raw(html, "</dd>\n<dt>Made by</dt><dd>");
    html_say(html, "%s%s", label, champion->job.parent_count > 0 ? " from " : "");
    for (uint32_t i = 0; i < champion->job.parent_count; i++) {
        format_id(champion->parent_ids[i], id);
        html_say(html, "%s%s", i > 0 ? " and " : "", id);
    }
    html_raw(html, "</dd>\n");
    html_element(html, "dt", "Fitness");
    html_element(html, "dd", "%s", say_fitness(page->unit, champion->fitness).text);
    put_checkpoint(page, champion);
    html_element(html, "dt", "Computed");
    html_element(html, "dd", "in %s by %s on %s, numeric class %s",
                 say_duration(champion->compute_ms / 1000.0).text, champion->worker, champion->host,
                 champion->numeric);
    html_raw(html, "</dl>\n");
    put_scores(page);
    page_close_section(page);
}

/* ------------------------------------------------------------------------------------- lineage */

enum { LINEAGE_SHOWN_MAX = 60, LINEAGE_SHOWN_FIRST = 40 };

/* What an operator gave to the lineage. */
struct share {
    char label[REPORT_LABEL_BYTES];
    uint64_t steps;
    double gain;
};

static double gain_at(const struct report *report, size_t index)
{
    if (index + 1 >= report->lineage_count)
        return (double)NAN;
    return report->lineage[index].fitness - report->lineage[index + 1].fitness;
}

static int by_gain(const void *a, const void *b)
{
    const struct share *first = a, *second = b;
    if (first->gain != second->gain)
        return first->gain > second->gain ? -1 : 1;
    return strcmp(first->label, second->label);
}

static uint32_t collect_shares(const struct report *report, struct share *shares)
{
    uint32_t count = 0;
    for (size_t i = 0; i + 1 < report->lineage_count; i++) {
        char label[REPORT_LABEL_BYTES];
        uint32_t k = 0;
        format_operator_call(&report->lineage[i].job.call, label, sizeof label);
        while (k < count && strcmp(shares[k].label, label) != 0)
            k++;
        if (k == REPORT_OPERATORS_MAX)
            continue;
        if (k == count) {
            shares[count++] = (struct share){.steps = 0};
            memcpy(shares[k].label, label, sizeof label);
        }
        shares[k].steps++;
        shares[k].gain += gain_at(report, i);
    }
    qsort(shares, count, sizeof *shares, by_gain);
    return count;
}

static void put_shares(struct page *page)
{
    const struct report *report = page->report;
    struct share shares[REPORT_OPERATORS_MAX];
    struct html *html = &page->html;
    uint32_t count = collect_shares(report, shares);
    if (count == 0)
        return;
    html_raw(html, "<p>");
    html_say(html, "%s generations lie between %s and the champion%s. By operator: ",
             say_count(report->lineage_count - 1).text,
             report->lineage_cut ? "the oldest ancestor shown" : "the founder",
             report->lineage_cut ? ", and more behind it" : "");
    for (uint32_t i = 0; i < count; i++) {
        html_raw(html, i > 0 ? "; " : "");
        html_element(html, "b", "%s", shares[i].label);
        html_say(html, " %s\xc2\xa0\xc3\x97, %s in all", say_count(shares[i].steps).text,
                 say_gain(page->unit, shares[i].gain).text);
    }
    html_raw(html, ".</p>\n");
}

static void put_ancestor(struct page *page, size_t index)
{
    const struct commit_record *record = &page->report->lineage[index];
    struct html *html = &page->html;
    char id[ID_BYTES_MAX], other[ID_BYTES_MAX + 8] = "", label[REPORT_LABEL_BYTES];
    format_id(record->job.key, id);
    format_operator_call(&record->job.call, label, sizeof label);
    if (record->job.parent_count > 1) {
        snprintf(other, sizeof other, " with ");
        format_id(record->parent_ids[1], other + strlen(other));
    }
    html_raw(html, index == 0 ? "<tr class=\"top\">" : "<tr>");
    html_element(html, "td", "%s", say_count(record->depth).text);
    html_element(html, "td", "%s", id);
    html_element(html, "td", "%s%s", label, other);
    html_element(html, "td.n", "%s", say_fitness(page->unit, record->fitness).text);
    html_element(html, "td.n", "%s", say_gain(page->unit, gain_at(page->report, index)).text);
    html_raw(html, "</tr>\n");
}

void page_lineage(struct page *page)
{
    const struct report *report = page->report;
    const struct section section = {"lineage", "Its lineage"};
    struct html *html = &page->html;
    if (!report->has_champion)
        return;
    page_open_section(page, &section);
    put_shares(page);
    page_figure(page, FIGURE_LINEAGE,
                "Fitness of the champion\xe2\x80\x99s ancestors by generation, and the operators "
                "that made them.");
    page_open_table(page, "Lineage");
    html_raw(html,
             "<table class=\"tight\">\n<thead><tr><th>Generation</th><th>Job</th><th>Operator</th>"
             "<th class=\"n\">Fitness</th><th class=\"n\">Gain</th></tr></thead>\n<tbody>\n");
    bool cut = report->lineage_count > LINEAGE_SHOWN_MAX;
    size_t hidden = cut ? report->lineage_count - LINEAGE_SHOWN_MAX : 0;
    for (size_t i = 0; i < report->lineage_count; i++) {
        if (cut && i == LINEAGE_SHOWN_FIRST) {
            html_raw(html, "<tr class=\"gap\"><td colspan=\"5\">");
            html_say(html, "%s generations left out here", say_count(hidden).text);
            html_raw(html, "</td></tr>\n");
            i += hidden;
        }
        put_ancestor(page, i);
    }
    html_raw(html, "</tbody>\n");
    page_close_table(page);
    if (report->lineage_cut)
        html_raw(html, "<p class=\"soft\">The lineage is longer than a report follows it.</p>\n");
    page_close_section(page);
}

/* -------------------------------------------------------------------------------------- damage */

enum { LAYERS_SHOWN_MAX = 60, PARTS = 4 };

static const char *const part_titles[PARTS] = {"Incoming", "Bias", "Outgoing", "Reinitialised"};

/* The runs of one layer, in numbers of units. */
struct layer_damage {
    uint32_t layer;
    uint64_t units, parts[PARTS];
};

/* Reads the runs of the layer at `from`; returns the index of the next layer's first run. */
static uint32_t sum_layer(const struct damage_list *list, uint32_t from, struct layer_damage *sum)
{
    *sum = (struct layer_damage){.layer = list->runs[from].layer};
    uint32_t i = from;
    for (; i < list->count && list->runs[i].layer == sum->layer; i++) {
        sum->units += list->runs[i].count;
        for (uint32_t part = 0; part < PARTS; part++)
            if ((list->runs[i].parts >> part & 1) != 0)
                sum->parts[part] += list->runs[i].count;
    }
    return i;
}

static uint32_t output_units(const struct page *page)
{
    const struct detail *detail = page->report->detail;
    return page->report->classes > 0  ? page->report->classes
           : detail->matrix_count > 0 ? detail->matrices[0].classes
                                      : 0;
}

/* Units of a layer; 0: not known. The output layer has one for each class. */
static uint64_t layer_units(const struct page *page, const struct plan *plan, uint32_t layer)
{
    if (plan == NULL || layer >= plan->layer_count)
        return 0;
    return layer + 1 < plan->layer_count ? plan->layers[layer].out : output_units(page);
}

static void put_layer(struct page *page, const struct plan *plan, const struct layer_damage *sum)
{
    struct html *html = &page->html;
    uint64_t units = layer_units(page, plan, sum->layer);
    const char *kind = model_layer_kind(plan, sum->layer);
    html_raw(html, "<tr>");
    html_element(html, "th", "%s", say_count(sum->layer).text);
    html_element(html, "td", "%s", kind[0] != '\0' ? kind : "\xe2\x80\x93");
    if (units > 0)
        html_element(html, "td.n", "%s of %s", say_count(sum->units).text, say_count(units).text);
    else
        html_element(html, "td.n", "%s", say_count(sum->units).text);
    for (uint32_t part = 0; part < PARTS; part++)
        html_element(html, "td.n", "%s",
                     sum->parts[part] > 0 ? say_count(sum->parts[part]).text : "\xe2\x80\x93");
    html_raw(html, "</tr>\n");
}

static void put_layers(struct page *page, const struct damage_list *list)
{
    struct html *html = &page->html;
    struct plan *plan = model_layers_plan(page->report->canonical, output_units(page));
    page_open_table(page, "Damage by layer");
    html_raw(html, "<table>\n<thead><tr><th>Layer</th><th>Kind</th><th class=\"n\">Units hit</th>");
    for (uint32_t part = 0; part < PARTS; part++)
        html_element(html, "th.n", "%s", part_titles[part]);
    html_raw(html, "</tr></thead>\n<tbody>\n");
    uint32_t layers = 0;
    for (uint32_t i = 0; i < list->count; layers++) {
        struct layer_damage sum;
        i = sum_layer(list, i, &sum);
        if (layers < LAYERS_SHOWN_MAX)
            put_layer(page, plan, &sum);
    }
    if (layers > LAYERS_SHOWN_MAX) {
        html_raw(html, "<tr class=\"gap\"><td colspan=\"7\">");
        html_say(html, "%s layers more were hit", say_count(layers - LAYERS_SHOWN_MAX).text);
        html_raw(html, "</td></tr>\n");
    }
    html_raw(html, "</tbody>\n");
    page_close_table(page);
    plan_destroy(&plan);
}

void page_damage(struct page *page)
{
    const struct report *report = page->report;
    const struct section section = {"damage", "Its damage"};
    struct html *html = &page->html;
    if (!report->has_detail)
        return;
    const struct damage_list *list = &report->detail->damage;
    page_open_section(page, &section);
    if (list->count == 0 && list->complete) {
        html_raw(html, "<p>No unit of the champion was ever hit: its lineage has no damage.</p>\n");
        page_close_section(page);
        return;
    }
    uint64_t units = 0, layers = 0;
    for (uint32_t i = 0; i < list->count; layers++) {
        struct layer_damage sum;
        i = sum_layer(list, i, &sum);
        units += sum.units;
    }
    html_raw(html, "<p>");
    html_say(html,
             "%s%s unit%s in %s layer%s %s hit at least once over the whole lineage. Training "
             "went on after each hit, so what was zeroed need not be zero in the champion.",
             list->complete ? "" : "At least ", say_count(units).text, units == 1 ? "" : "s",
             say_count(layers).text, layers == 1 ? "" : "s", units == 1 ? "was" : "were");
    html_raw(html, "</p>\n");
    if (!list->complete)
        html_raw(html,
                 "<p class=\"note\">There was more damage than a result can carry: the table "
                 "and the figure show the first layers only. The checkpoint has it all.</p>\n");
    page_figure(page, FIGURE_DAMAGE,
                "The champion\xe2\x80\x99s damage map: layers and units, by what was hit.");
    put_layers(page, list);
    page_close_section(page);
}
