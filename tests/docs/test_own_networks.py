"""The page of own networks: its modules and its study, as they stand, are checked by the command and trained."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from study.__main__ import main
from study.config import loading
from study.config.arms import corners, spec_for
from trainables import own_code
from trainables.spec import Spec
from trainables.training import Training

PAGE = Path(__file__).parents[2] / "docs" / "own_networks.md"
DATA = {"name": "ring", "points": 200, "heldout": 50}
SHORT = ["budget.steps=4", "budget.evaluations=2", "data.points=200", "data.heldout=50", "evaluation.samples=60"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with the page's files, in a process that has not imported anything of the user's yet."""
    text = PAGE.read_text(encoding="utf-8")
    blocks = {language: re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL) for language in ("python", "yaml")}
    (tmp_path / "my_networks.py").write_text("\n\n".join(blocks["python"]))
    (tmp_path / "study.yaml").write_text(blocks["yaml"][0])
    monkeypatch.setattr(own_code, "_now", None)
    monkeypatch.setattr(own_code, "_named", set())
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("my_networks", None)


def test_the_study_is_checked_with_its_networks(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "study.yaml"]) == 0
    assert "my_networks.Critic_64" in capsys.readouterr().out
    assert main(["check", "study.yaml", "--set", "nuisance.generator.module=my_networks:Critic"]) == 2
    assert "nuisance.generator.module: expected a constructor that takes (latent_dim, shape, classes, width=32)" in (
        capsys.readouterr().err
    )


def test_every_arm_trains(folder: Path) -> None:
    own_code.allow(folder)
    plan = loading.load(folder / "study.yaml", SHORT)
    for arm in plan.arms:
        spec = spec_for(plan.config, arm, next(corners(arm.space)))
        assert Training(spec, [0, 1]).advance().columns["diverged"] == [False, False]


def test_the_generator_of_pictures_trains(folder: Path) -> None:
    own_code.allow(folder)
    own = {"generator": {"module": "my_networks:Pictures", "width": 4}, "evaluation": {"samples": 60}}
    values: dict[str, Any] = {"data": {"name": "digits"}, "steps": 2, "evaluations": 1, "batch_size": 8, **own}
    training = Training(Spec.from_dict(values), [0, 1])
    assert training.advance().columns["diverged"] == [False, False]
    samples, _ = training.samples(5)
    assert samples.shape == (2, 5, 1, 8, 8)


def test_the_labelled_critic_trains(folder: Path) -> None:
    own_code.allow(folder)
    values: dict[str, Any] = {"data": DATA, "steps": 2, "evaluations": 1, "batch_size": 8}
    own = {"critic": {"module": "my_networks:LabelledCritic"}, "evaluation": {"samples": 60}}
    training = Training(Spec(**values, **own, model="cgan", penalty={"name": "r1"}), [0, 1])
    assert training.advance().columns["diverged"] == [False, False]
