"""A team's server that is slow, refuses, or dies: rows wait in the ledger, follow later, none twice."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.config.schema import StudyConfig
from study.tracking import Tracker, trouble, waiting

pytestmark = pytest.mark.xdist_group("mlflow-team")
Trial = Callable[..., list[dict[str, Any]]]
Story = Callable[[Path], Any]
Write = Callable[..., None]


@pytest.fixture
def follower(folder: Path, config: StudyConfig, write: Write, trial: Trial) -> Any:
    """A tracker of a study whose first trial is running."""
    write(*trial(0)[:2])
    follower = Tracker(folder, config, pace=0.01)
    follower.start()
    yield follower
    follower.close()


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def check(team: Any, folder: Path, config: StudyConfig, expected: Story) -> None:
    """MLflow holds the ledger's rows and each run once, finished."""
    assert waiting(folder) == 0
    assert trouble(folder) is None
    rows = expected(folder)
    assert team.tracked(config.study) == rows
    assert team.runs(config.study) == [(name, "FINISHED") for name in sorted([config.study, "hinge", *rows])]
    statuses = team.database.query(f"""
        SELECT DISTINCT tags.value FROM tags JOIN runs USING (run_uuid) JOIN experiments USING (experiment_id)
        WHERE tags.key = 'status' AND experiments.name = '{config.study}'
    """)
    assert statuses == [("completed",)]


FAULTS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "refusing": (lambda line: line.cut(), lambda line: line.connect()),
    "unavailable": (lambda line: setattr(line, "unavailable", True), lambda line: setattr(line, "unavailable", False)),
    "stalled": (lambda line: line.flowing.clear(), lambda line: line.flowing.set()),
    "deaf": (lambda line: setattr(line, "deaf", True), lambda line: setattr(line, "deaf", False)),
    "slow": (lambda line: setattr(line, "delay", 0.4), lambda line: setattr(line, "delay", 0.0)),
}


@pytest.mark.parametrize(
    "fault", [fault if fault == "deaf" else pytest.param(fault, marks=pytest.mark.slow) for fault in FAULTS]
)
def test_a_line_that_fails_for_a_while(
    team: Any, line: Any, folder: Path, config: StudyConfig, write: Write, trial: Trial, expected: Story,
    follower: Tracker, fault: str,
) -> None:  # fmt: skip
    """Also where requests reach the server late or only their answers are lost, so that it carries them out twice."""
    until(lambda: waiting(folder) == 0)
    begin, end = FAULTS[fault]
    begin(line)
    started = time.monotonic()
    for index in range(1, 5):
        write(*trial(index), begin=False)
        follower.notify()
    assert time.monotonic() - started < 1.0
    write(*trial(0)[2:], begin=False)
    follower.notify()
    if fault != "slow":
        until(lambda: trouble(folder) is not None)
        assert waiting(folder) > 0
    time.sleep(1.0)
    end(line)
    assert follower.drain(60, "FINISHED") == 0
    check(team, folder, config, expected)


@pytest.mark.slow
@pytest.mark.parametrize("request_", [b"runs/create", b"runs/log-batch", b"runs/update"])
def test_a_request_that_arrives_when_nobody_waits_for_it_any_more(
    team: Any, line: Any, folder: Path, config: StudyConfig, write: Write, trial: Trial, expected: Story,
    follower: Tracker, request_: bytes,
) -> None:  # fmt: skip
    """It was made again meanwhile, and the trial went on and ended: the late one takes nothing back."""
    until(lambda: waiting(folder) == 0)
    line.late = request_
    planned, *rest = trial(1)
    write(planned, begin=False)
    follower.notify()
    until(lambda: waiting(folder) == 0)
    write(*rest, *trial(0)[2:], begin=False)
    follower.notify()
    until(lambda: waiting(folder) == 0)
    line.arrival.set()
    time.sleep(1.0)
    assert line.late == b""
    assert follower.drain(60, "FINISHED") == 0
    check(team, folder, config, expected)


@pytest.mark.parametrize("part", ["server", pytest.param("database", marks=pytest.mark.slow)])
def test_a_part_that_is_killed_and_started_again(
    part: str, team: Any, folder: Path, config: StudyConfig, write: Write, trial: Trial, expected: Story,
    follower: Tracker,
) -> None:  # fmt: skip
    """SIGKILL while it takes rows."""
    victim = team if part == "server" else team.database
    for index in range(1, 11):
        write(*trial(index), begin=False)
    follower.notify()
    until(lambda: len(team.tracked(config.study)) >= 3)
    victim.kill()
    write(*trial(0)[2:], *trial(11), begin=False)
    follower.notify()
    until(lambda: trouble(folder) is not None)
    assert waiting(folder) > 0
    victim.start()
    assert follower.drain(60, "FINISHED") == 0
    check(team, folder, config, expected)


@pytest.mark.slow
def test_a_server_that_stops_answering_for_longer_than_requests_wait(
    team: Any, folder: Path, config: StudyConfig, write: Write, trial: Trial, expected: Story, follower: Tracker
) -> None:
    """SIGSTOP: it carries out afterwards what nobody waits for any more."""
    for round_ in range(5):
        for index in range(1 + 4 * round_, 5 + 4 * round_):
            write(*trial(index), begin=False)
        follower.notify()
        time.sleep(0.1 * round_)
        team.signal(signal.SIGSTOP)
        try:
            write(*trial(100 + round_), begin=False)
            follower.notify()
            until(lambda: trouble(folder) is not None)
        finally:
            team.signal(signal.SIGCONT)
    write(*trial(0)[2:], begin=False)
    assert follower.drain(60, "FINISHED") == 0
    check(team, folder, config, expected)
