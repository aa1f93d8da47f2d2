from collections.abc import Callable
from dataclasses import replace

from study.config.plan import StudyPlan
from study.ledger.entries import Look, LookedAt
from study.progress.look_words import ended, made, to_come

Build = Callable[..., StudyPlan]
ROUNDS = {"replicas": 8, "until": "decided", "most": 32}
PAIRS = [LookedAt("a", "b", 0.4, 1.0), LookedAt("a", "c", 1e-4, 0.001), LookedAt("b", "c", None, None)]
LOOK = Look(
    number=1, level=0.3, planned=3, extents={"a": (1, 16), "b": (1, 16), "c": (1, 8)}, pairs=PAIRS, open=["a", "b"]
)


def test_check_says_how_a_study_will_go_on(tiny: Build) -> None:
    [line] = to_come(tiny(confirm=ROUNDS).config)
    assert line == (
        "confirm.until: at most 3 looks at the pairs of arms, after 8 seeds, 16 seeds and 32 seeds; each may spend"
        " 1.5 % of the 5 %, and arms whose pairs are all told apart get no more"
    )
    assert to_come(tiny().config) == []


def test_with_repeats_it_says_what_seeds_are_worth(tiny: Build) -> None:
    search = {"trials_per_arm": 1, "repeats": 2, "most_repeats": 4}
    lines = to_come(tiny(confirm=ROUNDS, search=search).config)
    assert "2 repeats of 32 seeds and 4 repeats of 32 seeds" in lines[0]
    assert lines[1].endswith("where that is less than 10 %, repeats are added instead")
    lines = to_come(tiny(confirm=ROUNDS, search={"trials_per_arm": 1, "repeats": 2}).config)
    assert lines[1].endswith("where that is less than 10 %, the study ends")


def test_a_look_says_what_was_told_apart_and_who_is_open() -> None:
    assert made(LOOK) == "look 2 of at most 3, after 16 seeds or 8 seeds: 1 of 3 pairs told apart; open: a and b"
    assert made(replace(LOOK, open=list("abcde"))).endswith("; open: 5 arms")
    assert made(replace(LOOK, open=[])).endswith("told apart")


def test_the_last_look_says_why_the_study_ended(tiny: Build) -> None:
    config = tiny(confirm={**ROUNDS, "most": 16}).config
    assert ended(LOOK, config) == "ended as there may be no more than 16 seeds"
    assert ended(replace(LOOK, open=[]), config) == "ended as every pair is told apart"
