/*
 * model_text.h: the text that names a model: a family, or a list of layers.
 *
 *   linear                 no hidden layer: the logits alone
 *   mlp:DxW, mlp:[DxW, ...]
 *                          D dense layers of W units (the paper writes D*W); see topology.h
 *   resmlp:DxW             stem W, D*(residual(dense W, linear W), activation)
 *   cnn:C[kK][sS][pP][mM],...
 *                          for each stage a convolution of C channels, kernel K (3), stride S (1)
 *                          and padding P (0), then max-pooling by M (none)
 *   gru:DxW, bigru:DxW     D recurrent layers of W units (in each direction), all steps read
 *   transformer:DxWhH[pP][rR]
 *                          patch P (1), project W, positions, D*(residual(norm, attention H),
 *                          residual(norm, conv R*W k1, project W)), norm, mean; R is 4
 *   layers:[LAYER, ...]    an own mix of the layers below
 *
 * Behind all but linear and mlp, @HxW or @CxHxW may say what shape a sample has; without it a
 * sample is an image when its number of features is a square number of at least 64 (or three times
 * one), else a sequence. The logits are not part of the text: a linear layer on all features ends
 * every model.
 *
 *   dense N, linear N        on all features; with and without the model's activation
 *   stem N                   a dense layer that damage of hidden units leaves alone
 *   conv NkKsSpP, project N  on the positions; with activation, and of kernel 1 without
 *   maxpool M, mean          over M (x M) positions, over all of them
 *   patch P                  P (x P) neighbouring positions become channels of one
 *   rows                     an image becomes a sequence: its rows are the steps
 *   positions, norm          adds a learned vector to each; layer norm over channels
 *   attention H              self-attention of H heads
 *   gru N, bigru N           recurrent over the positions
 *   activation               the model's
 *   residual(LAYER, ...)     x + what the layers make of x
 *   R*LAYER, R*(LAYER, ...)  R times in a row
 *
 * Both sides need this grammar: the coordinator refuses a misspelt model with the line it stands
 * in, the worker builds it. What follows from it for a data set (shapes, parameters) is plan.h.
 */
#ifndef RATCHET_COMMON_MODEL_TEXT_H
#define RATCHET_COMMON_MODEL_TEXT_H

#include "common/error.h"

#include <stdint.h>

enum {
    MODEL_TEXT_BYTES_MAX = 256, /* with the NUL */
    MODEL_TEXT_ITEMS_MAX = 128,
    MODEL_TEXT_REPEAT_MAX = 4000,
};

enum layer_word {
    LAYER_DENSE = 1,
    LAYER_STEM,
    LAYER_LINEAR,
    LAYER_CONV,
    LAYER_PROJECT,
    LAYER_MAX_POOL,
    LAYER_MEAN,
    LAYER_PATCH,
    LAYER_ROWS,
    LAYER_POSITIONS,
    LAYER_NORM,
    LAYER_ATTENTION,
    LAYER_GRU,
    LAYER_BIGRU,
    LAYER_ACTIVATION,
    LAYER_RESIDUAL, /* up to its LAYER_END */
    LAYER_GROUP,    /* up to its LAYER_END: only repeats */
    LAYER_END,
};

struct layer_item {
    enum layer_word word;
    uint32_t repeat; /* at least 1; of a residual or group: of all of it */
    uint32_t size;   /* units, channels, heads, positions; 0 where the word has none */
    uint32_t kernel, stride, padding; /* of LAYER_CONV */
};

/* Of a sample or of what a layer makes of it: channels at height x width positions. */
struct value_shape {
    uint32_t channels, height, width;
};

struct model_text {
    struct value_shape input; /* all zero: follows from the number of features */
    uint32_t count;
    struct layer_item items[MODEL_TEXT_ITEMS_MAX]; /* brackets are balanced */
    char text[MODEL_TEXT_BYTES_MAX];               /* the one way to write it */
};

/* 0, or -1 with what is wrong and what is allowed. Blanks are allowed behind commas and around
 * brackets. */
int model_text_parse(const char *text, struct model_text *model, struct error *error)
    __attribute__((warn_unused_result));

#endif
