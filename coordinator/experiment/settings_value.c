/* settings_value.c: reads, writes and describes the value of a row; see settings.h. */
#include "coordinator/experiment/settings.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { QUOTE_BYTES_MAX = 48 };

static const char name_letters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

static const struct {
    const char *name;
    uint64_t bytes;
} units[] = {
    {"", 1},
    {"B", 1},
    {"kB", UINT64_C(1000)},
    {"KB", UINT64_C(1000)},
    {"MB", UINT64_C(1000000)},
    {"GB", UINT64_C(1000000000)},
    {"TB", UINT64_C(1000000000000)},
    {"KiB", UINT64_C(1) << 10},
    {"MiB", UINT64_C(1) << 20},
    {"GiB", UINT64_C(1) << 30},
    {"TiB", UINT64_C(1) << 40},
};

static char *field_of(const struct setting *setting, struct settings *settings)
{
    return (char *)settings + setting->offset;
}

static const char *value_of(const struct setting *setting, const struct settings *settings)
{
    return (const char *)settings + setting->offset;
}

static int refuse(const struct setting *setting, const char *text, struct error *error)
{
    char range[SETTING_RANGE_BYTES_MAX], quoted[QUOTE_BYTES_MAX];
    setting_range(setting, range);
    param_quote(text, quoted, sizeof quoted);
    return error_set(error, -1, "expected %s, got '%s'", range, quoted);
}

/* The decimal digits at the start of `text`; NULL when there are none or they do not fit 64 bits.
 */
static const char *parse_digits(const char *text, uint64_t *value)
{
    *value = 0;
    const char *end = text;
    for (; *end >= '0' && *end <= '9'; end++) {
        uint64_t digit = (uint64_t)(*end - '0');
        if (*value > (UINT64_MAX - digit) / 10)
            return NULL;
        *value = *value * 10 + digit;
    }
    return end > text ? end : NULL;
}

static int parse_count64(const struct setting *setting, const char *text, char *field,
                         struct error *error)
{
    uint64_t value;
    const char *end = parse_digits(text, &value);
    if (end == NULL || *end != '\0')
        return refuse(setting, text, error);
    memcpy(field, &value, sizeof value);
    return 0;
}

/* Digits, perhaps a blank, perhaps a unit. */
static int parse_bytes(const struct setting *setting, const char *text, char *field,
                       struct error *error)
{
    uint64_t value;
    const char *end = parse_digits(text, &value);
    if (end == NULL)
        return refuse(setting, text, error);
    end += *end == ' ' && end[1] != '\0';
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(units[i].name, end) == 0 && value <= UINT64_MAX / units[i].bytes) {
            value = value == 0 ? UINT64_MAX : value * units[i].bytes;
            memcpy(field, &value, sizeof value);
            return 0;
        }
    }
    return refuse(setting, text, error);
}

static int parse_name(const struct setting *setting, const char *text, char *field,
                      struct error *error)
{
    size_t length = strspn(text, name_letters);
    if (length == 0 || length >= NAME_BYTES_MAX || text[length] != '\0')
        return refuse(setting, text, error);
    memcpy(field, text, length + 1);
    return 0;
}

/* Stored as model_text_parse writes it, so that one model has one text. */
static int parse_model(const char *text, char *field, struct error *error)
{
    struct model_text model;
    if (model_text_parse(text, &model, error) != 0)
        return -1;
    memcpy(field, model.text, strlen(model.text) + 1);
    return 0;
}

/* Any path; what a terminal would act upon is no part of one. */
static int parse_folder(const struct setting *setting, const char *text, char *field,
                        struct error *error)
{
    size_t length = strlen(text);
    bool fine = length < SETTING_FOLDER_BYTES_MAX;
    for (size_t i = 0; fine && i < length; i++)
        fine = (unsigned char)text[i] >= ' ' && text[i] != 127;
    if (!fine)
        return refuse(setting, text, error);
    memcpy(field, text, length + 1);
    return 0;
}

int setting_parse(const struct setting *setting, const char *text, struct settings *settings,
                  struct error *error)
{
    assert(setting->form != SETTING_CATALOGUE);
    char *field = field_of(setting, settings);
    switch (setting->form) {
    case SETTING_PARAM: {
        double value;
        if (param_parse(&setting->param, text, &value, error) != 0)
            return -1;
        memcpy(field, &value, sizeof value);
        return 0;
    }
    case SETTING_COUNT64:
        return parse_count64(setting, text, field, error);
    case SETTING_BYTES:
        return parse_bytes(setting, text, field, error);
    case SETTING_NAME:
        return parse_name(setting, text, field, error);
    case SETTING_MODEL:
        return parse_model(text, field, error);
    case SETTING_FOLDER:
        return parse_folder(setting, text, field, error);
    case SETTING_CATALOGUE:
        break;
    }
    return -1;
}

/* The default of a row; a text's is empty, and a catalogue's row has no field. */
static void set_default(const struct setting *setting, char *field)
{
    uint64_t count = UINT64_MAX;
    if (setting->form == SETTING_PARAM) {
        memcpy(field, &setting->param.fallback, sizeof setting->param.fallback);
    } else if (setting->form == SETTING_COUNT64) {
        count = (uint64_t)setting->param.fallback;
        memcpy(field, &count, sizeof count);
    } else if (setting->form == SETTING_BYTES) {
        memcpy(field, &count, sizeof count);
    }
}

void settings_set_defaults(struct settings *settings)
{
    memset(settings, 0, sizeof *settings);
    const struct setting *setting;
    for (uint32_t i = 0; (setting = setting_at(i)) != NULL; i++)
        set_default(setting, field_of(setting, settings));
}

void setting_format(const struct setting *setting, const struct settings *settings,
                    char text[SETTING_TEXT_BYTES_MAX])
{
    const char *field = value_of(setting, settings);
    uint64_t count = 0;
    double value = 0;
    switch (setting->form) {
    case SETTING_PARAM:
        memcpy(&value, field, sizeof value);
        if (isnan(value))
            snprintf(text, SETTING_TEXT_BYTES_MAX, "never");
        else
            param_format(&setting->param, value, text, SETTING_TEXT_BYTES_MAX);
        return;
    case SETTING_COUNT64:
    case SETTING_BYTES:
        memcpy(&count, field, sizeof count);
        if (setting->form == SETTING_BYTES && count == UINT64_MAX)
            count = 0;
        snprintf(text, SETTING_TEXT_BYTES_MAX, "%" PRIu64, count);
        return;
    case SETTING_NAME:
    case SETTING_MODEL:
    case SETTING_FOLDER:
        snprintf(text, SETTING_TEXT_BYTES_MAX, "%s", field);
        return;
    case SETTING_CATALOGUE:
        break;
    }
    text[0] = '\0';
}

void setting_range(const struct setting *setting, char text[SETTING_RANGE_BYTES_MAX])
{
    switch (setting->form) {
    case SETTING_PARAM:
        param_range(&setting->param, text, SETTING_RANGE_BYTES_MAX);
        return;
    case SETTING_COUNT64:
        snprintf(text, SETTING_RANGE_BYTES_MAX, "0 .. %" PRIu64 " (whole)", UINT64_MAX);
        return;
    case SETTING_BYTES:
        snprintf(text, SETTING_RANGE_BYTES_MAX, "a size such as 500MB or 10GiB");
        return;
    case SETTING_NAME:
        snprintf(text, SETTING_RANGE_BYTES_MAX, "1 .. %d letters, digits, - and _",
                 NAME_BYTES_MAX - 1);
        return;
    case SETTING_MODEL:
        snprintf(text, SETTING_RANGE_BYTES_MAX,
                 "mlp:DxW, mlp:[DxW, ...], resmlp:, cnn:, gru:, bigru:, "
                 "transformer:, layers:[...] or linear");
        return;
    case SETTING_FOLDER:
        snprintf(text, SETTING_RANGE_BYTES_MAX, "the path of a folder, at most %d bytes",
                 SETTING_FOLDER_BYTES_MAX - 1);
        return;
    case SETTING_CATALOGUE:
        break;
    }
    text[0] = '\0';
}
