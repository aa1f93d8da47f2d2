"""What the page speaks of: arms tuned by the study's search, or, where each was searched once, the configurations that
these searches chose.

Replicas on fresh seeds of one configuration say how that configuration trains. Another search of the same arm would
choose another one, so that nothing follows for the arm itself. Several searches of an arm, each with its own chosen
configuration, say how the arm trains when it is tuned by such a search.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.record.join import studies_of
from analysis.record.metadata import stated
from analysis.report.findings import Findings
from analysis.wording import counted, listed

FEW = 4  # items up to which a sentence lists them by name


@dataclass(frozen=True)
class Subject:
    """What sentences are about, and how it is named in them.

    Attributes:
        chosen: whether it is each arm's chosen configuration.
        searches: the least and the most searches of an arm, where it is arms tuned by several; otherwise None.
        fixed: whether nothing was searched, each arm being one configuration.
    """

    chosen: bool
    searches: tuple[int, int] | None = None
    fixed: bool = False

    def the(self, *arms: str) -> str:
        """`the chosen configuration of a`, `the chosen configurations of a and b`; or `a and b`."""
        return f"the chosen configuration{'s' * (len(arms) > 1)} of {listed(arms)}" if self.chosen else listed(arms)

    def that(self, arm: str) -> str:
        """`that of a`, said of the chosen configuration's replicas; or `a`."""
        return f"that of {arm}" if self.chosen else arm

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
        """What an arm's name stands for in a table or picture, a sentence that ends its caption; empty for the arm with
        all that its search tried."""
        if self.chosen:
            return " An arm’s name stands for its chosen configuration."
        return f" An arm’s name stands for the arm tuned by this study’s search, over {self.over}." if self.over else ""

    @property
    def over(self) -> str:
        """`3 searches`, `2 to 3 searches`; empty where it is not arms tuned by several."""
        if self.searches is None:
            return ""
        least, most = self.searches
        return counted(most, "search", "searches") if least == most else f"{least} to {most} searches"

    def all(self, count: int) -> str:
        """`All 3 chosen configurations`."""
        return f"all {counted(count, self.one)}"


def subject_of(findings: Findings) -> Subject:
    """What the results of the phase that is judged are about."""
    fixed = nothing_searched(findings.record.about)
    if findings.phase != "confirm":
        return Subject(chosen=False, fixed=fixed)
    counts = findings.searches.values()
    most = max(counts, default=1)
    return Subject(most == 1 and not fixed, (min(counts), most) if most > 1 else None, fixed)


def nothing_searched(about: Mapping[str, Any]) -> bool:
    """Whether no arm of a record with this `about` had anything to search; False where the record does not say."""
    found = [stated(study, "searched", {}) for study in studies_of(about)]
    return all(one and not any(one.values()) for one in found)


def replicas_of(findings: Findings) -> str:
    """Of what the replicas of the phase that is judged are."""
    subject = subject_of(findings)
    if findings.phase == "search":
        return "all seeds of each arm" if subject.fixed else "all configurations of the search"
    over = subject.over
    if over:
        return f"fresh seeds of what each arm's {over} chose"
    return "fresh seeds of each arm" if subject.fixed else "fresh seeds of each arm's chosen configuration"
