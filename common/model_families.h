/*
 * model_families.h: the families of model_text.h as lists of layers.
 *
 * A family is a short name for layers that are much alike; nothing else knows of it.
 */
#ifndef RATCHET_COMMON_MODEL_FAMILIES_H
#define RATCHET_COMMON_MODEL_FAMILIES_H

#include "common/error.h"

#include <stdbool.h>

struct model_family {
    char layers[1024];   /* "[dense 8,dense 8]" */
    char canonical[256]; /* the one way to write the family, without the input's shape */
    const char *input;   /* the rest of the text, from '@' on or empty */
};

/* Whether the text begins with a family of this file. */
bool model_family_is(const char *text);

/* 0, or -1 with what is wrong and how it is written. */
int model_family_expand(const char *text, struct model_family *family, struct error *error)
    __attribute__((warn_unused_result));

#endif
