/* reader.c: see reader.h. */
#include "coordinator/reading/reader.h"

#include "coordinator/reading/settings_text.h"
#include "coordinator/shell/run_directory.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number of lines is a setting of the search, so it is in the canonical text. */
uint32_t lines_of_run(const struct ledger_header *header)
{
    char text[32], *end;
    if (!settings_find(header->canonical, "search.lines", text, sizeof text))
        return 1;
    unsigned long long lines = strtoull(text, &end, 10);
    return isdigit((unsigned char)text[0]) && *end == '\0' && lines <= LINES_MAX ? (uint32_t)lines
                                                                                 : 0;
}

int reader_open(struct reader *reader, const char *path, struct error *error)
{
    char file[OS_PATH_BYTES_MAX];
    *reader = (struct reader){0};
    if (os_path_join(file, sizeof file, path, "ledger.sqlite", error) != 0)
        return -1;
    if (run_directory_require(path, error) != 0)
        return -1;
    snprintf(reader->path, sizeof reader->path, "%s", path);
    if (ledger_open(file, LEDGER_READ, &reader->header, &reader->ledger, error) != LEDGER_OK)
        return -1;
    reader->lines = lines_of_run(&reader->header);
    if (reader->lines > 0)
        return 0;
    ledger_close(&reader->ledger);
    return error_set(error, -1, "%s is damaged: its experiment has no number of lines from 1 to %d",
                     file, LINES_MAX);
}

void reader_close(struct reader *reader)
{
    run_chain_close(&reader->chain);
    ledger_close(&reader->ledger);
}

/* The facts are read in the moment in which the commits will be: a living run may end meanwhile. */
int reader_rewind(struct reader *reader, struct error *error)
{
    char finished[32];
    run_chain_close(&reader->chain);
    if (ledger_rewind(reader->ledger, error) != LEDGER_OK ||
        run_chain_open(&reader->chain, &reader->header.experiment_digest, reader->lines, error) !=
            0)
        return -1;
    reader_fact(reader, "finished", finished, sizeof finished);
    reader_fact(reader, "digest", reader->digest_told, sizeof reader->digest_told);
    if (finished[0] == '\0')
        reader->digest_told[0] = '\0';
    return 0;
}

/* A run that ended has all its commits: a tail that is missing leaves no other trace. */
static int check_end(const struct reader *reader, struct error *error)
{
    char hex[DIGEST_HEX_BYTES];
    struct digest digest = run_chain_digest(&reader->chain);
    digest_to_hex(&digest, hex);
    if (reader->digest_told[0] == '\0' || strcmp(reader->digest_told, hex) == 0)
        return 0;
    return error_set(error, -1,
                     "%s: the ledger was damaged or changed: its commits do not lead to the digest "
                     "with which the run ended",
                     reader->path);
}

int reader_next_commit(struct reader *reader, struct commit_record *record, struct error *error)
{
    struct ledger_record any;
    enum ledger_result result;
    while ((result = ledger_next(reader->ledger, &any, error)) == LEDGER_OK) {
        if (any.kind != RECORD_COMMIT)
            continue;
        struct error reason;
        if (run_chain_add(&reader->chain, &any.commit, &reason) != 0)
            return error_set(error, -1, "%s: %.400s", reader->path, reason.text);
        *record = any.commit;
        return 1;
    }
    return result == LEDGER_END ? check_end(reader, error) : -1;
}

int reader_count(struct reader *reader, struct commit_counts *counts, struct error *error)
{
    struct commit_record record;
    int rc;
    *counts = (struct commit_counts){0};
    if (reader_rewind(reader, error) != 0)
        return -1;
    while ((rc = reader_next_commit(reader, &record, error)) > 0) {
        bool final = record.job.key.job == JOB_NUMBER_FINAL;
        counts->commits++;
        counts->admitted += record.admitted;
        counts->attempts += record.attempts;
        counts->opinions += record.opinions;
        counts->diverged += !final && record.outcome == OUTCOME_DIVERGED;
        counts->failed += !final && record.outcome == OUTCOME_FAILED;
    }
    return rc;
}

void format_no_champion(const struct commit_counts *counts, char text[NO_CHAMPION_BYTES_MAX])
{
    unsigned long long diverged = counts->diverged, failed = counts->failed;
    if (counts->commits == 0) {
        snprintf(text, NO_CHAMPION_BYTES_MAX, "none: no job is done yet");
        return;
    }
    int used = snprintf(text, NO_CHAMPION_BYTES_MAX, "none: %llu of %llu job%s %s",
                        diverged > 0 ? diverged : failed, (unsigned long long)counts->commits,
                        counts->commits == 1 ? "" : "s", diverged > 0 ? "diverged" : "failed");
    if (diverged > 0 && failed > 0)
        snprintf(text + used, NO_CHAMPION_BYTES_MAX - (size_t)used, ", %llu failed", failed);
}

int reader_get(struct reader *reader, struct job_key key, struct commit_record *record,
               struct error *error)
{
    enum ledger_result result = ledger_get_commit(reader->ledger, key, record, error);
    if (result == LEDGER_OK)
        return 1;
    return result == LEDGER_END ? 0 : -1;
}

int reader_champion(struct reader *reader, uint32_t line, struct commit_record *record,
                    struct error *error)
{
    if (reader_rewind(reader, error) != 0)
        return -1;
    struct commit_record each;
    int found = 0, rc;
    while ((rc = reader_next_commit(reader, &each, error)) > 0) {
        if (!each.champion || (line != READER_ANY_LINE && each.job.key.line != line))
            continue;
        if (found == 0 || fitness_better(each.fitness, record->fitness))
            *record = each;
        found = 1;
    }
    return rc < 0 ? -1 : found;
}

int reader_final(struct reader *reader, const struct commit_record *champion,
                 struct commit_record *record, struct error *error)
{
    const struct job_key key = {.line = champion->job.key.line, .job = JOB_NUMBER_FINAL};
    int found = reader_get(reader, key, record, error);
    if (found <= 0)
        return found;
    return record->job.parent_count > 0 && job_key_equal(record->parent_ids[0], champion->job.key);
}

/* Reads digits up to the end or to a separator. */
static bool parse_number(const char **text, uint64_t *value)
{
    if (!isdigit((unsigned char)**text))
        return false;
    char *end;
    errno = 0;
    unsigned long long number = strtoull(*text, &end, 10);
    *text = end;
    *value = number;
    return errno == 0;
}

bool parse_id(const char *text, struct job_key *key)
{
    uint64_t first, second;
    if (!parse_number(&text, &first))
        return false;
    if (*text == '\0') {
        *key = (struct job_key){.job = first};
        return true;
    }
    if (*text++ != '/' || first >= LINES_MAX)
        return false;
    key->line = (uint32_t)first;
    if (strcmp(text, "final") == 0) {
        key->job = JOB_NUMBER_FINAL;
        return true;
    }
    key->job = 0;
    if (!parse_number(&text, &second) || *text != '\0')
        return false;
    key->job = second;
    return true;
}

void format_id(struct job_key key, char id[ID_BYTES_MAX])
{
    if (key.job == JOB_NUMBER_FINAL)
        snprintf(id, ID_BYTES_MAX, "%u/final", key.line);
    else
        snprintf(id, ID_BYTES_MAX, "%u/%llu", key.line, (unsigned long long)key.job);
}

/* "champion" and "3/champion"; false for anything else. */
static bool names_champion(const char *name, uint32_t *line)
{
    if (strcmp(name, "champion") == 0) {
        *line = READER_ANY_LINE;
        return true;
    }
    uint64_t number;
    if (!parse_number(&name, &number) || number >= LINES_MAX)
        return false;
    *line = (uint32_t)number;
    return strcmp(name, "/champion") == 0;
}

/* Of the champion's line, so that it is the evaluation of whom "champion" names. */
static int find_final(struct reader *reader, struct commit_record *record, struct error *error)
{
    struct commit_record champion;
    int found = reader_champion(reader, READER_ANY_LINE, &champion, error);
    const struct job_key key = {.line = found > 0 ? champion.job.key.line : 0,
                                .job = JOB_NUMBER_FINAL};
    return found < 0 ? found : reader_get(reader, key, record, error);
}

int reader_find(struct reader *reader, const char *name, struct commit_record *record,
                struct error *error)
{
    struct job_key key = {.job = JOB_NUMBER_FINAL};
    uint32_t line;
    int found;
    if (names_champion(name, &line))
        found = reader_champion(reader, line, record, error);
    else if (strcmp(name, "final") == 0)
        found = find_final(reader, record, error);
    else if (parse_id(name, &key))
        found = reader_get(reader, key, record, error);
    else
        return error_set(error, -1, "'%s' is not an ID: LINE/JOB, JOB, champion or final is wanted",
                         name);
    if (found == 0)
        return error_set(error, -1, "%s: nothing was committed as %s", reader->path, name);
    return found > 0 ? 0 : -1;
}

int reader_detail(struct reader *reader, struct job_key key, struct detail *detail,
                  struct error *error)
{
    uint8_t bytes[DETAIL_BYTES_MAX];
    uint32_t count = 0;
    enum ledger_result result = ledger_get_detail(reader->ledger, key, bytes, &count, error);
    if (result == LEDGER_END || (result == LEDGER_OK && count == 0))
        return 0;
    if (result != LEDGER_OK || detail_decode(bytes, count, detail, error) != 0)
        return -1;
    return 1;
}

void reader_fact(struct reader *reader, const char *name, char *value, size_t size)
{
    if (ledger_get_fact(reader->ledger, name, value, size, NULL) != LEDGER_OK)
        value[0] = '\0';
}

void reader_poison(struct reader *reader, char *reason, size_t size)
{
    char finished[32], digest[DIGEST_HEX_BYTES], id[ID_BYTES_MAX];
    char text[REASON_BYTES_MAX + NAME_BYTES_MAX];
    struct job_key job;
    reason[0] = '\0';
    /* A run that came to its end has a digest, and only one without poison is finished. */
    reader_fact(reader, "finished", finished, sizeof finished);
    reader_fact(reader, "digest", digest, sizeof digest);
    if (finished[0] != '\0' || digest[0] == '\0' ||
        ledger_get_note(reader->ledger, "job_quarantined", &job, text, sizeof text, NULL) !=
            LEDGER_OK)
        return;
    format_id(job, id);
    snprintf(reason, size, "job %s: %s", id, text);
}
