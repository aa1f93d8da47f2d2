"""Kills: a short study that loses what can be lost, and many at random, as `python tests/faults` tries them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from audit import audit, undisturbed
from kills import Campaign
from subject import Subject, settings, until

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
    study = begin(settings(search__trials_per_arm=2, confirm=None, resources__checkpoint_seconds=0.1))
    study.start()
    until(lambda: study.look() and study.workers(), "a worker with a result")
    study.workers()[0].kill()
    rows = study.look()
    until(lambda: study.look() > rows and list(study.folder.glob("trials/*/checkpoint.pt")), "results and a checkpoint")
    study.kill()
    study.sweep()
    assert study.look() < 4 * 12  # it was in the middle
    damage(study)
    study.start()
    reference = undisturbed(study.plan, tmp_path / "undisturbed")  # while Ray starts
    assert study.wait() == 0, study.said
    finding = audit(study.folder, reference, study.seen)
    assert (finding.trials, finding.rows, finding.wrong) == (4, 4 * 2 * 12, 0), finding


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_kills_at_random_moments_lose_nothing(tmp_path: Path) -> None:
    toll = Campaign(seed=0, folder=tmp_path).run(KILLS, say=print)
    print(toll.table())
    assert len(toll.blows) >= KILLS
    assert toll.faults == 0, toll
