import pytest

from benchmarks import noop_trials, study_end_to_end
from study.config import loading
from study.config.readiness import ready


@pytest.mark.parametrize("module", [noop_trials, study_end_to_end])
def test_configurations_pass_check(module):
    ready(loading.build(module.CONFIG))


def test_the_noop_study_has_its_trials():
    plan = loading.build(noop_trials.CONFIG)
    assert len(plan.arms) * plan.config.search.trials_per_arm == noop_trials.TRIALS
    assert not plan.config.confirm


def test_the_studies_are_the_same_study():
    from benchmarks import plain_study

    plan = loading.build(study_end_to_end.CONFIG)
    built = plan.config
    assert tuple(built.scientific["objective"]) == plain_study.OBJECTIVES
    assert built.budget.batch_size == plain_study.BATCH
    assert built.budget.evaluations == plain_study.EVALUATIONS
    assert built.evaluation["samples"] == plain_study.SAMPLES
    assert built.fixed["generator"]["hidden"] == [plain_study.WIDTH] * 2
    assert built.replicas * len(plan.arms) * built.search.trials_per_arm == study_end_to_end.SEED_TRIALS
