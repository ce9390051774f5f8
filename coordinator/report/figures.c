/* figures.c: draws what a report says; see report.h and figures.h. */
#include "coordinator/report/figures.h"

#include "common/os_signal.h"
#include "coordinator/report/gnuplot.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *title;
    bool (*make)(const struct report *report, struct script *script);
} kinds[FIGURE_COUNT] = {
    [FIGURE_FITNESS] = {"fitness", figure_fitness},
    [FIGURE_OPERATORS] = {"operators", figure_operators},
    [FIGURE_LINEAGE] = {"lineage", figure_lineage},
    [FIGURE_DAMAGE] = {"damage", figure_damage},
    [FIGURE_CONFUSION] = {"confusion", figure_confusion},
    [FIGURE_COMPUTE] = {"compute", figure_compute},
};

const char *figure_title(enum figure_name name)
{
    assert((unsigned)name < FIGURE_COUNT);
    return kinds[name].title;
}

static int draw(const struct report *report, const struct gnuplot *gnuplot, enum figure_name name,
                struct figure *figure, struct error *error)
{
    struct script script = {0};
    struct error reason = {""};
    int rc = 0;
    bool made = kinds[name].make(report, &script);
    if (script.failed)
        rc = error_set(error, -1, "no memory for figure %s", kinds[name].title);
    else if (made && gnuplot_draw(gnuplot, (struct gnuplot_script){script.text, script.bytes},
                                  &figure->svg, &figure->bytes, &reason) != 0)
        rc = error_set(error, -1, "figure %s: %s", kinds[name].title, reason.text);
    script_free(&script);
    return rc;
}

/* Where two figures fail it is not for what is in them, and the rest would only take its time. */
enum { FAILURES_MAX = 2 };

enum figures_result report_figures(const struct report *report, struct figure figures[FIGURE_COUNT],
                                   struct error *error)
{
    struct gnuplot gnuplot;
    int failures = 0;
    for (int name = 0; name < FIGURE_COUNT; name++)
        figures[name] = (struct figure){0};
    int found = gnuplot_find(&gnuplot, error);
    if (found != 0)
        return found > 0 ? FIGURES_NO_GNUPLOT : FIGURES_FAILED;
    for (int name = 0; failures < FAILURES_MAX && name < FIGURE_COUNT; name++) {
        struct error reason = {""};
        if (draw(report, &gnuplot, (enum figure_name)name, &figures[name], &reason) == 0)
            continue;
        if (failures++ == 0)
            error_set(error, -1, "%s", reason.text);
        if (signal_stop_waiting() != 0)
            failures = FAILURES_MAX;
    }
    if (failures == 0)
        return FIGURES_DRAWN;
    if (failures < FAILURES_MAX)
        return FIGURES_ONE_LEFT_OUT;
    figures_free(figures);
    return FIGURES_FAILED;
}

void figures_free(struct figure figures[FIGURE_COUNT])
{
    for (int name = 0; name < FIGURE_COUNT; name++) {
        free(figures[name].svg);
        figures[name] = (struct figure){0};
    }
}

int figures_write(const struct figure figures[FIGURE_COUNT], const char *directory,
                  struct error *error)
{
    if (os_make_directories(directory, 0777, error) != 0)
        return -1;
    for (int name = 0; name < FIGURE_COUNT; name++) {
        char file[32], path[OS_PATH_BYTES_MAX];
        if (figures[name].svg == NULL)
            continue;
        snprintf(file, sizeof file, "%s.svg", kinds[name].title);
        if (os_path_join(path, sizeof path, directory, file, error) != 0 ||
            os_write_atomic(path, figures[name].svg, figures[name].bytes, 0666, error) != 0)
            return -1;
    }
    return 0;
}
