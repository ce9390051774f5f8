/* disk.c: see disk.h. */
#include "tests/simulation/disk.h"

#include <assert.h>
#include <stdlib.h>

/* `items` with room for one more of `size` bytes. */
static void *grown(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity > 0 ? 2 * *capacity : 64;
    items = realloc(items, *capacity * size);
    assert(items != NULL);
    return items;
}

static void add_mark(struct disk *disk, const struct digest *core)
{
    disk->marks = grown(disk->marks, disk->mark_count, &disk->mark_capacity, sizeof disk->marks[0]);
    disk->marks[disk->mark_count++] =
        (struct disk_mark){disk->record_count, disk->detail_count, *core};
}

void disk_init(struct disk *disk, const struct digest *start)
{
    *disk = (struct disk){0};
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
    disk->records =
        grown(disk->records, disk->record_count, &disk->record_capacity, sizeof disk->records[0]);
    disk->records[disk->record_count++] = *record;
}

void disk_stage_detail(struct disk *disk, const struct disk_detail *detail)
{
    disk->details =
        grown(disk->details, disk->detail_count, &disk->detail_capacity, sizeof disk->details[0]);
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

void disk_power_cut(struct disk *disk, struct dice *dice)
{
    disk->mark_count = disk->synced_mark + 1;
    disk_kill(disk);
    for (uint32_t i = disk->blobs.count; i-- > 0;)
        if (!disk->blobs.items[i].synced && dice_chance(dice, 0.5))
            shelf_take(&disk->blobs, &disk->blobs.items[i]);
}

const struct disk_detail *disk_detail_of(const struct disk *disk, struct job_key job)
{
    for (size_t i = disk_last_mark(disk)->details; i-- > 0;)
        if (job_key_equal(disk->details[i].job, job))
            return &disk->details[i];
    return NULL;
}
