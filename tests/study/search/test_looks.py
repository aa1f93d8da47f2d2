"""Rounds of confirmation driven as Tune drives them, without Ray: what is trained hangs on recorded results alone."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.results import effects
from analysis.results.effects import Sample
from study.config.plan import StudyPlan
from study.ledger.entries import CONFIRM, Ended, Key, Look, named
from study.ledger.journal import Journal
from study.ledger.state import StudyState, TrialState
from study.progress.tally import Tally
from study.search.looks import decided
from study.search.searcher import StudySearcher

Build = Callable[..., StudyPlan]
ROUNDS = {"replicas": 8, "until": "decided", "most": 64}
LEVEL = 0.9 / 4  # of each of four looks
AHEAD = {"hinge": 0.0, "minimax": 1.0, "non_saturating": 9.0}  # by which standard deviations are 1


def scores_of(trial: TrialState, ahead: dict[str, float], spread: float = 0.2) -> list[float]:
    """A made-up world: an arm's level, a repeat's, a seed's noise, the same whenever a trial is trained."""
    repeat = np.random.default_rng([trial.repeat, len(trial.arm)]).normal(0, spread)
    return [
        ahead[trial.arm] + repeat + float(np.random.default_rng([seed, trial.repeat, len(trial.arm)]).normal())
        for seed in trial.seeds
    ]


def drive(
    plan: StudyPlan,
    folder: Path,
    workers: int = 1,
    order: int = 0,
    endings: int = 10**6,
    ahead: dict[str, float] = AHEAD,
    spread: float = 0.2,
) -> StudyState:
    """One session: trials end in a random order, until the end or until so many have ended."""
    chance = random.Random(order)
    with closing(Journal.open(folder)) as journal:
        tally = Tally(plan, journal.state)
        journal.listeners.append(lambda entry, _: tally.on_look() if isinstance(entry, Look) else None)
        searcher, running = StudySearcher(plan, journal, lambda pack: pack[0].trial_id, workers), list[TrialState]()
        while endings:
            given = searcher.suggest("tune's own id")
            if isinstance(given, dict):
                running.append(journal.state.trials[tuple(*json.loads(given["trials"]))])  # type: ignore[index]
                continue
            if given == "FINISHED":
                assert Tally(plan, journal.state).finished
                break
            trial, endings = running.pop(chance.randrange(len(running))), endings - 1
            scores = scores_of(trial, ahead, spread)
            verdict: dict[str, Any] = {"outcomes": ["converged"] * len(scores), "scores": scores}
            journal.append(Ended(**named(trial.key), status="completed", **verdict))
        return journal.state


def confirmed(state: StudyState) -> dict[Key, list[int]]:
    return {key: trial.seeds for key, trial in sorted(state.trials.items()) if key[0] == CONFIRM}


def seeds_of(state: StudyState) -> dict[str, int]:
    found = dict.fromkeys((trial.arm for trial in state.trials.values()), 0)
    for trial in state.trials.values():
        found[trial.arm] += len(trial.seeds) if trial.phase == CONFIRM else 0
    return found


def three(tiny: Build, **changes: Any) -> StudyPlan:
    return tiny(scientific={"objective": ["hinge", "minimax", "non_saturating"]}, **{"confirm": ROUNDS, **changes})


def test_seeds_are_doubled_until_every_pair_is_told_apart(tiny: Build, tmp_path: Path) -> None:
    state = drive(three(tiny), tmp_path)
    looks = state.looks
    assert [look.number for look in looks] == list(range(len(looks)))
    assert [look.level for look in looks] == pytest.approx([LEVEL] * len(looks))
    assert looks[0].open == ["hinge", "minimax"]
    assert looks[-1].open == []
    assert 1 < len(looks) < 4
    seeds = 8 * 2 ** (len(looks) - 1)
    assert seeds_of(state) == {"hinge": seeds, "minimax": seeds, "non_saturating": 8}
    first = [trial for trial in state.trials.values() if trial.phase == CONFIRM and trial.arm == "hinge"]
    assert [trial.trial_id.split("-")[-1] for trial in first[1:]] == [f"round{one}" for one in range(1, len(looks))]
    assert {trial.index for trial in first} == {first[0].index}
    assert [seed for trial in first for seed in trial.seeds] == list(range(10_000, 10_000 + seeds))


def test_what_is_told_apart_is_told_by_the_tests_of_the_report_at_the_looks_level(tiny: Build, tmp_path: Path) -> None:
    state = drive(three(tiny), tmp_path)
    [pair] = [pair for pair in state.looks[0].pairs if pair[:2] == ("hinge", "minimax")]
    samples = []
    for arm in ("hinge", "minimax"):
        [trial] = [one for key, one in state.trials.items() if key[:2] == (CONFIRM, arm) and key[4] == 0]
        place = np.zeros(8, np.int64)
        samples.append(Sample(arm, np.array(trial.scores), place.astype(np.str_), place, np.array(trial.seeds)))
    [effect] = effects.by_rank(samples, "replica")
    assert pair.p == pytest.approx(effect.p)
    assert pair.adjusted == pytest.approx(min(1.0, effect.p / LEVEL))  # the last of Holm's steps
    last = {pair[:2]: pair for pair in state.looks[-1].pairs}
    for look in state.looks[:-1]:
        for one in look.pairs:
            assert last[one.a, one.b].adjusted <= one.adjusted  # told apart once, told apart for good
    assert all(map(decided, state.looks[-1].pairs))


def test_without_a_difference_it_goes_on_to_the_limit(tiny: Build, tmp_path: Path) -> None:
    ahead = dict.fromkeys(AHEAD, 0.0)
    state = drive(three(tiny), tmp_path, ahead=ahead)
    assert len(state.looks) == 4
    assert set(seeds_of(state).values()) == {64}
    assert set(state.looks[-1].open) == set(AHEAD)


def test_rounds_depend_on_neither_workers_nor_timing_nor_kills(tiny: Build, tmp_path: Path) -> None:
    search = {"trials_per_arm": 2, "repeats": 2, "most_repeats": 4}
    plan = three(tiny, search=search, confirm={**ROUNDS, "most": 16})
    alone = drive(plan, tmp_path / "1")
    assert len(alone.looks) > 1
    assert drive(plan, tmp_path / "2", 7, 1).looks[-1].pairs == alone.looks[-1].pairs
    assert confirmed(drive(plan, tmp_path / "2", 7, 2)) == confirmed(alone)
    for life in range(200):
        state = drive(plan, tmp_path / "killed", 3, life, endings=life % 8)
        if Tally(plan, state).finished:
            break
    assert confirmed(state) == confirmed(alone)
    assert [look.pairs for look in state.looks] == [look.pairs for look in alone.looks]


def test_whatever_line_of_the_ledger_was_the_last_the_rest_is_the_same(tiny: Build, tmp_path: Path) -> None:
    plan = tiny(search__trials_per_arm=1, confirm={**ROUNDS, "most": 32})
    ahead = {"hinge": 0.0, "non_saturating": 0.4}
    whole = drive(plan, tmp_path / "whole", ahead=ahead)
    [segment] = (tmp_path / "whole" / "ledger").glob("*.jsonl")
    lines = segment.read_bytes().splitlines(keepends=True)
    assert sum(b'"look"' in line for line in lines) == len(whole.looks) == 3
    for kept in range(1, len(lines)):
        place = tmp_path / str(kept) / "ledger"
        place.mkdir(parents=True)
        (place / segment.name).write_bytes(b"".join(lines[:kept]))
        state = drive(plan, place.parent, 2, kept, ahead=ahead)
        assert confirmed(state) == confirmed(whole)
        assert [look.pairs for look in state.looks] == [look.pairs for look in whole.looks]


def test_a_kill_between_the_last_ending_and_the_look_leaves_the_look_to_do(tiny: Build, tmp_path: Path) -> None:
    plan = three(tiny)
    state = drive(plan, tmp_path, endings=6 + 3)
    tally = Tally(plan, state)
    assert (tally.left, tally.finished, state.looks) == (0, False, [])
    assert confirmed(drive(plan, tmp_path)) == confirmed(drive(plan, tmp_path / "whole"))


def test_repeats_are_added_where_seeds_take_little_off(tiny: Build, tmp_path: Path) -> None:
    search = {"trials_per_arm": 1, "repeats": 2, "most_repeats": 6}
    plan = three(tiny, search=search, confirm={"replicas": 64, "until": "decided", "most": 128})
    state = drive(plan, tmp_path, spread=1.0)
    assert [max(size for size in look.extents.values()) for look in state.looks] == [(2, 64), (4, 64), (6, 64)]
    assert not any(look.more_seeds for look in state.looks)
    assert {key[2] for key in state.trials if key[1] == "hinge"} == set(range(6))
    assert {key[2] for key in state.trials if key[1] == "non_saturating"} < set(range(6))


def test_an_extension_spends_what_is_left_of_the_level(tiny: Build, tmp_path: Path) -> None:
    ahead = dict.fromkeys(AHEAD, 0.0)
    drive(three(tiny, confirm={**ROUNDS, "most": 16}), tmp_path, ahead=ahead)
    state = drive(three(tiny, confirm={**ROUNDS, "most": 64}), tmp_path, ahead=ahead)
    assert [look.level for look in state.looks] == pytest.approx([0.45, 0.45, 0.045, 0.045])
    assert [look.planned for look in state.looks] == [2, 2, 4, 4]
    grown = tiny(scientific={"objective": ["hinge", "minimax", "non_saturating", "wasserstein"]}, confirm=ROUNDS)
    state = drive(grown, tmp_path, ahead={**ahead, "wasserstein": 9.0})
    assert state.looks[4].extents == {**dict.fromkeys(AHEAD, (1, 64)), "wasserstein": (1, 8)}
    assert sum(look.level for look in state.looks) < 1


def test_one_arm_is_confirmed_once(tiny: Build, tmp_path: Path) -> None:
    state = drive(tiny(scientific={"objective": ["hinge"]}, confirm=ROUNDS), tmp_path)
    assert [(look.open, look.pairs) for look in state.looks] == [([], [])]
    assert seeds_of(state) == {"hinge": 8}


def test_an_arm_without_a_score_holds_nobody_up(tiny: Build, tmp_path: Path) -> None:
    plan = three(tiny, confirm={**ROUNDS, "most": 16})
    with closing(Journal.open(tmp_path)) as journal:
        searcher = StudySearcher(plan, journal, lambda pack: pack[0].trial_id, 1)
        while isinstance(given := searcher.suggest("tune's own id"), dict):
            trial = journal.state.trials[tuple(*json.loads(given["trials"]))]
            fails = trial.arm == "minimax" and trial.phase == CONFIRM
            scores: list[Any] = [None] * len(trial.seeds) if fails else scores_of(trial, AHEAD)
            verdict: dict[str, Any] = {"status": "failed" if fails else "completed", "scores": scores}
            journal.append(Ended(**named(trial.key), outcomes=[""] * len(trial.seeds), **verdict))
        [look] = journal.state.looks
    assert look.open == []
    assert [pair.p is None for pair in look.pairs] == [True, False, True]
