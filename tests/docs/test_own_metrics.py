"""The page's own example: `check` imports it, tries it out, and knows which way is better."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from study.__main__ import main
from trainables import own_code
from trainables.data import load
from trainables.metrics.evaluator import Evaluator

PAGE = Path(__file__).parents[2] / "docs" / "own_metrics.md"


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The page's two files, in the working directory."""
    blocks = dict(re.findall(r"```(python|yaml)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))
    assert len(blocks["python"].strip().splitlines()) <= 12
    (tmp_path / "my_metrics.py").write_text(blocks["python"])
    (tmp_path / "spreads.yaml").write_text(blocks["yaml"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(own_code, "_now", None)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path / "spreads.yaml"
    sys.modules.pop("my_metrics", None)


def test_check_takes_the_example(configuration: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(configuration), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["searched_by"] == ["own.spread"]
    data = load("ring", std=0.02)
    assert data.mixture is not None
    evaluator = Evaluator(data, {}, ["my_metrics:spread"])
    samples = torch.stack([data.heldout[:2500], torch.zeros(2500, 2)])
    near, far = evaluator(samples)["own.spread"].tolist()
    assert near < 0.05
    radius = float(data.mixture.means.norm(dim=1).mean())
    assert far == pytest.approx((radius**2 + 2 * 0.02**2) ** 0.5, rel=0.01)  # the trace of the ring's covariance


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '@better("low")',
            "",
            "search.metric: expected a measurement that says which way is better, got own.spread; put",
        ),
        ('"low"', '"high"', "search.mode: expected max, as own.spread is declared to be better high, got min"),
        (
            "samples.flatten(2).std(1)",
            "samples.flatten(1)",
            "measure: own.spread fails on 256 real points: RuntimeError",
        ),
        (
            ".norm(dim=1)",
            "",
            "measure: own.spread fails on 256 real points: ValueError: expected (3,) real numbers, one",
        ),
        ("def spread", "def spraed", "search.metric: expected what is measured here, got 'own.spread'"),
    ],
)
def test_check_says_what_is_wrong_with_one(
    old: str, new: str, message: str, configuration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module = configuration.with_name("my_metrics.py")
    module.write_text(module.read_text().replace(old, new))
    if "spraed" in new:
        configuration.write_text(configuration.read_text().replace("my_metrics:spread", "my_metrics:spraed"))
    assert main(["check", str(configuration)]) == 2
    assert message in capsys.readouterr().err
