"""Studies on clusters of several nodes: trials on all of them, a node that dies, shares of a GPU, two at once."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.record.loading import load
from study.ledger.ledger import entries

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.timeout(900)]
Make = Callable[..., Path]
Read = Callable[[Path], dict[tuple[str, int], str]]


def most_at_once(notes: list[dict[str, Any]]) -> int:
    """How many trials were between their first and last note at the same time, at most."""
    spans: dict[str, list[float]] = {}
    for note in notes:
        spans.setdefault(note["trial"], []).append(note["time"])
    starts_and_ends = sorted([(span[0], 1) for span in spans.values()] + [(span[-1], -1) for span in spans.values()])
    level = [sum(change for _, change in starts_and_ends[: place + 1]) for place in range(len(starts_and_ends))]
    return max(level)


def test_a_study_of_ones_own_listens_on_loopback_alone(alone: Any) -> None:
    alone()
    names = {name for name, _ in alone.heard}
    assert {"raylet", "gcs_server"} < names
    assert any("worker" in name.lower() or name.startswith("ray::") for name in names)
    assert {address for _, address in alone.heard} <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


def test_three_nodes_share_a_study(nodes: Any, config: Make, alone: Make, curves: Read, tmp_path: Path) -> None:
    nodes.head(cpus=1)
    for _ in range(2):
        nodes.add(cpus=1)
    storage, folder = tmp_path / "shared", tmp_path / "driver" / "study"
    shared = ["--set", f"resources.storage={storage}"]
    printed = nodes.finish(nodes.watched(tmp_path / "notes", "run", config(), "--out", folder, *shared, together=3))
    assert "(nodes 3, processors 3, GPUs 0)" in printed
    notes = nodes.notes(tmp_path / "notes")
    assert len({note["node"] for note in notes}) == 3
    assert all(note["settings"] for note in notes)
    assert most_at_once(notes) == 3
    assert curves(folder) == curves(alone())
    record = load(folder)
    assert not record.running
    assert set(record.trials["status"]) == {"completed"}
    pictures = [entry.pictures for _, entry in entries(folder, kinds={"result"}) if entry.pictures]
    assert len(pictures) == 6 * 2
    assert all((storage / "tiny" / path).is_file() for path in pictures)
    assert not [path for path in storage.rglob("*") if "checkpoint" in path.name]


@pytest.mark.slow
def test_a_node_that_dies_costs_a_study_nothing(
    nodes: Any, config: Make, alone: Make, curves: Read, tmp_path: Path
) -> None:
    long = {"budget": {"steps": 1200, "evaluations": 12, "batch_size": 16}}
    nodes.head(cpus=0)
    doomed, _ = nodes.add(cpus=1), nodes.add(cpus=1)
    folder, noted = tmp_path / "study", tmp_path / "notes"
    configuration = config(**long, resources={"checkpoint_seconds": 0.0, "storage": str(tmp_path / "shared")})
    client = nodes.watched(noted, "run", configuration, "--out", folder, together=2, pause=0.5)
    nodes.wait_for(lambda: len(list((tmp_path / "shared").rglob("checkpoint.pt"))) == 2)
    nodes.kill(doomed)
    nodes.finish(client)
    assert curves(folder) == curves(alone(**long))
    begun: dict[str, list[tuple[str, int]]] = {}
    for note in nodes.notes(noted):
        if "begins_at" in note:
            begun.setdefault(note["trial"], []).append((note["node"], note["begins_at"]))
    (moved,) = (begins for begins in begun.values() if len(begins) > 1)
    (lost, first), (new, second) = moved
    assert lost != new
    assert first == 0 < second


@pytest.mark.slow
@pytest.mark.parametrize(("share", "together"), [(0.25, 4), (0.5, 2), (1, 1)])
def test_a_share_of_a_gpu_is_what_a_trial_gets(
    nodes: Any, config: Make, tmp_path: Path, share: float, together: int
) -> None:
    nodes.head(cpus=6, gpus=1)
    configuration = config(search={"trials_per_arm": 4}, resources={"cpu": 1, "gpu": share})
    command = ("run", configuration, "--out", tmp_path / "study")
    nodes.finish(nodes.watched(tmp_path / "notes", *command, together=together, pause=1.0))
    notes = nodes.notes(tmp_path / "notes")
    assert len({note["trial"] for note in notes}) == 10
    assert {note["gpus"] for note in notes} == {"0"}
    assert most_at_once(notes) == together


@pytest.mark.slow
def test_two_studies_on_one_cluster_do_not_meet(
    nodes: Any, config: Make, alone: Make, curves: Read, tmp_path: Path
) -> None:
    nodes.head(cpus=2)
    nodes.add(cpus=2)
    changes = [{"study": name, "search": {"trials_per_arm": 4, "seed": seed}} for seed, name in enumerate("ab")]
    started = [
        nodes.ganstudy("run", config(**change), "--out", tmp_path / "out" / change["study"]) for change in changes
    ]
    for client in started:
        nodes.finish(client)
    found = [curves(tmp_path / "out" / change["study"]) for change in changes]
    assert found == [curves(alone(**change)) for change in changes]
    assert json.dumps(sorted(found[0].items())) != json.dumps(sorted(found[1].items()))


@pytest.mark.slow
def test_nodes_share_the_storage_and_nothing_else(
    nodes: Any, config: Make, alone: Make, curves: Read, tmp_path: Path
) -> None:
    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs root, to give a node a file system of its own")
    (mine := tmp_path / "mine").mkdir()
    nodes.environment["TMPDIR"] = str(mine)  # of the driver, for what Tune keeps
    nodes.head(cpus=0)
    for _ in range(2):
        nodes.add(cpus=1, hiding=mine)
    printed = nodes.finish(nodes.ganstudy("run", config(), "--out", mine / "study"), 2)
    assert printed.count(f"does not see the study's files in {mine}/study; give resources.storage") == 2
    storage = ["--set", f"resources.storage={tmp_path / 'shared'}"]
    nodes.finish(nodes.ganstudy("run", config(), "--out", mine / "shared", *storage))
    assert curves(mine / "shared") == curves(alone())
    shutil.rmtree(mine / "shared")  # as if the head's disk were gone
    nodes.finish(nodes.ganstudy("run", config(), "--out", mine / "again", *storage))
    assert curves(mine / "again") == curves(alone())
