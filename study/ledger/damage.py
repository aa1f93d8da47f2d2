"""The parts of a ledger that could not be read, and where they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

MOST = 100  # places that are kept; all are counted
NAMED = 3  # places that one sentence names


@dataclass(frozen=True)
class Place:
    """A line (from 1) of a segment, or a whole segment (line 0), and what is wrong; segment 0: not tied to a line."""

    segment: int
    line: int
    why: str

    def __str__(self) -> str:
        """As a sentence names it."""
        where = f"{self.segment:04d}.jsonl, line {self.line}" if self.line else f"{self.segment:04d}.jsonl"
        return f"{where}: {self.why}" if self.segment else self.why


@dataclass
class Damage:
    """Damage found while reading a ledger; `at` is the segment and line being read, for `add`."""

    count: int = 0
    places: list[Place] = field(default_factory=list)
    at: tuple[int, int] = (0, 0)

    def add(self, why: str) -> None:
        """Note that the line being read is unusable."""
        self._keep(Place(*self.at, why))

    def lose(self, segment: int, why: str) -> None:
        """Note that a whole segment is unusable, or (segment 0) damage that is not tied to a line."""
        self._keep(Place(segment, 0, why))

    def _keep(self, place: Place) -> None:
        self.count += 1
        if len(self.places) < MOST:
            self.places.append(place)

    def __iter__(self) -> Iterator[str]:
        """The places kept, in words."""
        return map(str, self.places)

    def sentence(self) -> str:
        """How much is damaged, and the first places; empty where nothing is."""
        if not self.count:
            return ""
        places = "1 place" if self.count == 1 else f"{self.count:,} places"
        few = "; ".join(str(place) for place in self.places[:NAMED])
        more = "" if self.count <= NAMED else f"; and {self.count - NAMED:,} more"
        return f"{places} of the ledger unreadable, skipped: {few}{more}"


def shortened(sentences: Sequence[str]) -> list[str]:
    """The first sentences, and how many more there are."""
    more = len(sentences) - NAMED
    return [*sentences[:NAMED], *([f"and {more:,} more like it"] if more > 0 else [])]
