/*
 * gz.h: the bytes inside a gzip file that lies in memory.
 *
 * They are handed out piece by piece, so that the caller decides how much memory they may take: a
 * small file can claim to hold any amount. Only gz.c includes zlib.h.
 */
#ifndef RATCHET_WORKER_DATA_GZ_H
#define RATCHET_WORKER_DATA_GZ_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether the bytes begin as a gzip file does, whatever its name. */
bool gz_recognise(const uint8_t *bytes, size_t count);

struct gz;

/* Borrows the bytes. NULL: no memory. */
struct gz *gz_open(const uint8_t *bytes, size_t count, struct error *error);
void gz_close(struct gz **gz);

/*
 * Fills out[count]; *got is less only at the end of the file, whose checksum has then been found
 * right. -1: the file is damaged, or it ends too early, or something that is not
 * gzip follows; *got bytes came out before.
 */
int gz_read(struct gz *gz, uint8_t *out, size_t count, size_t *got, struct error *error)
    __attribute__((warn_unused_result));

#endif
