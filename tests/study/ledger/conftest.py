"""A whole entry of every kind."""

from __future__ import annotations

import pytest

from study.ledger.entries import KINDS, Ended, Entry, Floor, Look, LookedAt, Planned, Result, Session, Stopped

SESSION = Session(
    time=1.5, session="a", config={"study": "x"}, versions={"torch": "2"}, hardware={"cpus": 2}, pid=7,
    code={"my_loss": "0f"}, own={"own.blur": {"better": "low", "meaning": "How blurred."}},
    data={"name": "ring", "digest": "0f", "origin": "drawn from its settings", "train": 9, "shape": [2]},
    changes=["a is b"],
)  # fmt: skip
STOPPED = Stopped(time=1.5, reason="SIGTERM")
FLOOR = Floor(time=1.5, values={"fid": 0.25}, spread={"fid": 0.01}, classifier={"accuracy": 0.98, "seed": 0})
LOOK = Look(
    time=1.5, number=0, level=0.225, planned=4, extents={"a": (2, 8), "b": (2, 8)},
    pairs=[LookedAt("a", "b", 0.5, None)], open=["a", "b"], more_seeds=False,
)  # fmt: skip
PLANNED = Planned(time=1.5, phase="search", arm="a", index=3, config={"lr": 0.5}, spec={"model": "gan"}, seeds=[4, 5])
RESULT = Result(
    time=1.5, phase="search", arm="a", index=3, seeds=[4, 5], step=10, wall_time=2.0,
    columns={"diverged": [False, True], "diverged_step": [None, 7],
             "fid": [1.0, None], "mode_histogram": [[1, 2], None]},
    pictures="trials/search-a-0003/pictures/00000010.npz",
)  # fmt: skip
ENDED = Ended(time=1.5, phase="confirm", arm="a", index=3, status="failed", message="no", outcomes=["failed"] * 2)


@pytest.fixture(scope="session")
def entry_of() -> dict[str, Entry]:
    """An entry of each kind, by its kind; those of trials are of trial 3 of arm `a`, which has seeds 4 and 5."""
    return {entry.kind: entry for entry in (SESSION, STOPPED, FLOOR, LOOK, PLANNED, RESULT, ENDED)}


@pytest.fixture(params=[kind.kind for kind in KINDS])
def entry(request: pytest.FixtureRequest, entry_of: dict[str, Entry]) -> Entry:
    """Every entry of `entry_of` in turn."""
    return entry_of[request.param]
