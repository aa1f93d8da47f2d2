"""The command objective: what `trainables.objectives.induced` finds out about a pair (f, g), printed and drawn."""

from __future__ import annotations

import math
from argparse import Namespace
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from study.command.output import DONE, print_json
from study.config.messages import ConfigError, brief, shown
from study.config.strict_yaml import override
from study.progress.tables import terminal
from trainables import objectives, own_code
from trainables.checks import close_to
from trainables.objectives import OBJECTIVES, Game, admission, induced
from trainables.objectives.induced import Explanation
from trainables.objectives.pairing import PAIRINGS, PairingExplanation, explain_pairing

FORMATS = (".png", ".pdf", ".svg")
MOST_RATIOS = 2000
ROWS = 9  # of the table over the ratios
OWN = "yours"  # the name of a pair that came without one
LOSSES = {"saturating": "g", "non_saturating": "-f", "critic_mean": "-d, or d where a larger d means fake"}


def objective(options: Namespace) -> int:
    """Explain what an objective does before any training: built in, or a pair of the user's own."""
    if options.plot is not None:
        check_plot(options.plot)
    if options.all:
        return _all(options)
    pair = game(options.name, options.f, options.g, options.generator, options.set, options.pairing)
    if options.pairing != "independent":
        return _paired(options, pair)
    explained = induced.explain(pair, ratios(options.ratios))
    if options.plot is not None:
        draw(explained, options.plot)
    if options.json:
        print_json(to_dict(explained, pair))
    else:
        show(explained, pair.parameters)
        if options.plot is not None:
            terminal().print(Text(f"the picture is in {options.plot}"))
    return DONE


def _all(options: Namespace) -> int:
    for name in ("name", "f", "g", "generator", "ratios", "plot", "set"):
        if getattr(options, name):
            raise ConfigError(f"--all: expected alone or with --json, got it with {name}")
    if options.pairing != "independent":
        raise ConfigError(f"--pairing: expected independent with --all, got {shown(options.pairing)}")
    every = everything()
    if options.json:
        print_json({"objectives": [explained.to_dict() for explained in every]})
    else:
        show_all(every)
    return DONE


def _paired(options: Namespace, pair: Game) -> int:
    """Explain a pair whose functions are applied to differences of the critic's outputs."""
    if options.pairing not in PAIRINGS:
        raise ConfigError(f"--pairing: unknown name {shown(options.pairing)}{close_to(options.pairing, PAIRINGS)}")
    for name in ("ratios", "plot"):
        if getattr(options, name):
            raise ConfigError(f"--{name}: expected pairing independent, as no density ratio says what others are")
    try:
        explained = explain_pairing(pair, options.pairing)
    except ValueError as error:
        raise ConfigError(brief(error)) from None
    if options.json:
        print_json({**explained.to_dict(), "parameters": dict(pair.parameters)})
    else:
        show_paired(explained, pair.parameters)
    return DONE


def game(
    name: str | None,
    f: str | None,
    g: str | None,
    generator: str | None,
    settings: Sequence[str] = (),
    pairing: str = "independent",
) -> Game:
    """The objective that a command line names or writes down; `settings` are parameters such as `alpha=2`.

    The name of a row in Python is its place, `module:attribute`. Raises `ConfigError` showing what is wrong with it, in
    the words of `ganstudy check`.
    """
    if name is None and f is None and g is None:
        raise ConfigError(f"objective: expected --all, --f and --g, or one of {', '.join(OBJECTIVES)}, got nothing")
    pair = {key: text for key, text in (("f", f), ("g", g)) if text is not None}
    values: dict[str, Any] = {"name": OWN if name is None else name, **pair}
    for setting in settings:
        override(values, setting)
    if own_code.is_location(name):
        own_code.allow(Path.cwd(), [str(name)])
    loss = "default" if generator is None else generator
    try:
        found = objectives.resolve(values, loss)
        admission.require(values, loss, pairing)
        return found
    except (ValueError, TypeError) as error:
        raise ConfigError(brief(error)) from None


def ratios(given: Sequence[str] | None) -> np.ndarray:
    """LOW, HIGH and N as N density ratios, evenly spaced on a logarithmic scale. Raises `ConfigError`."""
    if given is None:
        return induced.DEFAULT_RATIOS
    try:
        low, high, count = float(given[0]), float(given[1]), int(given[2])
    except ValueError:
        raise ConfigError(f"--ratios: expected two numbers and how many, got {' '.join(given)}") from None
    if not (0 < low < high < math.inf and 2 <= count <= MOST_RATIOS):
        expected = f"0 < LOW < HIGH and N from 2 to {MOST_RATIOS}"
        raise ConfigError(f"--ratios: expected {expected}, got {' '.join(given)}")
    return np.geomspace(low, high, count)


def everything() -> list[Explanation]:
    """Every row of the table, with its own generator's loss."""
    return [induced.explain(name) for name in OBJECTIVES]


def to_dict(explained: Explanation, game: Game) -> dict[str, Any]:
    """Plain data for `--json`."""
    return {**explained.to_dict(), "parameters": dict(game.parameters)}


def check_plot(path: Path) -> None:
    """Refuse a file name that does not end in a known picture format. Raises `ConfigError`."""
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"--plot: expected a name that ends in {', '.join(FORMATS)}, got {shown(str(path))}")
    if path.exists() and not path.is_file():
        raise ConfigError(f"--plot: expected a file that can be written, got {path}, a folder, a pipe or a device")


def draw(explained: Explanation, path: Path) -> None:
    """Write the picture as its name's ending says. Raises `ConfigError` where it cannot be written."""
    from analysis.figures import explanation
    from analysis.figures.style import rendered

    content = rendered(explanation(explained.to_dict()), path.suffix.lower().removeprefix("."))
    try:
        path.write_bytes(content)
    except OSError as error:
        raise ConfigError(f"--plot: expected a file that can be written, got {path} ({error.strerror})") from None


def show(explained: Explanation, parameters: Mapping[str, float], console: Console | None = None) -> None:
    """Print the sentence, the pair, a table over the ratios, and what follows from it."""
    console = console or terminal()
    console.print(Text(explained.sentence, overflow="fold"), soft_wrap=False)
    console.print(_listed(_pair(explained, parameters)))
    console.print(_over_ratios(explained))
    console.print(_listed(_findings(explained)))


def show_paired(explained: PairingExplanation, parameters: Mapping[str, float], console: Console | None = None) -> None:
    """Print the sentence, the pair, and what is known of it."""
    console = console or terminal()
    console.print(Text(explained.sentence, overflow="fold"), soft_wrap=False)
    console.print(_listed({**_pair(explained, parameters), "applied to": PAIRINGS[explained.pairing]}))
    found = {
        "at p = q": f"{'no' if explained.none_at_equality else 'a'} critic finds a difference",
        "a small critic": f"gains {_number(explained.slope)} for each unit by which its means differ",
        "critic estimates": f"a divergence, {_number(explained.value_at_equality)} at p = q"
        if explained.is_divergence
        else "nothing shown to be a divergence",
        "its best value": {
            True: "finite where p and q have the same support",
            False: "infinite unless the critic is constrained",
            None: "not known to be finite",
        }[explained.finite],
        "generator": "descends what the critic ascends" if explained.zero_sum else "has a loss of its own",
    }
    console.print(_listed(found))


def show_all(explained: Sequence[Explanation], console: Console | None = None) -> None:
    """Print a line for every objective."""
    console = console or terminal()
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("objective", no_wrap=True)
    for title in ("the critic estimates", "generator", "the generator's step descends", "as the critic wins", "Dirac"):
        table.add_column(title, overflow="fold")
    for e in explained:
        cells = (e.name, estimates(e), e.generator, descends(e), _fate(e), eigenvalues(e))
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)


def estimates(explained: Explanation) -> str:
    """What sup F is, such as `2 x jensen_shannon - 1.386`, or why it has no name."""
    if explained.estimate is not None:
        return explained.estimate
    if not explained.is_divergence:
        return _no_divergence(explained)
    return f"an f-divergence{f', {explained.limits}' if explained.limits else ' without a common name'}"


def _no_divergence(explained: Explanation) -> str:
    if math.isinf(explained.value_at_equality):
        return "nothing, as constant critics win without end"
    if not explained.limits:
        return "no divergence: phi is linear at r = 1"
    return "nothing unless the critic is constrained" if "infinite" in explained.limits else "nothing that was found"


def descends(explained: Explanation) -> str:
    """What a step of the generator does against the best critic."""
    if explained.ascends_at:
        return f"none: it climbs for r {ascent(explained)}"
    if not explained.generator_descends:
        return "none"
    other = "a divergence" if explained.limits else "another, without a common name"
    same = "the same" if explained.generator == "saturating" else other
    return explained.generator_matches or same


def ascent(explained: Explanation) -> str:
    """The stretches of neighbouring ratios at which the generator climbs."""
    ordered = sorted(explained.ratios.tolist())
    climbs = [x in set(explained.ascends_at) for x in ordered]
    edges = [i for i, (before, after) in enumerate(pairwise([False, *climbs, False])) if before != after]
    stretches = zip(edges[::2], edges[1::2], strict=True)
    return ", ".join(f"from {ordered[start]:.3g} to {ordered[end - 1]:.3g}" for start, end in stretches)


def eigenvalues(explained: Explanation) -> str:
    """Both of the Dirac-GAN's eigenvalues at its equilibrium, as `+-0.5i`."""
    root = explained.dirac_eigenvalues[0]
    if math.isnan(abs(root)):
        return "undefined"
    size, unit = (abs(root.imag), "i") if abs(root.imag) > abs(root.real) else (abs(root.real), "")
    if not size:
        return "0"
    return f"+-{unit}" if unit and size == 1 else f"+-{size:.4g}{unit}"


def _fate(explained: Explanation) -> str:
    return {True: "its gradient fades", False: "its gradient stays", None: "not known"}[explained.saturates]


def _pair(explained: Explanation | PairingExplanation, parameters: Mapping[str, float]) -> dict[str, str]:
    meaning = LOSSES.get(explained.generator)
    numbers = ", ".join(f"{name} = {value:g}" for name, value in parameters.items())
    return {
        "f(d)": explained.f,
        "g(d)": explained.g,
        "generator minimises": f"{explained.generator}: {meaning}" if meaning else explained.generator,
        **({"where": numbers} if numbers else {}),
    }


def _over_ratios(explained: Explanation) -> Table:
    """A few of the ratios, first and last included."""
    columns = {
        "r = p/q": explained.ratios,
        "d*(r)": explained.optimal_critic,
        "phi(r)": explained.divergence,
        "phi''(r)": explained.critic_curvature,
        "generator's phi''": explained.generator_curvature,
        "its slope l'(d*)": explained.generator_slope,
        "log r read back": explained.log_ratio,
    }
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for title in columns:
        table.add_column(title, justify="right")
    last = len(explained.ratios) - 1
    for place in np.unique(np.linspace(0, last, min(ROWS, last + 1)).round().astype(int)):
        cells = {title: _number(float(values[place])) for title, values in columns.items()}
        if _kinked(explained) and np.isclose(explained.ratios[place], 1):
            cells |= dict.fromkeys(("phi''(r)", "generator's phi''")[: 1 + explained.generator_descends], "kink")
        table.add_row(*cells.values())
    return table


def _kinked(explained: Explanation) -> bool:
    """Whether phi bends at r = 1 in a kink alone, beside which it is a straight line."""
    flat = (explained.critic_curvature == 0) | np.isnan(explained.critic_curvature)  # NaN where any d is the best
    return explained.strict and bool(flat.all())


def _bend(explained: Explanation) -> str:
    if not explained.strict:
        return _no_divergence(explained)
    return "phi has a kink at r = 1: phi'' is 0 beside it" if _kinked(explained) else "phi is strictly convex at r = 1"


def _findings(explained: Explanation) -> dict[str, str]:
    finite = "finite" if explained.finite else "for some r infinite, nowhere or too far out to be told from that"
    unique = "unique" if explained.unique else "not the only one for some r"
    return {
        "best critic": f"{finite}, {unique}",
        "critic estimates": f"{estimates(explained)}; {_number(explained.value_at_equality)} at p = q",
        "divergence": _bend(explained),
        "generator descends": descends(explained),
        "generator climbs": f"for r {ascent(explained)}" if explained.ascends_at else "nowhere",
        "as the critic wins": _fate(explained),
        "Dirac-GAN": f"eigenvalues {eigenvalues(explained)}: {_dirac(explained)}",
        **({"in training": "; ".join(explained.overflows)} if explained.overflows else {}),
    }


def _dirac(explained: Explanation) -> str:
    root = explained.dirac_eigenvalues[0]
    if math.isnan(abs(root)):
        return "f, g or the generator's loss has no slope at d = 0"
    if root == 0:
        return "no force at d = 0, so that higher orders decide"
    if abs(root.imag) > abs(root.real):
        return (
            "it circles its equilibrium, and goes outwards where both players take their steps at the same time"
            " (updates: simultaneous); a penalty such as r1 makes it converge"
        )
    return "its equilibrium repels"


def _listed(entries: Mapping[str, str]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in entries.items():
        table.add_row(Text(name, style="dim"), Text(text))
    return table


def _number(value: float) -> str:
    if math.isinf(value):
        return "infinite" if value > 0 else "-infinite"
    return "-" if math.isnan(value) else f"{value + 0.0:.4g}"
