from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from analysis.results.pilot import Pilot
from analysis.statistics.power import Design, Parts, power_of_ranks, power_of_shares
from study.config.plan import StudyPlan
from study.progress.power import CONVERGENCE, QUALITY, Needed, design_of, power_forecast, sentences, variances

Build = Callable[..., StudyPlan]
RATES = {"generator_lr": {"log_uniform": [1e-4, 1e-2]}}
ARMS = {"objective": ["hinge", "minimax", "least_squares", "non_saturating"]}
PILOT = Pilot(2, 3, 8, "fid", 0.1, Parts(0.2, 0.1), Parts(0.4, 0.0))


@pytest.fixture
def study(least: Build) -> Build:
    """A study of four arms, whose choices are confirmed on 16 seeds; `repeats` searches of each."""

    def study(repeats: int = 1, **sections: Any) -> StudyPlan:
        search = {"trials_per_arm": 3, "repeats": repeats}
        confirm = {"top": 1, "replicas": 16}
        return least(**{"scientific": ARMS, "nuisance": RATES, "search": search, "confirm": confirm, **sections})

    return study


def test_a_study_compares_what_it_confirms(study: Build) -> None:
    assert design_of(study()) == Design(4, 1, 16)
    assert design_of(study(3)) == Design(4, 3, 16)
    assert design_of(study(confirm={"top": 2, "replicas": 16})) == Design(4, 1, 32)
    assert design_of(study(nuisance={}, confirm={}, replicas=5)) == Design(4, 1, 15)


def test_a_study_that_goes_on_is_judged_at_its_last_look(study: Build) -> None:
    rounds = {"replicas": 16, "until": "decided", "most": 64}
    assert design_of(study(confirm=rounds)) == Design(4, 1, 64, pytest.approx(0.05 * 0.9 / 3))  # type: ignore[arg-type]
    search = {"trials_per_arm": 3, "repeats": 2, "most_repeats": 8}
    assert design_of(study(confirm=rounds, search=search)) == Design(4, 8, 64, pytest.approx(0.009))  # type: ignore[arg-type]
    found = power_forecast(study(confirm=rounds))
    assert found is not None
    assert "(80 % power at the last look, if not before, after Holm's correction, 6 pairs)" in sentences(found)[0]


def test_one_arm_and_choices_that_are_not_confirmed_compare_nothing(study: Build) -> None:
    assert power_forecast(study(scientific={"objective": ["hinge"]})) is None
    assert power_forecast(study(confirm={})) is None


@pytest.mark.parametrize("repeats", [1, 3])
def test_the_differences_are_the_least_whole_points_with_80_percent_power(study: Build, repeats: int) -> None:
    found = power_forecast(study(repeats))
    assert found
    assert found.share
    assert found.better
    for least, power, parts in (
        (found.share, power_of_shares, CONVERGENCE),
        (found.better - 0.5, power_of_ranks, QUALITY),
    ):
        assert power(found.design, least, parts) >= 0.8 > power(found.design, least - 0.01, parts)
    assert found.to_dict()["pairs"] == 6


def test_what_a_named_difference_takes_finds_it(study: Build) -> None:
    found = power_forecast(study(3), detect=0.3)
    assert found
    [needed] = found.needed
    assert (needed.units, needed.most) == ("repeats", 100)
    assert needed.share
    assert needed.better
    for count, power, parts in (
        (needed.share, power_of_shares, CONVERGENCE),
        (needed.better, power_of_ranks, QUALITY),
    ):
        reached = [power(replace(found.design, repeats=size), 0.3, parts) for size in (count - 1, count)]
        assert reached[0] < 0.8 <= reached[1]
    once = power_forecast(study(), detect=0.3)
    assert once
    assert [one.units for one in once.needed] == ["replicas", "repeats"]
    assert once.needed[1] == needed  # the same seeds
    assert power_forecast(study(3), detect=0.01).needed == (Needed("repeats", 100, None, None),)  # type: ignore[union-attr]


def test_one_search_is_said_to_compare_configurations(study: Build) -> None:
    found = power_forecast(study(), detect=0.2)
    assert found
    said, assumed, chosen, arms = sentences(found)
    assert said == (
        "a difference between the chosen configurations, of 16 replicas each, is found 4 times in 5 (80 % power after"
        " Holm's correction, 6 pairs) if it is as large as: shares (as of converged replicas) 59 points apart (20.5 and"
        " 79.5 %), or P(better), that one's replica is better than the other's, of 0.84; of the arms themselves one"
        " search says nothing"
    )
    assert assumed.startswith("assumed of a replica's variance: ")
    assert chosen.startswith("to find shares 20 points apart (40 and 60 %): ")
    assert "replicas an arm, between the chosen configurations; P(better) = 0.7: " in chosen
    assert "repeats of 16 seeds, between the arms; P(better) = 0.7: " in arms
    [plain] = sentences(power_forecast(study()))  # type: ignore[arg-type]
    assert plain == said


def test_repeats_are_said_to_compare_arms_and_what_is_assumed(study: Build) -> None:
    said, assumed = sentences(power_forecast(study(5), pilot=PILOT))  # type: ignore[arg-type]
    assert "between the arms, of 5 repeats of 16 seeds each, is found 4 times in 5" in said
    assert assumed == (
        "assumed of a replica's variance: 20 % between searches and 10 % in what a seed does to an arm (quality), "
        "40 % between searches and 0 % in what a seed does to an arm (convergence) "
        "(from the pilot's 2 arms, 3 repeats, 8 seeds)"
    )


def test_where_nothing_can_be_found_that_is_said_and_what_would(study: Build) -> None:
    found = power_forecast(study(2, confirm={"top": 1, "replicas": 2}), pilot=replace(PILOT, quality=Parts(0.8, 0.0)))
    assert found
    assert (found.share, found.better) == (None, None)
    assert found.first
    shares, quality = found.first.share, found.first.better
    lead = (
        "no difference between the arms, of 2 repeats of 2 seeds each, however large, is found 4 times in 5 (80 % power"
        " after Holm's correction, 6 pairs); the largest takes "
    )
    assert shares != quality
    assert sentences(found)[0] == f"{lead}{shares} repeats in shares, {quality} repeats in quality"
    alike = replace(found, first=replace(found.first, better=shares))
    assert sentences(alike)[0] == f"{lead}{shares} repeats"


def test_where_only_shares_cannot_be_found_that_is_said_of_them(study: Build) -> None:
    found = power_forecast(study(3))
    assert found
    one = replace(found, share=None, first=Needed("repeats", 100, 4, None), design=replace(found.design, seeds=1))
    text = sentences(one)[0]
    assert text.startswith("a difference between the arms, of 3 repeats of 1 seed each, is found 4 times in 5 (80 %")
    assert "if it is as large as: P(better)" in text
    assert text.endswith("; of shares not even the largest is, which takes 4 repeats")


def test_a_pilot_says_as_much_as_it_knows() -> None:
    assert variances(None).quality == QUALITY
    assert variances(PILOT).convergence == Parts(0.4, 0.0)
    assert variances(PILOT).share == 0.1
    once = variances(replace(PILOT, repeats=1, quality=None, convergence=None))
    assert (once.quality, once.share) == (QUALITY, 0.1)
    assert once.source == "typical, as the pilot searched once; its share of convergence is used"
    alike = variances(replace(PILOT, convergence=None, converged=float("nan")))
    assert (alike.convergence, alike.share) == (CONVERGENCE, 0.5)
    assert alike.source.endswith("; typical for convergence, which does not vary there")
