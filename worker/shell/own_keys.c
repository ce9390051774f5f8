/* own_keys.c: see own_keys.h. */
#include "worker/shell/own_keys.h"

#include "common/os_file.h"
#include "common/os_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int take_token(const char *text, char token[TOKEN_BYTES_MAX], struct error *error)
{
    size_t length = strlen(text);
    bool fine = length > 0 && length < TOKEN_BYTES_MAX;
    for (size_t i = 0; fine && i < length; i++)
        fine = text[i] > ' ' && text[i] <= '~';
    if (!fine)
        return error_set(error, -1, "--token: that is no token; `ratchet keys token` makes them");
    memcpy(token, text, length + 1);
    return 0;
}

/* The first line of a file. */
static int read_token(const char *path, char token[TOKEN_BYTES_MAX], struct error *error)
{
    char *text;
    if (os_read_file(path, 4096, &text, NULL, error) != 0)
        return -1;
    text[strcspn(text, "\r\n")] = '\0';
    int rc = take_token(text, token, error);
    secret_wipe(text, strlen(text));
    free(text);
    return rc;
}

/* An argument shows in the list of processes; a file and the environment do not. */
static int find_token(const char *given, char token[TOKEN_BYTES_MAX], struct error *error)
{
    if (given == NULL)
        given = getenv("RATCHET_TOKEN");
    if (given == NULL || given[0] == '\0')
        return 0;
    return given[0] == '@' ? read_token(given + 1, token, error) : take_token(given, token, error);
}

int own_keys_load(const struct own_keys_options *options, struct own_keys *keys,
                  struct error *error)
{
    struct key_file server;
    char name[NAME_BYTES_MAX + 16], path[OS_PATH_BYTES_MAX];
    *keys = (struct own_keys){.encrypted = options->server_key != NULL};
    if (!keys->encrypted)
        return 0;
    if (key_file_read(options->server_key, &server, error) != 0)
        return -1;
    const char *file = options->key;
    if (file == NULL) {
        snprintf(name, sizeof name, "worker-%s.key", options->host);
        if (key_default_path(path, sizeof path, name, error) != 0)
            return -1;
        file = path;
    }
    if (key_file_own(file, &keys->key, error) != 0)
        return -1;
    keys->key.server = server.own;
    keys->key.has_server = true;
    return find_token(options->token, keys->token, error);
}

void own_keys_wipe(struct own_keys *keys)
{
    secret_wipe(keys, sizeof *keys);
}
