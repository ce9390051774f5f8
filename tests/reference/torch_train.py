"""Trains a model of the engine's families with PyTorch, on a packed data set, and says its accuracy.

usage: torch_train.py DATA MODEL [--lr X] [--batch N] [--epochs N] [--train N] [--seed N]
                      [--order shuffled|sequential] [--schedule constant|cosine] [--weight-decay X]

DATA is what `ratchet-worker --pack-data` writes. The first --train samples of the train part are
learnt from, in a new order each epoch or always in the same; then the whole test part is asked.
Standardised by the mean and deviation that the file names, as the engine does it. AdamW; the cosine
falls to 0 in the course of all steps.
"""
import argparse
import math
import os
import sys

import torch
from torch.nn import functional
from torch.optim import lr_scheduler

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))
import torch_data  # noqa: E402
import torch_models  # noqa: E402


def options_of(arguments):
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("model")
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--weight-decay", type=float, default=0.0)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--train", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--order", choices=["shuffled", "sequential"], default="shuffled")
    parser.add_argument("--schedule", choices=["constant", "cosine"], default="constant")
    return parser.parse_args(arguments)


def train(model, inputs, labels, options):
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.lr,
                                  weight_decay=options.weight_decay)
    count = len(labels)
    steps = options.epochs * math.ceil(count / options.batch)
    schedule = {"constant": lambda: lr_scheduler.ConstantLR(optimizer, factor=1.0),
                "cosine": lambda: lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps),
                }[options.schedule]()
    for _ in range(options.epochs):
        order = torch.randperm(count) if options.order == "shuffled" else torch.arange(count)
        for first in range(0, count, options.batch):
            places = order[first:first + options.batch]
            loss = functional.cross_entropy(model(inputs[places]), labels[places])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()


def main():
    options = options_of(sys.argv[1:])
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    data = torch_data.read(options.data)
    inputs, labels = data.part("train")
    if options.train:
        inputs, labels = inputs[:options.train], labels[:options.train]
    model = torch_models.build(options.model, inputs.shape[1], data.classes)
    train(model, inputs, labels, options)
    with torch.no_grad():
        inputs, labels = data.part("test")
        right = sum((model(part).argmax(1) == wanted).sum().item()
                    for part, wanted in zip(inputs.split(1000), labels.split(1000)))
    print(f"{right / len(labels):.4f}")


main()
