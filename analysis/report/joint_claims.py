"""What is claimed over all questions of the page: what is the same within a margin, and what stays told apart when all
tests are corrected together."""

from __future__ import annotations

from analysis.report.findings import Findings
from analysis.report.pair_words import few
from analysis.results.effects import corrected_together
from analysis.results.pairs import Comparison
from analysis.wording import counted, listed, named, setting

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
    of_what = f"percentage points of shares, of the budget, quality {_factor(findings)}"
    meant = f"within {setting(100 * margin)}\u00a0% ({of_what})"
    if not parts:
        return [
            f"No two are shown to be the same {meant}: that takes narrower intervals, and so more {_more(findings)}."
        ]
    return [f"Shown to be the same {meant} are {'; '.join(parts)}."]


def jointly(findings: Findings) -> list[str]:
    """What remains told apart when all questions of the page are corrected together."""
    asked = questions(findings)
    found = [(what, pair) for what, comparison in asked for pair in comparison.pairs]
    if len(asked) < 2 or len(findings.arms) < findings.all_arms:  # the tests of arms that are not shown are not here
        return []
    corrected = corrected_together([pair for _, pair in found])
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
    several = len(findings.measured) > 1
    every = (
        ("convergence", findings.rates.get("converged")),
        (TIME, lasted),
        *((named(one.metric) if several else "quality", one.comparison) for one in findings.measured),
    )
    return [(what, comparison) for what, comparison in every if comparison is not None and comparison.pairs]


def _more(findings: Findings) -> str:
    """What intervals become narrower by."""
    repeated = any(comparison.unit == "repeat" for _, comparison in questions(findings))
    return "searches of each arm (search.repeats)" if repeated else "replicas"


def _factor(findings: Findings) -> str:
    """What the margin means in quality."""
    margin = findings.same_within or 0.0
    pairs = [pair for one in findings.measured if one.comparison for pair in one.comparison.pairs if pair.shift]
    scales = {pair.shift.scale for pair in pairs if pair.shift} or {"ratio"}
    words = {"ratio": f"by a factor of {setting(1 + margin)}", "difference": f"by {setting(margin)}"}
    return listed([words[scale] for scale in words if scale in scales], "or")
