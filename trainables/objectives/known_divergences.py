"""Known divergences as functions phi of the density ratio r = p/q, and recognition of a given one among them.

A divergence is E_q phi(r); phi is determined up to a multiple of r - 1, whose expectation is 0, and an objective may
scale and shift it.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.objectives.expression import Expression, parse
from trainables.objectives.optimum import derivatives

Array = NDArray[np.float64]
FIT = 1e-6  # relative difference from a known divergence that counts as equal
# Ratios at which steps are compared, and divergences at 1, too, where some have kinks; close to it these are no bends.
COMPARED = np.sort([*np.logspace(-2, 2, 40), 0.99, 0.9999, 1.0001, 1.01])

# phi(r), each with phi(1) = 0; jensen_shannon is at most log 2, total_variation 1, squared_hellinger 2.
KNOWN = {
    "total_variation": "abs(r - 1)/2",
    "kl": "r*log(r)",
    "reverse_kl": "-log(r)",
    "jensen_shannon": "(r*log(r) - (1 + r)*log((1 + r)/2))/2",
    "jeffrey": "(r - 1)*log(r)",
    "pearson_chi2": "(r - 1)**2",
    "neyman_chi2": "(r - 1)**2/r",
    "squared_hellinger": "(sqrt(r) - 1)**2",
    "triangular": "(r - 1)**2/(r + 1)",
    "kl of the mixture to the data": "(1 + r)/2*log((1 + r)/(2*r))",
    "reverse_kl + neyman_chi2/2": "-log(r) + (r - 1)**2/(2*r)",
}


def same_divergence(value: Array, at_one: float) -> tuple[str, float] | None:
    """The known divergence that phi, given at COMPARED and at 1, equals up to scale, shift and a multiple of r - 1; its
    scale."""
    r, value = np.append(COMPARED, 1.0), np.append(value, at_one)
    for name, text in KNOWN.items():
        phi = parse(text, ("r",))(r=torch.as_tensor(r)).numpy()
        scale = _fit(value / (1 + r), np.stack([phi / (1 + r), 1 / (1 + r), r / (1 + r)], 1))
        if scale:
            return name, scale
    return None


def same_step(loss: Array) -> str | None:
    """The known divergence descended by a generator whose loss l(d*) is given at COMPARED (n,); NaN: no optimum.

    A generator that descends E_q phi has l(d*) = phi - r phi' + constant.
    """
    if not np.all(np.isfinite(loss)):
        return None
    r = torch.as_tensor(COMPARED)
    for name, text in KNOWN.items():
        falls = _descended(parse(text, ("r",)), r)
        if _fit(loss, np.stack([falls, np.ones_like(falls)], 1)):
            return name
    return None


def _descended(phi: Expression, r: Tensor) -> Array:
    """phi - r phi'."""
    return (phi(r=r) - r * derivatives(lambda x: phi(r=x), r)[0]).numpy()


def _fit(values: Array, terms: Array) -> float | None:
    """Least-squares coefficient of the first of the terms (n, k) in values (n,); None unless positive and the fit
    exact."""
    factors, *_ = np.linalg.lstsq(terms, values)
    scale = float(factors[0])
    close = np.abs(terms @ factors - values).max() <= FIT * scale * np.ptp(terms[:, 0])
    return scale if scale > 0 and close else None
