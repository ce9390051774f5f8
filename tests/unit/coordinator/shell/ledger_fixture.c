/* ledger_fixture.c: see ledger_fixture.h. */
#include "ledger_fixture.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* SplitMix64 (Steele, Lea, Flood 2014). */
uint64_t fixture_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint32_t fixture_below(uint64_t *state, uint32_t bound)
{
    return (uint32_t)(fixture_random(state) >> 32) % bound;
}

/* ------------------------------------------------------------------------------------- folder */

int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    const char *where = getenv("TMPDIR");
    snprintf(fixture->folder, sizeof fixture->folder, "%s/ratchet-test-XXXXXX",
             where == NULL ? "/tmp" : where);
    *state = fixture;
    return mkdtemp(fixture->folder) == NULL ? -1 : chmod(fixture->folder, 0755);
}

int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    /* Some tests take the right to write away. */
    int failed = chmod(fixture->folder, 0755) != 0 || os_remove_tree(fixture->folder, NULL) != 0;
    free(fixture);
    return failed;
}

const char *fixture_path(const struct fixture *fixture, const char *name)
{
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", fixture->folder, name);
    return path;
}

/* ------------------------------------------------------------------------------------ records */

struct ledger_header fixture_header(void)
{
    struct ledger_header header = {
        .engine_version = "0.1.0",
        .name = "fixture",
        .experiment_digest = digest_of("experiment", 10),
        .canonical = "name = fixture\nseed = 7\n",
        .yaml = "name: fixture # gr\xc3\xbc\xc3\x9f\x65\nseed: 7\n",
    };
    memset(header.run.bytes, 0xa5, sizeof header.run.bytes);
    return header;
}

static uint64_t arbitrary_u64(uint64_t *state)
{
    static const uint64_t edges[] = {0, 1, INT64_MAX, UINT64_C(1) << 63, UINT64_MAX};
    uint32_t choice = fixture_below(state, 10);
    return choice < 5 ? edges[choice] : fixture_random(state) >> fixture_below(state, 64);
}

static uint32_t arbitrary_u32(uint64_t *state)
{
    return (uint32_t)arbitrary_u64(state);
}

/* Every kind of double: zeros of both signs, infinities, NaNs with payloads, denormals. */
static double arbitrary_double(uint64_t *state)
{
    static const uint64_t edges[] = {
        0,
        UINT64_C(0x8000000000000000),
        UINT64_C(0x7ff0000000000000),
        UINT64_C(0xfff0000000000000),
        UINT64_C(0x7ff8000000000000),
        UINT64_C(0xfff8dead0000beef),
        UINT64_C(0x7fffffffffffffff),
        1,
        UINT64_C(0x7fefffffffffffff),
        UINT64_C(0x3fe0000000000000),
    };
    uint32_t choice = fixture_below(state, 20);
    uint64_t bits = choice < 10 ? edges[choice] : fixture_random(state);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static struct digest arbitrary_digest(uint64_t *state)
{
    struct digest digest;
    for (size_t i = 0; i < DIGEST_BYTES; i++)
        digest.bytes[i] = (uint8_t)fixture_random(state);
    return digest;
}

/* Of any length that fits, the rest of `text` being zero already. */
static void arbitrary_text(uint64_t *state, char *text, uint32_t size)
{
    uint32_t length = fixture_below(state, size);
    for (uint32_t i = 0; i < length; i++)
        text[i] = (char)(' ' + fixture_below(state, 95));
}

static void arbitrary_job(uint64_t *state, struct commit_record *record)
{
    struct job *job = &record->job;
    job->kind = fixture_below(state, 4) > 0 ? JOB_MUTATE : JOB_EVALUATE;
    job->slices = fixture_below(state, SLICE_ALL + 1);
    job->seed = arbitrary_u64(state);
    job->stream = arbitrary_u64(state);
    job->spec = arbitrary_digest(state);
    if (fixture_below(state, 3) > 0)
        job->data = arbitrary_digest(state);
    if (fixture_below(state, 2) > 0)
        strcpy(job->call.name, "noise");
    else
        arbitrary_text(state, job->call.name, sizeof job->call.name);
    job->call.param_count = fixture_below(state, OPERATOR_PARAMS_MAX + 1);
    for (uint32_t i = 0; i < job->call.param_count; i++)
        job->call.params[i] = arbitrary_double(state);
    job->parent_count = fixture_below(state, JOB_PARENTS_MAX + 1);
    for (uint32_t i = 0; i < job->parent_count; i++) {
        job->parents[i] = arbitrary_digest(state);
        record->parent_ids[i].line = fixture_below(state, LINES_MAX);
        record->parent_ids[i].job = arbitrary_u64(state) & JOB_NUMBER_FINAL;
    }
}

void fixture_record(uint64_t sequence, struct commit_record *record)
{
    uint64_t state = sequence * 1000003;
    memset(record, 0, sizeof *record);
    record->sequence = sequence;
    record->job.key.job = sequence;
    arbitrary_job(&state, record);
    record->description = arbitrary_digest(&state);
    record->operator_index = arbitrary_u32(&state);
    record->depth = arbitrary_u32(&state);
    record->outcome = (enum outcome)(OUTCOME_OK + fixture_below(&state, 3));
    record->fitness = arbitrary_double(&state);
    record->metric_count = fixture_below(&state, METRICS_MAX + 1);
    for (uint32_t i = 0; i < record->metric_count; i++) {
        record->metrics[i].id = 1 + fixture_below(&state, METRIC_LAST);
        record->metrics[i].value = arbitrary_double(&state);
    }
    if (fixture_below(&state, 3) > 0)
        record->child = arbitrary_digest(&state);
    record->child_bytes = arbitrary_u64(&state);
    record->steps = arbitrary_u64(&state);
    record->admitted = fixture_below(&state, 2) > 0;
    record->champion = fixture_below(&state, 2) > 0;
    record->chain = arbitrary_digest(&state);
    record->attempts = arbitrary_u32(&state);
    record->opinions = arbitrary_u32(&state);
    record->compute_ms = arbitrary_u32(&state);
    arbitrary_text(&state, record->worker, sizeof record->worker);
    arbitrary_text(&state, record->host, sizeof record->host);
    arbitrary_text(&state, record->numeric, sizeof record->numeric);
    record->waited_ms = arbitrary_u64(&state);
}

bool fixture_same(const struct commit_record *a, const struct commit_record *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* ------------------------------------------------------------------------------------ ledgers */

enum ledger_result fixture_batch(struct ledger *ledger, uint64_t last, enum ledger_sync sync,
                                 struct error *error)
{
    enum ledger_result result = ledger_begin(ledger, error);
    for (uint64_t i = 1; i <= 10 && result == LEDGER_OK; i++) {
        struct commit_record record;
        fixture_record(last + i, &record);
        result = ledger_put_commit(ledger, &record, error);
    }
    return result == LEDGER_OK ? ledger_commit(ledger, sync, error) : result;
}

void fixture_ledger(const char *path, uint64_t records)
{
    struct ledger_header header = fixture_header();
    struct ledger *ledger;
    struct error error = {""};
    assert_int_equal(ledger_open(path, LEDGER_CREATE, &header, &ledger, &error), LEDGER_OK);
    for (uint64_t last = 0; last < records; last += 10)
        assert_int_equal(fixture_batch(ledger, last, LEDGER_SURVIVES_POWER_CUT, &error), LEDGER_OK);
    ledger_close(&ledger);
}

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return written;
}

/* Mounting is for root: who is not becomes root of a user namespace first. */
static bool enter_namespaces(void)
{
    char users[64], groups[64];
    snprintf(users, sizeof users, "0 %u 1", (unsigned)geteuid());
    snprintf(groups, sizeof groups, "0 %u 1", (unsigned)getegid());
    if (geteuid() == 0)
        return unshare(CLONE_NEWNS) == 0;
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write_text("/proc/self/uid_map", users) &&
           write_text("/proc/self/setgroups", "deny") && write_text("/proc/self/gid_map", groups);
}

int fixture_mount(const struct fixture *fixture, const char *size)
{
    if (!enter_namespaces() || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", fixture->folder, "tmpfs", 0, size) != 0)
        return -1;
    return chdir(fixture->folder);
}

int fixture_in_child(int (*body)(const struct fixture *fixture), const struct fixture *fixture)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(body(fixture));
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void fixture_expect_child(int (*body)(const struct fixture *fixture), const struct fixture *fixture,
                          const char *reason)
{
    int status = fixture_in_child(body, fixture);
    if (status == FIXTURE_CANNOT_TRY) {
        print_message("skipped: %s\n", reason);
        skip();
    }
    assert_int_equal(status, 0);
}
