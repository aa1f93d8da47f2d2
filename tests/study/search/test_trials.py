from collections.abc import Callable
from typing import Any

import pytest

from study.config.plan import StudyPlan
from study.ledger.entries import Ended, trial_id_of
from study.ledger.journal import Journal
from study.search.trials import champions, confirm_trial, search_trial, unconfirmed

Build = Callable[..., StudyPlan]
PARAMS = {"generator_lr": 1e-3, "critic_steps": 2}


def search(plan: StudyPlan, journal: Journal, *endings: tuple[str, list[Any]]) -> None:
    """Plan and end search trials of the first arm, a status and the replicas' scores each."""
    for index, (status, scores) in enumerate(endings):
        entry = search_trial(plan.config, plan.arms[0], index, PARAMS)
        journal.append(entry, Ended(phase=entry.phase, arm=entry.arm, index=index, status=status, scores=scores))


def test_each_repeat_has_champions_of_its_own(tiny: Build, journal: Journal) -> None:
    plan = tiny(search__repeats=2, confirm={"top": 1, "replicas": 3})
    for repeat, scores in ((0, [1.0, 5.0]), (1, [9.0, 7.0])):
        for index, score in enumerate(scores):
            entry = search_trial(plan.config, plan.arms[0], index, PARAMS, repeat)
            about: dict[str, Any] = {"arm": entry.arm, "repeat": repeat, "index": index, "scores": [score] * 2}
            journal.append(entry, Ended(phase="search", status="completed", **about))
    found = [champions(plan, journal.state, "non_saturating", repeat)[0] for repeat in range(2)]
    assert [trial.key for trial in found] == [
        ("search", "non_saturating", 0, 0, 0), ("search", "non_saturating", 1, 1, 0),
    ]  # fmt: skip
    journal.append(confirm_trial(plan.config, found[0]))
    left = [unconfirmed(plan, journal.state, "non_saturating", repeat) for repeat in range(2)]
    assert left == [[], [(found[1], 0)]]
    again = confirm_trial(plan.config, found[1])
    assert (again.trial_id, again.seeds) == ("confirm-non_saturating-r1-0001", [10_000, 10_001, 10_002])


def chosen(plan: StudyPlan, journal: Journal) -> list[int]:
    return [trial.index for trial in champions(plan, journal.state, plan.arms[0].name, 0)]


def test_a_planned_trial_has_all_that_fixes_it(tiny: Build) -> None:
    plan = tiny(replicas=3, search__seed=7)
    entry = search_trial(plan.config, plan.arms[1], 12, PARAMS)
    assert (entry.phase, entry.arm, entry.index, entry.trial_id) == (
        "search",
        "hinge",
        12,
        "search-hinge-0012",
    )
    assert entry.config == PARAMS
    assert entry.spec["objective"] == {"name": "hinge"}
    assert (entry.spec["generator_lr"], entry.spec["critic_steps"]) == (1e-3, 2)
    assert len(entry.seeds) == 3
    assert trial_id_of("confirm", "hinge", 0, 12345) == "confirm-hinge-12345"


def test_a_confirmation_repeats_its_champion_on_fresh_seeds(tiny: Build, journal: Journal) -> None:
    plan = tiny(confirm={"top": 1, "replicas": 5})
    search(plan, journal, ("completed", [3.0, 4.0]), ("completed", [1.0, 2.0]))
    [champion] = champions(plan, journal.state, "non_saturating", 0)
    entry = confirm_trial(plan.config, champion)
    assert (entry.phase, entry.index, entry.trial_id) == ("confirm", 1, "confirm-non_saturating-0001")
    assert (entry.spec, entry.config) == (champion.spec, champion.config)
    assert len(entry.seeds) == 5
    assert not set(entry.seeds) & set(champion.seeds)


@pytest.mark.parametrize(("metric", "mode", "expected"), [("fid", "min", [1, 2]), ("modes", "max", [0, 2])])
def test_the_best_by_median_are_confirmed(
    tiny: Build, journal: Journal, metric: str, mode: str, expected: list[int]
) -> None:
    plan = tiny(confirm={"top": 2}, search={"metric": metric, "mode": mode})
    search(plan, journal, ("completed", [9.0, 9.0]), ("completed", [1.0, 1.0]), ("completed", [2.0, 2.0]))
    assert chosen(plan, journal) == expected


def test_failed_trials_are_left_out_and_truncated_ones_come_last(tiny: Build, journal: Journal) -> None:
    plan = tiny(confirm={"top": 5})
    search(plan, journal, ("truncated", [0.1, 0.1]), ("failed", [None, None]), ("completed", [5.0, 5.0]))
    assert chosen(plan, journal) == [2, 0]


def test_where_all_diverged_the_most_robust_is_confirmed(tiny: Build, journal: Journal) -> None:
    plan = tiny(confirm={"top": 1}, replicas=3)
    search(plan, journal, ("diverged", [None] * 3), ("completed", [None, None, 4.0]), ("diverged", [None] * 3))
    assert chosen(plan, journal) == [1]


def test_configurations_beyond_the_bound_lose_and_the_fewest_diverged_is_first(tiny: Build, journal: Journal) -> None:
    plan = tiny(confirm={"top": 9}, replicas=4, search__diverged_at_most=0.25)
    search(
        plan,
        journal,
        ("completed", [None, None, None, 0.1]),
        ("completed", [None, None, 0.1, 0.1]),
        ("completed", [None, 5.0, 5.0, 5.0]),
        ("completed", [None, None, 0.2, 0.1]),
        ("completed", [4.0, 6.0, 6.0, 6.0]),
        ("truncated", [0.1] * 4),
    )
    assert chosen(plan, journal) == [2, 4, 1, 3, 0, 5]
    free = tiny(confirm={"top": 9}, replicas=4)
    assert chosen(free, journal)[:2] == [2, 4]  # of the others the medians are infinite


def test_what_is_beyond_the_bound_dominates_nothing_that_is_allowed(tiny: Build, journal: Journal) -> None:
    several = {"metric": ["fid", "modes"], "mode": ["min", "max"], "sampler": "nsga2", "diverged_at_most": 0.0}
    plan = tiny(confirm={"top": 3}, replicas=3, search=several)
    search(
        plan, journal, ("completed", [None, [1.0, 8.0], [1.0, 8.0]]), ("completed", [[3.0, 4.0]] * 3),
        ("completed", [[2.0, 5.0]] * 3),
    )  # fmt: skip
    assert chosen(plan, journal) == [2, 1, 0]


def test_with_several_metrics_the_undominated_come_first(tiny: Build, journal: Journal) -> None:
    plan = tiny(confirm={"top": 3}, search={"metric": ["fid", "modes"], "mode": ["min", "max"], "sampler": "nsga2"})
    assert plan.goal.modes == ("min", "max")
    scores = [[3.0, 7.0], [1.0, 2.0], [2.0, 8.0], [9.0, 1.0]]
    search(plan, journal, *(("completed", [score, score]) for score in scores))
    assert chosen(plan, journal) == [1, 2, 0]  # (2, 8) dominates (3, 7); (1, 2) is best in the first metric


def test_a_study_without_confirmation_has_no_champions(tiny: Build, journal: Journal) -> None:
    plan = tiny(confirm={"top": 0})
    search(plan, journal, ("completed", [1.0, 1.0]))
    assert chosen(plan, journal) == []
