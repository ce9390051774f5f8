/* random_net.c: see random_net.h. The shape is followed from layer to layer, so that each one drawn
 * fits what is before it. */
#include "tests/unit/worker/engine/random_net.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

struct drawing {
    struct random *random;
    struct random_net *net;
    size_t used;
    struct value_shape shape; /* behind the layers so far */
};

static uint32_t below(struct drawing *drawing, uint32_t end)
{
    return random_below(drawing->random, end);
}

__attribute__((format(printf, 2, 3))) static void put(struct drawing *drawing, const char *format,
                                                      ...)
{
    const size_t room = sizeof drawing->net->text - drawing->used;
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(drawing->net->text + drawing->used, room, format, arguments);
    va_end(arguments);
    drawing->used += (size_t)length < room ? (size_t)length : room - 1;
}

/* Of all the ways that the engine has for narrow and for wide layers. */
static uint32_t draw_units(struct drawing *drawing)
{
    static const uint32_t most[] = {4, 8, 26, 70};
    return 1 + below(drawing, most[below(drawing, 4)]);
}

static uint32_t draw_channels(struct drawing *drawing)
{
    return 1 + below(drawing, below(drawing, 3) == 0 ? 20 : 6);
}

static bool is_flat(const struct drawing *drawing)
{
    return drawing->shape.height == 1;
}

/* -------------------------------------------------------------------------------------- layers */

static bool put_dense(struct drawing *drawing)
{
    static const char *const words[] = {"dense", "linear", "stem"};
    const uint32_t units = draw_units(drawing);
    put(drawing, "%s %u", words[below(drawing, 3)], units);
    drawing->shape = (struct value_shape){units, 1, 1};
    return true;
}

static bool put_chain(struct drawing *drawing)
{
    const uint32_t units = 1 + below(drawing, 6);
    put(drawing, "dense %u,%u*dense %u", units, 2 + below(drawing, 20), units);
    drawing->shape = (struct value_shape){units, 1, 1};
    return true;
}

static bool put_convolution(struct drawing *drawing)
{
    struct value_shape *shape = &drawing->shape;
    const uint32_t kernel = 1 + below(drawing, 5), stride = 1 + below(drawing, 3);
    const uint32_t padding = below(drawing, kernel), added = 2 * padding;
    if (shape->width + added < kernel || (!is_flat(drawing) && shape->height + added < kernel))
        return false;
    shape->channels = draw_channels(drawing);
    put(drawing, "conv %uk%us%up%u", shape->channels, kernel, stride, padding);
    if (!is_flat(drawing))
        shape->height = (shape->height + added - kernel) / stride + 1;
    shape->width = (shape->width + added - kernel) / stride + 1;
    return true;
}

static bool put_project(struct drawing *drawing)
{
    drawing->shape.channels = draw_channels(drawing);
    put(drawing, "project %u", drawing->shape.channels);
    return true;
}

static bool put_pool(struct drawing *drawing)
{
    struct value_shape *shape = &drawing->shape;
    const uint32_t edge = 1 + below(drawing, 3);
    if (shape->width < edge || (!is_flat(drawing) && shape->height < edge))
        return false;
    put(drawing, "maxpool %u", edge);
    shape->height = is_flat(drawing) ? 1 : shape->height / edge;
    shape->width /= edge;
    return true;
}

static bool put_patch(struct drawing *drawing)
{
    struct value_shape *shape = &drawing->shape;
    const uint32_t edge = 1 + below(drawing, 4);
    if (shape->width % edge != 0 || (!is_flat(drawing) && shape->height % edge != 0))
        return false;
    put(drawing, "patch %u", edge);
    shape->channels *= is_flat(drawing) ? edge : edge * edge;
    shape->height = is_flat(drawing) ? 1 : shape->height / edge;
    shape->width /= edge;
    return true;
}

/* What changes no shape. */
static bool put_even(struct drawing *drawing)
{
    static const char *const words[] = {"positions", "norm", "activation"};
    put(drawing, "%s", words[below(drawing, 3)]);
    return true;
}

static bool put_attention(struct drawing *drawing)
{
    const uint32_t heads = 1 + below(drawing, 8), channels = drawing->shape.channels;
    if (channels % heads != 0 || channels > 40)
        return false;
    put(drawing, "attention %u", heads);
    return true;
}

static bool put_recurrent(struct drawing *drawing)
{
    if (!is_flat(drawing))
        return false;
    const uint32_t ways = 1 + below(drawing, 2), units = draw_channels(drawing);
    put(drawing, "%s %u", ways == 1 ? "gru" : "bigru", units);
    drawing->shape.channels = ways * units;
    return true;
}

static bool put_rows_or_mean(struct drawing *drawing)
{
    struct value_shape *shape = &drawing->shape;
    const bool is_mean = is_flat(drawing);
    put(drawing, is_mean ? "mean" : "rows");
    *shape = is_mean ? (struct value_shape){shape->channels, 1, 1}
                     : (struct value_shape){shape->channels * shape->width, 1, shape->height};
    return true;
}

/* One or two layers that keep the positions, and one that leads back to the channels. */
static bool put_residual(struct drawing *drawing)
{
    const struct value_shape before = drawing->shape;
    const bool is_single = before.height * before.width == 1;
    if (before.channels > 70)
        return false;
    put(drawing, "residual(");
    for (uint32_t i = below(drawing, 2) + 1; i > 0; i--) {
        if (is_single)
            put_dense(drawing);
        else if (below(drawing, 2) == 0 || !put_recurrent(drawing))
            put_even(drawing);
        put(drawing, ",");
    }
    put(drawing, "%s %u)", is_single ? "linear" : "project", before.channels);
    drawing->shape = before;
    return true;
}

static void put_layer(struct drawing *drawing)
{
    static bool (*const kinds[])(struct drawing * drawing) = {
        put_dense,    put_dense,     put_chain,     put_convolution, put_convolution, put_project,
        put_pool,     put_patch,     put_even,      put_even,        put_attention,   put_attention,
        put_residual, put_recurrent, put_recurrent, put_rows_or_mean};
    while (!kinds[below(drawing, sizeof kinds / sizeof kinds[0])](drawing))
        ;
}

/* ------------------------------------------------------------------------------------- models */

static void draw_mlp(struct drawing *drawing)
{
    drawing->net->inputs = 1 + below(drawing, 70);
    put(drawing, "mlp:[");
    for (uint32_t groups = 1 + below(drawing, 4); groups > 0; groups--)
        put(drawing, "%ux%u%s", 1 + below(drawing, 4), draw_units(drawing), groups > 1 ? "," : "]");
}

static void draw_mix(struct drawing *drawing)
{
    struct value_shape shape = {1 + below(drawing, 3), 1, 1 + below(drawing, 20)};
    if (below(drawing, 2) == 0)
        shape = (struct value_shape){1 + below(drawing, 3), 2 + below(drawing, 7),
                                     1 + below(drawing, 8)};
    drawing->net->inputs = shape.channels * shape.height * shape.width;
    drawing->shape = shape;
    put(drawing, "layers:[");
    for (uint32_t layers = 1 + below(drawing, 4); layers > 0; layers--) {
        put_layer(drawing);
        put(drawing, layers > 1 ? "," : "]");
    }
    put(drawing, "@%ux%ux%u", shape.channels, shape.height, shape.width);
}

struct random_net random_net_draw(struct random *random)
{
    struct random_net net = {.text = ""};
    struct drawing drawing = {.random = random, .net = &net};
    if (below(&drawing, 4) == 0)
        draw_mlp(&drawing);
    else
        draw_mix(&drawing);
    return net;
}
