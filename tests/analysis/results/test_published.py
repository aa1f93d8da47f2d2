"""Published claims: read strictly, and held against a record by interval."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.record.loading import Record
from analysis.results.published import Claim, Comparison, about, compared, published
from analysis.statistics.intervals import wilson
from analysis.statistics.two_shares import newcombe

OF = "replicas with modes captured = 25"
ARMS = ("hinge", "none")
FILE: dict[str, Any] = {"paper": "A & B 2020", "source": "table 1", "short": ["budget.steps=10"], "differs": []}


def claims(*given: dict[str, Any]) -> tuple[Claim, ...]:
    return published({**FILE, "claims": list(given)}, ARMS).claims


def record(frame: Any, trial: Any, **modes: tuple[float, ...]) -> Record:
    """A record of a search in which each arm has one trial, a replica for each number of modes; NaN: it diverged."""
    rows: pd.DataFrame = frame(
        *(trial(arm=arm, fid=values, diverged=tuple(np.flatnonzero(np.isnan(values)))) for arm, values in modes.items())
    )
    return Record(rows, rows.assign(modes=rows["fid"], generator_mean=rows["fid"]), {})


def verdicts(found: tuple[Comparison, ...]) -> list[str]:
    return [one.verdict for one in found]


def test_a_share_agrees_where_the_interval_of_the_difference_holds_0(frame: Any, trial: Any) -> None:
    given = record(frame, trial, hinge=(25.0,) * 8, none=(25.0,) * 2 + (20.0,) * 5 + (math.nan,))
    share = {"share": "modes", "within": [25, 25]}
    told = claims(
        {"arm": "hinge", **share, "published": 1},
        {"arm": "hinge", **share, "published": 0.1, "runs": 10},
        {"arm": "none", **share, "published": 0.25, "runs": 200},
    )
    found = compared(given, told)
    assert verdicts(found) == ["agree", "disagree", "cannot tell"]  # 2 of 8: [.07, .59] agrees with most numbers
    assert [(one.ours.low, one.ours.high, one.n) for one in found[::2]] == [
        pytest.approx((wilson(k, 8).low, wilson(k, 8).high, 8)) for k in (8, 2)
    ]
    assert told[2].value == wilson(50, 200)
    assert told[0].value.low == told[0].value.high == 1


def test_intervals_that_overlap_may_disagree(frame: Any, trial: Any) -> None:
    given = record(frame, trial, hinge=(8.0,) * 12 + (7.0,) * 4)
    share = {"arm": "hinge", "share": "modes", "within": [8, 8], "runs": 200}
    told = claims({**share, "published": 0.47}, {**share, "published": 0.52})
    found = compared(given, told)
    assert all(one.ours.low < one.claim.value.high for one in found)
    for one, count, verdict in zip(found, (94, 104), ("disagree", "agree"), strict=True):
        between = newcombe(12, 16, count, 200)
        assert (between.low > 0) == (verdict == "disagree")
        assert one.verdict == verdict


def test_of_a_median_a_published_error_is_a_standard_error(frame: Any, trial: Any) -> None:
    given = record(frame, trial, hinge=tuple(np.linspace(0.9, 1.1, 9)))
    value = {"arm": "hinge", "median": "generator_mean"}
    told = claims(
        {**value, "published": 1.0}, {**value, "published": 1.3}, {**value, "published": 1.3, "standard_error": 0.2}
    )
    found = compared(given, told)
    assert verdicts(found) == ["agree", "disagree", "agree"]
    assert found[0].ours.estimate == pytest.approx(1)
    assert told[2].value.high == pytest.approx(1.3 + 1.959964 * 0.2)


def test_less_is_a_probability_and_a_diverged_replica_has_most(frame: Any, trial: Any) -> None:
    given = record(frame, trial, hinge=tuple(range(8)), none=(*range(8, 15), math.nan))
    less, more = {"arm": "hinge", "less": "modes", "than": "none"}, {"arm": "none", "less": "modes", "than": "hinge"}
    found = compared(given, claims(less, more))
    assert verdicts(found) == ["agree", "disagree"]
    assert [one.ours.estimate for one in found] == [1, 0]
    same = record(frame, trial, hinge=(1.0, 2.0, 3.0, 4.0), none=(1.0, 2.0, 3.0, 4.0))
    assert verdicts(compared(same, claims(less))) == ["cannot tell"]


@pytest.mark.golden
def test_whether_less_is_told_is_what_the_test_says_where_the_interval_ends_at_one_half(frame: Any, trial: Any) -> None:
    less, more = {"arm": "hinge", "less": "modes", "than": "none"}, {"arm": "none", "less": "modes", "than": "hinge"}
    for count, verdict in ((3, ["cannot tell"] * 2), (4, ["agree", "disagree"])):  # p = 2/20 and 2/70
        given = record(frame, trial, hinge=tuple(range(count)), none=tuple(range(10, 10 + count)))
        found = compared(given, claims(less, more))
        assert verdicts(found) == verdict
    assert [(one.ours.low, one.ours.high) for one in found] == [(0.5, 1), (0, 0.5)]
    one = record(frame, trial, hinge=(1.0,), none=(2.0,))
    assert verdicts(compared(one, claims(less))) == ["cannot tell"]


def test_an_arm_that_has_not_ended_cannot_be_told(frame: Any, trial: Any) -> None:
    rows = frame(trial(arm="hinge", fid=(25.0, 25.0), status="running"))
    share = {"arm": "hinge", "share": "modes", "within": [25, None], "published": 1}
    told = claims(share, {**share, "arm": "none"}, {"arm": "hinge", "less": "modes", "than": "none"})
    found = compared(Record(rows, rows.assign(modes=rows["fid"]), {}), told)
    assert verdicts(found) == ["cannot tell"] * 3
    assert [one.n for one in found] == [0, 0, 0]
    assert found[0].cells() == (
        "hinge",
        "share of replicas with modes captured ≥ 25",
        "100\u00a0%",
        "–",
        "0",
        "cannot tell",
    )


def test_a_claim_is_about_arms_that_a_study_has_both_of() -> None:
    share, less = claims({"arm": "hinge", "share": "modes", "within": [8, 8], "published": 1}, LESS)
    assert about([share, less], ["none", "hinge"]) == (share, less)
    assert about([share, less], ["hinge"]) == (share,)
    assert about([share, less], ["none"]) == ()


def test_what_was_not_measured_is_not_held_against_a_claim(frame: Any, trial: Any) -> None:
    rows = frame(trial(arm="hinge", fid=(1.0,) * 8), trial(arm="none", fid=(1.0,) * 8))
    blank = Record(rows, rows.assign(modes=[25.0] * 4 + [math.nan] * 12), {})
    share = {"share": "modes", "within": [25, 25], "published": 1}
    less = {"arm": "hinge", "less": "modes", "than": "none"}
    found = compared(blank, claims({"arm": "hinge", **share}, {"arm": "none", **share}, less))
    assert [(one.verdict, one.n) for one in found] == [("agree", 4), ("cannot tell", 0), ("cannot tell", 0)]
    assert found[0].ours.estimate == 1


def test_confirmed_replicas_are_taken_where_there_are_any(frame: Any, trial: Any) -> None:
    rows = frame(trial(fid=(1.0,) * 4), trial(fid=(2.0,) * 4, phase="confirm"))
    told = claims({"arm": "hinge", "median": "modes", "published": 2})
    assert compared(Record(rows, rows.assign(modes=rows["fid"]), {}), told)[0].ours.estimate == 2


def test_a_readers_row(frame: Any, trial: Any) -> None:
    given = record(frame, trial, hinge=(25.0,) * 8, none=(20.0,) * 8)
    told = claims(
        {"arm": "none", "share": "modes", "within": [25, 25], "published": 0},
        {"arm": "none", "less": "modes", "than": "hinge"},
    )
    assert [one.cells() for one in compared(given, told)] == [
        ("none", f"share of {OF}", "0\u00a0%", "0\u00a0% [0\u00a0%, 32\u00a0%]", "8", "agree"),
        ("none", "modes captured less than in hinge", "less", "P(less) 1.00 [0.59, 1.00]", "8", "agree"),
    ]


MEDIAN = {"arm": "hinge", "median": "modes", "published": 1}
LESS = {"arm": "hinge", "less": "modes", "than": "none"}
SHARE = {"arm": "hinge", "share": "modes", "within": [25, 25], "published": 1}


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ({"arm": "hinge"}, "expected one of share, median or less, got {'arm': 'hinge'}"),
        ({**MEDIAN, **LESS}, "expected one of share, median or less, got {"),
        ({"arm": "hinge", "median": "modes"}, "expected the key published, got arm and median"),
        ({**MEDIAN, "runs": 2}, "expected no key but arm, median, published and standard_error, got 'runs'"),
    ],
)
def test_a_claim_is_of_one_kind_and_has_its_keys(claim: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"^claims.0: {re.escape(said)}"):
        claims(claim)


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ({**MEDIAN, "arm": "hing"}, "arm: expected an arm of the study, hinge or none, got 'hing'"),
        ({**LESS, "than": "no"}, "than: expected an arm of the study, hinge or none, got 'no'"),
        ({**LESS, "less": "mode"}, "less: expected a measurement of a record, got 'mode'"),
        ({**MEDIAN, "published": "1"}, "published: expected a finite number, got '1'"),
        ({**MEDIAN, "standard_error": math.inf}, "standard_error: expected a finite number, got inf"),
        ({**SHARE, "published": 2}, "published: expected a share from 0 to 1, got 2.0"),
        ({**SHARE, "runs": 0}, "runs: expected a whole number >= 1, got 0"),
        ({**SHARE, "within": [25]}, "within: expected [low, high], one of them perhaps null, got [25]"),
        ({**SHARE, "within": [2, 1]}, "within: expected [low, high] in this order, got [2, 1]"),
    ],
)
def test_a_claim_is_read_strictly(claim: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"^claims.0.{re.escape(said)}$"):
        claims(claim)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"claims": []}, "claims: expected a list of claims, got []"),
        ({"paper": ""}, "paper: expected text, got ''"),
        ({"short": "budget.steps=1"}, "short: expected a list of texts, got 'budget.steps=1'"),
        ({"table": 1}, "expected no key but paper, source, short, differs and claims, got 'table'"),
    ],
)
def test_so_is_a_file(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        published({**FILE, "claims": [MEDIAN], **changes}, ARMS)
