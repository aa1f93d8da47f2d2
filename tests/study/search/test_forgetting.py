"""Tune's controller lets go of ended trials, whatever collections a version of it has."""

from types import SimpleNamespace
from typing import Any

import pytest
import ray.tune.progress_reporter
from ray.tune.callback import CallbackList

from study.search.forgetting import Ended, forget, silent


class Held:
    """A trial as Tune has it: hashed and compared by what it is."""

    def __init__(self, name: str) -> None:
        self.trial_id, self.finished = name, False

    def is_finished(self) -> bool:
        return self.finished


def controller(*trials: Held) -> Any:
    sets = {name: set(trials) for name in ("_live_trials", "_stopped_trials", "_failed_trials", "_trials_to_cache")}
    return SimpleNamespace(_trials=list(trials), _trial_metadata={one.trial_id: "{}" for one in trials}, **sets)


def test_one_trial_is_gone_from_every_collection_and_the_others_stay() -> None:
    gone, stays = Held("a"), Held("b")
    tune = controller(gone, stays)
    forget(tune, gone)
    assert tune._trials == [stays]
    assert tune._trial_metadata == {"b": "{}"}
    assert all(held == {stays} for name, held in vars(tune).items() if isinstance(held, set))


def test_a_trial_that_is_not_held_is_no_error() -> None:
    tune = controller(Held("a"))
    forget(tune, Held("b"))
    assert len(tune._trials) == 1


@pytest.mark.parametrize("tune", [SimpleNamespace(), SimpleNamespace(_trials=None, _stopped_trials=3, _live_trials=())])
def test_a_controller_of_another_make_is_left_as_it_is(tune: Any) -> None:
    before = dict(vars(tune))
    forget(tune, Held("a"))
    assert vars(tune) == before


def test_a_trial_is_forgotten_once_tune_has_ended_it() -> None:
    one = Held("a")
    tune, ended = controller(one), Ended()
    ended.add(tune, one)
    ended.forget()
    assert tune._trials == [one]
    one.finished = True
    ended.forget()
    assert tune._trials == []


def test_tune_takes_the_silent_callback_for_its_own() -> None:
    (callback,) = silent()
    assert isinstance(callback, ray.tune.progress_reporter.TrialProgressCallback)
    told = CallbackList([callback])
    before = repr(vars(callback))
    held: Any = Held("a")
    told.on_trial_result(iteration=1, trials=[held], trial=held, result={"done": True})
    told.on_trial_error(iteration=1, trials=[held], trial=held)
    told.on_trial_complete(iteration=1, trials=[held], trial=held)
    assert repr(vars(callback)) == before


def test_without_such_a_class_there_is_no_callback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(ray.tune.progress_reporter, "TrialProgressCallback")
    assert silent() == []
