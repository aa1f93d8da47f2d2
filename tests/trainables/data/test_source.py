"""Every kind of setting: what it takes, the one form it keeps, and the words with which it refuses the rest."""

import math
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainables.data import DATASETS, check

NEEDED: dict[str, dict[str, Any]] = {
    "mixture": {"means": [0.0], "variances": [1.0]},
    "images": {"root": "pictures"},
    "arrays": {"path": "points.npy", "shape": [2]},
}


def kept(name: str, **settings: Any) -> Any:
    """The checked value of the first setting given."""
    return check(name, **settings)[next(iter(settings))]


@pytest.mark.parametrize("value", [5, np.int64(5)])
def test_a_whole_number_is_kept_as_int(value: Any) -> None:
    assert type(kept("ring", modes=value)) is int


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2)])
def test_a_number_is_kept_as_float(value: Any) -> None:
    assert type(kept("ring", radius=value)) is float


@pytest.mark.parametrize("value", [0, -1, 2.0, True, "8", None, [8]])
def test_what_is_no_count(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^data\.modes: expected a whole number from 1 to 10,000, got "):
        check("ring", modes=value)


@pytest.mark.parametrize("value", [0, 0.0, -0.1, math.nan, math.inf, 1e7, True, "wide", None, [0.1]])
def test_what_is_no_width(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^data\.std: expected a number from 1e-06 to 1e\+06, got "):
        check("ring", std=value)


def test_a_number_that_yaml_took_for_text_is_explained() -> None:
    with pytest.raises(ValueError, match=r"got '1e-2' \(text: in YAML write the number unquoted .* 1\.0e-3\)$"):
        check("ring", std="1e-2")


def test_a_seed_may_be_zero_and_not_less() -> None:
    assert kept("ring", seed=0) == 0
    with pytest.raises(ValueError, match=r"^data\.seed: expected a whole number >= 0, got -1$"):
        check("ring", seed=-1)


def test_a_mean_may_be_negative() -> None:
    assert kept("gaussian", mean=-3) == -3.0


@pytest.mark.parametrize("value", [1, "true", None])
def test_what_is_no_flag(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^data\.download: expected true or false, got "):
        check("mnist", download=value)


def test_a_path_is_kept_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert kept("mnist", root="files", download=True) == str(tmp_path / "files")
    assert kept("mnist", root="~/files", download=True) == str(tmp_path / "home" / "files")
    assert kept("mnist", root=tmp_path, download=True) == str(tmp_path)


@pytest.mark.parametrize("value", [3, None, ""])
def test_what_is_no_path(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^data\.root: expected a path, got "):
        check("mnist", root=value)


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("samples", 3, "expected the name of an array, or null, got 3"),
        ("shape", 3, "expected a list of whole numbers, got 3"),
        ("range", [1], r"expected a lower and a higher number, or null, got \[1\]"),
        ("range", [1, 0], r"expected a lower and a higher number, or null, got \[1, 0\]"),
    ],
)
def test_what_does_not_describe_arrays(setting: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=rf"^data\.{setting}: {message}$"):
        check("arrays", **{"path": "points.npy", "shape": [2], setting: value})


@pytest.mark.parametrize("value", [0, 1, 1.5, -0.1, True, None, "", [0.1]])
def test_what_is_neither_a_share_nor_a_path(value: Any) -> None:
    with pytest.raises(
        ValueError, match=r"^data\.heldout: expected a share between 0 and 1, or the path of a held-out part, got "
    ):
        check("images", root="pictures", heldout=value)


@pytest.mark.parametrize("value", [2, 3.0, "3", True, None])
def test_what_is_none_of_the_choices(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^data\.channels: expected 3 or 1, got "):
        check("images", root="pictures", channels=value)


@pytest.mark.parametrize("value", [1.0, [], "1, 2", None, {"a": 1}])
def test_what_is_no_list_of_numbers(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^data\.variances: expected a list of numbers, got "):
        check("mixture", means=[0.0], variances=value)


def test_a_list_names_the_place_that_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"^data\.variances\[1\]: expected a number from 1e-12 to 1e\+06, got 0$"):
        check("mixture", means=[0, 1], variances=[1, 0])
    with pytest.raises(ValueError, match=r"^data\.means\[1\]: expected a number from -1e\+06 to 1e\+06, got 'b'$"):
        check("mixture", means=[[0, 1], [1, "b"]], variances=[1, 1])


@pytest.mark.parametrize("value", [0.0, [], [[]], [[0, 1, 2]], [[0, 1], [2]], [0, [1, 2]], "ab"])
def test_what_is_no_list_of_points(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^data\.means: expected a list of numbers \(1-D\) or of pairs of numbers"):
        check("mixture", means=value, variances=[1, 1])


@pytest.mark.parametrize("name", DATASETS)
def test_every_setting_of_every_data_set_refuses_a_mapping(name: str) -> None:
    for setting in fields(DATASETS[name]):
        needed = NEEDED.get(name, {})
        with pytest.raises(ValueError, match=rf"^data\.{setting.name}: expected .*, got {{}}$"):
            check(name, **{**needed, setting.name: {}})
