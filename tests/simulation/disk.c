/* disk.c: see disk.h. */
#include "tests/simulation/disk.h"

#include "common/checksum.h"
#include "tests/simulation/array.h"

#include <assert.h>
#include <stdlib.h>

/* Rows are read where there are any: a table may be empty. */
static uint64_t rows_checksum(const void *first, size_t bytes)
{
    return bytes == 0 ? 0 : checksum_of(first, bytes);
}

/* Of the batch that follows marks[before] and ends at `end`. */
static uint64_t batch_checksum(const struct disk *disk, size_t before, const struct disk_mark *end)
{
    const struct disk_mark *start = &disk->marks[before];
    size_t records = end->records - start->records, details = end->details - start->details;
    uint64_t parts[2] = {
        rows_checksum(records > 0 ? disk->records + start->records : NULL,
                      records * sizeof disk->records[0]),
        rows_checksum(details > 0 ? disk->details + start->details : NULL,
                      details * sizeof disk->details[0]),
    };
    return checksum_of(parts, sizeof parts);
}

static void add_mark(struct disk *disk, const struct digest *core)
{
    disk->marks =
        array_grown(disk->marks, disk->mark_count, &disk->mark_capacity, sizeof disk->marks[0]);
    struct disk_mark mark = {
        .records = disk->record_count,
        .details = disk->detail_count,
        .digest = *core,
    };
    if (disk->mark_count > 0)
        mark.checksum = batch_checksum(disk, disk->mark_count - 1, &mark);
    disk->marks[disk->mark_count++] = mark;
}

void disk_init(struct disk *disk, const struct digest *start)
{
    *disk = (struct disk){.remade_from = SIZE_MAX};
    add_mark(disk, start);
}

void disk_fini(struct disk *disk)
{
    free(disk->records);
    free(disk->details);
    free(disk->marks);
    shelf_fini(&disk->blobs);
}

void disk_stage_record(struct disk *disk, const struct ledger_record *record)
{
    disk->records = array_grown(disk->records, disk->record_count, &disk->record_capacity,
                                sizeof disk->records[0]);
    disk->records[disk->record_count++] = *record;
}

void disk_stage_detail(struct disk *disk, const struct disk_detail *detail)
{
    disk->details = array_grown(disk->details, disk->detail_count, &disk->detail_capacity,
                                sizeof disk->details[0]);
    disk->details[disk->detail_count++] = *detail;
}

const struct disk_mark *disk_last_mark(const struct disk *disk)
{
    return &disk->marks[disk->mark_count - 1];
}

bool disk_has_staged(const struct disk *disk)
{
    const struct disk_mark *last = disk_last_mark(disk);
    return disk->record_count > last->records || disk->detail_count > last->details;
}

void disk_commit(struct disk *disk, const struct digest *core)
{
    add_mark(disk, core);
}

bool disk_is_synced(const struct disk *disk)
{
    return disk->synced_mark == disk->mark_count - 1;
}

void disk_sync(struct disk *disk)
{
    for (uint32_t i = 0; i < disk->blobs.count; i++)
        disk->blobs.items[i].synced = true;
    disk->synced_mark = disk->mark_count - 1;
}

void disk_kill(struct disk *disk)
{
    const struct disk_mark *last = disk_last_mark(disk);
    disk->record_count = last->records;
    disk->detail_count = last->details;
}

/* A sector of the batch never reached the platter. */
static void tear(struct disk *disk, size_t mark, struct dice *dice)
{
    const struct disk_mark *start = &disk->marks[mark - 1], *end = &disk->marks[mark];
    size_t records = end->records - start->records;
    uint8_t *bytes = (uint8_t *)(disk->details + start->details);
    size_t count = (end->details - start->details) * sizeof disk->details[0];
    if (records > 0) {
        bytes = (uint8_t *)(disk->records + start->records);
        count = records * sizeof disk->records[0];
    }
    assert(count > 0);
    size_t from = dice_below(dice, (uint32_t)count);
    for (size_t i = from; i < count && i < from + 512; i++)
        bytes[i] = (uint8_t)dice_below(dice, 256);
    disk->batches_torn++;
}

/* Batches that were not synced are kept for good: their children may lie in no file yet. */
static void keep_unsynced(struct disk *disk)
{
    size_t synced_records = disk->marks[disk->synced_mark].records;
    if (synced_records < disk->remade_from)
        disk->remade_from = synced_records;
}

/* How many of the batches that were not synced the power cut leaves, the last of them perhaps torn.
 */
static void cut_tail(struct disk *disk, struct dice *dice)
{
    uint32_t at_risk = (uint32_t)(disk->mark_count - 1 - disk->synced_mark);
    uint32_t left = dice_chance(dice, 0.5) ? dice_below(dice, at_risk + 1) : 0;
    disk->batches_lost += at_risk - left;
    disk->mark_count = disk->synced_mark + 1 + left;
    if (left == 0)
        return;
    keep_unsynced(disk);
    if (dice_chance(dice, 0.7))
        tear(disk, disk->mark_count - 1, dice);
}

void disk_power_cut(struct disk *disk, struct dice *dice)
{
    disk_kill(disk);
    cut_tail(disk, dice);
    disk_kill(disk);
    for (uint32_t i = disk->blobs.count; i-- > 0;)
        if (!disk->blobs.items[i].synced && dice_chance(dice, 0.5))
            shelf_take(&disk->blobs, &disk->blobs.items[i]);
}

void disk_recover(struct disk *disk)
{
    for (size_t i = disk->synced_mark + 1; i < disk->mark_count; i++) {
        if (disk->marks[i].checksum == batch_checksum(disk, i - 1, &disk->marks[i]))
            continue;
        disk->mark_count = i;
        break;
    }
    disk_kill(disk);
    /* Whoever opens the ledger syncs it with its epoch, before anything is swept by it. */
    if (!disk_is_synced(disk))
        keep_unsynced(disk);
    disk->synced_mark = disk->mark_count - 1;
}
