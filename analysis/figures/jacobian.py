"""Spectra of the game's Jacobian: leading eigenvalues in the complex plane, their real parts and imaginary shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.colours import MUTED, STABLE
from analysis.figures.axes import percent_ticks, scale_signed
from analysis.figures.parts import HEIGHT, strips
from analysis.figures.style import Palette, new, styled
from analysis.results.jacobian import ArmSpectrum


@styled
def spectra(results: Sequence[ArmSpectrum], palette: Palette, columns: int = 2) -> Figure:
    """Each replica's leading eigenvalue and its conjugate, left of the boundary where the point is stable; beside it,
    one row per arm, the real part and the share of the imaginary part in the modulus. Raises ValueError without an arm.
    """
    if not results:
        raise ValueError("spectra: expected at least one arm, got none")
    height = 0.65 + HEIGHT * len(results)
    if columns == 1:
        figure = new(columns, 2.2 + height)
        panels = figure.subplot_mosaic("AA;BC", height_ratios=[2.2, height])
    else:
        figure = new(columns, max(2.2, height))
        panels = figure.subplot_mosaic("ABC", width_ratios=[1.25, 1, 1])
    plane, real, share = panels.values()
    share.sharey(real)
    _plane(plane, results, palette)
    arms = [one.arm for one in results]
    _boundary(real, np.concatenate([*(one.real for one in results), *(_ends(one) for one in results)]))
    strips(real, arms, {one.arm: (one.real, one.real_median) for one in results}, palette, 20)
    real.set_xlabel("largest real part")
    share.set_xlim(-0.04, 1.04)
    share.set_xticks([0, 0.5, 1])
    percent_ticks(share.xaxis)
    shares = {one.arm: (one.imaginary_share, one.imaginary_share_median) for one in results}
    strips(share, arms, shares, palette, 20)
    share.set_xlabel("imaginary share")
    share.tick_params(axis="y", labelleft=False)
    return figure


def _ends(one: ArmSpectrum) -> np.ndarray:
    return np.array([one.real_median.low, one.real_median.high])


def _boundary(axes: Axes, values: np.ndarray) -> None:
    scale_signed(axes, "x", values)
    left, right = axes.get_xlim()
    axes.axvspan(left, min(0.0, right), color=STABLE, linewidth=0)
    axes.axvline(0, color=MUTED, linewidth=0.9)
    axes.set_xlim(left, right)


def _plane(axes: Axes, results: Sequence[ArmSpectrum], palette: Palette) -> None:
    reals = np.concatenate([one.real for one in results])
    sizes = np.concatenate([one.imaginary for one in results])
    width, height = (float(np.abs(part).max(initial=0.0)) for part in (reals, sizes))
    _boundary(axes, np.r_[reals, -0.25 * width, 0.25 * width])
    scale_signed(axes, "y", np.r_[sizes, -sizes] if height else np.array([-width, width]))
    axes.axhline(0, color=MUTED, linewidth=0.5)
    for one in results:
        look = palette[one.arm]
        axes.scatter(
            np.r_[one.real, one.real], np.r_[one.imaginary, -one.imaginary], s=11, marker=look.marker,
            color=look.colour, alpha=0.75, linewidths=0, label=one.arm,
        )  # fmt: skip
    axes.set_xlabel("real part of the leading eigenvalue")
    axes.set_ylabel("imaginary part")
    for place, words in ((0.02, "stable"), (0.98, "unstable")):
        axes.text(
            place, 0.98, words, transform=axes.transAxes, ha="left" if place < 0.5 else "right", va="top",
            color=MUTED,
        )  # fmt: skip
