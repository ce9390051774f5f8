/* os_key_sodium.c: see os_key.h. The only file that includes libsodium's key functions. */
#include "common/os_key.h"

#include "common/os_file.h"

#include <errno.h>
#include <sodium/core.h>
#include <sodium/crypto_box.h>
#include <sodium/crypto_scalarmult.h>
#include <sodium/utils.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(KEY_BYTES == crypto_box_PUBLICKEYBYTES && KEY_BYTES == crypto_box_SECRETKEYBYTES,
               "keys are those of crypto_box");

void key_make(struct key_file *key)
{
    *key = (struct key_file){.has_secret = true};
    if (sodium_init() < 0)
        abort(); /* no random numbers are to be had: there is nothing to go on with */
    crypto_box_keypair(key->own.bytes, key->secret.bytes);
}

void secret_wipe(void *bytes, size_t count)
{
    sodium_memzero(bytes, count);
}

static bool belongs_together(const struct key_file *key)
{
    uint8_t own[KEY_BYTES];
    return crypto_scalarmult_base(own, key->secret.bytes) == 0 &&
           sodium_memcmp(own, key->own.bytes, sizeof own) == 0;
}

static int check_access(const char *path, struct error *error)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return error_set(error, -1, "cannot read %.300s: %s", path, strerror(errno));
    if (status.st_uid != geteuid())
        return error_set(error, -1,
                         "%.300s holds a secret key and belongs to another user: chown it to the "
                         "one who uses it",
                         path);
    if ((status.st_mode & 077) != 0)
        return error_set(error, -1,
                         "%.300s holds a secret key and is not its owner's alone: chmod 600", path);
    return 0;
}

int key_file_read(const char *path, struct key_file *key, struct error *error)
{
    struct error reason;
    char *text;
    size_t bytes;
    if (os_read_file(path, KEY_TEXT_BYTES_MAX, &text, &bytes, error) != 0)
        return -1;
    int rc = key_text_parse(text, bytes, key, &reason);
    if (rc != 0)
        error_set(error, -1, "%.300s: %.150s", path, reason.text);
    else if (key->has_secret && (rc = check_access(path, error)) == 0 && !belongs_together(key))
        rc = error_set(error, -1, "%.300s: secret and public key do not belong together", path);
    secret_wipe(text, bytes);
    free(text);
    if (rc != 0)
        secret_wipe(key, sizeof *key);
    return rc;
}

int key_file_write(const char *path, const struct key_file *key, struct error *error)
{
    char text[KEY_TEXT_BYTES_MAX];
    size_t bytes = key_text_print(key, text);
    int rc = os_write_atomic(path, text, bytes, key->has_secret ? 0600 : 0644, error);
    secret_wipe(text, sizeof text);
    return rc;
}

/* Writes a file of another name and lets `path` name it, too, unless somebody was faster. */
static int make_file(const char *path, struct error *error)
{
    char temporary[OS_PATH_BYTES_MAX];
    struct key_file made;
    uint8_t random[8];
    int rc = -1;
    if (os_random_bytes(random, sizeof random, error) != 0)
        return -1;
    unsigned long long number;
    memcpy(&number, random, sizeof number);
    if (snprintf(temporary, sizeof temporary, "%s.%016llx", path, number) >= (int)sizeof temporary)
        return error_set(error, -1, "%.300s: the path is too long", path);
    key_make(&made);
    if (key_file_write(temporary, &made, error) == 0) {
        rc = link(temporary, path) == 0 || errno == EEXIST ? 0 : -1;
        if (rc != 0)
            error_set(error, -1, "cannot make %.300s: %s", path, strerror(errno));
        unlink(temporary);
    }
    secret_wipe(&made, sizeof made);
    return rc;
}

static int make_folder_above(const char *path, struct error *error)
{
    char folder[OS_PATH_BYTES_MAX];
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return 0;
    if ((size_t)(slash - path) >= sizeof folder)
        return error_set(error, -1, "%.300s: the path is too long", path);
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    return os_make_directories(folder, 0700, error);
}

int key_file_own(const char *path, struct key_file *key, struct error *error)
{
    if (access(path, F_OK) != 0 &&
        (make_folder_above(path, error) != 0 || make_file(path, error) != 0))
        return -1;
    if (key_file_read(path, key, error) != 0)
        return -1;
    return key->has_secret ? 0 : error_set(error, -1, "%.300s holds no secret key", path);
}

int key_default_path(char *path, size_t size, const char *name, struct error *error)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    int written;
    if (config != NULL && config[0] == '/')
        written = snprintf(path, size, "%s/ratchet/%s", config, name);
    else if (home != NULL && home[0] == '/')
        written = snprintf(path, size, "%s/.config/ratchet/%s", home, name);
    else
        return error_set(error, -1, "neither XDG_CONFIG_HOME nor HOME says where keys are kept");
    if (written < 0 || (size_t)written >= size)
        return error_set(error, -1, "the path of %.200s is too long", name);
    return 0;
}
