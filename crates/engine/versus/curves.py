"""Losses of one training by both engines: the same first weights, the same batches, the same recipe."""

import json
import statistics

import report
from engines import Failed

CASE = ("case", "experiments/cifar10/genotypes/learned-cell.ron", "small", 24, 32, 1)
STEPS = 200
# Losses are smoothed over this many steps before they are compared: single batches jump.
WINDOW = 20

COLOURS = {"hnas, 32 bits": "#d1495b", "PyTorch, 32 bits": "#00798c", "PyTorch, 64 bits": "#555555"}


def run(engines, cores):
    """Trains three times, draws the losses, and says how far they are apart."""
    folder = engines.out / "cases" / "curve"
    with engines.ours(cores) as ours:
        ours.ask(*CASE)
        data = "cifar10"
        try:
            losses = ours.ask("curve", folder, STEPS, data)["losses"]
        except Failed as failure:
            print(f"made-up images, since CIFAR-10 cannot be read: {failure}", flush=True)
            data = "made-up"
            losses = ours.ask("curve", folder, STEPS, data)["losses"]
    found = {"hnas, 32 bits": losses}
    for bits in (32, 64):
        with engines.pytorch(cores) as theirs:
            found[f"PyTorch, {bits} bits"] = theirs.ask("curve", folder, f"float{bits}")["losses"]
    (engines.out / "curves.json").write_text(json.dumps({"data": data, "losses": found}, indent=1) + "\n")
    (engines.out / "curves.svg").write_text(drawing(found, f"{STEPS} steps of {CASE[4]} images of {data}, {CASE[3]}x{CASE[3]}"))
    smooth = {name: smoothed(losses) for name, losses in found.items()}
    true = smooth["PyTorch, 64 bits"]
    rows = []
    for name, losses in found.items():
        apart = [abs(a - b) for a, b in zip(smooth[name], true)]
        rows.append([name, f"{losses[0]:.6f}", f"{smooth[name][-1]:.4f}", f"{statistics.mean(apart):.4f}", f"{max(apart):.4f}"])
    last = f"mean of the last {WINDOW}"
    print(report.table(["training", "first loss", last, "mean distance to 64 bits", "largest"], rows))
    print(f"distances are between means over {WINDOW} steps; drawn in {engines.out / 'curves.svg'}")
    return 0


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
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">\n'
        f'<rect width="{width}" height="{height}" fill="white"/>\n{body}\n</svg>\n'
    )
