"""What the page says of looks at the pairs of arms: how many there were, why they ended, how they are paid for, and
where there may have been others."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.record.join import studies_of
from analysis.record.loading import Record
from analysis.record.metadata import stated
from analysis.results.looks import ended, limits_of, looks_of, size_of
from analysis.wording import counted, listed, number, percent

LEVEL = 0.05  # family-wise
ALONE = (
    "Every p is taken over all looks, and intervals of pairs hold at all of them: that a study stops when its pairs are"
    " told apart has been paid for. Brackets of a single arm are as if there had been one look."
)
JOINED = (
    "Of joined studies pairs are tested once, on all that there is, at the part of the level that the last looks may"
    " spend."
)


def looked(about: Mapping[str, Any]) -> list[str]:
    """Sentences on the looks of a study, or of each that was joined; none where there were none."""
    studies = studies_of(about)
    said = [_study(one, len(studies) > 1) for one in studies if looks_of(one)]
    return [*said, ALONE if len(studies) == 1 else JOINED] if said else []


def extended(record: Record) -> list[str]:
    """A sentence where studies were extended once trials of theirs had ended: they may have been looked at before, as
    no entry of a ledger says; none of a study that plans its looks."""
    keys = dict.fromkeys(
        key
        for about in studies_of(record.about)
        for session in stated(about, "sessions", [])
        for key in session.get("extended", ())
        if not looks_of(about) and session.get("time", 0) > _first_end(record, about)
    )
    if not keys:
        return []
    return [
        f"What was to be done was extended ({listed(list(keys))}) after trials had ended. If that was decided by what"
        " they had shown, this is a further look, which no p here pays for: confirm.until plans looks beforehand."
    ]


def _first_end(record: Record, about: Mapping[str, Any]) -> float:
    """When the first trial of a study ended, in unix seconds; infinity where none has."""
    time = record.trials.loc[record.trials["study"] == about.get("study"), "ended"].min()
    return math.inf if pd.isna(time) else time.timestamp()


def _study(about: Mapping[str, Any], named: bool) -> str:
    looks = looks_of(about)
    sizes = [max(look.extents.values()) for look in looks]
    of = f"{about.get('study', '?')}: the" if named else "The"
    said = (
        f"{of} pairs of arms were looked at {counted(len(looks), 'time')}, by quality, after"
        f" {listed([size_of(*size) for size in sizes])}"
    )
    why = ended(looks[-1], limits_of(about))
    said += f"; then the study ended, as {why}." if why else ", and the study goes on."
    levels = list(dict.fromkeys(f"{number(100 * LEVEL * look.level, 2)}\u00a0%" for look in looks))
    whole = f"{said} Each look may spend {' or '.join(levels)} of the {percent(LEVEL)}"
    stayed = [arm for arm, size in looks[-1].extents.items() if size != sizes[-1]]
    return (
        f"{whole}; no more was trained of arms whose pairs were all told apart ({listed(stayed)})."
        if stayed
        else f"{whole}."
    )
