/*
 * report_html_summary.c: see report_html.h. What a reader sees first: how good the champion is,
 * what it cost, whether anything is odd; then what was run.
 */
#include "coordinator/reading/settings_text.h"
#include "coordinator/report/report_html.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* -------------------------------------------------------------------------------------- strip */

/* A number with what it is; the words below it may be "". */
struct tile {
    const char *label;
    struct words number;
    char below[128];
    bool main;
};

static void put_tile(struct page *page, const struct tile *tile)
{
    struct html *html = &page->html;
    html_raw(html, tile->main ? "<div class=\"tile main\">" : "<div class=\"tile\">");
    html_element(html, "span", "%s", tile->label);
    html_element(html, "b", "%s", tile->number.text);
    if (tile->below[0] != '\0')
        html_element(html, "span", "%s", tile->below);
    html_raw(html, "</div>\n");
}

static uint64_t matrix_total(const struct confusion_matrix *matrix)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < matrix->classes * matrix->classes; i++)
        total += matrix->counts[i];
    return total;
}

static const struct slice_metrics {
    enum slice slice;
    enum metric_id accuracy, loss;
    const char *accuracy_label, *loss_label;
} slice_metrics[] = {
    {SLICE_TEST, METRIC_TEST_ACCURACY, METRIC_TEST_LOSS, "Test accuracy", "Test loss"},
    {SLICE_CONFIRM, METRIC_CONFIRM_ACCURACY, METRIC_CONFIRM_LOSS, "Confirm accuracy",
     "Confirm loss"},
    {SLICE_SELECT, METRIC_SELECT_ACCURACY, METRIC_SELECT_LOSS, "Select accuracy", "Select loss"},
    {SLICE_TRAIN, METRIC_TRAIN_ACCURACY, METRIC_TRAIN_LOSS, "Train accuracy", "Train loss"},
};

/* The accuracy with its interval where the number of samples is known, or the loss. */
static bool put_score(struct page *page, const struct slice_metrics *row, bool main)
{
    double accuracy = page_metric(page, row->accuracy), loss = page_metric(page, row->loss);
    struct tile tile = {.main = main};
    if (isnan(accuracy) && isnan(loss))
        return false;
    if (isnan(accuracy)) {
        tile.label = row->loss_label;
        tile.number = say_number(loss);
        put_tile(page, &tile);
        return true;
    }
    tile.label = row->accuracy_label;
    tile.number = say_percent(accuracy);
    const struct confusion_matrix *matrix = report_matrix(page->report, row->slice);
    uint64_t total = matrix == NULL ? 0 : matrix_total(matrix);
    if (total > 0 && accuracy >= 0 && accuracy <= 1) {
        struct interval interval =
            interval_of_share((uint64_t)(accuracy * (double)total + 0.5), total);
        snprintf(tile.below, sizeof tile.below,
                 "95\xc2\xa0%%:\xc2\xa0%.1f\xe2\x80\x93%.1f\xc2\xa0%%", 100 * interval.low,
                 100 * interval.high);
    } else if (!isnan(loss)) {
        snprintf(tile.below, sizeof tile.below, "loss %s", say_number(loss).text);
    }
    put_tile(page, &tile);
    return true;
}

static void put_scores(struct page *page)
{
    bool main = true;
    if (!page->report->has_champion)
        return;
    for (size_t i = 0; i < sizeof slice_metrics / sizeof slice_metrics[0]; i++)
        if (put_score(page, &slice_metrics[i], main))
            main = false;
    if (main) { /* an evaluator without metrics */
        const struct tile tile = {
            "Best fitness", say_fitness(page->unit, page->report->champion.fitness), "", true};
        put_tile(page, &tile);
    }
}

static void put_costs(struct page *page)
{
    const struct report *report = page->report;
    struct tile jobs = {"Jobs", say_count(report->jobs), "", false};
    snprintf(jobs.below, sizeof jobs.below, "%s admitted", say_count(report->counts.admitted).text);
    put_tile(page, &jobs);
    struct tile compute = {"Compute", say_duration(report->compute_s), "", false};
    if (report->steps > 0)
        snprintf(compute.below, sizeof compute.below, "%s steps", say_count(report->steps).text);
    put_tile(page, &compute);
    struct tile wall = {"Wall time", say_duration(report->wall_s), "first to last commit", false};
    put_tile(page, &wall);
}

static void put_state(struct page *page)
{
    const char *state = page->report->state;
    if (strcmp(state, "finished") == 0)
        html_raw(&page->html, "<span class=\"badge\">finished</span>");
    else
        html_element(&page->html,
                     page->report->poison[0] != '\0' ? "span.badge bad" : "span.badge open", "%s",
                     state);
}

/* --------------------------------------------------------------------------------------- notes */

static void open_note(struct page *page)
{
    html_raw(&page->html, "<p class=\"note\">");
}

static void close_note(struct page *page)
{
    html_raw(&page->html, "</p>\n");
}

static void note_state(struct page *page)
{
    const struct report *report = page->report;
    struct html *html = &page->html;
    if (report->poison[0] != '\0') {
        html_raw(html, "<p class=\"note bad\" role=\"alert\"><b>The run stopped.</b> ");
        html_say(html, "%s.", report->poison);
        close_note(page);
    } else if (strcmp(report->state, "finished") != 0) {
        open_note(page);
        html_say(html, "The run is not finished: the page shows what was committed %s%s.",
                 report->counts.commits > 0 ? "until " : "so far, which is nothing",
                 report->counts.commits > 0 ? say_time(report->committed_last).text : "");
        close_note(page);
    }
    if (!report->has_champion) {
        char text[NO_CHAMPION_BYTES_MAX];
        format_no_champion(&report->counts, text);
        open_note(page);
        html_say(html, "Champion: %s.", text);
        close_note(page);
    }
}

/* What selects is flattered by it: the best of many noisy measurements is too good. */
static void note_bias(struct page *page)
{
    struct html *html = &page->html;
    if (!page->trained || !page->report->has_champion)
        return;
    uint64_t select = page_setting(page, "data.select"),
             confirm = page_setting(page, "data.confirm");
    html_raw(html, select > 0 && confirm > 0 ? "<p class=\"note calm\">" : "<p class=\"note\">");
    if (select == 0)
        html_raw(html, "<b>There is no select slice:</b> the samples of training decided what was "
                       "kept, so the accuracy on them is no measure of what was learnt. ");
    else if (confirm == 0)
        html_raw(html, "<b>The accuracy on select is biased:</b> select decided what was kept and "
                       "there is no confirm slice beside it, as in the published study. The best "
                       "of many noisy measurements is too good on average. ");
    else
        html_raw(html, "<b>Select flatters, test does not.</b> Select decided what was kept, and "
                       "the best of many noisy measurements is too good on average. ");
    bool tested = !isnan(page_metric(page, METRIC_TEST_ACCURACY));
    html_raw(html, tested ? "Test had no part in the search: quote that."
                          : "The champion was not evaluated on test.");
    close_note(page);
}

static void note_figures(struct page *page)
{
    const char *reason = page->figures_reason != NULL ? page->figures_reason : "";
    if (page->figures != NULL && reason[0] == '\0')
        return;
    open_note(page);
    html_raw(&page->html,
             page->figures != NULL ? "<b>Without one figure:</b> " : "<b>Without figures:</b> ");
    html_text(&page->html, reason[0] != '\0' ? reason : "none were drawn");
    close_note(page);
}

/* -------------------------------------------------------------------------------------- header */

static void put_links(struct page *page)
{
    const struct report *report = page->report;
    struct html *html = &page->html;
    html_raw(html, "<nav aria-label=\"Sections\"><a href=\"#experiment\">Experiment</a>");
    if (report->jobs > 0)
        html_raw(html, "<a href=\"#progress\">Progress</a><a href=\"#operators\">Operators</a>");
    if (report->has_champion)
        html_raw(html, "<a href=\"#champion\">Champion</a><a href=\"#lineage\">Lineage</a>");
    html_raw(html, "<a href=\"#compute\">Compute</a><a href=\"#reproduce\">Reproduce</a></nav>\n");
}

void page_summary(struct page *page)
{
    const struct report *report = page->report;
    struct html *html = &page->html;
    html_raw(html, "<header>\n");
    html_element(html, "p.kicker", "Ratchet report");
    html_element(html, "h1", "%s", report->name);
    html_raw(html, "<p class=\"soft\">");
    put_state(page);
    if (report->counts.commits > 0)
        html_say(html, "%s \xc2\xb7 ", say_time(report->committed_first).text);
    html_say(html, "run %.8s \xc2\xb7 engine %s", report->run, report->engine_version);
    html_raw(html, "</p>\n");
    put_links(page);
    html_raw(html, "<div class=\"strip\">\n");
    put_scores(page);
    put_costs(page);
    html_raw(html, "</div>\n");
    if (report->digest[0] != '\0') {
        html_raw(html, "<p class=\"digest\">Digest ");
        html_element(html, "code", "%s", report->digest);
        html_raw(html, "</p>\n");
    }
    note_state(page);
    note_bias(page);
    note_figures(page);
    html_raw(html, "</header>\n");
}

/* ---------------------------------------------------------------------------------- experiment */

/* Settings whose key starts with `prefix`, told in one row. */
struct group {
    const char *title, *prefix;
    const char *head;  /* told first, without its key; or NULL */
    const char *zeros; /* not NULL: a setting of this value is off and left out */
};

static const struct group groups[] = {
    {"Strategy", "strategy.", "name", NULL},  {"Search", "search.", NULL, NULL},
    {"Model", "model.", "spec", NULL},        {"Data", "data.", "set", NULL},
    {"Training", "train.", "optimizer", "0"}, {"Null landscape", "null.", NULL, NULL},
};

static bool is_value(const struct setting *setting, const char *value)
{
    return value != NULL && setting->value_bytes == strlen(value) &&
           memcmp(setting->value, value, setting->value_bytes) == 0;
}

/* "50,000 train, 5,000 select": the slices, which are settings of the data. */
static bool is_slice(const struct setting *setting)
{
    static const char *const keys[] = {"data.train", "data.select", "data.confirm", "data.test"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (setting->key_bytes == strlen(keys[i]) &&
            memcmp(setting->key, keys[i], setting->key_bytes) == 0)
            return true;
    return false;
}

static void put_slices(struct page *page)
{
    struct html *html = &page->html;
    if (!page->trained)
        return;
    uint64_t test = page_setting(page, "data.test");
    html_raw(html, "<dt>Slices</dt><dd>");
    html_say(html, "train %s, ", say_count(page_setting(page, "data.train")).text);
    html_say(html, "select %s, ", say_count(page_setting(page, "data.select")).text);
    html_say(html, "confirm %s, ", say_count(page_setting(page, "data.confirm")).text);
    html_say(html, "test %s", test > 0 ? say_count(test).text : "all there is");
    html_raw(html, "</dd>\n");
}

/* "accept strict, epsilon 0" */
static void put_group(struct page *page, const struct group *group)
{
    struct html *html = &page->html;
    const char *text = page->report->canonical;
    char key[64] = "", head[256] = "";
    struct setting setting;
    size_t prefix = strlen(group->prefix), said = 0;
    if (group->head != NULL) {
        snprintf(key, sizeof key, "%s%s", group->prefix, group->head);
        settings_find(text, key, head, sizeof head);
    }
    if (head[0] != '\0') {
        html_element(html, "dt", "%s", group->title);
        html_raw(html, "<dd>");
        html_element(html, "b", "%s", head);
        said++;
    }
    while (settings_next(&text, &setting)) {
        if (setting.key_bytes <= prefix || memcmp(setting.key, group->prefix, prefix) != 0 ||
            is_value(&setting, group->zeros) || is_slice(&setting) ||
            (setting.key_bytes == strlen(key) && memcmp(setting.key, key, strlen(key)) == 0))
            continue;
        if (said++ == 0) {
            html_element(html, "dt", "%s", group->title);
            html_raw(html, "<dd>");
        }
        html_say(html, "%s%.*s\xc2\xa0%.*s", said > 1 ? ", " : "",
                 (int)(setting.key_bytes - prefix), setting.key + prefix,
                 (int)(setting.value_bytes < 512 ? setting.value_bytes : 512), setting.value);
    }
    if (said > 0)
        html_raw(html, "</dd>\n");
}

static void put_operator_list(struct page *page)
{
    struct html *html = &page->html;
    html_raw(html, "<dt>Operators</dt><dd>");
    uint32_t listed = 0;
    for (; listed < OPERATORS_MAX && listed < page->report->operator_count; listed++) {
        char key[64], weight[32];
        snprintf(key, sizeof key, "operators.%" PRIu32 ".weight", listed);
        if (!settings_find(page->report->canonical, key, weight, sizeof weight))
            break;
        html_say(html, "%s%s", listed > 0 ? ", " : "", page->report->operators[listed].label);
        if (strcmp(weight, "1") != 0)
            html_say(html, " (weight\xc2\xa0%s)", weight);
    }
    if (listed == 0)
        html_raw(html, "none: every individual is a new one");
    html_raw(html, "</dd>\n");
}

static void put_setting(struct page *page, const char *title, const char *value)
{
    html_element(&page->html, "dt", "%s", title);
    html_element(&page->html, "dd", "%s", value);
}

static void put_text(struct page *page, const char *title, const char *text)
{
    struct html *html = &page->html;
    html_raw(html, "<details><summary>");
    html_raw(html, title);
    html_raw(html, "</summary>\n<pre>");
    html_text(html, text);
    html_raw(html, "</pre></details>\n");
}

void page_experiment(struct page *page)
{
    const struct section section = {"experiment", "What was run"};
    char value[64];
    page_open_section(page, &section);
    html_raw(&page->html, "<dl>\n");
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        put_group(page, &groups[i]);
    put_slices(page);
    put_operator_list(page);
    settings_find(page->report->canonical, "seed", value, sizeof value);
    put_setting(page, "Seed", value);
    settings_find(page->report->canonical, "numeric", value, sizeof value);
    put_setting(page, "Numeric class", value);
    html_raw(&page->html, "</dl>\n");
    put_text(page, "The experiment file, as it was written", page->report->yaml);
    put_text(page, "All settings that make the run what it is, those of the command line included",
             page->report->canonical);
    page_close_section(page);
}
