"""Trainings by both engines: the same first weights, the same batches, the same recipe. Losses of one, accuracy of some."""

import json
import statistics

import report
from engines import Failed

SIDE, BATCH = 24, 32
STEPS = 200
# Of the first weights; losses are compared for the first of them.
SEEDS = [1, 2, 3]
# Losses are smoothed over this many steps before they are compared: single batches jump.
WINDOW = 20

COLOURS = {"hnas, 32 bits": "#d1495b", "PyTorch, 32 bits": "#00798c", "PyTorch, 64 bits": "#555555"}


def case(seed):
    """The network, and the seed of its first weights."""
    return "case", "experiments/cifar10/genotypes/learned-cell.ron", "small", SIDE, BATCH, seed


def run(engines, cores):
    """Trains with each seed, draws the losses of the first, and says how far losses and accuracies are apart."""
    found, accuracies, data = {}, {}, "cifar10"
    for seed in SEEDS:
        folder = engines.out / "cases" / f"curve-{seed}"
        with engines.ours(cores) as ours:
            ours.ask(*case(seed))
            try:
                training = ours.ask("curve", folder, STEPS, data)
            except Failed as failure:
                if data == "made-up":
                    raise
                print(f"made-up images, since CIFAR-10 cannot be read: {failure}", flush=True)
                data = "made-up"
                training = ours.ask("curve", folder, STEPS, data)
        trainings = {"hnas, 32 bits": training}
        for bits in (32, 64) if seed == SEEDS[0] else (32,):
            with engines.pytorch(cores) as theirs:
                trainings[f"PyTorch, {bits} bits"] = theirs.ask("curve", folder, f"float{bits}")
        for name, training in trainings.items():
            accuracies.setdefault(name, []).append(training["accuracy"])
            if seed == SEEDS[0]:
                found[name] = training["losses"]
        print(f"seed {seed}: " + ", ".join(f"{name} {t['accuracy']:.1%}" for name, t in trainings.items()), flush=True)
    kept = {"data": data, "losses": found, "accuracies": accuracies}
    (engines.out / "curves.json").write_text(json.dumps(kept, indent=1) + "\n")
    title = f"{STEPS} steps of {BATCH} images of {data}, {SIDE}x{SIDE}"
    (engines.out / "curves.svg").write_text(drawing(found, title))
    smooth = {name: smoothed(losses) for name, losses in found.items()}
    true = smooth["PyTorch, 64 bits"]
    rows = []
    for name, losses in found.items():
        apart = [abs(a - b) for a, b in zip(smooth[name], true)]
        numbers = smooth[name][-1], statistics.mean(apart), max(apart)
        rows.append([name, f"{losses[0]:.6f}", *(f"{number:.4f}" for number in numbers), score(accuracies[name])])
    last = f"mean of the last {WINDOW}"
    head = ["training", "first loss", last, "mean distance to 64 bits", "largest", "accuracy after the last step"]
    print(report.table(head, rows))
    print(f"Distances are between means over {WINDOW} steps; drawn in {engines.out / 'curves.svg'}.")
    print(f"Accuracy: on the same 1000 images that nobody trained on; mean and standard deviation over seeds {SEEDS}.")
    return 0


def score(accuracies):
    """Mean, spread and number."""
    if len(accuracies) < 2:
        return f"{accuracies[0]:.1%} (n = 1)"
    return f"{statistics.mean(accuracies):.1%} +- {statistics.stdev(accuracies):.1%} (n = {len(accuracies)})"


def smoothed(losses):
    """Means over a moving window."""
    return [statistics.mean(losses[at : at + WINDOW]) for at in range(len(losses) - WINDOW + 1)]


def drawing(found, title):
    """The smoothed losses over the raw ones, as SVG."""
    width, height, left, top, right, bottom = 720, 400, 60, 40, 20, 50
    count = len(next(iter(found.values())))
    high = max(max(losses) for losses in found.values())
    low = min(min(losses) for losses in found.values())
    x = lambda step: left + (width - left - right) * step / (count - 1)
    y = lambda loss: top + (height - top - bottom) * (high - loss) / (high - low)
    path = lambda points: " ".join(f"{x(step):.1f},{y(loss):.1f}" for step, loss in points)
    parts = [f'<text x="{left}" y="24" font-size="15">Training loss: {title}</text>']
    for tick in range(6):
        loss, step = low + (high - low) * tick / 5, round((count - 1) * tick / 5)
        parts.append(f'<line x1="{left}" x2="{width - right}" y1="{y(loss):.1f}" y2="{y(loss):.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 8}" y="{y(loss) + 4:.1f}" text-anchor="end">{loss:.2f}</text>')
        parts.append(f'<text x="{x(step):.1f}" y="{height - bottom + 20}" text-anchor="middle">{step + 1}</text>')
    parts.append(f'<text x="{(left + width) / 2}" y="{height - 10}" text-anchor="middle">step</text>')
    for number, (name, losses) in enumerate(found.items()):
        colour = COLOURS[name]
        line = f'fill="none" stroke="{colour}"'
        parts.append(f'<polyline points="{path(enumerate(losses))}" {line} stroke-width="0.7" opacity="0.35"/>')
        middle = enumerate(smoothed(losses), WINDOW // 2)
        parts.append(f'<polyline points="{path(middle)}" {line} stroke-width="2"/>')
        parts.append(f'<text x="{width - right - 150}" y="{top + 18 + 18 * number}" fill="{colour}">{name}</text>')
    body = "\n".join(parts)
    page = f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12"'
    white = f'<rect width="{width}" height="{height}" fill="white"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {page}>\n{white}\n{body}\n</svg>\n'
