import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import trim_mean

from analysis.statistics.bootstrap import Resampling, bootstrap
from study.config.addresses import masked
from study.config.goal import Goal
from study.search.scores import medians, replica_scores
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


def less(metric: str) -> bool | None:
    """Less is better of all but losses, of which neither is."""
    return None if metric.startswith("loss") else False


def more(metric: str) -> bool | None:
    return True


def test_without_flags_a_replica_without_a_finite_number_diverged() -> None:
    columns: dict[str, list[Any]] = {
        "loss_critic": [3.0, NAN, 1.0, None, INF, 2.0],
        "kid": [None] * 6,
        "fid": [1.0] * 6,
    }
    missing = pytest.approx(NAN, nan_ok=True)
    assert summaries(columns, less) == {
        "loss_critic_q25": 1.5, "loss_critic": 2.0, "loss_critic_q75": 2.5, "loss_critic_iqm": 2.0,
        "fid_q25": 1.0, "fid": 1.0, "fid_q75": missing, "fid_iqm": missing,
        "diverged": 2.0,
    }  # fmt: skip


def test_a_replica_that_diverged_is_worse_than_any_other() -> None:
    columns: dict[str, list[Any]] = {"diverged": [False, True, False], "fid": [3.0, NAN, 1.0], "modes": [8, NAN, 4]}
    found = summaries({"diverged": columns["diverged"], "fid": columns["fid"]}, less)
    assert (found["fid_q25"], found["fid"], found["diverged"]) == (2.0, 3.0, 1.0)
    assert math.isnan(found["fid_q75"])
    found = summaries({"diverged": columns["diverged"], "modes": columns["modes"]}, more)
    assert (found["modes_q75"], found["modes"]) == (6.0, 4.0)
    assert math.isnan(found["modes_q25"])


@pytest.mark.parametrize("higher", [less, more])
def test_where_half_diverged_there_is_no_median_and_where_all_did_there_is_nothing_else(
    higher: Callable[[str], bool | None],
) -> None:
    found = summaries({"diverged": [True, False], "fid": [NAN, 1.0]}, higher)
    assert math.isnan(found["fid"])
    assert found["fid_q75" if higher("fid") else "fid_q25"] is not None
    for count in (1, 3):  # so that no query finds the last number from before
        found = summaries({"diverged": [True] * count, "fid": [NAN] * count, "loss_critic": [NAN] * count}, less)
        assert math.isnan(found.pop("fid"))
        assert found.pop("diverged") == count
        assert not any(map(math.isfinite, found.values()))
        assert "loss_critic" not in found


def test_what_is_not_measured_at_a_step_has_no_row_though_a_replica_diverged() -> None:
    assert summaries({"diverged": [True, False], "kid": [None, None]}, less) == {"diverged": 1.0}


def test_a_value_infinite_at_the_worse_end_counts_and_one_at_the_better_end_or_unmeasured_does_not() -> None:
    flags = [False] * 4
    found = summaries({"diverged": flags, "fid": [INF, -INF, NAN, 2.0]}, less)
    assert math.isnan(found["fid_q25"])  # halfway between 2 and infinity
    assert found["diverged"] == 0
    found = summaries({"diverged": flags, "fid": [INF, -INF, NAN, 2.0]}, lambda metric: None)
    assert found["fid"] == 2.0


@pytest.mark.property
@given(st.lists(st.tuples(FINITE, st.booleans()), min_size=1, max_size=20), st.booleans())
def test_the_median_is_what_the_search_is_told(replicas: list[tuple[float, bool]], higher: bool) -> None:
    values, flags = [value for value, _ in replicas], [flag for _, flag in replicas]
    found = summaries({"diverged": flags, "fid": values}, lambda metric: higher)["fid"]
    goal = Goal(("fid",), ("max" if higher else "min",))
    [told] = medians(replica_scores({"diverged": flags, "fid": values}, goal), goal)
    assert found == pytest.approx(told if math.isfinite(told) else NAN, rel=1e-6, abs=1e-30, nan_ok=True)


def test_summaries_skip_what_is_not_a_scalar_measurement() -> None:
    columns: dict[str, list[Any]] = {
        "seed": [1, 2],
        "mode_histogram": [[1, 2], [3, 4]],
        "name": ["a", "b"],
        "modes": [8, 6],
    }
    assert set(summaries(columns, less)) == {"modes", "modes_q25", "modes_q75", "diverged"}


def test_the_interquartile_mean_of_two_replicas_is_the_median_and_not_said_again() -> None:
    assert summaries({"fid": [1.0, 4.0]}, less) == {"fid_q25": 1.75, "fid": 2.5, "fid_q75": 3.25, "diverged": 0.0}
    assert summaries({"loss": [1.0, 4.0, NAN]}, less)["loss_iqm"] == 2.5


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
