"""Trainings by both engines: the same first weights, the same batches, the same recipe.

Rounding alone drives two trainings apart, so how far is the question. PyTorch in 64 bits is the truth; PyTorch in 32
bits with two memory layouts, whose kernels sum in different orders, shows how far correct 32-bit trainings stray.
"""

import json
import math
import statistics
import time

import report
from engines import Failed

SIDE, BATCH = 24, 32
STEPS = 200
# Of the first weights.
SEEDS = [1, 2, 3]
# Losses are averaged over this many steps before they are compared: single batches jump.
WINDOW = 20

OURS, TRUE = "hnas, 32 bits", "PyTorch, 64 bits"
# What PyTorch is asked for: the type, and the layout that is fastest for it or sums in another order.
PYTORCH = {
    "PyTorch, 32 bits": ("float32", "channels_last"),
    "PyTorch, 32 bits, NCHW": ("float32", "contiguous"),
    TRUE: ("float64", "contiguous"),
}
COLOURS = dict(zip([OURS, *PYTORCH], ["#d1495b", "#00798c", "#edae49", "#555555"]))


def case(seed):
    """The network, and the seed of its first weights."""
    return "case", "experiments/cifar10/genotypes/learned-cell.ron", "small", SIDE, BATCH, seed


def run(engines, cores):
    """Trains with each seed, draws the losses, and says how far losses and accuracies are apart."""
    data, trained = "cifar10", {}
    for seed in SEEDS:
        folder = engines.out / "cases" / f"curve-{seed}"
        for name in COLOURS:
            started = time.monotonic()
            if name == OURS:
                training, data = ours(engines, cores, folder, seed, data)
            else:
                with engines.pytorch(cores) as theirs:
                    training = theirs.ask("curve", folder, *PYTORCH[name])
            trained.setdefault(name, []).append(training)
            took = time.monotonic() - started
            print(f"seed {seed}, {name}: accuracy {training['accuracy']:.1%}, {took:.0f} s", flush=True)
            kept = {"data": data, "seeds": SEEDS, "trainings": trained}
            (engines.out / "curves.json").write_text(json.dumps(kept, indent=1) + "\n")
    title = f"{STEPS} steps of {BATCH} images of {data}, {SIDE}x{SIDE}"
    (engines.out / "curves.svg").write_text(drawing(trained, title))
    print(report.table(*rows(trained)))
    print(
        f"Losses are means over {WINDOW} steps, distances are of such means to those of PyTorch in 64 bits, all over "
        f"seeds {SEEDS}; drawn in {engines.out / 'curves.svg'}.\n"
        "Accuracy: on the same 1000 images that nobody trained on; mean and standard deviation over the seeds."
    )
    return 0


def ours(engines, cores, folder, seed, data):
    """Writes weights and batches for all, and trains on them with this project's engine; on what data."""
    with engines.ours(cores) as engine:
        engine.ask(*case(seed))
        try:
            return engine.ask("curve", folder, STEPS, data), data
        except Failed as failure:
            if data == "made-up":
                raise
            print(f"made-up images, since CIFAR-10 cannot be read: {failure}", flush=True)
            return engine.ask("curve", folder, STEPS, "made-up"), "made-up"


def rows(trained):
    """A line for each way of training."""
    head = ["training", "first loss", f"loss of the last {WINDOW} steps", "mean distance", "largest", "accuracy"]
    lines = []
    for name, trainings in trained.items():
        first = statistics.mean(training["losses"][0] for training in trainings)
        last = statistics.mean(statistics.mean(training["losses"][-WINDOW:]) for training in trainings)
        apart = [distance for one in distances(trainings, trained[TRUE], smoothed) for distance in one]
        away = ["", ""] if name == TRUE else [f"{statistics.mean(apart):.4f}", f"{max(apart):.4f}"]
        lines.append([name, f"{first:.7f}", f"{last:.4f}", *away, score(trainings)])
    return head, lines


def score(trainings):
    """Mean, spread and number."""
    accuracies = [training["accuracy"] for training in trainings]
    spread = statistics.stdev(accuracies)
    return f"{statistics.mean(accuracies):.1%} +- {spread:.1%} (n = {len(accuracies)})"


def smoothed(losses):
    """Means over a moving window."""
    return [statistics.mean(losses[at : at + WINDOW]) for at in range(len(losses) - WINDOW + 1)]


def distances(trainings, true, prepare=list):
    """For each seed the distance of the losses to the true ones, step by step."""
    pairs = zip(trainings, true, strict=True)
    return [[abs(a - b) for a, b in zip(*(prepare(one["losses"]) for one in pair))] for pair in pairs]


def drawing(trained, title):
    """Losses of the first seed above, distances of each step's loss to the true one below, as SVG."""
    losses = {name: trainings[0]["losses"] for name, trainings in trained.items()}
    apart = {}
    for name, trainings in trained.items():
        if name != TRUE:
            # The geometric mean over seeds; a float of 32 bits has no distance below 1e-8 that means anything.
            logarithms = [[math.log10(max(d, 1e-8)) for d in one] for one in distances(trainings, trained[TRUE])]
            apart[name] = [statistics.mean(column) for column in zip(*logarithms)]
    upper = Panel(40, 300, STEPS, [value for line in losses.values() for value in line])
    lower = Panel(400, 220, STEPS, [value for line in apart.values() for value in line], whole=True)
    parts = [f'<text x="{Panel.left}" y="24" font-size="15">Training loss, seed {SEEDS[0]}: {title}</text>']
    parts += upper.axes(lambda loss: f"{loss:.2f}")
    for number, (name, line) in enumerate(losses.items()):
        parts += upper.line(line, COLOURS[name])
        parts.append(f'<text x="{Panel.right - 170}" y="{58 + 18 * number}" fill="{COLOURS[name]}">{name}</text>')
    words = f"Distance of a step's loss to that of PyTorch in 64 bits, geometric mean of seeds {SEEDS[0]} to {SEEDS[-1]}"
    parts.append(f'<text x="{Panel.left}" y="386" font-size="15">{words}</text>')
    parts += lower.axes(lambda power: f"{10.0**power:.0e}")
    for name, line in apart.items():
        parts += lower.line(line, COLOURS[name])
    parts.append(f'<text x="{(Panel.left + Panel.right) / 2}" y="664" text-anchor="middle">step</text>')
    body = "\n".join(parts)
    page = 'viewBox="0 0 720 680" font-family="sans-serif" font-size="12"'
    white = '<rect width="720" height="680" fill="white"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {page}>\n{white}\n{body}\n</svg>\n'


class Panel:
    """Axes of a drawing: steps across, values upwards."""

    left, right = 60, 700

    def __init__(self, top, height, count, values, whole=False):
        self.top, self.height, self.count = top, height, count
        self.low, self.high = min(values), max(values)
        if whole:
            self.low, self.high = math.floor(self.low), math.ceil(self.high)
        self.ticks = self.high - self.low if whole else 5

    def x(self, step):
        """Where a step is, in points; the first is 0."""
        return self.left + (self.right - self.left) * step / (self.count - 1)

    def y(self, value):
        """Where a value is, in points."""
        return self.top + self.height * (self.high - value) / (self.high - self.low)

    def axes(self, label):
        """Lines and numbers of the values, numbers of the steps."""
        parts = []
        for tick in range(self.ticks + 1):
            value = self.low + (self.high - self.low) * tick / self.ticks
            y = self.y(value)
            parts.append(f'<line x1="{self.left}" x2="{self.right}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
            parts.append(f'<text x="{self.left - 8}" y="{y + 4:.1f}" text-anchor="end">{label(value)}</text>')
        for tick in range(6):
            step = round((self.count - 1) * tick / 5)
            y = self.top + self.height + 20
            parts.append(f'<text x="{self.x(step):.1f}" y="{y}" text-anchor="middle">{step + 1}</text>')
        return parts

    def line(self, values, colour):
        """Values of all steps, faintly, and their means over the window."""
        points = lambda pairs: " ".join(f"{self.x(step):.1f},{self.y(value):.1f}" for step, value in pairs)
        stroke = f'fill="none" stroke="{colour}"'
        means = points(enumerate(smoothed(values), WINDOW // 2))
        return [
            f'<polyline points="{points(enumerate(values))}" {stroke} stroke-width="0.7" opacity="0.35"/>',
            f'<polyline points="{means}" {stroke} stroke-width="2"/>',
        ]
