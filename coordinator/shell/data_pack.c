/* data_pack.c: see data_pack.h. */
#include "coordinator/shell/data_pack.h"

#include "common/os_clock.h"
#include "common/os_process.h"
#include "common/os_signal.h"
#include "common/param.h"
#include "coordinator/shell/json.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SAID_BYTES_MAX = 16384,
    ARGUMENTS_MAX = 16,
    LOOK_MS = 50, /* how soon a signal or the end of the child is noticed */
    EXIT_REFUSED = 3,
    EXIT_NO_EXEC = 127,
};

static const char own_name[] = "ratchet-worker: ";

/* All that the child printed, on stdout and stderr alike: what counts is the last line. */
struct said {
    size_t count;
    char text[SAID_BYTES_MAX + 1];
};

static enum data_pack_result fail(struct error *error, enum data_pack_result result,
                                  const char *format, const char *text)
    __attribute__((format(printf, 3, 0)));

static enum data_pack_result fail(struct error *error, enum data_pack_result result,
                                  const char *format, const char *text)
{
    return (enum data_pack_result)error_set(error, (int)result, format, text);
}

/* ------------------------------------------------------------------------------------ the child */

static int start(const struct data_pack_options *options, int output, pid_t *pid,
                 struct error *error)
{
    const struct experiment_data *data = options->data;
    char samples[16], seed[16];
    const char *arguments[ARGUMENTS_MAX] = {options->program, "--pack-data", data->set};
    uint32_t count = 3;
    if (data->dir != NULL) {
        arguments[count++] = "--data-dir";
        arguments[count++] = data->dir;
    }
    if (data->made) {
        snprintf(samples, sizeof samples, "%u", data->samples);
        snprintf(seed, sizeof seed, "%u", data->seed);
        arguments[count++] = "--data-samples";
        arguments[count++] = samples;
        arguments[count++] = "--data-seed";
        arguments[count++] = seed;
        if (data->shuffle_positions)
            arguments[count++] = "--data-shuffle";
    }
    arguments[count++] = "--output";
    arguments[count++] = options->output;
    const struct process_options process = {
        .program = options->program,
        .arguments = arguments,
        .channel = -1,
        .output = output,
        .own_group = true,
    };
    return process_spawn(&process, pid, error);
}

/* Reads what there is, into a buffer that is not full; false once there is no more to come. */
static bool hear(int descriptor, struct said *said)
{
    ssize_t got = read(descriptor, said->text + said->count, SAID_BYTES_MAX - said->count);
    if (got < 0)
        return errno == EINTR || errno == EAGAIN;
    said->count += (size_t)got;
    said->text[said->count] = '\0';
    return got > 0;
}

/* Listens until the child has ended. One that goes on for too long, or is not to, is killed. */
static enum data_pack_result attend(const struct data_pack_options *options, pid_t pid,
                                    int descriptor, struct said *said, struct process_end *end,
                                    struct error *error)
{
    uint64_t until_ms = clock_monotonic_ms() + options->limit_ms;
    bool open = true;
    enum data_pack_result result = DATA_PACK_DONE;
    while (result == DATA_PACK_DONE && (open || !process_poll_end(pid, end))) {
        struct pollfd wanted = {.fd = open ? descriptor : -1, .events = POLLIN};
        if (poll(&wanted, 1, LOOK_MS) > 0)
            open = hear(descriptor, said);
        if (said->count == SAID_BYTES_MAX)
            result = fail(error, DATA_PACK_FAILED, "%s", "the packer talks without end");
        else if (signal_stop_waiting() != 0)
            result = fail(error, DATA_PACK_STOPPED, "%s", "stopped while it was being packed");
        else if (clock_monotonic_ms() >= until_ms)
            result = fail(error, DATA_PACK_FAILED, "%s", "packing takes too long");
    }
    if (result != DATA_PACK_DONE) {
        kill(pid, SIGKILL);
        (void)process_wait(pid);
    }
    return result;
}

/* ------------------------------------------------------------------------------- what it printed
 */

/* The last line that is not empty. Cuts the text. */
static char *last_line(struct said *said)
{
    while (said->count > 0 && strchr("\r\n ", said->text[said->count - 1]) != NULL)
        said->text[--said->count] = '\0';
    char *newline = strrchr(said->text, '\n');
    return newline != NULL ? newline + 1 : said->text;
}

/* A whole number of at least 1; false when there is none under that key. */
static bool get_count(const struct json_node *root, const char *key, uint32_t *value)
{
    uint64_t number = json_get_u64(root, key, 0);
    *value = (uint32_t)number;
    return number >= 1 && number <= UINT32_MAX;
}

static bool parse(const char *line, struct data_pack *pack)
{
    struct json_node *root = json_parse(line, strlen(line), NULL);
    if (root == NULL)
        return false;
    *pack = (struct data_pack){.bytes = json_get_u64(root, "bytes", 0)};
    uint64_t test = json_get_u64(root, "test", UINT64_MAX); /* there may be no test part */
    bool whole = digest_from_hex(json_get_text(root, "digest", ""), &pack->digest) &&
                 pack->bytes > 0 && get_count(root, "train", &pack->counts.train) &&
                 test <= UINT32_MAX && get_count(root, "features", &pack->shape.features) &&
                 get_count(root, "classes", &pack->shape.classes);
    pack->counts.test = (uint32_t)test;
    json_node_free(&root);
    return whole;
}

/* The child's reason as a part of our sentence. */
static enum data_pack_result pass_on(char *line, enum data_pack_result result, struct error *error)
{
    char quoted[400];
    if (strncmp(line, own_name, strlen(own_name)) == 0)
        line += strlen(own_name);
    param_quote(line, quoted, sizeof quoted);
    return fail(error, result, "%s", quoted);
}

static enum data_pack_result judge(const struct data_pack_options *options,
                                   const struct process_end *end, struct said *said,
                                   struct data_pack *pack, struct error *error)
{
    char *line = last_line(said);
    if (end->exit_code == 0 && parse(line, pack))
        return DATA_PACK_DONE;
    if (end->exit_code == EXIT_REFUSED && line[0] != '\0')
        return pass_on(line, DATA_PACK_REFUSED, error);
    if (end->exit_code == EXIT_NO_EXEC)
        return fail(error, DATA_PACK_FAILED, "the packer %.300s cannot be started",
                    options->program);
    char text[64];
    if (end->exit_code < 0)
        snprintf(text, sizeof text, "signal %d", end->signal);
    else
        snprintf(text, sizeof text, "exit code %d", end->exit_code);
    if (line[0] == '\0' || end->exit_code <= 0)
        return fail(error, DATA_PACK_FAILED, "the packer ended with %s and said nothing of use",
                    text);
    return pass_on(line, DATA_PACK_FAILED, error);
}

enum data_pack_result data_pack(const struct data_pack_options *options, struct data_pack *pack,
                                struct error *error)
{
    int ends[2];
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return fail(error, DATA_PACK_FAILED, "cannot open a pipe: %s", strerror(errno));
    int started = start(options, ends[1], &pid, error);
    close(ends[1]);
    struct said *said = calloc(1, sizeof *said);
    enum data_pack_result result = DATA_PACK_FAILED;
    struct process_end end;
    if (started == 0 && said == NULL) {
        kill(pid, SIGKILL);
        (void)process_wait(pid);
        fail(error, result, "%s", "no memory for what the packer says");
    } else if (started == 0) {
        result = attend(options, pid, ends[0], said, &end, error);
        if (result == DATA_PACK_DONE)
            result = judge(options, &end, said, pack, error);
    }
    free(said);
    close(ends[0]);
    return result;
}
