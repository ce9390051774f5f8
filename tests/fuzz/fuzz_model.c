/*
 * fuzz_model.c: any text as a model, on a data set whose size stands in the first two bytes.
 *
 * A refusal must come with a sentence that a terminal can bear. What is taken has one way to be
 * written, and makes a plan in which every number that a unit owns is a parameter of the tensor
 * that it names.
 */
#include "common/plan.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_sentence(const struct error *error)
{
    assert(error->text[0] != '\0');
    for (const char *c = error->text; *c != '\0'; c++)
        assert(*c >= ' ' && *c <= '~');
}

static void check_slice(const struct plan *plan, const struct unit_slice *slice, uint32_t units)
{
    assert(slice->tensor < plan->tensor_count && slice->count > 0 && slice->block > 0 && units > 0);
    const struct tensor *tensor = &plan->tensors[slice->tensor];
    uint64_t last = slice->first + (units - 1) * slice->unit_stride +
                    (slice->count - 1) * slice->stride + slice->block - 1;
    assert(slice->first >= tensor->offset && last < tensor->offset + tensor->count);
}

static void check_plan(const struct plan *plan)
{
    uint64_t offset = 0, unit = 0;
    for (uint32_t i = 0; i < plan->tensor_count; i++) {
        assert(plan->tensors[i].offset == offset);
        offset += plan->tensors[i].count;
    }
    assert(offset == plan->parameter_count);
    for (uint32_t i = 0; i < plan->op_count; i++) {
        assert(plan->ops[i].input <= i && plan->ops[i].output == i + 1);
        assert(plan->ops[i].other == PLAN_NONE || plan->ops[i].other < plan->ops[i].input);
    }
    for (uint32_t l = 0; l < plan->layer_count; l++) {
        const struct unit_layer *layer = &plan->layers[l];
        assert(layer->first_unit == unit);
        unit += layer->out;
        for (uint32_t i = 0; i < layer->incoming_count; i++)
            check_slice(plan, &layer->incoming[i], layer->out);
        for (uint32_t i = 0; i < layer->outgoing_count; i++)
            check_slice(plan, &layer->outgoing[i], layer->out);
    }
    assert(unit == plan->unit_count);
    assert(plan->layers[plan->layer_count - 1].out == plan->classes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct model_text model, again;
    char text[2 * MODEL_TEXT_BYTES_MAX] = "";
    struct error error = {""};
    if (size < 2 || size - 2 >= sizeof text)
        return 0;
    memcpy(text, data + 2, size - 2);
    if (model_text_parse(text, &model, &error) != 0) {
        check_sentence(&error);
        return 0;
    }
    assert(model_text_parse(model.text, &again, &error) == 0);
    assert(strcmp(model.text, again.text) == 0 && model.count == again.count);
    struct plan *plan = plan_create(&model, (uint32_t)data[0] << 8 | data[1], 10, &error);
    if (plan == NULL)
        check_sentence(&error);
    else
        check_plan(plan);
    plan_destroy(&plan);
    return 0;
}
