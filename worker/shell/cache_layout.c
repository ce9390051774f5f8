/* cache_layout.c: see cache_layout.h. */
#include "worker/shell/cache_layout.h"

#include <inttypes.h>
#include <stdio.h>

void cache_blob_name(const struct digest *digest, char name[CACHE_NAME_BYTES])
{
    char hex[DIGEST_HEX_BYTES];
    digest_to_hex(digest, hex);
    snprintf(name, CACHE_NAME_BYTES, CACHE_BLOBS "/%.2s/%s", hex, hex + 2);
}

void cache_blob_folder(const struct digest *digest, char name[CACHE_NAME_BYTES])
{
    snprintf(name, CACHE_NAME_BYTES, CACHE_BLOBS "/%02x", digest->bytes[0]);
}

void cache_staging_folder(uint32_t slot, char name[CACHE_NAME_BYTES])
{
    snprintf(name, CACHE_NAME_BYTES, CACHE_INCOMING "/slot-%" PRIu32, slot);
}

void cache_staging_name(uint32_t slot, const struct digest *digest, char name[CACHE_NAME_BYTES])
{
    char hex[DIGEST_HEX_BYTES];
    digest_to_hex(digest, hex);
    snprintf(name, CACHE_NAME_BYTES, CACHE_INCOMING "/slot-%" PRIu32 "/%s", slot, hex);
}
