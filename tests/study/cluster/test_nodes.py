"""What is asked of a cluster's nodes, here of one; clusters of several are in tests/cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import ray
from ray.exceptions import GetTimeoutError

from study.cluster import nodes
from study.config.messages import ConfigError
from study.storage import lease
from study.storage.data_set import FROM_SETTINGS, DataAt
from study.storage.store import Store, store_at

pytestmark = [pytest.mark.usefixtures("shared_ray"), pytest.mark.xdist_group("ray")]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store that the session `mine` holds."""
    found = store_at(str(tmp_path))
    lease.write(found, lease.new("a study", "mine"))
    return found


def after(monkeypatch: pytest.MonkeyPatch, *lists: list[dict[str, Any]]) -> None:
    """Let Ray tell of one list of nodes after the other."""
    told = iter(lists)
    monkeypatch.setattr(ray, "nodes", lambda: next(told))


def check(store: Store, session: str, data: dict[str, Any] | None = None, at: DataAt = FROM_SETTINGS) -> None:
    nodes.check_nodes(store, session, data or {"name": "ring"}, at)


def test_nodes_that_see_the_store_pass(store: Store) -> None:
    check(store, "mine")


def test_a_node_that_does_not_see_the_store_is_named(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^\S+ [0-9a-f]{6}: .* was taken over by process"):
        check(store, "another")
    with pytest.raises(ConfigError, match=r"does not see the study's files in .*elsewhere; give resources.storage"):
        check(store_at(str(tmp_path / "elsewhere")), "mine")


def test_a_node_that_is_lost_while_it_is_asked_is_not_missed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    there = ray.nodes()  # type: ignore[no-untyped-call]
    lost = {**there[0], "NodeID": "ab" * 28}
    after(monkeypatch, [*there, lost], [*there, lost])
    with pytest.raises(ConfigError, match="ababab: TaskUnschedulableError"):
        check(store, "mine")
    after(monkeypatch, [*there, lost], there)
    check(store, "mine")


def test_a_node_that_does_not_answer_in_time_is_told_what_may_keep_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: Any, **__: Any) -> None:
        raise GetTimeoutError("Get timed out: some object(s) not ready.")

    monkeypatch.setattr(ray, "get", late)
    said = nodes._answer(None)
    assert said is not None
    assert said.startswith("expected an answer within 120 s, got none; is it busy with something else")


def test_a_node_where_another_module_has_our_name_is_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "taken", lambda: "analysis: expected ganstudy's own package")
    assert nodes._check(store.place, "mine", {}, FROM_SETTINGS) == "analysis: expected ganstudy's own package"


def test_a_node_that_does_not_see_the_data_is_named_unless_it_gets_a_copy(store: Store, tmp_path: Path) -> None:
    data = {"name": "mnist", "root": str(tmp_path / "nowhere")}
    with pytest.raises(
        ConfigError, match=r"^\S+ [0-9a-f]{6}: data\.root: mnist is not under .* set resources\.storage"
    ):
        check(store, "mine", data, DataAt(None, "0" * 64))
    check(store, "mine", data, DataAt("data/copy.safetensors", "0" * 64))
