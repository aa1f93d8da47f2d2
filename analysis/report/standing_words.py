"""What a comparison over data sets says, in sentences that claim no more than its tests."""

from __future__ import annotations

from collections.abc import Collection

from analysis.results.standings import OverDataSets
from analysis.wording import counted, listed, number, p_value

NOTHING = 3  # units up to which not even all arms together are called different
FEW = 4  # arms up to which a sentence lists them by name
ENDPOINTS = {"converged": "the share of replicas that converged", "quality": "quality"}


def units_of(one: OverDataSets) -> str:
    """`8 data sets`, `3 studies of one data set`."""
    return counted(len(one.units), one.unit, "studies of one data set" if one.unit == "study" else "")


def of_such(one: OverDataSets) -> str:
    """What more of is asked about."""
    return "more such studies" if one.unit == "study" else "such data sets"


def all_tied(one: OverDataSets) -> bool:
    """Whether all arms have the same average rank."""
    return len(set(one.test.average_ranks)) == 1


def verdict(one: OverDataSets) -> str:
    """Which arm has the best average rank, and which of the others are told apart from it."""
    ranks, count = one.test.average_ranks, len(one.arms)
    best = [arm for arm, rank in zip(one.arms, ranks, strict=True) if rank == ranks[0]]
    if all_tied(one):
        said = f"Over {units_of(one)}, no arm is ahead of another in {ENDPOINTS[one.endpoint]}:"
        said += " all have the same average rank"
    else:
        said = f"Over {units_of(one)}, {listed(best)} {'have' if len(best) > 1 else 'has'} the best average rank in"
        said += f" {ENDPOINTS[one.endpoint]}, {number(ranks[0])} of {counted(count, 'arm')}"
    if count > 2 and len(one.units) > NOTHING:
        differ = "differ" if one.test.p <= one.alpha else "do not differ measurably"
        said += f"; the arms {differ} (Friedman's test of all, p\u00a0{_equals(one.test.p)})"
    if len(one.units) < one.needed:
        few = "studies" if one.unit == "study" else "data sets"
        which = f"any two of {count} arms" if count > 2 else "two arms"
        return (
            f"{said}. So few {few} cannot tell {which} apart, whatever the results: that takes {one.needed} at least."
        )
    said += f"; {_told(one) if len(best) > 1 else _against_the_best(one)}."
    return f"{said} All this is of what one search.seed drew for each arm." if one.drawn_alike else said


def _told(one: OverDataSets) -> str:
    told = sum(pair.p_holm <= one.alpha for pair in one.pairs)
    return (
        f"at 5\u00a0% after Holm's correction {told or 'none'} of {counted(len(one.pairs), 'pair')} can be told apart"
    )


def _against_the_best(one: OverDataSets) -> str:
    best, *others = one.arms
    tied = [arm for arm in others if not one.told(best, arm)]
    beaten = [arm for arm in others if arm not in tied and one.pair(best, arm).statistic > 0]
    ahead = [arm for arm in others if arm not in tied and arm not in beaten]
    if len(tied) == len(others):
        return "at 5\u00a0% no other arm can be told from it"
    if len(beaten) == len(others):
        return f"it is told apart from {'every other' if len(others) > 1 else 'the other'} arm at 5\u00a0% (Holm)"
    parts = [f"cannot be told from {_few(tied, 'or')}"] if tied else []
    parts += [f"is told apart from {_few(beaten)}"] if beaten else []
    parts += [f"falls behind {_few(ahead)} in the test of the pair"] if ahead else []
    return f"it {listed(parts)} at 5\u00a0% (Holm)"


def scope(one: OverDataSets) -> list[str]:
    """What the units are, and what was left out of the comparison."""
    said = []
    if one.unit == "study":
        said.append(
            "All these studies are of one data set. Each counts as one result: what is said here is of more such"
            " studies, not of other data."
        )
    if several := [unit.name for unit in one.units if " + " in unit.name]:
        said.append(f"Studies of one data set count as one result, by their mean: {listed(several)}.")
    for study, arms in one.lacking.items():
        said.append(f"Left out: {study}, which has no score of {_few(sorted(arms))}.")
    if dropped := sorted(set().union(*one.dropped.values())):
        which = "each" if len(dropped) > 1 else "it"
        said.append(f"Left out, as not every study has a score of {which}: {_few(dropped)}.")
    return said


def drawn_alike(one: OverDataSets) -> list[str]:
    """A warning where studies are no independent results, as their searches began with the same draws."""
    if not one.drawn_alike:
        return []
    return [
        f"{_few(one.drawn_alike)} were searched with one search.seed, so that an arm's searches began with the same"
        " configurations in each: a lucky draw may count on every data set, and tests over data sets then find"
        " differences between arms that are alike. Give each study a search.seed of its own."
    ]


def alternative(one: OverDataSets) -> str:
    """The picture in words."""
    ranks = zip(one.arms, one.test.average_ranks, strict=True)
    said = ", ".join(f"{arm} {number(rank)}" for arm, rank in ranks)
    groups = "; ".join(listed(group) for group in one.groups) or "none"
    return f"Average ranks in {ENDPOINTS[one.endpoint]} over {units_of(one)}: {said}. Cannot be told apart: {groups}."


def _few(names: Collection[str], last: str = "and") -> str:
    return listed(list(names), last) if len(names) <= FEW else f"{len(names)} of them"


def _equals(p: float) -> str:
    words = p_value(p)
    return words if words.startswith("<") else f"=\u00a0{words}"
