"""The path that README shows, on a folder of scikit-learn's digits: own pictures, network, loss pair and measurement,
from the configuration to a generator in a script, and through a kill.

README's configuration is taken as it stands, but for sizes and lengths.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from analysis.record.loading import load
from study.__main__ import main
from study.ledger.ledger import entries
from trainables import load_generator, own_code

pytestmark = pytest.mark.xdist_group("ray")

ROOT = Path(__file__).parents[2]
NETWORKS = '''
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(nn.GroupNorm(2, width), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1))

    def forward(self, x):
        return x + self.body(x)


class Pictures(nn.Module):
    """From a map of 2 x 2 by residual blocks, each at twice the size, to an image in [-1, 1]."""

    def __init__(self, latent_dim, shape, classes, width=32):
        super().__init__()
        self.start = nn.Sequential(nn.Linear(latent_dim, width * 4), nn.Unflatten(1, (width, 2, 2)))
        doublings = (shape[1] // 2).bit_length() - 1
        self.body = nn.Sequential(*[nn.Sequential(nn.Upsample(scale_factor=2), Block(width)) for _ in range(doublings)])
        self.end = nn.Sequential(nn.SiLU(), nn.Conv2d(width, shape[0], 3, padding=1), nn.Tanh())

    def forward(self, z):
        return self.end(self.body(self.start(z)))
'''
METRICS = '''
from trainables.metrics.own import better


@better("high")
def sharpness(samples, data):
    """The mean difference of neighbouring pixels."""
    return samples.diff(dim=-1).abs().flatten(1).mean(1)
'''
SMALLER = {
    "data.size": 8, "data.channels": 1, "budget.batch_size": 8, "replicas": 2, "search.trials_per_arm": 1,
    "fixed.generator.width": 4, "fixed.critic.width": 4, "fixed.latent_dim": 4,
    "evaluation.samples": 24, "evaluation.neighbour_samples": 24, "confirm.replicas": 2, "tracking.pictures": 2,
}  # fmt: skip


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: pictures, modules, README's configuration; nothing own is imported or known yet."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    for number, (picture, label) in enumerate(zip(digits.images[:300], digits.target, strict=False)):
        folder = tmp_path / "pictures" / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray((picture * 15).astype(np.uint8)).save(folder / f"{number}.png")
    (tmp_path / "my_networks.py").write_text(NETWORKS)
    (tmp_path / "my_metrics.py").write_text(METRICS)
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## Your own work")[1]
    (tmp_path / "paper.yaml").write_text(section.split("```yaml\n")[1].split("```")[0])
    monkeypatch.setattr(own_code, "_now", None)
    monkeypatch.setattr(own_code, "_named", set())
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings(**further: Any) -> list[str]:
    every = {**SMALLER, **{key.replace("__", "."): value for key, value in further.items()}}
    return [word for key, value in every.items() for word in ("--set", f"{key}={value}")]


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """What a command prints as JSON."""
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def after_training(folder: Path, trial: str, capsys: pytest.CaptureFixture[str]) -> Path:
    """Sample, measure, animate and load a trial of the pair of one's own; its file of generators."""
    study, samples = str(folder), folder.parent / "samples.npz"
    assert told(capsys, "sample", study, "--arm", "mine", "--count", "20", "--out", str(samples))["trial_id"] == trial
    drawn = np.load(samples)
    assert drawn["samples"].shape == (20, 1, 8, 8)
    told(capsys, "measure", study, "--measure", "kernel,my_metrics:sharpness")
    again = load(folder).trials.query("trial_id == @trial")
    assert (again["later.own.sharpness"] > 0).all()
    assert again["later.kid"].notna().all()
    moving = told(capsys, "animate", study, "--arm", "mine")
    assert moving["trial_id"] == trial
    assert len(moving["steps"]) == 2
    assert all(Path(path).is_file() for path in moving["files"])
    own_code.allow(".")
    path = folder / "trials" / trial / "generators.safetensors"
    generator = load_generator(path, seed=int(drawn["seed"]))
    assert type(generator).__name__ == "Pictures"
    assert generator(torch.randn(3, 4)).shape == (3, 1, 8, 8)
    return path


@pytest.mark.usefixtures("shared_ray")
def test_from_pictures_to_a_generator(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one_arm = settings(
        budget__steps=4, budget__evaluations=2, scientific__objective='[{name: mine, f: "-exp(-d)", g: "-exp(d)"}]',
        confirm__top=0, keep="all", resources__workers=1, data__labels="none",  # labels would have a classifier trained
    )  # fmt: skip
    assert told(capsys, "run", "paper.yaml", *one_arm)["state"] == "done"
    trials = load(place / "studies" / "paper").trials
    assert set(trials["status"]) == {"completed"}
    assert (trials["own.sharpness"] > 0).all()
    after_training(place / "studies" / "paper", "search-mine-0000", capsys)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_and_resumed_on_two_workers(
    place: Path, capsys: pytest.CaptureFixture[str], same_record: Callable[[Path, Path], None]
) -> None:
    """The record is bit for bit that of a study that was let alone; its winner's export runs in bare torch."""
    longer = settings(budget__steps=40, budget__evaluations=8, resources__workers=2, resources__checkpoint_seconds=0)
    ganstudy = [sys.executable, "-m", "ganstudy"]
    quiet: dict[str, Any] = {"env": {**os.environ, "PYTHONPATH": str(ROOT)}, "stdout": DEVNULL, "stderr": DEVNULL}
    subprocess.run([*ganstudy, "run", "paper.yaml", *longer, "--out", "reference"], check=True, **quiet)
    with subprocess.Popen([*ganstudy, "run", "paper.yaml", *longer], **quiet) as driver:
        threading.Thread(target=kill_in_a_trial, args=(driver, place / "studies" / "paper")).start()
    assert told(capsys, "status", "studies/paper")["state"] == "interrupted"
    subprocess.run([*ganstudy, "resume", "studies/paper"], check=True, **quiet)
    same_record(place / "studies" / "paper", place / "reference")
    kept = after_training(place / "studies" / "paper", "confirm-mine-0000", capsys)
    assert kept.read_bytes() == (place / "reference" / kept.relative_to(place / "studies" / "paper")).read_bytes()

    exporting = "from trainables import kept, own_code\nown_code.allow('.')\n"
    exporting += f"kept.export({str(kept)!r}, 'generator.pt2')"
    subprocess.run([sys.executable, "-c", exporting], check=True, **quiet)
    bare = "import sys, torch\ngenerator = torch.export.load('generator.pt2').module()\n"
    bare += "assert generator(torch.randn(5, 4)).shape == (5, 1, 8, 8)\n"
    bare += "assert not {'trainables', 'my_networks'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", bare], check=True)


def kill_in_a_trial(driver: subprocess.Popen[bytes], folder: Path) -> None:
    """Kill the driver once a trial has results and has not ended."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and driver.poll() is None:
        if (folder / "ledger").is_dir() and any(entries(folder, kinds={"result"})):
            break
        time.sleep(0.02)
    driver.kill()
