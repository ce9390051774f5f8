/* network_file.c: see network_file.h. */
#include "coordinator/replay/network_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void keep_wanted(struct network_file *file, const char *prefix)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < file->count; i++) {
        if (strncmp(file->tensors[i].name, prefix, strlen(prefix)) == 0)
            file->tensors[kept++] = file->tensors[i];
    }
    file->count = kept;
}

int network_file_open(struct network_file *file, const struct network_source *source,
                      struct error *error)
{
    struct safetensors_header header = {
        .tensors = calloc(SAFETENSORS_TENSORS_MAX, sizeof *header.tensors)};
    *file = (struct network_file){.tensors = header.tensors};
    if (header.tensors == NULL)
        return error_set(error, -1, "no memory for the checkpoint's tensors");
    int rc = safetensors_read(source->bytes, source->count, source->count, &header,
                              SAFETENSORS_TENSORS_MAX, error);
    if (rc == 0) {
        file->data = source->bytes + header.bytes;
        file->count = header.count;
        keep_wanted(file, source->prefix);
        if (file->count == 0)
            rc = error_set(error, -1, "the checkpoint has no tensor called %s...", source->prefix);
    }
    if (rc != 0)
        network_file_close(file);
    return rc;
}

void network_file_close(struct network_file *file)
{
    free(file->tensors);
    *file = (struct network_file){0};
}

char *network_file_layers(const struct network_file *file)
{
    size_t size = 24 * ((size_t)file->count + 2), used = 0;
    char *text = malloc(size);
    uint64_t width = 0;
    for (uint32_t i = 0; i < file->count && text != NULL; i++) {
        const struct safetensors_tensor *tensor = &file->tensors[i];
        if (tensor->rank != 2)
            continue;
        if (used == 0) {
            used = (size_t)snprintf(text, size, "[%llu", (unsigned long long)tensor->shape[1]);
        } else if (tensor->shape[1] != width) {
            free(text);
            return NULL;
        }
        width = tensor->shape[0];
        used += (size_t)snprintf(text + used, size - used, ",%llu", (unsigned long long)width);
    }
    if (text != NULL)
        snprintf(text + used, size - used, "%s", used == 0 ? "[]" : "]");
    return text;
}

/* Writes the header, and the tensors behind it as their places there say. */
static int fill(const struct network_file *file, const struct network_texts *texts,
                struct safetensors_tensor *placed, uint8_t **bytes, size_t *count,
                struct error *error)
{
    uint8_t *header = malloc(SAFETENSORS_HEADER_BYTES_MAX);
    size_t header_bytes = 0;
    if (header != NULL)
        header_bytes = safetensors_write_texts(texts->items, texts->count, placed, file->count,
                                               header, SAFETENSORS_HEADER_BYTES_MAX);
    if (header_bytes == 0) {
        free(header);
        return error_set(error, -1, "the network's header does not fit into %d bytes",
                         SAFETENSORS_HEADER_BYTES_MAX);
    }
    *count = header_bytes + (size_t)placed[file->count - 1].end;
    *bytes = malloc(*count);
    if (*bytes != NULL) {
        memcpy(*bytes, header, header_bytes);
        for (uint32_t i = 0; i < file->count; i++)
            memcpy(*bytes + header_bytes + placed[i].begin, file->data + file->tensors[i].begin,
                   (size_t)(placed[i].end - placed[i].begin));
    }
    free(header);
    return *bytes != NULL ? 0 : error_set(error, -1, "no memory for a file of %zu bytes", *count);
}

int network_file_write(const struct network_file *file, const struct network_texts *texts,
                       uint8_t **bytes, size_t *count, struct error *error)
{
    struct safetensors_tensor *placed = calloc(file->count, sizeof *placed);
    if (placed == NULL)
        return error_set(error, -1, "no memory for the network's header");
    memcpy(placed, file->tensors, file->count * sizeof *placed);
    int rc = fill(file, texts, placed, bytes, count, error);
    free(placed);
    return rc;
}
