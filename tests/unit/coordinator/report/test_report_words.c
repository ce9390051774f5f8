/* test_report_words.c: numbers as a page says them. */
#include "coordinator/report/html_words.h"
#include "coordinator/report/report_lookup.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define B "\xc2\xa0"     /* a blank that does not break */
#define M "\xe2\x88\x92" /* minus */
#define D "\xe2\x80\x93" /* unknown */

static void groups_digits(void **state)
{
    (void)state;
    assert_string_equal(say_count(0).text, "0");
    assert_string_equal(say_count(999).text, "999");
    assert_string_equal(say_count(1000).text, "1,000");
    assert_string_equal(say_count(1234567).text, "1,234,567");
    assert_string_equal(say_count(UINT64_MAX).text, "18,446,744,073,709,551,615");
}

static void says_durations(void **state)
{
    (void)state;
    assert_string_equal(say_duration(0).text, "0" B "ms");
    assert_string_equal(say_duration(0.416).text, "416" B "ms");
    assert_string_equal(say_duration(4.2).text, "4.20" B "s");
    assert_string_equal(say_duration(39.19).text, "39.2" B "s");
    assert_string_equal(say_duration(59.97).text, "1" B "min" B "0" B "s");
    assert_string_equal(say_duration(725).text, "12" B "min" B "5" B "s");
    assert_string_equal(say_duration(3600).text, "1" B "h" B "0" B "min");
    assert_string_equal(say_duration(48 * 3600).text, "2" B "d" B "0" B "h");
    assert_string_equal(say_duration((double)NAN).text, D);
    assert_string_equal(say_duration(-1).text, D);
    assert_string_equal(say_duration((double)INFINITY).text, D);
}

static void says_shares_and_gains(void **state)
{
    (void)state;
    assert_string_equal(say_percent(0.7468).text, "74.68" B "%");
    assert_string_equal(say_percent((double)NAN).text, D);
    assert_string_equal(say_share(62, 489).text, "12.7" B "%");
    assert_string_equal(say_share(0, 0).text, D);
    assert_string_equal(say_gain(FITNESS_ACCURACY, 0.0152).text, "+1.52" B "pp");
    assert_string_equal(say_gain(FITNESS_ACCURACY, -0.0152).text, M "1.52" B "pp");
    assert_string_equal(say_gain(FITNESS_ACCURACY, -1e-9).text, "\xc2\xb1"
                                                                "0.00" B "pp");
    assert_string_equal(say_gain(FITNESS_NUMBER, 0.0031).text, "+0.0031");
    assert_string_equal(say_gain(FITNESS_NUMBER, -1e-9).text, M "1e-09");
    assert_string_equal(say_gain(FITNESS_NUMBER, (double)NAN).text, D);
    assert_string_equal(say_fitness(FITNESS_NUMBER, -0.0560206).text, M "0.056021");
    assert_string_equal(say_fitness(FITNESS_NUMBER, 0).text, "0");
}

static void says_times(void **state)
{
    (void)state;
    assert_string_equal(say_time(UINT64_C(1795372810600)).text, "2026-11-22 18:40:10 UTC");
    assert_string_equal(say_time(0).text, D);
    assert_string_equal(say_time(UINT64_MAX).text, D);
}

/* Against Wilson's formula worked out elsewhere: 62 of 489 lie within 10.02 and 15.92 %. */
static void knows_intervals(void **state)
{
    (void)state;
    struct interval interval = interval_of_share(62, 489);
    assert_true(fabs(interval.low - 0.1002) < 1e-4 && fabs(interval.high - 0.1592) < 1e-4);
    interval = interval_of_share(0, 10);
    assert_true(interval.low == 0 && fabs(interval.high - 0.2775) < 1e-4);
    interval = interval_of_share(10, 10);
    assert_true(fabs(interval.low - 0.7225) < 1e-4 && interval.high == 1);
    interval = interval_of_share(0, 0);
    assert_true(interval.low == 0 && interval.high == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_digits),         cmocka_unit_test(says_durations),
        cmocka_unit_test(says_shares_and_gains), cmocka_unit_test(says_times),
        cmocka_unit_test(knows_intervals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
