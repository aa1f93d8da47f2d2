"""Which nuisance hyperparameters an arm is sensitive to, and how stability and quality depend on each.

A random forest (Breiman 2001) is fitted to a bootstrap sample of an arm's configurations and evaluated on those left
out. The **importance** of a hyperparameter is the share of the response's variance that the forest additionally misses
when that column is shuffled; 0 for one that the forest does not use, below 0 by chance. **Partial
dependence** is the forest's mean response over all configurations with one hyperparameter held at a value
(Friedman 2001). It assumes independent hyperparameters, which an adaptive sampler's are only roughly.

Both are averages over refits, each on another draw of the configurations. Draws overlap, and the average's variance
allows for it (Nadeau & Bengio 2003; Molnar et al. 2023). Intervals capture configurations: what the same learner would
find from other configurations on the same seeds. They do not cover what a better learner would find.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from analysis.results.cohort import Cohort, cohorts
from analysis.results.design import PREFIX, Hyperparameter, hyperparameter, varying
from analysis.results.selection import Selection, configurations, trials_of
from analysis.statistics.intervals import Band, Floats, Interval, quantile
from analysis.statistics.streams import stream
from analysis.wording import counted

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestRegressor

RESPONSES = ("stability", "convergence", "quality")
TREES = 25
SHUFFLES = 5
BACKGROUND = 50  # configurations that a partial dependence averages over
FEWEST = 15  # configurations, or four for each hyperparameter that varies


@dataclass(frozen=True)
class Importance:
    """One hyperparameter's importance.

    Attributes:
        hyperparameter: its name, without "config.".
        scale: "log", "linear" or "categorical".
        interval: the additional share of the response's variance missed when it is shuffled; may be below 0.
    """

    hyperparameter: str
    scale: str
    interval: Interval


@dataclass(frozen=True)
class Dependence:
    """The mean response with one hyperparameter held at each of `values`.

    `band.x` are the values where they are numbers, or 0, 1, … where they are texts.
    """

    hyperparameter: str
    scale: str
    values: tuple[Any, ...]
    band: Band


@dataclass(frozen=True)
class Sensitivity:
    """One arm, one response.

    Attributes:
        arm: its name.
        response: "stability", the share of a configuration's replicas that did not diverge, before they were stopped
            where a scheduler stopped them; "convergence", the share that converged; or "quality", the rank of its
            median score among the arm's configurations, from 0 to 1, the best.
        n: configurations.
        importances: the most important first; empty with a note.
        dependence: in the same order; empty with a note.
        constant: hyperparameters searched in the study that took a single value in this arm.
        r2: share of the variance explained out of bag; None with a note. Importances mean little if it is not above 0.
        note: why there is nothing to show, such as too few configurations; "" otherwise.
    """

    arm: str
    response: str
    n: int
    importances: tuple[Importance, ...]
    dependence: tuple[Dependence, ...]
    constant: tuple[str, ...]
    r2: Interval | None
    note: str


def sensitivity(
    selected: Selection,
    metric: str,
    *,
    generator: np.random.Generator,
    mode: str | None = None,
    hyperparameters: Sequence[str] | None = None,
    scales: Mapping[str, str] | None = None,
    responses: Sequence[str] = ("stability", "quality"),
    refits: int = 15,
    confidence: float = 0.95,
) -> tuple[Sensitivity, ...]:
    """Each arm's sensitivity by each response.

    Args:
        selected: rows of the search, as a rule: confirmed configurations are few.
        metric: what quality is measured by.
        generator: source of the random draws, forests and shuffles.
        mode: "min" or "max"; by default the metric's own.
        hyperparameters: names without "config."; all that vary when None.
        scales: name -> "log", "linear" or "categorical", as `analysis.results.design.scales_of` reads them from a
            study's configuration; guessed from the values where not given.
        responses: of `RESPONSES`.
        refits: forests.
        confidence: nominal coverage.
    """
    unknown = [name for name in responses if name not in RESPONSES]
    if unknown:
        raise ValueError(f"responses: expected some of {', '.join(RESPONSES)}, got {', '.join(unknown)}")
    names = varying(selected.trials, hyperparameters)
    scored = {cohort.arm: cohort for cohort in cohorts(selected, metric, mode)}
    found = []
    for arm, rows in selected.arms():
        own = varying(rows, names)
        constant = tuple(name for name in names if name not in own and rows[PREFIX + name].notna().any())
        drawn = rows.set_index(configurations(rows))
        drawn = drawn[~drawn.index.duplicated()]
        for response in responses:
            y = _response(response, rows, scored[arm])
            note = _obstacle(y.to_numpy(), len(own))
            if note:
                found.append(Sensitivity(arm, response, len(y), (), (), constant, None, note))
                continue
            held = drawn.loc[y.index]
            columns = [hyperparameter(name, held[PREFIX + name], (scales or {}).get(name)) for name in own]
            drawn_by = stream(generator, [response, *np.unique(trials_of(rows))])
            refit = _refit(columns, y.to_numpy(), drawn_by, refits)
            found.append(_summary(arm, response, constant, columns, refit, len(y), confidence))
    return tuple(found)


@dataclass(frozen=True)
class _Refits:
    """Results of B refits: importances (B, P), variance explained (B,), a partial dependence (B, G) per column."""

    importance: Floats
    explained: Floats
    dependence: tuple[Floats, ...]


def _response(response: str, rows: pd.DataFrame, cohort: Cohort) -> pd.Series:
    """One value for each configuration, by its number."""
    if response == "quality":
        index, cost = cohort.medians()
        ranks = scipy.stats.rankdata(-cost)
        return pd.Series((ranks - 1) / max(len(cost) - 1, 1), index=index)
    ended = rows[~rows["status"].isin(("failed", "running"))]
    if response == "convergence":
        ended = ended[ended["status"] != "truncated"]
        held = ended["outcome"] == "converged"
    else:
        held = ended["outcome"] != "diverged"
    return held.astype(np.float64).groupby(configurations(ended)).mean()


def _obstacle(y: Floats, columns: int) -> str:
    if not columns:
        return "no hyperparameter varies in this arm"
    needed = max(FEWEST, 4 * columns)
    if len(y) < needed:
        few = f"{counted(len(y), 'configuration')} {'is' if len(y) == 1 else 'are'} too few"
        return f"{few} for {counted(columns, 'hyperparameter')}: {needed} are needed"
    if np.ptp(y) == 0:
        return f"all {len(y)} configurations are alike in it"
    return ""


def _refit(columns: Sequence[Hyperparameter], y: Floats, generator: np.random.Generator, refits: int) -> _Refits:
    """Fit forests to bootstrap samples and evaluate them on the configurations left out."""
    from sklearn.ensemble import RandomForestRegressor  # takes a third of a second, and small studies need none

    X = np.column_stack([one.column for one in columns])
    n, variance = len(y), float(y.var())
    background = X[generator.permutation(n)[:BACKGROUND]]
    questions = [_held(background, place, one.grid) for place, one in enumerate(columns)]
    importance, explained = np.empty((refits, len(columns))), np.empty(refits)
    dependence = [np.empty((refits, len(one.grid))) for one in columns]
    for row in range(refits):
        bag, out = _draw(n, generator)
        seed = int(generator.integers(2**31))
        forest = RandomForestRegressor(TREES, min_samples_leaf=2, max_features=0.5, random_state=seed)
        forest.fit(X[bag], y[bag])
        shuffled = [_shuffled(X[out], place, generator) for place in range(len(columns))]
        plain, *answers = _answers(forest, [X[out], *shuffled, *questions])
        missed = (plain - y[out]) ** 2
        explained[row] = 1 - missed.mean() / variance
        for place in range(len(columns)):
            guesses = answers[place].reshape(SHUFFLES, len(out))
            importance[row, place] = ((guesses - y[out]) ** 2 - missed).mean() / variance
            dependence[place][row] = answers[len(columns) + place].reshape(-1, len(background)).mean(1)
    return _Refits(importance, explained, tuple(dependence))


def _answers(forest: RandomForestRegressor, questions: Sequence[Floats]) -> list[Floats]:
    """The forest's predictions for several matrices of rows, in one call."""
    answers = forest.predict(np.concatenate(questions))
    return np.split(answers, np.cumsum([len(question) for question in questions])[:-1])


def _draw(n: int, generator: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A bootstrap sample of indices, and the indices left out, at least two."""
    while True:
        bag = generator.integers(n, size=n)
        out = np.setdiff1d(np.arange(n), bag)
        if len(out) > 1:
            return bag, out


def _shuffled(X: Floats, place: int, generator: np.random.Generator) -> Floats:
    copies = np.tile(X, (SHUFFLES, 1))
    copies[:, place] = np.concatenate([generator.permutation(X[:, place]) for _ in range(SHUFFLES)])
    return copies


def _held(X: Floats, place: int, grid: Floats) -> Floats:
    """All rows with one column held at each point of the grid in turn, (G n, P)."""
    copies = np.tile(X, (len(grid), 1))
    copies[:, place] = np.repeat(grid, len(X))
    return copies


def _summary(
    arm: str,
    response: str,
    constant: tuple[str, ...],
    columns: Sequence[Hyperparameter],
    refit: _Refits,
    n: int,
    confidence: float,
) -> Sensitivity:
    def interval(values: Floats) -> Interval:
        mean, low, high = _averaged(values[:, None], confidence)
        return Interval(
            float(mean[0]), float(low[0]), float(high[0]), n, "refitted forests", "configurations", confidence
        )

    importances, dependence = [], []
    for place in np.argsort(-refit.importance.mean(0), kind="stable"):
        one = columns[place]
        importances.append(Importance(one.name, one.scale, interval(refit.importance[:, place])))
        numbers = np.arange(float(len(one.values))) if one.scale == "categorical" else np.array(one.values)
        ends = _averaged(refit.dependence[place], confidence)
        band = Band(numbers, *ends, n, "partial dependence of refitted forests", "configurations", confidence)
        dependence.append(Dependence(one.name, one.scale, one.values, band))
    r2 = interval(refit.explained)
    return Sensitivity(arm, response, n, tuple(importances), tuple(dependence), constant, r2, "")


def _averaged(values: Floats, confidence: float) -> tuple[Floats, Floats, Floats]:
    """Mean and interval (M,) of B refits (B, M), whose draws overlap: a draw leaves e^-1 of the configurations out."""
    count = len(values)
    mean: Floats = values.mean(0)
    spread = values.std(0, ddof=1) * np.sqrt(1 / count + 1 / (np.e - 1)) * quantile(confidence, count - 1)
    return mean, mean - spread, mean + spread
