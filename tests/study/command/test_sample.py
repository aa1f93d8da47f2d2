"""The command sample: the same draws for the same seed, as an array or pictures; what is not there is refused."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from study.command.cli import main
from study.storage.store import store_at
from trainables import own_code

Keep = Callable[..., Path]
DIGITS = {"data": {"name": "digits"}, "model": "cgan"}


@pytest.fixture(scope="module")
def rings(keep: Keep, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return keep(tmp_path_factory.mktemp("rings") / "study")


@pytest.fixture(scope="module")
def digits(keep: Keep, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return keep(tmp_path_factory.mktemp("digits") / "study", spec=DIGITS, study="digits")


def drawn(study: Path, out: Path, *options: str) -> Any:
    assert main(["sample", str(study), "--arm", "hinge", "--out", str(out), *options]) == 0
    return np.load(out)


def test_an_arms_winner_gives_the_same_samples_again(rings: Path, tmp_path: Path) -> None:
    first, again = (drawn(rings, tmp_path / f"{name}.npz", "--count", "30", "--seed", "1") for name in "ab")
    assert first["samples"].shape == (30, 2)
    assert np.array_equal(first["samples"], again["samples"])
    assert (str(first["trial_id"]), int(first["seed"]), int(first["step"])) == ("search-hinge-0000", 1, 2)
    other = drawn(rings, tmp_path / "c.npz", "--count", "30", "--trial", "search-hinge-0001")
    assert (str(other["trial_id"]), int(other["seed"])) == ("search-hinge-0001", 0)
    assert not np.array_equal(first["samples"], other["samples"])


def test_what_was_drawn_is_said(rings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "a.npz"
    drawn(rings, out, "--count", "3")
    assert capsys.readouterr().out == f"3 samples of search-hinge-0000, seed 0, in {out}\n"
    drawn(rings, out, "--count", "3", "--json", "--weights", "raw")
    told = json.loads(capsys.readouterr().out)
    assert (told["arm"], told["weights"], told["diverged_step"]) == ("hinge", "raw", None)


def test_pictures_lie_in_a_folder_for_each_class(digits: Path, tmp_path: Path) -> None:
    out = tmp_path / "pictures"
    assert main(["sample", str(digits), "--arm", "hinge", "--count", "12", "--out", str(out)]) == 0
    found = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.png"))
    assert len(found) == 12
    assert found[:3] == ["0/00000.png", "0/00010.png", "1/00001.png"]
    pixels = np.asarray(Image.open(out / "3" / "00003.png"))
    exact = drawn(digits, tmp_path / "a.npz", "--count", "12")
    assert exact["labels"].tolist() == [*range(10), 0, 1]
    assert np.abs(pixels / 127.5 - 1 - exact["samples"][3, 0]).max() <= 0.5 / 127.5 + 1e-6


def test_one_class_lies_flat(digits: Path, tmp_path: Path) -> None:
    out = tmp_path / "sevens"
    assert main(["sample", str(digits), "--arm", "hinge", "--count", "2", "--label", "7", "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["00000.png", "00001.png"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--arm", "wasserstein"], "--arm: expected one whose generators are kept (hinge), got wasserstein"),
        (["--trial", "search-hinge-0007"], "--trial: expected one whose generators are kept (search-hinge-0000,"),
        (["--count", "0"], "--count: expected a number from 1 to 10000000, got 0"),
        (["--seed", "10003"], "search-hinge-0000: --seed: expected one of 0, 1, got 10003"),
        (["--label", str(10**20)], f"--label: expected the number of a class, got {10**20}"),
        (["--label", "3"], "--label: expected none, as gan is not told classes, got 3"),
        (["--out", "FOLDER/pictures"], "--out: expected a file .npz, as samples of shape (2,) are no pictures"),
        (["--out", "FOLDER/nowhere/a.npz"], "--out: expected a file in a folder that is there, got"),
    ],
)
def test_what_is_not_there_is_refused_by_name(
    rings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    options = [option.replace("FOLDER", str(tmp_path)) for option in options]
    out = [] if "--out" in options else ["--out", str(tmp_path / "a.npz")]
    assert main(["sample", str(rings), *out, *options]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_replica_without_numbers_is_named_and_others_are_drawn(
    keep: Keep, fell: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study, out = keep(tmp_path / "study"), tmp_path / "a.npz"
    kept = study / "trials" / "search-hinge-0000" / "generators.safetensors"
    ask = ["sample", str(study), "--arm", "hinge", "--out", str(out)]
    fell(kept, 0)
    assert main([*ask, "--seed", "0", "--count", "3"]) == 0  # as it fell
    assert capsys.readouterr().out == f"3 samples of search-hinge-0000, seed 0, which diverged at step 1, in {out}\n"
    out.unlink()
    fell(kept, 0, np.nan)
    assert main([*ask, "--seed", "0"]) == 2
    assert not out.exists()
    assert capsys.readouterr().err == (
        "ganstudy: search-hinge-0000: --seed: expected a replica whose samples are finite numbers, got 0, which"
        " diverged at step 1; those that did not diverge: 1\n"
    )
    assert np.isfinite(drawn(study, out)["samples"]).all()  # of seed 1
    fell(kept, 1, np.inf)
    assert main([*ask, "--seed", "1"]) == 2
    assert capsys.readouterr().err.endswith("got 1, which diverged at step 1\n")
    assert main(ask) == 2
    assert "--seed: expected one, as every replica diverged, got none" in capsys.readouterr().err


def test_pictures_go_into_a_folder_of_their_own(
    digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").touch()
    assert main(["sample", str(digits), "--out", str(tmp_path)]) == 2
    assert re.search(r"--out: expected .* new folder for pictures, got .*, which is not empty", capsys.readouterr().err)


def test_a_study_that_kept_nothing_says_why(begun: Keep, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = begun(tmp_path / "study")
    assert main(["sample", str(study), "--out", str(tmp_path / "a.npz")]) == 2
    assert "expected kept generators, got none: keep is confirmed, and nothing is confirmed;" in capsys.readouterr().err


def test_files_that_are_gone_are_said_to_be(keep: Keep, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = keep(tmp_path / "study")
    for path in study.glob("trials/*/generators.safetensors"):
        path.unlink()
    assert main(["sample", str(study), "--out", str(tmp_path / "a.npz")]) == 2
    assert "got none: those of trials that ended are not in " in capsys.readouterr().err


def test_a_damaged_file_is_named(keep: Keep, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = keep(tmp_path / "study")
    store_at(str(study.resolve())).write("trials/search-hinge-0000/generators.safetensors", b"torn")
    assert main(["sample", str(study), "--out", str(tmp_path / "a.npz")]) == 2
    assert "trials/search-hinge-0000/generators.safetensors: expected a file of kept" in capsys.readouterr().err


OWN = """
from torch import nn

BIAS = False

class Line(nn.Module):
    def __init__(self, latent_dim, shape, classes):
        super().__init__()
        self.map = nn.Linear(latent_dim, shape[0], bias=BIAS)

    def forward(self, z):
        return self.map(z)
"""


def test_a_strangers_network_is_imported_by_those_who_trust_it(
    keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "strange_networks.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("sys.path", [*sys.path])
    monkeypatch.setattr(own_code, "_now", None)
    own_code.allow(tmp_path)
    generator = {"module": "strange_networks:Line"}
    study = keep(tmp_path / "study", spec={"generator": generator}, fixed={"generator": generator})
    monkeypatch.setattr(own_code, "_now", None)
    command = ["sample", str(study), "--arm", "hinge", "--count", "4", "--out", str(tmp_path / "a.npz")]
    assert main(command) == 2
    assert "expected a study that you began, as its configuration names code to import" in capsys.readouterr().err
    assert main([*command, "--trust"]) == 0
    assert np.load(tmp_path / "a.npz")["samples"].shape == (4, 2)
    monkeypatch.setattr("strange_networks.BIAS", True)
    for changed in (command, ["measure", str(study), "--measure", "sliced"]):
        assert main([*changed, "--trust"]) == 2
        assert "average.map.bias: expected weights of shape (2, 2), got none; its module" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_named(
    rings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(target: Path, payload: bytes) -> None:
        raise PermissionError(13, "Permission denied", str(target))

    monkeypatch.setattr("study.command.sample.atomic_write", refused)
    out = tmp_path / "samples.npz"
    assert main(["sample", str(rings), "--arm", "hinge", "--out", str(out)]) == 2
    said = f"ganstudy: --out: expected a place that can be written, got {out} (Permission denied)\n"
    assert capsys.readouterr().err == said
