/*
 * safetensors_read.c: a header from outside, checked; see safetensors.h.
 *
 * A recursive-descent reader for exactly the JSON that the format allows: a map of tensors with
 * three known keys, and a map of strings under "__metadata__". Depth is fixed by the grammar, so
 * there is no recursion, and nothing is allocated. Names must be printable ASCII, which is what
 * they are in practice.
 */
#include "common/safetensors.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct reader {
    const uint8_t *start, *at, *end;
    struct error *error;
};

__attribute__((format(printf, 2, 3))) static int refuse(const struct reader *reader,
                                                        const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return error_set(reader->error, -1, "safetensors header, byte %zu: %s",
                     (size_t)(reader->at - reader->start), text);
}

/* ---------------------------------------------------------------------------------- tokens */

static void skip_blanks(struct reader *reader)
{
    while (reader->at < reader->end && memchr(" \t\r\n", *reader->at, 4) != NULL)
        reader->at++;
}

/* Takes the character if it comes next. */
static bool take(struct reader *reader, char expected)
{
    skip_blanks(reader);
    if (reader->at == reader->end || *reader->at != (uint8_t)expected)
        return false;
    reader->at++;
    return true;
}

static int expect(struct reader *reader, char expected)
{
    if (take(reader, expected))
        return 0;
    return refuse(reader, "'%c' was expected", expected);
}

static int read_number(struct reader *reader, uint64_t *number)
{
    skip_blanks(reader);
    const uint8_t *first = reader->at;
    *number = 0;
    for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9'; reader->at++) {
        if (__builtin_mul_overflow(*number, UINT64_C(10), number) ||
            __builtin_add_overflow(*number, (uint64_t)(*reader->at - '0'), number))
            return refuse(reader, "the number is too large");
    }
    if (reader->at == first)
        return refuse(reader, "a whole number was expected");
    if (*first == '0' && reader->at > first + 1)
        return refuse(reader, "the number starts with 0");
    return 0;
}

static int hex_digit(uint8_t byte)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = byte != 0 ? strchr(digits, byte) : NULL;
    return found != NULL ? (int)(found - digits) % 16 : -1;
}

static int read_hex_escape(struct reader *reader, uint32_t *code)
{
    *code = 0;
    for (uint32_t i = 0; i < 4; i++) {
        int digit = reader->at < reader->end ? hex_digit(*reader->at) : -1;
        if (digit < 0)
            return refuse(reader, "an escape of four hexadecimal digits was expected");
        *code = *code << 4 | (uint32_t)digit;
        reader->at++;
    }
    return 0;
}

/* What stands behind a backslash. */
static int read_escape(struct reader *reader, uint32_t *code)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    if (reader->at == reader->end)
        return refuse(reader, "the string does not end");
    uint8_t letter = *reader->at++;
    if (letter == 'u')
        return read_hex_escape(reader, code);
    const char *found = letter != 0 ? strchr(letters, letter) : NULL;
    if (found == NULL)
        return refuse(reader, "no such escape");
    *code = (uint8_t)meanings[found - letters];
    return 0;
}

/* The next character of a string; *closed when it is the quotation mark that ends it. */
static int read_character(struct reader *reader, uint32_t *code, bool *closed)
{
    if (reader->at == reader->end)
        return refuse(reader, "the string does not end");
    *code = *reader->at++;
    *closed = *code == '"';
    if (*code < 0x20)
        return refuse(reader, "a control character in a string");
    return *code == '\\' ? read_escape(reader, code) : 0;
}

/* Any string, passed over. */
static int skip_string(struct reader *reader)
{
    uint32_t code = 0;
    bool closed = false;
    if (expect(reader, '"') != 0)
        return -1;
    while (!closed)
        if (read_character(reader, &code, &closed) != 0)
            return -1;
    return 0;
}

/* A string of printable ASCII, with its NUL, into name[size]. */
static int read_name(struct reader *reader, char *name, size_t size)
{
    uint32_t code = 0;
    bool closed = false;
    if (expect(reader, '"') != 0)
        return -1;
    for (size_t used = 0;; used++) {
        if (read_character(reader, &code, &closed) != 0)
            return -1;
        if (closed) {
            name[used] = '\0';
            return 0;
        }
        if (code < 0x20 || code > 0x7e)
            return refuse(reader, "a name that is not printable ASCII");
        if (used + 1 == size)
            return refuse(reader, "a name of more than %zu bytes", size - 1);
        name[used] = (char)code;
    }
}

/* --------------------------------------------------------------------------------- tensors */

/* [n, n, ...]; up to `max` of them. */
static int read_numbers(struct reader *reader, uint64_t *numbers, uint32_t max, uint32_t *count)
{
    *count = 0;
    if (expect(reader, '[') != 0)
        return -1;
    if (take(reader, ']'))
        return 0;
    do {
        if (*count == max)
            return refuse(reader, "more than %u numbers", max);
        if (read_number(reader, &numbers[*count]) != 0)
            return -1;
        ++*count;
    } while (take(reader, ','));
    return expect(reader, ']');
}

static int read_type(struct reader *reader, struct safetensors_tensor *tensor)
{
    char name[16];
    if (read_name(reader, name, sizeof name) != 0)
        return -1;
    for (uint32_t type = 1; type <= SAFETENSORS_TYPE_LAST; type++) {
        if (strcmp(safetensors_type_name(type), name) == 0) {
            tensor->type = type;
            return 0;
        }
    }
    return refuse(reader, "tensor %s: dtype %s is not known", tensor->name, name);
}

static int read_offsets(struct reader *reader, struct safetensors_tensor *tensor)
{
    uint64_t offsets[2];
    uint32_t count;
    if (read_numbers(reader, offsets, 2, &count) != 0)
        return -1;
    if (count != 2)
        return refuse(reader, "tensor %s: data_offsets are two numbers", tensor->name);
    tensor->begin = offsets[0];
    tensor->end = offsets[1];
    return 0;
}

enum tensor_key { KEY_DTYPE = 1, KEY_SHAPE = 2, KEY_OFFSETS = 4, KEY_ALL = 7 };

static int read_tensor_member(struct reader *reader, struct safetensors_tensor *tensor,
                              uint32_t *keys)
{
    char name[16];
    uint32_t key = 0;
    if (read_name(reader, name, sizeof name) != 0 || expect(reader, ':') != 0)
        return -1;
    if (strcmp(name, "dtype") == 0)
        key = KEY_DTYPE;
    else if (strcmp(name, "shape") == 0)
        key = KEY_SHAPE;
    else if (strcmp(name, "data_offsets") == 0)
        key = KEY_OFFSETS;
    if (key == 0 || (*keys & key))
        return refuse(reader, "tensor %s: key %s is %s", tensor->name, name,
                      key == 0 ? "not known" : "there twice");
    *keys |= key;
    if (key == KEY_DTYPE)
        return read_type(reader, tensor);
    if (key == KEY_SHAPE)
        return read_numbers(reader, tensor->shape, SAFETENSORS_RANK_MAX, &tensor->rank);
    return read_offsets(reader, tensor);
}

/* The offsets must span what dtype and shape say. */
static int check_size(const struct reader *reader, const struct safetensors_tensor *tensor)
{
    uint64_t bytes = safetensors_type_bytes(tensor->type);
    bool fits = tensor->end >= tensor->begin;
    for (uint32_t i = 0; i < tensor->rank; i++)
        fits = fits && !__builtin_mul_overflow(bytes, tensor->shape[i], &bytes);
    if (!fits || bytes != tensor->end - tensor->begin)
        return refuse(reader, "tensor %s: data_offsets do not fit dtype and shape", tensor->name);
    return 0;
}

static int read_tensor(struct reader *reader, struct safetensors_tensor *tensor)
{
    uint32_t keys = 0;
    if (expect(reader, '{') != 0)
        return -1;
    do {
        if (read_tensor_member(reader, tensor, &keys) != 0)
            return -1;
    } while (take(reader, ','));
    if (expect(reader, '}') != 0)
        return -1;
    if (keys != KEY_ALL)
        return refuse(reader, "tensor %s: dtype, shape or data_offsets is missing", tensor->name);
    return check_size(reader, tensor);
}

static int read_metadata(struct reader *reader)
{
    if (expect(reader, '{') != 0)
        return -1;
    if (take(reader, '}'))
        return 0;
    do {
        if (skip_string(reader) != 0 || expect(reader, ':') != 0 || skip_string(reader) != 0)
            return -1;
    } while (take(reader, ','));
    return expect(reader, '}');
}

static int read_member(struct reader *reader, struct safetensors_header *header, uint32_t capacity)
{
    struct safetensors_tensor tensor = {.name = ""};
    if (read_name(reader, tensor.name, sizeof tensor.name) != 0 || expect(reader, ':') != 0)
        return -1;
    if (strcmp(tensor.name, "__metadata__") == 0)
        return read_metadata(reader);
    if (header->count == capacity || header->count == SAFETENSORS_TENSORS_MAX)
        return refuse(reader, "more than %u tensors", header->count);
    if (read_tensor(reader, &tensor) != 0)
        return -1;
    header->tensors[header->count++] = tensor;
    return 0;
}

static int read_members(struct reader *reader, struct safetensors_header *header, uint32_t capacity)
{
    if (expect(reader, '{') != 0)
        return -1;
    if (!take(reader, '}')) {
        do {
            if (read_member(reader, header, capacity) != 0)
                return -1;
        } while (take(reader, ','));
        if (expect(reader, '}') != 0)
            return -1;
    }
    skip_blanks(reader);
    return reader->at == reader->end ? 0 : refuse(reader, "something follows the header");
}

/* ------------------------------------------------------------------------------- the whole */

static bool name_before(const struct safetensors_tensor *a, const struct safetensors_tensor *b)
{
    return strcmp(a->name, b->name) < 0;
}

static bool data_before(const struct safetensors_tensor *a, const struct safetensors_tensor *b)
{
    return a->begin != b->begin ? a->begin < b->begin : a->end < b->end;
}

/* Whether a comes before b. */
typedef bool before_function(const struct safetensors_tensor *a,
                             const struct safetensors_tensor *b);

static void sink(struct safetensors_tensor *tensors, uint32_t place, uint32_t count,
                 before_function *before)
{
    struct safetensors_tensor moved = tensors[place];
    for (uint32_t child; (child = 2 * place + 1) < count; place = child) {
        if (child + 1 < count && before(&tensors[child], &tensors[child + 1]))
            child++;
        if (!before(&moved, &tensors[child]))
            break;
        tensors[place] = tensors[child];
    }
    tensors[place] = moved;
}

/* Heapsort: qsort may allocate, and may be slow on input made for that. */
static void sort(struct safetensors_header *header, before_function *before)
{
    for (uint32_t i = header->count / 2; i > 0; i--)
        sink(header->tensors, i - 1, header->count, before);
    for (uint32_t left = header->count; left > 1; left--) {
        struct safetensors_tensor last = header->tensors[left - 1];
        header->tensors[left - 1] = header->tensors[0];
        header->tensors[0] = last;
        sink(header->tensors, 0, left - 1, before);
    }
}

static int check_names(const struct reader *reader, struct safetensors_header *header)
{
    sort(header, name_before);
    for (uint32_t i = 1; i < header->count; i++)
        if (strcmp(header->tensors[i - 1].name, header->tensors[i].name) == 0)
            return refuse(reader, "tensor %s is there twice", header->tensors[i].name);
    return 0;
}

/* Tensors fill the data from the first byte to the last. */
static int check_places(const struct reader *reader, struct safetensors_header *header,
                        uint64_t data_bytes)
{
    uint64_t end = 0;
    sort(header, data_before);
    for (uint32_t i = 0; i < header->count; i++) {
        if (header->tensors[i].begin != end)
            return refuse(reader, "tensor %s does not start where the one before it ends",
                          header->tensors[i].name);
        end = header->tensors[i].end;
    }
    if (end != data_bytes)
        return refuse(reader, "the tensors have %llu bytes, the file has %llu for them",
                      (unsigned long long)end, (unsigned long long)data_bytes);
    return 0;
}

int safetensors_read(const uint8_t *bytes, size_t size, uint64_t file_bytes,
                     struct safetensors_header *header, uint32_t capacity, struct error *error)
{
    uint64_t length = 0;
    header->count = 0;
    if (size < 8)
        return error_set(error, -1, "safetensors header: the file is too short to have one");
    for (uint32_t i = 8; i > 0; i--)
        length = length << 8 | bytes[i - 1];
    if (length > SAFETENSORS_HEADER_BYTES_MAX - 8)
        return error_set(error, -1, "safetensors header: more than %d bytes",
                         SAFETENSORS_HEADER_BYTES_MAX);
    if (length + 8 > size || length + 8 > file_bytes)
        return error_set(error, -1, "safetensors header: it is longer than the file");
    header->bytes = length + 8;
    struct reader reader = {
        .start = bytes, .at = bytes + 8, .end = bytes + 8 + length, .error = error};
    if (read_members(&reader, header, capacity) != 0)
        return -1;
    if (check_names(&reader, header) != 0)
        return -1;
    return check_places(&reader, header, file_bytes - header->bytes);
}
