/* progress_output.c: see progress_output.h. */
#include "coordinator/commands/progress_output.h"

#include "common/os_clock.h"
#include "coordinator/commands/clean_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { PLAIN_MS = 2000, JSON_MS = 1000, LINE_BYTES_MAX = 256, OPERATORS_BYTES_MAX = 4096 };

enum progress_style progress_style_of_stdout(void)
{
    const char *terminal = getenv("TERM");
    bool able = terminal != NULL && terminal[0] != '\0' && strcmp(terminal, "dumb") != 0;
    return able && isatty(STDOUT_FILENO) ? PROGRESS_TERMINAL : PROGRESS_PLAIN;
}

/* As https://no-color.org has it: set and not empty. */
static enum block_attributes attributes_wanted(void)
{
    const char *unwanted = getenv("NO_COLOR");
    return unwanted == NULL || unwanted[0] == '\0' ? BLOCK_ATTRIBUTES : BLOCK_PLAIN;
}

/* Asked each time: it changes. */
static struct terminal_size terminal_size_of_stdout(void)
{
    struct winsize window;
    struct terminal_size size = {.columns = 80, .rows = 24};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 && window.ws_row > 0)
        size = (struct terminal_size){.columns = window.ws_col, .rows = window.ws_row};
    return size;
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
    if (output->style == PROGRESS_TERMINAL)
        terminal_block_erase(&output->block, terminal_size_of_stdout(), stdout);
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
        json_set_text(event, "server_key", started->server_file);
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
    if (started->server_file != NULL)
        printf("encrypted: workers need a copy of %s, and once a token: `ratchet keys token`\n",
               started->server_file);
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
    json_set_node(event, "operators", shell_operators_node(view));
    print_event(event);
}

/* `ratchet run EXP.yaml &`: the terminal is somebody else's now. */
static bool is_in_background(void)
{
    pid_t foreground = tcgetpgrp(STDOUT_FILENO);
    return foreground > 0 && foreground != getpgrp();
}

static void show_block(struct progress_output *output, const struct shell_view *view)
{
    if (is_in_background()) {
        output->block = (struct terminal_block){.row_count = 0}; /* wherever it is by now */
        return;
    }
    struct block_row rows[BLOCK_ROWS_MAX];
    struct terminal_size size = terminal_size_of_stdout();
    uint32_t count = format_block(view, size.columns, attributes_wanted(), rows);
    terminal_block_draw(&output->block, rows, count, size, stdout);
    fflush(stdout);
}

static void show_line(const struct shell_view *view)
{
    char text[LINE_BYTES_MAX], operators[OPERATORS_BYTES_MAX];
    format_progress(view, text, sizeof text);
    format_operators(view, operators, sizeof operators);
    printf("%s%s%s\n", text, operators[0] != '\0' ? "  improved " : "", operators);
    fflush(stdout);
}

static void on_progressed(void *context, const struct shell_view *view)
{
    struct progress_output *output = context;
    if (output->style == PROGRESS_TERMINAL) {
        show_block(output, view);
        return;
    }
    uint64_t now_ms = clock_monotonic_ms();
    uint64_t pause_ms = output->style == PROGRESS_JSON ? JSON_MS : PLAIN_MS;
    if (view->commits == output->shown_commits || now_ms - output->shown_ms < pause_ms)
        return;
    output->shown_ms = now_ms;
    output->shown_commits = view->commits;
    if (output->style == PROGRESS_JSON)
        show_json(view);
    else
        show_line(view);
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
    char clean[CLEAN_ROW_BYTES_MAX]; /* a worker's words may be in it */
    clean_text(noted->text, clean, sizeof clean);
    progress_output_clear(output);
    printf("%s: %s\n", noted->kind, clean);
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
