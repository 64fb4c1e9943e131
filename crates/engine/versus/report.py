"""What the comparison prints."""

import os
import pathlib


def heading(about, cores):
    """The machine and PyTorch."""
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if "model name" in line), "processor unknown")
    return (
        f"{model}, {cores} of {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start; "
        f"PyTorch {about['version']} ({about['capability']})"
    )


def agree(found):
    """Whether loss and gradients are those of a correct implementation in 32 bits.

    The loss differs by rounding only. Where rounding turns a ReLU or a maximum over, gradients differ by more: two
    correct implementations by up to a hundredth or so in a whole network, so PyTorch's own error is the measure.
    """
    ours, theirs = found["ours"], found["theirs"]
    least = {"loss": 1e-5, "whole": 1e-2, "worst": 5e-2}
    return all(ours[what] < max(bound, 5 * theirs[what]) for what, bound in least.items())


def checked(found):
    """One comparison of loss and gradients."""
    ours, theirs = found["ours"], found["theirs"]
    return (
        f"{'same loss and gradients' if found['agree'] else 'OTHER LOSS OR GRADIENTS'}; away from PyTorch in 64 bits: "
        f"loss {ours['loss']:.0e} (PyTorch in 32 bits {theirs['loss']:.0e}), "
        f"gradients {ours['whole']:.0e} ({theirs['whole']:.0e}), "
        f"worst tensor {ours['worst']:.0e} {ours['tensor']} ({theirs['worst']:.0e} {theirs['tensor']})"
    )


def line(row):
    """One measurement."""
    images, peak = row["images_a_second"], row["peak_bytes"]
    return (
        f"{row['setting']}: {row['ratio']:.2f} times PyTorch's speed (quartiles {quartiles(row)}, range {span(row)}, "
        f"fastest rounds {row['ratio_of_fastest']:.2f}); "
        f"{images['ours']:.0f} against {images['theirs']:.0f} images/s, "
        f"{peak['ours'] / 1e6:.0f} against {peak['theirs'] / 1e6:.0f} MB; {row['mode']}"
    )


def quartiles(row):
    """The first and the third."""
    low, _, high = row["quartiles"]
    return f"{low:.2f}-{high:.2f}"


def span(row):
    """The least and the largest ratio."""
    return "-".join(f"{ratio:.2f}" for ratio in row["range"])


MEASURED = {
    "case": lambda row: row["case"],
    "setting": lambda row: row["setting"],
    "PyTorch's fastest mode": lambda row: row["mode"],
    "speed ratio": lambda row: f"**{row['ratio']:.2f}**",
    "quartiles": quartiles,
    "range": span,
    "fastest rounds": lambda row: f"{row['ratio_of_fastest']:.2f}",
    "hnas images/s": lambda row: f"{row['images_a_second']['ours']:.0f}",
    "PyTorch images/s": lambda row: f"{row['images_a_second']['theirs']:.0f}",
    "hnas peak MB": lambda row: f"{row['peak_bytes']['ours'] / 1e6:.0f}",
    "PyTorch peak MB": lambda row: f"{row['peak_bytes']['theirs'] / 1e6:.0f}",
    "hnas GB/s": lambda row: f"{row['moved']['bytes_a_second'] / 1e9:.1f}",
    "machine GB/s": lambda row: f"{row['moved']['bandwidth'] / 1e9:.1f}",
}

CHECKED = {
    "network": lambda found: found["case"],
    "batch": lambda found: found["batch"],
    "parameters": lambda found: found["parameters"],
    "loss, hnas": lambda found: f"{found['ours']['loss']:.1e}",
    "loss, PyTorch": lambda found: f"{found['theirs']['loss']:.1e}",
    "gradients, hnas": lambda found: f"{found['ours']['whole']:.1e}",
    "gradients, PyTorch": lambda found: f"{found['theirs']['whole']:.1e}",
    "worst tensor, hnas": lambda found: f"{found['ours']['worst']:.1e}",
    "worst tensor, PyTorch": lambda found: f"{found['theirs']['worst']:.1e}",
    "agree": lambda found: "yes" if found["agree"] else "NO",
}


def whole(heading, comparison):
    """All tables, in Markdown."""
    return "\n".join(
        [
            heading,
            "",
            "Speed ratio: PyTorch's seconds divided by ours, the median over rounds; above 1 we are faster.",
            "Fastest rounds: the ratio of each side's own fastest, since other work on the machine only slows.",
            "hnas GB/s: what the steps read and write, each map once for each step that touches it, some of it in caches;",
            "machine GB/s: what as many threads copy in large pieces, read and written.",
            "Peak: the most that a process held, less what it held before it had a network.",
            "",
            columns(MEASURED, comparison.rows),
            "",
            "Errors of both in 32 bits, relative to PyTorch in 64 bits:",
            "",
            columns(CHECKED, comparison.checks),
            "",
            *(f"- Not measured: {what}" for what in comparison.missing),
        ]
    )


def columns(cells, rows):
    """A table whose cells are computed from each row."""
    return table(list(cells), [[cell(row) for cell in cells.values()] for row in rows])


def table(head, rows):
    """A table in Markdown, its columns aligned."""
    rows = [head, *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])
