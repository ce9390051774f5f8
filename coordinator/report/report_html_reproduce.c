/*
 * report_html_reproduce.c: see report_html.h. The commands that make the same run again.
 *
 * They are for a shell, so what is no plain word is quoted.
 */
#include "coordinator/report/report_html.h"
#include "coordinator/report/settings_text.h"

#include <stdio.h>
#include <string.h>

/* A word for a shell, quoted where it must be. */
static void put_word(struct page *page, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./=:@+,";
    struct html *html = &page->html;
    if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
        html_text(html, word);
        return;
    }
    /* Cut at the quotes only: between them may be characters of several bytes. */
    html_text(html, "'");
    for (const char *part = word; *part != '\0';) {
        size_t length = strcspn(part, "'");
        html_say(html, "%.*s%s", (int)length, part, part[length] == '\'' ? "'\\''" : "");
        part += length + (part[length] == '\'');
    }
    html_text(html, "'");
}

static void put_commands(struct page *page)
{
    const struct report *report = page->report;
    struct html *html = &page->html;
    char path[OS_PATH_BYTES_MAX];
    if (os_path_join(path, sizeof path, report->path, "experiment.yaml", NULL) != 0)
        snprintf(path, sizeof path, "experiment.yaml");
    html_raw(html, "<pre>ratchet run ");
    put_word(page, path);
    html_raw(html, " --dir again");
    for (const char *const *each = page->overrides; each != NULL && *each != NULL; each++) {
        html_raw(html, " \\\n    --set ");
        put_word(page, *each);
    }
    html_raw(html, "\nratchet diff ");
    put_word(page, report->path);
    html_raw(html, " again");
    if (report->has_champion) {
        char id[ID_BYTES_MAX];
        format_id(report->champion.job.key, id);
        html_raw(html, "\nratchet replay ");
        put_word(page, report->path);
        html_say(html, " %s", id);
        html_raw(html, "\nratchet export ");
        put_word(page, report->path);
        html_say(html, " %s --output champion.safetensors", id);
    }
    html_raw(html, "</pre>\n");
}

void page_reproduce(struct page *page)
{
    const struct report *report = page->report;
    const struct section section = {"reproduce", "How to get the same again"};
    char order[32];
    struct html *html = &page->html;
    page_open_section(page, &section);
    put_commands(page);
    settings_find(report->canonical, "search.commit", order, sizeof order);
    if (strcmp(order, "arrival") == 0)
        html_raw(html, "<p>The first command makes another run of the same experiment: in arrival "
                       "mode results enter the search in the order in which they arrive. What was "
                       "committed here is in this ledger, and each individual can be made again "
                       "from it.</p>\n");
    else
        html_raw(html, "<p>The same experiment gives the same run, on any number of workers of the "
                       "same numeric class: <code>ratchet diff</code> then says that the two are "
                       "equal, and their digests are the same.</p>\n");
    if (report->digest[0] != '\0') {
        html_raw(html, "<p>Digest of this run: ");
        html_element(html, "code", "%s", report->digest);
        html_raw(html, "</p>\n");
    }
    html_raw(html, "<p class=\"soft\">");
    html_say(html, "Run %s, engine version %s.", report->run, report->engine_version);
    html_raw(html, "</p>\n");
    page_close_section(page);
}
