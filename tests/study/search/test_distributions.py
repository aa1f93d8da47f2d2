from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from study.config.arms import Arm
from study.config.spaces import Space
from study.search.distributions import distributions


def test_spaces_become_optunas_distributions() -> None:
    space = {
        "a": Space("log_uniform", 1e-4, 1e-2),
        "b": Space("uniform", 0.0, 0.9),
        "c": Space("int_uniform", 1, 5),
        "d": Space("log_int_uniform", 1, 64),
        "e": Space("choice", choices=([8], [16, 16], None)),
    }
    assert distributions(Arm("a", {}, space)) == {
        "a": FloatDistribution(1e-4, 1e-2, log=True),
        "b": FloatDistribution(0.0, 0.9),
        "c": IntDistribution(1, 5),
        "d": IntDistribution(1, 64, log=True),
        "e": CategoricalDistribution(("8", "16x16", None)),
    }
