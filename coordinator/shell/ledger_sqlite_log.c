/*
 * ledger_sqlite_log.c: see ledger_sqlite.h. What of the write-ahead log SQLite will not read.
 *
 * The log is a header and frames: a page each, behind its number and a checksum over all frames
 * before it. SQLite reads up to the last commit in front of the first frame that does not check
 * out, and silently writes over the rest. That is right after a crash, but whoever lost commits
 * that way should be told. Frames of an older log may lie behind those of the present one; they
 * carry other salts, and are no loss. The format: https://www.sqlite.org/fileformat2.html, 4.
 */
#include "coordinator/shell/ledger_sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEADER_BYTES = 32,
    FRAME_BYTES = 24, /* of a frame's header */
    SALT_BYTES = 8,
    PAGE_BYTES_LEAST = 512,
    PAGE_BYTES_MOST = 65536,
};

struct log_reader {
    FILE *file;
    uint32_t page_bytes;
    bool is_big_endian; /* the order of the words that are summed */
    uint32_t sums[2];
    uint8_t salts[SALT_BYTES];
    uint8_t bytes[FRAME_BYTES + PAGE_BYTES_MOST];
};

static uint32_t word_at(const uint8_t *bytes, bool is_big_endian)
{
    return is_big_endian ? (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
                               (uint32_t)bytes[2] << 8 | bytes[3]
                         : (uint32_t)bytes[3] << 24 | (uint32_t)bytes[2] << 16 |
                               (uint32_t)bytes[1] << 8 | bytes[0];
}

static void add_to_sums(struct log_reader *reader, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i + 8 <= count; i += 8) {
        reader->sums[0] += word_at(bytes + i, reader->is_big_endian) + reader->sums[1];
        reader->sums[1] += word_at(bytes + i + 4, reader->is_big_endian) + reader->sums[0];
    }
}

static bool has_sums(const struct log_reader *reader, const uint8_t *bytes)
{
    return word_at(bytes, true) == reader->sums[0] && word_at(bytes + 4, true) == reader->sums[1];
}

/* False when SQLite takes the whole log for void. */
static bool read_header(struct log_reader *reader, const uint8_t header[HEADER_BYTES])
{
    uint32_t magic = word_at(header, true);
    reader->page_bytes = word_at(header + 8, true);
    reader->is_big_endian = (magic & 1) != 0;
    memcpy(reader->salts, header + 16, SALT_BYTES);
    add_to_sums(reader, header, HEADER_BYTES - 8);
    return (magic & ~1u) == 0x377f0682 && reader->page_bytes >= PAGE_BYTES_LEAST &&
           reader->page_bytes <= PAGE_BYTES_MOST &&
           (reader->page_bytes & (reader->page_bytes - 1)) == 0 && has_sums(reader, header + 24);
}

/* A frame whose page is of the present log, wherever the chain of sums broke off. */
static bool is_present(const struct log_reader *reader)
{
    return memcmp(reader->bytes + 8, reader->salts, SALT_BYTES) == 0;
}

static bool continues(struct log_reader *reader)
{
    add_to_sums(reader, reader->bytes, 8);
    add_to_sums(reader, reader->bytes + FRAME_BYTES, reader->page_bytes);
    return is_present(reader) && word_at(reader->bytes, true) != 0 &&
           has_sums(reader, reader->bytes + 16);
}

static void read_frames(struct log_reader *reader, struct ledger_log *log)
{
    size_t count = FRAME_BYTES + reader->page_bytes;
    uint64_t frames = 0, present = 0, committed = 0;
    bool is_whole = true;
    size_t got;
    while ((got = fread(reader->bytes, 1, count, reader->file)) == count) {
        frames++;
        is_whole = is_whole && continues(reader);
        if (is_whole && word_at(reader->bytes + 4, true) != 0)
            committed = frames;
        if (is_whole || is_present(reader))
            present = frames;
    }
    if (got >= 8 + SALT_BYTES && is_present(reader)) {
        present = frames + 1;
        is_whole = false;
    }
    log->pages = present;
    /* What is whole but was not committed belongs to a batch that a killed process had begun. */
    log->pages_lost = is_whole || present == committed ? 0 : present - committed;
}

static bool is_blank(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

void ledger_examine_log(const char *path, struct ledger_log *log)
{
    char name[OS_PATH_BYTES_MAX + 8];
    uint8_t header[HEADER_BYTES];
    *log = (struct ledger_log){0};
    snprintf(name, sizeof name, "%s-wal", path);
    struct log_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return;
    reader->file = fopen(name, "rb");
    if (reader->file != NULL && fread(header, 1, sizeof header, reader->file) == sizeof header) {
        if (read_header(reader, header))
            read_frames(reader, log);
        else
            log->is_void = !is_blank(header, sizeof header);
    }
    if (reader->file != NULL)
        fclose(reader->file);
    free(reader);
}

const struct ledger_log *ledger_log_found(const struct ledger *ledger)
{
    return &ledger->log;
}
