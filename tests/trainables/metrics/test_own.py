"""Measurements of the user's own: what is asked of them, and what becomes of those that misbehave."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from trainables import own_code
from trainables.data import DataSet, floats, load
from trainables.metrics.evaluator import Evaluator, check
from trainables.metrics.own import OwnMetric, better, columns_of, every, found, robust, try_out

SMALL = {"samples": 100, "neighbour_samples": 60}


@better("low")
def distance(samples: Tensor, data: DataSet) -> Tensor:
    """How far the samples' mean is from the data's.

    The rest of the docstring is for readers of the code.
    """
    return (samples.flatten(2).mean(1) - floats(data.train).flatten(1).mean(0)).norm(dim=1)


def undeclared(samples: Tensor, data: DataSet) -> Tensor:
    return samples.flatten(1).std(1)


def of_all(samples: Tensor, data: DataSet) -> Tensor:
    return samples.flatten(1).mean(1) - samples.mean()


def unseeded(samples: Tensor, data: DataSet) -> Tensor:
    return torch.rand(len(samples)).to(samples)


def in_place(samples: Tensor, data: DataSet) -> Tensor:
    return samples.mul_(2).flatten(1).mean(1)


def in_data(samples: Tensor, data: DataSet) -> Tensor:
    data.train.clamp_(-1, 1)
    return samples.flatten(1).mean(1)


def single(samples: Tensor, data: DataSet) -> Tensor:
    return samples.mean()


def infinite(samples: Tensor, data: DataSet) -> Tensor:
    return samples.flatten(1).mean(1) / 0


def picky(samples: Tensor, data: DataSet) -> Tensor:
    if bool((samples.flatten(1).std(1) < 1e-3).any()):
        raise ArithmeticError("samples without spread")
    return samples.flatten(1).std(1)


@pytest.fixture
def data() -> DataSet:
    return load("ring", points=2000, heldout=500)


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module `mine` of these functions, that may be imported."""
    module = types.ModuleType("mine")
    for function in (distance, undeclared, picky):
        monkeypatch.setattr(module, function.__name__, function, raising=False)
    monkeypatch.setattr(module, "number", 3, raising=False)
    wrong = types.SimpleNamespace(better="more", __call__=undeclared)
    monkeypatch.setattr(module, "wrong", lambda samples, data: wrong, raising=False)
    monkeypatch.setattr(module.wrong, "better", "more", raising=False)
    monkeypatch.setitem(sys.modules, "mine", module)
    monkeypatch.setattr(own_code, "_now", None)
    own_code.allow(tmp_path)


def metric(function: Callable[[Tensor, DataSet], Any]) -> OwnMetric:
    return OwnMetric(f"own.{function.__name__}", function, None, "")


def test_a_column_is_named_after_the_function_without_importing_it() -> None:
    assert columns_of(["kernel", "no_such_module:sharpness", "package.module:Blur"]) == ("own.sharpness", "own.Blur")
    assert columns_of(["a:x", "a:x"]) == ("own.x",)
    with pytest.raises(ValueError, match="measure: expected own functions of different names, got 'a:x' and 'b:x'"):
        check({}, ["a:x", "b:x"])


@pytest.mark.usefixtures("mine")
def test_which_way_is_better_and_the_meaning_are_the_functions() -> None:
    first, second = every(["mine:distance", "kernel", "mine:undeclared", "mine:distance"])
    assert (first.column, first.better) == ("own.distance", "low")
    assert first.meaning == "How far the samples' mean is from the data's."
    assert (second.column, second.better, second.meaning) == ("own.undeclared", None, "")
    with pytest.raises(ValueError, match="better: expected one of high, low, got 'higher'"):
        better("higher")
    with pytest.raises(TypeError, match="measure: expected a function at 'mine:number', got int"):
        found("mine:number")
    with pytest.raises(ValueError, match=r"measure: mine:wrong\.better: expected one of high, low, got 'more'"):
        found("mine:wrong")


@pytest.mark.usefixtures("mine")
def test_an_evaluator_measures_them_like_any_other_and_beside_anyone(data: DataSet) -> None:
    assert data.mixture is not None
    points, _ = data.mixture.sample(400, torch.Generator().manual_seed(1))
    samples = points.float().reshape(4, 100, 2)
    samples[2] = torch.nan
    evaluator = Evaluator(data, SMALL, ["mine:distance", "mine:undeclared"])
    together = evaluator(samples)
    expected = (samples.mean(1) - data.train.mean(0)).norm(dim=1).double()
    torch.testing.assert_close(together["own.distance"], expected, equal_nan=True)
    assert together["own.distance"].dtype == torch.float64
    assert together["own.undeclared"].isnan().tolist() == [False, False, True, False]
    for place in (0, 1, 3):
        alone = evaluator(samples[place : place + 1])
        torch.testing.assert_close(alone["own.distance"], together["own.distance"][place : place + 1])
    floor = evaluator.floor()
    assert 0 < floor.mean["own.distance"] < 0.3
    assert floor.spread["own.distance"] > 0
    assert evaluator.troubles() == []


@pytest.mark.usefixtures("mine")
def test_a_replica_that_the_function_does_not_get_on_with_is_nan_and_told(data: DataSet) -> None:
    samples = data.train[:300].reshape(3, 100, 2).clone()
    samples[1] = 0.5
    evaluator = Evaluator(data, SMALL, ["mine:picky"])
    measured = evaluator(samples)
    torch.testing.assert_close(measured["own.picky"][[0, 2]], samples[[0, 2]].flatten(1).std(1).double())
    assert measured["own.picky"][1].isnan()
    assert measured["fid"].isfinite().all()
    (told,) = evaluator.troubles()
    assert told.startswith("own.picky could not be measured: ArithmeticError: samples without spread (")
    assert evaluator.troubles() == []


def test_what_a_function_returns_may_be_of_numpy_or_whole_numbers(data: DataSet) -> None:
    samples = data.train[:200].reshape(2, 100, 2)
    of_numpy = metric(lambda samples, data: samples.numpy().max((1, 2)))
    torch.testing.assert_close(of_numpy.measure(samples, data), samples.amax((1, 2)).double())
    counts = metric(lambda samples, data: (samples > 0).flatten(1).sum(1))
    assert counts.measure(samples, data).dtype == torch.float64


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (of_all, r"measure: own.of_all: expected a replica's number to be the same alone and beside others, got \[0.0"),
        (in_place, "measure: own.in_place fails on 250 real points: ValueError: expected a function that leaves samp"),
        (in_data, "measure: own.in_data fails on .* leaves samples and data as they are, got them changed in place"),
        (
            single,
            r"measure: own.single fails .* expected \(3,\) real numbers, .*, got torch.float32 of shape \(.*\)$",
        ),
        (infinite, r"measure: own.infinite: expected finite numbers of real points, got \["),
        (lambda samples: samples, "measure: own.<lambda> fails on 250 real points: TypeError: .*2 were given$"),
    ],
)
def test_what_would_be_wrong_is_found_out_on_real_points(
    function: Callable[[Tensor, DataSet], Tensor], message: str, data: DataSet
) -> None:
    with pytest.raises(ValueError, match=message):
        try_out(metric(function), data)


@pytest.mark.parametrize("name", ["ring", "digits"])
def test_good_functions_pass(name: str) -> None:
    for function in (distance, undeclared):
        try_out(metric(function), load(name))


def test_random_numbers_are_the_same_at_every_call_and_nobody_elses(data: DataSet) -> None:
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    samples = data.train[:200].reshape(2, 100, 2)
    first, second = (robust(metric(unseeded), samples, data, print) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(torch.rand(2), expected)
    with pytest.raises(ValueError, match="expected a replica's number to be the same alone and beside others"):
        try_out(metric(unseeded), data)
