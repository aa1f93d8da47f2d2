"""Kills: a short study that loses what can be lost, and many at random, as `python tests/faults` tries them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import kills
import pytest
from acts import ACTS
from audit import audit, undisturbed
from disturbance import Blow
from kills import BESIDE, IN_TURN, Campaign, plan
from subject import Subject, settings
from surroundings import SURROUNDINGS

KILLS = 50
Begin = Callable[..., Subject]


def damage(study: Subject) -> None:
    """Truncate one trial's newest checkpoint, flip a bit of another's, and let a third be another trial's."""
    found = sorted(study.folder.glob("trials/*/checkpoint.pt"))
    whole = found[0].read_bytes()
    os.truncate(found[0], len(whole) // 2)
    if len(found) > 1:
        flipped = bytearray(found[1].read_bytes())
        flipped[len(flipped) // 2] ^= 1
        found[1].write_bytes(flipped)
        found[1].with_name("checkpoint.previous.pt").write_bytes(whole)


def test_a_worker_the_driver_and_checkpoints_are_lost_and_no_row(begin: Begin, tmp_path: Path) -> None:
    # Trials of some seconds, so that what is to happen between a kill and the end has time to.
    steps, trials = {"budget__steps": 4800}, {"search__trials_per_arm": 2, "resources__checkpoint_seconds": 0.1}
    study = begin(settings(confirm=None, **steps, **trials))
    study.start()
    study.wait_until(lambda: study.look() and study.workers(), "a worker with a result")
    study.workers()[0].kill()
    rows = study.look()
    study.wait_until(lambda: study.look() > rows, "more results")
    study.wait_until(lambda: list(study.folder.glob("trials/*/checkpoint.pt")), "a checkpoint")
    study.kill()
    study.sweep()
    assert study.look() < 4 * 12  # it was in the middle
    damage(study)
    study.start()
    reference = undisturbed(study.plan, tmp_path / "undisturbed")  # while Ray starts
    assert study.wait() == 0, study.said
    finding = audit(study.folder, reference, study.seen)
    assert (finding.trials, finding.rows, finding.faults) == (4, 4 * 2 * 12, 0), finding


def test_all_kinds_have_their_turn_before_one_has_its_second() -> None:
    shares = {name: act.share for name, act in ACTS.items()} | BESIDE
    whole = plan(shares, sum(shares.values()), seed=2)
    assert Counter(whole) == shares
    assert {*whole[: len(shares)]} == {*shares}
    assert plan(shares, 10, seed=2) == whole[:10] != plan(shares, 10, seed=3)
    assert plan(shares, len(whole) + 10, seed=2)[: len(whole)] == whole
    assert {*IN_TURN} == {*SURROUNDINGS} == {act.where for act in ACTS.values()}


def test_what_was_done_is_taken_from_the_plan_and_surroundings_come_in_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares, visited = {name: act.share for name, act in ACTS.items()} | BESIDE, list[str]()

    def study(self: Campaign, around: str, planned: list[str]) -> None:
        """Lasts for four acts."""
        visited.append(around)
        self.toll.done.update(planned[:4])
        self.toll.blows += map(Blow, planned[:4])

    monkeypatch.setattr(kills, "undisturbed", lambda *_: None)
    monkeypatch.setattr(kills, "missing", dict)
    monkeypatch.setattr(kills, "SURROUNDINGS", {where: lambda _, where=where: nullcontext(where) for where in IN_TURN})
    monkeypatch.setattr(Campaign, "_study", study)
    first = Campaign(2, tmp_path).run(40)
    assert first.done == Counter(plan(shares, 40, seed=2))
    assert visited[:4] == [*IN_TURN]
    assert Campaign(2, tmp_path, first).run(60).done == Counter(plan(shares, 60, seed=2))  # it goes on


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_kills_at_random_moments_lose_nothing(tmp_path: Path) -> None:
    toll = Campaign(seed=0, folder=tmp_path).run(KILLS, say=print)
    print(toll.table())
    assert len(toll.blows) >= KILLS
    assert toll.faults == 0, toll
