"""What the page speaks of: arms, or, where each arm was searched once, the configurations that these searches chose.

Replicas on fresh seeds of one configuration say how that configuration trains. Another search of the same arm would
choose another one, so that nothing follows for the arm itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.report.findings import Findings
from analysis.wording import counted, listed

FEW = 4  # items up to which a sentence lists them by name


@dataclass(frozen=True)
class Subject:
    """Whether sentences are about each arm's chosen configuration, and how these, or arms, are named in them."""

    chosen: bool

    def the(self, *arms: str) -> str:
        """`the chosen configuration of a`, `the chosen configurations of a and b`; or `a and b`."""
        return f"the chosen configuration{'s' * (len(arms) > 1)} of {listed(arms)}" if self.chosen else listed(arms)

    def those(self, arms: Sequence[str], others: int, last: str = "and") -> str:
        """`that of b`, `those of b and c`, `5 of the 9 others`, `every other`; or the arms by name."""
        if len(arms) == others:
            return "the other" if others == 1 else "every other"
        if len(arms) > FEW:
            return f"{len(arms)} of the {others} others"
        return f"{'those' if len(arms) > 1 else 'that'} of {listed(arms, last)}" if self.chosen else listed(arms, last)

    @property
    def one(self) -> str:
        """A single one of them."""
        return "chosen configuration" if self.chosen else "arm"

    @property
    def note(self) -> str:
        """What an arm's name stands for in a table or picture, a sentence that ends its caption; empty for the arm."""
        return " An arm’s name stands for its chosen configuration." if self.chosen else ""

    def all(self, count: int) -> str:
        """`All 3 chosen configurations`."""
        return f"all {counted(count, self.one)}"


def subject_of(findings: Findings) -> Subject:
    """What the results of the phase that is judged are about."""
    return Subject(chosen=findings.phase == "confirm" and findings.searches == 1)
