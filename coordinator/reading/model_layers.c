/* model_layers.c: see model_layers.h. */
#include "coordinator/reading/model_layers.h"

#include "coordinator/reading/settings_text.h"

#include <string.h>

/* Numbers of a sample where the experiment does not say it: of a data set by its name, else what
 * most sets of images have. Which units there are does not depend on it. */
static uint32_t features_of(const char *canonical, const struct model_text *text)
{
    enum { PIXELS = 28 * 28, POSITIONS = 40, SET_BYTES = 32 };
    char set[SET_BYTES];
    if (text->input.channels != 0) {
        uint64_t features = (uint64_t)text->input.channels * text->input.height;
        features = features <= PLAN_INPUTS_MAX ? features * text->input.width : features;
        return features <= PLAN_INPUTS_MAX ? (uint32_t)features : 0;
    }
    settings_find(canonical, "data.set", set, sizeof set);
    return strcmp(set, "mnist1d") == 0 ? POSITIONS : PIXELS;
}

struct plan *model_layers_plan(const char *canonical, uint32_t classes)
{
    char spec[MODEL_TEXT_BYTES_MAX];
    struct model_text text;
    enum { CLASSES_USUAL = 10 };
    if (canonical == NULL || !settings_find(canonical, "model.spec", spec, sizeof spec) ||
        model_text_parse(spec, &text, NULL) != 0)
        return NULL;
    return plan_create(&text, features_of(canonical, &text), classes > 0 ? classes : CLASSES_USUAL,
                       NULL);
}

const char *model_layer_kind(const struct plan *plan, uint32_t layer)
{
    if (plan == NULL || layer >= plan->layer_count)
        return "";
    if (layer + 1 == plan->layer_count)
        return "output";
    const struct unit_layer *units = &plan->layers[layer];
    if (units->kind == UNIT_CHANNEL)
        return "channels";
    if (units->kind == UNIT_HEAD)
        return "heads";
    if (plan->ops[units->op].kind == OP_GRU)
        return layer > 0 && units[-1].op == units->op ? "recurrent, backwards" : "recurrent";
    return units->is_stem ? "projection" : "hidden";
}

const char *model_layer_units(const struct plan *plan, uint32_t layer, uint64_t count)
{
    enum unit_kind kind =
        plan != NULL && layer < plan->layer_count ? plan->layers[layer].kind : UNIT_NEURON;
    switch (kind) {
    case UNIT_CHANNEL:
        return count == 1 ? "channel" : "channels";
    case UNIT_HEAD:
        return count == 1 ? "head" : "heads";
    case UNIT_NEURON:
        break;
    }
    return count == 1 ? "unit" : "units";
}
