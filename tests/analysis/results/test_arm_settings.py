"""What arms are, from trials' settings and what the record says was searched."""

import pandas as pd

from analysis.record.join import join
from analysis.record.loading import Record
from analysis.results.arm_settings import arm_settings


def rows(arm, index=0, minute=0, study="rings", **config):
    named = {f"config.{name.replace('__', '.')}": value for name, value in {"model": "gan", **config}.items()}
    started = pd.Timestamp("2026-01-01") + pd.Timedelta(minutes=minute)
    same = {"study": study, "phase": "search", "arm": arm, "repeat": 0, "index": index, "trial_id": f"{arm}-{index}"}
    return {**same, "seed": 0, "started": started, **named}


def found(*trials, **about):
    frame = pd.DataFrame(trials).astype({"study": "category", "arm": "category"})
    return arm_settings(Record(frame, frame, {"study": "rings", **about}))


def test_what_differs_is_said_in_the_order_of_the_choices_and_spaces_stand_for_what_is_drawn():
    arms = {
        "wgan": {"chosen": ["penalty", "critic_steps"], "space": {"penalty.weight": "0.1 … 10 log"}, "without": []},
        "r3": {"chosen": ["pairing"], "space": {"penalty.r1.weight": "0.01 … 1 log"}, "without": []},
    }
    wgan, r3 = found(
        rows("wgan", critic_steps=5, penalty__name="gradient_penalty", penalty__weight=1.5, pairing="independent"),
        rows(
            "r3", minute=1, critic_steps=1, pairing="relativistic",
            penalty__r1__name="r1", penalty__r1__weight=0.2, penalty__r2__name="r2",
        ),
        arms=arms,
    )  # fmt: skip
    assert wgan.values == {
        "penalty": "gradient_penalty (weight searched 0.1 … 10 log)", "critic_steps": "5", "pairing": "independent",
    }  # fmt: skip
    assert r3.values == {
        "penalty": "r1 (weight searched 0.01 … 1 log) + r2", "critic_steps": "1", "pairing": "relativistic",
    }  # fmt: skip
    assert list(wgan.values) == list(r3.values) == ["penalty", "critic_steps", "pairing"]


def test_what_is_alike_in_all_arms_or_no_hyperparameter_is_left_out():
    first, second = found(
        rows("a", generator_lr=1e-3, objective__name="hinge", steps=10, data__name="ring"),
        rows("b", generator_lr=2e-3, objective__name="minimax", steps=20, data__name="ring"),
        searched={"a": ["generator_lr"], "b": ["generator_lr"]},
    )
    assert (first.values, second.values) == ({"objective": "hinge"}, {"objective": "minimax"})


def test_an_older_record_shows_as_searched_what_differs_within_an_arm():
    first, second = found(
        rows("a", beta1=0.1), rows("a", 1, beta1=0.2), rows("b", beta1=0.5), rows("b", 1, beta1=0.5)
    )  # fmt: skip
    assert (first.values, second.values) == ({"beta1": "searched"}, {"beta1": "0.5"})


def test_a_choice_that_was_drawn_hides_the_mapping_that_it_became():
    (one, other) = found(
        rows("a", penalty="r1_1", penalty__name="r1", penalty__weight=1.0),
        rows("b", penalty__name="none"),
        arms={"a": {"chosen": [], "space": {"penalty": "r1_1 | none"}, "without": []}},
    )
    assert (one.values, other.values) == ({"penalty": "searched r1_1 | none"}, {"penalty": "none"})


def test_networks_are_compared_setting_by_setting():
    one, other = found(
        rows("a", critic__kind="mlp", critic__hidden="[8, 8]", critic__batch_norm=False),
        rows("b", critic__kind="mlp", critic__hidden="[64]", critic__batch_norm=True),
    )
    assert one.values == {"critic.batch_norm": "false", "critic.hidden": "[8, 8]"}
    assert other.values == {"critic.batch_norm": "true", "critic.hidden": "[64]"}


def test_what_has_no_meaning_for_an_arms_model_is_not_said_of_it():
    gan, vae = found(
        rows("gan", objective__name="hinge"),
        rows("vae", model="vae", objective__name="non_saturating"),
        arms={"gan": {"chosen": ["objective"]}, "vae": {"chosen": ["model"], "without": ["objective"]}},
    )
    assert gan.values == {"objective": "hinge", "model": "gan"}
    assert vae.values == {"model": "vae", "objective": None}


def test_a_setting_that_older_trials_lack_is_no_difference_but_where_it_is_chosen():
    trials = rows("a", generator__kind="mlp"), rows("b", generator__kind="mlp", generator__gain=2.0, precision="fp32")
    assert [one.values for one in found(*trials)] == [{}, {}]
    one, other = found(*trials, arms={"b": {"chosen": ["generator"]}})
    assert (one.values, other.values) == ({"generator.gain": None}, {"generator.gain": "2"})


def test_arms_of_joined_studies_are_told_apart_by_their_studies():
    frames = [pd.DataFrame([rows("a", study=name, beta1=beta1)]) for name, beta1 in (("one", 0.0), ("two", 0.5))]
    record = join([Record(frame, frame, {"study": frame["study"][0]}) for frame in frames])
    assert {one.arm: one.values for one in arm_settings(record)} == {
        "one/a": {"beta1": "0"}, "two/a": {"beta1": "0.5"},
    }  # fmt: skip


def test_a_record_without_specifications_says_nothing():
    assert found({**rows("a"), "config.model": None}) == ()
