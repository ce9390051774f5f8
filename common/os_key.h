/*
 * os_key.h: making keys, and keeping them in files that nobody else can read.
 *
 * The keys are those of CURVE (Curve25519), made by libsodium; what stands in a file is
 * key_text.h's business. A file with a secret has mode 0600, and one that others may read is
 * refused. Functions return 0, or -1 with a sentence naming the path.
 */
#ifndef RATCHET_COMMON_OS_KEY_H
#define RATCHET_COMMON_OS_KEY_H

#include "common/key_text.h"

/* A fresh pair; no `server`. */
void key_make(struct key_file *key);
/* Overwrites a secret that is no longer needed. */
void secret_wipe(void *bytes, size_t count);

/*
 * Reads a key file. With a secret in it: it must belong to the public part, and nobody but the
 * owner may have access to the file.
 */
int key_file_read(const char *path, struct key_file *key, struct error *error)
    __attribute__((warn_unused_result));
/* Writes it, or replaces it, whole: mode 0600 when there is a secret in it, else 0644. */
int key_file_write(const char *path, const struct key_file *key, struct error *error)
    __attribute__((warn_unused_result));
/*
 * Reads the pair at `path`; when there is none, makes one, and the folder above. Of several
 * processes that do so at once one makes it and all get it.
 */
int key_file_own(const char *path, struct key_file *key, struct error *error)
    __attribute__((warn_unused_result));

/*
 * "$XDG_CONFIG_HOME/ratchet/NAME", or "~/.config/ratchet/NAME". -1 when neither is known.
 */
int key_default_path(char *path, size_t size, const char *name, struct error *error)
    __attribute__((warn_unused_result));

#endif
