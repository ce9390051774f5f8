/*
 * progress_output.h: what `run` and `serve` show while they run.
 *
 * A terminal gets two or three rows that are rewritten in place, a pipe gets a plain line every two
 * seconds, --json one object per line: {"event": "started" | "progress" | "note" | "finished",
 * ...}. Notes (a worker lost, a slot that died) are shown in each of them; a terminal has them
 * above the rows.
 */
#ifndef RATCHET_COORDINATOR_COMMANDS_PROGRESS_OUTPUT_H
#define RATCHET_COORDINATOR_COMMANDS_PROGRESS_OUTPUT_H

#include "coordinator/commands/terminal_block.h"
#include "coordinator/shell/json.h"

enum progress_style { PROGRESS_TERMINAL = 1, PROGRESS_PLAIN = 2, PROGRESS_JSON = 3 };

struct progress_output {
    enum progress_style style;
    bool remote; /* workers come from elsewhere: their coming and going is news */
    struct terminal_block block;
    uint64_t shown_ms, shown_commits;
};

/* TERMINAL or PLAIN; a terminal that cannot move its cursor (TERM=dumb) is told as a pipe is. */
enum progress_style progress_style_of_stdout(void);

/* Functions for a struct shell_observer; `context` is a struct progress_output. */
struct shell_observer progress_output_observer(struct progress_output *output);

/* Removes the terminal's rows, so that something else can be printed. */
void progress_output_clear(struct progress_output *output);

/* Prints one object as a line of --json output; takes it. */
void print_event(struct json_node *event);

#endif
