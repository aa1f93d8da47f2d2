from collections.abc import Callable
from typing import Any

from study.config.plan import StudyPlan
from study.ledger.entries import Ended, Planned, Result
from study.ledger.journal import Journal
from study.progress.tally import Tally
from study.search.trials import confirm_trial, search_trial

Build = Callable[..., StudyPlan]
PARAMS = {"generator_lr": 1e-3, "critic_steps": 2}


def begin(plan: StudyPlan, journal: Journal, arm: int, index: int) -> Planned:
    entry = search_trial(plan.config, plan.arms[arm], index, PARAMS)
    journal.append(entry)
    return entry


def end(journal: Journal, entry: Planned, status: str, scores: list[Any], outcomes: list[str]) -> None:
    verdict: dict[str, Any] = {"status": status, "outcomes": outcomes, "scores": scores}
    journal.append(Ended(phase=entry.phase, arm=entry.arm, index=entry.index, **verdict))


def follow(tally: Tally, journal: Journal) -> None:
    def heard(entry: dict[str, Any], trial: Any) -> None:
        {"planned": tally.on_planned, "ended": tally.on_ended}[entry.kind](trial)

    journal.listeners.append(heard)


def test_a_fresh_study_misses_everything(tiny: Build, journal: Journal) -> None:
    plan = tiny(search__trials_per_arm=5, confirm={"top": 2})
    tally = Tally(plan, journal.state)
    assert list(tally.searches) == [("non_saturating", 0), ("hinge", 0)]
    assert tally.left == 2 * (5 + 2)
    assert [(phase.missing, phase.planned) for phase in tally.phases] == [(5, 0), (2, 0)] * 2
    assert tally.searches["hinge", 0].diverged is None


def test_counting_along_is_counting_afresh(tiny: Build, journal: Journal) -> None:
    plan = tiny(search__trials_per_arm=4, confirm={"top": 1})
    along = Tally(plan, journal.state)
    follow(along, journal)
    entries = [begin(plan, journal, 0, index) for index in range(4)]
    end(journal, entries[0], "completed", [3.0, 5.0], ["converged", "collapsed"])
    end(journal, entries[1], "diverged", [None, None], ["diverged", "diverged"])
    end(journal, entries[2], "failed", [None, None], ["failed", "failed"])
    for tally in (along, Tally(plan, journal.state)):
        one = tally.searches["non_saturating", 0]
        assert (one.search.done, one.search.failed, one.search.under_way, one.search.missing) == (2, 1, 1, 0)
        assert (one.best, one.best_trial) == (4.0, "search-non_saturating-0000")
        assert one.outcomes == {"converged": 1, "collapsed": 1, "diverged": 2, "failed": 2}
        assert one.diverged == 2 / 6
        assert [trial.index for trial in tally.open.values()] == [3]


def test_the_best_is_one_that_is_allowed_and_else_the_one_that_diverged_least(tiny: Build, journal: Journal) -> None:
    plan = tiny(search={"trials_per_arm": 6, "diverged_at_most": 0.25}, replicas=4)
    along = Tally(plan, journal.state)
    follow(along, journal)
    steps: list[tuple[list[Any], float | None, float]] = [
        ([None] * 4, None, 0.75),
        ([None, None, None, 0.5], None, 0.5),
        ([None, 9.0, 7.0, 8.0], 8.5, 0.0),
        ([None, None, 0.1, 0.1], 8.5, 0.0),
        ([5.0] * 4, 5.0, 0.0),
    ]
    for index, (scores, best, over) in enumerate(steps):
        entry = begin(plan, journal, 0, index)
        end(journal, entry, "completed", scores, ["diverged" if s is None else "converged" for s in scores])
        for tally in (along, Tally(plan, journal.state)):
            one = tally.searches["non_saturating", 0]
            assert (one.best, one.beyond) == (best, over)
    assert along.over_repeats()[0].best_trial == "search-non_saturating-0004"
    assert along.over_repeats()[1].beyond is None


def test_results_without_a_plan_are_no_trial_under_way(tiny: Build, journal: Journal) -> None:
    plan = tiny(search__trials_per_arm=1)
    for index in (0, 7):  # the plan of the first was damaged; the other is none of the study's
        about: dict[str, Any] = {"phase": "search", "arm": "hinge", "index": index}
        journal.append(Result(**about, seeds=[0, 1], step=5, wall_time=1.0, columns={"fid": [1.0, 2.0]}))
    tally = Tally(plan, journal.state)
    assert (tally.open, tally.left) == ({}, 2)
    for arm in (0, 1):
        entry = begin(plan, journal, arm, 0)
        tally.on_planned(journal.state.trials[entry.key])
        end(journal, entry, "completed", [1.0, 1.0], ["converged"] * 2)
        tally.on_ended(journal.state.trials[entry.key])
    assert tally.finished
    assert Tally(plan, journal.state).finished


def test_repeats_are_counted_apart_and_together(tiny: Build, journal: Journal) -> None:
    plan = tiny(search={"trials_per_arm": 1, "repeats": 2}, confirm={"top": 1})
    along = Tally(plan, journal.state)
    follow(along, journal)
    assert along.left == 2 * 2 * (1 + 1)
    for repeat, score in ((0, 5.0), (1, 3.0)):
        entry = search_trial(plan.config, plan.arms[1], 0, PARAMS, repeat)
        journal.append(entry)
        about: dict[str, Any] = {"phase": "search", "arm": "hinge", "repeat": repeat, "index": 0}
        journal.append(Ended(**about, status="completed", outcomes=["converged"] * 2, scores=[score] * 2))
    for tally in (along, Tally(plan, journal.state)):
        assert [tally.searches["hinge", repeat].best for repeat in (0, 1)] == [5.0, 3.0]
        assert [(one.search.done, one.search.missing, one.confirm.missing) for one in tally.searches.values()] == [
            (0, 1, 1), (0, 1, 1), (1, 0, 1), (1, 0, 1),
        ]  # fmt: skip
        other, hinge = tally.over_repeats()
        assert (hinge.arm, hinge.best, hinge.best_trial) == ("hinge", 3.0, "search-hinge-r1-0000")
        assert (hinge.search.done, hinge.search.wanted, hinge.confirm.wanted) == (2, 2, 2)
        assert hinge.outcomes == {"converged": 4}
        assert (other.search.missing, other.best) == (2, None)


def test_the_best_is_the_best_in_the_metrics_own_direction(tiny: Build, journal: Journal) -> None:
    plan = tiny(search={"metric": "modes", "mode": "max", "trials_per_arm": 3})
    for index, score in enumerate([2.0, 8.0, 5.0]):
        end(journal, begin(plan, journal, 1, index), "completed", [score, score], ["converged"] * 2)
    tally = Tally(plan, journal.state)
    assert (tally.searches["hinge", 0].best, tally.searches["hinge", 0].best_trial) == (8.0, "search-hinge-0001")
    assert tally.searches["non_saturating", 0].best is None


def test_an_outcome_that_cannot_be_told_has_a_name(tiny: Build, journal: Journal) -> None:
    plan = tiny()
    end(journal, begin(plan, journal, 0, 0), "completed", [1.0, 2.0], ["", "converged"])
    assert Tally(plan, journal.state).searches["non_saturating", 0].outcomes == {"not judged": 1, "converged": 1}


def test_an_arm_whose_trials_all_failed_has_nothing_to_confirm(tiny: Build, journal: Journal) -> None:
    plan = tiny(search__trials_per_arm=2, confirm={"top": 1})
    for index in range(2):
        end(journal, begin(plan, journal, 0, index), "failed", [None, None], ["failed"] * 2)
    tally = Tally(plan, journal.state)
    assert tally.searches["non_saturating", 0].confirm.missing == 0
    assert tally.left == 3


def test_a_new_best_after_an_extension_is_still_to_be_confirmed(tiny: Build, journal: Journal) -> None:
    small = tiny(search__trials_per_arm=1, confirm={"top": 1, "replicas": 2})
    end(journal, begin(small, journal, 0, 0), "completed", [3.0, 3.0], ["converged"] * 2)
    entry = confirm_trial(small.config, journal.state.trials["search", "non_saturating", 0, 0, 0])
    journal.append(entry)
    end(journal, entry, "completed", [3.0, 3.0], ["converged"] * 2)
    large = tiny(search__trials_per_arm=2, confirm={"top": 1, "replicas": 2})
    along = Tally(large, journal.state)
    follow(along, journal)
    assert [phase.missing for phase in along.searches["non_saturating", 0].phases] == [1, 0]
    end(journal, begin(large, journal, 0, 1), "completed", [1.0, 1.0], ["converged"] * 2)
    for tally in (along, Tally(large, journal.state)):
        assert [phase.missing for phase in tally.searches["non_saturating", 0].phases] == [0, 1]
