/*
 * fuzz_checkpoint.c: any bytes as a checkpoint of a small model.
 *
 * What is taken can be written again and then reads back to the same numbers, bit for bit; a
 * refusal must come with a sentence.
 */
#include "worker/engine/network.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct model *model;
static struct network *networks[2];

static void require(int holds)
{
    if (!holds)
        abort();
}

static void prepare(void)
{
    struct model_options options = {
        .activation = ACTIVATION_RELU,
        .initialisation = INITIALISATION_PYTORCH,
        .inputs = 3,
        .classes = 2,
    };
    struct error error;
    require(model_text_parse("mlp:1x2", &options.text, &error) == 0);
    model = model_create(&options, &error);
    require(model != NULL);
    for (int i = 0; i < 2; i++) {
        networks[i] = network_create(model, OPTIMIZER_STATE_MOMENTS);
        require(networks[i] != NULL);
    }
}

static int equal(const float *a, const float *b)
{
    return memcmp(a, b, model->parameter_count * sizeof *a) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {.text = ""};
    if (model == NULL)
        prepare();
    if (network_checkpoint_read(networks[0], data, size, &error) != 0) {
        require(error.text[0] != '\0');
        return 0;
    }
    uint8_t bytes[4096];
    size_t count = network_checkpoint_bytes(networks[0]);
    require(count <= sizeof bytes);
    network_checkpoint_write(networks[0], bytes);
    require(network_checkpoint_read(networks[1], bytes, count, &error) == 0);
    require(equal(networks[0]->parameters, networks[1]->parameters));
    require(equal(networks[0]->m, networks[1]->m) && equal(networks[0]->v, networks[1]->v));
    require(networks[0]->optimizer_step == networks[1]->optimizer_step);
    require(memcmp(networks[0]->damage, networks[1]->damage, model->unit_count) == 0);
    return 0;
}
