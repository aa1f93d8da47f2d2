import math

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import partial_dependence, permutation_importance

from analysis.record.loading import Record
from analysis.results.design import hyperparameter
from analysis.results.selection import select
from analysis.results.sensitivity import _held, _refit, _shuffled, sensitivity


def trials(count, fid, arm="hinge", phase="search", replicas=4, seed=0, **constant):
    """`fid` takes an arm's configurations and gives each a score, NaN for one whose replicas all diverge."""
    random = np.random.default_rng(seed)
    config = pd.DataFrame(
        {
            "config.generator_lr": np.exp(random.uniform(math.log(1e-4), math.log(1e-2), count)),
            "config.beta1": random.uniform(0, 0.9, count),
            "config.critic_steps": random.choice([1, 2, 5], count),
            "config.optimizer": random.choice(["adam", "sgd"], count),
            "config.latent_dim": 2,
        }
    ).assign(**constant)
    score = fid(config)
    table = config.assign(
        study="rings", phase=phase, arm=arm, repeat=0, index=range(count), status="completed", fid=score,
        trial_id=[f"{phase}-{arm}-{k:04d}" for k in range(count)],
        outcome=np.where(np.isnan(score), "diverged", "converged"),
    )  # fmt: skip
    return table.loc[table.index.repeat(replicas)].assign(seed=list(range(replicas)) * count)


def by_rate(config):
    """Quality turns on the learning rate alone, and rates above 3e-3 diverge."""
    rate = config["config.generator_lr"]
    return np.where(rate > 3e-3, np.nan, np.abs(np.log(rate / 1e-3)))


def of(found, response="quality"):
    return next(one for one in found if one.response == response)


def run(table, seed=0, phase="search", **options):
    return sensitivity(select(Record(table, table, {}), phase), "fid", generator=np.random.default_rng(seed), **options)


def test_what_matters_comes_first_and_what_does_not_is_near_zero():
    found = run(trials(60, by_rate))
    for response in ("quality", "stability"):
        one = of(found, response)
        assert (one.note, one.n, one.arm) == ("", 60, "hinge")
        assert one.importances[0].hyperparameter == "generator_lr"
        assert one.importances[0].interval.low > 0
        assert {rest.hyperparameter for rest in one.importances[1:]} == {"beta1", "critic_steps", "optimizer"}
        assert all(abs(rest.interval.estimate) < 0.1 for rest in one.importances[1:])
        assert one.r2.estimate > 0.5
        assert one.importances[0].interval.captures == "configurations"


def test_the_dependence_has_the_shape_of_the_truth():
    found = run(trials(80, by_rate))
    rate = of(found).dependence[0]
    assert (rate.hyperparameter, rate.scale) == ("generator_lr", "log")
    np.testing.assert_allclose(rate.band.x, rate.values)
    best = rate.values[int(rate.band.estimate.argmax())]
    assert 4e-4 < best < 2.5e-3
    stable = of(found, "stability").dependence[0].band
    assert stable.estimate[0] - stable.estimate[-1] > 0.7
    assert (stable.low <= stable.estimate).all()


def test_texts_are_hyperparameters_too():
    found = of(run(trials(60, lambda c: np.where(c["config.optimizer"] == "sgd", 5.0, 1.0) + 0.01 * c["config.beta1"])))
    first = found.dependence[0]
    assert (first.hyperparameter, first.scale, first.values) == ("optimizer", "categorical", ("adam", "sgd"))
    np.testing.assert_array_equal(first.band.x, [0, 1])
    assert first.band.estimate[0] > first.band.estimate[1] + 0.3  # 1 is the best rank


def test_too_few_configurations_give_words_instead_of_numbers():
    found = of(run(trials(14, by_rate)))
    assert (found.importances, found.dependence, found.r2) == ((), (), None)
    assert found.note == "14 configurations are too few for 4 hyperparameters: 16 are needed"


def test_a_response_that_never_changes_says_so():
    found = run(trials(30, lambda config: config["config.beta1"].to_numpy()))
    assert of(found, "stability").note == "all 30 configurations are alike in it"
    assert of(found).note == ""


def test_constants_are_named_where_they_vary_elsewhere():
    fixed = {"config.beta1": 0.5, "config.critic_steps": 1, "config.optimizer": "adam", "config.generator_lr": 1e-3}
    rows = pd.concat([trials(20, by_rate), trials(20, lambda config: np.arange(20.0), arm="minimax", **fixed)])
    found = {one.arm: one for one in run(rows) if one.response == "quality"}
    assert found["hinge"].constant == ()
    assert set(found["minimax"].constant) == {"beta1", "critic_steps", "optimizer", "generator_lr"}
    assert found["minimax"].note == "no hyperparameter varies in this arm"


def test_a_hyperparameter_of_another_arm_is_no_constant():
    rows = pd.concat([trials(20, by_rate), trials(20, by_rate, arm="clip").assign(**{"config.penalty.bound": 1.0})])
    rows.loc[rows["arm"] == "clip", "config.penalty.bound"] = np.repeat(np.linspace(0.1, 1, 20), 4)
    found = {one.arm: one for one in run(rows) if one.response == "quality"}
    assert found["hinge"].constant == ()
    assert "penalty.bound" in {one.hyperparameter for one in found["clip"].importances}


def test_only_the_hyperparameters_asked_for():
    found = of(run(trials(30, by_rate), hyperparameters=["beta1", "generator_lr"], scales={"beta1": "categorical"}))
    assert {one.hyperparameter: one.scale for one in found.importances} == {
        "generator_lr": "log",
        "beta1": "categorical",
    }


def test_truncated_failed_and_running_trials():
    rows = trials(40, by_rate)
    rows["outcome"] = rows["outcome"].astype(object)
    for index, status in ((0, "truncated"), (1, "failed"), (2, "running")):
        outcome = None if status == "running" else status
        rows.loc[rows["index"] == index, ["status", "outcome"]] = [status, outcome]
    found = run(rows, responses=("quality", "stability", "convergence"))
    assert [of(found, name).n for name in ("quality", "stability", "convergence")] == [37, 38, 37]


def test_phases_are_not_pooled_and_what_is_no_response_is_refused():
    rows = pd.concat([trials(20, by_rate), trials(1, by_rate, phase="confirm", replicas=32)])
    assert of(run(rows)).n == 20
    assert of(run(rows, phase="confirm")).note.startswith("no hyperparameter varies")
    with pytest.raises(ValueError, match="responses: expected some of stability, convergence, quality, got speed"):
        run(rows, responses=("speed",))
    with pytest.raises(ValueError, match="phase: expected one of search, confirm, got 'any'"):
        run(rows, phase="any")


def test_the_generator_fixes_the_result():
    one, again, other = (of(run(trials(20, by_rate), seed=seed, refits=3)) for seed in (0, 0, 1))
    assert one.importances == again.importances
    assert one.importances != other.importances


def test_the_importance_is_scikit_learns():
    random = np.random.default_rng(0)
    X = random.random((120, 3))
    y = np.sin(4 * X[:, 0]) + X[:, 1]
    forest = RandomForestRegressor(30, random_state=0).fit(X[:60], y[:60])
    theirs = permutation_importance(
        forest, X[60:], y[60:], n_repeats=200, random_state=0, scoring="neg_mean_squared_error"
    )
    missed = (forest.predict(X[60:]) - y[60:]) ** 2
    for place in range(3):
        ours = np.mean(
            [
                ((forest.predict(_shuffled(X[60:], place, random)) - np.tile(y[60:], 5)) ** 2).mean() - missed.mean()
                for _ in range(40)
            ]
        )
        assert ours == pytest.approx(theirs.importances_mean[place], rel=0.1, abs=1e-3)


def test_the_dependence_is_scikit_learns():
    random = np.random.default_rng(0)
    X = random.random((60, 3))
    forest = RandomForestRegressor(30, random_state=0).fit(X, X[:, 0] * X[:, 1])
    grid = np.linspace(0.1, 0.9, 5)
    theirs = partial_dependence(forest, X, [1], custom_values={1: grid}, method="brute", kind="average")
    ours = forest.predict(_held(X, 1, grid)).reshape(5, 60).mean(1)
    np.testing.assert_allclose(ours, theirs["average"][0])


@pytest.mark.slow
def test_importances_are_covered():
    """Against what the same learner finds on average over fresh sets of 60 configurations, asked about fresh ones."""
    generator = np.random.default_rng(4)

    def study():
        X = generator.random((60, 3))
        y = np.sin(4 * X[:, 0]) + 0.5 * X[:, 1] + 0.3 * generator.normal(size=60)
        columns = [hyperparameter(f"h{place}", pd.Series(X[:, place]), "linear") for place in range(3)]
        found = _refit(columns, y, generator, 15).importance
        spread = found.std(0, ddof=1) * math.sqrt(1 / 15 + 1 / (math.e - 1)) * 2.1448
        return found.mean(0), spread

    found = [study() for _ in range(120)]
    truth = np.mean([mean for mean, _ in found], axis=0)
    covered = np.mean([np.abs(mean - truth) <= spread for mean, spread in found], axis=0)
    print(f"importances {truth.round(3)}: covered {covered.round(3)}")
    assert (covered >= 0.9).all()
