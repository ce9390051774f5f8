# torch_models.py: the engine's model families in PyTorch, from the same text.
#
# The grammar is common/model_text.h's, but for `layers:`. A sample is a row of features, counted
# channel by channel; activations are relu.
import re

import torch
from torch import nn


class Unknown(Exception):
    """A model that is not built here."""


def shape_of(text, inputs):
    """What the family reads, and the channels, height and width of a sample."""
    spec, _, shape = text.partition("@")
    sizes = [int(size) for size in shape.split("x")] if shape else []
    if len(sizes) == 2:
        sizes = [1] + sizes
    if not sizes:
        side = round(inputs**0.5)
        sizes = [1, side, side] if inputs >= 64 and side * side == inputs else [1, 1, inputs]
    if sizes[0] * sizes[1] * sizes[2] != inputs:
        raise Unknown(f"{text}: samples have {inputs} features")
    return spec, sizes


def depth_width(shape):
    depth, width = shape.split("x")
    return int(depth), int(width)


def mlp(shape, _sizes, inputs, classes):
    modules, before = [], inputs
    for group in shape.strip("[]").split(","):
        depth, width = depth_width(group.strip())
        for _ in range(depth):
            modules += [nn.Linear(before, width), nn.ReLU()]
            before = width
    return nn.Sequential(*modules, nn.Linear(before, classes))


class Residual(nn.Module):
    def __init__(self, *inside):
        super().__init__()
        self.inside = nn.Sequential(*inside)

    def forward(self, x):
        return x + self.inside(x)


def resmlp(shape, _sizes, inputs, classes):
    depth, width = depth_width(shape)
    modules = [nn.Linear(inputs, width), nn.ReLU()]
    for _ in range(depth):
        block = Residual(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
        modules += [block, nn.ReLU()]
    return nn.Sequential(*modules, nn.Linear(width, classes))


class Shape(nn.Module):
    """Features to channels and positions: [n, C, H, W], or [n, C, W] of height 1."""

    def __init__(self, sizes):
        super().__init__()
        self.sizes = sizes if sizes[1] > 1 else [sizes[0], sizes[2]]

    def forward(self, x):
        return x.view(x.shape[0], *self.sizes)


class Steps(nn.Module):
    """[n, C, ...] to [n, positions, C]."""

    def forward(self, x):
        return x.flatten(2).transpose(1, 2)


def counted(modules, sizes, classes):
    """The logits behind modules whose number of features is found by trying."""
    body = nn.Sequential(Shape(sizes), *modules, nn.Flatten())
    features = body(torch.zeros(1, sizes[0] * sizes[1] * sizes[2])).shape[1]
    return nn.Sequential(body, nn.Linear(features, classes))


def cnn(shape, sizes, _inputs, classes):
    flat = sizes[1] == 1
    convolution = nn.Conv1d if flat else nn.Conv2d
    pool = nn.MaxPool1d if flat else nn.MaxPool2d
    modules, channels = [], sizes[0]
    for stage in shape.split(","):
        found = re.fullmatch(r"\s*(\d+)(?:k(\d+))?(?:s(\d+))?(?:p(\d+))?(?:m(\d+))?\s*", stage)
        if not found:
            raise Unknown(f"cnn stage {stage}")
        out, kernel, stride, padding, most = found.groups()
        modules += [
            convolution(channels, int(out), int(kernel or 3), int(stride or 1), int(padding or 0)),
            nn.ReLU(),
        ]
        if most:
            modules.append(pool(int(most)))
        channels = int(out)
    return counted(modules, sizes, classes)


class Gru(nn.Module):
    def __init__(self, channels, depth, width, both):
        super().__init__()
        self.gru = nn.GRU(channels, width, depth, batch_first=True, bidirectional=both)

    def forward(self, x):
        return self.gru(x)[0]


def gru(shape, sizes, _inputs, classes, both=False):
    depth, width = depth_width(shape)
    return counted([Steps(), Gru(sizes[0], depth, width, both)], sizes, classes)


def bigru(shape, sizes, inputs, classes):
    return gru(shape, sizes, inputs, classes, both=True)


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)

    def forward(self, x):
        return self.attention(x, x, x, need_weights=False)[0]


class Positions(nn.Module):
    def __init__(self, count, width):
        super().__init__()
        self.positions = nn.Parameter(0.02 * torch.randn(count, width))

    def forward(self, x):
        return x + self.positions


class Mean(nn.Module):
    def forward(self, x):
        return x.mean(1)


def transformer(shape, sizes, _inputs, classes):
    found = re.fullmatch(r"(\d+)x(\d+)h(\d+)(?:p(\d+))?(?:r(\d+))?", shape)
    if not found:
        raise Unknown(f"transformer:{shape}")
    depth, width, heads, patch, ratio = (int(group or 0) for group in found.groups())
    patch, ratio, flat = patch or 1, ratio or 4, sizes[1] == 1
    # Cutting into patches and projecting them is a convolution whose windows do not overlap.
    project = (nn.Conv1d if flat else nn.Conv2d)(sizes[0], width, patch, patch)
    count = sizes[2] // patch * (1 if flat else sizes[1] // patch)
    modules = [project, Steps(), Positions(count, width)]
    for _ in range(depth):
        modules += [
            Residual(nn.LayerNorm(width), Attention(width, heads)),
            Residual(nn.LayerNorm(width), nn.Linear(width, ratio * width), nn.ReLU(),
                     nn.Linear(ratio * width, width)),
        ]
    return counted(modules + [nn.LayerNorm(width), Mean()], sizes, classes)


FAMILIES = {"mlp": mlp, "resmlp": resmlp, "cnn": cnn, "gru": gru, "bigru": bigru,
            "transformer": transformer}


def build(text, inputs, classes):
    spec, sizes = shape_of(text, inputs)
    family, _, shape = spec.partition(":")
    if family == "linear":
        return nn.Linear(inputs, classes)
    if family not in FAMILIES:
        raise Unknown(f"{text}: this family is not built here")
    return FAMILIES[family](shape, sizes, inputs, classes)
