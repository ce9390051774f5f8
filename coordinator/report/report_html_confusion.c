/*
 * report_html_confusion.c: see report_html.h. What the champion mistakes for what.
 */
#include "coordinator/report/report_html.h"

#include <inttypes.h>
#include <stdio.h>

static void put_name(const struct page *page, uint32_t class, char text[64])
{
    if (page->report->class_names != NULL && class < page->report->classes)
        snprintf(text, 64, "%s", page->report->class_names[class]);
    else
        snprintf(text, 64, "%" PRIu32, class);
}

/* Right answers are blue, wrong ones orange, deeper where more of the class's samples fell. Even
 * the deepest leaves dark digits readable. */
enum answer { ANSWER_WRONG = 0, ANSWER_RIGHT };

static void put_count(struct page *page, uint32_t count, double share, enum answer kind)
{
    struct html *html = &page->html;
    if (count == 0) {
        html_raw(html, "<td class=\"soft\">\xc2\xb7</td>");
        return;
    }
    html_raw(html, "<td style=\"background:rgba(");
    html_raw(html, kind == ANSWER_RIGHT ? "62,139,214," : "236,124,38,");
    /* A single mistake is seen, too. */
    html_say(html, "%.2f", (kind == ANSWER_RIGHT ? 0 : 0.1) + 0.65 * share);
    html_raw(html, ")\">");
    html_say(html, "%" PRIu32, count);
    html_raw(html, "</td>");
}

static uint64_t sum_row(const struct confusion_matrix *matrix, uint32_t class)
{
    uint64_t sum = 0;
    for (uint32_t answer = 0; answer < matrix->classes; answer++)
        sum += matrix->counts[class * matrix->classes + answer];
    return sum;
}

static uint64_t sum_column(const struct confusion_matrix *matrix, uint32_t answer)
{
    uint64_t sum = 0;
    for (uint32_t class = 0; class < matrix->classes; class ++)
        sum += matrix->counts[class * matrix->classes + answer];
    return sum;
}

static uint32_t right_of(const struct confusion_matrix *matrix, uint32_t class)
{
    return matrix->counts[class * matrix->classes + class];
}

static void put_matrix(struct page *page, const struct confusion_matrix *matrix)
{
    struct html *html = &page->html;
    char name[64];
    page_open_table(page, "Confusion matrix");
    html_raw(html, "<table class=\"heat\">\n<thead><tr><th scope=\"col\">answered "
                   "\xe2\x86\x92<br>true \xe2\x86\x93</th>");
    for (uint32_t answer = 0; answer < matrix->classes; answer++) {
        put_name(page, answer, name);
        html_element(html, "th.to", "%s", name);
    }
    html_raw(html, "<th class=\"n side\">Recall</th></tr></thead>\n<tbody>\n");
    for (uint32_t class = 0; class < matrix->classes; class ++) {
        uint64_t total = sum_row(matrix, class);
        put_name(page, class, name);
        html_raw(html, "<tr>");
        html_element(html, "th", "%s", name);
        for (uint32_t answer = 0; answer < matrix->classes; answer++) {
            uint32_t count = matrix->counts[class * matrix->classes + answer];
            put_count(page, count, (double)count / (double)total,
                      class == answer ? ANSWER_RIGHT : ANSWER_WRONG);
        }
        html_element(html, "td.n side", "%s", say_share(right_of(matrix, class), total).text);
        html_raw(html, "</tr>\n");
    }
    html_raw(html, "<tr><th class=\"soft\">Precision</th>");
    for (uint32_t answer = 0; answer < matrix->classes; answer++)
        html_element(html, "td.soft", "%s",
                     say_share(right_of(matrix, answer), sum_column(matrix, answer)).text);
    html_raw(html, "<td class=\"side\"></td></tr>\n</tbody>\n");
    page_close_table(page);
}

/* The most frequent mistake and the worst class, in words. */
static void put_words(struct page *page, const struct confusion_matrix *matrix)
{
    struct html *html = &page->html;
    uint64_t total = 0, right = 0;
    uint32_t from = 0, to = 0, most = 0, worst = 0;
    double worst_recall = 2;
    for (uint32_t class = 0; class < matrix->classes; class ++) {
        uint64_t samples = sum_row(matrix, class);
        double recall = samples == 0 ? 2 : (double)right_of(matrix, class) / (double)samples;
        total += samples;
        right += right_of(matrix, class);
        if (recall < worst_recall) {
            worst_recall = recall;
            worst = class;
        }
        for (uint32_t answer = 0; answer < matrix->classes; answer++) {
            uint32_t count = matrix->counts[class * matrix->classes + answer];
            if (class != answer && count > most) {
                most = count;
                from = class;
                to = answer;
            }
        }
    }
    char first[64], second[64], third[64];
    put_name(page, from, first);
    put_name(page, to, second);
    put_name(page, worst, third);
    html_raw(html, "<p>");
    html_say(html, "On %s, %s of %s samples were answered right (%s).", slice_name(matrix->slice),
             say_count(right).text, say_count(total).text, say_share(right, total).text);
    if (most > 0)
        html_say(html,
                 " The most frequent mistake: %s taken for %s, %s times. Recognised least: %s "
                 "(%s).",
                 first, second, say_count(most).text, third,
                 say_share(right_of(matrix, worst), sum_row(matrix, worst)).text);
    html_raw(html, "</p>\n");
}

void page_confusion(struct page *page)
{
    const struct section section = {"confusion", "What it mistakes for what"};
    const struct confusion_matrix *matrix = report_best_matrix(page->report);
    if (!page->report->has_champion || matrix == NULL)
        return;
    page_open_section(page, &section);
    put_words(page, matrix);
    put_matrix(page, matrix);
    html_raw(&page->html, "<p class=\"soft\"><small>A row for each true class, a column for each "
                          "answer. Recall: the share of a class that was recognised. Precision: "
                          "the share of an answer that was right.</small></p>\n");
    if (page->figures != NULL && page->figures[FIGURE_CONFUSION].svg != NULL) {
        html_raw(&page->html, "<details><summary>The matrix as a figure</summary>\n");
        page_figure(page, FIGURE_CONFUSION, "The champion\xe2\x80\x99s confusion matrix.");
        html_raw(&page->html, "</details>\n");
    }
    page_close_section(page);
}
