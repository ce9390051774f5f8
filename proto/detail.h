/*
 * detail.h: what a result carries beside its numbers: the damage mask and confusion matrices.
 *
 * The cores pass the detail on as opaque bytes; the worker writes it, the ledger keeps it, `show`
 * and `report` read it. The form is canonical: one detail has one encoding, so equal results have
 * equal bytes. Numbers are LEB128 varints without superfluous bytes.
 *
 *   version 1 · hits · damage · number of matrices · matrices
 *   list:   complete (0|1) · number of runs · runs {layer, unit, count, parts}, ascending, merged
 *   matrix: slice (enum slice) · classes · counts [classes * classes], [true * classes + answer]
 *
 * Matrices stand in ascending order of their slices, each slice at most once. A struct detail takes
 * some 49 KiB: keep it on the heap.
 */
#ifndef RATCHET_PROTO_DETAIL_H
#define RATCHET_PROTO_DETAIL_H

#include "common/error.h"
#include "proto/job.h"

#include <stddef.h>

enum {
    DAMAGE_RUNS_MAX = 1024,
    DETAIL_CLASSES_MAX = 32, /* confusion matrices of more classes are left out */
    DETAIL_MATRICES_MAX = 4, /* one per slice */
};

/* `count` neighbouring units of one layer, from `unit`, hit in the same parts. */
struct damage_run {
    uint32_t layer, unit, count;
    uint32_t parts; /* enum damage_part bits: 1 incoming, 2 bias, 4 outgoing, 8 reinitialised */
};

struct damage_list {
    uint32_t count;
    bool complete; /* false: there were more runs than fit; the checkpoint has them all */
    struct damage_run runs[DAMAGE_RUNS_MAX];
};

struct confusion_matrix {
    enum slice slice;
    uint32_t classes;
    uint32_t counts[DETAIL_CLASSES_MAX * DETAIL_CLASSES_MAX];
};

struct detail {
    struct damage_list hits;   /* of this job's operator */
    struct damage_list damage; /* of the child, over its whole lineage */
    uint32_t matrix_count;
    struct confusion_matrix matrices[DETAIL_MATRICES_MAX];
};

/* No runs, complete. */
void damage_list_clear(struct damage_list *list);
/* Appends a unit; joins it to the last run where it can. Units come in ascending order. */
void damage_list_add(struct damage_list *list, uint32_t layer, uint32_t unit, uint32_t parts);

/*
 * Returns the bytes written, at most DETAIL_BYTES_MAX. What does not fit is left out in this order:
 * runs of `damage` from the end, runs of `hits` from the end, matrices from the end; a shortened
 * list is marked as not complete.
 */
size_t detail_encode(const struct detail *detail, uint8_t bytes[DETAIL_BYTES_MAX]);
/*
 * Strict: 0, or -1 with what is wrong; what it takes, detail_encode gives back to the same bytes.
 * What the counts leave unused of *detail is zero. The bytes come from a stranger.
 */
int detail_decode(const uint8_t *bytes, size_t count, struct detail *detail, struct error *error)
    __attribute__((warn_unused_result));

#endif
