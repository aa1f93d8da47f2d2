"""Cards of replicas drawn at random from a study, in an order that a seed fixes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.replica import replica_card
from analysis.record.loading import Record
from analysis.record.snapshots import Snapshots, pictured, snapshots
from analysis.results.density import Densities, densities
from analysis.results.replica import ReplicaCurves, replica_curves

SEEN = ("completed", "diverged")  # statuses of trials whose replicas have an outcome that can be seen


@dataclass(frozen=True)
class Card:
    """A replica under a number; `samples` are densities for data of one dimension, None where they cannot be drawn."""

    number: int
    curves: ReplicaCurves
    samples: Snapshots | Densities | None

    def figure(self, titled: bool = True) -> Figure:
        """The card as a figure, two columns of a page wide; `titled` with its number."""
        return replica_card(self.curves, self.samples, str(self.number) if titled else "")


def draw(record: Record, folder: Path, count: int, seed: int) -> list[Card]:
    """At most `count` replicas drawn at random, without replacement, from those that ended and have pictures.

    Args:
        record: of the study.
        folder: the study's, whose `trials/` has the pictures.
        count: cards wanted.
        seed: of the draw; the first cards of a larger count are those of a smaller one.
    """
    trials = record.trials[record.trials["status"].isin(SEEN) & (record.trials["steps"] > 0)]
    trials = trials.assign(trial_id=trials["trial_id"].astype(str)).sort_values(["trial_id", "seed"])
    order = np.random.default_rng(seed).permutation(len(trials))
    found: list[Card] = []
    for replica, samples in _with_pictures(trials.iloc[order], folder):
        if len(found) == count:
            break
        found.append(Card(len(found) + 1, replica_curves(record, replica), _drawable(samples)))
    return found


def _with_pictures(trials: pd.DataFrame, folder: Path) -> Iterator[tuple[pd.Series, Snapshots]]:
    for _, replica in trials.iterrows():
        seeds = pictured(folder, replica["trial_id"])
        if replica["seed"] not in seeds:
            continue
        samples = snapshots(folder, str(replica["arm"]), replica["trial_id"], seeds.index(replica["seed"]))
        if samples is not None:
            yield replica, samples


def _drawable(samples: Snapshots) -> Snapshots | Densities | None:
    if samples.kind == "line":
        return densities(samples)
    return samples if samples.kind in ("plane", "images") else None
