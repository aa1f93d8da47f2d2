"""Keys that there are not are answered with the one that is meant, wherever it stands, and a page that there is."""

from __future__ import annotations

import re

import pytest

from study.command import docs
from study.config.schema import StudyConfig
from study.config.sections import Budget
from study.config.suggestions import KEYS, page_of, unknown
from trainables.usual_names import ROWS

TOP = tuple(StudyConfig.model_fields)


@pytest.mark.parametrize(
    ("section", "key", "said"),
    [
        ((), "epochs", "the nearest valid key is 'budget.steps'"),
        ((), "seeds", "the nearest valid key is 'replicas'"),
        ((), "name", "the nearest valid key is 'study'"),
        ((), "gpus", "the nearest valid key is 'resources.gpu'"),
        ((), "metric", "the nearest valid key is 'search.metric'"),
        ((), "seed", "the nearest valid key is 'search.seed'"),
        ((), "modes", "the nearest valid key is 'data.modes'"),
        ((), "lr", "keys are 'fixed.generator_lr' and 'fixed.critic_lr', or below nuisance or scientific"),
        (
            ("scientific",),
            "Name",
            "entries of a list may have a 'name' (see `ganstudy docs configuration#arms-that-differ",
        ),
        (("fixed",), "dtype", "the nearest valid key is 'precision' ("),
        (("fixed",), "lr", "the nearest valid keys are 'generator_lr' and 'critic_lr' ("),
        (("nuisance",), "learning_rate", "the nearest valid keys are 'generator_lr' and 'critic_lr' ("),
        (("fixed",), "epochs", "the nearest valid key is 'budget.steps'"),
        (("fixed",), "lambda", "the nearest valid key is 'penalty.weight'"),
        (("fixed",), "hidden", "the nearest valid keys are 'generator.hidden' and 'critic.hidden'"),
        (("fixed",), "generator_rl", "the nearest valid key is 'generator_lr' ("),
        (("fixed",), "zzz", "expected one of model, objective"),
        ((), "zzz", "expected one of study, data, budget"),
        (("fixed",), "hinge.alpha", "expected objective: {name: hinge, alpha: …}"),
        (("fixed",), "r1", "expected penalty: {name: r1, …}"),
        ((), "budget.equal.name", "expected budget: {equal: {name: …}}, as keys with dots are for --set alone"),
        (("budget",), "batch", "the nearest valid key is 'batch_size' ("),
        (("budget",), "stops", "the nearest valid key is 'steps' ("),
        (("budget",), "stp", "the nearest valid key is 'steps', of steps, evaluations, batch_size, equal ("),
    ],
)
def test_the_key_that_is_meant_is_named(section: tuple[str, ...], key: str, said: str) -> None:
    valid = {(): TOP, ("budget",): tuple(Budget.model_fields)}.get(section, KEYS)
    message = unknown(section, key, valid)
    assert said in message
    for page, place in re.findall(r"ganstudy docs (\w+)#([^`]+)`", message):
        assert docs.part(docs.shipped()[page].read_text(encoding="utf-8"), place), message


def test_every_word_of_the_table_leads_somewhere() -> None:
    for word in {word for row in ROWS.values() for word in row.split()}:
        for section, valid in (((), TOP), (("fixed",), KEYS)):
            said = unknown(section, word, valid) if word not in valid else ""
            for page, place in re.findall(r"ganstudy docs (\w+)#([^`]+)`", said):
                assert docs.part(docs.shipped()[page].read_text(encoding="utf-8"), place), (word, said)


@pytest.mark.parametrize(
    ("message", "place"),
    [
        ("penalty r1.lambda: unknown setting", "names#penalty.r1"),
        ("penalty: unknown name 'gp'", "names#penalties"),
        ("objective hinge.alpha: unknown setting", "names#objective.hinge"),
        ("objective: unknown name 'bce'", "names#objectives"),
        ("beta1: expected a number", "configuration#fixed.beta1"),
        ("critic.hiden: unknown setting", "configuration#fixed.critic"),
        ("scientific: expected arms that differ", None),
        ("no key at all", None),
    ],
)
def test_what_is_wrong_with_a_setting_leads_to_its_row(message: str, place: str | None) -> None:
    assert page_of(message) == (f" (see `ganstudy docs {place}`)" if place else "")
    page, _, anchor = (place or "names#penalties").partition("#")
    assert docs.part(docs.shipped()[page].read_text(encoding="utf-8"), anchor)
