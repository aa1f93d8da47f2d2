"""What is said of factors: which levels are told apart as means over the others, and which do more beside some."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from analysis.report.pair_words import few
from analysis.results.crossing import Crossing, FactorEffect
from analysis.wording import counted, named, p_value, spoken_points, spoken_share

Words = Callable[[FactorEffect], str]


def sentences(found: Crossing) -> list[str]:
    """What is told, and what is not, of convergence, of differences of differences, and of quality."""
    averaged = f"Averaged over the {_other(found)}"
    said = [_told(found.converged, found, averaged, "how often replicas converged", _convergence)]
    if unlike := _unlike(found):
        said.append(f"{unlike} No average is what it does beside each.")
    else:
        said.append("Whether a level does more beside one level of another factor than beside the next cannot be told.")
    if found.quality:
        said.append(_told(found.quality, found, f"{averaged} too", f"quality ({named(found.metric)})", _quality))
    return said


def claim(found: Crossing | None) -> list[str]:
    """What is told of factors, and what levels do unlike beside others, a sentence each, for an answer about arms."""
    if found is None:
        return []
    families = (
        (found.converged, "how often replicas converged", _convergence),
        (found.quality, f"quality ({named(found.metric)})", _quality),
    )
    said = [f"by {what}: {_few(told, every, words)}" for every, what, words in families if (told := found.told(every))]
    lead = f"As means over the {_other(found)}, not as differences of two arms, levels are told apart"
    return [*([f"{lead} {'; and '.join(said)}."] if said else []), *filter(None, [_unlike(found)])]


def _other(found: Crossing) -> str:
    return "other factor" if len(found.levels) == 2 else "other factors"


def _told(every: Sequence[FactorEffect], found: Crossing, lead: str, what: str, words: Words) -> str:
    told = found.told(every)
    if not told:
        return f"{lead}, no level of a factor is told from another by {what}."
    return f"{lead}, levels are told apart by {what}: {_few(told, every, words)}."


def _unlike(found: Crossing) -> str:
    """That a level does more beside one level of another factor than beside the next; empty where it is not told."""
    told = found.told(found.differences)
    words = _few(told, found.differences, _difference)
    return f"A level does not do the same beside all others: {words}." if told else ""


def _few(told: Sequence[FactorEffect], every: Sequence[FactorEffect], words: Words) -> str:
    return few([words(one) for one in told], counted(len(every), "comparison"))


def _convergence(one: FactorEffect) -> str:
    level, other, effect = one.level, one.instead_of, one.effect
    if effect.estimate < 0:
        level, other, effect = other, level, effect.negated()
    return f"{one.factor} {level} more often than {other} by {spoken_points(effect)} ({_p(one)})"


def _difference(one: FactorEffect) -> str:
    assert one.beside is not None
    other, more, less = one.beside
    effect = one.effect
    if effect.estimate < 0:
        more, less, effect = less, more, effect.negated()
    gain = f"{one.factor} {one.level} instead of {one.instead_of} adds {spoken_points(effect)} more"
    return f"{gain} beside {other} {more} than beside {less} ({_p(one)})"


def _quality(one: FactorEffect) -> str:
    level, other, effect = one.level, one.instead_of, one.effect
    if effect.estimate < 0.5:
        ends = (1 - effect.estimate, 1 - effect.high, 1 - effect.low)
        level, other, effect = other, level, replace(effect, estimate=ends[0], low=ends[1], high=ends[2])
    return f"{one.factor} {level} is better than {other} with probability {spoken_share(effect)} ({_p(one)})"


def _p(one: FactorEffect) -> str:
    p = p_value(one.p_holm)
    return f"p\u00a0{p}" if p.startswith("<") else f"p\u00a0=\u00a0{p}"
