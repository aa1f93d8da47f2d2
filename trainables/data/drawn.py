"""The settings that data sets share whose points are drawn: how many, and by which seed."""

from __future__ import annotations

from dataclasses import dataclass

from trainables.data.source import Source, integer


@dataclass(frozen=True, kw_only=True)
class Drawn(Source):
    """`points` training points and `heldout` others, drawn from separate random streams, so that how many
    there are of one part changes nothing about the other.

    Attributes:
        points (points): how many there are to train on.
        heldout (points): how many others are held out.
        seed: fixes which are drawn.
    """

    points: int = integer(100_000, low=1)
    heldout: int = integer(10_000, low=1)
    seed: int = integer(0, low=0)

    @property
    def counts(self) -> tuple[int, int]:
        return self.points, self.heldout
