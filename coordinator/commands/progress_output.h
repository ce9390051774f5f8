/*
 * progress_output.h: what `run` and `serve` show while they run.
 *
 * A terminal gets one line that is rewritten, a pipe gets a plain line every two seconds, --json
 * one object per line: {"event": "started" | "progress" | "note" | "finished", ...}. Notes (a
 * worker lost, a slot that died) are shown in each of them.
 */
#ifndef RATCHET_COORDINATOR_COMMANDS_PROGRESS_OUTPUT_H
#define RATCHET_COORDINATOR_COMMANDS_PROGRESS_OUTPUT_H

#include "coordinator/shell/json.h"
#include "coordinator/shell/shell.h"

enum progress_style { PROGRESS_TERMINAL = 1, PROGRESS_PLAIN = 2, PROGRESS_JSON = 3 };

struct progress_output {
    enum progress_style style;
    bool remote;     /* workers come from elsewhere: their coming and going is news */
    bool line_shown; /* a terminal's line is there and has to be removed first */
    uint64_t shown_ms, shown_commits;
};

/* TERMINAL or PLAIN. */
enum progress_style progress_style_of_stdout(void);

/* Functions for a struct shell_observer; `context` is a struct progress_output. */
struct shell_observer progress_output_observer(struct progress_output *output);

/* Removes the terminal's line, so that something else can be printed. */
void progress_output_clear(struct progress_output *output);

/* "0:07", "3:12:05", "-" when it is not known. */
enum { DURATION_BYTES_MAX = 32 };
void format_duration(double seconds, char text[DURATION_BYTES_MAX]);
/* "12/200 jobs  6%  45.2/s  0:12 left  best ... median ...  1 worker": cut at `size`. */
void format_progress(const struct shell_view *view, char *text, size_t size);

/* Prints one object as a line of --json output; takes it. */
void print_event(struct json_node *event);

#endif
