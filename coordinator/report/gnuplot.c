/*
 * gnuplot.c: see gnuplot.h.
 *
 * One poll loop feeds the script, takes the SVG and listens to complaints, so that neither side can
 * wait for the other. The script's way is a socket since a pipe whose reader died would send us
 * SIGPIPE.
 */
#include "coordinator/report/gnuplot.h"

#include "common/os_clock.h"
#include "common/os_process.h"
#include "common/os_signal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    VERSION_MAJOR = 5, /* the oldest that is known to do */
    VERSION_MINOR = 2,
    LIMIT_MS = 60000,
    VERSION_LIMIT_MS = 10000,
    LOOK_MS = 20, /* how often to look whether the child has ended */
    PIECE_BYTES = 1 << 16,
    COMPLAINT_BYTES_MAX = 4096,
    COMPLAINT_SHOWN_MAX = 200,
    EXIT_NO_EXEC = 127,
};

/* ------------------------------------------------------------------------ one life of the child */

/* What was heard on one pipe. Of what goes beyond `most` there is only the knowledge of it. */
struct heard {
    int descriptor; /* -1: closed */
    char *bytes;    /* [room] */
    size_t count, room, most;
    bool overflowed;
};

struct child {
    pid_t pid;
    int input; /* -1: all was said */
    struct gnuplot_script script;
    size_t sent;
    struct heard output, errors;
};

static void close_descriptor(int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
    *descriptor = -1;
}

static bool grow(struct heard *heard, size_t room)
{
    char *bytes = realloc(heard->bytes, room);
    if (bytes == NULL)
        return false;
    heard->bytes = bytes;
    heard->room = room;
    return true;
}

/* Takes what there is. false: memory is out. */
static bool hear(struct heard *heard)
{
    char piece[PIECE_BYTES];
    ssize_t got = read(heard->descriptor, piece, sizeof piece);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    if (got <= 0) {
        close_descriptor(&heard->descriptor);
        return true;
    }
    size_t taken = (size_t)got;
    if (taken > heard->most - heard->count) {
        taken = heard->most - heard->count;
        heard->overflowed = true;
    }
    while (heard->room < heard->count + taken + 1)
        if (!grow(heard, heard->room == 0 ? PIECE_BYTES : heard->room * 2))
            return false;
    memcpy(heard->bytes + heard->count, piece, taken);
    heard->count += taken;
    heard->bytes[heard->count] = '\0';
    return true;
}

/* A child that stopped listening will say why, or end. */
static void say(struct child *child)
{
    if (child->sent == child->script.bytes) {
        close_descriptor(&child->input);
        return;
    }
    ssize_t sent = send(child->input, child->script.text + child->sent,
                        child->script.bytes - child->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (sent < 0)
        close_descriptor(&child->input);
    else
        child->sent += (size_t)sent;
}

/* A way between us and the child; its end is none of the first three descriptors. */
struct way {
    int ours, theirs;
};

static int open_way(struct way *way)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return -1;
    way->ours = pair[0];
    way->theirs = fcntl(pair[1], F_DUPFD_CLOEXEC, PROCESS_CHANNEL);
    close(pair[1]);
    return way->theirs < 0 ? -1 : 0;
}

/* No settings of the user's (-d comes from the caller), no display, UTF-8. */
static int start(struct child *child, const struct gnuplot *gnuplot, const char *argument,
                 struct error *error)
{
    static const char *const environment[] = {"LC_ALL=C.UTF-8", "GNUTERM=dumb", NULL};
    const char *const arguments[] = {gnuplot->program, argument, NULL};
    struct way input = {-1, -1}, output = {-1, -1}, errors = {-1, -1};
    int rc;
    if (open_way(&input) != 0 || open_way(&output) != 0 || open_way(&errors) != 0) {
        rc = error_set(error, -1, "cannot start %s: %s", gnuplot->program, strerror(errno));
    } else {
        const struct process_options options = {.program = gnuplot->program,
                                                .arguments = arguments,
                                                .environment = environment,
                                                .channel = -1,
                                                .output = output.theirs,
                                                .errors = errors.theirs,
                                                .input = input.theirs,
                                                .own_group = true};
        rc = process_spawn(&options, &child->pid, error);
    }
    close_descriptor(&input.theirs);
    close_descriptor(&output.theirs);
    close_descriptor(&errors.theirs);
    child->input = input.ours;
    child->output.descriptor = output.ours;
    child->errors.descriptor = errors.ours;
    return rc;
}

/* One round of talking. false: memory is out. */
static bool talk(struct child *child)
{
    struct pollfd wanted[] = {
        {.fd = child->input, .events = POLLOUT},
        {.fd = child->output.descriptor, .events = POLLIN},
        {.fd = child->errors.descriptor, .events = POLLIN},
    };
    if (poll(wanted, sizeof wanted / sizeof wanted[0], LOOK_MS) <= 0)
        return true;
    if (wanted[0].revents != 0)
        say(child);
    return (wanted[1].revents == 0 || hear(&child->output)) &&
           (wanted[2].revents == 0 || hear(&child->errors));
}

/* Talks until the child has ended and all it said was heard: 0. Otherwise it still has to be
 * killed. */
static int attend(struct child *child, uint64_t limit_ms, struct process_end *end,
                  struct error *error)
{
    uint64_t until_ms = clock_monotonic_ms() + limit_ms;
    bool ended = false;
    while (!ended || child->output.descriptor >= 0 || child->errors.descriptor >= 0) {
        if (!talk(child))
            return error_set(error, -1, "no memory for what gnuplot draws");
        if (!ended && process_poll_end(child->pid, end)) {
            ended = true;
            child->pid = 0;
        }
        if (child->output.overflowed)
            return error_set(error, -1, "gnuplot drew more than %zu MiB", child->output.most >> 20);
        if (signal_stop_waiting() != 0)
            return error_set(error, -1, "interrupted while gnuplot was drawing");
        if (clock_monotonic_ms() >= until_ms)
            return error_set(error, -1, "gnuplot was not done after %.1f s",
                             (double)limit_ms / 1000);
    }
    return 0;
}

static void end_child(struct child *child)
{
    if (child->pid > 0) {
        /* What it started dies as well, if it got as far as having a group. */
        kill(-child->pid, SIGKILL);
        kill(child->pid, SIGKILL);
        (void)process_wait(child->pid);
    }
    close_descriptor(&child->input);
    close_descriptor(&child->output.descriptor);
    close_descriptor(&child->errors.descriptor);
    free(child->output.bytes);
    free(child->errors.bytes);
}

/* ----------------------------------------------------------------------------------- complaints */

static bool is_plain(char byte)
{
    return (unsigned char)byte >= ' ' && byte != 0x7f;
}

/*
 * The last line that says something, which is where gnuplot puts its reason; the lines before show
 * the command. Made fit to be printed.
 */
static void last_complaint(const struct heard *errors, char text[COMPLAINT_SHOWN_MAX])
{
    text[0] = '\0';
    for (size_t i = 0; i < errors->count;) {
        size_t length = strcspn(errors->bytes + i, "\n"), skipped = 0;
        while (skipped < length && isspace((unsigned char)errors->bytes[i + skipped]))
            skipped++;
        if (length > skipped)
            snprintf(text, COMPLAINT_SHOWN_MAX, "%.*s", (int)(length - skipped),
                     errors->bytes + i + skipped);
        i += length + 1;
    }
    for (char *byte = text; *byte != '\0'; byte++)
        if (!is_plain(*byte))
            *byte = '?';
}

static int check_end(const struct child *child, struct process_end end, struct error *error)
{
    char said[COMPLAINT_SHOWN_MAX];
    last_complaint(&child->errors, said);
    const char *separator = said[0] != '\0' ? ": " : "";
    if (end.signal != 0)
        return error_set(error, -1, "gnuplot was killed by signal %d%s%s", end.signal, separator,
                         said);
    if (end.exit_code == EXIT_NO_EXEC)
        return error_set(error, -1, "gnuplot cannot be executed%s%s", separator, said);
    if (end.exit_code != 0)
        return error_set(error, -1, "gnuplot ended with exit code %d%s%s", end.exit_code, separator,
                         said);
    return 0;
}

/* ------------------------------------------------------------------------------- what it is for */

struct call {
    const char *argument;
    struct gnuplot_script script;
    size_t output_bytes_max;
    uint32_t limit_ms;
};

/* One gnuplot from its start to its end; *output is the caller's to free, never NULL on success. */
static int run(const struct gnuplot *gnuplot, const struct call *call, char **output, size_t *bytes,
               struct error *error)
{
    struct child child = {
        .script = call->script,
        .output = {.most = call->output_bytes_max},
        .errors = {.most = COMPLAINT_BYTES_MAX},
    };
    struct process_end end = {0};
    int rc = -1;
    if (!grow(&child.output, PIECE_BYTES)) {
        error_set(error, -1, "no memory for what gnuplot draws");
        return -1;
    }
    child.output.bytes[0] = '\0';
    if (start(&child, gnuplot, call->argument, error) == 0 &&
        attend(&child, call->limit_ms, &end, error) == 0 && check_end(&child, end, error) == 0) {
        *output = child.output.bytes;
        *bytes = child.output.count;
        child.output.bytes = NULL;
        rc = 0;
    }
    end_child(&child);
    return rc;
}

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static bool ends_with(const char *text, size_t bytes, const char *ending)
{
    size_t length = strlen(ending);
    return bytes >= length && memcmp(text + bytes - length, ending, length) == 0;
}

int gnuplot_draw(const struct gnuplot *gnuplot, struct gnuplot_script script, char **svg,
                 size_t *bytes, struct error *error)
{
    const struct call call = {.argument = "-d",
                              .script = script,
                              .output_bytes_max = GNUPLOT_SVG_BYTES_MAX,
                              .limit_ms = gnuplot->limit_ms};
    char *output;
    size_t count;
    if (run(gnuplot, &call, &output, &count, error) != 0)
        return -1;
    while (count > 1 && output[count - 1] == '\n' && output[count - 2] == '\n')
        output[--count] = '\0';
    if (strlen(output) != count || !begins_with(output, "<?xml") ||
        !ends_with(output, count, "</svg>\n")) {
        free(output);
        return error_set(error, -1, "gnuplot ended well, but what it drew is no SVG");
    }
    *svg = output;
    *bytes = count;
    return 0;
}

static bool is_program(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

static bool find_in_path(char program[OS_PATH_BYTES_MAX])
{
    const char *folders = getenv("PATH");
    while (folders != NULL && *folders != '\0') {
        size_t bytes = strcspn(folders, ":");
        char folder[OS_PATH_BYTES_MAX];
        snprintf(folder, sizeof folder, "%.*s", (int)bytes, folders);
        if (folder[0] == '/' && bytes < sizeof folder &&
            os_path_join(program, OS_PATH_BYTES_MAX, folder, "gnuplot", NULL) == 0 &&
            is_program(program))
            return true;
        folders += bytes + (folders[bytes] == ':');
    }
    return false;
}

int gnuplot_find(struct gnuplot *gnuplot, struct error *error)
{
    const struct call call = {
        .argument = "--version", .output_bytes_max = PIECE_BYTES, .limit_ms = VERSION_LIMIT_MS};
    char *output;
    size_t count;
    *gnuplot = (struct gnuplot){.limit_ms = LIMIT_MS};
    if (!find_in_path(gnuplot->program))
        return error_set(error, 1,
                         "figures need gnuplot, which is not in $PATH (Debian: gnuplot-nox)");
    if (run(gnuplot, &call, &output, &count, error) != 0)
        return -1;
    int read = sscanf(output, "gnuplot %9" SCNu32 ".%9" SCNu32, &gnuplot->version[0],
                      &gnuplot->version[1]);
    free(output);
    if (read != 2)
        return error_set(error, -1, "%s does not say which version of gnuplot it is",
                         gnuplot->program);
    if (gnuplot->version[0] < VERSION_MAJOR ||
        (gnuplot->version[0] == VERSION_MAJOR && gnuplot->version[1] < VERSION_MINOR))
        return error_set(error, 1,
                         "figures need gnuplot %d.%d or newer, %s is %" PRIu32 ".%" PRIu32,
                         VERSION_MAJOR, VERSION_MINOR, gnuplot->program, gnuplot->version[0],
                         gnuplot->version[1]);
    return 0;
}
