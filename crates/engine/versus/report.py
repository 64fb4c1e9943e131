"""What the comparison prints."""

import os
import pathlib


def heading(about, cores):
    """The machine and PyTorch."""
    models = [line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    load = os.getloadavg()[0]
    return (
        f"{models[0] if models else 'processor unknown'}, {cores} of {os.cpu_count()} cores, load {load:.1f} at the start; "
        f"PyTorch {about['version']} ({about['capability']})"
    )


def agree(found):
    """Whether loss and gradients are those of a correct implementation in 32 bits.

    The loss differs by rounding only. A gradient that flips sides at a ReLU or a maximum changes the others a little: two
    correct implementations differ by up to a hundredth or so in a whole network, so PyTorch's own error is the measure.
    """
    ours, theirs = found["ours"], found["theirs"]
    return ours["loss"] < 1e-5 and ours["whole"] < max(1e-3, 5 * theirs["whole"])


def checked(found):
    """One comparison of loss and gradients."""
    ours, theirs = found["ours"], found["theirs"]
    return (
        f"{'same loss and gradients' if found['agree'] else 'OTHER LOSS OR GRADIENTS'}: relative to PyTorch in 64 bits, "
        f"loss {ours['loss']:.0e} (PyTorch in 32 bits: {theirs['loss']:.0e}), gradients {ours['whole']:.0e} ({theirs['whole']:.0e}), "
        f"worst tensor {ours['worst']:.0e} {ours['tensor']} ({theirs['worst']:.0e} {theirs['tensor']})"
    )


def line(row):
    """One measurement."""
    low, _, high = row["quartiles"]
    images, peak = row["images_a_second"], row["peak_bytes"]
    return (
        f"{row['setting']}: {row['ratio']:.2f} times PyTorch's speed (quartiles {low:.2f} to {high:.2f}, "
        f"range {row['range'][0]:.2f} to {row['range'][1]:.2f}); {images['ours']:.0f} against {images['theirs']:.0f} images/s, "
        f"{peak['ours'] / 1e6:.0f} against {peak['theirs'] / 1e6:.0f} MB; {row['mode']}"
    )


def whole(comparison, out):
    """All tables, in Markdown."""
    head = ["case", "setting", "PyTorch's fastest mode", "speed ratio", "quartiles", "range", "hnas images/s", "PyTorch images/s",
            "hnas peak MB", "PyTorch peak MB"]
    rows = []
    for row in comparison.rows:
        low, _, high = row["quartiles"]
        numbers = [*row["images_a_second"].values(), *(peak / 1e6 for peak in row["peak_bytes"].values())]
        span = f"{row['range'][0]:.2f}-{row['range'][1]:.2f}"
        rows.append([row["case"], row["setting"], row["mode"], f"**{row['ratio']:.2f}**", f"{low:.2f}-{high:.2f}", span,
                     *(f"{number:.0f}" for number in numbers)])
    text = ["", "Speed ratio: PyTorch's seconds divided by ours, the median over rounds taken in turn; above 1 we are faster.",
            "Peak: what a process held at most, without what it held before it had a network.", "", table(head, rows), ""]
    checks = [[check["case"], check["batch"], check["parameters"], *(f"{check[who][what]:.1e}" for what in ("loss", "whole", "worst")
              for who in ("ours", "theirs")), "yes" if check["agree"] else "NO"] for check in comparison.checks]
    text += ["Errors relative to PyTorch in 64 bits:", "", table(["network", "batch", "parameters", "loss, hnas", "loss, PyTorch",
             "gradients, hnas", "gradients, PyTorch", "worst tensor, hnas", "worst tensor, PyTorch", "agree"], checks), ""]
    text += [f"Not measured: {what}" for what in comparison.missing]
    text = "\n".join(text)
    (out / "results.md").write_text(text + "\n")
    return text + f"\nAll numbers: {out / 'results.json'}"


def table(head, rows):
    """A table in Markdown, its columns aligned."""
    rows = [head, *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])
