"""A picture of two metrics, each generator's rank by the metric against its rank by the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import rankdata

from analysis.colours import BLUE, MUTED, RULE, VERMILION
from benchmarks.measuring import SAMPLES, Measured
from benchmarks.ranking import spearman

LOOKS = ((BLUE, "o"), (VERMILION, "^"))


def draw(groups: Mapping[str, Measured], names: Sequence[str], chosen: Sequence[str], path: Path) -> None:
    """Write a PNG with a panel for each of the chosen candidates; the truth is the first one."""
    figure = Figure(figsize=(6.4, 3.3), layout="constrained", dpi=110)
    panels = figure.subplots(1, len(chosen), sharex=True, sharey=True)
    for axes, name in zip(panels, chosen, strict=True):
        axes.plot([0, 1], [0, 1], color=RULE, linewidth=1)
        found = []
        for (data, group), (colour, marker) in zip(groups.items(), LOOKS, strict=True):
            pair = np.stack([group.columns[len(names)], group.columns[names.index(name)]])
            truth, metric = (rankdata(pair, axis=1) - 0.5) / pair.shape[1]
            found.append(spearman(pair)[0, 1])
            axes.scatter(truth, metric, s=12, color=colour, marker=marker, alpha=0.7, linewidths=0, label=data)
        axes.set_title(f"{name}: correlation {np.mean(found):.2f}", fontsize=9)
        axes.set_xlabel("rank by the true density divergence, 0 the best", fontsize=8)
        axes.tick_params(labelsize=7, colors=MUTED)
        axes.set_aspect("equal")
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel(f"rank by the metric at {SAMPLES:,} samples", fontsize=8)
    panels[0].legend(fontsize=7, frameon=False, loc="upper left")
    figure.savefig(path)
