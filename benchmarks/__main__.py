"""Run the benchmarks and print their table; `make bench` runs all of them, in about a quarter of an hour.

    python -m benchmarks [NAME ...] [--write] [--turns N]

NAME is population, pack, noop_trials, study_end_to_end, frechet, record_reading or report, or an experiment, which
runs only when named: convolutions or outcome_rule (two minutes), near_the_data (one), searched_metric (six), workers
(ten), calibration or rounds (fifteen). `--write` keeps in benchmarks/results.md what ran, in place of what stands
there: the table, and each experiment's section.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torchmetrics.image.fid import _compute_fid

from benchmarks import (
    calibration,
    convolutions,
    frechet,
    near_the_data,
    noop_trials,
    outcome_rule,
    packs,
    population,
    record_reading,
    report,
    rounds,
    searched_metric,
    study_end_to_end,
    workers,
)
from benchmarks.comparison import Comparison, in_turns, provenance, table
from trainables.metrics.frechet import frechet_between, gaussian_from_moments

RESULTS = Path(__file__).with_name("results.md")
FEATURES = 2048


def compare_frechet(turns: int = 2) -> list[Comparison]:
    """FID from moments, against scipy once and against torchmetrics in turns; the reference is factored every time."""
    torch.set_num_threads(1)
    samples = [frechet.images(3 * FEATURES // 2, FEATURES, seed) for seed in (0, 1)]
    (mean, covariance), (other_mean, other) = ((x.mean(0), torch.cov(x.T)) for x in samples)
    moments = (mean, covariance, other_mean, other)

    def ours() -> float:
        reference = gaussian_from_moments(other_mean, other)
        return float(frechet_between(mean[None], covariance[None], reference))

    peers: dict[str, tuple[int, float, Callable[[], float]]] = {
        "scipy.linalg.sqrtm": (1, 20.0, lambda: frechet.by_scipy(*moments)),
        "torchmetrics": (turns, 1.5, lambda: float(_compute_fid(*moments))),
    }
    found = []
    for name, (times, target, theirs) in peers.items():
        pairs = in_turns(times, lambda theirs=theirs: frechet.timed(1, theirs), lambda: frechet.timed(1, ours))  # type: ignore[misc]
        apart = max(abs(their - our) / our for (_, their), (_, our) in pairs)
        found.append(
            Comparison(
                what=f"Fréchet distance of {FEATURES} features",
                peer=name,
                unit="s",
                turns=[(peer, mine) for (peer, _), (mine, _) in pairs],
                target=target,
                predicted=frechet.PREDICTED[name] / frechet.PREDICTED["ours, cold"],
                method=f"processor time on one thread, {times} turn(s); they differ by {apart:.0e} relative",
            )
        )
    return found


BENCHMARKS: dict[str, Callable[..., list[Comparison]]] = {
    "population": population.compare,
    "pack": packs.compare,
    "noop_trials": noop_trials.compare,
    "study_end_to_end": study_end_to_end.compare,
    "frechet": compare_frechet,
    "record_reading": record_reading.compare,
    "report": report.compare,
}
EXPERIMENTS: dict[str, Callable[[bool], str]] = {
    "convolutions": convolutions.section,
    "outcome_rule": outcome_rule.section,
    "searched_metric": searched_metric.section,
    "near_the_data": near_the_data.section,
    "calibration": calibration.section,
    "rounds": rounds.section,
    "workers": workers.section,
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Ratios against named peers.")
    about = f"of {', '.join(BENCHMARKS)}, all by default; or an experiment, {', '.join(EXPERIMENTS)}"
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, *EXPERIMENTS, []], metavar="NAME", help=about)
    parser.add_argument("--turns", type=int, help="how often each peer and we take turns (default: each one's own)")
    parser.add_argument("--write", action="store_true", help=f"keep what ran in benchmarks/{RESULTS.name}")
    options = parser.parse_args(arguments)
    rows: list[Comparison] = []
    sections: list[str] = []
    for name in options.names or BENCHMARKS:
        print(f"{name} …", file=sys.stderr, flush=True)
        if name in EXPERIMENTS:
            sections.append(EXPERIMENTS[name](options.write))
            continue
        found = BENCHMARKS[name](*([options.turns] if options.turns else []))
        print(table(found), file=sys.stderr, flush=True)
        rows += found
    if rows:
        sections.insert(0, f"# Benchmarks\n\n{provenance()}\n\n{table(rows)}\n")
    print("\n".join(sections))
    if options.write:
        before = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
        RESULTS.write_text(renewed(before, sections), encoding="utf-8")


def renewed(page: str, sections: Sequence[str]) -> str:
    """A page of sections, the first of which is headed `# ` and the others `## `, with some of them replaced by those
    of the same heading or added; what stands before the first `## ` is one section whatever its heading says."""
    kept = {_heading(part): part for part in re.split(r"^(?=## )", page, flags=re.MULTILINE) if part}
    for section in sections:
        kept[_heading(section)] = section
    return "\n".join(part.rstrip("\n") + "\n" for part in kept.values())


def _heading(section: str) -> str:
    return section.splitlines()[0] if section.startswith("## ") else "#"


if __name__ == "__main__":
    main()
