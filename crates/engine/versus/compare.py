"""Compares this project's training engine with PyTorch: the same networks, weights and batches, timed in turn.

`cargo xtask bench engine --against pytorch` calls it. For each network both must first agree on loss and gradients.
"""

import argparse
import contextlib
import json
import os
import pathlib
import signal
import statistics
import sys
import time
from dataclasses import dataclass

import curves
import report
from engines import Engines, Failed

LEARNED = "experiments/cifar10/genotypes/learned-cell.ron"

# PyTorch's ways to train; see worker.py. What comes later is given up early when it is far behind what came before.
MODES = ["eager+channels_last+keep", "eager+channels_last", "eager+keep", "compile+keep", "compile+channels_last+keep"]

# A mode within this factor of a network's fastest is tried again with other batches and threads.
CLOSE = 1.3

# Seconds that the slower side takes for its part of a round, where steps are short enough.
ROUND = 1.5

# Seconds after which no further round is begun, when there are three.
LONGEST = 120


@dataclass(frozen=True)
class Case:
    """A network, and batches to train it on."""

    name: str
    genotype: str
    skeleton: str
    side: int
    batch: int
    # Images of the batch on which loss and gradients are compared: 64-bit numbers need twice the memory.
    checked: int = 32
    # Whether as many candidates as there are cores fit into memory at once.
    at_once: bool = True

    def words(self, batch):
        """What this project's engine is told."""
        return "case", self.genotype, self.skeleton, self.side, batch, 1

    @property
    def network(self):
        """What decides which of PyTorch's modes is fast."""
        return self.genotype, self.skeleton

    @property
    def title(self):
        """The case in words."""
        return f"{self.name}, {self.side}x{self.side}, batch {self.batch}"


@dataclass(frozen=True)
class Setting:
    """How many threads a candidate has, and how many candidates train at once."""

    name: str
    threads: int
    candidates: int = 1


def cases(quick):
    """The networks and batches that are compared."""
    random = lambda space, seed, *size: Case(f"{space} {seed}", f"random:{seed}:{space}", "small", *size)
    if quick:
        return [Case("learned cell", LEARNED, "small", 32, 64), random("hierarchical", 1, 32, 64)]
    spaces = [("hierarchical", 1), ("hierarchical", 2), ("hierarchical", 3), ("flat", 1), ("flat", 2)]
    return [
        *(Case("learned cell", LEARNED, "small", *size) for size in [(32, 64), (24, 64), (24, 256), (32, 256)]),
        Case("learned cell, large c0=64", LEARNED, "large:64", 32, 32, checked=8, at_once=False),
        *(random(*drawn, *size) for size in [(32, 64), (24, 256)] for drawn in spaces),
    ]


def settings(cores):
    """One candidate on one core, one on all, one on each."""
    many = [Setting(f"{cores} threads", cores), Setting(f"{cores} at once, 1 thread each", 1, cores)]
    return [Setting("1 thread", 1), *(many if cores > 1 else [])]


class Comparison:
    """The run: what was found, and what is still to be looked for."""

    def __init__(self, engines, cores, rounds, compile_limit):
        self.engines, self.cores, self.rounds, self.compile_limit = engines, cores, rounds, compile_limit
        self.checks, self.tried, self.rows, self.missing = [], [], [], []
        # The modes worth trying, by network; the fastest, by case and threads.
        self.short, self.fastest = {}, {}

    def run(self, case, wanted):
        """Checks a case and measures it in every setting."""
        self.check(case)
        self.write(case, case.batch, "timed")
        for setting in wanted:
            if setting.candidates > 1 and not case.at_once:
                continue
            try:
                mode = self.mode(case, setting.threads)
                self.rows.append(self.pair(case, setting, mode))
                print("  " + report.line(self.rows[-1]), flush=True)
            except Failed as failure:
                self.miss(f"{case.title}, {setting.name}: {failure}")

    def folder(self, case, what):
        """Where a case is written."""
        name = f"{case.name}-{case.side}-{case.batch}-{what}"
        return self.engines.out / "cases" / name.replace(" ", "-").replace(",", "")

    def write(self, case, batch, what):
        """Has this project's engine write a case for PyTorch."""
        with self.engines.ours(1) as ours:
            size = ours.ask(*case.words(batch))
            ours.ask("write", self.folder(case, what))
        return size

    def check(self, case):
        """Compares loss and gradients."""
        if any(check["network"] == [*case.network, case.side] for check in self.checks):
            return
        size = self.write(case, case.checked, "checked")
        with self.engines.pytorch(self.cores) as theirs:
            found = theirs.ask("check", self.folder(case, "checked"))
        found |= size | {"case": case.title, "network": [*case.network, case.side], "batch": case.checked}
        found["agree"] = report.agree(found)
        self.checks.append(found)
        print("  " + report.checked(found), flush=True)

    def mode(self, case, threads):
        """PyTorch's fastest way to train the case."""
        if (case, threads) in self.fastest:
            return self.fastest[case, threads]
        tries = {}
        for mode in self.short.get(case.network, MODES):
            self.try_mode(case, threads, mode, tries)
        if not tries:
            raise Failed("no mode of PyTorch could be measured")
        # The machine may have been busy with other work during one try: what is close is tried again, last to first.
        again = close(tries)
        for mode in reversed(again) if len(again) > 1 else ():
            self.try_mode(case, threads, mode, tries)
        self.short.setdefault(case.network, close(tries))
        self.fastest[case, threads] = min(tries, key=tries.get)
        return self.fastest[case, threads]

    def try_mode(self, case, threads, mode, tries):
        """Times one mode, and keeps its fastest step in `tries`."""
        entry = {"case": case.title, "threads": threads, "mode": mode}
        self.tried.append(entry)
        try:
            best = min(tries.values(), default=float("inf"))
            seconds = entry["seconds"] = self.fastest_step(case, threads, mode, best)
        except Failed as failure:
            entry["failure"] = str(failure)
            self.miss(f"{case.title}: PyTorch, {threads} thread(s), {mode}: {failure}")
            return
        tries[mode] = min(seconds, tries.get(mode, seconds))
        print(f"  PyTorch, {threads} thread(s), {mode}: {seconds * 1000:.0f} ms a step", flush=True)

    def fastest_step(self, case, threads, mode, best):
        """Seconds of the fastest of a few steps: of one only, when it is far behind the best so far."""
        if mode.startswith("compile") and not self.compile_limit:
            raise Failed("left out by --no-compile")
        with self.engines.pytorch(threads) as theirs:
            theirs.ask("load", self.folder(case, "timed"), mode)
            theirs.ask("step", 1, limit=self.compile_limit)
            first = theirs.ask("step", 1)["seconds"][0]
            return min(first) if first[0] > 1.5 * best else min(first + theirs.ask("step", 3)["seconds"][0])

    def pair(self, case, setting, mode):
        """Times both in turn, in short rounds, the other one waiting."""
        # In a process of its own: what it copies would count as the peak of a small network.
        with self.engines.ours(setting.threads, setting.candidates) as machine:
            bandwidth = machine.ask("bandwidth")["bytes_a_second"]
        with contextlib.ExitStack() as stack:
            ours = stack.enter_context(self.engines.ours(setting.threads, setting.candidates))
            start = ours.ask("memory")["now"]
            work = ours.ask(*case.words(case.batch))["step"]
            theirs = [stack.enter_context(self.engines.pytorch(setting.threads)) for _ in range(setting.candidates)]
            loaded = [engine.ask("load", self.folder(case, "timed"), mode) for engine in theirs][0]
            for engine in [ours, *theirs]:
                # One after the other: the first that compiles fills the cache for the others.
                slowest([engine], 1, self.compile_limit)
            sides = [("ours", [ours]), ("theirs", theirs)]
            guess = max(slowest(engines, 1) for _, engines in sides)
            steps = max(1, round(ROUND / guess))
            rounds, started = [], time.monotonic()
            while len(rounds) < self.rounds and (len(rounds) < 3 or time.monotonic() - started < LONGEST):
                rounds.append({name: slowest(engines, steps) for name, engines in sides})
                sides.reverse()
            memory = [engine.ask("memory") for engine in theirs]
            ratios = sorted(took["theirs"] / took["ours"] for took in rounds)
            images = case.batch * steps * setting.candidates
            return {
                "case": case.title,
                "setting": setting.name,
                "mode": mode,
                "optimizer": loaded["optimizer"],
                "steps_a_round": steps,
                "rounds": rounds,
                "ratio": statistics.median(ratios),
                "quartiles": statistics.quantiles(ratios, n=4, method="inclusive"),
                "range": [ratios[0], ratios[-1]],
                "ratio_of_fastest": min(took["theirs"] for took in rounds) / min(took["ours"] for took in rounds),
                "images_a_second": {
                    name: images / statistics.median(took[name] for took in rounds) for name in ("ours", "theirs")
                },
                "moved": {
                    "bytes_a_step": work["bytes"],
                    "bytes_a_second": work["bytes"] * setting.candidates * steps
                    / statistics.median(took["ours"] for took in rounds),
                    "bandwidth": bandwidth,
                },
                "peak_bytes": {
                    "ours": ours.ask("memory")["peak"] - start,
                    "theirs": sum(process["peak"] - process["at_rest"] for process in memory),
                },
                "peak_bytes_with_libraries": {
                    "ours": ours.ask("memory")["peak"],
                    "theirs": sum(process["peak"] for process in memory),
                },
            }

    def miss(self, what):
        """Says what was not measured, and keeps it for the end."""
        self.missing.append(what)
        print(f"  not measured: {what}", flush=True)


def close(tries):
    """The modes that may be the fastest, in the order in which they were tried."""
    return [mode for mode in tries if tries[mode] < CLOSE * min(tries.values())]


def slowest(engines, steps, limit=None):
    """Seconds until the last of some processes, which start together, has trained its steps."""
    for engine in engines:
        engine.send("step", steps)
    return max(sum(candidate) for engine in engines for candidate in engine.receive(limit)["seconds"])


def main():
    """Runs what the arguments ask for; exit code 1 when loss or gradients differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", required=True, help="the built example `versus` of hnas-engine")
    parser.add_argument("--out", required=True, type=pathlib.Path, help="folder for cases, results and logs")
    parser.add_argument("--quick", action="store_true", help="two networks only")
    parser.add_argument("--only", default="", help="only cases whose title holds this")
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)), help="cores to use")
    parser.add_argument("--budget", type=float, default=180, help="minutes after which no further case is begun")
    parser.add_argument("--compile-limit", type=float, default=600, help="seconds that torch.compile may take")
    parser.add_argument("--no-compile", action="store_true", help="leaves torch.compile out: minutes a network less")
    parser.add_argument("--curves", action="store_true", help="losses and accuracies of 200 training steps instead of times")
    arguments = parser.parse_args()
    # Ended from outside, the engines are ended as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    engines = Engines(arguments.engine, arguments.out)
    with engines.pytorch(arguments.cores) as theirs:
        about = theirs.ask("about")
    heading = report.heading(about, arguments.cores)
    print(heading, flush=True)
    if arguments.curves:
        return curves.run(engines, arguments.cores)

    started = time.monotonic()
    rounds, compile_limit = 5 if arguments.quick else 9, None if arguments.no_compile else arguments.compile_limit
    comparison = Comparison(engines, arguments.cores, rounds, compile_limit)
    chosen = [case for case in cases(arguments.quick) if arguments.only in case.title]
    if not chosen:
        parser.error(f"no case's title holds {arguments.only!r}")
    for case in chosen:
        print(case.title, flush=True)
        try:
            if time.monotonic() - started > arguments.budget * 60:
                raise Failed(f"the {arguments.budget:.0f} minutes were used up")
            comparison.run(case, settings(arguments.cores))
        except Failed as failure:
            comparison.miss(f"{case.title}: {failure}")
        tables = report.whole(heading, comparison)
        (arguments.out / "results.md").write_text(tables + "\n")
        results = {name: getattr(comparison, name) for name in ("checks", "tried", "rows", "missing")}
        (arguments.out / "results.json").write_text(json.dumps({"about": about} | results, indent=1) + "\n")
    print(f"\n{tables}\n\nAll numbers: {arguments.out / 'results.json'}", flush=True)
    agree = [check["agree"] for check in comparison.checks]
    return 0 if agree and all(agree) else 1


if __name__ == "__main__":
    sys.exit(main())
