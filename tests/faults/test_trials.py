"""Trials that hang, run out of memory, crash or leave: each fails alone, its message says why, the others complete."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from audit import audit, undisturbed
from misbehaving import NO_CUDA_MEMORY
from subject import Subject, settings

from study.execution.recorder import FAILURES
from study.progress.status import status

Begin = Callable[..., Subject]
SHORT = {
    "budget": {"steps": 40, "evaluations": 4, "batch_size": 16},
    "nuisance": {},
    "fixed": {"generator": {"hidden": [8]}, "critic": {"hidden": [8]}, "generator_lr": 1e-3},
    "search": {"trials_per_arm": 1},
    "confirm": None,
}
WIDE, MANY = 100_000, 1_000_000  # units and samples: 400 gigabytes of activations for each replica


def misbehaving(*names: str, **changes: Any) -> dict[str, Any]:
    """A study with an arm for each of `names`, and good ones between them."""
    rows = [f"misbehaving:{name}" for name in names]
    return settings(**copy.deepcopy({**SHORT, "scientific": {"objective": ["hinge", *rows]}, **changes}))


def hold(study: Subject, tmp_path: Path, expected: dict[str, str]) -> None:
    """Run the study: trials fail with the messages expected, by objective; the others are as if nothing had been."""
    assert study.finish() == 0, study.said
    failures = status(study.folder).failures
    told = {trial.removeprefix("search-misbehaving_").split(".")[0]: trial for trial in failures}
    assert told.keys() == expected.keys()
    for name, trial in told.items():
        assert failures[trial] == expected[name].format(trial=trial)
    finding = audit(study.folder, undisturbed(study.plan, tmp_path / "undisturbed"), failed=failures)
    assert not finding.faults, finding
    for trial in failures:
        assert (study.folder / "trials" / trial / "error.txt").read_text()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_trial_that_raises_fails_alone(begin: Begin, tmp_path: Path) -> None:
    resources = {"checkpoint_seconds": 0, "workers": 2}
    study = begin(misbehaving("cuda_memory", "cuda_memory_once", "opaque", resources=resources), FAULTS=str(tmp_path))
    expected = {
        "cuda_memory": f"OutOfMemoryError: {NO_CUDA_MEMORY}",
        "opaque": "RuntimeError: Opaque: this and that",
    }
    hold(study, tmp_path, expected)
    kept = [row.trial_id for row in study.told("result") if "cuda_memory." in row.trial_id]
    assert len(kept) == 2  # what it had measured before


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_trial_that_loses_its_process_or_hangs_fails_alone(begin: Begin, tmp_path: Path) -> None:
    names = ("crashes", "dies", "hangs", "leaves", "crashes_once", "hangs_once")
    study = begin(misbehaving(*names, resources={"evaluation_limit": 5.0, "workers": 2}), FAULTS=str(tmp_path))
    lost = (
        "the worker's process was killed, as for want of memory (fewer resources.workers take less at once),"
        " or crashed in a library's code"
    )
    hung = "an evaluation took longer than resources.evaluation_limit; where it hung is in trials/{trial}/hang.txt"
    left = "the worker's process left with exit status 3"
    hold(study, tmp_path, {"crashes": lost, "dies": lost, "hangs": hung, "leaves": left})
    [where] = study.folder.glob("trials/*misbehaving_hangs.*/hang.txt")
    assert "in hang" in where.read_text()
    assert not list(study.folder.glob("trials/*hangs_once*/hang.txt"))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_memory_that_the_allocator_refuses_fails_the_trial_alone(begin: Begin) -> None:
    values = misbehaving(scientific={"batch_size": [16, MANY]})
    values["fixed"] |= {"objective": "hinge", "generator": {"hidden": [WIDE]}}
    del values["budget"]["batch_size"]
    study = begin(values)
    assert study.finish() == 0, study.said
    [(trial, message)] = status(study.folder).failures.items()
    assert f"batch_size={MANY}" in trial
    assert re.search("can't allocate memory: you tried to allocate [0-9]{12,} bytes", message)
    finding = audit(study.folder, failed=[trial])
    assert not finding.faults, finding


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_worker_that_can_write_no_file_trains_on(begin: Begin, tmp_path: Path) -> None:
    resources = {"checkpoint_seconds": 0, "workers": 1}
    study = begin(misbehaving("keeps_no_files", resources=resources), FAULTS=str(tmp_path))
    hold(study, tmp_path, {})
    pictures = {row.trial_id: row.pictures for row in study.told("result")}
    assert [picture for trial, picture in pictures.items() if "keeps_no_files" in trial] == [None]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_fails_every_trial_stops_the_study_until_it_is_mended(begin: Begin, tmp_path: Path) -> None:
    values = misbehaving(scientific={"objective": ["misbehaving:breaks"]}, search={"trials_per_arm": FAILURES + 2})
    study = begin(values, FAULTS=str(tmp_path))
    (tmp_path / "BROKEN").touch()
    assert study.finish() == 1
    assert f"{FAILURES} trials failed one after the other" in study.said
    assert "libfancy.so.7: cannot open shared object file; mend the cause, then `ganstudy resume" in study.said
    assert len(status(study.folder).failures) in (FAILURES, FAILURES + 1)  # one more was under way
    (tmp_path / "BROKEN").unlink()
    assert study.finish("--retry-failed") == 0, study.said
    assert status(study.folder).trials.done == FAILURES + 2
    finding = audit(study.folder)
    assert not finding.faults, finding
