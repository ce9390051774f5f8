/*
 * ledger_sqlite_salvage.c: see ledger.h. What can be kept of a damaged ledger, or of a run that
 * goes back to an earlier moment.
 *
 * Records are read by their sequence, which needs no index, and each must be whole; the first that
 * is not ends the reading, since nothing behind it could be replayed. They are written into a new
 * ledger as a run would write them, but for the time: they keep theirs.
 */
#include "coordinator/shell/ledger_sqlite.h"

#include "common/os_clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { BATCH_RECORDS = 1000 };

struct salvage {
    struct ledger *from, *to;
    const struct ledger_salvage_plan *plan;
    struct ledger_salvaged *salvaged;
    struct error *error;
    uint8_t detail[DETAIL_BYTES_MAX];
};

/* An index that leads nowhere costs the detail, not the commit. */
static enum ledger_result copy_detail(struct salvage *salvage, struct job_key job)
{
    uint32_t bytes = 0;
    enum ledger_result result =
        ledger_get_detail(salvage->from, job, salvage->detail, &bytes, NULL);
    if (result == LEDGER_OK)
        return ledger_put_detail(salvage->to, job, salvage->detail, bytes, salvage->error);
    salvage->salvaged->details_lost += result == LEDGER_FAILED;
    return LEDGER_OK;
}

static enum ledger_result copy_record(struct salvage *salvage, const struct ledger_record *record)
{
    if (record->kind == RECORD_INPUT) {
        salvage->salvaged->inputs++;
        return ledger_put_input(salvage->to, &record->input, salvage->error);
    }
    salvage->salvaged->commits++;
    salvage->to->batch_wall_ms = ledger_committed_wall_ms(salvage->from);
    enum ledger_result result = ledger_put_commit(salvage->to, &record->commit, salvage->error);
    return result == LEDGER_OK ? copy_detail(salvage, record->commit.job.key) : result;
}

static bool is_wanted(const struct salvage *salvage, const struct ledger_record *record)
{
    uint64_t before = salvage->plan->before;
    return before == 0 || (record->kind == RECORD_COMMIT ? record->commit.sequence
                                                         : record->input.sequence) < before;
}

static void count_dropped(struct ledger_salvaged *salvaged, const struct ledger_record *record)
{
    if (record->kind == RECORD_INPUT) {
        salvaged->inputs_dropped++;
        return;
    }
    if (salvaged->commits_dropped++ == 0)
        salvaged->first_dropped = record->commit.job.key;
}

/*
 * The next record that is kept; false with the reason when there is none. Those that are dropped
 * are looked at as well: whoever goes back wants to know what he leaves, and whether it was sound.
 */
static bool next_sound(struct salvage *salvage, struct ledger_record *record)
{
    struct error *reason = &salvage->salvaged->reason;
    /* At the end of a ledger that is whole, no reason is given. */
    while (ledger_next(salvage->from, record, reason) == LEDGER_OK &&
           salvage->plan->fits(salvage->plan->context, record, reason) == 0) {
        if (is_wanted(salvage, record))
            return true;
        count_dropped(salvage->salvaged, record);
    }
    return false;
}

static enum ledger_result copy_records(struct salvage *salvage)
{
    struct ledger_record record;
    enum ledger_result result = LEDGER_OK;
    for (uint64_t i = 1; result == LEDGER_OK && next_sound(salvage, &record); i++) {
        result = copy_record(salvage, &record);
        if (result == LEDGER_OK && i % BATCH_RECORDS == 0)
            result = ledger_commit(salvage->to, LEDGER_SURVIVES_KILL, salvage->error);
        if (result == LEDGER_OK && i % BATCH_RECORDS == 0)
            result = ledger_begin(salvage->to, salvage->error);
    }
    return result;
}

/* Those of the end are void: the run has to come to it again. */
static bool is_of_the_end(const char *name)
{
    return strcmp(name, "finished") == 0 || strcmp(name, "digest") == 0;
}

static enum ledger_result copy_facts(struct salvage *salvage)
{
    sqlite3_stmt *statement = salvage->from->statements[STATEMENT_CHECK_FACTS];
    enum ledger_result result = LEDGER_OK;
    int code = SQLITE_DONE;
    while (result == LEDGER_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        char name[FACT_NAME_BYTES_MAX + 1] = "", value[FACT_VALUE_BYTES_MAX + 1] = "";
        struct row row = {.path = salvage->from->path,
                          .statement = statement,
                          .kind = "facts",
                          .number = ROW_UNNUMBERED};
        row_text(&row, 0, name, sizeof name);
        row_text(&row, 1, value, sizeof value);
        row_check_sum(&row, 3);
        salvage->salvaged->facts_lost += row.damaged;
        if (!row.damaged && !is_of_the_end(name))
            result = ledger_put_fact(salvage->to, name, value, salvage->error);
    }
    salvage->salvaged->facts_lost += result == LEDGER_OK && code != SQLITE_DONE;
    ledger_reset(salvage->from, STATEMENT_CHECK_FACTS);
    return result;
}

static enum ledger_result leave_note(struct salvage *salvage)
{
    const struct ledger_salvaged *salvaged = salvage->salvaged;
    char text[sizeof salvaged->reason.text + 80];
    bool rewound = salvage->plan->before != 0;
    if (rewound)
        snprintf(text, sizeof text,
                 "went back to before record %" PRIu64 ": %" PRIu64 " commits were dropped",
                 salvage->plan->before, salvaged->commits_dropped);
    else
        snprintf(text, sizeof text, "%" PRIu64 " commits were kept of a damaged ledger: %s",
                 salvaged->commits, salvaged->reason.text);
    const struct ledger_note note = {.wall_ms = clock_wall_ms(),
                                     .kind = rewound ? "run_rewound" : "ledger_salvaged",
                                     .text = text};
    return ledger_put_note(salvage->to, &note, salvage->error);
}

/* Whoever goes back does not want to lose more than he said. */
static enum ledger_result refuse_damage(const struct salvage *salvage)
{
    const struct ledger_salvaged *salvaged = salvage->salvaged;
    if (salvage->plan->before == 0 || (salvaged->reason.text[0] == '\0' &&
                                       salvaged->details_lost == 0 && salvaged->facts_lost == 0))
        return LEDGER_OK;
    return ledger_fail(salvage->error, LEDGER_FAILED, "%s: is damaged: %.300s", salvage->from->path,
                       salvaged->reason.text[0] != '\0' ? salvaged->reason.text
                                                        : "details or facts cannot be read");
}

static enum ledger_result copy_all(struct salvage *salvage)
{
    uint64_t epoch = 0;
    enum ledger_result result = ledger_read_epoch(salvage->from, &epoch, salvage->error);
    if (result == LEDGER_OK)
        result = ledger_begin(salvage->to, salvage->error);
    if (result == LEDGER_OK)
        result = ledger_put_epoch(salvage->to, epoch, salvage->error);
    if (result == LEDGER_OK)
        result = copy_records(salvage);
    if (result == LEDGER_OK)
        result = copy_facts(salvage);
    if (result == LEDGER_OK)
        result = refuse_damage(salvage);
    if (result == LEDGER_OK)
        result = leave_note(salvage);
    if (result == LEDGER_OK)
        result = ledger_commit(salvage->to, LEDGER_SURVIVES_POWER_CUT, salvage->error);
    return result;
}

/* All records were kept; is the rest in order, too? */
static bool is_sound(struct salvage *salvage)
{
    const struct ledger_salvaged *salvaged = salvage->salvaged;
    salvage->from->is_checked = false;
    return salvaged->reason.text[0] == '\0' && salvaged->details_lost == 0 &&
           salvaged->facts_lost == 0 &&
           ledger_check_pages(salvage->from, &salvage->salvaged->reason) == LEDGER_OK;
}

/* The file's header: the size of a page in two bytes at 16, their number in four at 28. */
uint64_t ledger_told_bytes(const char *path)
{
    uint8_t header[32];
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return 0;
    size_t got = fread(header, 1, sizeof header, file);
    fclose(file);
    if (got != sizeof header)
        return 0;
    uint32_t page = (uint32_t)header[16] << 8 | header[17];
    uint32_t pages = (uint32_t)header[28] << 24 | (uint32_t)header[29] << 16 |
                     (uint32_t)header[30] << 8 | header[31];
    return (uint64_t)(page == 1 ? 65536 : page) * pages;
}

enum ledger_result ledger_salvage(struct ledger *from, const struct ledger_salvage_plan *plan,
                                  struct ledger_salvaged *salvaged, struct error *error)
{
    struct salvage salvage = {.from = from, .plan = plan, .salvaged = salvaged, .error = error};
    struct ledger_header header;
    *salvaged = (struct ledger_salvaged){0};
    enum ledger_result result = ledger_read_header(from, &header, error);
    if (result == LEDGER_OK)
        result = ledger_clear_name(plan->fresh, error);
    if (result == LEDGER_OK)
        result = ledger_open(plan->fresh, LEDGER_CREATE, &header, &salvage.to, error);
    if (result != LEDGER_OK)
        return result;
    result = copy_all(&salvage);
    ledger_close(&salvage.to);
    salvaged->is_sound = result == LEDGER_OK && is_sound(&salvage);
    if (result != LEDGER_OK)
        ledger_clear_name(plan->fresh, NULL);
    return result;
}
