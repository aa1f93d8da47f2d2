"""A pair (f, g): optimal critic, induced divergence, curvature of the generator's divergence, Dirac-GAN spectrum.

The explanation is plain data as `ganstudy objective --json` prints it: lists over the density ratios r = p/q, with
non-finite numbers as text and eigenvalues as [real, imaginary].
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.colours import BLUE, INK, MUTED, STABLE, VERMILION
from analysis.figures.axes import ROUNDING, scale_axis
from analysis.figures.style import new, styled
from analysis.results.explained import Floats, above_tangent, numbers

NEEDED = (
    "ratios", "optimal_critic", "divergence", "critic_curvature", "generator_curvature", "generator_slope",
    "dirac_eigenvalues",
)  # fmt: skip
TINY = 1e-12


@styled
def explanation(explained: Mapping[str, Any], columns: int = 2) -> Figure:
    """Four panels over the density ratio, and the sentence; raises ValueError naming a key that is missing."""
    missing = [key for key in NEEDED if key not in explained]
    if missing:
        raise ValueError(f"explanation: expected the keys {', '.join(NEEDED)}; missing: {', '.join(missing)}")
    ratios = numbers(explained["ratios"])
    sentence = textwrap.fill(str(explained.get("sentence", "")), 128 if columns > 1 else 58)
    lines = sentence.count("\n") + 1 if sentence else 0
    across = 4 if columns > 1 else 2
    figure = new(columns, (2.0 if columns > 1 else 3.5) + 0.13 * lines)
    panels = figure.subplots(4 // across, across).ravel()
    _critic(panels[0], ratios, numbers(explained["optimal_critic"]))
    _divergence(panels[1], ratios, numbers(explained["divergence"]))
    _curvature(panels[2], ratios, explained)
    _spectrum(panels[3], explained["dirac_eigenvalues"])
    for panel in panels[:3]:
        scale_axis(panel, "x", ratios, log=True)
        panel.axvline(1, color=MUTED, linewidth=0.6, linestyle=(0, (1, 1)))
        panel.set_xlabel("density ratio r = p/q")
    if sentence:
        figure.supxlabel(sentence, x=0.01, ha="left", fontsize=7, color=INK)
    return figure


def _critic(axes: Axes, ratios: Floats, critic: Floats) -> None:
    axes.set_title("best critic d*(r)")
    finite = np.abs(critic[np.isfinite(critic)])
    limit = max(1.0, 1.15 * min(float(np.quantile(finite, 0.9)), 50.0)) if len(finite) else 1.0
    axes.plot(ratios, np.clip(critic, -0.9 * limit, 0.9 * limit) if not len(finite) else critic, color=BLUE)
    axes.set_ylim(-limit, limit)
    axes.axhline(0, color=MUTED, linewidth=0.5)
    if not len(finite):
        axes.set_yticks([-0.9, 0, 0.9], ["−∞", "0", "∞"])


def _divergence(axes: Axes, ratios: Floats, divergence: Floats) -> None:
    axes.set_title("φ(r) − tangent at 1")
    axes.set_xlim(0.05, 20)
    shown = above_tangent(ratios, divergence)
    within = (ratios >= 0.05) & (ratios <= 20) & np.isfinite(shown)
    near = shown[within]
    if not len(near):
        _say(axes, "unbounded" if np.isinf(divergence).any() else "not found")
        return
    if near.max() <= ROUNDING * np.abs(divergence[within]).max():
        _say(axes, "zero: φ is linear")
        return
    axes.plot(ratios, shown, color=BLUE)
    axes.set_ylim(0, 1.1 * float(near.max()))


def _say(axes: Axes, words: str) -> None:
    axes.set_yticks([])
    axes.text(0.5, 0.6, words, transform=axes.transAxes, ha="center", color=MUTED)


def _curvature(axes: Axes, ratios: Floats, explained: Mapping[str, Any]) -> None:
    axes.set_title("curvature φ″(r)")
    drawn = []
    for name, label, colour, dash in (
        ("critic_curvature", "critic's", BLUE, "-"),
        ("generator_curvature", "generator's", VERMILION, (0, (5, 1.6))),
    ):
        values = numbers(explained[name])
        if (values > TINY).any():
            axes.plot(ratios, np.where(values > TINY, values, np.nan), color=colour, linestyle=dash, label=label)
            drawn.append(values[(values > TINY) & np.isfinite(values)])
    if drawn:
        scale_axis(axes, "y", np.concatenate(drawn), log=True)
        axes.legend(loc="best", handlelength=1.8)
    else:
        axes.set_xlim(ratios.min(), ratios.max())
        _say(axes, "zero, or all in a kink")


def _spectrum(axes: Axes, eigenvalues: Any) -> None:
    axes.set_title("Dirac eigenvalues")
    pairs = np.array([numbers(pair) for pair in eigenvalues])
    pairs = pairs[np.isfinite(pairs).all(axis=1)]
    reach = 1.5 * max(float(np.abs(pairs).max(initial=0.0)), 0.2)
    axes.axvspan(-reach, 0, color=STABLE, linewidth=0)
    axes.axhline(0, color=MUTED, linewidth=0.5)
    axes.axvline(0, color=MUTED, linewidth=0.5)
    if len(pairs):
        axes.plot(pairs[:, 0], pairs[:, 1], "o", color=VERMILION, markersize=5, markeredgecolor=INK, clip_on=False)
    else:
        _say(axes, "none: not smooth")
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="real (green: stable)")
    axes.set_ylabel("imaginary")
