"""Builds a PyTorch module from the text form of a network graph, with the parameter names of the engine's weight files.

Every convolution includes its batch normalisation and ReLU, has no bias and is padded by half its kernel. A value is
dropped after its last use, so that only what the backward pass needs is kept.
"""

import re

import torch
from torch import nn
from torch.nn import functional as F

LINE = re.compile(r"^%(\d+) = (\w+)(.*?)(?: \(([^)]*)\))? : (\d+)x(\d+)x(\d+)(?: param \d+)?$")


class Convolution(nn.Module):
    """A convolution of `[out, in / groups, k, k]` and, unless another one follows directly, its batch normalisation."""

    def __init__(self, shape, stride, groups, norm, relu):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape))
        self.stride, self.padding, self.groups = stride, shape[-1] // 2, groups
        self.norm = norm(shape[0]) if norm else None
        self.relu = relu

    def forward(self, x):
        """`[batch, in, height, width]` to `[batch, out, height / stride, width / stride]`."""
        x = F.conv2d(x, self.weight, None, self.stride, self.padding, 1, self.groups)
        if self.norm is not None:
            x = self.norm(x)
        return F.relu(x, inplace=True) if self.relu else x


class Separable(nn.Module):
    """A 3x3 depthwise convolution, what stands between, a 1x1 convolution."""

    def __init__(self, channels, out, stride, inner, norm):
        super().__init__()
        between = {"Nothing": (None, False), "BatchNorm": (norm, False), "BatchNormRelu": (norm, True)}[inner]
        self.depthwise = Convolution((channels, 1, 3, 3), stride, channels, *between)
        self.pointwise = Convolution((out, channels, 1, 1), 1, 1, norm, True)

    def forward(self, x):
        """`[batch, in, height, width]` to `[batch, out, height / stride, width / stride]`."""
        return self.pointwise(self.depthwise(x))


class Linear(nn.Module):
    """The classifier, over a map of 1x1 pixels."""

    def __init__(self, inputs, classes):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(classes, inputs))
        self.bias = nn.Parameter(torch.empty(classes))

    def forward(self, x):
        """`[batch, in, 1, 1]` to `[batch, classes]`."""
        return F.linear(x.flatten(1), self.weight, self.bias)


class Network(nn.Module):
    """The network of a graph, its weights not yet set."""

    def __init__(self, text, epsilon, momentum):
        super().__init__()
        self.plan, shapes = [], {}
        for line in text.splitlines():
            if line.startswith("output "):
                self.output = int(line.removeprefix("output %"))
                continue
            number, op, attributes, inputs, *shape = LINE.match(line).groups()
            number, words = int(number), attributes.split()
            inputs = [int(name.strip().lstrip("%")) for name in inputs.split(",")] if inputs else []
            shapes[number] = [int(side) for side in shape]
            self.plan.append((number, op, inputs))
            channels = shapes[inputs[0]][0] if inputs else None
            layer = make_layer(op, words, channels, lambda n: nn.BatchNorm2d(n, eps=epsilon, momentum=momentum))
            if layer is not None:
                self.add_module(f"node{number}", layer)
        used = {}
        for number, _, inputs in self.plan:
            used.update((value, number) for value in inputs)
        self.dead = {number: [value for value in set(inputs) if used[value] == number] for number, _, inputs in self.plan}

    def forward(self, images):
        """`[batch, channels, height, width]` to logits `[batch, classes]`."""
        values = {}
        for number, op, inputs in self.plan:
            values[number] = self.compute(number, op, [values[value] for value in inputs], images)
            for value in self.dead[number]:
                del values[value]
        return values[self.output]

    def compute(self, number, op, inputs, images):
        """The value of one node."""
        if op == "input":
            return images
        if op == "identity":
            return inputs[0]
        if op == "concat":
            return torch.cat(inputs, 1)
        if op == "sum":
            total = inputs[0]
            for value in inputs[1:]:
                total = total + value
            return total
        if op == "max_pool":
            return F.max_pool2d(inputs[0], 3, 1, 1)
        if op == "avg_pool":
            return F.avg_pool2d(inputs[0], 3, 1, 1, count_include_pad=False)
        if op == "global_avg_pool":
            return inputs[0].mean((2, 3), keepdim=True)
        return getattr(self, f"node{number}")(inputs[0])


def make_layer(op, words, channels, norm):
    """The module of a node that has parameters, from the words of its line."""
    if op == "conv":
        kernel = int(words[0].split("x")[0])
        values = dict(zip(words[1::2], words[2::2]))
        return Convolution((int(values["channels"]), channels, kernel, kernel), int(values["stride"]), 1, norm, True)
    values = dict(zip(words[::2], words[1::2]))
    if op == "depthwise":
        return Convolution((channels, 1, 3, 3), int(values["stride"]), channels, norm, True)
    if op == "separable":
        return Separable(channels, int(values["channels"]), int(values["stride"]), values["inner"], norm)
    if op == "linear":
        return Linear(channels, int(values["classes"]))
    return None


def build(text, recipe, tensors, kind=torch.float32):
    """The network of a graph's text with the weights of a file, in training mode."""
    network = Network(text, float(recipe["batch_norm_epsilon"]), float(recipe["batch_norm_momentum"])).to(kind)
    parameters = dict(network.named_parameters())
    with torch.no_grad():
        for name, parameter in parameters.items():
            if parameter.shape != tensors[name].shape:
                raise ValueError(f"{name}: {tuple(parameter.shape)} here, {tuple(tensors[name].shape)} in the file")
            parameter.copy_(tensors[name])
    known = set(parameters) | {f"gradient.{name}" for name in parameters} | {"images", "labels", "loss"}
    if unknown := set(tensors) - known:
        raise ValueError(f"the network has no tensor {sorted(unknown)}")
    return network.train()
