"""The Tune side of a worker, driven as Tune drives it but in this process."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from study.config.arms import spec_for
from study.config.plan import StudyPlan
from study.execution import worker as module
from study.execution.job import Job, to_json
from study.execution.worker import Worker
from study.storage import checkpoint
from study.storage.data_set import load
from study.storage.store import store_at
from trainables import own_code

Build = Callable[..., StudyPlan]


@pytest.fixture
def job(tiny: Build, tmp_path: Path) -> Job:
    plan = tiny()
    spec = spec_for(plan.config, plan.arms[0], {"generator_lr": 1e-3, "critic_steps": 1})
    return Job("search-a-0000", spec.to_dict(), [0, 1], str(tmp_path), ["fid"], ["min"])


@pytest.fixture
def worker(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setattr("ray.tune.trainable.trainable.DEFAULT_STORAGE_PATH", str(tmp_path / "ray"))
    made = Worker({"job": to_json([job])})
    yield made
    made.stop()  # type: ignore[no-untyped-call]
    torch.set_num_threads(1)


def train(worker: Worker) -> dict[str, Any]:
    return dict(worker.train())  # type: ignore[no-untyped-call]


def rows_of(result: dict[str, Any]) -> list[Any]:
    return [row for report in json.loads(result["reports"]) for row in report["rows"]]


def test_starting_a_spare_worker_loads_nothing(job: Job, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[str] = []

    def counting(settings: dict[str, Any], *where: Any) -> Any:
        loads.append(settings["name"])
        return load(settings, *where)

    monkeypatch.setattr(module, "load", counting)
    assert loads == []
    train(worker)
    assert loads == ["ring"]
    assert worker.reset_config({"job": to_json([replace(job, trial_id="search-a-0001")])})
    train(worker)
    assert loads == ["ring"]  # kept for the next trial


def test_what_tune_gets_is_flat_and_without_the_configuration(worker: Worker) -> None:
    result = train(worker)
    assert all(not isinstance(value, (dict, list)) for value in result.values())
    assert {"reports", "done", "notes", "trial_id", "training_iteration"} <= result.keys()
    assert "config" not in result


def test_trials_in_one_process_are_what_they_are_in_their_own(job: Job, worker: Worker) -> None:
    def columns(result: dict[str, Any]) -> list[Any]:
        return [(row["step"], json.dumps(row["columns"])) for row in rows_of(result)]

    first = columns(train(worker))
    torch.manual_seed(123)
    torch.backends.cudnn.benchmark = True
    worker.reset_config({"job": to_json([replace(job, trial_id="search-a-0001")])})
    assert not torch.backends.cudnn.benchmark
    assert columns(train(worker)) == first


def test_own_code_is_imported_from_where_the_job_says(
    job: Job, worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_code, "_now", None)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "their_code.py").write_text(
        "from trainables.objectives.table import Objective\n"
        "loss = Objective('cubic', lambda d: d - d**3 / 3, lambda d: -d, 'saturating', '', 'a test')\n"
        "def width(samples, data):\n    return samples.flatten(1).std(1)\n"
    )
    spec = {**job.spec, "objective": {"name": "their_code:loss"}, "measure": ["their_code:width"]}
    mine = replace(job, trial_id="search-a-0001", spec=spec, metrics=["own.width"])
    with pytest.raises(ValueError, match="'their_code:width' is the user's own code"):
        train_on(worker, mine)
    [row] = rows_of(train_on(worker, replace(mine, code=str(tmp_path))))
    assert all(width > 0 for width in row["columns"]["own.width"])
    del sys.modules["their_code"]


def train_on(worker: Worker, job: Job) -> dict[str, Any]:
    worker.reset_config({"job": to_json([job])})
    return train(worker)


class Opaque(Exception):  # noqa: N818
    """Cannot be made again from its message, which is all that pickle keeps."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")


def test_what_is_raised_keeps_its_words_on_the_way_to_the_driver(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raising(error: Exception) -> Callable[[], Any]:
        def build() -> Any:
            raise error

        return build

    monkeypatch.setattr(worker, "_build", raising(ValueError("as it is")))
    with pytest.raises(ValueError, match="as it is"):
        worker.step()
    monkeypatch.setattr(worker, "_build", raising(Opaque("this", "that")))
    with pytest.raises(RuntimeError, match="Opaque: this and that") as raised:
        worker.train()  # type: ignore[no-untyped-call]
    assert any(frame.name == "build" for frame in raised.traceback)
    caused = ValueError("by something")
    caused.__cause__ = Opaque("this", "that")
    monkeypatch.setattr(worker, "_build", raising(caused))
    with pytest.raises(RuntimeError, match="ValueError: by something"):
        worker.train()  # type: ignore[no-untyped-call]


def test_threads_follow_the_job(job: Job, worker: Worker) -> None:
    worker.reset_config({"job": to_json([replace(job, threads=2)])})
    assert torch.get_num_threads() == 2


def test_a_worker_that_is_stopped_leaves_a_checkpoint(worker: Worker, tmp_path: Path) -> None:
    kept = store_at(str(tmp_path)), "trials/search-a-0000"
    worker.cleanup()
    assert checkpoint.read_all(*kept) == []
    train(worker)
    worker.cleanup()
    assert [content["state"]["step"] for content in checkpoint.read_all(*kept)] == [5]


def test_the_rest_of_a_pack_goes_on_from_where_it_was_stopped(job: Job, worker: Worker, tmp_path: Path) -> None:
    pack = [job, replace(job, trial_id="search-a-0001")]
    worker.reset_config({"job": to_json(pack)})
    assert len(rows_of(train(worker))) == 2
    worker.reset_config({"job": to_json([replace(pack[1], reported=5)])})  # as a scheduler stopped the first
    assert [row["step"] for row in rows_of(train(worker))] == [10]
    assert checkpoint.read_all(store_at(str(tmp_path)), "trials/search-a-0001")[0]["state"]["step"] == 5


def test_a_finished_trial_leaves_none(job: Job, worker: Worker, tmp_path: Path) -> None:
    worker.reset_config({"job": to_json([replace(job, report_seconds=60.0)])})
    assert train(worker)["done"]
    worker.cleanup()
    assert checkpoint.read_all(store_at(str(tmp_path)), "trials/search-a-0000") == []


def test_caches_do_not_grow(job: Job, worker: Worker) -> None:
    for seed in range(4):
        spec = {**job.spec, "data": {**job.spec["data"], "seed": seed}}
        worker.reset_config({"job": to_json([replace(job, spec=spec)])})
        train(worker)
    assert len(worker._data) == len(worker._evaluators) == module.KEPT
