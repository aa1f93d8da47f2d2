import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import trim_mean

from analysis.statistics.bootstrap import Resampling, bootstrap
from study.config.addresses import masked
from study.tracking.summaries import (
    canonical,
    captions,
    counted,
    finite,
    flat,
    hyperparameters,
    interquartile_mean,
    milliseconds,
    named,
    quartiles,
    summaries,
)
from trainables.spec import Spec

NAN, INF = float("nan"), float("inf")
FINITE = st.floats(allow_nan=False, allow_infinity=False, width=32)


@pytest.mark.property
@given(st.lists(FINITE, min_size=1, max_size=40))
def test_quartiles_are_numpys(values: list[float]) -> None:
    assert quartiles(values) == pytest.approx(np.quantile(values, [0.25, 0.5, 0.75]), rel=1e-12, abs=1e-30)


def test_summaries_leave_out_what_is_not_finite() -> None:
    columns: dict[str, list[Any]] = {"fid": [3.0, NAN, 1.0, None, INF, 2.0], "kid": [None] * 6, "gone": [NAN] * 6}
    found = summaries(columns)
    assert found == {"fid_q25": 1.5, "fid": 2.0, "fid_q75": 2.5, "fid_iqm": 2.0, "diverged": 6.0}


def test_diverged_counts_the_flags_where_there_are_flags() -> None:
    columns: dict[str, list[Any]] = {
        "diverged": [True, False, False],
        "reverse_kl": [NAN, INF, 0.5],
        "diverged_step": [7, None, None],
    }
    assert summaries(columns) == {
        "reverse_kl_q25": 0.5,
        "reverse_kl": 0.5,
        "reverse_kl_q75": 0.5,
        "reverse_kl_iqm": 0.5,
        "diverged": 1.0,
    }


def test_summaries_skip_what_is_not_a_scalar_measurement() -> None:
    columns: dict[str, list[Any]] = {
        "seed": [1, 2],
        "mode_histogram": [[1, 2], [3, 4]],
        "name": ["a", "b"],
        "modes": [8, 6],
    }
    assert set(summaries(columns)) == {"modes", "modes_q25", "modes_q75", "diverged"}


def test_the_interquartile_mean_of_two_replicas_is_the_median_and_not_said_again() -> None:
    assert summaries({"fid": [1.0, 4.0]}) == {"fid_q25": 1.75, "fid": 2.5, "fid_q75": 3.25, "diverged": 0.0}
    assert summaries({"fid": [1.0, 4.0, NAN]})["fid_iqm"] == 2.5


@pytest.mark.property
@given(st.lists(FINITE, min_size=1, max_size=40))
def test_the_interquartile_mean_is_the_reports(values: list[float]) -> None:
    report = bootstrap(values, resampling=Resampling(np.random.default_rng(0), 1), statistic="iqm")
    assert interquartile_mean(values) == pytest.approx(report.estimate, rel=1e-6, abs=1e-9 * max(map(abs, values)))
    if len(values) % 4 == 0:
        assert interquartile_mean(values) == pytest.approx(trim_mean(values, 0.25), rel=1e-6, abs=1e-30)


def test_the_interquartile_mean_of_three_weighs_the_outer_ones_by_a_quarter() -> None:
    assert interquartile_mean([4.0, 10.0, 1.0]) == pytest.approx((0.25 * 1 + 4 + 0.25 * 10) / 1.5)
    assert interquartile_mean([1e308] * 5) == pytest.approx(1e308)


def test_what_has_a_name_is_a_param_under_its_own_key() -> None:
    spec = {"objective": {"name": "hinge"}, "penalty": {"name": "r1", "weight": 1.0}, "data": "ring", "name": "x"}
    assert named(spec) == {"objective": "hinge", "penalty": "r1", "penalty.weight": "1.0", "data": "ring", "name": "x"}


def test_several_penalties_are_a_param_of_their_names() -> None:
    spec = {"penalty": [{"name": "r1", "weight": 1.0}, {"name": "r2", "every": 8}], "hidden": [8, 8]}
    assert named(spec) == {"penalty": "r1+r2", "penalty.r1.weight": "1.0", "penalty.r2.every": "8", "hidden": "[8,8]"}


def test_flat_params_are_dotted_and_canonical() -> None:
    values = {"a": {"b": {"c": 1e-4}, "empty": {}}, "list": [1, 2.5, "x"], "none": None, "on": True, "text": "é"}
    assert flat(values) == {
        "a.b.c": "0.0001",
        "a.empty": "{}",
        "list": '[1,2.5,"x"]',
        "none": "null",
        "on": "true",
        "text": "é",
    }


def test_equal_mappings_have_one_canonical_form() -> None:
    assert canonical([{"b": 1, "a": 2}]) == canonical([{"a": 2, "b": 1}]) == '[{"a":2,"b":1}]'
    assert len(canonical("x" * 10_000)) == 6000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:s3cret@host:5000/x", "https://***@host:5000/x"),
        ("postgresql+psycopg2://me:p@ss@db/mlflow", "postgresql+psycopg2://***@db/mlflow"),
        ("mysql://db/x?password=s3cret&ssl=1", "mysql://db/x?password=***&ssl=1"),
        ("http://h/?api_key=s3cret and http://u:s3cret@h2", "http://h/?api_key=*** and http://***@h2"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("mail me@host", "mail me@host"),
    ],
)
def test_secrets_in_addresses_are_masked(text: str, shown: str) -> None:
    assert masked(text) == shown
    assert flat({"tracking": {"uri": text}}) == {"tracking.uri": shown}


def test_counted_names_the_most_frequent_first() -> None:
    assert counted(["diverged", "converged", "converged"]) == "converged 2, diverged 1"
    assert counted([]) == ""


def test_captions_of_mixtures_say_how_many_samples_lie_in_modes() -> None:
    columns = {"diverged": [False], "fid": [0.0123], "high_quality": [0.934], "modes": [8.0]}
    assert captions([5], columns) == ["seed 5 · 93 % of high quality · 8 modes"]


def test_captions_say_how_each_replica_does() -> None:
    columns: dict[str, list[Any]] = {
        "fid": [0.01234, NAN, 1.0],
        "modes": [8, 1, None],
        "diverged": [False, False, True],
        "diverged_step": [None, None, 2400],
    }
    assert captions([5, 6, 7], columns) == [
        "seed 5 · Frechet distance 0.0123 · 8 modes",
        "seed 6 · 1 mode",
        "seed 7 · diverged at step 2,400",
    ]


def test_milliseconds_and_finite() -> None:
    assert milliseconds(1_700_000_000.0625) == 1_700_000_000_062
    assert [finite(value) for value in (1, 0.5, NAN, INF, None, True, "1", math.pi)] == [
        True, True, False, False, False, False, False, True,
    ]  # fmt: skip


def test_params_are_what_something_reads() -> None:
    spec = Spec(data={"name": "ring"}, steps=9, evaluations=1, batch_size=4, optimizer="sgd").to_dict()
    found = hyperparameters(spec, {"beta2": 0.9, "penalty.weight": 2.0, "generator_lr": 0.1})
    assert (found["data"], found["objective"], found["penalty.weight"]) == ("ring", "non_saturating", "2.0")
    assert not {"beta2", "lookahead_alpha", "cycle_weight", "source", "conditioning", "evaluation"} & found.keys()
    assert {"beta1", "lookahead", "critic_lr", "latent"} < found.keys()
    assert hyperparameters({**spec, "model": "vae"}, {"penalty.weight": 2.0}).keys() >= {"critic.kind", "latent_dim"}
    assert not {"penalty", "penalty.weight", "objective"} & hyperparameters({**spec, "model": "vae"}).keys()


def test_of_a_part_of_a_specification_what_may_yet_be_read_is_kept() -> None:
    """What all trials of an arm share, where its search draws the optimiser and whether it looks ahead."""
    assert hyperparameters({"beta2": 0.9, "lookahead_alpha": 0.2, "cycle_weight": 3.0}) == {
        "beta2": "0.9", "lookahead_alpha": "0.2"
    }  # fmt: skip
