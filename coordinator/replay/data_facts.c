/* data_facts.c: see data_facts.h. */
#include "coordinator/replay/data_facts.h"

#include "common/safetensors.h"

#include <string.h>

enum { TENSORS_MAX = 16 };

struct blob {
    const uint8_t *data; /* behind the header */
    struct safetensors_header header;
    struct safetensors_tensor tensors[TENSORS_MAX];
    struct error *error;
};

/* NULL, with a sentence, when there is none of that name. */
static const struct safetensors_tensor *find(struct blob *blob, const char *name)
{
    for (uint32_t i = 0; i < blob->header.count; i++) {
        if (strcmp(blob->tensors[i].name, name) == 0)
            return &blob->tensors[i];
    }
    error_set(blob->error, -1, "the data set's blob has no tensor %s", name);
    return NULL;
}

static int copy_text(struct blob *blob, const char *name, char *text, size_t size)
{
    const struct safetensors_tensor *tensor = find(blob, name);
    if (tensor == NULL)
        return -1;
    uint64_t bytes = tensor->end - tensor->begin;
    if (tensor->type != SAFETENSORS_U8 || bytes >= size)
        return error_set(blob->error, -1, "the data set's blob: tensor %s is no text", name);
    memcpy(text, blob->data + tensor->begin, (size_t)bytes);
    text[bytes] = '\0';
    return 0;
}

static int copy_statistics(struct blob *blob, struct data_facts *facts)
{
    const struct safetensors_tensor *tensor = find(blob, "statistics");
    double numbers[2];
    if (tensor == NULL)
        return -1;
    if (tensor->type != SAFETENSORS_F64 || tensor->end - tensor->begin != sizeof numbers)
        return error_set(blob->error, -1,
                         "the data set's blob: tensor statistics is not two numbers");
    memcpy(numbers, blob->data + tensor->begin, sizeof numbers);
    facts->mean = numbers[0];
    facts->deviation = numbers[1];
    return 0;
}

int data_facts_read(const uint8_t *bytes, size_t count, struct data_facts *facts,
                    struct error *error)
{
    struct blob blob = {.error = error};
    blob.header.tensors = blob.tensors;
    if (safetensors_read(bytes, count, count, &blob.header, TENSORS_MAX, error) != 0)
        return -1;
    blob.data = bytes + blob.header.bytes;
    const struct safetensors_tensor *inputs = find(&blob, "inputs");
    if (inputs == NULL || copy_statistics(&blob, facts) != 0 ||
        copy_text(&blob, "source", facts->source, sizeof facts->source) != 0 ||
        copy_text(&blob, "classes", facts->classes, sizeof facts->classes) != 0)
        return -1;
    facts->type = safetensors_type_name(inputs->type);
    return 0;
}
