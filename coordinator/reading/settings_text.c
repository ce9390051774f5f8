/* settings_text.c: see settings_text.h. */
#include "coordinator/reading/settings_text.h"

#include <stdio.h>
#include <string.h>

bool settings_next(const char **text, struct setting *setting)
{
    static const char separator[] = " = ";
    while (**text != '\0') {
        const char *line = *text, *end = strchr(line, '\n');
        size_t length = end == NULL ? strlen(line) : (size_t)(end - line);
        *text = line + length + (end != NULL);
        const char *found = memmem(line, length, separator, strlen(separator));
        if (found == NULL)
            continue;
        setting->key = line;
        setting->key_bytes = (size_t)(found - line);
        setting->value = found + strlen(separator);
        setting->value_bytes = length - setting->key_bytes - strlen(separator);
        return true;
    }
    return false;
}

bool settings_find(const char *canonical, const char *key, char *value, size_t size)
{
    struct setting setting;
    value[0] = '\0';
    while (settings_next(&canonical, &setting)) {
        if (setting.key_bytes != strlen(key) || memcmp(setting.key, key, setting.key_bytes) != 0)
            continue;
        snprintf(value, size, "%.*s",
                 (int)(setting.value_bytes < size ? setting.value_bytes : size), setting.value);
        return true;
    }
    return false;
}
