/*
 * test_detail.c: one detail, one encoding: what is written is read back, anything else is refused,
 * and what does not fit is left out in the promised order.
 */
#include "proto/detail.h"

#include "common/philox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 400 };

/* Details are large. */
struct room {
    struct detail detail, again;
    uint8_t bytes[DETAIL_BYTES_MAX], more[DETAIL_BYTES_MAX];
};

static int make_room(void **state)
{
    struct room *room = calloc(1, sizeof *room);
    if (room == NULL)
        return -1;
    damage_list_clear(&room->detail.hits);
    damage_list_clear(&room->detail.damage);
    *state = room;
    return 0;
}

static int free_room(void **state)
{
    free(*state);
    return 0;
}

/* --------------------------------------------------------------------------------------- lists */

static void test_neighbours_become_one_run(void **state)
{
    struct room *room = *state;
    struct damage_list *list = &room->detail.hits;
    static const struct damage_run expected[] = {
        {0, 3, 2, 7}, {0, 5, 1, 3}, {0, 7, 1, 3}, {1, 8, 1, 3}, {4, 0, 3, 3}};
    damage_list_add(list, 0, 3, 7);
    damage_list_add(list, 0, 4, 7);
    damage_list_add(list, 0, 5, 3);
    damage_list_add(list, 0, 7, 3);
    damage_list_add(list, 1, 8, 3);
    for (uint32_t unit = 0; unit < 3; unit++)
        damage_list_add(list, 4, unit, 3);
    assert_int_equal(list->count, 5);
    assert_true(list->complete);
    assert_memory_equal(list->runs, expected, sizeof expected);
    damage_list_clear(list);
    assert_int_equal(list->count, 0);
    assert_true(list->complete);
}

static void test_a_full_list_says_that_there_was_more(void **state)
{
    struct room *room = *state;
    struct damage_list *list = &room->detail.hits;
    for (uint32_t i = 0; i < DAMAGE_RUNS_MAX; i++)
        damage_list_add(list, 2, 3 * i, 3);
    assert_true(list->complete);
    damage_list_add(list, 2, 3 * (DAMAGE_RUNS_MAX - 1) + 1, 3); /* joins the last one */
    assert_int_equal(list->count, DAMAGE_RUNS_MAX);
    assert_true(list->complete);
    struct damage_run last = list->runs[DAMAGE_RUNS_MAX - 1];
    assert_int_equal(last.count, 2);
    damage_list_add(list, 2, 3 * DAMAGE_RUNS_MAX, 3);
    assert_false(list->complete);
    damage_list_add(list, 2, 3 * DAMAGE_RUNS_MAX + 1, 3);
    assert_int_equal(list->count, DAMAGE_RUNS_MAX);
    assert_memory_equal(&list->runs[DAMAGE_RUNS_MAX - 1], &last, sizeof last);
}

/* ---------------------------------------------------------------------------------- round trips */

static void add_run(struct damage_list *list, struct damage_run run)
{
    list->runs[list->count++] = run;
}

static void expect_bytes(struct room *room, const uint8_t *expected, size_t count)
{
    assert_int_equal(detail_encode(&room->detail, room->bytes), count);
    assert_memory_equal(room->bytes, expected, count);
    memset(&room->again, 0xA5, sizeof room->again);
    assert_int_equal(detail_decode(expected, count, &room->again, NULL), 0);
    assert_memory_equal(&room->again, &room->detail, sizeof room->again);
}

/* Pinned: ledgers hold these bytes. */
static void test_known_bytes(void **state)
{
    struct room *room = *state;
    static const uint8_t nothing[] = {1, 1, 0, 1, 0, 0};
    expect_bytes(room, nothing, sizeof nothing);
    static const uint8_t something[] = {
        1,                               /* version */
        1, 1, 2,    0x81, 1,    1,    7, /* hits: all; one run: layer 2, unit 129 */
        0, 2, 0,    0,    5,    3,    2,  0x80, 1, 1, 15, /* damage: not all; two runs */
        2,                                                /* matrices */
        2, 2, 0xAC, 2,    0,    1,    2,                  /* select, two classes: 300 0 1 2 */
        8, 1, 0xFF, 0xFF, 0xFF, 0xFF, 15,                 /* test, one class */
    };
    add_run(&room->detail.hits, (struct damage_run){2, 129, 1, 7});
    room->detail.damage.complete = false;
    add_run(&room->detail.damage, (struct damage_run){0, 0, 5, 3});
    add_run(&room->detail.damage, (struct damage_run){2, 128, 1, 15});
    room->detail.matrix_count = 2;
    room->detail.matrices[0] = (struct confusion_matrix){SLICE_SELECT, 2, {300, 0, 1, 2}};
    room->detail.matrices[1] = (struct confusion_matrix){SLICE_TEST, 1, {UINT32_MAX}};
    expect_bytes(room, something, sizeof something);
}

/* A number of any length in bits. */
static uint32_t any_number(struct random *random)
{
    return random_u32(random) >> random_below(random, 32);
}

static void any_list(struct random *random, struct damage_list *list)
{
    damage_list_clear(list);
    uint32_t count = random_below(random, 300), layer = 0;
    uint64_t unit = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (random_below(random, 4) == 0) {
            layer += 1 + random_below(random, 30);
            unit = 0;
        }
        unit += any_number(random) % 5000;
        damage_list_add(list, layer, (uint32_t)unit++, 1 + random_below(random, 15));
    }
    list->complete = random_below(random, 2) == 0;
}

static void any_detail(struct random *random, struct detail *detail)
{
    memset(detail, 0, sizeof *detail);
    any_list(random, &detail->hits);
    any_list(random, &detail->damage);
    for (uint32_t slice = SLICE_TRAIN; slice <= SLICE_TEST; slice *= 2) {
        if (random_below(random, 2) == 0)
            continue;
        struct confusion_matrix *matrix = &detail->matrices[detail->matrix_count++];
        matrix->slice = (enum slice)slice;
        matrix->classes = 1 + random_below(random, 20);
        for (uint32_t i = 0; i < matrix->classes * matrix->classes; i++)
            matrix->counts[i] = any_number(random);
    }
}

static void test_what_is_written_is_read_back(void **state)
{
    struct room *room = *state;
    struct random random = random_open(1, 0, 0, RANDOM_NULL);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        any_detail(&random, &room->detail);
        size_t count = detail_encode(&room->detail, room->bytes);
        assert_true(count <= DETAIL_BYTES_MAX);
        assert_int_equal(detail_decode(room->bytes, count, &room->again, NULL), 0);
        assert_memory_equal(&room->again, &room->detail, sizeof room->again);
    }
}

/* ------------------------------------------------------------------------------------ refusals */

static void expect_refused(struct room *room, const uint8_t *bytes, size_t count,
                           const char *reason)
{
    struct error error = {""};
    assert_int_equal(detail_decode(bytes, count, &room->again, &error), -1);
    assert_string_equal(error.text, reason);
}

static void test_what_is_not_canonical_is_refused(void **state)
{
    static const struct {
        uint8_t count, bytes[24];
        const char *reason;
    } cases[] = {
        {0, {0}, "detail: ends in the midst of the version"},
        {6, {2, 1, 0, 1, 0, 0}, "detail: version 2, this program reads 1"},
        {7, {0x81, 0, 1, 0, 1, 0, 0}, "detail: byte 1 is not the end of a number (version)"},
        {7, {1, 1, 0, 1, 0, 0, 0}, "detail: 1 bytes behind the end"},
        {6, {1, 2, 0, 1, 0, 0}, "detail: hits: 2 given, at most 1"},
        {7, {1, 1, 0x81, 8, 1, 0, 0}, "detail: hits: 1025 given, at most 1024"},
        {7, {1, 1, 0x80, 0, 1, 0, 0}, "detail: byte 3 is not the end of a number (hits)"},
        {10, {1, 1, 1, 0, 0, 0, 3, 1, 0, 0}, "detail: a run of the hits has no units"},
        {10, {1, 1, 1, 0, 0, 1, 0, 1, 0, 0}, "detail: a run of the hits has parts that are none"},
        {10, {1, 1, 1, 0, 0, 1, 16, 1, 0, 0}, "detail: a run of the hits has parts that are none"},
        {14,
         {1, 1, 1, 0, 0xFF, 0xFF, 0xFF, 0xFF, 15, 1, 3, 1, 0, 0},
         "detail: a run of the hits reaches beyond the last unit that there can be"},
        {14,
         {1, 1, 1, 0, 0xFF, 0xFF, 0xFF, 0xFF, 16, 1, 3, 1, 0, 0},
         "detail: byte 8 is not the end of a number (hits)"},
        {14,
         {1, 1, 1, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0x8F, 0, 3, 1, 0, 0},
         "detail: byte 8 is not the end of a number (hits)"},
        {14,
         {1, 1, 0, 1, 2, 0, 0, 1, 3, 0, 1, 1, 3, 0},
         "detail: a run of the damage continues the one before it and should be part of it"},
        {14,
         {1, 1, 0, 1, 2, 0, 0, 2, 3, 0, 1, 1, 7, 0},
         "detail: a run of the damage is not behind the one before it"},
        {14,
         {1, 1, 0, 1, 2, 1, 0, 1, 3, 0, 9, 1, 7, 0},
         "detail: a run of the damage is not behind the one before it"},
        {6, {1, 1, 0, 1, 0, 5}, "detail: matrices: 5 given, at most 4"},
        {9,
         {1, 1, 0, 1, 0, 1, 0, 1, 0},
         "detail: a matrix of slice 0, which is none or out of order"},
        {9,
         {1, 1, 0, 1, 0, 1, 3, 1, 0},
         "detail: a matrix of slice 3, which is none or out of order"},
        {12,
         {1, 1, 0, 1, 0, 2, 4, 1, 0, 4, 1, 0},
         "detail: a matrix of slice 4, which is none or out of order"},
        {12,
         {1, 1, 0, 1, 0, 2, 4, 1, 0, 2, 1, 0},
         "detail: a matrix of slice 2, which is none or out of order"},
        {8, {1, 1, 0, 1, 0, 1, 1, 0}, "detail: a matrix of no classes"},
        {9, {1, 1, 0, 1, 0, 1, 1, 33, 0}, "detail: matrices: 33 given, at most 32"},
        {11, {1, 1, 0, 1, 0, 1, 1, 2, 0, 0, 0}, "detail: ends in the midst of the matrices"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_refused(*state, cases[i].bytes, cases[i].count, cases[i].reason);
    struct room *room = *state;
    uint8_t *long_one = calloc(1, DETAIL_BYTES_MAX + 1);
    assert_non_null(long_one);
    expect_refused(room, long_one, DETAIL_BYTES_MAX + 1, "detail: 16385 bytes, at most 16384");
    free(long_one);
}

/* No beginning of a detail is one. Copies of exact size let a sanitizer see a read beyond. */
static void test_every_beginning_is_refused(void **state)
{
    struct room *room = *state;
    struct random random = random_open(2, 0, 0, RANDOM_NULL);
    any_detail(&random, &room->detail);
    size_t count = detail_encode(&room->detail, room->bytes);
    for (size_t part = 0; part < count; part += 1 + part / 64) {
        uint8_t *copy = malloc(part > 0 ? part : 1);
        assert_non_null(copy);
        memcpy(copy, room->bytes, part);
        struct error error = {""};
        assert_int_equal(detail_decode(copy, part, &room->again, &error), -1);
        assert_non_null(strstr(error.text, "ends in the midst of the "));
        free(copy);
    }
}

/* A changed byte is refused or another detail: never the same one again. */
static void test_a_changed_byte_is_refused_or_means_something_else(void **state)
{
    struct room *room = *state;
    struct random random = random_open(3, 0, 0, RANDOM_NULL);
    uint32_t taken = 0, refused = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        any_detail(&random, &room->detail);
        size_t count = detail_encode(&room->detail, room->bytes);
        for (uint32_t i = 0; i < 20; i++) {
            memcpy(room->more, room->bytes, count);
            room->more[random_below(&random, (uint32_t)count)] ^=
                (uint8_t)(1 + random_below(&random, 255));
            if (detail_decode(room->more, count, &room->again, NULL) != 0) {
                refused++;
                continue;
            }
            taken++;
            static uint8_t echo[DETAIL_BYTES_MAX];
            assert_int_equal(detail_encode(&room->again, echo), count);
            assert_memory_equal(echo, room->more, count);
        }
    }
    assert_true(taken > 100 && refused > 100);
}

/* ----------------------------------------------------------------------------------- shortening */

/* Runs of 13 bytes each. */
static void fill_list(struct damage_list *list, uint32_t count)
{
    damage_list_clear(list);
    for (uint32_t i = 0; i < count; i++)
        add_run(list, (struct damage_run){UINT32_MAX - 2000 + i, 1u << 28, 128, 7});
}

/* A matrix of 32 classes: 1,025 bytes of numbers of `bytes` bytes each, and a byte of slice. */
static void add_matrix(struct detail *detail, enum slice slice, uint32_t count)
{
    struct confusion_matrix *matrix = &detail->matrices[detail->matrix_count++];
    *matrix = (struct confusion_matrix){.slice = slice, .classes = 32};
    for (uint32_t i = 0; i < 32 * 32; i++)
        matrix->counts[i] = count;
}

static void pack(struct room *room)
{
    size_t count = detail_encode(&room->detail, room->bytes);
    assert_true(count <= DETAIL_BYTES_MAX && count > DETAIL_BYTES_MAX - 14);
    assert_int_equal(detail_decode(room->bytes, count, &room->again, NULL), 0);
    assert_int_equal(detail_encode(&room->again, room->more), count);
    assert_memory_equal(room->bytes, room->more, count);
}

static void expect_list(const struct damage_list *list, const struct damage_list *whole,
                        uint32_t count)
{
    assert_int_equal(list->count, count);
    assert_int_equal(list->complete, count == whole->count);
    assert_memory_equal(list->runs, whole->runs, sizeof list->runs[0] * count);
}

static void test_damage_gives_way_first(void **state)
{
    struct room *room = *state;
    fill_list(&room->detail.hits, 700);
    fill_list(&room->detail.damage, DAMAGE_RUNS_MAX);
    add_matrix(&room->detail, SLICE_SELECT, 1);
    pack(room);
    /* 16384 = 1 + (3 + 700 * 13) + (3 + 13 n) + 1 + 1026: n is 480. */
    expect_list(&room->again.hits, &room->detail.hits, 700);
    expect_list(&room->again.damage, &room->detail.damage, 480);
    assert_int_equal(room->again.matrix_count, 1);
}

static void test_then_hits(void **state)
{
    struct room *room = *state;
    fill_list(&room->detail.hits, DAMAGE_RUNS_MAX);
    fill_list(&room->detail.damage, 3);
    for (uint32_t slice = SLICE_TRAIN; slice <= SLICE_TEST; slice *= 2)
        add_matrix(&room->detail, (enum slice)slice, 128);
    pack(room);
    /* 16384 = 1 + (3 + 13 n) + 2 + 1 + 4 * 2050: n is 629, and no byte is left. */
    expect_list(&room->again.damage, &room->detail.damage, 0);
    expect_list(&room->again.hits, &room->detail.hits, 629);
    assert_int_equal(room->again.matrix_count, 4);
    assert_memory_equal(room->again.matrices, room->detail.matrices, sizeof room->again.matrices);
}

static void test_then_matrices(void **state)
{
    struct room *room = *state;
    fill_list(&room->detail.hits, 2);
    fill_list(&room->detail.damage, 2);
    for (uint32_t slice = SLICE_TRAIN; slice <= SLICE_TEST; slice *= 2)
        add_matrix(&room->detail, (enum slice)slice, UINT32_MAX);
    size_t count = detail_encode(&room->detail, room->bytes);
    assert_int_equal(count, 1 + 2 + 2 + 1 + 3 * (2 + 5 * 1024));
    assert_int_equal(detail_decode(room->bytes, count, &room->again, NULL), 0);
    expect_list(&room->again.damage, &room->detail.damage, 0);
    expect_list(&room->again.hits, &room->detail.hits, 0);
    assert_int_equal(room->again.matrix_count, 3);
    assert_int_equal(room->again.matrices[2].slice, SLICE_CONFIRM);
}

/* A list that was not complete stays so, though all of its runs fit. */
static void test_what_was_cut_before_stays_marked(void **state)
{
    struct room *room = *state;
    fill_list(&room->detail.hits, 4);
    room->detail.hits.complete = false;
    size_t count = detail_encode(&room->detail, room->bytes);
    assert_int_equal(detail_decode(room->bytes, count, &room->again, NULL), 0);
    assert_int_equal(room->again.hits.count, 4);
    assert_false(room->again.hits.complete);
    assert_true(room->again.damage.complete);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_neighbours_become_one_run, make_room, free_room),
        cmocka_unit_test_setup_teardown(test_a_full_list_says_that_there_was_more, make_room,
                                        free_room),
        cmocka_unit_test_setup_teardown(test_known_bytes, make_room, free_room),
        cmocka_unit_test_setup_teardown(test_what_is_written_is_read_back, make_room, free_room),
        cmocka_unit_test_setup_teardown(test_what_is_not_canonical_is_refused, make_room,
                                        free_room),
        cmocka_unit_test_setup_teardown(test_every_beginning_is_refused, make_room, free_room),
        cmocka_unit_test_setup_teardown(test_a_changed_byte_is_refused_or_means_something_else,
                                        make_room, free_room),
        cmocka_unit_test_setup_teardown(test_damage_gives_way_first, make_room, free_room),
        cmocka_unit_test_setup_teardown(test_then_hits, make_room, free_room),
        cmocka_unit_test_setup_teardown(test_then_matrices, make_room, free_room),
        cmocka_unit_test_setup_teardown(test_what_was_cut_before_stays_marked, make_room,
                                        free_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
