"""The rule against what is known: perfect generators, written-down families, and curves judged by eye."""

import pytest
from sklearn.metrics import cohen_kappa_score

from analysis.record.schema import OUTCOMES
from benchmarks import outcome_rule as rule
from benchmarks.outcome_families import FAMILIES, SETTINGS, ring, verdicts_of
from trainables.metrics.evaluator import Evaluator


@pytest.fixture(scope="module")
def measured():
    evaluator = Evaluator(ring(), SETTINGS)
    return evaluator, rule.floor_of(evaluator)


@pytest.mark.parametrize("name", ["ring", "gaussian"])
def test_a_perfect_generator_converges(name):
    assert set(rule.oracle(name, 40)) == {"converged"}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_is_what_it_is_written_to_be(name, measured):
    found = verdicts_of(FAMILIES[name], *measured, replicas=40, seed=1)
    assert (found == FAMILIES[name].outcome).mean() >= 0.9  # 95 % of many more: python -m benchmarks outcome_rule


@pytest.mark.parametrize("study", rule.STUDIES)
def test_labels_are_outcomes_of_replicas_that_the_record_has(study):
    record, labels, judged = rule.labelled(study)
    assert set(labels["label"]) <= set(OUTCOMES)
    keys = ["study", "trial_id", "seed"]
    assert not labels.duplicated(keys).any()
    assert len(labels.merge(judged, on=keys)) == len(labels)
    assert judged["outcome"].notna().all()
    agreed = labels["first"] == labels["second"]
    assert (labels["label"] == labels["first"])[agreed].all()
    assert len(record.trials) >= len(labels)


@pytest.mark.parametrize(("studies", "count"), [(rule.DEVELOPMENT, 509), (rule.FRESH, 241)])
def test_the_agreement_with_the_eye_is_the_one_that_is_announced(studies, count):
    found = rule.agreed(studies)
    assert found.n == sum(found.table.sum()) == count
    assert f"{found.kappa.estimate:.2f} on the {count}".removeprefix("0") in " ".join(rule.HISTORY.split())


def test_every_set_of_labels_stands_once():
    assert len(set(rule.STUDIES)) == len(rule.STUDIES)


def test_labellers_agree_as_scikit_learn_has_it():
    _, labels, _ = rule.labelled("digits")
    assert rule.between_labellers(["digits"]) == pytest.approx(cohen_kappa_score(labels["first"], labels["second"]))


def test_the_section_has_a_row_for_everything(monkeypatch):
    monkeypatch.setattr(rule, "REPLICAS", 3)
    monkeypatch.setattr(rule, "ORACLES", {"ring": {}})
    text = rule.section(False)
    assert text.startswith("## Whether the rule of outcomes is right\n")
    assert "| perfect samples of ring | converged | 100.0% |  |" in text
    for name, family in FAMILIES.items():
        assert f"| {name} | {family.outcome} |" in text
    assert "Cohen's kappa" in text
