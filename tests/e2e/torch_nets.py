"""Computes with PyTorch, in float64, what e2e_net_trace's nets computed, and compares.

usage: torch_nets.py FILE

Each op of a plan is PyTorch's own module or function; logits, loss and gradient come from there.
"""
import json
import sys

import torch
from torch.nn import functional

# The engine computes in float32. Of vectors as long as all logits, as the whole gradient.
OFF_MAX = 1e-6
ACTIVATIONS = {"relu": functional.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid,
               "gelu": functional.gelu}


def positions_last(x, shape):
    """[n, features] to [n, C, W], or [n, C, H, W] of an image."""
    return x.view(len(x), *(shape if shape[1] > 1 else [shape[0], shape[2]]))


def steps(x, shape):
    """[n, features] to [n, positions, C]."""
    return x.view(len(x), shape[0], -1).transpose(1, 2)


def features(sequence):
    """Back again."""
    return sequence.transpose(1, 2).flatten(1)


def conv(op, x, weight, bias):
    run = functional.conv2d if op["in"][1] > 1 else functional.conv1d
    return run(positions_last(x, op["in"]), weight, bias, op["stride"], op["padding"]).flatten(1)


def max_pool(op, x):
    run = functional.max_pool2d if op["in"][1] > 1 else functional.max_pool1d
    return run(positions_last(x, op["in"]), op["kernel"]).flatten(1)


def patch(op, x):
    edge = op["kernel"]
    if op["in"][1] > 1:
        return functional.unfold(x.view(len(x), *op["in"]), edge, stride=edge).flatten(1)
    pieces = x.view(len(x), op["in"][0], -1, edge)
    return pieces.transpose(2, 3).flatten(1)


def norm(op, x, gain, bias):
    return features(functional.layer_norm(steps(x, op["in"]), [op["in"][0]], gain, bias))


def attention(op, x, in_weight, in_bias, out_weight, out_bias):
    sequence = steps(x, op["in"]).transpose(0, 1)
    found, _ = functional.multi_head_attention_forward(
        sequence, sequence, sequence, op["in"][0], op["heads"], in_weight, in_bias, None, None,
        False, 0.0, out_weight, out_bias, need_weights=False)
    return features(found.transpose(0, 1))


def rows(op, x):
    """An image's rows become steps: channel (c, x) at step y."""
    return x.view(len(x), *op["in"]).transpose(2, 3).flatten(1)


def gru(op, x, *tensors):
    directions = 2 if op["bidirectional"] else 1
    units = op["out"][0] // directions
    sequence = steps(x, op["in"])
    start = torch.zeros(directions, len(x), units, dtype=x.dtype)
    return features(torch.gru(sequence, start, tensors, True, 1, 0.0, False,
                              directions == 2, True)[0])


OPS = {
    "linear": lambda op, x, weight, bias: functional.linear(x, weight, bias),
    "conv": conv,
    "max_pool": max_pool,
    "mean": lambda op, x: x.view(len(x), op["in"][0], -1).mean(2),
    "patch": patch,
    "positions": lambda op, x, learned: x + learned.flatten(),
    "rows": rows,
    "norm": norm,
    "attention": attention,
    "gru": gru,
}


def tensors_of(op, parameters):
    for tensor in op["tensors"]:
        size = 1
        for length in tensor["shape"]:
            size *= length
        yield parameters[tensor["offset"]:tensor["offset"] + size].view(tensor["shape"])


def run(net, parameters):
    values = [torch.tensor(net["samples"], dtype=torch.float64).view(-1, net["inputs"])]
    activation = ACTIVATIONS[net["activation"]]
    for op in net["ops"]:
        value = values[op["input"]]
        if op["kind"] == "activation":
            value = activation(value)
        elif op["kind"] == "add":
            value = value + values[op["other"]]
        else:
            value = OPS[op["kind"]](op, value, *tensors_of(op, parameters))
        values.append(activation(value) if op["activates"] else value)
    return values[-1]


def off(found, expected):
    found = torch.tensor(found, dtype=torch.float64)
    return ((found - expected.flatten()).norm() / expected.norm()).item()


def main():
    torch.set_num_threads(1)
    failed = 0
    with open(sys.argv[1], encoding="ascii") as file:
        nets = [json.loads(line) for line in file]
    print(f"PyTorch {torch.__version__}, {len(nets)} nets")
    for net in nets:
        parameters = torch.tensor(net["parameters"], dtype=torch.float64, requires_grad=True)
        logits = run(net, parameters)
        loss = functional.cross_entropy(logits, torch.tensor(net["labels"]))
        loss.backward()
        errors = [off(net["logits"], logits.detach()), off(net["gradient"], parameters.grad),
                  abs(net["loss"] / loss.item() - 1)]
        fine = max(errors) < OFF_MAX
        failed += not fine
        print(f"{'ok' if fine else 'OFF':4}{net['model']} {net['activation']}: logits off by "
              f"{errors[0]:.1e}, gradient by {errors[1]:.1e}, loss by {errors[2]:.1e}")
    return 1 if failed else 0


sys.exit(main())
