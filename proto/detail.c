/*
 * detail.c: see detail.h. Pure: no allocation, no I/O.
 *
 * Decoding refuses every byte string that encoding would not have written: superfluous bytes of a
 * number, runs that are out of order or could be one, an unknown slice, bytes behind the end.
 */
#include "proto/detail.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

enum {
    VERSION = 1,
    PARTS_ALL = 15,
    VARINT_BYTES_MAX = 5, /* of 32 bits, seven a byte */
};

/* --------------------------------------------------------------------------------------- lists */

void damage_list_clear(struct damage_list *list)
{
    list->count = 0;
    list->complete = true;
}

/* The first unit behind a run. */
static uint64_t run_end(const struct damage_run *run)
{
    return (uint64_t)run->unit + run->count;
}

/* NULL, or why `next` cannot follow `last` in one list. */
static const char *order_problem(const struct damage_run *last, const struct damage_run *next)
{
    if (next->layer > last->layer)
        return NULL;
    if (next->layer < last->layer || next->unit < run_end(last))
        return "is not behind the one before it";
    if (next->unit == run_end(last) && next->parts == last->parts)
        return "continues the one before it and should be part of it";
    return NULL;
}

/* NULL, or why a run makes no sense by itself. */
static const char *run_problem(const struct damage_run *run)
{
    if (run->count == 0)
        return "has no units";
    if (run_end(run) > UINT32_MAX)
        return "reaches beyond the last unit that there can be";
    if (run->parts == 0 || run->parts > PARTS_ALL)
        return "has parts that are none";
    return NULL;
}

void damage_list_add(struct damage_list *list, uint32_t layer, uint32_t unit, uint32_t parts)
{
    struct damage_run run = {.layer = layer, .unit = unit, .count = 1, .parts = parts};
    assert(run_problem(&run) == NULL);
    if (list->count > 0) {
        struct damage_run *last = &list->runs[list->count - 1];
        assert(layer > last->layer || (layer == last->layer && unit >= run_end(last)));
        if (layer == last->layer && unit == run_end(last) && parts == last->parts) {
            last->count++;
            return;
        }
    }
    if (list->count == DAMAGE_RUNS_MAX)
        list->complete = false;
    else
        list->runs[list->count++] = run;
}

/* --------------------------------------------------------------------------------------- sizes */

static size_t varint_bytes(uint32_t value)
{
    size_t bytes = 1;
    while (value >= 128) {
        value >>= 7;
        bytes++;
    }
    return bytes;
}

static size_t run_bytes(const struct damage_run *run)
{
    return varint_bytes(run->layer) + varint_bytes(run->unit) + varint_bytes(run->count) +
           varint_bytes(run->parts);
}

static size_t matrix_bytes(const struct confusion_matrix *matrix)
{
    size_t bytes = varint_bytes((uint32_t)matrix->slice) + varint_bytes(matrix->classes);
    for (uint32_t i = 0; i < matrix->classes * matrix->classes; i++)
        bytes += varint_bytes(matrix->counts[i]);
    return bytes;
}

/* How much of a list or of the matrices is written. */
struct extent {
    uint32_t count;
    size_t bytes; /* of the elements, without their number */
};

static struct extent list_extent(const struct damage_list *list)
{
    struct extent extent = {.count = list->count};
    for (uint32_t i = 0; i < list->count; i++)
        extent.bytes += run_bytes(&list->runs[i]);
    return extent;
}

struct plan {
    struct extent hits, damage, matrices;
};

static size_t plan_bytes(const struct plan *plan)
{
    return varint_bytes(VERSION) + 2 /* complete, twice */ + varint_bytes(plan->hits.count) +
           varint_bytes(plan->damage.count) + varint_bytes(plan->matrices.count) +
           plan->hits.bytes + plan->damage.bytes + plan->matrices.bytes;
}

static void list_shorten(struct extent *extent, const struct damage_list *list)
{
    extent->count--;
    extent->bytes -= run_bytes(&list->runs[extent->count]);
}

/* What of it all fits. */
static struct plan plan_make(const struct detail *detail)
{
    struct plan plan = {
        .hits = list_extent(&detail->hits),
        .damage = list_extent(&detail->damage),
        .matrices = {.count = detail->matrix_count},
    };
    for (uint32_t i = 0; i < detail->matrix_count; i++)
        plan.matrices.bytes += matrix_bytes(&detail->matrices[i]);
    while (plan_bytes(&plan) > DETAIL_BYTES_MAX) {
        if (plan.damage.count > 0) {
            list_shorten(&plan.damage, &detail->damage);
        } else if (plan.hits.count > 0) {
            list_shorten(&plan.hits, &detail->hits);
        } else {
            plan.matrices.count--;
            plan.matrices.bytes -= matrix_bytes(&detail->matrices[plan.matrices.count]);
        }
    }
    return plan;
}

/* ------------------------------------------------------------------------------------ encoding */

static uint8_t *put(uint8_t *at, uint32_t value)
{
    while (value >= 128) {
        *at++ = (uint8_t)(value | 128);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

static uint8_t *put_list(uint8_t *at, const struct damage_list *list, uint32_t count)
{
    at = put(at, list->complete && count == list->count);
    at = put(at, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct damage_run *run = &list->runs[i];
        assert(run_problem(run) == NULL);
        assert(i == 0 || order_problem(run - 1, run) == NULL);
        at = put(at, run->layer);
        at = put(at, run->unit);
        at = put(at, run->count);
        at = put(at, run->parts);
    }
    return at;
}

static bool is_slice(uint32_t slice)
{
    return slice == SLICE_TRAIN || slice == SLICE_SELECT || slice == SLICE_CONFIRM ||
           slice == SLICE_TEST;
}

static uint8_t *put_matrix(uint8_t *at, const struct confusion_matrix *matrix)
{
    at = put(at, (uint32_t)matrix->slice);
    at = put(at, matrix->classes);
    for (uint32_t i = 0; i < matrix->classes * matrix->classes; i++)
        at = put(at, matrix->counts[i]);
    return at;
}

static void assert_is_encodable(const struct detail *detail)
{
    assert(detail->hits.count <= DAMAGE_RUNS_MAX && detail->damage.count <= DAMAGE_RUNS_MAX);
    assert(detail->matrix_count <= DETAIL_MATRICES_MAX);
    for (uint32_t i = 0; i < detail->matrix_count; i++) {
        const struct confusion_matrix *matrix = &detail->matrices[i];
        assert(is_slice((uint32_t)matrix->slice));
        assert(matrix->classes > 0 && matrix->classes <= DETAIL_CLASSES_MAX);
        assert(i == 0 || matrix->slice > (matrix - 1)->slice);
    }
}

size_t detail_encode(const struct detail *detail, uint8_t bytes[DETAIL_BYTES_MAX])
{
    assert_is_encodable(detail);
    struct plan plan = plan_make(detail);
    uint8_t *at = put(bytes, VERSION);
    at = put_list(at, &detail->hits, plan.hits.count);
    at = put_list(at, &detail->damage, plan.damage.count);
    at = put(at, plan.matrices.count);
    for (uint32_t i = 0; i < plan.matrices.count; i++)
        at = put_matrix(at, &detail->matrices[i]);
    size_t count = (size_t)(at - bytes);
    assert(count == plan_bytes(&plan));
    return count;
}

/* ------------------------------------------------------------------------------------ decoding */

struct reader {
    const uint8_t *bytes;
    size_t count, position;
    const char *part; /* what is being read, for the sentence */
    struct error *error;
};

static int take(struct reader *reader, uint32_t *value)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < VARINT_BYTES_MAX; i++) {
        if (reader->position == reader->count)
            return error_set(reader->error, -1, "detail: ends in the midst of the %s",
                             reader->part);
        uint8_t byte = reader->bytes[reader->position++];
        sum |= (uint64_t)(byte & 127) << (7 * i);
        if (byte >= 128)
            continue;
        if ((byte == 0 && i > 0) || sum > UINT32_MAX)
            break;
        *value = (uint32_t)sum;
        return 0;
    }
    return error_set(reader->error, -1, "detail: byte %zu is not the end of a number (%s)",
                     reader->position - 1, reader->part);
}

static int take_at_most(struct reader *reader, uint32_t most, uint32_t *value)
{
    if (take(reader, value) != 0)
        return -1;
    if (*value > most)
        return error_set(reader->error, -1, "detail: %s: %" PRIu32 " given, at most %" PRIu32,
                         reader->part, *value, most);
    return 0;
}

static int take_run(struct reader *reader, struct damage_run *run)
{
    if (take(reader, &run->layer) != 0 || take(reader, &run->unit) != 0 ||
        take(reader, &run->count) != 0 || take(reader, &run->parts) != 0)
        return -1;
    const char *problem = run_problem(run);
    return problem == NULL
               ? 0
               : error_set(reader->error, -1, "detail: a run of the %s %s", reader->part, problem);
}

static int take_list(struct reader *reader, const char *part, struct damage_list *list)
{
    reader->part = part;
    uint32_t complete;
    if (take_at_most(reader, 1, &complete) != 0 ||
        take_at_most(reader, DAMAGE_RUNS_MAX, &list->count) != 0)
        return -1;
    list->complete = complete != 0;
    for (uint32_t i = 0; i < list->count; i++) {
        struct damage_run *run = &list->runs[i];
        if (take_run(reader, run) != 0)
            return -1;
        const char *problem = i == 0 ? NULL : order_problem(run - 1, run);
        if (problem != NULL)
            return error_set(reader->error, -1, "detail: a run of the %s %s", part, problem);
    }
    return 0;
}

static int take_matrix(struct reader *reader, uint32_t last_slice, struct confusion_matrix *matrix)
{
    uint32_t slice;
    if (take(reader, &slice) != 0)
        return -1;
    if (!is_slice(slice) || slice <= last_slice)
        return error_set(reader->error, -1,
                         "detail: a matrix of slice %" PRIu32 ", which is none or out of order",
                         slice);
    matrix->slice = (enum slice)slice;
    if (take_at_most(reader, DETAIL_CLASSES_MAX, &matrix->classes) != 0)
        return -1;
    if (matrix->classes == 0)
        return error_set(reader->error, -1, "detail: a matrix of no classes");
    for (uint32_t i = 0; i < matrix->classes * matrix->classes; i++)
        if (take(reader, &matrix->counts[i]) != 0)
            return -1;
    return 0;
}

static int take_matrices(struct reader *reader, struct detail *detail)
{
    reader->part = "matrices";
    if (take_at_most(reader, DETAIL_MATRICES_MAX, &detail->matrix_count) != 0)
        return -1;
    uint32_t last_slice = 0;
    for (uint32_t i = 0; i < detail->matrix_count; i++) {
        if (take_matrix(reader, last_slice, &detail->matrices[i]) != 0)
            return -1;
        last_slice = (uint32_t)detail->matrices[i].slice;
    }
    return 0;
}

int detail_decode(const uint8_t *bytes, size_t count, struct detail *detail, struct error *error)
{
    struct reader reader = {.bytes = bytes, .count = count, .part = "version", .error = error};
    uint32_t version;
    memset(detail, 0, sizeof *detail);
    if (count > DETAIL_BYTES_MAX)
        return error_set(error, -1, "detail: %zu bytes, at most %d", count, DETAIL_BYTES_MAX);
    if (take(&reader, &version) != 0)
        return -1;
    if (version != VERSION)
        return error_set(error, -1, "detail: version %" PRIu32 ", this program reads %d", version,
                         VERSION);
    if (take_list(&reader, "hits", &detail->hits) != 0 ||
        take_list(&reader, "damage", &detail->damage) != 0 || take_matrices(&reader, detail) != 0)
        return -1;
    if (reader.position != count)
        return error_set(error, -1, "detail: %zu bytes behind the end", count - reader.position);
    return 0;
}
