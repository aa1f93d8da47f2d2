import logging
import math
import random
from collections.abc import Sequence
from dataclasses import replace

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from scipy.stats import binomtest

from study.config.goal import Goal
from study.search.arm_search import SAMPLERS, ArmSearch, Recorded, arm_seed, make_sampler
from study.search.scores import Score, Values, excess, medians

SPACE = {
    "generator_lr": FloatDistribution(1e-4, 1e-2, log=True),
    "critic_steps": IntDistribution(1, 5),
    "beta1": FloatDistribution(0.0, 0.9),
    "optimizer": CategoricalDistribution(["adam", "sgd"]),
}
NUMBERS = {name: space for name, space in SPACE.items() if name != "optimizer"}
ONE = Goal(("fid",), ("min",))
TWO = Goal(("fid", "modes"), ("min", "max"))
MANY, FEW = 40, 13  # trials; few where each one drawn takes a quarter of a second from the eleventh on


def count(sampler: str) -> int:
    return FEW if sampler == "gp" else MANY


def search(sampler: str, recorded: Sequence[Recorded] = (), lag: int = 3, arm: str = "hinge") -> ArmSearch:
    return ArmSearch(
        arm,
        NUMBERS if sampler == "cmaes" else SPACE,
        TWO if sampler == "nsga2" else ONE,
        sampler=sampler,
        seed=7,
        lag=lag,
        recorded=dict(enumerate(recorded)),
    )


def outcome(params: dict[str, float], goal: Goal) -> Values | None:
    """A made-up landscape in which a part of the space diverges and another raises."""
    if params["beta1"] > 0.8:
        return goal.worst()
    if params["beta1"] < 0.05:
        return None
    distance = abs(math.log10(params["generator_lr"]) + 3) + params["beta1"]
    return (distance, float(params["critic_steps"]))[: len(goal.modes)]


def drive(
    sampler: str, trials: int, workers: int, order: random.Random, recorded: Sequence[Recorded] = ()
) -> list[Recorded]:
    """Runs `workers` trials at a time, ending them in a random order, until `trials` were asked."""
    found = list(recorded)
    engine = search(sampler, found)
    while len(found) < trials or any(not trial.ended for trial in found):
        running = [index for index, trial in enumerate(found) if not trial.ended]
        if len(running) < workers and len(found) < trials and engine.ready(found.__getitem__):
            found.append(Recorded(engine.ask(found.__getitem__)[1], ended=False, values=None))
            continue
        index = order.choice(running[:workers])
        found[index] = Recorded(found[index].params, ended=True, values=outcome(dict(found[index].params), engine.goal))
    return found


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_configurations_do_not_depend_on_workers_or_timing(sampler: str) -> None:
    several = (1, 3) if sampler == "gp" else (1, 2, 3, 8)
    sequences = [drive(sampler, count(sampler), workers, random.Random(workers)) for workers in several]
    assert all(sequence == sequences[0] for sequence in sequences)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_rebuilding_from_the_record_continues_the_same_sequence(sampler: str) -> None:
    whole = drive(sampler, count(sampler), 2, random.Random(0))
    for cut in (12,) if sampler == "gp" else (1, 12, 25):
        order = random.Random(cut)
        partial = [
            trial if index < cut - 2 or order.random() < 0.5 else Recorded(trial.params, ended=False, values=None)
            for index, trial in enumerate(whole[:cut])
        ]
        assert search(sampler, partial).exact
        assert drive(sampler, count(sampler), 3, order, partial) == whole


def fragile(params: dict[str, float]) -> list[Score]:
    """Eight replicas, of which the more diverge the larger beta1 is and the better the others then are: the best median
    is where just under half diverge."""
    lost = round(8 * params["beta1"])
    score = 1 - params["beta1"] + abs(math.log10(params["generator_lr"]) + 3)
    return [*[None] * lost, *[score] * (8 - lost)]


def bounded(sampler: str, bound: float | None, seed: int, trials: int) -> list[Recorded]:
    goal, space = Goal(("fid",), ("min",), bound), {name: SPACE[name] for name in ("beta1", "generator_lr")}
    engine, found = ArmSearch("hinge", space, goal, sampler=sampler, seed=seed, lag=1), list[Recorded]()
    for _ in range(trials):
        params = engine.ask(found.__getitem__)[1]
        scores = fragile(params)
        found.append(Recorded(params, True, medians(scores, goal), engine.told, excess(scores, goal)))
    known = dict(enumerate(found))
    again = ArmSearch("hinge", space, goal, sampler=sampler, seed=seed, lag=1, recorded=known)
    assert again.exact
    assert again.ask(found.__getitem__) == engine.ask(found.__getitem__)
    return found


def allowed(found: Sequence[Recorded]) -> int:
    """The number of configurations of which two of eight replicas diverged at most."""
    return sum(fragile(dict(trial.params)).count(None) <= 2 for trial in found)


def test_a_bound_on_diverged_replicas_steers_the_search() -> None:
    """Of configurations drawn at random a share of 0.347 is allowed, those with beta1 below 2.5/8 of up to 0.9."""
    free, bound = ([bounded("tpe", share, seed, 40) for seed in range(3)] for share in (None, 0.25))
    assert [trial.params for trial in free[0][:10]] == [trial.params for trial in bound[0][:10]]
    late = [sum(allowed(found[20:]) for found in each) for each in (free, bound)]
    more = [binomtest(count, 60, 2.5 / 8 / 0.9, alternative="greater").pvalue for count in late]
    assert more[0] > 0.05
    assert more[1] < 0.001


def test_what_learns_nothing_draws_the_same_whatever_the_bound() -> None:
    found, unbound = bounded("random", 0.25, 0, 12), bounded("random", None, 0, 12)
    assert [trial.params for trial in found] == [trial.params for trial in unbound]


def test_a_gaussian_process_takes_the_bound() -> None:
    found, space = bounded("gp", 0.25, 0, 11), {name: SPACE[name] for name in ("beta1", "generator_lr")}
    past = [replace(trial, excess=None) for trial in found[:10]]
    unbound = ArmSearch("hinge", space, ONE, sampler="gp", seed=0, lag=1, recorded=dict(enumerate(past)))
    assert unbound.exact
    assert unbound.ask(past.__getitem__)[1] != found[10].params


def test_what_cannot_be_replayed_is_adopted_with_its_bound() -> None:
    goal, space = Goal(("fid",), ("min",), 0.25), {"beta1": SPACE["beta1"]}
    foreign = {i: Recorded({"beta1": i / 10}, True, (1.0,), i, i / 10 - 0.25) for i in range(5)}
    engine = ArmSearch("hinge", space, goal, sampler="tpe", seed=0, lag=1, recorded=foreign)
    assert not engine.exact
    engine.ask(foreign.__getitem__)
    told = optuna.load_study(study_name="hinge", storage=engine._storage).trials
    assert [trial.constraints for trial in told[:5]] == [{"diverged": i / 10 - 0.25} for i in range(5)]


def test_the_lag_bounds_the_outstanding_trials() -> None:
    engine = search("tpe", lag=3)
    found: list[Recorded] = []
    while engine.ready(found.__getitem__):
        found.append(Recorded(engine.ask(found.__getitem__)[1], ended=False, values=None))
    assert len(found) == 3
    found[1] = Recorded(found[1].params, ended=True, values=(1.0,))
    assert not engine.ready(found.__getitem__)  # trial 3 waits for result 0, which others may not replace
    found[0] = Recorded(found[0].params, ended=True, values=(1.0,))
    assert engine.ready(found.__getitem__)


def asked(engine: ArmSearch, found: list[Recorded], count: int) -> None:
    """So many trials asked, each ended at once and with what the sampler had been told."""
    for _ in range(count):
        params = engine.ask(found.__getitem__)[1]
        found.append(Recorded(params, ended=True, values=outcome(params, ONE), told=engine.told))


def test_a_pack_is_drawn_from_what_was_known_before_it() -> None:
    engine, found = ArmSearch("hinge", SPACE, ONE, sampler="tpe", seed=7, lag=2, pack=4), list[Recorded]()
    asked(engine, found, 14)
    assert [trial.told for trial in found] == [0] * 8 + [4] * 4 + [8] * 2


@pytest.mark.parametrize("pack", [1, 3, 4])
def test_what_was_told_before_makes_the_replay_exact_whatever_the_pack(pack: int) -> None:
    before, found = ArmSearch("hinge", SPACE, ONE, sampler="tpe", seed=7, lag=2, pack=4), list[Recorded]()
    asked(before, found, 30)
    known = dict(enumerate(found))
    again = ArmSearch("hinge", SPACE, ONE, sampler="tpe", seed=7, lag=2, pack=pack, recorded=known)
    assert again.exact
    damaged = {**known, 20: Recorded(found[20].params, ended=True, values=found[20].values, told=25)}
    assert not ArmSearch("hinge", SPACE, ONE, sampler="tpe", seed=7, lag=2, recorded=damaged).exact


def test_random_search_learns_nothing_and_never_waits() -> None:
    engine = search("random", lag=1)
    found: list[Recorded] = []
    for _ in range(20):
        assert engine.ready(found.__getitem__)
        found.append(Recorded(engine.ask(found.__getitem__)[1], ended=False, values=None))


def test_tpe_finds_better_configurations_than_random() -> None:
    def median(sampler: str) -> float:
        late = [trial.values[0] for trial in drive(sampler, 60, 2, random.Random(0))[30:] if trial.values]
        return sorted(late)[len(late) // 2]

    assert median("tpe") < 0.7 * median("random")


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_an_arm_that_always_diverges_keeps_searching(sampler: str) -> None:
    found: list[Recorded] = []
    engine = search(sampler)
    for _ in range(trials := 13 if sampler == "gp" else 60):
        params = engine.ask(found.__getitem__)[1]
        found.append(Recorded(params, ended=True, values=engine.goal.worst()))
    assert len({str(trial.params) for trial in found}) > 0.8 * trials


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_records_of_another_library_are_adopted_with_a_warning(sampler: str, caplog: pytest.LogCaptureFixture) -> None:
    whole = drive(sampler, 12 if sampler == "gp" else 20, 2, random.Random(0))
    foreign = [Recorded({**trial.params, "beta1": 0.5}, trial.ended, trial.values) for trial in whole]
    foreign[-1] = Recorded(foreign[-1].params, ended=False, values=None)
    with caplog.at_level(logging.WARNING):
        engine = search(sampler, foreign)
    assert not engine.exact
    assert f"arm hinge: its {len(whole)} recorded trials could not be asked for again identically" in caplog.text
    continued = drive(sampler, len(whole) + (2 if sampler == "gp" else 10), 2, random.Random(0), foreign)
    assert continued[: len(whole) - 1] == foreign[:-1]
    fresh = [trial.params for trial in continued[len(whole) :]]
    assert not any(params in [trial.params for trial in whole] for params in fresh)


def test_a_trial_whose_ending_is_lost_is_named(caplog: pytest.LogCaptureFixture) -> None:
    whole = [
        replace(trial, told=max(0, index - 2)) for index, trial in enumerate(drive("tpe", 10, 1, random.Random(0)))
    ]
    lost = [*whole[:4], replace(whole[4], ended=False, values=None), *whole[5:]]
    with caplog.at_level(logging.WARNING):
        assert not search("tpe", lost).exact
    assert "identically (the ledger has no readable ending of trial 4, whose result it was told)" in caplog.text


def test_a_trial_that_the_record_lacks_is_asked_for_again() -> None:
    whole = drive("tpe", 10, 1, random.Random(0))
    known = {index: trial for index, trial in enumerate(whole) if index != 4}
    engine = ArmSearch("hinge", SPACE, ONE, sampler="tpe", seed=7, lag=3, recorded=known)
    assert not engine.exact
    assert engine.next == 4
    index, params = engine.ask(known.__getitem__)
    assert (index, engine.next) == (4, 10)
    known[4] = Recorded(params, ended=False, values=None)
    assert not engine.ready(known.__getitem__)
    known[4] = Recorded(params, ended=True, values=(1.0,))
    assert engine.ask(known.__getitem__)[0] == 10


def test_hyperparameters_may_be_drawn_jointly_or_each_for_itself() -> None:
    def drawn(**how: bool) -> list[Recorded]:
        found = list[Recorded]()
        asked(ArmSearch("hinge", SPACE, ONE, sampler="tpe", seed=7, lag=1, **how), found, 25)
        return found

    alone = drawn(multivariate=False)
    assert drawn() == drawn(multivariate=True) != alone
    known = dict(enumerate(alone))
    for multivariate in (False, True):
        again = ArmSearch("hinge", SPACE, ONE, sampler="tpe", seed=7, lag=1, multivariate=multivariate, recorded=known)
        assert again.exact == (not multivariate)


def test_an_arm_with_nothing_to_search_repeats_its_one_configuration() -> None:
    engine = ArmSearch("hinge", {}, ONE, sampler="tpe", seed=7, lag=1)
    nothing: dict[int, Recorded] = {}
    assert [engine.ask(nothing.__getitem__) for _ in range(3)] == [(0, {}), (1, {}), (2, {})]


def test_seeds_differ_by_arm_and_study_and_stay_the_same() -> None:
    assert arm_seed(0, "hinge") == 1399055466
    seeds = {arm_seed(0, "hinge"), arm_seed(1, "hinge"), arm_seed(0, "minimax"), arm_seed(0, "hinge", 3)}
    assert len(seeds) == 4
    other = search("tpe", arm="minimax")
    assert [trial.params for trial in drive("tpe", 3, 1, random.Random(0))] != [
        other.ask([].__getitem__)[1] for _ in range(3)
    ]


def test_bad_names_and_lags_are_refused() -> None:
    with pytest.raises(ValueError, match="sampler: expected one of tpe, random, cmaes, gp, nsga2, got 'grid'"):
        make_sampler("grid", 0)
    with pytest.raises(ValueError, match="lag: expected an integer >= 1, got 0"):
        search("tpe", lag=0)
