"""The searcher driven as Tune drives it, without Ray: workers that end their trials in any order, sessions that die."""

import json
import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from study.config.plan import StudyPlan
from study.execution.job import Job, to_json
from study.ledger.entries import Ended, Key, Result, named
from study.ledger.journal import Journal
from study.ledger.state import StudyState, TrialState
from study.search.packs import Pack
from study.search.repeat import Repeat
from study.search.searcher import StudySearcher

Build = Callable[..., StudyPlan]
Trials = dict[Key, TrialState]


def job_of(pack: Pack) -> str:
    return to_json(
        Job(trial.trial_id, trial.spec, trial.seeds, "folder", ["fid"], ["min"], reported=trial.last_step)
        for trial in pack
    )


def scores_of(trial: TrialState) -> list[Any]:
    """A made-up landscape; where critic_steps is 2 and the rate high, replicas diverge."""
    rate = float(trial.config["generator_lr"])
    if rate > 7e-3 and trial.config["critic_steps"] == 2:
        return [None] * len(trial.seeds)
    return [abs(rate - 2e-3) + 1e-4 * seed for seed in range(len(trial.seeds))]


def end(journal: Journal, trial: TrialState, status: str = "completed") -> None:
    outcomes = ["converged"] * len(trial.seeds)
    scores = [None] * len(trial.seeds) if status == "failed" else scores_of(trial)
    journal.append(Ended(**named(trial.key), status=status, outcomes=outcomes, scores=scores))


class Session:
    """One driver's life: `workers` places, trials ended in a random order, until the end or until it `dies`."""

    def __init__(self, plan: StudyPlan, folder: Path, workers: int, seed: int) -> None:
        self.journal = Journal.open(folder)
        self.searcher = StudySearcher(plan, self.journal, job_of, workers)
        self.running: list[TrialState] = []
        self.given: list[TrialState] = []
        self.packs: list[list[Key]] = []
        self.order = random.Random(seed)

    def fill(self) -> bool:
        """Take all that the searcher gives; whether it has finished."""
        while True:
            suggested = self.searcher.suggest("tune's own id")
            if suggested == "FINISHED":
                return True
            if suggested is None:
                return False
            assert isinstance(suggested, dict)
            pack = tuple(self.journal.state.trials[tuple(key)] for key in json.loads(suggested["trials"]))
            assert suggested["trial_id"] == pack[0].trial_id
            assert suggested["job"] == job_of(pack)
            self.running += pack
            self.given += pack
            self.packs.append([trial.key for trial in pack])

    def run(self, endings: int = 10**6) -> Trials:
        """End at most so many trials."""
        finished = self.fill()
        while self.running and endings:
            end(self.journal, self.running.pop(self.order.randrange(len(self.running))))
            endings -= 1
            finished = self.fill()
        assert finished or not endings
        self.journal.close()
        return self.journal.state.trials


def configurations(trials: Trials) -> dict[Key, dict[str, Any]]:
    return {key: trial.config for key, trial in sorted(trials.items())}


@pytest.mark.parametrize("sampler", ["tpe", "random", "cmaes"])
def test_configurations_depend_on_neither_workers_nor_timing_nor_kills(
    tiny: Build, tmp_path: Path, sampler: str
) -> None:
    spaces = {"generator_lr": {"log_uniform": [1e-4, 1e-2]}, "critic_steps": {"int_uniform": [1, 3]}}
    settings = {"sampler": sampler, "trials_per_arm": 20, "seed": 3}
    plan = tiny(search=settings, nuisance=spaces, confirm={"top": 2, "replicas": 3})
    alone = configurations(Session(plan, tmp_path / "1", 1, 0).run())
    assert len(alone) == 2 * 20 + 2 * 2
    assert configurations(Session(plan, tmp_path / "2", 2, 1).run()) == alone
    for life, endings in enumerate([3, 1, 12, 0, 7, 15, 10**6]):
        trials = Session(plan, tmp_path / "killed", 3, life).run(endings)
    assert configurations(trials) == alone


def test_each_arm_gets_exactly_its_budget_in_rotation(tiny: Build, tmp_path: Path) -> None:
    plan = tiny(search__trials_per_arm=5, scientific={"objective": ["hinge", "minimax", "wasserstein"]})
    session = Session(plan, tmp_path, 2, 0)
    trials = session.run()
    assert [trial.arm for trial in session.given[:4]] == ["hinge", "minimax", "wasserstein", "hinge"]
    assert sorted(trials) == [("search", arm, 0, i, 0) for arm in ("hinge", "minimax", "wasserstein") for i in range(5)]


def test_confirmation_waits_for_the_last_search_trial(tiny: Build, tmp_path: Path) -> None:
    plan = tiny(confirm={"top": 1, "replicas": 4})
    session = Session(plan, tmp_path, 8, 0)
    session.fill()
    assert len(session.running) == 4  # both arms' whole budget
    while len(session.running) > 1:
        end(session.journal, session.running.pop())
        assert not session.fill()
    end(session.journal, session.running.pop())
    session.fill()
    assert [(trial.phase, len(trial.seeds)) for trial in session.running] == [("confirm", 4)] * 2


def test_unfinished_trials_come_first_and_say_what_was_reported(tiny: Build, tmp_path: Path) -> None:
    plan = tiny(search__trials_per_arm=3)
    session = Session(plan, tmp_path, 2, 0)
    session.fill()
    first, second = session.running
    phase, arm, _, index, _ = second.key
    columns = {"fid": [1.0, 2.0], "diverged": [False, False]}
    trial: dict[str, Any] = {"phase": phase, "arm": arm, "index": index, "seeds": second.seeds}
    session.journal.append(Result(**trial, step=10, wall_time=1.0, columns=columns))
    session.journal.close()
    again = Session(plan, tmp_path, 2, 0)
    again.fill()
    assert [trial.trial_id for trial in again.running] == [first.trial_id, second.trial_id]
    assert [trial.last_step for trial in again.running] == [0, 10]
    again.journal.close()


REPEATED = {"trials_per_arm": 7, "repeats": 3}
TWO = {"top": 1, "replicas": 3}


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_repeats_depend_on_neither_workers_nor_timing_nor_kills(tiny: Build, tmp_path: Path, sampler: str) -> None:
    plan = tiny(search={**REPEATED, "sampler": sampler}, confirm=TWO)
    alone = configurations(Session(plan, tmp_path / "1", 1, 0).run())
    assert len(alone) == 2 * 3 * (7 + 1)
    assert configurations(Session(plan, tmp_path / "2", 9, 1).run()) == alone
    for life, endings in enumerate([3, 1, 12, 0, 17, 10**6]):
        trials = Session(plan, tmp_path / "killed", 4, life).run(endings)
    assert configurations(trials) == alone


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_packs_follow_from_the_indices_whatever_workers_timing_and_kills(
    tiny: Build, tmp_path: Path, sampler: str
) -> None:
    plan = tiny(search={"sampler": sampler, "trials_per_arm": 10}, resources={"pack": 4}, confirm=TWO)
    session = Session(plan, tmp_path / "1", 1, 0)
    alone = configurations(session.run())
    steps = {key: config["critic_steps"] for key, config in alone.items()}
    for pack in session.packs:
        assert len({(key[:3], key[3] // 4, steps[key]) for key in pack}) == 1  # of equal shapes, in one block of four
        assert len(pack) == 1 or pack[0][0] == "search"
    assert max(map(len, session.packs)) > 1
    others = Session(plan, tmp_path / "2", 5, 1)
    assert configurations(others.run()) == alone
    assert sorted(others.packs) == sorted(session.packs)
    for life, endings in enumerate([3, 1, 5, 0, 7, 10**6]):
        trials = Session(plan, tmp_path / "killed", 3, life).run(endings)
    assert configurations(trials) == alone


def test_a_search_learns_in_packs(tiny: Build, tmp_path: Path) -> None:
    plan = tiny(search={"trials_per_arm": 12, "lag": 1}, resources={"pack": 3}, scientific={"objective": ["hinge"]})
    trials = Session(plan, tmp_path, 2, 0).run()
    assert [trial.told for trial in trials.values()] == [0, 0, 0, 3, 3, 3, 6, 6, 6, 9, 9, 9]


def test_a_pack_that_falls_apart_is_given_out_trial_by_trial(tiny: Build, tmp_path: Path) -> None:
    rates = {"generator_lr": {"log_uniform": [1e-4, 1e-2]}}
    search = {"sampler": "random", "trials_per_arm": 3}
    plan = tiny(nuisance=rates, search=search, resources={"pack": 3}, scientific={"objective": ["hinge"]})
    session = Session(plan, tmp_path, 1, 0)
    assert not session.fill()
    first, *others = session.running
    end(session.journal, first)
    for trial in others:
        session.searcher.again((trial,))
    session.running.clear()
    while not session.fill():
        end(session.journal, session.running.pop())
    assert [[key[3] for key in pack] for pack in session.packs] == [[0, 1, 2], [1], [2]]
    session.journal.close()


def test_packs_may_have_another_size_in_another_session(tiny: Build, tmp_path: Path) -> None:
    search = {"trials_per_arm": 12}
    Session(tiny(search=search, resources={"pack": 4}), tmp_path, 2, 0).run(endings=11)
    session = Session(tiny(search=search), tmp_path, 2, 1)
    assert session.searcher.exact
    assert all(trial.status == "completed" for trial in session.run().values())
    assert {len(pack) for pack in session.packs} == {1}


def test_a_study_without_repeats_is_the_first_of_several(tiny: Build, tmp_path: Path) -> None:
    once = configurations(Session(tiny(search__trials_per_arm=7, confirm=TWO), tmp_path / "grown", 2, 0).run())
    grown = Session(tiny(search=REPEATED, confirm=TWO), tmp_path / "grown", 3, 1).run()
    begun = Session(tiny(search=REPEATED, confirm=TWO), tmp_path / "begun", 2, 2).run()
    assert once == {key: config for key, config in configurations(begun).items() if key[2] == 0}
    assert configurations(grown) == configurations(begun)
    assert {key: trial.seeds for key, trial in grown.items()} == {key: trial.seeds for key, trial in begun.items()}


def test_more_trials_extend_every_repeat(tiny: Build, tmp_path: Path) -> None:
    large = {**REPEATED, "trials_per_arm": 11}
    Session(tiny(search=REPEATED), tmp_path / "grown", 2, 0).run()
    grown = configurations(Session(tiny(search=large), tmp_path / "grown", 2, 1).run())
    assert grown == configurations(Session(tiny(search=large), tmp_path / "begun", 3, 2).run())


def test_an_interrupted_study_has_whole_repeats(tiny: Build, tmp_path: Path) -> None:
    session = Session(tiny(search=REPEATED, confirm=TWO), tmp_path, 1, 0)
    session.run()
    given = [trial.key for trial in session.given]
    assert [key[2] for key in given] == sorted(key[2] for key in given)
    of_one = [key[0] for key in given if key[2] == 1]
    assert of_one == ["search"] * 14 + ["confirm"] * 2


def test_a_later_repeat_fills_workers_that_wait_for_an_earlier_one(tiny: Build, tmp_path: Path) -> None:
    session = Session(tiny(search={**REPEATED, "lag": 1}), tmp_path, 5, 0)
    session.fill()  # one trial of each arm may be under way in each repeat
    assert [trial.key[1:3] for trial in session.running] == [
        ("non_saturating", 0), ("hinge", 0), ("non_saturating", 1), ("hinge", 1), ("non_saturating", 2),
    ]  # fmt: skip
    session.journal.close()


def test_no_more_trials_are_out_than_there_are_places(tiny: Build, tmp_path: Path) -> None:
    session = Session(tiny(search={"sampler": "random", "trials_per_arm": 50}), tmp_path, 3, 0)
    assert not session.fill()
    assert len(session.running) == 3
    session.journal.close()


def test_asked_in_vain_it_looks_again_only_once_a_trial_has_ended(
    tiny: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    look = Repeat.next
    monkeypatch.setattr(Repeat, "next", lambda self, out: looked.append(len(out)) or look(self, out))
    session = Session(tiny(search__trials_per_arm=9, search__lag=1), tmp_path, workers=10, seed=0)
    session.fill()
    asked = len(looked)
    assert session.searcher.suggest("again") is None
    assert len(looked) == asked
    end(session.journal, session.running.pop())
    assert session.searcher.suggest("again") is not None
    session.journal.close()


def test_a_trial_that_was_given_up_is_given_out_again_and_the_last_one_too(tiny: Build, tmp_path: Path) -> None:
    plan = tiny(search__trials_per_arm=3, confirm={"top": 1, "replicas": 2})
    session = Session(plan, tmp_path, 1, 0)
    finished = session.fill()
    while session.running:
        assert not finished  # Tune would not ask again
        trial, given = session.running.pop(), [trial.trial_id for trial in session.given]
        if given.count(trial.trial_id) == 1:
            session.searcher.again((trial,))
        else:
            end(session.journal, trial)
        finished = session.fill()
    assert finished
    given = [trial.trial_id for trial in session.given]
    assert {given.count(name) for name in given} == {2}
    assert len(given) == 2 * (2 * 3 + 2)
    session.journal.close()


def test_failed_trials_count_against_the_budget_and_the_search_goes_on(tiny: Build, tmp_path: Path) -> None:
    plan = tiny(search__trials_per_arm=4, confirm={"top": 1, "replicas": 2})
    session = Session(plan, tmp_path, 1, 0)
    while not session.fill() or session.running:
        trial = session.running.pop()
        end(session.journal, trial, "failed" if trial.arm == "hinge" else "completed")
    trials = session.journal.state.trials
    assert sum(trial.status == "failed" for trial in trials.values()) == 4
    assert [key[:2] for key in trials if key[0] == "confirm"] == [("confirm", "non_saturating")]
    session.journal.close()


def test_an_extension_continues_every_arm_and_starts_new_ones(tiny: Build, tmp_path: Path) -> None:
    small = tiny(search__trials_per_arm=12, confirm={"top": 1, "replicas": 2})
    large = tiny(
        search__trials_per_arm=20,
        confirm={"top": 1, "replicas": 2},
        scientific={"objective": ["non_saturating", "minimax", "hinge"]},
    )
    before = configurations(Session(small, tmp_path / "grown", 2, 0).run())
    grown = configurations(Session(large, tmp_path / "grown", 2, 1).run())
    fresh = configurations(Session(large, tmp_path / "fresh", 2, 2).run())
    assert before.items() <= grown.items()
    assert {key: value for key, value in grown.items() if key[0] == "search"} == {
        key: value for key, value in fresh.items() if key[0] == "search"
    }


def test_a_changed_plan_is_adopted_with_a_warning(
    tiny: Build, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plan = tiny(search__trials_per_arm=6)
    Session(plan, tmp_path, 1, 0).run(endings=8)
    journal = Journal.open(tmp_path)
    journal.state.trials["search", "hinge", 0, 0, 0].config["generator_lr"] *= 1.5  # as another Optuna would have drawn
    searcher = StudySearcher(plan, journal, job_of)
    assert not searcher.exact
    assert "arm hinge: its 4 recorded trials could not be asked for again" in caplog.text
    assert "arm non_saturating" not in caplog.text
    journal.close()
    assert len(Session(plan, tmp_path, 1, 0).run()) == 12


def test_a_trial_that_ended_is_kept_when_its_plan_is_lost_to_a_damaged_line(tiny: Build, tmp_path: Path) -> None:
    plan = tiny(search__trials_per_arm=6)
    Session(plan, tmp_path, 1, 0).run(endings=6)
    [segment] = (tmp_path / "ledger").glob("*.jsonl")
    lines = segment.read_bytes().splitlines(keepends=True)
    lost = next(i for i, line in enumerate(lines) if b'"planned"' in line and b"search-hinge-0001" in line)
    lines[lost] = lines[lost].replace(b"hinge", b"hinch", 1)
    segment.write_bytes(b"".join(lines))
    before = StudyState.replay(tmp_path).trials["search", "hinge", 0, 1, 0]
    assert before.status == "completed"
    trials = Session(plan, tmp_path, 1, 0).run()
    assert len(trials) == 12
    assert all(trial.status == "completed" for trial in trials.values())
    assert [trial.trial_id for trial in trials.values() if not trial.spec] == ["search-hinge-0001"]
    kept = trials["search", "hinge", 0, 1, 0]
    assert (kept.ended, kept.scores) == (before.ended, before.scores)


def test_a_trial_under_way_whose_plan_is_lost_is_planned_again(tiny: Build, tmp_path: Path) -> None:
    plan = tiny(search__trials_per_arm=3)
    with closing(Journal.open(tmp_path)) as journal:
        about: Any = {"phase": "search", "arm": "hinge", "index": 1, "seeds": [0, 1]}
        journal.append(Result(**about, step=5, wall_time=1.0, columns={"fid": [1.0, 2.0], "diverged": [False] * 2}))
    trials = Session(plan, tmp_path, 1, 0).run()
    assert len(trials) == 6
    assert all(trial.status == "completed" and trial.spec for trial in trials.values())


def test_a_confirmation_whose_plan_is_lost_before_it_ended_is_planned_again(tiny: Build, tmp_path: Path) -> None:
    plan = tiny(search__trials_per_arm=2, confirm={"top": 1, "replicas": 3})
    Session(plan, tmp_path, 2, 0).run(endings=4)
    [segment] = (tmp_path / "ledger").glob("*.jsonl")
    lines = segment.read_bytes().splitlines(keepends=True)
    lost = next(i for i, line in enumerate(lines) if b'"planned"' in line and b"confirm-" in line)
    name = lines[lost].split(b'"trial_id": "')[1].split(b'"')[0].decode()
    lines[lost] = b"x" + lines[lost]
    segment.write_bytes(b"".join(lines))
    with closing(Journal.open(tmp_path)) as journal:  # a result of it that is intact names it
        phase, arm, index = name.split("-")[0], name.split("-", 1)[1].rsplit("-", 1)[0], int(name[-4:])
        seeds = [10_000, 10_001, 10_002]
        columns = {"fid": [1.0, 2.0, 3.0], "diverged": [False] * 3}
        result = Result(phase=phase, arm=arm, index=index, seeds=seeds, step=5, wall_time=1.0, columns=columns)
        journal.append(result)
        assert journal.state.trials[result.key].unplanned
    trials = Session(plan, tmp_path, 2, 0).run()
    assert len(trials) == 6
    assert all(trial.status == "completed" and trial.spec for trial in trials.values())
