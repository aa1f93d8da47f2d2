"""Which arms joined studies have in common, and which of the studies are of one data set."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from analysis.record.join import studies_of
from analysis.record.metadata import stated

DRAWN = ("points", "heldout", "seed", "root", "download")  # settings that say how a data set is drawn, and not which
Abouts = Mapping[str, Mapping[str, Any]]  # by study, the `about` of its record


def data_set(about: Mapping[str, Any]) -> str:
    """What tells a study's data set from others: all settings of its data but `DRAWN`."""
    data = stated(about, "config.data", stated(about, "study"))
    settings = data if isinstance(data, Mapping) else {"name": data}
    return json.dumps({key: value for key, value in settings.items() if key not in DRAWN}, sort_keys=True, default=str)


def one_data_set(about: Mapping[str, Any]) -> bool:
    """Whether a record, by its `about`, is of one data set, though perhaps of several studies."""
    return len({data_set(study) for study in studies_of(about)}) == 1


def units(studies: Collection[str], abouts: Abouts) -> list[tuple[str, ...]]:
    """The studies of each unit of comparison: a data set or, where all are of one, a study."""
    grouped: dict[str, list[str]] = {}
    for study in studies:
        grouped.setdefault(data_set(abouts[study]), []).append(study)
    return [tuple(group) for group in grouped.values()] if len(grouped) > 1 else [(study,) for study in studies]


def complete(arms_of: Mapping[str, Collection[str]], abouts: Abouts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The studies and the arms of the largest complete table of arms by units, in their order.

    Args:
        arms_of: by study, the arms that it has.
        abouts: by study.

    Returns:
        Nothing of either where no two units share two arms. Of tables of one size, that of more units.
    """
    shared: set[frozenset[str]] = set()
    for arms in {frozenset(arms) for arms in arms_of.values()}:
        shared |= {arms, *(arms & other for other in shared)}

    def having(arms: Collection[str]) -> list[str]:
        return [study for study, own in arms_of.items() if set(arms) <= set(own)]

    def size(arms: Collection[str]) -> tuple[int, int, int, list[str]]:
        studies = having(arms)
        count = len(units(studies, abouts))
        return count * len(arms), count, len(studies), sorted(arms)

    usable = [arms for arms in shared if len(arms) > 1 and len(units(having(arms), abouts)) > 1]
    if not usable:
        return (), ()
    best = max(usable, key=size)
    studies = having(best)
    return tuple(studies), tuple(arm for arm in arms_of[studies[0]] if arm in best)


def drawn_alike(found: Sequence[Sequence[str]], abouts: Abouts) -> tuple[str, ...]:
    """The studies of the units `found` whose search had the seed of one in another unit.

    An arm's sampler is seeded by the study's `search.seed` and the arm's name, so that its searches in these studies
    began with the same configurations. Studies that search nothing are left out.
    """
    where: dict[Any, set[int]] = {}
    seeds = {}
    for place, studies in enumerate(found):
        for study in studies:
            if any(stated(abouts[study], "searched", {}).values()):
                seeds[study] = stated(abouts[study], "config.search.seed")
                where.setdefault(seeds[study], set()).add(place)
    return tuple(study for study, seed in seeds.items() if len(where[seed]) > 1)
