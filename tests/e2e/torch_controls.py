"""Trains with PyTorch, in float64, what e2e_control_trace trained, and compares.

usage: torch_controls.py FILE

What PyTorch has is PyTorch's own: the optimisers, the schedulers, the loss, clip_grad_norm_ and
renorm. It has no decoupled decay for SGD, and no optimiser with both kinds of decay at once: these
two lines are written out.
"""
import json
import sys
import warnings

import torch
from torch.optim import lr_scheduler

# The engine computes in float32: a few units of the last place of parameters of about 1.
PARAMETERS_OFF_MAX = 1e-6
LOSS_OFF_MAX = 1e-5


def make_model(layers, values):
    modules = []
    for number, (inputs, outputs) in enumerate(layers):
        modules.append(torch.nn.Linear(inputs, outputs))
        if number + 1 < len(layers):
            modules.append(torch.nn.Tanh())
    model = torch.nn.Sequential(*modules).double()
    torch.nn.utils.vector_to_parameters(torch.tensor(values, dtype=torch.float64),
                                        model.parameters())
    return model


def make_optimizer(case, parameters):
    # l2 beside decoupled decay is added by hand.
    l2 = 0 if case["weight_decay"] else case["l2"]
    if case["optimizer"] == "sgd":
        return torch.optim.SGD(parameters, lr=case["lr"], momentum=case["momentum"],
                               weight_decay=l2)
    betas = (case["beta1"], case["beta2"])
    if l2:
        return torch.optim.Adam(parameters, lr=case["lr"], betas=betas, eps=case["eps"],
                                weight_decay=l2)
    return torch.optim.AdamW(parameters, lr=case["lr"], betas=betas, eps=case["eps"],
                             weight_decay=case["weight_decay"])


def make_schedule(case, optimizer):
    warmup = case["warmup"]
    behind = {
        "constant": lambda: lr_scheduler.ConstantLR(optimizer, factor=1.0),
        "cosine": lambda: lr_scheduler.CosineAnnealingLR(
            optimizer, T_max=case["steps"] - warmup, eta_min=case["final"]),
        "sgdr": lambda: lr_scheduler.CosineAnnealingWarmRestarts(
            optimizer, T_0=case["restart_steps"], T_mult=case["restart_factor"],
            eta_min=case["final"]),
        "geometric": lambda: lr_scheduler.StepLR(
            optimizer, step_size=case["decay_steps"], gamma=case["decay"]),
    }
    if warmup < 2:
        return behind[case["schedule"]]()
    rise = lr_scheduler.LinearLR(optimizer, start_factor=1 / warmup, total_iters=warmup - 1)
    return lr_scheduler.SequentialLR(optimizer, [rise, behind[case["schedule"]]()], [warmup])


def step(case, model, optimizer, batch):
    loss = torch.nn.CrossEntropyLoss(label_smoothing=case["label_smoothing"])(
        model(batch[0]), batch[1])
    optimizer.zero_grad()
    loss.backward()
    if case["clip_norm"]:
        torch.nn.utils.clip_grad_norm_(model.parameters(), case["clip_norm"])
    with torch.no_grad():
        for parameter in model.parameters():
            if case["weight_decay"] and case["l2"]:
                parameter.grad += case["l2"] * parameter
            if case["weight_decay"] and case["optimizer"] == "sgd":
                parameter *= 1 - optimizer.param_groups[0]["lr"] * case["weight_decay"]
    optimizer.step()
    if case["clamp_norm"]:
        with torch.no_grad():
            vector = torch.nn.utils.parameters_to_vector(model.parameters())
            vector = torch.renorm(vector[None], 2, 0, case["clamp_norm"])[0]
            torch.nn.utils.vector_to_parameters(vector, model.parameters())
    return loss.item()


def train(case, data):
    inputs = torch.tensor(data["inputs"], dtype=torch.float64).reshape(len(data["labels"]), -1)
    labels = torch.tensor(data["labels"])
    model = make_model(data["layers"], case["before"])
    optimizer = make_optimizer(case, list(model.parameters()))
    schedule = make_schedule(case, optimizer)
    loss_sum = 0
    for batch in case["batches"]:
        loss_sum += step(case, model, optimizer, (inputs[batch], labels[batch]))
        schedule.step()
    return torch.nn.utils.parameters_to_vector(model.parameters()).detach(), loss_sum


def main():
    with open(sys.argv[1], encoding="ascii") as file:
        data, *cases = [json.loads(line) for line in file]
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # SequentialLR calls what PyTorch itself deprecates
    failed = 0
    print(f"PyTorch {torch.__version__}, {len(cases)} trainings")
    for case in cases:
        after, loss_sum = train(case, data)
        after -= torch.tensor(case["after"], dtype=torch.float64)
        moved = torch.tensor(case["after"]) - torch.tensor(case["before"])
        off, loss_off = after.abs().max().item(), abs(loss_sum / case["loss_sum"] - 1)
        fine = off < PARAMETERS_OFF_MAX and loss_off < LOSS_OFF_MAX
        failed += not fine
        print(f"{'ok' if fine else 'OFF':4}{case['name']:16}{case['optimizer']:6} parameters moved "
              f"{moved.abs().max().item():.2f}, off by {off:.1e}; loss off by {loss_off:.1e}")
    return 1 if failed else 0


sys.exit(main())
