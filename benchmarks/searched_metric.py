"""Which number should a search on mixtures follow? The one that ranks generators as the truth does.

Some hundred and fifty trained generators of a ring and a grid (`benchmarks.generators`) are measured by every candidate
(`benchmarks.candidates`) on as many samples as a study draws, twice; their truth is taken from far more
(`benchmarks.truths`). Everything is computed within a data set, and averaged over the two.

    python -m benchmarks searched_metric

Truths favour the candidates that are the same thing from fewer samples: density_js, high_quality and, of balance,
mode_js.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.stats import kendalltau

from benchmarks.candidates import candidates
from benchmarks.comparison import markdown, provenance
from benchmarks.generators import trained
from benchmarks.measuring import SAMPLES, TRUTH_SAMPLES, Measured, measured, seen
from benchmarks.rank_picture import draw
from benchmarks.ranking import TRIALS, Correlations, Floats, correlations, regret, spearman, wrong_pairs
from benchmarks.truths import SIGNS
from trainables.data import load

DATA = ("ring", "grid")
TRUTHS = tuple(SIGNS)
BLIND = 3.0  # standard deviations of a perfect generator's own measurement, below which nothing is seen
REFERENCE, BEST = "fid", "mass_js"  # drawn; the others are compared with the latter
TITLE = "Which number a search on mixtures should follow"
PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "searched_metric.png"
PREDICTED = {  # Spearman's correlation with density_js, written down before the first run
    "fid": 0.35, "mass_js": 0.98, "mass_tv": 0.97, "ball_js": 0.97, "sliced_wasserstein": 0.6,
    "energy": 0.6, "multiscale_mmd": 0.9, "mmd": 0.45, "density_js": 0.98, "mode_js": 0.5, "high_quality": 0.9,
    "coverage": 0.85,
}  # fmt: skip


def section(keep_picture: bool) -> str:
    """Train, measure and rank; Markdown, and the picture where it is to be kept."""
    torch.set_num_threads(1)
    groups, apart, names = [], {}, [""]
    for name in DATA:
        data = load(name=name)
        ways = candidates(data, SAMPLES)
        names = list(ways)
        assert data.mixture is not None
        groups.append(measured(data.mixture, trained(data), ways))
        apart[name] = seen(data.mixture, ways)
    if keep_picture:
        draw(dict(zip(DATA, groups, strict=True)), names, (REFERENCE, BEST), PICTURE)
    counts = " and ".join(
        f"{len(group.trainings)} generators of the {name}" for name, group in zip(DATA, groups, strict=True)
    )
    found = verdicts(names, groups)
    return f"""## {TITLE}

{provenance()} {counts},
measured at {SAMPLES:,} samples and judged by 2 x {TRUTH_SAMPLES:,} (`python -m benchmarks {Path(__file__).stem}`).

*came* is Spearman's correlation with the true JS divergence of the density, with 95 % of resampled trainings;
*better half* the same among the truly better half. *wrong pairs*, and *regret*, what is lost when the best of {TRIALS}
is chosen by the metric, are by that divergence and by the share of high quality. *repeated* is the correlation of two
measurements of the same generators, *ms* the processor time for eight of them.

{ranking(found)}

Spearman's correlation with that truth on each data set, Kendall's, and Spearman's with the other truths:

{other_truths(found)}

By how many standard deviations of a perfect generator's measurement a known fault is seen, on each data set; in bold
where it is fewer than {BLIND:g} on one of them:

{degradations(names, apart)}
"""


@dataclass(frozen=True)
class Verdict:
    """How one candidate ranks generators; correlations are Spearman's, with the truths of `TRUTHS` unless said.

    `interval` and `gain` are of the correlation with density_js: its 95 % interval, and how much more it is than
    that of `BEST`, with an interval. `better` is that correlation among the better half of the generators, `by_data` on
    each data set; `repeated` that of two measurements of the same generators. `wrong` and `lost`: shares of pairs put
    the wrong way and `regret`, by density_js and by high_quality. `cost`: ms of processor time for eight generators.
    """

    name: str
    truths: Floats
    interval: tuple[float, float]
    gain: tuple[float, float, float]
    better: float
    by_data: Floats
    kendall: float
    repeated: float
    wrong: Floats
    lost: Floats
    cost: float


def verdicts(names: Sequence[str], groups: Sequence[Measured]) -> list[Verdict]:
    """Of every candidate, from the generators of every data set."""
    found = correlations([(group.columns, group.trainings) for group in groups])
    return [_verdict(place, names, groups, found) for place in range(len(names))]


def _verdict(place: int, names: Sequence[str], groups: Sequence[Measured], found: Correlations) -> Verdict:
    js, best = len(names), names.index(BEST)
    judged = [
        (group.values[place, 0], group.truth.mean(1)[number], group.errors[number])
        for number in (TRUTHS.index("density_js"), TRUTHS.index("high_quality"))
        for group in groups
    ]
    pairs = [(metric, truth) for metric, truth, _ in judged[: len(groups)]]
    better = [np.stack(pair)[:, pair[1] <= np.median(pair[1])] for pair in pairs]
    return Verdict(
        name=names[place],
        truths=found.estimate[place, js:],
        interval=found.interval(place, js),
        gain=found.gain(place, best, js),
        better=float(np.mean([spearman(pair)[0, 1] for pair in better])),
        by_data=np.array([spearman(np.stack(pair))[0, 1] for pair in pairs]),
        kendall=float(np.mean([kendalltau(*pair).statistic for pair in pairs])),
        repeated=float(np.mean([spearman(group.values[place])[0, 1] for group in groups])),
        wrong=np.array([wrong_pairs(*one) for one in judged]).reshape(2, -1).mean(1),
        lost=np.array([regret(metric, truth) for metric, truth, _ in judged]).reshape(2, -1).mean(1),
        cost=float(np.mean([group.cost[place] for group in groups])),
    )


def ranking(found: Sequence[Verdict]) -> str:
    """The table that decides."""
    head = (
        "metric", "predicted", "came", f"less {BEST}'s", "better half", "wrong pairs: density", "quality",
        "regret: nats", "quality", "repeated", "ms",
    )  # fmt: skip
    rows = [
        (
            one.name, f"{PREDICTED[one.name]:.2f}",
            f"{one.truths[0]:.2f} [{one.interval[0]:.2f}, {one.interval[1]:.2f}]",
            "" if one.name == BEST else "{:+.2f} [{:+.2f}, {:+.2f}]".format(*one.gain),
            f"{one.better:.2f}", *(f"{share:.1%}" for share in one.wrong), *(f"{loss:.3f}" for loss in one.lost),
            f"{one.repeated:.2f}", f"{one.cost:.3g}",
        )
        for one in found
    ]  # fmt: skip
    return markdown([head, *rows])


def other_truths(found: Sequence[Verdict]) -> str:
    """The table of correlations with each truth, and with density_js on each data set."""
    rows = [
        (one.name, *(f"{value:.2f}" for value in (*one.by_data, one.kendall, *one.truths[1:]))) for one in found
    ]  # fmt: skip
    return markdown([("metric", *DATA, "Kendall's", *TRUTHS[1:]), *rows])


def degradations(names: Sequence[str], found: Mapping[str, Mapping[str, Floats]]) -> str:
    """The table of what is seen: on each data set, below `BLIND` in bold."""
    kinds = list(next(iter(found.values())))
    rows = [["metric", *kinds]]
    for place, name in enumerate(names):
        cells = []
        for kind in kinds:
            apart = [of_kind[kind][place] for of_kind in found.values()]
            cell = ", ".join(f"{value:.0f}" for value in apart)
            cells.append(f"**{cell}**" if min(apart) < BLIND else cell)
        rows.append([name, *cells])
    return markdown(rows)
