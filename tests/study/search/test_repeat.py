"""One repeat as the searcher asks it for trials, without Ray."""

from __future__ import annotations

from collections.abc import Callable

from study.config.plan import StudyPlan
from study.ledger.entries import Ended, Key, Planned
from study.ledger.journal import Journal
from study.search.arm_search import arm_seed
from study.search.repeat import Repeat, rebuilt

Build = Callable[..., StudyPlan]


def given(repeat: Repeat, journal: Journal, out: set[Key]) -> list[Planned]:
    """All that the repeat gives out now, written to the journal."""
    found: list[Planned] = []
    while plans := repeat.next(out):
        journal.append(*plans)
        out |= {plan.key for plan in plans}
        found += plans
    return found


def end(journal: Journal, plan: Planned, out: set[Key]) -> None:
    about = {"phase": plan.phase, "arm": plan.arm, "repeat": plan.repeat, "index": plan.index}
    scores = [plan.config["generator_lr"]] * len(plan.seeds)
    journal.append(Ended(**about, status="completed", outcomes=["converged"] * len(plan.seeds), scores=scores))
    out.remove(plan.key)


def test_it_searches_every_arm_in_rotation_and_then_confirms_each_ones_best(tiny: Build, journal: Journal) -> None:
    plan = tiny(search={"trials_per_arm": 2, "repeats": 3}, confirm={"top": 1, "replicas": 4})
    repeat, out = Repeat(plan, journal.state, 2), set[Key]()
    searching = given(repeat, journal, out)
    assert [one.trial_id for one in searching] == [
        "search-non_saturating-r2-0000", "search-hinge-r2-0000",
        "search-non_saturating-r2-0001", "search-hinge-r2-0001",
    ]  # fmt: skip
    assert {tuple(one.seeds) for one in searching} == {(4, 5)}
    out |= {("search", "hinge", 1, 0, 0)}  # of another repeat, for which this one does not wait
    for one in searching:
        assert not repeat.next(out)
        assert not repeat.confirming
        end(journal, one, out)
    confirming = given(repeat, journal, out)
    assert repeat.confirming
    for arm, one in zip(("non_saturating", "hinge"), confirming, strict=True):
        best = min((trial for trial in searching if trial.arm == arm), key=lambda trial: trial.config["generator_lr"])
        assert one.key == ("confirm", arm, 2, best.index, 0)
        assert (one.config, one.seeds) == (best.config, [10_000, 10_001, 10_002, 10_003])


def test_repeats_draw_configurations_of_their_own(tiny: Build, journal: Journal) -> None:
    plan = tiny(search={"trials_per_arm": 3, "sampler": "random", "repeats": 4})
    drawn = [
        tuple(one.config.values()) for n in range(4) for one in given(Repeat(plan, journal.state, n), journal, set())
    ]
    assert len(drawn) == len(set(drawn)) == 4 * 2 * 3
    alone = tiny(search={"trials_per_arm": 3, "sampler": "random"})
    assert rebuilt(alone, alone.arms[0], journal.state, 0).next == 3  # repeat 0 is what a study without repeats is


def test_the_seed_of_repeat_0_is_as_it_always_was() -> None:
    assert arm_seed(0, "hinge") == arm_seed(0, "hinge", 0, 0) == 1399055466
    assert len({arm_seed(0, "hinge", attempt, repeat) for attempt in range(12) for repeat in range(12)}) == 144
