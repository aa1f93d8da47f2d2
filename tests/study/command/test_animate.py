"""The command animate writes a GIF and a strip of a trial's pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from study.command.cli import main
from study.command.folder import STUDY_FILES

TRIAL = "search-hinge-0001"


@pytest.fixture(scope="module")
def pictured(begun: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = begun(tmp_path_factory.mktemp("animated") / "study")
    folder = study / "trials" / TRIAL / "pictures"
    folder.mkdir(parents=True)
    for step in (10, 20):
        samples = np.random.default_rng(step).normal(size=(2, 20, 2))
        np.savez(folder / f"{step:08d}.npz", samples=samples, seeds=np.array([0, 1]))
    return study


def test_both_files_are_written_beside_the_study(pictured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["animate", str(pictured), "--arm", "hinge", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["trial_id"], told["seeds"], told["steps"]) == (TRIAL, [0, 1], [10, 20])
    moving, still = (Image.open(path) for path in told["files"])
    assert (moving.n_frames, still.format) == (2, "PNG")  # type: ignore[attr-defined]
    assert Path(told["files"][0]).parent == pictured / "animations"
    assert "animations" in STUDY_FILES


def test_one_replica_goes_where_it_is_asked_to(pictured: Path, tmp_path: Path) -> None:
    assert main(["animate", str(pictured), "--trial", TRIAL, "--seed", "1", "--out", str(tmp_path / "new")]) == 0
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [f"{TRIAL}-seed-1.gif", f"{TRIAL}-seed-1.png"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--trial", "search-hinge-0000"], f"--trial: expected one with pictures ({TRIAL}), got search-hinge-0000"),
        (["--arm", "minimax"], "--arm: expected one with pictures (hinge), got minimax"),
        (["--seed", "9"], f"{TRIAL}: --seed: expected one of 0, 1, got 9"),
        (["--seconds", "0"], "--seconds: expected a number from 0.02 to 60, got 0"),
    ],
)
def test_what_is_not_there_is_refused_by_name(
    pictured: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    assert main(["animate", str(pictured), *options]) == 2
    assert said in capsys.readouterr().err


def test_a_study_without_pictures_says_so(
    begun: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["animate", str(begun(tmp_path / "study"))]) == 2
    assert "expected pictures in trials/*/pictures, got none" in capsys.readouterr().err
