from collections.abc import Callable
from typing import Any

import pytest

from study.config.arms import arms_of
from study.config.schema import StudyConfig
from study.ledger.journal import Journal
from study.search.plan import champions, confirm_trial, goal_of, search_trial, seeds_of, trial_id

Build = Callable[..., StudyConfig]
PARAMS = {"generator_lr": 1e-3, "critic_steps": 2}


def search(config: StudyConfig, journal: Journal, *endings: tuple[str, list[Any]]) -> None:
    """Plan and end search trials of the first arm, a status and the replicas' scores each."""
    arm = arms_of(config)[0]
    for index, (status, scores) in enumerate(endings):
        entry = search_trial(config, arm, index, PARAMS)
        journal.append(
            entry, {**entry, "kind": "ended", "status": status, "message": None, "outcomes": [], "scores": scores}
        )


def chosen(config: StudyConfig, journal: Journal) -> list[int]:
    return [trial.index for trial in champions(config, journal.state, arms_of(config)[0].name)]


def test_a_planned_trial_has_all_that_fixes_it(tiny: Build) -> None:
    config = tiny(replicas=3, search__seed=7)
    arm = arms_of(config)[1]
    entry = search_trial(config, arm, 12, PARAMS)
    assert (entry["phase"], entry["arm"], entry["index"], entry["trial_id"]) == (
        "search",
        "hinge",
        12,
        "search-hinge-0012",
    )
    assert entry["config"] == PARAMS
    assert entry["spec"]["objective"] == {"name": "hinge"}
    assert (entry["spec"]["generator_lr"], entry["spec"]["critic_steps"]) == (1e-3, 2)
    assert len(entry["seeds"]) == 3
    assert trial_id("confirm", "hinge", 12345) == "confirm-hinge-12345"


def test_seeds_of_search_and_confirmation_are_disjoint_and_those_of_studies_too(tiny: Build) -> None:
    seen: list[int] = []
    for seed in range(3):
        config = tiny(replicas=50, search__seed=seed, confirm={"top": 1, "replicas": 4096})
        seen += seeds_of(config, "search") + seeds_of(config, "confirm")
    assert len(seen) == len(set(seen)) == 3 * (50 + 4096)


def test_a_confirmation_repeats_its_champion_on_fresh_seeds(tiny: Build, journal: Journal) -> None:
    config = tiny(confirm={"top": 1, "replicas": 5})
    search(config, journal, ("completed", [3.0, 4.0]), ("completed", [1.0, 2.0]))
    [champion] = champions(config, journal.state, "non_saturating")
    entry = confirm_trial(config, champion)
    assert (entry["phase"], entry["index"], entry["trial_id"]) == ("confirm", 1, "confirm-non_saturating-0001")
    assert (entry["spec"], entry["config"]) == (champion.spec, champion.config)
    assert len(entry["seeds"]) == 5
    assert not set(entry["seeds"]) & set(champion.seeds)


@pytest.mark.parametrize(("metric", "mode", "expected"), [("fid", "min", [1, 2]), ("modes", "max", [0, 2])])
def test_the_best_by_median_are_confirmed(
    tiny: Build, journal: Journal, metric: str, mode: str, expected: list[int]
) -> None:
    config = tiny(confirm={"top": 2}, search={"metric": metric, "mode": mode})
    search(config, journal, ("completed", [9.0, 9.0]), ("completed", [1.0, 1.0]), ("completed", [2.0, 2.0]))
    assert chosen(config, journal) == expected


def test_failed_trials_are_left_out_and_truncated_ones_come_last(tiny: Build, journal: Journal) -> None:
    config = tiny(confirm={"top": 5})
    search(config, journal, ("truncated", [0.1, 0.1]), ("failed", [None, None]), ("completed", [5.0, 5.0]))
    assert chosen(config, journal) == [2, 0]


def test_where_all_diverged_the_most_robust_is_confirmed(tiny: Build, journal: Journal) -> None:
    config = tiny(confirm={"top": 1}, replicas=3)
    search(config, journal, ("diverged", [None] * 3), ("completed", [None, None, 4.0]), ("diverged", [None] * 3))
    assert chosen(config, journal) == [1]


def test_with_several_metrics_the_undominated_come_first(tiny: Build, journal: Journal) -> None:
    config = tiny(confirm={"top": 3}, search={"metric": ["fid", "modes"], "mode": ["min", "max"], "sampler": "nsga2"})
    assert goal_of(config).modes == ("min", "max")
    scores = [[3.0, 7.0], [1.0, 2.0], [2.0, 8.0], [9.0, 1.0]]
    search(config, journal, *(("completed", [score, score]) for score in scores))
    assert chosen(config, journal) == [1, 2, 0]  # (2, 8) dominates (3, 7); (1, 2) is best in the first metric


def test_a_study_without_confirmation_has_no_champions(tiny: Build, journal: Journal) -> None:
    config = tiny(confirm={"top": 0})
    search(config, journal, ("completed", [1.0, 1.0]))
    assert chosen(config, journal) == []
