/* test_report_lookup.c: which confusion matrix is shown of the several that a champion has. */
#include "coordinator/report/report_lookup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void add_matrix(struct detail *detail, enum slice slice, uint32_t classes)
{
    struct confusion_matrix *matrix = &detail->matrices[detail->matrix_count++];
    matrix->slice = slice;
    matrix->classes = classes;
}

/* The last evaluation's before that of the job, test before all others, and none without classes.
 */
static void chooses_the_best_matrix(void **state)
{
    (void)state;
    struct report *report = calloc(1, sizeof *report);
    assert_null(report_best_matrix(report));
    report->detail = calloc(1, sizeof *report->detail);
    report->final_detail = calloc(1, sizeof *report->final_detail);
    add_matrix(report->detail, SLICE_TEST, 0);
    assert_null(report_best_matrix(report));
    add_matrix(report->detail, SLICE_SELECT, 10);
    assert_ptr_equal(report_best_matrix(report), &report->detail->matrices[1]);
    add_matrix(report->final_detail, SLICE_SELECT, 10);
    assert_ptr_equal(report_best_matrix(report), &report->final_detail->matrices[0]);
    add_matrix(report->final_detail, SLICE_TEST, 10);
    assert_ptr_equal(report_best_matrix(report), &report->final_detail->matrices[1]);
    free(report->detail);
    free(report->final_detail);
    free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chooses_the_best_matrix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
