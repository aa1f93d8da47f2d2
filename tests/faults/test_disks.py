"""Disks that are full for real: small file systems in memory, which only root may mount."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from acts import fill
from audit import audit, undisturbed
from subject import Subject, settings
from surroundings import Unmountable, mounted

from study.progress.status import status

Begin = Callable[..., Subject]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
FULL = "No space left on device"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 megabytes."""
    try:
        with mounted(tmp_path / "disk", 24) as place:
            yield place
    except Unmountable as error:
        pytest.skip(str(error))


def test_a_disk_that_fills_up_stops_the_study_in_order(begin: Begin, disk: Path, tmp_path: Path) -> None:
    study = begin(settings(search__trials_per_arm=3), "disk/study")
    study.start()
    study.wait_until(lambda: study.look() > 10, "results")
    filler = fill(disk)
    assert study.wait() == 1
    study.look()
    assert f"the ledger could not be written: [Errno 28] {FULL}" in study.said
    assert "goes on from here" in study.said
    assert "Traceback" not in study.said
    assert study.finish() == 1  # still full: it says so and changes nothing
    assert FULL in study.said.splitlines()[-1]
    assert "Traceback" not in study.said
    filler.unlink()
    assert study.finish() == 0, study.said
    finding = audit(study.folder, undisturbed(study.plan, tmp_path / "undisturbed"), study.seen)
    assert not finding.faults, finding


def test_a_storage_that_fills_up_costs_checkpoints_and_no_row(begin: Begin, disk: Path, tmp_path: Path) -> None:
    values = settings(search__trials_per_arm=3, resources__storage=str(disk), resources__checkpoint_seconds=0)
    study = begin(values)
    study.start()
    study.wait_until(lambda: study.look() > 10, "results")
    fill(disk)
    study.look()
    assert study.wait() == 0, study.said
    assert "the ledger's copy in" in study.said
    assert FULL in study.said  # a picture may still fit where a trial's end frees what its checkpoints took
    assert status(study.folder).trials.failed == 0
    finding = audit(study.folder, undisturbed(study.plan, tmp_path / "undisturbed"), study.seen)
    assert not finding.faults, finding
