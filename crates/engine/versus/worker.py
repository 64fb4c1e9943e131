"""PyTorch's side of the comparison: a process that trains what it is told to.

It reads one command a line from standard input, its words separated by tabs, and answers each with one line of JSON,
`{"error": ..}` when it cannot:

    about                    PyTorch's version and the instructions it uses
    check FOLDER             compares the loss and gradients in FOLDER, and its own, with its own in 64 bits
    load FOLDER MODE         builds the network of FOLDER; MODE is words joined by +: eager or compile, then
                             channels_last, then keep (the allocator keeps freed memory, as the engine asks it to)
    step K                   trains K steps on the batch of FOLDER
    curve FOLDER KIND LAYOUT trains on the batches of FOLDER, in float32 or float64, channels_last or contiguous: the
                             loss of each step
    memory                   bytes: the most this process ever held, and what it held before it loaded anything
"""

import ctypes
import json
import pathlib
import sys
import time

import torch
from torch.nn import functional as F

import model
import tensors


def status(name):
    """A line of this process's status, in bytes."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise KeyError(name)


def keep_freed_memory():
    """The three settings that `keep_freed_memory` of the kernels makes."""
    mallopt = ctypes.CDLL(None).mallopt
    mmap_threshold, trim_threshold, top_pad = -3, -1, -2
    mallopt(mmap_threshold, 1 << 30) or mallopt(mmap_threshold, 32 << 20)
    mallopt(trim_threshold, 2**31 - 1)
    mallopt(top_pad, 256 << 20)


def read_case(folder, name="case.safetensors"):
    """The graph's text, the tensors of a file, and the recipe's numbers."""
    folder = pathlib.Path(folder)
    return (folder / "graph.txt").read_text(), *tensors.read(folder / name)


def sgd(network, recipe, **how):
    """The recipe's optimiser: every parameter decays, momentum without dampening."""
    rates = {"lr": recipe["learning_rate"], "momentum": recipe["momentum"], "weight_decay": recipe["weight_decay"]}
    return torch.optim.SGD(network.parameters(), **{name: float(rate) for name, rate in rates.items()}, **how)


def loss_and_gradients(text, held, recipe, kind):
    """The loss of the case's batch, and the gradients by name, in 64 bits; computed in `kind`."""
    network = model.build(text, recipe, held, kind)
    loss = F.cross_entropy(network(held["images"].to(kind)), held["labels"])
    loss.backward()
    return loss.item(), {name: parameter.grad.double() for name, parameter in network.named_parameters()}


def errors(loss, gradients, true_loss, true_gradients):
    """How far a loss and gradients are from the true ones.

    `whole` is relative to the norm of all gradients together; `worst` is the worst tensor, relative to its norm, but at
    least to a thousandth of the largest: a shift before a batch normalisation has no gradient but rounding errors.
    """
    norm = lambda values: sum(value.square().sum().item() for value in values) ** 0.5
    away = {name: gradients[name] - true for name, true in true_gradients.items()}
    floor = max(norm([true]) for true in true_gradients.values()) / 1000
    each = {name: norm([away[name]]) / max(norm([true]), floor) for name, true in true_gradients.items()}
    worst = max(each, key=each.get)
    return {
        "loss": abs(loss - true_loss) / abs(true_loss),
        "whole": norm(away.values()) / norm(true_gradients.values()),
        "worst": each[worst],
        "tensor": worst,
    }


class Worker:
    """The network in training and what it is trained on."""

    def __init__(self):
        self.at_rest = status("VmRSS")

    def about(self):
        """What is compared with."""
        return {"version": torch.__version__, "capability": torch.backends.cpu.get_cpu_capability()}

    def check(self, folder):
        """Compares two 32-bit computations with one in 64 bits."""
        text, held, recipe = read_case(folder)
        true = loss_and_gradients(text, held, recipe, torch.float64)
        theirs = loss_and_gradients(text, held, recipe, torch.float32)
        ours = held["loss"].item(), {name: held[f"gradient.{name}"].double() for name in true[1]}
        return {"loss": true[0], "ours": errors(*ours, *true), "theirs": errors(*theirs, *true)}

    def load(self, folder, mode):
        """Builds the network and the fastest of PyTorch's optimisers for it."""
        words = mode.split("+")
        if "keep" in words:
            keep_freed_memory()
        text, held, recipe = read_case(folder)
        self.network = model.build(text, recipe, held)
        self.images, self.labels = held["images"].clone(), held["labels"].clone()
        if "channels_last" in words:
            self.network = self.network.to(memory_format=torch.channels_last)
            self.images = self.images.to(memory_format=torch.channels_last)
        self.optimizer, name = self.fastest_optimizer(recipe)
        self.forward = torch.compile(self.network) if "compile" in words else self.network
        return {"optimizer": name}

    def fastest_optimizer(self, recipe):
        """Times an update by each of the three implementations, gradients being zero."""
        kinds = {"for-loop": {"foreach": False}, "foreach": {"foreach": True}, "fused": {"fused": True}}
        weights = [parameter.detach().clone() for parameter in self.network.parameters()]
        for parameter in self.network.parameters():
            parameter.grad = torch.zeros_like(parameter)
        seconds = {}
        for name, kind in kinds.items():
            optimizer = sgd(self.network, recipe, **kind)
            times = []
            for _ in range(6):
                started = time.perf_counter()
                optimizer.step()
                times.append(time.perf_counter() - started)
            seconds[name] = min(times[1:])
        with torch.no_grad():
            for parameter, weight in zip(self.network.parameters(), weights):
                parameter.copy_(weight)
        name = min(seconds, key=seconds.get)
        return sgd(self.network, recipe, **kinds[name]), name

    def step(self, count):
        """Seconds and losses of some steps."""
        seconds, losses = [], []
        for _ in range(int(count)):
            started = time.perf_counter()
            self.optimizer.zero_grad(set_to_none=True)
            loss = F.cross_entropy(self.forward(self.images), self.labels)
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
            seconds.append(time.perf_counter() - started)
        return {"seconds": [seconds], "losses": [losses]}

    def curve(self, folder, kind, layout):
        """Trains on the batches of a file, one after the other, and scores the network on the file's test images."""
        text, held, recipe = read_case(folder, "curve.safetensors")
        kind = getattr(torch, kind)
        layout = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}[layout]
        tested = [held.pop(name).split(100) for name in ("test_images", "test_labels")]
        network = model.build(text, recipe, held, kind).to(memory_format=layout)
        optimizer = sgd(network, recipe)
        losses = []
        for images, labels in zip(held["images"], held["labels"]):
            optimizer.zero_grad(set_to_none=True)
            loss = F.cross_entropy(network(images.to(kind, memory_format=layout)), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        network.eval()
        correct = 0
        with torch.no_grad():
            for images, labels in zip(*tested):
                logits = network(images.to(kind, memory_format=layout))
                correct += (logits.argmax(1) == labels).sum().item()
        return {"losses": losses, "accuracy": correct / sum(len(labels) for labels in tested[1])}

    def memory(self):
        """The peak, and what was held before anything was loaded."""
        return {"peak": status("VmHWM"), "at_rest": self.at_rest}


def main():
    """Answers until standard input ends. The one argument is the number of threads."""
    torch.set_num_threads(int(sys.argv[1]))
    torch.set_num_interop_threads(1)
    answers, sys.stdout = sys.stdout, sys.stderr
    worker = Worker()
    commands = {name: getattr(worker, name) for name in ("about", "check", "load", "step", "curve", "memory")}
    for line in sys.stdin:
        name, *words = line.rstrip("\n").split("\t")
        try:
            answer = commands[name](*words)
        except Exception as error:  # Whatever goes wrong in PyTorch is the answer, not the end of the comparison.
            answer = {"error": f"{type(error).__name__}: {error}"[:2000]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
