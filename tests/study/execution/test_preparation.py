import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.config import loading
from study.config.plan import StudyPlan
from study.execution import preparation as module
from study.execution.preparation import is_prepared, own_classifier, prepare, preparing
from study.ledger.entries import to_json
from study.ledger.state import StudyState
from study.storage.store import store_at
from trainables.metrics.classifier import Classifier, train_classifier

Build = Callable[..., StudyPlan]
DIGITS: dict[str, Any] = {
    "data": "digits",
    "fixed": {"generator": {"hidden": [8]}, "critic": {"hidden": [8]}},
    "evaluation": {"samples": 60, "neighbour_samples": 60},
}


def test_mixtures_have_a_floor_and_no_classifier(tiny: Build, tmp_path: Path) -> None:
    assert preparing(tiny().config, store_at(str(tmp_path))) == "measuring the real-data baseline"
    entry = prepare(tiny().config, str(tmp_path))
    assert entry.kind == "floor"
    assert (entry.classifier, entry.samples) == (None, 60)
    assert entry.values["modes"] == 8
    assert 0 < entry.values["fid"] < 1
    assert entry.spread.keys() == entry.values.keys()
    assert 0 < entry.spread["fid"] < 1
    assert list(tmp_path.iterdir()) == []


def test_a_game_without_data_is_prepared_though_its_floor_is_empty(tmp_path: Path) -> None:
    plan = loading.load(Path(__file__).parents[3] / "configs" / "dirac.yaml")
    state, store = StudyState(), store_at(str(tmp_path))
    assert not is_prepared(plan.config, state, store)
    floor = prepare(plan.config, str(tmp_path))
    assert floor.values == {}
    state.apply(floor)
    assert is_prepared(plan.config, state, store)


def test_the_floor_follows_the_studys_seed(tiny: Build, tmp_path: Path) -> None:
    first, again, other = (
        json.dumps(to_json(prepare(tiny(search__seed=seed).config, str(tmp_path)))) for seed in (0, 0, 1)
    )
    assert first == again != other


def test_labelled_images_get_a_classifier_once(tiny: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[int] = []

    def short(data: Any, seed: int, device: str) -> Classifier:
        trained.append(seed)
        return train_classifier(data, seed, device, steps=20)

    monkeypatch.setattr(module, "train_classifier", short)
    config = tiny(**DIGITS).config
    assert own_classifier(store_at(str(tmp_path))) is None
    assert preparing(config, store_at(str(tmp_path))).startswith("training a classifier of the pictures, then ")
    entry = prepare(config, str(tmp_path))
    found = own_classifier(store_at(str(tmp_path)))
    assert found is not None
    assert found.accuracy == (entry.classifier or {})["accuracy"]
    assert (entry.classifier or {})["seed"] == 0
    assert 0.1 < (entry.classifier or {})["accuracy"] <= 1
    assert {"modes", "class_fid", "label_fidelity"} <= entry.values.keys()
    assert json.dumps(to_json(prepare(config, str(tmp_path)))) == json.dumps(to_json(entry))
    assert trained == [0]
    assert preparing(config, store_at(str(tmp_path))) == "measuring the real-data baseline"


def test_a_configured_classifier_is_used_and_none_is_trained(tiny: Build, tmp_path: Path) -> None:
    from trainables.data import load

    path = tmp_path / "mine.pt"
    train_classifier(load("digits"), seed=5, steps=20).save(path)
    config = tiny(**{**DIGITS, "evaluation": {**DIGITS["evaluation"], "classifier": str(path)}}).config
    (tmp_path / "study").mkdir()
    assert preparing(config, store_at(str(tmp_path / "study"))) == "measuring the real-data baseline"
    assert (prepare(config, str(tmp_path / "study")).classifier or {})["seed"] == 5
    assert list((tmp_path / "study").iterdir()) == []
