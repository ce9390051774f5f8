/* gz.c: see gz.h. */
#include "worker/data/gz.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

struct gz {
    z_stream stream;
    const uint8_t *rest; /* not yet given to the stream, whose counters are only 32 bits wide */
    size_t rest_count;
    bool at_end;
};

bool gz_recognise(const uint8_t *bytes, size_t count)
{
    return count >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

struct gz *gz_open(const uint8_t *bytes, size_t count, struct error *error)
{
    struct gz *gz = calloc(1, sizeof *gz);
    if (gz == NULL || inflateInit2(&gz->stream, 16 + MAX_WBITS) != Z_OK) { /* 16: gzip only */
        free(gz);
        error_set(error, -1, "no memory to inflate");
        return NULL;
    }
    gz->rest = bytes;
    gz->rest_count = count;
    return gz;
}

void gz_close(struct gz **gz)
{
    if (*gz == NULL)
        return;
    inflateEnd(&(*gz)->stream);
    free(*gz);
    *gz = NULL;
}

static void feed(struct gz *gz)
{
    if (gz->stream.avail_in > 0)
        return;
    size_t count = gz->rest_count < UINT_MAX ? gz->rest_count : UINT_MAX;
    gz->stream.next_in = (Bytef *)(uintptr_t)gz->rest; /* zlib reads it only */
    gz->stream.avail_in = (uInt)count;
    gz->rest += count;
    gz->rest_count -= count;
}

/* A gzip file may be several, one after the other. */
static int next_member(struct gz *gz, struct error *error)
{
    feed(gz);
    if (gz->stream.avail_in == 0) {
        gz->at_end = true;
        return 0;
    }
    if (!gz_recognise(gz->stream.next_in, gz->stream.avail_in))
        return error_set(error, -1, "%zu bytes that are not gzip follow the end of the gzip data",
                         gz->stream.avail_in + gz->rest_count);
    return inflateReset(&gz->stream) == Z_OK ? 0 : error_set(error, -1, "cannot inflate");
}

static int inflate_some(struct gz *gz, struct error *error)
{
    feed(gz);
    bool no_more = gz->stream.avail_in == 0;
    int result = inflate(&gz->stream, Z_NO_FLUSH);
    if (result == Z_STREAM_END)
        return next_member(gz, error);
    if (result == Z_MEM_ERROR)
        return error_set(error, -1, "no memory to inflate");
    if (result == Z_BUF_ERROR && no_more)
        return error_set(error, -1, "the gzip data ends too early");
    if (result != Z_OK)
        return error_set(error, -1, "the gzip data is damaged: %s",
                         gz->stream.msg != NULL ? gz->stream.msg : "it needs a dictionary");
    return 0;
}

int gz_read(struct gz *gz, uint8_t *out, size_t count, size_t *got, struct error *error)
{
    int code = 0;
    *got = 0;
    while (code == 0 && *got < count && !gz->at_end) {
        size_t room = count - *got < UINT_MAX ? count - *got : UINT_MAX;
        gz->stream.next_out = out + *got;
        gz->stream.avail_out = (uInt)room;
        code = inflate_some(gz, error);
        *got += room - gz->stream.avail_out;
    }
    return code;
}
