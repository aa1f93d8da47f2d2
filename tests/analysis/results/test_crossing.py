from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.record.loading import Record
from analysis.results.arm_settings import ArmSettings
from analysis.results.crossing import crossing, factors_of
from analysis.results.selection import select

SHARES = {  # of eight replicas, for each of three searches
    "hinge-none": (2, 3, 2),
    "hinge-r1": (8, 7, 8),
    "non_saturating-none": (3, 4, 2),
    "non_saturating-r1": (4, 6, 5),
}
SCIENTIFIC = {"objective": ["hinge", "non_saturating"], "penalty": ["none", "r1"]}
MEANS = {arm: sum(found) / 24 for arm, found in SHARES.items()}


def settings(arms=SHARES):
    return [ArmSettings(arm, dict(zip(("objective", "penalty"), arm.split("-"), strict=True))) for arm in arms]


def selected(shares=SHARES, phase="confirm", about=None, outcomes=("converged", "stalled"), seeds=8):
    """Rows of searches, of each of which so many replicas of eight converged, and had the better fid."""
    rows = [
        {
            "study": "s", "phase": phase, "arm": arm, "repeat": repeat if phase == "confirm" else 0,
            "index": repeat, "trial_id": f"{phase}-{arm}-{repeat}", "seed": 100 * (phase == "search") * repeat + seed,
            "status": "completed", "outcome": outcomes[seed >= good], "fid": seed / 10 + (seed >= good),
        }
        for arm, found in shares.items()
        for (repeat, good), seed in product(enumerate(found), range(seeds))
    ]  # fmt: skip
    frame = pd.DataFrame(rows).sample(frac=1, random_state=0)
    frame["floor.fid"] = 0.1
    about = {"study": "s", "config": {"scientific": SCIENTIFIC}, **(about or {})}
    return select(Record(frame, frame, about), phase)


def test_a_penalty_s_effect_over_both_objectives_and_how_much_more_it_does_for_one():
    found = crossing(selected(), settings(), "fid", "min")
    assert found.levels == {"objective": ("hinge", "non_saturating"), "penalty": ("none", "r1")}
    assert (found.unit, found.units, found.phase) == ("repeat", (3, 3), "confirm")
    objective, penalty = found.converged
    assert (penalty.factor, penalty.level, penalty.instead_of, penalty.beside) == ("penalty", "r1", "none", None)
    gains = {name: MEANS[f"{name}-r1"] - MEANS[f"{name}-none"] for name in ("hinge", "non_saturating")}
    assert penalty.effect.estimate == pytest.approx(sum(gains.values()) / 2)
    assert objective.effect.estimate == pytest.approx(
        sum(MEANS[f"non_saturating-{one}"] - MEANS[f"hinge-{one}"] for one in ("none", "r1")) / 2
    )
    assert penalty.p_holm < 0.05 < objective.p_holm
    assert penalty.effect.low > 0
    (more,) = found.differences
    assert more.beside == ("objective", "non_saturating", "hinge")
    assert more.effect.estimate == pytest.approx(gains["non_saturating"] - gains["hinge"])
    better = [one for one in found.quality if one.factor == "penalty"]
    assert better[0].effect.estimate > 0.6
    assert found.metric == "fid"


def test_a_difference_of_differences_is_about_as_sure_as_by_welch_s_test_of_searches():
    (more,) = crossing(selected(), settings(), None).differences
    errors = [np.var(np.array(found) / 8, ddof=1) / 3 for found in SHARES.values()]
    freedom = 2 * sum(errors) ** 2 / sum(one**2 for one in errors)
    half = stats.t.ppf(0.975, freedom) * sum(errors) ** 0.5
    assert 1 < (more.effect.high - more.effect.low) / (2 * half) < 2.5  # the variance is that of arms which were alike


@pytest.mark.parametrize(
    ("phase", "repeats", "unit", "units"),
    [("confirm", 1, "replica", (8, 8)), ("search", 3, "configuration", (3, 3)), ("confirm", 3, "repeat", (3, 3))],
)
def test_units_are_those_by_which_pairs_are_compared(phase, repeats, unit, units):
    some = {arm: found[:repeats] for arm, found in SHARES.items()}
    found = crossing(selected(some, phase), settings(), "fid", "min")
    assert (found.unit, found.units) == (unit, units)
    share = {arm: np.mean(counts) / 8 for arm, counts in some.items()}
    assert found.converged[1].effect.estimate == pytest.approx(
        sum(share[f"{name}-r1"] - share[f"{name}-none"] for name in ("hinge", "non_saturating")) / 2
    )
    assert found.quality[1].effect.estimate > 0.5
    assert found.converged[0].effect.captures == ("seeds" if unit == "replica" else "both")


def test_it_is_left_out_where_it_would_say_nothing_or_not_what_it_says():
    whole = selected()
    three = dict(list(SHARES.items())[:3])
    assert crossing(selected(three), settings(three), None) is None  # one combination is no arm
    assert crossing(selected(three), settings(), None) is None  # nor has one any replica yet
    stopped = selected(outcomes=("converged", "truncated"))
    assert crossing(stopped, settings(), None) is None
    both = {"study": "a+b", "joined": [whole.about, {**whole.about, "study": "b"}]}
    assert crossing(selected(about=both), settings(), None) is None
    assert crossing(whole, settings(), None).quality == ()


def test_p_values_pay_for_looks_that_were_had_before():
    look = {"level": 0.5, "planned": 4, "extents": {}, "open": [], "more_seeds": True}
    plain = crossing(selected(), settings(), "fid", "min")
    paid = crossing(selected(about={"looks": [look]}), settings(), "fid", "min")
    for name in ("converged", "differences", "quality"):
        for one, other in zip(getattr(plain, name), getattr(paid, name), strict=True):
            assert other.p == pytest.approx(min(2 * one.p, 1))
            assert other.effect.high - other.effect.low > one.effect.high - one.effect.low


def arms(*values):
    return [ArmSettings(str(place), one) for place, one in enumerate(values)]


def test_factors_are_what_a_product_chooses_from_and_levels_stand_in_the_arms_order():
    found, order = factors_of(
        arms(
            *({"critic.hidden": hidden, "critic.activation": hidden, "penalty": p, "penalty.every": p, "updates": u}
              for hidden, u, p in product(("a", "b"), ("u", "v"), (None, "r1")))
        ),
        {"critic": [], "updates": [], "penalty": [], "packing": [1]},
    )  # fmt: skip
    assert found == {
        "critic": ("hidden a, activation a", "hidden b, activation b"), "penalty": ("none, every none", "r1, every r1"),
        "updates": ("u", "v"),
    }  # fmt: skip
    assert order == ["0", "2", "1", "3", "4", "6", "5", "7"]


@pytest.mark.parametrize(
    "settings",
    [
        [],
        arms({"objective": "a", "penalty": "x"}, {"objective": "b", "penalty": "y"}),  # no crossing
        arms(*({"objective": a, "penalty": "x", "beta1": a} for a in "ab")),  # differ in what was not chosen
        arms(*({"objective": a, "penalty": b} for a in "ab" for b in "xyx")),  # a level twice
    ],
)
def test_arms_that_are_no_crossing_have_no_factors(settings):
    assert factors_of(settings, [{"objective": [], "penalty": []}])[1] == []
