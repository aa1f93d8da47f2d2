"""What people read of looks at the pairs of arms: those to come (`check`), those made (`status`, the terminal)."""

from __future__ import annotations

from collections.abc import Collection

from analysis.results.looks import ended as why_ended
from analysis.results.looks import looks_of, size_of
from analysis.statistics.looks import next_level
from analysis.wording import listed
from study.config.rounds import after, first, limits, looks
from study.config.schema import StudyConfig
from study.ledger.entries import Look, to_json
from study.search.looks import ALPHA, WORTH, decided

FEW = 4  # names


def to_come(config: StudyConfig) -> list[str]:
    """How a study will go on until the pairs of arms are decided; nothing where it will not."""
    if not config.confirm.until:
        return []
    begun, most = first(config), limits(config)
    count = looks(config, begun)
    level = next_level([], [], count) * ALPHA
    sizes = [size_of(*begun)]
    extent = after(config, begun)
    while extent is not None:
        sizes.append(size_of(*extent))
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
    """One look: `look 2 of at most 4, after 32 seeds: 3 of 6 pairs told apart; open: a, b and c`."""
    told = sum(map(decided, look.pairs))
    sizes = sorted({size_of(*size) for size in look.extents.values()})
    said = f"look {look.number + 1} of at most {look.planned}, after {' or '.join(sizes)}"
    return f"{said}: {told} of {len(look.pairs)} pairs told apart{_open(look.open)}"


def ended(look: Look, config: StudyConfig) -> str:
    """Why the study ended after its last look."""
    [last] = looks_of({"looks": [to_json(look)]})
    return f"ended as {why_ended(last, limits(config))}"


def _open(arms: Collection[str]) -> str:
    if not arms:
        return ""
    return f"; open: {listed(list(arms)) if len(arms) <= FEW else f'{len(arms)} arms'}"
