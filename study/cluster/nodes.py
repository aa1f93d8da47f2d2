"""Whether the nodes of a cluster can do a study's work, asked before the first trial."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import ray
from ray.exceptions import GetTimeoutError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ganstudy import taken
from study.config.messages import ConfigError
from study.storage import data_set, lease
from study.storage.data_set import DataAt
from study.storage.store import Store, store_at

PATIENCE = 120.0  # seconds that a node gets to start a process and install its environment
SHOWN = 4  # nodes named


def check_nodes(store: Store, session: str, data: Mapping[str, Any], at: DataAt) -> None:
    """Raise `ConfigError` naming nodes that do not see the store or the data, or cannot import our packages.

    A node that joins later is not asked; its workers check for themselves. One that is lost meanwhile is ignored.
    """
    nodes = _alive()
    asked = {name: _ask(node, store.place, session, data, at) for name, node in nodes.items()}
    ray.wait(list(asked.values()), num_returns=len(asked), timeout=PATIENCE)
    answers = {name: _answer(reference) for name, reference in asked.items()}
    still = _alive() if any(answers.values()) else {}
    blind = [f"{name}: {answer}" for name, answer in answers.items() if answer and name in still]
    if blind:
        more = f"\n… and {len(blind) - SHOWN} more nodes" if len(blind) > SHOWN else ""
        raise ConfigError("\n".join(blind[:SHOWN]) + more)


def _alive() -> dict[str, dict[str, Any]]:
    """The nodes that trials can run on, by address and the beginning of their ids."""
    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]  # type: ignore[no-untyped-call]
    return {f"{node['NodeManagerAddress']} {node['NodeID'][:6]}": node for node in nodes}


def _ask(node: dict[str, Any], *question: Any) -> Any:
    there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
    remote: Callable[..., Any] = ray.remote(num_cpus=0, max_retries=1)(cast("Any", _check))
    task: Any = remote
    return task.options(scheduling_strategy=there).remote(*question)


def _answer(reference: Any) -> str | None:
    """What is wrong with a node; None if nothing is."""
    try:
        found: str | None = ray.get(reference, timeout=0)
    except GetTimeoutError:
        return (
            f"expected an answer within {PATIENCE:.0f} s, got none; is it busy with something else, or still installing"
            " what the job needs? Try again then"
        )
    except Exception as error:  # whatever keeps a node from running a function of this package
        return f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
    return found


def _check(place: str, session: str, data: Mapping[str, Any], at: DataAt) -> str | None:
    try:
        lease.check(store_at(place), session)
    except (lease.StorageError, ImportError) as error:
        return str(error)
    return taken() or data_set.refusal(data, at)
