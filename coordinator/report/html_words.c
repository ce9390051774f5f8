/* html_words.c: see html_words.h. */
#include "coordinator/report/html_words.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define BLANK "\xc2\xa0"
#define MINUS "\xe2\x88\x92"
#define DASH "\xe2\x80\x93"

static const struct words unknown = {DASH};

struct words say_count(uint64_t count)
{
    struct words digits, words;
    int length = snprintf(digits.text, sizeof digits.text, "%" PRIu64, count);
    char *end = words.text;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *end++ = ',';
        *end++ = digits.text[i];
    }
    *end = '\0';
    return words;
}

struct words say_duration(double seconds)
{
    struct words words;
    if (!isfinite(seconds) || seconds < 0 || seconds > 1e12)
        return unknown;
    uint64_t whole = (uint64_t)(seconds + 0.5);
    if (seconds < 0.9995)
        snprintf(words.text, sizeof words.text, "%.0f" BLANK "ms", 1000 * seconds);
    else if (seconds < 10)
        snprintf(words.text, sizeof words.text, "%.2f" BLANK "s", seconds);
    else if (seconds < 59.95)
        snprintf(words.text, sizeof words.text, "%.1f" BLANK "s", seconds);
    else if (whole < 3600)
        snprintf(words.text, sizeof words.text, "%" PRIu64 BLANK "min" BLANK "%" PRIu64 BLANK "s",
                 whole / 60, whole % 60);
    else if (whole < UINT64_C(48) * 3600)
        snprintf(words.text, sizeof words.text, "%" PRIu64 BLANK "h" BLANK "%" PRIu64 BLANK "min",
                 whole / 3600, whole / 60 % 60);
    else
        snprintf(words.text, sizeof words.text, "%" PRIu64 BLANK "d" BLANK "%" PRIu64 BLANK "h",
                 whole / 86400, whole / 3600 % 24);
    return words;
}

/* The digits of |value| behind a sign: `plus` for what is not negative. What rounds to zero is. */
static struct words sign(const char *plus, double value, const char *digits)
{
    struct words words;
    bool zero = strspn(digits, "0.") == strspn(digits, "0123456789.");
    snprintf(words.text, sizeof words.text, "%s%s",
             zero         ? (plus[0] != '\0' ? "\xc2\xb1" : "")
             : value >= 0 ? plus
                          : MINUS,
             digits);
    return words;
}

struct words say_percent(double share)
{
    char digits[48];
    if (!isfinite(share) || fabs(share) > 1e6)
        return unknown;
    snprintf(digits, sizeof digits, "%.2f" BLANK "%%", 100 * fabs(share));
    return sign("", share, digits);
}

struct words say_share(uint64_t part, uint64_t whole)
{
    struct words words;
    if (whole == 0)
        return unknown;
    snprintf(words.text, sizeof words.text, "%.1f" BLANK "%%", 100 * (double)part / (double)whole);
    return words;
}

struct words say_number(double value)
{
    char digits[48];
    if (!isfinite(value))
        return unknown;
    snprintf(digits, sizeof digits, "%.5g", fabs(value));
    return sign("", value, digits);
}

struct words say_fitness(enum fitness_unit unit, double fitness)
{
    return unit == FITNESS_ACCURACY ? say_percent(fitness) : say_number(fitness);
}

struct words say_gain(enum fitness_unit unit, double gain)
{
    char digits[48];
    if (!isfinite(gain))
        return unknown;
    if (unit == FITNESS_ACCURACY)
        snprintf(digits, sizeof digits, "%.2f" BLANK "pp", 100 * fabs(gain));
    else
        snprintf(digits, sizeof digits, "%.3g", fabs(gain));
    return sign("+", gain, digits);
}

struct words say_time(uint64_t wall_ms)
{
    struct words words;
    struct tm parts;
    time_t seconds = (time_t)(wall_ms / 1000);
    const uint64_t year_10000_ms = UINT64_C(253402300800000);
    if (wall_ms == 0 || wall_ms >= year_10000_ms || gmtime_r(&seconds, &parts) == NULL ||
        strftime(words.text, sizeof words.text, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
        return unknown;
    return words;
}
