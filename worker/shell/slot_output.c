/* slot_output.c: see slot_output.h. */
#include "worker/shell/slot_output.h"

#include <inttypes.h>
#include <string.h>

void slot_output_init(struct slot_output *output)
{
    memset(output, 0, sizeof *output);
}

static void keep_end(struct slot_output *output, const char *bytes, size_t count)
{
    size_t room = sizeof output->tail - 1;
    if (count > room) {
        bytes += count - room;
        count = room;
    }
    size_t kept = output->tail_bytes < room - count ? output->tail_bytes : room - count;
    memmove(output->tail, output->tail + output->tail_bytes - kept, kept);
    memcpy(output->tail + kept, bytes, count);
    output->tail_bytes = kept + count;
    output->tail[output->tail_bytes] = '\0';
}

void slot_output_end(struct slot_output *output, uint32_t slot, struct log *log)
{
    if (output->line_bytes > 0)
        log_line(log, "slot %" PRIu32 ": %.*s", slot, (int)output->line_bytes, output->line);
    output->line_bytes = 0;
}

static void add_to_line(struct slot_output *output, uint32_t slot, char byte, struct log *log)
{
    if (byte != '\n')
        output->line[output->line_bytes++] = byte;
    if (byte == '\n' || output->line_bytes == sizeof output->line)
        slot_output_end(output, slot, log);
}

void slot_output_add(struct slot_output *output, const struct slot_output_piece *piece,
                     struct log *log)
{
    keep_end(output, piece->bytes, piece->count);
    for (size_t i = 0; i < output->tail_bytes; i++)
        if (output->tail[i] == '\0') /* would hide what follows it */
            output->tail[i] = '?';
    for (size_t i = 0; i < piece->count; i++)
        add_to_line(output, piece->slot, piece->bytes[i] == '\0' ? '?' : piece->bytes[i], log);
}
