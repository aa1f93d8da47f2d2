"""Integrands of a divergence of two densities in one dimension, and whether it is finite.

A divergence may be infinite where one density is 0 and the other is not, or where its integrand falls off too slowly in
the tails; `Overlap` notes both while it is integrated, and tells a true 0 from underflow.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from trainables.data.mixture import Mixture
from trainables.metrics.quadrature import Array, Integrals

Density = Callable[[Array], Array]

NEGLIGIBLE = 1e-12  # mass that may lie where the other density is lost to underflow
TAIL = -10.0  # log of the height, relative to the highest, below which an interval's end cuts through a tail
FAINT = -690.0  # log of a density that is about to underflow
DIVERGENT = 1e-3  # relative error above which an integral counts as divergent
REACH = 40.0  # standard deviations of a mixture's modes that are integrated over


@dataclass(frozen=True)
class Divergence:
    """The integrand as a function of log p and log q where both are finite, and its values where one density is 0.

    `without_p` is the factor of q where p = 0, `without_q` that of p where q = 0; `most` is the supremum.
    """

    integrand: Callable[[Array, Array], Array]
    without_p: float
    without_q: float
    most: float = math.inf


class Overlap:
    """The integrands of a divergence; while integrated, it records where the densities are 0.

    As a function of points (panels, 15) it gives (5, panels, 15): the divergence's integrand, p, q, p where q = 0, and
    q where p = 0.
    """

    def __init__(self, divergence: Divergence, log_p: Density, log_q: Density) -> None:
        self.divergence = divergence
        self.logs = log_p, log_q
        self.alone: tuple[list[float], list[float]] = ([], [])  # where p alone, where q alone is positive
        self.peaks = [(-math.inf, 0.0), (-math.inf, 0.0)]  # the largest log-density of each, and its place

    def __call__(self, x: Array) -> Array:
        """The five integrands at x (panels, n), ascending in each panel."""
        logs = [log(x) for log in self.logs]
        with np.errstate(all="ignore"):
            p, q = (np.exp(part) for part in logs)
            height = self.divergence.integrand(*logs)
        empty_p, empty_q = (part == -np.inf for part in logs)
        only_p, only_q = empty_q & ~empty_p, empty_p & ~empty_q
        self._note(x, logs, (only_p, only_q))
        height = np.where(only_p, p * _finite(self.divergence.without_q), height)
        height = np.where(only_q, q * _finite(self.divergence.without_p), height)
        height = np.where(empty_p & empty_q, 0.0, height)
        return np.stack([height, p, q, np.where(only_p, p, 0.0), np.where(only_q, q, 0.0)])

    def judge(self, found: Integrals, low: float, high: float, exact: bool) -> float:
        """The divergence over [low, high], or infinity; `exact` says that a log-density of -inf is a true 0."""
        ends = [low, high]
        for which, factor in enumerate((self.divergence.without_q, self.divergence.without_p)):
            if math.isfinite(factor) or not self.alone[which]:
                continue
            borders = [self._border(1 - which, place) for place in (min(self.alone[which]), max(self.alone[which]))]
            if exact or not all(self._lost(1 - which, border) for border in borders):
                return math.inf
            if found.value[3 + which] > NEGLIGIBLE:
                fading, standing = ("q", "p") if which == 0 else ("p", "q")
                warnings.warn(
                    f"{fading} underflows to 0 where {standing} has a mass of {found.value[3 + which]:.3g}, and counts "
                    "as 0 there; give log-densities and log=True to have it right",
                    stacklevel=3,
                )
                return math.inf
            ends += borders
        unbounded = math.isinf(self.divergence.without_q) or math.isinf(self.divergence.without_p)
        if unbounded and any(self._stays(end) for end in ends):
            return math.inf
        value, error = float(found.value[0]), float(found.error[0])
        diverges = error > DIVERGENT * max(1.0, abs(value))
        return math.inf if diverges else min(max(value, 0.0), self.divergence.most)

    def _note(self, x: Array, logs: list[Array], alone: tuple[NDArray[np.bool_], NDArray[np.bool_]]) -> None:
        for which in (0, 1):
            # Two neighbours, because a density may well be 0 at a point.
            places = x[:, :-1][alone[which][:, :-1] & alone[which][:, 1:]]
            if places.size:
                self.alone[which].extend((float(places.min()), float(places.max())))
            top = int(np.argmax(logs[which]))
            self.peaks[which] = max(self.peaks[which], (float(logs[which].flat[top]), float(x.flat[top])))

    def _border(self, which: int, place: float) -> float:
        """Where a density is about to underflow, between its peak and a point at which it is 0."""
        inside, outside = self.peaks[which][1], place
        for _ in range(100):
            middle = (inside + outside) / 2
            if self._log(which, middle) > FAINT:
                inside = middle
            else:
                outside = middle
        return inside

    def _lost(self, which: int, border: float) -> bool:
        """Whether a density is 0 by underflow, and not at the edge of its support."""
        return self._log(which, border) < FAINT + 1

    def _stays(self, end: float) -> bool:
        """Whether an end cuts through tails of both where the integrand does not fall off faster than 1/x."""
        if not all(-math.inf < self._log(which, end) < self.peaks[which][0] + TAIL for which in (0, 1)):
            return False
        centre = self.peaks[0][1]
        near = end + 1e-3 * (centre - end)
        heights = np.abs(self(np.array([[near, end]]))[0, 0])
        if not heights.all():
            return False
        with np.errstate(invalid="ignore"):
            fall, distance = np.diff(np.log(heights)), np.diff(np.log(np.abs(np.array([near, end]) - centre)))
        return not bool(-fall[0] > distance[0])

    def _log(self, which: int, place: float) -> float:
        return float(self.logs[which](np.array([place]))[0])


def _finite(factor: float) -> float:
    return factor if math.isfinite(factor) else 0.0


def logarithm(name: str, density: Density, log: bool) -> Density:
    """A density or log-density on arrays as a checked log-density."""

    def checked(x: Array) -> Array:
        values = np.asarray(density(x), dtype=np.float64)
        if values.shape != x.shape:
            raise ValueError(f"{name}: expected densities of the points' shape {x.shape}, got {values.shape}")
        wrong = np.isnan(values) if log else ~(values >= 0)
        if wrong.any():
            raise ValueError(f"{name}: expected a density, got {values[wrong].flat[0]} at {x[wrong].flat[0]:g}")
        with np.errstate(divide="ignore"):
            logs: Array = values if log else np.log(values)
        return logs

    return checked


def log_density(mixture: Mixture) -> Density:
    """The log-density of a mixture in 1-D as a function of arrays."""
    mixture = mixture.to("cpu")

    def evaluate(x: Array) -> Array:
        logs: Array = mixture.log_density(torch.from_numpy(np.ascontiguousarray(x)).unsqueeze(-1)).numpy()
        return logs

    return evaluate


def landmarks(mixture: Mixture) -> Array:
    """Panel edges, unsorted, between which a mixture's density is easy to integrate."""
    std = mixture.variances.sqrt().cpu().numpy()
    steps = np.array([0.0, 1.0, 2.0, 3.0, 5.0, 8.0, 14.0, 24.0, REACH])
    places: Array = mixture.means.cpu().numpy() + np.concatenate([-steps, steps]) * std[:, None]
    return places.ravel()
