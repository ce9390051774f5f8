/*
 * error.h: an error that carries its sentence.
 *
 * A function that can fail for a reason a person must read takes `struct error *` last, fills it
 * through error_set() and returns the code it got back. The text says what and where, in one line,
 * without a trailing newline. Callers may pass NULL when the code alone is enough.
 */
#ifndef RATCHET_COMMON_ERROR_H
#define RATCHET_COMMON_ERROR_H

struct error {
    char text[512];
};

/* Writes the formatted sentence (cut at the end if too long) and returns `code`. */
int error_set(struct error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
