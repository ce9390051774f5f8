/* slot_folder.c: see slot_folder.h. */
#include "proto/slot_folder.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

void slot_folder_blob(const struct digest *digest, char name[SLOT_FOLDER_NAME_BYTES])
{
    char hex[DIGEST_HEX_BYTES];
    digest_to_hex(digest, hex);
    snprintf(name, SLOT_FOLDER_NAME_BYTES, SLOT_FOLDER_BLOBS "/%.2s/%s", hex, hex + 2);
}

void slot_folder_blob_parent(const struct digest *digest, char name[SLOT_FOLDER_NAME_BYTES])
{
    snprintf(name, SLOT_FOLDER_NAME_BYTES, SLOT_FOLDER_BLOBS "/%02x", digest->bytes[0]);
}

void slot_folder_staging(uint32_t slot, char name[SLOT_FOLDER_NAME_BYTES])
{
    snprintf(name, SLOT_FOLDER_NAME_BYTES, SLOT_FOLDER_INCOMING "/slot-%" PRIu32, slot);
}

void slot_folder_child(uint32_t slot, const struct digest *digest,
                       char name[SLOT_FOLDER_NAME_BYTES])
{
    char hex[DIGEST_HEX_BYTES];
    digest_to_hex(digest, hex);
    snprintf(name, SLOT_FOLDER_NAME_BYTES, SLOT_FOLDER_INCOMING "/slot-%" PRIu32 "/%s", slot, hex);
}

void slot_arguments_fill(const struct slot_start *start, struct slot_arguments *arguments)
{
    snprintf(arguments->name, sizeof arguments->name, "ratchet-worker-slot-%" PRIu32, start->slot);
    snprintf(arguments->number, sizeof arguments->number, "%" PRIu32, start->slot);
    snprintf(arguments->descriptor, sizeof arguments->descriptor, "%d", start->descriptor);
    const char *const items[SLOT_ARGUMENTS_MAX] = {
        arguments->name,       "--slot-fd",
        arguments->descriptor, "--slot-number",
        arguments->number,     "--cache",
        start->folder,         start->device != NULL ? "--device" : NULL,
        start->device,         NULL,
    };
    for (uint32_t i = 0; i < SLOT_ARGUMENTS_MAX; i++)
        arguments->items[i] = items[i];
}
