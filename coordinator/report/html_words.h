/*
 * html_words.h: numbers as a page says them: rounded, with units, in one way everywhere.
 *
 * Blanks before units do not break (U+00A0), minus signs are U+2212, what is unknown is a dash.
 */
#ifndef RATCHET_COORDINATOR_REPORT_HTML_WORDS_H
#define RATCHET_COORDINATOR_REPORT_HTML_WORDS_H

#include <stdint.h>

/* Fitness is an accuracy, shown in percent, or a number of its own. */
enum fitness_unit { FITNESS_NUMBER = 0, FITNESS_ACCURACY };

/* A text that lives in the caller's expression: say_count(7).text. */
struct words {
    char text[64];
};

/* "196,000" */
struct words say_count(uint64_t count);
/* "416 ms", "4.20 s", "39.2 s", "12 min 5 s", "3 h 12 min", "5 d 4 h" */
struct words say_duration(double seconds);
/* A share of 0 .. 1: "74.68 %" */
struct words say_percent(double share);
/* The same to one digit: "12.7 %", for counts of counts. */
struct words say_share(uint64_t part, uint64_t whole);
/* "74.68 %", "-0.056021" */
struct words say_fitness(enum fitness_unit unit, double fitness);
/* A difference of two: "+1.52 pp" (percentage points), "+0.0031" */
struct words say_gain(enum fitness_unit unit, double gain);
/* Five significant digits. */
struct words say_number(double value);
/* Wall clock, ms since 1970: "2026-11-22 18:40:10 UTC" */
struct words say_time(uint64_t wall_ms);

#endif
