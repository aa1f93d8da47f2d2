"""The watch on Ray's servers, which stand-ins that listen or do not play here."""

from __future__ import annotations

import socket
import threading
import time
from types import SimpleNamespace

import pytest
import ray

from study.cluster import watch
from study.cluster.watch import RayWatch


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "PAUSE", 0.02)
    monkeypatch.setattr(watch, "PATIENCE", 0.2)


def server() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def standing(monkeypatch: pytest.MonkeyPatch, head: socket.socket, raylet: socket.socket) -> None:
    """Ray's servers are these."""
    host, port = head.getsockname()
    monkeypatch.setattr(ray, "get_runtime_context", lambda: SimpleNamespace(gcs_address=f"{host}:{port}"))
    dead = {"Alive": False, "NodeManagerAddress": "127.0.0.1", "NodeManagerPort": 1}
    alive = {"Alive": True, "NodeManagerAddress": host, "NodeManagerPort": raylet.getsockname()[1]}
    monkeypatch.setattr(ray, "nodes", lambda: [dead, alive])


@pytest.mark.parametrize("dies", ["head", "raylet"])
def test_a_server_that_dies_is_told_once(monkeypatch: pytest.MonkeyPatch, dies: str) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    servers = {"head": server(), "raylet": server()}
    standing(monkeypatch, **servers)
    told: list[float] = []
    gone = threading.Event()
    with RayWatch(lambda: (told.append(time.monotonic()), gone.set())[0]):
        assert not gone.wait(0.5)
        servers[dies].close()
        ended = time.monotonic()
        assert gone.wait(10)
        time.sleep(0.3)
    (when,) = told
    assert when - ended >= 0.1
    for one in servers.values():
        one.close()


def test_nothing_is_told_after_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    servers = {"head": server(), "raylet": server()}
    standing(monkeypatch, **servers)
    told: list[None] = []
    with RayWatch(lambda: told.append(None)):
        pass
    for one in servers.values():
        one.close()
    time.sleep(0.4)
    assert not told


def test_of_a_cluster_the_head_alone_is_watched_and_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    monkeypatch.setattr(watch, "LONGEST", 0.6)
    servers = {"head": server(), "raylet": server()}
    standing(monkeypatch, **servers)
    gone = threading.Event()
    with RayWatch(gone.set):
        servers["raylet"].close()
        assert not gone.wait(0.4)
        servers["head"].close()
        assert not gone.wait(0.3)
        assert gone.wait(10)
