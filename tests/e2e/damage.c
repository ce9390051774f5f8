/*
 * damage.c: damages one file in a way that a seed decides, and says in one line what it did.
 *
 *   e2e_damage flip|cut|cut-page|zero-page|swap-pages|copy-page|scribble|append SEED FILE
 *
 * The same words and seed do the same to the same bytes. Not a fuzzer: it knows pages, which are
 * what disks and file systems lose, and nothing of what is on them. Used by abuse.test.
 */
#include "common/philox.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_BYTES = 4096, FLIPS_MAX = 64, APPENDED_MAX = 3 * PAGE_BYTES };

struct victim {
    const char *path;
    uint8_t *bytes; /* with room for APPENDED_MAX more */
    size_t count;
    struct random random;
};

static size_t draw(struct victim *victim, size_t below)
{
    return below == 0 ? 0 : random_below(&victim->random, (uint32_t)below);
}

static size_t pages_of(const struct victim *victim)
{
    return (victim->count + PAGE_BYTES - 1) / PAGE_BYTES;
}

static size_t page_bytes(const struct victim *victim, size_t page)
{
    size_t left = victim->count - page * PAGE_BYTES;
    return left < PAGE_BYTES ? left : PAGE_BYTES;
}

/* One bit, or a whole byte, of up to 64 places. */
static void flip(struct victim *victim)
{
    size_t flips = 1 + draw(victim, draw(victim, 2) == 0 ? 1 : FLIPS_MAX);
    printf("%s: flipped", victim->path);
    for (size_t i = 0; i < flips && victim->count > 0; i++) {
        size_t place = draw(victim, victim->count);
        uint8_t change =
            (uint8_t)(draw(victim, 2) == 0 ? 1u << draw(victim, 8) : 1 + draw(victim, UINT8_MAX));
        victim->bytes[place] ^= change;
        printf(" %zu:%02x", place, change);
    }
    printf("\n");
}

static void cut(struct victim *victim, size_t unit)
{
    size_t count = draw(victim, victim->count / unit + 1) * unit;
    printf("%s: cut from %zu to %zu bytes\n", victim->path, victim->count, count);
    victim->count = count;
}

static void fill_page(struct victim *victim, const char *how)
{
    size_t page = draw(victim, pages_of(victim));
    printf("%s: page %zu %s\n", victim->path, page + 1, how);
    for (size_t i = 0; i < page_bytes(victim, page); i++)
        victim->bytes[page * PAGE_BYTES + i] =
            strcmp(how, "zeroed") == 0 ? 0 : (uint8_t)draw(victim, UINT8_MAX + 1);
}

static void exchange_pages(struct victim *victim, const char *how)
{
    uint8_t held[PAGE_BYTES];
    size_t from = draw(victim, pages_of(victim)), to = draw(victim, pages_of(victim));
    size_t count = page_bytes(victim, from);
    if (count > page_bytes(victim, to))
        count = page_bytes(victim, to);
    uint8_t *source = victim->bytes + from * PAGE_BYTES, *target = victim->bytes + to * PAGE_BYTES;
    printf("%s: page %zu %s page %zu\n", victim->path, from + 1, how, to + 1);
    memcpy(held, target, count);
    memmove(target, source, count);
    if (strcmp(how, "swapped with") == 0)
        memcpy(source, held, count);
}

static void append(struct victim *victim)
{
    size_t more = 1 + draw(victim, APPENDED_MAX);
    for (size_t i = 0; i < more; i++)
        victim->bytes[victim->count++] = (uint8_t)draw(victim, UINT8_MAX + 1);
    printf("%s: %zu bytes appended\n", victim->path, more);
}

static int damage(struct victim *victim, const char *kind)
{
    if (strcmp(kind, "flip") == 0)
        flip(victim);
    else if (strcmp(kind, "cut") == 0)
        cut(victim, 1);
    else if (strcmp(kind, "cut-page") == 0)
        cut(victim, PAGE_BYTES);
    else if (strcmp(kind, "append") == 0)
        append(victim);
    else if (victim->count == 0)
        printf("%s: is empty already\n", victim->path);
    else if (strcmp(kind, "zero-page") == 0)
        fill_page(victim, "zeroed");
    else if (strcmp(kind, "scribble") == 0)
        fill_page(victim, "scribbled over");
    else if (strcmp(kind, "swap-pages") == 0)
        exchange_pages(victim, "swapped with");
    else if (strcmp(kind, "copy-page") == 0)
        exchange_pages(victim, "copied over");
    else
        return -1;
    return 0;
}

static int read_victim(struct victim *victim)
{
    FILE *file = fopen(victim->path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        return -1;
    long size = ftell(file);
    rewind(file);
    victim->bytes = size < 0 ? NULL : malloc((size_t)size + APPENDED_MAX);
    if (victim->bytes == NULL)
        return -1;
    victim->count = fread(victim->bytes, 1, (size_t)size, file);
    return fclose(file);
}

/* In place: a database must not get another inode under its log. */
static int write_victim(const struct victim *victim)
{
    FILE *file = fopen(victim->path, "wb");
    if (file == NULL || fwrite(victim->bytes, 1, victim->count, file) != victim->count)
        return -1;
    return fclose(file);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: e2e_damage KIND SEED FILE\n");
        return 2;
    }
    struct victim victim = {
        .path = argv[3],
        .random = random_open(strtoull(argv[2], NULL, 10), 0, 0, RANDOM_VICTIM),
    };
    if (read_victim(&victim) != 0 || damage(&victim, argv[1]) != 0 || write_victim(&victim) != 0) {
        fprintf(stderr, "e2e_damage: cannot do %s to %s\n", argv[1], argv[3]);
        return 1;
    }
    free(victim.bytes);
    return 0;
}
