/* progress_output.c: see progress_output.h. */
#include "coordinator/commands/progress_output.h"

#include "common/os_clock.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { PLAIN_MS = 2000, JSON_MS = 1000, LINE_BYTES_MAX = 256 };

enum progress_style progress_style_of_stdout(void)
{
    return isatty(STDOUT_FILENO) ? PROGRESS_TERMINAL : PROGRESS_PLAIN;
}

void format_duration(double seconds, char text[DURATION_BYTES_MAX])
{
    if (!(seconds >= 0) || seconds > 1e9) {
        snprintf(text, DURATION_BYTES_MAX, "-");
        return;
    }
    unsigned long whole = (unsigned long)seconds;
    if (whole >= 3600)
        snprintf(text, DURATION_BYTES_MAX, "%lu:%02lu:%02lu", whole / 3600, whole / 60 % 60,
                 whole % 60);
    else
        snprintf(text, DURATION_BYTES_MAX, "%lu:%02lu", whole / 60, whole % 60);
}

/* Appends, and stays within `size`. */
__attribute__((format(printf, 4, 5))) static void append(char *text, size_t size, size_t *used,
                                                         const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(text + *used, size - *used, format, arguments);
    va_end(arguments);
    if (written > 0)
        *used += (size_t)written < size - *used ? (size_t)written : size - *used - 1;
}

void format_progress(const struct shell_view *view, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    unsigned long long percent =
        view->jobs_total > 0 ? 100 * (unsigned long long)view->commits / view->jobs_total : 0;
    append(text, size, &used, "%llu/%llu jobs  %llu%%", (unsigned long long)view->commits,
           (unsigned long long)view->jobs_total, percent);
    if (isfinite(view->jobs_per_s)) {
        char left[DURATION_BYTES_MAX];
        format_duration(view->seconds_left, left);
        append(text, size, &used, "  %.4g/s  %s left", view->jobs_per_s, left);
    }
    if (isfinite(view->fitness_best))
        append(text, size, &used, "  best %.6g", view->fitness_best);
    if (isfinite(view->fitness_median))
        append(text, size, &used, "  median %.6g", view->fitness_median);
    append(text, size, &used, "  %u worker%s, %u slot%s", view->workers,
           view->workers == 1 ? "" : "s", view->slots, view->slots == 1 ? "" : "s");
}

void print_event(struct json_node *event)
{
    char *text = json_print(event, JSON_ONE_LINE);
    printf("%s\n", text);
    fflush(stdout);
    free(text);
    json_node_free(&event);
}

static struct json_node *new_event(const char *kind)
{
    struct json_node *event = json_node_object();
    json_set_text(event, "event", kind);
    return event;
}

void progress_output_clear(struct progress_output *output)
{
    if (output->line_shown)
        printf("\r\033[K");
    output->line_shown = false;
}

/* ---------------------------------------------------------------------------------- observing */

static void on_started(void *context, const struct shell_started *started)
{
    struct progress_output *output = context;
    if (output->style == PROGRESS_JSON) {
        struct json_node *event = new_event("started");
        json_set_text(event, "directory", started->directory);
        json_set_text(event, "endpoint", started->control);
        json_set_text(event, "endpoint_bulk", started->bulk);
        json_set_u64(event, "commits", started->replayed);
        print_event(event);
        return;
    }
    printf("run directory %s", started->directory);
    if (started->replayed > 0)
        printf(", resumed after %llu commits", (unsigned long long)started->replayed);
    printf("\n");
    if (output->remote)
        printf("listening on %s, checkpoints on %s\n", started->control, started->bulk);
    fflush(stdout);
}

static void show_json(const struct shell_view *view)
{
    struct json_node *event = new_event("progress");
    json_set_u64(event, "commits", view->commits);
    json_set_u64(event, "jobs_total", view->jobs_total);
    json_set_f64(event, "jobs_per_s", view->jobs_per_s);
    json_set_f64(event, "left_s", view->seconds_left);
    json_set_f64(event, "fitness_best", view->fitness_best);
    json_set_f64(event, "fitness_median", view->fitness_median);
    json_set_u64(event, "workers", view->workers);
    json_set_u64(event, "slots", view->slots);
    print_event(event);
}

/* Cut to the terminal's width: a line that wraps cannot be rewritten. */
static void show_line(struct progress_output *output, const char *text)
{
    struct winsize window;
    int columns = 80;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0)
        columns = window.ws_col;
    printf("\r\033[K%.*s", columns - 1, text);
    fflush(stdout);
    output->line_shown = true;
}

static void on_progressed(void *context, const struct shell_view *view)
{
    struct progress_output *output = context;
    uint64_t now_ms = clock_monotonic_ms();
    char text[LINE_BYTES_MAX];
    if (output->style == PROGRESS_TERMINAL) {
        format_progress(view, text, sizeof text);
        show_line(output, text);
        return;
    }
    uint64_t pause_ms = output->style == PROGRESS_JSON ? JSON_MS : PLAIN_MS;
    if (view->commits == output->shown_commits || now_ms - output->shown_ms < pause_ms)
        return;
    output->shown_ms = now_ms;
    output->shown_commits = view->commits;
    if (output->style == PROGRESS_JSON) {
        show_json(view);
        return;
    }
    format_progress(view, text, sizeof text);
    printf("%s\n", text);
    fflush(stdout);
}

/* A sweep closes a million lines, and the local worker of `run` is expected to come and go. */
static bool is_news(const struct progress_output *output, const char *kind)
{
    if (strcmp(kind, "line_closed") == 0)
        return false;
    bool arrival = strcmp(kind, "worker_joined") == 0 || strcmp(kind, "worker_left") == 0;
    return output->remote || !arrival;
}

static void on_noted(void *context, const struct shell_noted *noted)
{
    struct progress_output *output = context;
    if (!is_news(output, noted->kind))
        return;
    if (output->style == PROGRESS_JSON) {
        struct json_node *event = new_event("note");
        json_set_text(event, "kind", noted->kind);
        json_set_text(event, "text", noted->text);
        if (noted->log_tail != NULL)
            json_set_text(event, "log_tail", noted->log_tail);
        print_event(event);
        return;
    }
    progress_output_clear(output);
    printf("%s: %s\n", noted->kind, noted->text);
    fflush(stdout);
}

/* --json has its events; this is for somebody who waits at a terminal. */
static void on_waiting(void *context, uint32_t seconds_most)
{
    struct progress_output *output = context;
    if (output->style == PROGRESS_JSON)
        return;
    progress_output_clear(output);
    printf("waits for running jobs to finish (up to %u s); Ctrl-C again stops at once\n",
           seconds_most);
    fflush(stdout);
}

struct shell_observer progress_output_observer(struct progress_output *output)
{
    return (struct shell_observer){
        .context = output,
        .started = on_started,
        .progressed = on_progressed,
        .noted = on_noted,
        .waiting = on_waiting,
    };
}
