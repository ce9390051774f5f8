/*
 * model_layers.h: the layers of units that a ledger's experiment has, and what they are called.
 *
 * Layers and units of damage are those of common/plan.h. What they are follows from the model's
 * text; the data set's sizes only have to let it be compiled.
 */
#ifndef RATCHET_COORDINATOR_READING_MODEL_LAYERS_H
#define RATCHET_COORDINATOR_READING_MODEL_LAYERS_H

#include "common/plan.h"

/*
 * The plan of the model that a canonical text names, with so many classes (0: not known, some
 * number). NULL: the text names none, it is none of ours, or the model does not fit what is known
 * of the data set. The caller destroys it.
 */
struct plan *model_layers_plan(const char *canonical, uint32_t classes);

/* "hidden", "projection", "recurrent", "recurrent, backwards", "channels", "heads", "output". The
 * plan may be NULL: "". */
const char *model_layer_kind(const struct plan *plan, uint32_t layer);

/* What its units are called, one or several: "unit", "channels", "heads". Also of layers that the
 * plan does not have, and without a plan. */
const char *model_layer_units(const struct plan *plan, uint32_t layer, uint64_t count);

#endif
