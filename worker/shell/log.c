/* log.c: see log.h. */
#include "worker/shell/log.h"

#include "common/os_clock.h"

#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* Below PIPE_BUF: a pipe that has room at all takes the whole line, and lines do not mix. */
enum { LINE_BYTES_MAX = 1024 };

void log_init(struct log *log, int fd, const char *name)
{
    *log = (struct log){.fd = fd};
    snprintf(log->name, sizeof log->name, "%s", name);
}

static bool can_write(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    return poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) != 0;
}

/* "2026-03-01T12:00:00Z name " */
static size_t write_head(const struct log *log, char *line)
{
    time_t now = (time_t)(clock_wall_ms() / 1000);
    struct tm utc;
    size_t length = 0;
    if (gmtime_r(&now, &utc) != NULL)
        length = strftime(line, LINE_BYTES_MAX, "%Y-%m-%dT%H:%M:%SZ ", &utc);
    int written = snprintf(line + length, LINE_BYTES_MAX - length, "%s ", log->name);
    return length + (size_t)written;
}

/* Whether the two bytes are a control of ISO 6429 in UTF-8, which terminals obey, too. */
static bool is_control_pair(const unsigned char *bytes)
{
    return bytes[0] == 0xc2 && bytes[1] >= 0x80 && bytes[1] <= 0x9f;
}

/* `line` ends with a NUL. A coordinator's words may be in it. */
static void make_printable(char *line, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        const unsigned char *bytes = (const unsigned char *)line + i;
        if (is_control_pair(bytes))
            line[i] = line[i + 1] = '?';
        else if ((*bytes < ' ' && *bytes != '\t') || *bytes == 127)
            line[i] = '?';
    }
}

static bool write_line(struct log *log, const char *format, va_list arguments)
{
    char line[LINE_BYTES_MAX];
    if (!can_write(log->fd))
        return false;
    size_t length = write_head(log, line);
    int written = vsnprintf(line + length, sizeof line - length, format, arguments);
    length += written > 0 ? (size_t)written : 0;
    if (length > sizeof line - 1)
        length = sizeof line - 1;
    make_printable(line, length);
    line[length++] = '\n';
    return write(log->fd, line, length) == (ssize_t)length;
}

static bool write_plain(struct log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool write_plain(struct log *log, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    bool written = write_line(log, format, arguments);
    va_end(arguments);
    return written;
}

void log_line(struct log *log, const char *format, ...)
{
    if (log->dropped > 0 &&
        write_plain(log, "%" PRIu64 " lines of this log were lost: nobody read them", log->dropped))
        log->dropped = 0;
    va_list arguments;
    va_start(arguments, format);
    if (!write_line(log, format, arguments))
        log->dropped++;
    va_end(arguments);
}
