/*
 * outbox.c: see outbox.h.
 *
 * An array of datagrams in the order in which they were begun, and a map from a peer to its latest
 * one: only that one is still appended to. A datagram starts small and doubles: most hold a single
 * verdict, the first to a large machine holds hundreds of leases.
 */
#include "coordinator/shell/outbox.h"

#include "common/fixed_map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_BYTES = 2048,
    /* Peers of one turn. A turn reads a bounded number of datagrams and each peer sent one, but a
     * restarted core may speak to all sessions at once. */
    PEERS_MAX = 2 * SESSIONS_MAX,
};

struct letter {
    struct instance_id to;
    uint8_t *bytes; /* kept when the letter is reused */
    size_t size, used;
};

struct outbox {
    struct codec *codec;
    struct fixed_map *latest; /* instance -> index into letters */
    struct letter *letters;
    uint32_t count, capacity;
};

struct outbox *outbox_create(void)
{
    struct outbox *outbox = calloc(1, sizeof *outbox);
    if (outbox == NULL)
        return NULL;
    outbox->codec = codec_create();
    outbox->latest = fixed_map_create(PEERS_MAX);
    if (outbox->codec == NULL || outbox->latest == NULL)
        outbox_destroy(&outbox);
    return outbox;
}

void outbox_destroy(struct outbox **outbox)
{
    if (*outbox == NULL)
        return;
    for (uint32_t i = 0; i < (*outbox)->capacity; i++)
        free((*outbox)->letters[i].bytes);
    free((*outbox)->letters);
    fixed_map_destroy(&(*outbox)->latest);
    codec_destroy(&(*outbox)->codec);
    free(*outbox);
    *outbox = NULL;
}

static bool grow_list(struct outbox *outbox)
{
    uint32_t capacity = outbox->capacity == 0 ? 16 : 2 * outbox->capacity;
    struct letter *letters = realloc(outbox->letters, capacity * sizeof *letters);
    if (letters == NULL)
        return false;
    memset(letters + outbox->capacity, 0, (capacity - outbox->capacity) * sizeof *letters);
    outbox->letters = letters;
    outbox->capacity = capacity;
    return true;
}

static bool grow_letter(struct letter *letter)
{
    size_t size = letter->size == 0 ? FIRST_BYTES : 2 * letter->size;
    if (size > DATAGRAM_BYTES_MAX)
        size = DATAGRAM_BYTES_MAX;
    uint8_t *bytes = realloc(letter->bytes, size);
    if (bytes == NULL)
        return false;
    letter->bytes = bytes;
    letter->size = size;
    return true;
}

/* A new datagram for `to`, from now on its latest; NULL when memory is out. */
static struct letter *begin_letter(struct outbox *outbox, const struct instance_id *to)
{
    if (outbox->count == outbox->capacity && !grow_list(outbox))
        return NULL;
    struct map_key key = map_key_of_bytes(to->bytes);
    if (fixed_map_find(outbox->latest, key) != FIXED_MAP_NONE)
        fixed_map_remove(outbox->latest, key);
    if (fixed_map_count(outbox->latest) == PEERS_MAX)
        return NULL;
    struct letter *letter = &outbox->letters[outbox->count];
    letter->to = *to;
    letter->used = 0;
    fixed_map_insert(outbox->latest, key, outbox->count);
    outbox->count++;
    return letter;
}

size_t outbox_add(struct outbox *outbox, const struct instance_id *to,
                  const struct message *message)
{
    uint32_t index = fixed_map_find(outbox->latest, map_key_of_bytes(to->bytes));
    struct letter *letter =
        index != FIXED_MAP_NONE ? &outbox->letters[index] : begin_letter(outbox, to);
    while (letter != NULL) {
        size_t before = letter->used;
        if (letter->size > 0 &&
            codec_append(outbox->codec, message, letter->bytes, letter->size, &letter->used))
            return letter->used - before;
        if (letter->size < DATAGRAM_BYTES_MAX) {
            if (!grow_letter(letter))
                return 0;
            continue;
        }
        assert(letter->used > 0); /* a message always fits an empty datagram */
        letter = begin_letter(outbox, to);
    }
    return 0;
}

static void forget_peers(struct outbox *outbox)
{
    for (uint32_t i = 0; i < outbox->count; i++) {
        struct map_key key = map_key_of_bytes(outbox->letters[i].to.bytes);
        if (fixed_map_find(outbox->latest, key) != FIXED_MAP_NONE)
            fixed_map_remove(outbox->latest, key);
    }
    outbox->count = 0;
}

void outbox_flush(struct outbox *outbox, const struct outbox_sink *sink)
{
    for (uint32_t i = 0; i < outbox->count; i++) {
        const struct letter *letter = &outbox->letters[i];
        if (letter->used > 0)
            sink->send(sink->context, &letter->to, letter->bytes, letter->used);
    }
    forget_peers(outbox);
}

void outbox_discard(struct outbox *outbox)
{
    forget_peers(outbox);
}

uint32_t outbox_count(const struct outbox *outbox)
{
    return outbox->count;
}
