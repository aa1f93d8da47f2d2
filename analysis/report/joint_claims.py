"""What is claimed over all questions of the page: what is the same within a margin, and what stays told apart when all
tests are corrected together."""

from __future__ import annotations

from analysis.report.findings import Findings
from analysis.report.pair_words import few
from analysis.results.pairs import Comparison
from analysis.statistics.holm import holm
from analysis.wording import counted, listed

ALPHA = 0.05
TIME = "the time to failure"


def same(findings: Findings) -> list[str]:
    """Which arms are shown to be the same within the margin that was asked for."""
    margin = findings.same_within
    if margin is None:
        return []
    parts = []
    for what, comparison in questions(findings):
        scale = findings.survival[0].means[0].horizon if what == TIME else 1.0
        alike = [f"{pair.a} with {pair.b}" for pair in comparison.pairs if pair.within(margin * scale)]
        if alike:
            parts.append(f"in {what} {few(alike, counted(len(comparison.pairs), 'pair'))}")
    meant = f"within {100 * margin:g}\u00a0% (percentage points of shares, of the budget, quality {_factor(findings)})"
    if not parts:
        return [
            f"No two are shown to be the same {meant}: that takes narrower intervals, and so more {_more(findings)}."
        ]
    return [f"Shown to be the same {meant} are {'; '.join(parts)}."]


def jointly(findings: Findings) -> list[str]:
    """What remains told apart when all questions of the page are corrected together."""
    asked = questions(findings)
    found = [(what, pair) for what, comparison in asked for pair in comparison.pairs]
    if len(asked) < 2:
        return []
    corrected = holm([pair.p for _, pair in found])
    names = [
        f"{pair.a} from {pair.b} in {what}" for (what, pair), p in zip(found, corrected, strict=True) if p <= ALPHA
    ]
    alone = sum(len(comparison.told) for _, comparison in asked)
    if not alone:
        return []
    lead = f"Each of {listed([what for what, _ in asked])} is tested at 5\u00a0% over its pairs"
    if len(names) == alone:
        return [f"{lead}; what is told apart stays so when all {len(found)} tests are corrected together."]
    kept = f"{few(names, counted(len(found), 'pair'))} remain{'s' * (len(names) == 1)}" if names else "nothing remains"
    return [f"{lead}; when all {len(found)} tests are corrected together, {kept} told apart."]


def questions(findings: Findings) -> list[tuple[str, Comparison]]:
    """The questions of the page that compare arms, and how each came out."""
    lasted = findings.survival[0].comparison if findings.survival else None
    every = (
        ("convergence", findings.rates.get("converged")),
        (TIME, lasted),
        ("quality", findings.comparison),
    )
    return [(what, comparison) for what, comparison in every if comparison is not None and comparison.pairs]


def _more(findings: Findings) -> str:
    """What intervals become narrower by."""
    repeated = any(comparison.unit == "repeat" for _, comparison in questions(findings))
    return "searches of each arm (search.repeats)" if repeated else "replicas"


def _factor(findings: Findings) -> str:
    """What the margin means in quality."""
    margin, comparison = findings.same_within or 0.0, findings.comparison
    ratio = any(pair.shift and pair.shift.scale == "ratio" for pair in comparison.pairs) if comparison else True
    return f"by a factor of {1 + margin:g}" if ratio else f"by {margin:g}"
