"""Studies of repeated searches, for real: one record, whatever the workers, kills and the way by which it grew."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.record.loading import load
from study.config import loading
from study.config.messages import ConfigError
from study.config.plan import StudyPlan
from study.ledger.ledger import entries
from study.progress.status import status
from study.run import resume_study, run_study

Build = Callable[..., StudyPlan]
Compare = Callable[[Path, Path], None]
ROOT = Path(__file__).parents[2]
BUDGET = {"steps": 200, "evaluations": 4, "batch_size": 16}
CONFIRM = {"top": 1, "replicas": 3}

pytestmark = [pytest.mark.usefixtures("shared_ray"), pytest.mark.xdist_group("ray")]


def repeated(tiny: Build, repeats: int, workers: int = 1) -> StudyPlan:
    """Two arms of two trials in each repeat, searched by fid, which tells even the untrained apart."""
    search = {"trials_per_arm": 2, "repeats": repeats, "metric": "fid"}
    resources = {"workers": workers, "checkpoint_seconds": 0.0}
    return tiny(budget=BUDGET, search=search, confirm=CONFIRM, resources=resources)


@pytest.fixture(scope="module")
def reference(tiny: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two repeats on one worker, without a disturbance."""
    folder = tmp_path_factory.mktemp("reference") / "study"
    assert run_study(repeated(tiny, 2), folder) == 0
    return folder


@pytest.fixture(scope="module")
def once(tiny: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same study without repeats."""
    folder = tmp_path_factory.mktemp("once") / "study"
    assert run_study(repeated(tiny, 1), folder) == 0
    return folder


def test_every_repeat_is_searched_and_confirmed_on_seeds_of_its_own_and_common_ones(reference: Path) -> None:
    trials = load(reference).trials
    assert set(trials["status"]) == {"completed"}
    assert trials.groupby(["phase", "repeat"], observed=True)["trial_id"].nunique().to_dict() == {
        ("search", 0): 4, ("search", 1): 4, ("confirm", 0): 2, ("confirm", 1): 2,
    }  # fmt: skip
    seeds = trials.groupby(["phase", "repeat"], observed=True)["seed"].unique().map(sorted).to_dict()
    assert seeds == {
        ("search", 0): [0, 1], ("search", 1): [2, 3],
        ("confirm", 0): [10_000, 10_001, 10_002], ("confirm", 1): [10_000, 10_001, 10_002],
    }  # fmt: skip
    rates = trials[trials["phase"] == "search"].drop_duplicates("trial_id")["config.generator_lr"]
    assert rates.nunique() == 8
    kept = {path.name for path in (reference / "trials").iterdir()}
    assert kept == set(trials["trial_id"])
    assert {name for name in kept if "-r1-" in name} == set(trials.loc[trials["repeat"] == 1, "trial_id"])


def test_two_workers_make_the_same_record(tiny: Build, tmp_path: Path, reference: Path, same_record: Compare) -> None:
    assert run_study(repeated(tiny, 2, workers=2), tmp_path / "study") == 0
    same_record(tmp_path / "study", reference)


def test_a_study_killed_in_its_second_repeat_resumes_to_the_same_record(
    tiny: Build, tmp_path: Path, reference: Path, same_record: Compare
) -> None:
    folder, file = tmp_path / "study", tmp_path / "study.yaml"
    loading.write(repeated(tiny, 2).config, file)
    command = [sys.executable, "-m", "study", "run", str(file), "--out", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as driver:
        threading.Thread(target=kill_in_repeat_1, args=(driver, folder)).start()
    interrupted = status(folder)
    assert interrupted.state == "interrupted"
    assert [(one.repeat, one.search.done) for one in interrupted.arms if one.repeat == 0] == [(0, 2), (0, 2)]
    assert resume_study(folder) == 0
    same_record(folder, reference)


def kill_in_repeat_1(driver: subprocess.Popen[bytes], folder: Path) -> None:
    """Kill the driver once a trial of repeat 1 has a result."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and driver.poll() is None:
        if (folder / "ledger").is_dir() and any(one.repeat == 1 for _, one in entries(folder, kinds={"result"})):
            break
        time.sleep(0.05)
    driver.kill()


def test_a_repeat_more_makes_the_record_of_a_study_begun_with_it(
    once: Path, tmp_path: Path, reference: Path, same_record: Compare
) -> None:
    folder = tmp_path / "study"
    shutil.copytree(once, folder)
    assert resume_study(folder, ["search.repeats=2"]) == 0
    same_record(folder, reference)
    with pytest.raises(ConfigError, match=r"search.repeats: expected at least 2, as the study has them, got 1"):
        resume_study(folder, ["search.repeats=1"])


def test_a_ledger_from_before_there_were_repeats_gives_the_same_record(
    once: Path, tmp_path: Path, same_record: Compare
) -> None:
    folder = tmp_path / "study"
    shutil.copytree(once, folder)
    for segment in (folder / "ledger").glob("*.jsonl"):
        segment.write_bytes(b"".join(map(without_repeat, segment.read_bytes().splitlines())))
    assert b'"repeat"' not in b"".join(path.read_bytes() for path in (folder / "ledger").glob("*.jsonl"))
    settings = folder / "study.yaml"
    before = settings.read_text(encoding="utf-8").replace("repeats: 1, most_repeats: null, ", "")
    settings.write_text(before, encoding="utf-8")
    assert "repeats" not in settings.read_text(encoding="utf-8")
    assert resume_study(folder) == 0
    same_record(folder, once)


def without_repeat(line: bytes) -> bytes:
    found = json.loads(line[9:])
    found.pop("repeat", None)
    found.pop("round", None)
    if found["kind"] == "session":
        del found["config"]["search"]["repeats"], found["config"]["search"]["most_repeats"]
    text = json.dumps(found).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)
