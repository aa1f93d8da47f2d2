"""Every row of the table keeps the same contract; wrong names are answered with the nearest right one."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from trainables.data import DATASETS, check, describe, floats, load, source

SMALL = {"points": 30, "heldout": 20}


@pytest.fixture
def settings(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    write_idx: Callable[..., Any],
    write_cifar: Callable[[Path], Any],
    accept_cifar: Callable[[Path], None],
    write_pictures: Callable[..., None],
    write_svhn: Callable[[Path], Any],
    write_celeba: Callable[[Path], None],
) -> dict[str, Any]:
    """Settings under which the data set named by the test loads quickly."""
    name = request.getfixturevalue("name")
    if name in ("mnist", "fashion_mnist"):
        write_idx(tmp_path, {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}[name])
        return {"root": str(tmp_path)}
    if name == "cifar10":
        write_cifar(tmp_path)
        accept_cifar(tmp_path)
        return {"root": str(tmp_path)}
    if name == "svhn":
        write_svhn(tmp_path)
        return {"root": str(tmp_path)}
    if name == "celeba":
        write_celeba(tmp_path)
        return {"root": str(tmp_path), "attribute": "Smiling", "size": 8}
    if name == "stacked_mnist":
        write_idx(tmp_path, count=100)
        return {"root": str(tmp_path), **SMALL}
    if name == "images":
        write_pictures(tmp_path / "a", tmp_path / "b")
        return {"root": str(tmp_path), "size": 8, "labels": "folders"}
    if name == "arrays":
        np.savez(tmp_path / "own.npz", x=np.random.default_rng(0).normal(size=(20, 3)), y=np.arange(20) % 2)
        return {"path": str(tmp_path / "own.npz"), "samples": "x", "labels": "y"}
    if name == "mixture":
        return {"means": [[0, 0], [1, 1]], "variances": [0.1, 0.2], **SMALL}
    return {} if name in ("digits", "dirac") else dict(SMALL)


@pytest.mark.parametrize("name", DATASETS)
def test_every_data_set(name: str, settings: dict[str, Any]) -> None:
    data = load(name, **settings)
    assert (data.shape, data.classes, data.mixture is not None) == describe(name, **settings)
    assert data.name == name == DATASETS[name].name
    assert not data.images or (floats(data.train).min() >= -1 and floats(data.train).max() <= 1)
    assert data.train.is_contiguous()
    again = load(name, **settings)
    assert torch.equal(data.train, again.train)
    assert torch.equal(data.heldout, again.heldout)


@pytest.mark.parametrize("name", DATASETS)
def test_the_checked_settings_are_complete_and_load_the_same(name: str, settings: dict[str, Any]) -> None:
    resolved = check(name, **settings)
    assert json.loads(json.dumps(resolved)) == resolved
    assert check(**resolved) == resolved
    assert torch.equal(load(**resolved).train, load(name, **settings).train)


@pytest.mark.parametrize("use", [check, describe, load])
def test_an_unknown_name(use: Callable[..., Any]) -> None:
    with pytest.raises(
        ValueError, match=r"^data\.name: expected one of gaussian, ring, .*, got 'rign'; did you mean 'ring'\?$"
    ):
        use("rign")
    with pytest.raises(
        ValueError, match=r"^data\.name: expected a name, as load_data\(\*\*mapping\) passes it with the"
    ):
        use({"name": "ring"})
    with pytest.raises(ValueError, match=r"^data\.name: expected one of gaussian, .*, got 3$"):
        use(3)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ring.npz", "{name: arrays, path: ring.npz}, with samples: NAME"),
        ("faces/train", "pictures are {name: images, root: faces/train}"),
        ("points.csv", "arrays {name: arrays, path: FILE.npz, samples: NAME}"),
        ("rign", "did you mean 'ring'"),
    ],
)
def test_a_file_or_folder_in_place_of_a_name_is_told_how_it_is_given(name: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"^data.name: .*got '{name}'; .*{re.escape(meant)}"):
        source(name)


@pytest.mark.parametrize("use", [check, describe, load])
def test_an_unknown_setting(use: Callable[..., Any]) -> None:
    with pytest.raises(
        ValueError, match=r"^data\.raduis: no such setting of ring: expected one of .*; did you mean 'radius'\?$"
    ):
        use("ring", raduis=2.0)
    with pytest.raises(ValueError, match=r"^data\.spacing: no such setting of ring, but of grid and sixteen: "):
        use("ring", spacing=3)
    with pytest.raises(ValueError, match=r"^data\.side: no such setting of grid: .*; did you mean 'modes'\?$"):
        use("grid", side=5)
    with pytest.raises(ValueError, match=r"^data\.seed: no such setting of digits: expected one of class_weights$"):
        use("digits", seed=1)


def test_a_setting_that_is_needed() -> None:
    with pytest.raises(ValueError, match=r"^data\.means: mixture needs it, and it did not come$"):
        check("mixture", variances=[1.0])


def test_the_table_is_read_only() -> None:
    with pytest.raises(TypeError, match="does not support item assignment"):
        DATASETS["other"] = DATASETS["ring"]  # type: ignore[index]


def test_importing_and_checking_is_light() -> None:
    code = (
        "import sys; from trainables.data import check, describe; check('digits'); describe('mnist'); "
        "print('torchvision' in sys.modules, 'sklearn' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == ["False", "False"]
