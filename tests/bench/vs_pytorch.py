# vs_pytorch.py: training steps of the engine and of PyTorch in turn; vs_pytorch starts it.
#
# For each model and round: bench-train, then each way of PyTorch that its version has. What is
# printed are medians over the rounds, in CPU time of the process. PyTorch's mini-batches lie ready
# as floats in one piece, which is less work than bench-train's: that one gathers and converts bytes.
import argparse
import json
import signal
import statistics
import subprocess
import sys
import time
import warnings

import torch
from torch.nn import functional

import torch_models

warnings.filterwarnings("ignore")

SAMPLES = 8192
USUAL = ["mlp:18x18", "mlp:7x7", "mlp:2048x1", "mlp:632x4", "mlp:1x64", "mlp:4x632", "mlp:1x2048"]
SETUP_SECONDS_MAX = 60
COMPILED_TENSORS_MAX = 256  # compilers unroll a network: hundreds of layers take them many minutes
ADAMW = {"lr": 1e-4, "weight_decay": 0.0}


class Unavailable(Exception):
    """Why a way of PyTorch cannot be taken."""


class Data:
    def __init__(self, options):
        self.options = options
        generator = torch.Generator().manual_seed(1)
        self.inputs = torch.rand(SAMPLES, options.inputs, generator=generator)
        self.labels = torch.randint(0, options.classes, (SAMPLES,), generator=generator)
        self.place = 0

    def next(self):
        batch = self.options.batch
        if self.place + batch > SAMPLES:
            self.place = 0
        here = slice(self.place, self.place + batch)
        self.place += batch
        return self.inputs[here], self.labels[here]

    def build(self, text):
        return torch_models.build(text, self.options.inputs, self.options.classes)


def stepper(forward, parameters, data, foreach):
    """A step of one network through `forward`."""
    optimizer = torch.optim.AdamW(parameters, foreach=foreach, **ADAMW)

    def step():
        inputs, labels = data.next()
        loss = functional.cross_entropy(forward(inputs), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return step, 1


def eager(text, data, _cohort):
    model = data.build(text)
    return stepper(model, list(model.parameters()), data, False)


def foreach(text, data, _cohort):
    model = data.build(text)
    return stepper(model, list(model.parameters()), data, True)


def compiled(text, data, _cohort):
    model = data.build(text)
    count = len(list(model.parameters()))
    if count > COMPILED_TENSORS_MAX:
        raise Unavailable(f"{count} tensors: not tried above {COMPILED_TENSORS_MAX}")
    if hasattr(torch, "compile"):
        forward = torch.compile(model)
    else:
        forward = torch.jit.trace(model, data.next()[0])
    return stepper(forward, list(model.parameters()), data, True)


def vmapped(text, data, cohort):
    """Networks of one model stacked: one call for all of a cohort."""
    models = [data.build(text) for _ in range(cohort)]
    if hasattr(torch, "func"):
        stacked, buffers = torch.func.stack_module_state(models)
        base = models[0]
        names = list(stacked)
        parameters = [stacked[name].detach().requires_grad_() for name in names]

        def call(values, inputs):
            return torch.func.functional_call(base, (dict(zip(names, values)), buffers), (inputs,))

        vmap, grad = torch.func.vmap, torch.func.grad
    else:
        try:
            import functorch
        except ImportError as error:
            raise Unavailable(f"no functorch: {error}")
        function, parameters, buffers = functorch.combine_state_for_ensemble(models)
        parameters = [value.detach().requires_grad_() for value in parameters]

        def call(values, inputs):
            return function(values, buffers, inputs)

        vmap, grad = functorch.vmap, functorch.grad

    def loss(values, inputs, labels):
        return functional.cross_entropy(call(values, inputs), labels)

    gradients = vmap(grad(loss), in_dims=(0, None, None))
    optimizer = torch.optim.AdamW(parameters, foreach=True, **ADAMW)

    def step():
        inputs, labels = data.next()
        for parameter, gradient in zip(parameters, gradients(tuple(parameters), inputs, labels)):
            parameter.grad = gradient.detach()
        optimizer.step()

    return step, cohort


WAYS = {"eager": eager, "foreach": foreach, "compiled": compiled, "vmap": vmapped}


def patient(seconds, call):
    """The call's value, unless it takes longer."""

    def give_up(_signal, _frame):
        raise Unavailable(f"not ready after {seconds} s")

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    try:
        return call()
    finally:
        signal.alarm(0)


def prepare(way, text, data, cohort):
    """The step, warm, and how many networks it trains; or why not."""

    def ready():
        step, networks = WAYS[way](text, data, cohort)
        for _ in range(2):
            step()
        return step, networks

    try:
        return patient(SETUP_SECONDS_MAX, ready), None
    except (Unavailable, torch_models.Unknown) as reason:
        return None, str(reason)
    except Exception as error:  # a way that this version of PyTorch cannot go
        return None, f"{type(error).__name__}: {error}".splitlines()[0][:200]


def time_way(step, networks, seconds):
    """Microseconds per step and network."""
    count, start, now = 0, time.process_time(), 0
    while count == 0 or now < seconds:
        step()
        count += 1
        now = time.process_time() - start
    return 1e6 * now / (count * networks)


def time_engine(options, text, cohort):
    command = [options.bench, "--json", "--model", text, "--batch", str(options.batch)]
    command += ["--seconds", str(options.seconds), "--inputs", str(options.inputs)]
    command += ["--classes", str(options.classes)]
    if cohort:
        command += ["--cohort", str(cohort)]
    done = subprocess.run(command, stdout=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(done.returncode)  # it has said why
    return json.loads(done.stdout)


def check_size(data, text, parameters):
    """Ends everything unless both have built the same network."""
    try:
        found = sum(tensor.numel() for tensor in data.build(text).parameters())
    except torch_models.Unknown:
        return
    if found != parameters:
        sys.exit(f"vs_pytorch: {text} has {parameters} parameters, PyTorch's has {found}")


def measure(options, text):
    data = Data(options)
    first = time_engine(options, text, options.cohort)
    check_size(data, text, first["parameters"])
    ways, skipped, times, rows = {}, {}, {}, []
    for way in WAYS:
        ready, reason = prepare(way, text, data, first["cohort"])
        if ready:
            ways[way], times[way] = ready, []
        else:
            skipped[way] = reason
    for _ in range(options.rounds):
        rows.append(time_engine(options, text, first["cohort"]))
        for way, (step, networks) in ways.items():
            times[way].append(time_way(step, networks, options.seconds))
    ours = statistics.median(row["us_per_step_net"] for row in rows)
    theirs = {way: statistics.median(values) for way, values in times.items()}
    share = statistics.median(row["fma_share"] for row in rows)
    return {"ours": ours, "share": share, "theirs": theirs, "skipped": skipped, **first}


def show_json(options, text, found):
    row = {
        "model": text,
        "cpu": found["cpu"],
        "torch": torch.__version__,
        "batch": options.batch,
        "cohort": found["cohort"],
        "rounds": options.rounds,
        "us_per_step_net": round(found["ours"], 2),
        "fma_share": round(found["share"], 4),
    }
    for way, us in found["theirs"].items():
        row[f"us_per_step_net_{way}"] = round(us, 2)
        row[f"speedup_over_{way}"] = round(us / found["ours"], 2)
    row["skipped"] = found["skipped"]
    print(json.dumps(row), flush=True)


def show_row(text, found):
    cells = [f"{text:<20} {found['cohort']:>3} {found['ours']:>9.1f} {found['share']:>6.2f}"]
    for way in WAYS:
        us = found["theirs"].get(way)
        cells.append(f"{us:>10.1f} {us / found['ours']:>8.1f}x" if us else f"{'-':>10} {'':>9}")
    print(" ".join(cells), flush=True)
    for way, reason in found["skipped"].items():
        print(f"    {way}: {reason}")


def whole(least):
    """A number for argparse, of at least so many."""
    def read(text):
        number = int(text)
        if number < least:
            raise argparse.ArgumentTypeError(f"{text} is below {least}")
        return number
    read.__name__ = "number"
    return read


def seconds(text):
    number = float(text)
    if not 0 <= number <= 86400:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 to 86400")
    return number


def read_options():
    parser = argparse.ArgumentParser(prog="vs_pytorch", description="bench-train beside PyTorch")
    parser.add_argument("--bench", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--model", action="append", help="a model; may be given several times")
    parser.add_argument("--batch", type=whole(1), default=256)
    parser.add_argument("--inputs", type=whole(1), default=784, help="values of a sample")
    parser.add_argument("--classes", type=whole(1), default=10)
    parser.add_argument("--cohort", type=whole(0), default=0, help="without it the fastest")
    parser.add_argument("--rounds", type=whole(1), default=5)
    parser.add_argument("--seconds", type=seconds, default=0.5, help="each contestant, each round")
    parser.add_argument("--json", action="store_true", help="one object per line")
    return parser.parse_args()


def main():
    options = read_options()
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    torch.manual_seed(1)
    if not options.json:
        print(f"PyTorch {torch.__version__}, Python {sys.version.split()[0]}, one thread, "
              f"batch {options.batch}; us per step and network, and how much faster the engine is")
        print(f"{'model':<20} {'K':>3} {'engine':>9} {'share':>6}"
              + "".join(f" {way:>10} {'':>9}" for way in WAYS))
    for text in options.model or USUAL:
        found = measure(options, text)
        if options.json:
            show_json(options, text, found)
        else:
            show_row(text, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
