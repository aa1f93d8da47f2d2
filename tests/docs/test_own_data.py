"""The page on own data: its files are made as it says, and its configurations can be run on them."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
import torch
import yaml

from study.config import loading
from study.config.plan import StudyPlan
from study.config.readiness import ready
from trainables.data import DATASETS, load

PAGE = Path(__file__).parents[2] / "docs" / "own_data.md"
TEXT = PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, StudyPlan]:
    """The page's configurations by their names, checked where its files were made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("own"))
        patch.delenv("RAY_ADDRESS", raising=False)
        for number, block in enumerate(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL), 1):
            exec(compile(block, f"block {number} of {PAGE.name}", "exec"), {})
        found = [loading.build(yaml.safe_load(block)) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)]
        for plan in found:
            ready(plan)
        return {plan.config.study: plan for plan in found}


def test_the_pictures_are_the_digits(plans: dict[str, StudyPlan]) -> None:
    pictures = load(**plans["own-pictures"].config.data)
    assert (pictures.shape, pictures.classes, pictures.train.dtype) == ((1, 8, 8), 10, torch.uint8)
    assert len(pictures.train) + len(pictures.heldout) == 1797


def test_the_points_have_three_classes(plans: dict[str, StudyPlan]) -> None:
    points = load(**plans["own-points"].config.data)
    assert (points.shape, points.classes, len(points.heldout)) == ((6,), 3, 300)
    assert points.plane is not None


def test_the_rare_mode_is_rare(plans: dict[str, StudyPlan]) -> None:
    ring = load(**plans["rare-modes"].config.data)
    assert ring.mixture is not None
    assert float(ring.mixture.weights[-1]) == pytest.approx(0.1 / 7.1)


def test_the_settings_named_are_there() -> None:
    for name in ("images", "arrays"):
        rows = TEXT.split(f"| setting of `{name}` | |")[1].split("\n\n")[0]
        named = re.findall(
            r"`(\w+)(?:: [^`]+)?`", "".join(line.split("|")[1] for line in rows.splitlines()[1:] if line)
        )
        known = {field.name for field in fields(DATASETS[name])} - {"classes", "shape"}
        assert set(named) == known
