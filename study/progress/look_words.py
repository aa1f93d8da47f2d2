"""What people read of looks at the pairs of arms: those to come (`check`), those made (`status`, the terminal)."""

from __future__ import annotations

from collections.abc import Collection

from analysis.statistics.looks import next_level
from analysis.wording import listed
from study.config.rounds import after, first, limits, looks
from study.config.schema import StudyConfig
from study.ledger.entries import Look
from study.search.looks import ALPHA, WORTH, decided

FEW = 4  # names


def to_come(config: StudyConfig) -> list[str]:
    """How a study will go on until the pairs of arms are decided; nothing where it will not."""
    if not config.confirm.until:
        return []
    begun, most = first(config), limits(config)
    count = looks(config, begun)
    level = next_level([], [], count) * ALPHA
    sizes = [_size(*begun)]
    extent = after(config, begun)
    while extent is not None:
        sizes.append(_size(*extent))
        extent = after(config, extent)
    lines = [
        f"confirm.until: at most {count} looks at the pairs of arms, after {listed(sizes)}; each may spend"
        f" {level * 100:.2g} % of the {ALPHA * 100:.0f} %, and arms whose pairs are all told apart get no more"
    ]
    if begun.repeats > 1:
        further = "repeats are added instead" if most.repeats > begun.repeats else "the study ends"
        lines.append(
            f"repeats are the units, of whose variance more seeds take off a part alone: where that is less than"
            f" {WORTH * 100:.0f} %, {further}"
        )
    return lines


def made(look: Look) -> str:
    """One look: `look 2 of at most 4, after 32 seeds: 3 of 6 pairs told apart; a, b and c go on`."""
    told = sum(map(decided, look.pairs))
    sizes = sorted({_size(*size) for size in look.extents.values()})
    said = f"look {look.number + 1} of at most {look.planned}, after {' or '.join(sizes)}"
    return f"{said}: {told} of {len(look.pairs)} pairs told apart{_open(look.open)}"


def ended(look: Look, config: StudyConfig) -> str:
    """Why the study ends after its last look."""
    if not look.open:
        return "ended as every pair is told apart"
    sizes = [look.extents[arm] for arm in look.open]
    limit = limits(config)
    if not look.more_seeds and any(size[1] < limit.seeds for size in sizes):
        return f"ended as more seeds would take less than {WORTH * 100:.0f} % off the variance"
    return f"ended at {_size(*limit)}, the most that there may be"


def _open(arms: Collection[str]) -> str:
    if not arms:
        return ""
    return f"; open: {listed(list(arms)) if len(arms) <= FEW else f'{len(arms)} arms'}"


def _size(repeats: int, seeds: int) -> str:
    """`32 seeds`, or `6 repeats of 32 seeds`."""
    return f"{seeds} seeds" if repeats == 1 else f"{repeats} repeats of {seeds} seeds"
