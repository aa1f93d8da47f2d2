"""A study of a researcher's own pictures, from the folder to the record; other pictures than before are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analysis.record.loading import load
from study.config.messages import ConfigError
from study.config.plan import StudyPlan
from study.ledger.state import StudyState
from study.run import resume_study, run_study

pytestmark = [pytest.mark.usefixtures("shared_ray"), pytest.mark.xdist_group("ray")]


@pytest.fixture
def plan(least: Callable[..., StudyPlan], tmp_path: Path) -> StudyPlan:
    """The least study, of sixty pictures of two colours."""
    (tmp_path / "pictures").mkdir()
    for number in range(60):
        levels = np.random.default_rng(number).integers(100 * (number % 2), 255, (9, 8, 3)).astype(np.uint8)
        Image.fromarray(levels).save(tmp_path / "pictures" / f"{number}.png")
    return least(
        data={"name": "images", "root": str(tmp_path / "pictures"), "size": 8, "heldout": 0.4},
        budget={"steps": 20, "evaluations": 2, "batch_size": 8},
        resources={"workers": 1},
    )


def test_a_study_of_own_pictures(plan: StudyPlan, tmp_path: Path) -> None:
    pictures, folder = tmp_path / "pictures", tmp_path / "study"
    damaged = (pictures / "7.png").read_bytes()
    (pictures / "7.png").write_bytes(damaged[:70])
    with pytest.raises(ConfigError, match=r"^data\.root: 1 of 60 pictures in .* cannot be used \(1 damaged: 7\.png\)$"):
        run_study(plan, folder)
    assert not folder.exists()
    (pictures / "7.png").write_bytes(damaged)

    assert run_study(plan, folder) == 0
    record, data = load(folder), StudyState.replay(folder).data
    assert record.about["data"] == data
    assert (data["name"], data["train"], data["heldout"], data["shape"]) == ("images", 36, 24, [3, 8, 8])
    assert set(record.trials["status"]) == {"completed"}
    assert record.trials["fid"].notna().all()
    assert len(list((folder / "data").iterdir())) == 1

    assert resume_study(folder) == 0
    (pictures / "7.png").unlink()
    with pytest.raises(
        ConfigError, match=rf"^data: expected 'images' with digest {data['digest']}, on which the study's"
    ):
        resume_study(folder)
    assert json.dumps(StudyState.replay(folder).data) == json.dumps(data)
