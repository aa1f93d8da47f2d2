"""Tune's cache of idle workers, as Ray has it, keeps as many as a study has."""

from types import SimpleNamespace
from typing import Any

import pytest
from ray.tune.utils.object_cache import _ObjectCache

from study.search.idle_workers import keep

TRIAL = SimpleNamespace(placement_group_factory="1 CPU")


def left(cache: Any) -> list[str]:
    """Two workers fall idle; those that Tune has after its next step."""
    idle = [name for name in ("a", "b") if cache.cache_object(TRIAL.placement_group_factory, name)]
    ended = list(cache.flush_cached_objects())
    return [name for name in idle if name not in ended]


def test_tune_keeps_one_idle_worker_and_with_us_all() -> None:
    assert left(_ObjectCache()) == ["a"]
    cache: Any = _ObjectCache()
    keep(SimpleNamespace(_actor_cache=cache), TRIAL, 2)
    assert left(cache) == ["a", "b"]
    assert sorted(cache.flush_cached_objects(force_all=True)) == ["a", "b"]  # as at the study's end


@pytest.mark.parametrize("controller", [SimpleNamespace(), SimpleNamespace(_actor_cache={})])
def test_a_controller_of_another_make_is_left_as_it_is(controller: Any) -> None:
    before = dict(vars(controller))
    keep(controller, TRIAL, 2)
    assert vars(controller) == before
