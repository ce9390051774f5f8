/*
 * test_report_html.c: the page is whole and says nothing but texts, whatever the ledger says.
 *
 * A small reader of tags stands for a browser: what is open must be closed, in order, and markup
 * from a ledger must not be any.
 */
#include "report_ledger.h"

#include "common/os_file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FOUNDER UINT32_MAX

static const struct made_header plain = {
    .name = "plain",
    .canonical = "evaluator = null\noperators.0.name = none\noperators.0.weight = 1\n"
                 "search.commit = ordered\nsearch.lines = 1\nseed = 7\nstrategy.name = random\n",
    .yaml = "name: plain\n",
};

/* ---------------------------------------------------------------------------------------- tags */

enum { DEPTH_MAX = 64, TAG_BYTES_MAX = 16 };

struct tags {
    char open[DEPTH_MAX][TAG_BYTES_MAX];
    int depth;
};

static bool is_void(const char *tag)
{
    return strcmp(tag, "meta") == 0 || strcmp(tag, "img") == 0 || strcmp(tag, "br") == 0;
}

/* Past the attributes, each with its value in double quotes. */
static const char *skip_attributes(const char *at)
{
    while (*at != '>') {
        assert_int_not_equal(*at, '\0');
        assert_int_not_equal(*at, '<');
        if (*at++ == '"') {
            at = strchr(at, '"');
            assert_non_null(at);
            at++;
        }
    }
    return at + 1;
}

static const char *read_tag(struct tags *tags, const char *at)
{
    bool closes = at[1] == '/';
    char tag[TAG_BYTES_MAX];
    at += 1 + closes;
    size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789");
    assert_in_range(length, 1, sizeof tag - 1);
    snprintf(tag, length + 1, "%s", at);
    at = skip_attributes(at + length);
    if (closes) {
        assert_in_range(tags->depth, 1, DEPTH_MAX);
        assert_string_equal(tags->open[--tags->depth], tag);
    } else if (!is_void(tag)) {
        assert_in_range(tags->depth, 0, DEPTH_MAX - 1);
        assert_string_not_equal(tag, "script");
        strcpy(tags->open[tags->depth++], tag);
    }
    return at;
}

/* Fails unless all tags are balanced and every '&' begins one of the five entities. */
static void check_page(const char *page)
{
    static const char doctype[] = "<!DOCTYPE html>\n";
    struct tags tags = {.depth = 0};
    assert_memory_equal(page, doctype, strlen(doctype));
    for (const char *at = page + strlen(doctype); *at != '\0';) {
        if (*at == '<') {
            at = read_tag(&tags, at);
            continue;
        }
        if (*at == '&')
            assert_true(strncmp(at, "&amp;", 5) == 0 || strncmp(at, "&lt;", 4) == 0 ||
                        strncmp(at, "&gt;", 4) == 0 || strncmp(at, "&quot;", 6) == 0 ||
                        strncmp(at, "&#39;", 5) == 0);
        at++;
    }
    assert_int_equal(tags.depth, 0);
    /* Nothing is fetched, nothing is printed that is no number. */
    assert_null(strstr(page, "http"));
    assert_null(strstr(page, "url("));
    assert_null(strstr(page, ">nan"));
    assert_null(strstr(page, ">-nan"));
    assert_null(strstr(page, ">inf"));
}

/* ---------------------------------------------------------------------------------------- page */

/* What a page is made of besides its run. */
struct page_inputs {
    const struct figure *figures; /* may be NULL */
    const char *const *overrides; /* likewise */
};

/* The page of a run, to be freed. Ends the run. */
static char *page_with(struct made_run *run, struct page_inputs inputs)
{
    struct report *report = calloc(1, sizeof *report);
    struct error error = {""};
    char path[512], *page = NULL;
    assert_non_null(report);
    if (run_report(run, report, &error) != 0)
        fail_msg("%s", error.text);
    const struct report_page input = {
        .report = report,
        .figures = inputs.figures,
        .figures_reason = "<no gnuplot>",
        .overrides = inputs.overrides,
    };
    snprintf(path, sizeof path, "%s/report.html", run->folder);
    assert_int_equal(report_write_html(&input, path, &error), 0);
    assert_int_equal(os_read_file(path, 1 << 24, &page, NULL, &error), 0);
    report_free(report);
    free(report);
    run_unmake(&run);
    check_page(page);
    return page;
}

static char *page_of(struct made_run *run, const struct figure *figures)
{
    return page_with(run, (struct page_inputs){.figures = figures});
}

static void put_fact(struct made_run *run, const char *name, const char *value)
{
    assert_int_equal(ledger_put_fact(run->ledger, name, value, NULL), LEDGER_OK);
}

static void commit_two(struct made_run *run, const char *worker)
{
    run_commit(run, &(struct made_commit){.made_by = "init",
                                          .operator_index = FOUNDER,
                                          .admitted = true,
                                          .champion = true,
                                          .fitness = -2.5,
                                          .worker = worker});
    run_commit(run, &(struct made_commit){.job = 1,
                                          .made_by = "none",
                                          .has_parent = true,
                                          .admitted = true,
                                          .champion = true,
                                          .fitness = -1.25,
                                          .worker = worker});
}

static void expect(const char *page, const char *text)
{
    if (strstr(page, text) == NULL)
        fail_msg("the page does not say: %s", text);
}

static void tells_an_ordinary_run(void **state)
{
    (void)state;
    struct made_run *run = run_make(&plain);
    commit_two(run, "local");
    char *page = page_of(run, NULL);
    expect(page, "<h1>plain</h1>");
    expect(page, "<dt>Strategy</dt><dd><b>random</b></dd>");
    expect(page, "<dt>Operators</dt><dd>none</dd>");
    expect(page, "\xe2\x88\x92"
                 "1.25");        /* fitness */
    expect(page, "+1.25");       /* gain */
    expect(page, "1 of 1</td>"); /* improved */
    expect(page, "is not finished");
    expect(page, "Without figures:</b> &lt;no gnuplot&gt;");
    expect(page, "<span>2 admitted</span>");
    free(page);
}

static void tells_an_empty_run(void **state)
{
    (void)state;
    char *page = page_of(run_make(&plain), NULL);
    expect(page, "none: no job is done yet");
    expect(page, "None yet");
    assert_null(strstr(page, "id=\"champion\""));
    free(page);
}

static void tells_a_run_that_only_diverged(void **state)
{
    (void)state;
    struct made_run *run = run_make(&plain);
    for (uint64_t job = 0; job < 3; job++)
        run_commit(run, &(struct made_commit){.job = job,
                                              .made_by = "init",
                                              .operator_index = FOUNDER,
                                              .outcome = OUTCOME_DIVERGED});
    char *page = page_of(run, NULL);
    expect(page, "none: 3 of 3 jobs diverged");
    expect(page, "<th class=\"n\">Diverged</th>");
    free(page);
}

static void escapes_every_text(void **state)
{
    (void)state;
    static const char mark[] =
        "<script>x</script>\"'&\x01\xff\xc0\xaf\xe0\x80\xaf\xed\xa0\x80\xe2\x82";
    char canonical[1024], yaml[256];
    snprintf(canonical, sizeof canonical,
             "data.set = %s\nevaluator = train\nmodel.spec = %s\noperators.0.name = %s\n"
             "operators.0.weight = %s\nsearch.lines = 2\nseed = %s\nstrategy.name = %s\n"
             "strategy.%s = 1\ntrain.fitness = %s\n",
             mark, mark, mark, mark, mark, mark, mark, mark);
    snprintf(yaml, sizeof yaml, "# %s\n", mark);
    struct made_run *run =
        run_make(&(struct made_header){.name = mark, .canonical = canonical, .yaml = yaml});
    const struct job_key job = {.line = 0, .job = 1};
    const struct ledger_note note = {
        .wall_ms = 1, .kind = "job_quarantined", .job = &job, .text = mark};
    commit_two(run, mark);
    run_begin(run);
    assert_int_equal(ledger_put_note(run->ledger, &note, NULL), LEDGER_OK);
    run_end(run);
    assert_int_equal(ledger_put_fact(run->ledger, "digest", mark, NULL), LEDGER_OK);
    char *page = page_of(run, NULL);
    expect(page, "<h1>&lt;script&gt;x&lt;/script&gt;&quot;&#39;&amp;\xef\xbf\xbd\xef\xbf\xbd");
    assert_null(strchr(page, '\x01'));
    assert_null(strchr(page, '\xff'));
    assert_null(strchr(page, '\xc0'));
    assert_null(strstr(page, "\xe0\x80"));  /* longer than it need be */
    assert_null(strstr(page, "\xed\xa0"));  /* half a pair of UTF-16 */
    assert_null(strstr(page, "\xe2\x82<")); /* cut */
    free(page);
}

/* A page of a run that was up for 10 s and whose ledger says so of its limits. */
static char *page_of_limits(const char *finished, const char *limits)
{
    static const char *const overrides[] = {"budget.jobs=3", NULL};
    struct made_run *run = run_make(&plain);
    commit_two(run, "local");
    put_fact(run, "finished", finished);
    put_fact(run, "served_ms", "10000");
    if (limits != NULL)
        put_fact(run, "limits", limits);
    return page_with(run, (struct page_inputs){.overrides = overrides});
}

/* That the same comes again is said only where all is known that decides it. */
static void promises_what_it_knows(void **state)
{
    (void)state;
    static const char equal[] = "<code>ratchet diff</code> then says that the two are equal";
    static const struct {
        const char *finished, *limits, *says;
    } cases[] = {
        {"7", "budget.jobs = 3\nstop.hours = never\n", equal},
        {"7", "budget.jobs = 3\nstop.hours = 1\n", equal},
        {"7", "budget.jobs = 3\nstop.hours = 0.002\n", "until its hours were over"},
        {"7", NULL, "The ledger does not tell what the command line said"},
        {"", "budget.jobs = 3\nstop.hours = never\n", "This one is not finished"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *page = page_of_limits(cases[i].finished, cases[i].limits);
        expect(page, cases[i].says);
        assert_int_equal(strstr(page, equal) != NULL, cases[i].says == equal);
        expect(page, "--set budget.jobs=3");
        free(page);
    }
    struct made_run *run = run_make(&plain);
    put_fact(run, "finished", "7");
    char *page = page_of(run, NULL);
    expect(page, "The file can no longer be read as it is");
    free(page);
}

/* 1 s of computing in 10 s, whenever the commits were. */
static void tells_how_many_were_busy_while_it_was_up(void **state)
{
    (void)state;
    char *page = page_of_limits("7", NULL);
    expect(page, "a coordinator was up for 10.0\xc2\xa0s: 0.1 processes were busy on average.");
    free(page);
}

/* Without a select slice it is on train that fitness is measured. */
static void names_the_slice_of_fitness(void **state)
{
    (void)state;
    static const char *const selects[] = {"0", "500"};
    static const char *const said[] = {"Fitness is the accuracy on train.",
                                       "Fitness is the accuracy on select."};
    for (size_t i = 0; i < 2; i++) {
        char canonical[256];
        snprintf(canonical, sizeof canonical,
                 "data.select = %s\nevaluator = train\noperators.0.name = none\nsearch.lines = 1\n"
                 "train.fitness = accuracy\n",
                 selects[i]);
        struct made_run *run = run_make(&(struct made_header){"made", canonical, "name: made\n"});
        commit_two(run, "local");
        char *page = page_of(run, NULL);
        expect(page, said[i]);
        assert_null(strstr(page, said[1 - i]));
        free(page);
    }
}

static void tells_the_place_of_the_champion(void **state)
{
    (void)state;
    struct made_run *run = run_make(&plain);
    run->sequence = 500;
    commit_two(run, "local");
    char *page = page_of(run, NULL);
    expect(page, "at commit 2 of 2");
    free(page);
}

/* All rests of a division by three. */
static void carries_figures_as_base64(void **state)
{
    (void)state;
    static const char *const names[] = {"<svg>", "<svg>a", "<svg>ab"};
    static const char *const coded[] = {"PHN2Zz4=", "PHN2Zz5h", "PHN2Zz5hYg=="};
    struct figure figures[FIGURE_COUNT] = {{NULL, 0}};
    for (size_t i = 0; i < 3; i++) {
        char svg[16], expected[64];
        struct made_run *run = run_make(&plain);
        commit_two(run, "local");
        strcpy(svg, names[i]);
        figures[FIGURE_FITNESS] = (struct figure){svg, strlen(svg)};
        char *page = page_of(run, figures);
        snprintf(expected, sizeof expected, "base64,%s\" alt=\"Fitness", coded[i]);
        expect(page, expected);
        expect(page, "Without one figure:</b> &lt;no gnuplot&gt;");
        free(page);
    }
}

/* A lineage of 100: the founder and the champion are there, the middle is not. */
static void cuts_a_long_lineage(void **state)
{
    (void)state;
    struct made_run *run = run_make(&plain);
    run_begin(run);
    for (uint64_t job = 0; job <= 100; job++)
        run_put(run, &(struct made_commit){.job = job,
                                           .made_by = job == 0 ? "init" : "none",
                                           .operator_index = job == 0 ? FOUNDER : 0,
                                           .has_parent = job > 0,
                                           .parent = job - 1,
                                           .admitted = true,
                                           .champion = true,
                                           .fitness = (double)job});
    run_end(run);
    char *page = page_of(run, NULL);
    expect(page, "41 generations left out here");
    expect(page, "<td>0/100</td>");
    expect(page, "<td>0/61</td>");
    expect(page, "<td>0/19</td>");
    expect(page, "<td>0/0</td>");
    assert_null(strstr(page, "<td>0/60</td>"));
    assert_null(strstr(page, "<td>0/20</td>"));
    free(page);
}

static void names_the_page_that_cannot_be_written(void **state)
{
    (void)state;
    struct made_run *run = run_make(&plain);
    struct report *report = calloc(1, sizeof *report);
    struct error error = {""};
    char path[512];
    assert_int_equal(run_report(run, report, &error), 0);
    snprintf(path, sizeof path, "%s/none/report.html", run->folder);
    const struct report_page input = {.report = report, .figures_reason = "none"};
    assert_int_equal(report_write_html(&input, path, &error), -1);
    assert_non_null(strstr(error.text, "/none"));
    report_free(report);
    free(report);
    run_unmake(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_an_ordinary_run),
        cmocka_unit_test(tells_an_empty_run),
        cmocka_unit_test(tells_a_run_that_only_diverged),
        cmocka_unit_test(escapes_every_text),
        cmocka_unit_test(promises_what_it_knows),
        cmocka_unit_test(tells_how_many_were_busy_while_it_was_up),
        cmocka_unit_test(names_the_slice_of_fitness),
        cmocka_unit_test(tells_the_place_of_the_champion),
        cmocka_unit_test(carries_figures_as_base64),
        cmocka_unit_test(cuts_a_long_lineage),
        cmocka_unit_test(names_the_page_that_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
