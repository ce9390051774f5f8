/*
 * progress_text.c: see progress_text.h.
 *
 * A row is made of segments with two blanks between them; a segment is shown whole or not at all.
 */
#include "coordinator/commands/progress_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    GAP = 2,        /* blanks between segments */
    BAR_CELLS = 24, /* of a bar that has all the room it wants */
    BAR_CELLS_LEAST = 10,
    SEGMENT_BYTES_MAX = OPERATOR_LABEL_BYTES_MAX + 32,
};

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

/* ------------------------------------------------------------------------------------ segments */

/* What a segment says: "median" and "0.612"; either may be empty. */
struct segment {
    char label[SEGMENT_BYTES_MAX];
    char value[SEGMENT_BYTES_MAX];
    enum emphasis { EMPHASIS_NONE = 0, EMPHASIS_STRONG } emphasis; /* of the value */
};

enum { SEGMENTS_MAX = 4 };
struct segments {
    struct segment items[SEGMENTS_MAX];
    uint32_t count;
};

__attribute__((format(printf, 4, 5))) static void add_segment(struct segments *segments,
                                                              const char *label,
                                                              enum emphasis emphasis,
                                                              const char *format, ...)
{
    struct segment *segment = &segments->items[segments->count++];
    snprintf(segment->label, sizeof segment->label, "%s", label);
    segment->emphasis = emphasis;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(segment->value, sizeof segment->value, format, arguments);
    va_end(arguments);
}

static uint32_t segment_columns(const struct segment *segment)
{
    size_t label = strlen(segment->label), value = strlen(segment->value);
    return (uint32_t)(label + (label > 0 && value > 0) + value);
}

/* Three digits of a rate, without an exponent as long as that is no lie. */
static void format_rate(double rate, char *text, size_t size)
{
    const char *format = rate >= 100 ? "%.0f" : rate >= 10 ? "%.1f" : rate >= 1 ? "%.2f" : "%.2g";
    snprintf(text, size, format, rate);
}

static void say_jobs(const struct shell_view *view, struct segments *segments)
{
    uint64_t percent = view->jobs_total > 0 ? 100 * view->commits / view->jobs_total : 0;
    add_segment(segments, "", EMPHASIS_STRONG, "%" PRIu64 "/%" PRIu64 " jobs", view->commits,
                view->jobs_total);
    add_segment(segments, "", EMPHASIS_NONE, "%" PRIu64 " %%", percent);
    if (!isfinite(view->jobs_per_s))
        return;
    char rate[32], left[DURATION_BYTES_MAX];
    format_rate(view->jobs_per_s, rate, sizeof rate);
    format_duration(view->seconds_left, left);
    add_segment(segments, "", EMPHASIS_NONE, "%s/s", rate);
    if (isfinite(view->seconds_left))
        add_segment(segments, "", EMPHASIS_NONE, "%s left", left);
}

static void say_fitness(const struct shell_view *view, struct segments *segments)
{
    if (isfinite(view->fitness_best))
        add_segment(segments, "best", EMPHASIS_STRONG, "%.5g (%" PRIu32 "/%" PRIu64 ")",
                    view->fitness_best, view->champion.line, view->champion.job);
    if (isfinite(view->fitness_median))
        add_segment(segments, "median", EMPHASIS_NONE, "%.5g", view->fitness_median);
}

static void say_workers(const struct shell_view *view, struct segments *segments)
{
    if (view->workers == 0)
        add_segment(segments, "", EMPHASIS_STRONG, "no workers");
    else
        add_segment(segments, "", EMPHASIS_NONE, "%" PRIu32 " worker%s, %" PRIu32 " slot%s",
                    view->workers, view->workers == 1 ? "" : "s", view->slots,
                    view->slots == 1 ? "" : "s");
}

void format_success(const struct shell_operator *shown, char text[SUCCESS_BYTES_MAX])
{
    double percent = 100 * (double)shown->improved / (double)shown->compared;
    int decimals = percent >= 9.95 || shown->improved == 0 ? 0 : percent >= 0.095 ? 1 : 2;
    if (shown->compared == 0)
        snprintf(text, SUCCESS_BYTES_MAX, "-");
    else
        snprintf(text, SUCCESS_BYTES_MAX, "%.*f %%", decimals, percent);
}

static void say_operator(const struct shell_operator *shown, struct segment *segment)
{
    char success[SUCCESS_BYTES_MAX];
    format_success(shown, success);
    *segment = (struct segment){.emphasis = EMPHASIS_NONE};
    snprintf(segment->label, sizeof segment->label, "%s", shown->label);
    snprintf(segment->value, sizeof segment->value, "%s", success);
}

/* ----------------------------------------------------------------------------------- one line */

static void append_segment(char *text, size_t size, const struct segment *segment)
{
    size_t used = strlen(text);
    snprintf(text + used, size - used, "%s%s%s%s", used > 0 ? "  " : "", segment->label,
             segment->label[0] != '\0' && segment->value[0] != '\0' ? " " : "", segment->value);
}

static void append_segments(char *text, size_t size, const struct segments *segments)
{
    for (uint32_t i = 0; i < segments->count; i++)
        append_segment(text, size, &segments->items[i]);
}

void format_progress(const struct shell_view *view, char *text, size_t size)
{
    struct segments jobs = {.count = 0}, state = {.count = 0};
    text[0] = '\0';
    say_jobs(view, &jobs);
    say_fitness(view, &state);
    say_workers(view, &state);
    append_segments(text, size, &jobs);
    append_segments(text, size, &state);
}

void format_operators(const struct shell_view *view, char *text, size_t size)
{
    text[0] = '\0';
    for (uint32_t i = 0; i < view->operator_count; i++) {
        struct segment segment;
        say_operator(&view->operators[i], &segment);
        append_segment(text, size, &segment);
    }
}

/* -------------------------------------------------------------------------------------- a block */

struct row_writer {
    struct block_row *row;
    uint32_t limit; /* columns */
    enum block_attributes attributes;
};

static void put(const struct row_writer *writer, const char *attribute, const char *text)
{
    struct block_row *row = writer->row;
    size_t used = strlen(row->text);
    bool marked = writer->attributes == BLOCK_ATTRIBUTES && attribute[0] != '\0' && text[0] != '\0';
    snprintf(row->text + used, sizeof row->text - used, "%s%s%s", marked ? attribute : "", text,
             marked ? "\033[0m" : "");
    row->columns += (uint32_t)strlen(text);
}

/* False when there is no room for it. */
static bool put_segment(const struct row_writer *writer, const struct segment *segment)
{
    static const char bold[] = "\033[1m", dim[] = "\033[2m";
    uint32_t gap = writer->row->columns > 0 ? GAP : 0;
    if (writer->row->columns + gap + segment_columns(segment) > writer->limit)
        return false;
    put(writer, "", gap > 0 ? "  " : "");
    put(writer, dim, segment->label);
    put(writer, "", segment->label[0] != '\0' && segment->value[0] != '\0' ? " " : "");
    put(writer, segment->emphasis == EMPHASIS_STRONG ? bold : "", segment->value);
    return true;
}

static void put_segments(const struct row_writer *writer, const struct segments *segments)
{
    for (uint32_t i = 0; i < segments->count; i++)
        if (!put_segment(writer, &segments->items[i]))
            return;
}

static uint32_t segments_columns(const struct segments *segments)
{
    uint32_t columns = 0;
    for (uint32_t i = 0; i < segments->count; i++)
        columns += segment_columns(&segments->items[i]) + (i > 0 ? GAP : 0);
    return columns;
}

static void put_bar(const struct row_writer *writer, double done, uint32_t room)
{
    uint32_t cells = room > BAR_CELLS + 2 ? BAR_CELLS : room - 2;
    char bar[BAR_CELLS + 3];
    uint32_t full = (uint32_t)(done * cells);
    if (full > cells)
        full = cells;
    memset(bar, ' ', cells + 2);
    memset(bar + 1, '=', full);
    if (full < cells)
        bar[1 + full] = '>';
    bar[0] = '[';
    bar[cells + 1] = ']';
    bar[cells + 2] = '\0';
    put(writer, "", bar);
}

static void put_jobs(const struct row_writer *writer, const struct shell_view *view)
{
    struct segments jobs = {.count = 0};
    say_jobs(view, &jobs);
    uint32_t taken = segments_columns(&jobs) + GAP;
    double done = view->jobs_total > 0 ? (double)view->commits / (double)view->jobs_total : 0;
    if (writer->limit >= taken + BAR_CELLS_LEAST + 2)
        put_bar(writer, done, writer->limit - taken);
    put_segments(writer, &jobs);
}

/* How many were tried more often; of equals the first comes first. */
static uint32_t rank_of(const struct shell_view *view, uint32_t index)
{
    uint32_t rank = 0;
    for (uint32_t i = 0; i < view->operator_count; i++) {
        uint64_t own = view->operators[index].tried, other = view->operators[i].tried;
        rank += other > own || (other == own && i < index);
    }
    return rank;
}

/* The `most` that were tried most. False when they do not fit. */
static bool try_operators(const struct row_writer *writer, const struct shell_view *view,
                          uint32_t most)
{
    struct segment segment = {.label = "improved"};
    *writer->row = (struct block_row){.columns = 0};
    if (!put_segment(writer, &segment))
        return false;
    for (uint32_t i = 0; i < view->operator_count; i++) {
        if (rank_of(view, i) >= most)
            continue;
        say_operator(&view->operators[i], &segment);
        if (!put_segment(writer, &segment))
            return false;
    }
    if (most == view->operator_count)
        return true;
    segment = (struct segment){.emphasis = EMPHASIS_NONE};
    snprintf(segment.value, sizeof segment.value, "+%" PRIu32, view->operator_count - most);
    return put_segment(writer, &segment);
}

static void put_operators(const struct row_writer *writer, const struct shell_view *view)
{
    uint32_t most = view->operator_count;
    while (most > 0 && !try_operators(writer, view, most))
        most--;
    if (most == 0) /* not even one has room */
        *writer->row = (struct block_row){.columns = 0};
}

uint32_t format_block(const struct shell_view *view, uint32_t columns,
                      enum block_attributes attributes, struct block_row rows[BLOCK_ROWS_MAX])
{
    uint32_t limit = columns > BLOCK_COLUMNS_MAX ? BLOCK_COLUMNS_MAX
                     : columns > 0               ? columns - 1
                                                 : 0;
    struct row_writer writer = {rows, limit, attributes};
    struct segments state = {.count = 0};
    memset(rows, 0, BLOCK_ROWS_MAX * sizeof *rows);
    put_jobs(&writer, view);
    writer.row = &rows[1];
    say_fitness(view, &state);
    say_workers(view, &state);
    put_segments(&writer, &state);
    if (view->operator_count == 0)
        return 2;
    writer.row = &rows[2];
    put_operators(&writer, view);
    return rows[2].columns > 0 ? 3 : 2;
}

void format_size(uint64_t bytes, char text[SIZE_BYTES_MAX])
{
    if (bytes < 1024)
        snprintf(text, SIZE_BYTES_MAX, "%" PRIu64 " bytes", bytes);
    else if (bytes < 1024 * 1024)
        snprintf(text, SIZE_BYTES_MAX, "%.1f KiB", (double)bytes / 1024);
    else if (bytes < UINT64_C(1) << 30)
        snprintf(text, SIZE_BYTES_MAX, "%.1f MiB", (double)bytes / (1024 * 1024));
    else
        snprintf(text, SIZE_BYTES_MAX, "%.1f GiB", (double)bytes / (1024 * 1024 * 1024));
}
