/*
 * topology.c: see topology.h.
 *
 * The text is read from left to right, once. Groups of one width that touch are merged while
 * reading, so equal networks have equal structs, whatever way they were written.
 */
#include "common/topology.h"

#include "common/param.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct reader {
    const char *text, *at;
    struct error *error;
};

__attribute__((format(printf, 2, 3))) static int refuse(const struct reader *reader,
                                                        const char *format, ...)
{
    char reason[128], quoted[64];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    param_quote(reader->text, quoted, sizeof quoted);
    return error_set(reader->error, -1,
                     "topology \"%s\": %s; write mlp:DxW or mlp:[DxW, DxW, ...] with D layers of "
                     "W units each",
                     quoted, reason);
}

static int expect(struct reader *reader, char expected, const char *where)
{
    if (*reader->at != expected)
        return refuse(reader, "'%c' is missing %s", expected, where);
    reader->at++;
    return 0;
}

static void skip_blanks(struct reader *reader)
{
    while (*reader->at == ' ')
        reader->at++;
}

/* A whole number from 1 to `most`, without leading zeros. */
static int read_number(struct reader *reader, const char *what, uint32_t most, uint32_t *number)
{
    const char *first = reader->at;
    uint64_t value = 0;
    for (; *reader->at >= '0' && *reader->at <= '9'; reader->at++)
        if (value <= most)
            value = value * 10 + (uint64_t)(*reader->at - '0');
    if (reader->at == first || *first == '0' || value > most)
        return refuse(reader, "%s is a whole number from 1 to %u", what, most);
    *number = (uint32_t)value;
    return 0;
}

/* DxW, appended to the groups. */
static int read_group(struct reader *reader, struct topology *topology)
{
    uint32_t depth, width;
    if (read_number(reader, "the number of layers", TOPOLOGY_DEPTH_MAX, &depth) != 0 ||
        expect(reader, 'x', "between layers and units") != 0 ||
        read_number(reader, "the number of units", TOPOLOGY_WIDTH_MAX, &width) != 0)
        return -1;
    topology->depth += depth;
    if (topology->depth > TOPOLOGY_DEPTH_MAX)
        return refuse(reader, "at most %d layers in all", TOPOLOGY_DEPTH_MAX);
    uint32_t last = topology->group_count;
    if (last > 0 && topology->groups[last - 1].width == width) {
        topology->groups[last - 1].depth += depth;
        return 0;
    }
    if (last == TOPOLOGY_GROUPS_MAX)
        return refuse(reader, "at most %d groups", TOPOLOGY_GROUPS_MAX);
    topology->groups[last].depth = depth;
    topology->groups[last].width = width;
    topology->group_count++;
    return 0;
}

static bool take_comma(struct reader *reader)
{
    const char *before = reader->at;
    skip_blanks(reader);
    if (*reader->at != ',') {
        reader->at = before;
        return false;
    }
    reader->at++;
    skip_blanks(reader);
    return true;
}

static int read_groups(struct reader *reader, struct topology *topology)
{
    if (*reader->at != '[')
        return read_group(reader, topology);
    reader->at++;
    do {
        if (read_group(reader, topology) != 0)
            return -1;
    } while (take_comma(reader));
    return expect(reader, ']', "at the end of the groups");
}

int topology_parse(const char *text, struct topology *topology, struct error *error)
{
    static const char prefix[] = "mlp:";
    struct reader reader = {.text = text, .at = text, .error = error};
    *topology = (struct topology){.group_count = 0};
    if (strnlen(text, TOPOLOGY_TEXT_BYTES_MAX) == TOPOLOGY_TEXT_BYTES_MAX)
        return refuse(&reader, "at most %d characters", TOPOLOGY_TEXT_BYTES_MAX - 1);
    if (strncmp(text, prefix, strlen(prefix)) != 0)
        return refuse(&reader, "it does not start with %s", prefix);
    reader.at += strlen(prefix);
    if (read_groups(&reader, topology) != 0)
        return -1;
    return *reader.at == '\0' ? 0 : refuse(&reader, "something follows its end");
}

/* What fits is counted on the way: the canonical text is never longer than the one parsed. */
static void append(char text[TOPOLOGY_TEXT_BYTES_MAX], size_t *used, const char *piece)
{
    size_t length = strlen(piece);
    assert(*used + length < TOPOLOGY_TEXT_BYTES_MAX);
    memcpy(text + *used, piece, length + 1);
    *used += length;
}

void topology_format(const struct topology *topology, char text[TOPOLOGY_TEXT_BYTES_MAX])
{
    size_t used = 0, groups = 0;
    char body[TOPOLOGY_TEXT_BYTES_MAX] = "";
    assert(topology->group_count > 0 && topology->group_count <= TOPOLOGY_GROUPS_MAX);
    for (uint32_t i = 0, next; i < topology->group_count; i = next) {
        uint32_t depth = 0, width = topology->groups[i].width;
        for (next = i; next < topology->group_count && topology->groups[next].width == width;)
            depth += topology->groups[next++].depth;
        char group[32];
        snprintf(group, sizeof group, "%s%ux%u", groups++ > 0 ? "," : "", depth, width);
        append(body, &used, group);
    }
    used = 0;
    append(text, &used, groups > 1 ? "mlp:[" : "mlp:");
    append(text, &used, body);
    append(text, &used, groups > 1 ? "]" : "");
}
