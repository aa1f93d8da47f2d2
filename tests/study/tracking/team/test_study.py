"""A whole study tracked by a team's server that dies under it: it ends at its pace, and `resume` sends the rest."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from study.ledger.ledger import entries
from study.tracking import tracker, waiting
from study.tracking.cursor import Cursor

pytestmark = [pytest.mark.xdist_group("mlflow-team"), pytest.mark.slow]
ROOT = Path(__file__).parents[4]
LEAVE = 30.0  # seconds from a study's last words to its exit that are not the wait for MLflow


def ganstudy(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "study", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)


def ended(folder: Path) -> list[float]:
    """When trials ended."""
    try:
        return [entry.time for _, entry in entries(folder, kinds={"ended"})]
    except FileNotFoundError:
        return []


def medians(folder: Path) -> dict[tuple[str, int], float]:
    """The median FID of every trial and step, from the Parquet record."""
    history = pd.read_parquet(folder / "history.parquet", columns=["trial_id", "step", "fid"])
    return history.astype({"trial_id": str}).groupby(["trial_id", "step"])["fid"].median().dropna().to_dict()


def test_a_study_outlives_its_server(team: Any, tmp_path: Path) -> None:
    folder, name = tmp_path / "study", f"whole-{os.urandom(4).hex()}"
    config = {
        **yaml.safe_load((ROOT / "tests" / "tiny.yaml").read_text(encoding="utf-8")),
        "study": name,
        "budget": {"steps": 400, "evaluations": 8, "batch_size": 16},
        "nuisance": {"generator_lr": {"log_uniform": [1e-4, 1e-2]}},
        "search": {"trials_per_arm": 6},
        "tracking": {"uri": team.address, "pictures": 1},
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "study", "run", str(tmp_path / "config.yaml"), "--out", str(folder)]
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=said, start_new_session=True)
        try:
            while len(ended(folder)) < 3:
                assert process.poll() is None, (tmp_path / "said").read_text()
                time.sleep(0.05)
            team.kill()
            assert process.wait(200) == 0
            left = time.time() - max(ended(folder))
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    try:
        assert len(ended(folder)) == 12
        assert left < tracker.SILENCE + LEAVE
        assert "ledger entries still wait for MLflow" in (tmp_path / "said").read_text()
        found = json.loads(ganstudy("status", str(folder), "--json").stdout)
        assert found["state"] == "done"
        assert found["tracking"]["waiting"] == waiting(folder) > 0
        assert "Connection refused" in found["tracking"]["trouble"]
    finally:
        team.start()
    assert ganstudy("resume", str(folder)).returncode == 0
    assert waiting(folder) == 0
    rows = {
        (trial, step): value
        for trial, found in team.tracked(name).items()
        for key, value, _, step in found
        if key == "fid"
    }
    assert rows == pytest.approx(medians(folder), rel=1e-6)
    keys = [(trial, *row[:1], row[3]) for trial, found in team.tracked(name).items() for row in found]
    assert len(keys) == len(set(keys))
    assert {status for _, status in team.runs(name)} == {"FINISHED"}
    assert len(team.runs(name)) == 15
    (logged,) = team.artifacts.glob(f"*/{Cursor.load(folder).parent}/artifacts/trials.parquet")
    assert logged.read_bytes() == (folder / "trials.parquet").read_bytes()
    password = os.environ["MLFLOW_TRACKING_PASSWORD"].encode()
    assert [path for path in tmp_path.rglob("*") if path.is_file() and password in path.read_bytes()] == []
