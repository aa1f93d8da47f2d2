import numpy as np
import pandas as pd
import pytest

from analysis.results.design import hyperparameter, scales_of, varying

RANDOM = np.random.default_rng(0)
KINDS = ("log_uniform", "uniform")


def test_the_scale_is_guessed_from_how_the_draws_lie():
    assert hyperparameter("lr", pd.Series(np.exp(RANDOM.uniform(-9, -4, 20)))).scale == "log"
    assert hyperparameter("beta1", pd.Series(RANDOM.uniform(0, 0.9, 20))).scale == "linear"
    assert hyperparameter("critic_steps", pd.Series([1, 2, 5] * 4)).scale == "linear"
    assert hyperparameter("shift", pd.Series(RANDOM.uniform(-1, 1, 20))).scale == "linear"
    assert hyperparameter("optimizer", pd.Series(["adam", "sgd"])).scale == "categorical"
    assert hyperparameter("batch_norm", pd.Series([True, False])).scale == "categorical"


def test_logarithms_enter_and_values_come_out_as_a_reader_knows_them():
    found = hyperparameter("lr", pd.Series([1e-4, 1e-2] + [1e-3] * 20), "log")
    np.testing.assert_allclose(found.column[:2], np.log([1e-4, 1e-2]))
    assert found.values == pytest.approx((1e-4, 1e-3, 1e-2))
    many = hyperparameter("lr", pd.Series(np.geomspace(1e-4, 1e-2, 50)))
    assert len(many.values) == len(many.grid) == 16
    assert (many.values[0], many.values[-1]) == pytest.approx((1e-4, 1e-2))


def test_texts_enter_by_their_place():
    found = hyperparameter("optimizer", pd.Series(["sgd", "adam", None, "rmsprop"], dtype="category"))
    np.testing.assert_array_equal(found.column, [2, 0, np.nan, 1])
    assert found.values == ("adam", "rmsprop", "sgd")
    steps = hyperparameter("critic_steps", pd.Series([5, 1, 2]), "categorical")
    assert steps.values == ("1", "2", "5")


def test_scales_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="scales: expected positive values of beta1 for a log scale, got 0"):
        hyperparameter("beta1", pd.Series([0.0, 0.5]), "log")
    with pytest.raises(ValueError, match="scales: expected one of log, linear, categorical for lr, got 'cubic'"):
        hyperparameter("lr", pd.Series([1.0, 2.0]), "cubic")


def test_what_varies():
    rows = pd.DataFrame({"config.lr": [1.0, 2.0], "config.steps": [5, 5], "config.bound": [np.nan, 1.0], "fid": [1, 2]})
    assert varying(rows) == ["lr"]
    assert varying(rows, ["steps"]) == []
    assert varying(rows.assign(**{"config.steps": range(len(rows))})) == ["lr"]
    with pytest.raises(ValueError, match=r"hyperparameters: the record has no column config\.beta1"):
        varying(rows, ["beta1"])


def test_scales_are_read_from_the_configuration():
    config = {
        "scientific": {
            "objective": ["hinge"],
            "penalty": ["none", {"name": "clip", "bound": {"log_uniform": [1e-3, 1.0]}}],
        },
        "nuisance": {
            "generator_lr": {"log_uniform": [1e-4, 1e-2]},
            "beta1": {"uniform": [0.0, 0.9]},
            "batch_size": {"log_int_uniform": [16, 512]},
            "critic_steps": {"choice": [1, 2, 5]},
            "generator": {"kind": "mlp", "weight_std": {"uniform": [0.01, 0.1]}},
        },
    }
    assert scales_of({"config": config}) == {
        "penalty.bound": "log",
        "generator_lr": "log",
        "beta1": "linear",
        "batch_size": "log",
        "generator.weight_std": "linear",
    }
    assert scales_of({}) == {}


def test_scales_of_a_list_of_entries_are_those_of_each():
    r3gan = {
        "name": "r3gan",
        "penalty": [[{"name": "r1", "weight": {"log_uniform": [0.1, 1]}}, {"name": "r2", "weight": 1.0}]],
        "beta1": {"uniform": [0, 0.9]},
    }
    wgan = {"name": "wgan", "penalty": {"name": "clip", "bound": {"log_uniform": [1e-3, 1]}}, "critic_steps": [1, 5]}
    assert scales_of({"config": {"scientific": [r3gan, wgan]}}) == {
        "penalty.r1.weight": "log", "beta1": "linear", "penalty.bound": "log",
    }  # fmt: skip


def test_a_scale_on_which_joined_studies_differ_is_left_to_be_guessed():
    one, two = ({"config": {"nuisance": {"lr": {kind: [1e-4, 1]}, "beta1": {"uniform": [0, 0.9]}}}} for kind in KINDS)
    assert scales_of({"joined": [one, two]}) == {"beta1": "linear"}
    assert scales_of({"joined": [one, one]}) == {"lr": "log", "beta1": "linear"}
