"""Results made by hand, one of each kind, for the figures that draw them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from analysis.figures.style import palette
from analysis.record.schema import OUTCOMES
from analysis.record.snapshots import Snapshots
from analysis.results.best_of_k import BestOfK
from analysis.results.compare import ArmOutcomes, ArmQuality
from analysis.results.critic_bound import ESTIMATE, GAP, RATIO, TRUTH, ArmCriticBound, BoundCurve
from analysis.results.density import densities
from analysis.results.dirac import DiracMap
from analysis.results.effects import Effect
from analysis.results.incidence import Incidences
from analysis.results.jacobian import ArmSpectrum
from analysis.results.learning import LearningCurve, ModeShares
from analysis.results.pairs import Comparison
from analysis.results.profiles import Profile
from analysis.results.replica import Measured, ReplicaCurves
from analysis.results.selection_bias import SelectionBias
from analysis.results.sensitivity import Dependence, Importance, Sensitivity
from analysis.results.standings import OverDataSets, PairOver, Unit
from analysis.results.survival import Survival, SurvivalCurve
from analysis.statistics.friedman import friedman
from analysis.statistics.incidence import Incidence
from analysis.statistics.intervals import Band, Interval
from analysis.statistics.signed_rank import Credence

ARMS = ("non_saturating,none", "hinge,none", "<$x_1$>&r1")
STEPS = np.linspace(100, 1000, 10)


def interval(estimate, width=0.2):
    return Interval(estimate, estimate * (1 - width), estimate * (1 + width), 16, "by hand", "seeds")


def band(x, estimate, width=0.2):
    return Band(np.asarray(x, float), estimate, estimate * (1 - width), estimate * (1 + width), 16, "by hand", "seeds")


def outcomes(arm, converged):
    rest = (1 - converged) / (len(OUTCOMES) - 2)
    named = {name: converged if name == "converged" else rest for name in OUTCOMES if name != "failed"}
    shares = {name: Interval(p, max(0, p - 0.1), min(1, p + 0.1), 16, "Wilson", "seeds") for name, p in named.items()}
    return ArmOutcomes(arm, 16, 1, 0, 0, shares)


def learning(arm, metric, level):
    floor = 0.001 if metric == "fid" else np.nan
    going = np.full(10, 16)
    return LearningCurve(arm, metric, "data²", "confirm", floor, band(STEPS, level * np.exp(-STEPS / 300)), going)


def survival_curve(arm, events):
    x = np.r_[0.0, np.linspace(100, 900, events)]
    share = 1 - np.arange(events + 1) / 16
    at_risk = 16 - np.arange(events + 1)
    return SurvivalCurve(
        arm, "failure", band(x, share, 0.1), at_risk, np.full(16 - events, 1000.0), events, 16, interval(900)
    )


def incidence(arm, events):
    x = np.r_[0.0, np.linspace(100, 900, events)]
    share = np.arange(events + 1) / 16
    return Incidence(arm, "collapsed", band(x, share), 16 - np.arange(events + 1), events, 2, 16, 0.5)


def pairs():
    found = [
        Effect(a, b, 16, 16, interval(0.7), 0.5, 0.01, 0.02) for place, a in enumerate(ARMS) for b in ARMS[place + 1 :]
    ]
    return Comparison("fid", "confirm", "replica", "Brunner and Munzel's test", 0.05, ARMS, ARMS[0], tuple(found))


def quality(arm, level, diverged):
    values = np.r_[level * np.linspace(0.5, 2, 16 - diverged), [np.inf] * diverged]
    counts = {"n": 16, "configurations": 1, "diverged": diverged, "truncated": 0, "failed": 0}
    counts |= {"overflowed": 0, "unmeasured": int(diverged == 2)}
    return ArmQuality(
        arm=arm, metric="fid", mode="min", phase="confirm", floor=0.001, median=interval(level), iqm=interval(level),
        values=values, configuration=np.zeros(16, int), whose=tuple(f"seed {k}, t/c" for k in range(16)), **counts,
    )  # fmt: skip


def best(arm, level):
    k = np.arange(1, 11)
    curve = band(k, level / np.sqrt(k))
    return BestOfK(arm, "fid", "min", 10, 0.001, curve, curve, 0.1**k)


def sensitivity(arm, response="stability"):
    rate = np.geomspace(1e-4, 1e-2, 10)
    return Sensitivity(
        arm=arm, response=response, n=20,
        importances=(
            Importance("critic_lr", "log", interval(0.5)),
            Importance("critic_steps", "categorical", interval(0.1)),
        ),
        dependence=(
            Dependence("critic_lr", "log", tuple(rate), band(rate, np.linspace(0.5, 0.9, 10))),
            Dependence("critic_steps", "categorical", (1, 2, 5), band(np.arange(3), np.array([0.6, 0.7, 0.5]))),
        ),
        constant=(), r2=interval(0.5), note="",
    )  # fmt: skip


def plane(arm, images=False):
    random = np.random.default_rng(0)
    samples = random.uniform(-1, 1, (3, 40, 1, 6, 6)) if images else random.normal(0, 1, (3, 200, 2))
    angles = np.arange(8) * np.pi / 4
    means = None if images else np.stack([np.cos(angles), np.sin(angles)], axis=1)
    stds = None if images else np.full(8, 0.05)
    return Snapshots(arm, "confirm-x-0000", 7, np.array([100, 500, 1000]), samples, means, stds, None)


def line(arm):
    samples = np.random.default_rng(0).normal(0, 1, (3, 300, 1))
    return Snapshots(
        arm, "confirm-x-0000", 7, np.array([100, 500, 1000]), samples, np.array([[-1.0], [1.0]]), np.full(2, 0.3), None
    )


def shares(arm):
    found = 8 * np.random.default_rng(0).dirichlet(np.ones(8), (2, 10))
    return ModeShares(arm, "confirm-x-0000", np.array([1, 2]), STEPS.astype(int), found)


def replica(shares=True, diverged=None):
    falling = np.exp(-STEPS / 300)
    quality = tuple(
        Measured(name, falling, np.full(10, 0.01), 0.001, "data²" if name == "fid" else "nats")
        for name in ("mode_js", "fid")
    )
    others = tuple(Measured(name, 3 * falling, np.full(10, np.nan), np.nan) for name in ("precision", "modes"))
    held = 8 * np.random.default_rng(0).dirichlet(np.ones(8), 10) if shares else None
    tail = STEPS > 750
    return ReplicaCurves("rings", "search-x-0000", 7, STEPS.astype(int), tail, diverged, quality, others, held)


def standings(arms=ARMS, told=((0, 2),)):
    """Arms in this order on seven data sets of eight, those places told apart."""
    ranks = np.tile(np.arange(1.0, len(arms) + 1), (8, 1))
    ranks[0] = ranks[0][::-1]
    found = [
        PairOver(a, b, 7, 1, 0.2, 30.0, 0.01, 0.01 if (i, j) in told else 0.5, Credence(0.01, 0.0, 0.9, 0.0))
        for i, a in enumerate(arms)
        for j, b in enumerate(arms[i + 1 :], i + 1)
    ]
    units = tuple(Unit(f"rings-{k}", tuple(0.5 for _ in arms), tuple(row)) for k, row in enumerate(ranks.tolist()))
    return OverDataSets(
        endpoint="quality", phase="confirm", unit="data set", arms=tuple(arms), units=units, test=friedman(-ranks),
        pairs=tuple(found), alpha=0.05, lacking={}, dropped={}, planned=tuple(arms), drawn_alike=(),
    )  # fmt: skip


def divergence(arm, gap):
    values = {name: np.linspace(0.5, 1.5, 16) * gap for name in (ESTIMATE, TRUTH, GAP, RATIO)}
    medians = {name: interval(gap) for name in values if name != RATIO or gap != 0.2}
    return ArmCriticBound(arm, "confirm", 16, values, medians)


def spectrum(arm, real):
    reals = real + np.linspace(-0.2, 0.2, 16)
    imaginary = np.r_[np.zeros(8), np.full(8, 0.5)]
    return ArmSpectrum(
        arm, "confirm", 16, 0, reals, imaginary, np.full(16, 5.0), interval(0.5), interval(real), interval(0.4),
        interval(5.0),
    )  # fmt: skip


def dirac(arm):
    step, gamma = np.geomspace(0.01, 1, 12), np.geomspace(0.1, 10, 8)
    expected = np.tile(100 * step[:, None], (1, 8)) ** 3 * 1e-4
    distance = expected.copy()
    distance[:2, 3], distance[-1, 0] = 10.0, np.nan
    return DiracMap(arm, "confirm-x-0000", 7, 1000, 1e-3, step, gamma, distance, expected)


def explained(kink=False):
    r = np.logspace(-4, 4, 41)
    words = ["-inf" if x < 1 else "inf" for x in r]
    return {
        "ratios": r.tolist(),
        "optimal_critic": words if kink else np.log(r).tolist(),
        "divergence": (np.maximum(r, 1) if kink else r * np.log(r)).tolist(),
        "critic_curvature": (np.zeros(41) if kink else 1 / r).tolist(),
        "generator_curvature": ["nan"] * 41 if kink else (1 / r**2).tolist(),
        "generator_slope": np.ones(41).tolist(),
        "dirac_eigenvalues": [["nan", "nan"]] if kink else [[0.0, 0.5], [0.0, -0.5]],
        "sentence": "the critic estimates a divergence",
    }


@pytest.fixture(scope="session")
def made():
    """One result of each kind, and the arms' looks."""
    return SimpleNamespace(
        looks=palette(ARMS),
        outcomes=[outcomes(arm, 0.9 - 0.2 * k) for k, arm in enumerate(ARMS)],
        learning=[learning(arm, metric, 1 + k) for metric in ("fid", "modes") for k, arm in enumerate(ARMS)],
        survival=Survival("failure", "confirm", tuple(survival_curve(a, 3 + k) for k, a in enumerate(ARMS)), None, ()),
        incidence=Incidences(
            "collapsed",
            "confirm",
            tuple(incidence(arm, 3 + k) for k, arm in enumerate(ARMS)),
            1000.0,
            tuple(interval(0.2) for _ in ARMS),
            0.3,
        ),
        comparison=pairs(),
        standings=standings(),
        many=standings(tuple(f"objective {k},penalty of a long name" for k in range(12)), ((0, 10), (0, 11), (1, 11))),
        quality=[quality(arm, 0.01 * (1 + k), k) for k, arm in enumerate(ARMS)],
        best=[best(arm, 0.1 * (1 + k)) for k, arm in enumerate(ARMS)],
        profiles=[
            Profile(arm, "fid", "min", "confirm", 0.001, band(np.geomspace(0.001, 1, 30), np.linspace(0, 1, 30), 0.05))
            for arm in ARMS
        ],
        selection_bias=[
            SelectionBias(
                arm, 0, k, "fid", "min", interval(0.01), interval(0.015), interval(0.02), interval(0.01), k == 0
            )
            for k, arm in enumerate(ARMS)
        ],
        sensitivity=[sensitivity(arm) for arm in ARMS],
        plane=[plane(arm) for arm in ARMS],
        images=[plane(ARMS[0], images=True)],
        lines=[densities(line(arm)) for arm in ARMS],
        shares=[shares(arm) for arm in ARMS],
        bound_curves=[
            BoundCurve(arm, "confirm", band(STEPS, np.linspace(0.1, 0.5, 10)), band(STEPS, np.full(10, 0.6)))
            for arm in ARMS
        ],
        critic_bounds=[divergence(arm, 0.1 * (1 + k)) for k, arm in enumerate(ARMS)],
        spectra=[spectrum(arm, 0.3 * (k - 1) or -0.1) for k, arm in enumerate(ARMS)],
        dirac=[dirac(arm) for arm in ARMS],
        replica=replica(),
        diverged=replica(shares=False, diverged=600),
        explained=explained(),
        kinked=explained(kink=True),
    )


@pytest.fixture(scope="session")
def drawn(made):
    """Every figure, by name: a function of the number of columns."""
    from analysis import figures

    looks = made.looks
    return {
        "outcomes": lambda columns: figures.outcome_bars(made.outcomes, columns),
        "learning": lambda columns: figures.learning_curves(made.learning, looks, columns),
        "survival": lambda columns: figures.survival_curves(made.survival, looks, columns),
        "incidence": lambda columns: figures.incidence_curves(made.incidence, looks, columns),
        "undone": lambda columns: figures.survival_curves(replace(made.survival, event="undone"), looks, columns),
        "pairs": lambda columns: figures.pairwise_matrix(made.comparison, columns),
        "ranks": lambda columns: figures.average_ranks(made.standings, columns),
        "ranks of many": lambda columns: figures.average_ranks(made.many, columns),
        "quality": lambda columns: figures.quality_strips(made.quality, looks, columns),
        "best": lambda columns: figures.best_of_k(made.best, looks, columns),
        "profiles": lambda columns: figures.profiles(made.profiles, looks, columns),
        "selection_bias": lambda columns: figures.selection_bias(made.selection_bias, looks, columns),
        "importances": lambda columns: figures.importances(made.sensitivity, looks, columns),
        "dependence": lambda columns: figures.dependence(made.sensitivity, looks, columns),
        "samples": lambda columns: figures.samples_over_time(made.plane, columns),
        "images": lambda columns: figures.samples_over_time(made.images, columns),
        "shares": lambda columns: figures.mode_shares(made.shares, columns),
        "densities": lambda columns: figures.density_pictures(made.lines, looks, columns),
        "bound curves": lambda columns: figures.bound_curves(made.bound_curves, looks, columns),
        "bound errors": lambda columns: figures.bound_errors(made.critic_bounds, looks, columns),
        "spectra": lambda columns: figures.spectra(made.spectra, looks, columns),
        "dirac": lambda columns: figures.dirac_maps(made.dirac, columns),
        "replica": lambda columns: figures.replica_card(made.replica, made.plane[0], "17", columns),
        "typical curves": lambda columns: figures.typical_curves(
            {"converged": made.replica, "diverged": made.diverged, "stalled": made.replica}, columns
        ),
        "replica of images": lambda columns: figures.replica_card(made.diverged, made.images[0], columns=columns),
        "explanation": lambda columns: figures.explanation(made.explained, columns),
        "kink": lambda columns: figures.explanation(made.kinked, columns),
    }
