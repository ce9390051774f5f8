/*
 * report_html_reproduce.c: see report_html.h. The commands that make the same run again.
 *
 * They are for a shell, so what is no plain word is quoted.
 */
#include "coordinator/reading/settings_text.h"
#include "coordinator/report/report_html.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
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

/* What the first command gives. */
enum promise {
    PROMISE_EQUAL = 0,
    PROMISE_OTHER,      /* in arrival mode */
    PROMISE_UNREADABLE, /* nobody knows what the command line said, */
    PROMISE_UNFINISHED, /* or, of how long the run should go on, not yet, */
    PROMISE_UNTOLD,     /* or not any more */
    PROMISE_CLOCKED,    /* the run ended by the clock */
};

static enum promise promise_of(const struct page *page)
{
    const struct report *report = page->report;
    char order[32], hours[32];
    settings_find(report->canonical, "search.commit", order, sizeof order);
    if (strcmp(order, "arrival") == 0)
        return PROMISE_OTHER;
    if (page->overrides == NULL)
        return PROMISE_UNREADABLE;
    if (strcmp(report->state, "finished") != 0)
        return PROMISE_UNFINISHED;
    if (!settings_find(report->limits, "stop.hours", hours, sizeof hours))
        return PROMISE_UNTOLD;
    bool over = strcmp(hours, "never") != 0 && report->served_s >= 3600 * strtod(hours, NULL);
    return over ? PROMISE_CLOCKED : PROMISE_EQUAL;
}

static void put_promise(struct page *page)
{
    static const char *const caveats[] = {
        [PROMISE_UNREADABLE] =
            "The file can no longer be read as it is, so what <code>--set</code> "
            "has to say is not known.",
        [PROMISE_UNFINISHED] = "This one is not finished: what the command line said of "
                               "<code>budget</code> and <code>stop</code> has to be said again.",
        [PROMISE_UNTOLD] = "The ledger does not tell what the command line said of "
                           "<code>budget</code> and <code>stop</code>: it has to be said again.",
        [PROMISE_CLOCKED] = "This one went on until its hours were over, and no other run is as "
                            "far by then.",
    };
    struct html *html = &page->html;
    enum promise promise = promise_of(page);
    html_raw(html, "<p>");
    if (promise == PROMISE_OTHER) {
        html_raw(html, "The first command makes another run of the same experiment: in arrival "
                       "mode results enter the search in the order in which they arrive. What was "
                       "committed here is in this ledger, and each individual can be made again "
                       "from it.");
    } else if (promise == PROMISE_EQUAL) {
        html_raw(html, "The same experiment gives the same run, on any number of workers of the "
                       "same numeric class: <code>ratchet diff</code> then says that the two are "
                       "equal, and their digests are the same.");
    } else {
        html_raw(html, "The same experiment gives the same jobs, on any number of workers of the "
                       "same numeric class, as far as both runs go. ");
        html_raw(html, caveats[promise]);
    }
    html_raw(html, "</p>\n");
}

void page_reproduce(struct page *page)
{
    const struct report *report = page->report;
    const struct section section = {"reproduce", "How to get the same again"};
    struct html *html = &page->html;
    page_open_section(page, &section);
    put_commands(page);
    put_promise(page);
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
