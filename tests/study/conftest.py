"""What several tests of the engine need: a small configuration, a journal that lives in a temporary folder, one Ray."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
import yaml

import study.cluster.environment  # noqa: F401 - before anything imports Ray
from analysis.record.loading import load
from analysis.record.schema import METADATA, SPENT
from study.config import loading
from study.config.plan import StudyPlan
from study.config.schema import StudyConfig
from study.ledger.entries import Ended, Floor, Planned, Result, Session
from study.ledger.journal import Journal

TINY: dict[str, Any] = yaml.safe_load(Path(__file__).parents[1].joinpath("tiny.yaml").read_text(encoding="utf-8"))
LEAST = {"study": "least", "data": "ring", "budget": {"steps": 20, "evaluations": 20, "batch_size": 8}}
Build = Callable[..., StudyPlan]

torch.set_num_threads(1)  # tiny networks: threads only get in each other's way


def tiny_values(**changes: Any) -> dict[str, Any]:
    """The small configuration; `search__lag=1` changes one setting of a section, `search={…}` the whole section."""
    values = copy.deepcopy(TINY)
    for key, value in changes.items():
        section, _, name = key.partition("__")
        if name:
            values.setdefault(section, {})[name] = value
        else:
            values[section] = value
    return values


@pytest.fixture(scope="session")
def tiny() -> Build:
    """Builds the small study, changed as `tiny_values` says."""
    return lambda **changes: loading.build(tiny_values(**changes))


@pytest.fixture(scope="session")
def least() -> Build:
    """Builds a study that says little more than it must, and what `sections` say."""
    return lambda **sections: loading.build(copy.deepcopy({**LEAST, **sections}))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """An empty journal in `tmp_path`."""
    opened = Journal.open(tmp_path)
    yield opened
    opened.close()


SPEC = {"data": {"name": "ring"}, "objective": {"name": "hinge"}, "penalty": {"name": "none"}}


def begin(folder: Path, ended: int = 2, **changes: Any) -> Path:
    """Write a study, changed as `tiny_values` says, of which `ended` trials have ended in one arm and one goes on in
    the other."""
    config = loading.build(tiny_values(**changes)).config
    folder.mkdir(parents=True, exist_ok=True)
    loading.write(config, folder / "study.yaml")
    journal = Journal.open(folder)
    versions = {"python": "3.11", "torch": "2"}
    journal.append(Session(config=config.resolved(), versions=versions, host="box", pid=1))
    journal.append(Floor(values={"fid": 0.001, "high_quality": 1.0}))
    for index in range(ended):
        plan = _planned(config, "hinge", index)
        journal.append(plan, *_results(plan, 0.1 * (1 + index)))
        verdict: dict[str, Any] = {"status": "completed", "outcomes": ["converged"] * 2, "scores": [0.1, 0.1]}
        journal.append(Ended(phase="search", arm="hinge", index=index, message="", **verdict))
    plan = _planned(config, "non_saturating", 0)
    journal.append(plan, *_results(plan, 0.2)[:2])
    journal.close()
    return folder


def _planned(config: StudyConfig, arm: str, index: int) -> Planned:
    settings = dict.fromkeys(config.nuisance, 1e-3)
    return Planned(phase="search", arm=arm, index=index, config=settings, spec=SPEC, seeds=[0, 1])


def _results(plan: Planned, level: float) -> list[Result]:
    random = np.random.default_rng(plan.index)
    rows = []
    for step in (5, 10, 15, 20):
        scores = (level * np.exp(random.normal(0, 0.1, len(plan.seeds)))).tolist()
        columns = {
            "fid": scores,
            "mass_js": scores,
            "modes": [8.0] * len(scores),
            "high_quality": [0.5] * len(scores),
            "mode_histogram": [[8] * 8] * len(scores),
        }
        trial: dict[str, Any] = {"phase": plan.phase, "arm": plan.arm, "index": plan.index, "seeds": plan.seeds}
        rows.append(Result(**trial, step=step, wall_time=step / 10, columns=columns))
    return rows


def retold(folder: Path, old: str, new: str, columns: Callable[[Any], Any] = lambda table: table) -> None:
    """Write a record anew with other words about itself, and with its tables changed by `columns`."""
    for name in ("history", "trials"):
        path = folder / f"{name}.parquet"
        about = pq.read_metadata(path).metadata[METADATA].decode().replace(old, new)
        pq.write_table(columns(pq.read_table(path)).replace_schema_metadata({METADATA: about}), path)


@pytest.fixture(scope="session")
def retell() -> Callable[..., None]:
    """`retell(folder, old, new)`; see `retold`."""
    return retold


@pytest.fixture(scope="session")
def begun() -> Callable[..., Path]:
    """`begun(folder, study="rings", …)`; see `begin`."""
    return begin


def same_record(folder: Path, reference: Path) -> None:
    """Fail unless both records agree in every row and column but those of times, to the last bit."""
    times = ["wall_time", "started", "ended", *(column.name for column in SPENT if column.unit == "s")]
    for name, order in (("trials", ["trial_id", "seed"]), ("history", ["trial_id", "seed", "step"])):
        tables = [getattr(load(place), name) for place in (folder, reference)]
        plain = [table.drop(columns=times, errors="ignore").astype({"trial_id": str}) for table in tables]
        shown = [table.sort_values(order, ignore_index=True).astype(object) for table in plain]
        pd.testing.assert_frame_equal(*shown, check_exact=True)


@pytest.fixture(scope="session", name="same_record")
def _same_record() -> Callable[[Path, Path], None]:
    """`same_record(folder, reference)`; see there."""
    return same_record


@pytest.fixture(scope="session")
def shared_ray() -> Iterator[None]:
    """One Ray for all tests that train for real, in the group `ray`; studies that find it running use it."""
    from study.cluster.connection import connected

    with connected():
        yield


@pytest.fixture(scope="session")
def bucket() -> Iterator[str]:
    """The address of a bucket on an S3 server of moto's, with credentials in the environment as a node has them."""
    server = pytest.importorskip("moto.server", reason="moto is not installed").ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    settings = {"AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": "hidden", "AWS_EC2_METADATA_DISABLED": "true"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        import boto3

        boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1").create_bucket(Bucket="lab")
        yield f"s3://lab/studies?region=us-east-1&scheme=http&endpoint_override={host}:{port}"
    server.stop()
