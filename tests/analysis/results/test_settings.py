"""A trial's settings nested again."""

import math

from analysis.results.settings import configuration, nested


def test_the_columns_of_a_trial_are_its_settings_by_dotted_name():
    trial = {"arm": "a", "config.model": "gan", "config.penalty.name": "r1", "config.penalty.weight": math.nan}
    assert configuration(trial) == {"model": "gan", "penalty.name": "r1"}


def test_settings_are_nested_with_the_name_first_and_lists_read_from_their_text():
    flat = {
        "penalty.r1.weight": 0.1, "penalty.r1.name": "r1", "penalty.r2.name": "r2",
        "critic.hidden": "[8, 8]", "critic.kind": "mlp", "objective": "hinge_1", "objective.name": "hinge",
    }  # fmt: skip
    assert nested(flat) == {
        "penalty": [{"name": "r1", "weight": 0.1}, {"name": "r2"}],
        "critic": {"kind": "mlp", "hidden": [8, 8]},
        "objective": {"name": "hinge"},
    }
    assert list(nested(flat)["critic"]) == ["kind", "hidden"]
    assert nested({"generator_loss": "[not, json"}) == {"generator_loss": "[not, json"}
