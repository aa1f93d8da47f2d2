import itertools
import random
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from study.config.schema import StudyConfig
from study.ledger.entries import Session
from study.ledger.ledger import Ledger
from study.ledger.validation import from_json
from study.tracking import Tracker, mlflow_study, sync, tracker, trouble, waiting
from study.tracking.cursor import NAME, Cursor

MlflowClient = mlflow_study.MlflowClient  # type: ignore[attr-defined]

Write = Callable[..., None]
Trial = Callable[..., list[dict[str, Any]]]
Story = Callable[[Path], Any]
WRITES = (
    "create_experiment",
    "create_run",
    "log_batch",
    "log_artifact",
    "log_artifacts",
    "update_run",
    "set_terminated",
)


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the tracker catches it."""


def intercept(monkeypatch: pytest.MonkeyPatch, before: Callable[[str], None], after: Callable[[str], None]) -> None:
    """Run something before and after every request that changes MLflow, and every save of the cursor."""

    def wrapped(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def around(*args: Any, **options: Any) -> Any:
            before(name)
            result = call(*args, **options)
            after(name)
            return result

        return around

    for name in WRITES:
        monkeypatch.setattr(MlflowClient, name, wrapped(name, getattr(MlflowClient, name)))
    monkeypatch.setattr(Cursor, "save", wrapped("save", Cursor.save))


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def levels(folder: Path) -> dict[str, int]:
    """How many active runs there are of each level."""
    query = """SELECT value, count(*) FROM tags JOIN runs USING (run_uuid)
        WHERE key = 'level' AND lifecycle_stage = 'active' GROUP BY value"""
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        return dict(database.execute(query).fetchall())


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracker, "SHORTEST_PAUSE", 0.001)
    monkeypatch.setattr(tracker, "LONGEST_PAUSE", 0.01)


def test_a_study_is_followed_while_it_runs(
    folder: Path, config: StudyConfig, write: Write, trial: Trial, expected: Story, tracked: Story
) -> None:
    follower = Tracker(folder, config, pace=0.01)
    write(*trial(0)[:2])
    follower.start()
    assert follower.drain(60) == 0
    assert tracked(folder) == expected(folder)
    write(*trial(0)[2:], *trial(1), begin=False)
    follower.notify()
    wait_for(lambda: waiting(folder) == 0)
    assert tracked(folder) == expected(folder)
    assert follower.drain(60, "FINISHED") == 0
    follower.close()
    assert trouble(folder) is None
    assert Cursor.load(folder).runs == {}


def test_importing_the_package_does_not_import_mlflow() -> None:
    import subprocess
    import sys

    code = (
        "import sys, study.tracking; sys.exit(any(m.split('.')[0] in ('mlflow', 'ray', 'torch') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[3]).returncode == 0


def test_the_tracker_makes_the_database_itself(
    tmp_path: Path, config: StudyConfig, trial: Trial, tracked: Story
) -> None:
    with Ledger.open(tmp_path) as ledger:
        ledger.append(Session(config=config.resolved(), time=1.0), *map(from_json, trial(0)))
        assert sync(tmp_path, config) == 0
    assert len(tracked(tmp_path)["search-hinge-0000"]) == 20


def test_a_kill_after_any_request_loses_and_doubles_nothing(
    folder: Path,
    config: StudyConfig,
    write: Write,
    trial: Trial,
    expected: Story,
    tracked: Story,
    picture_file: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The process dies after the n-th request or cursor, for every n there is, and a new one takes over."""
    pictured = [{**entry, "pictures": picture_file} if entry.get("step") == 10 else entry for entry in trial(0)]
    write(*pictured, *trial(1, steps=()))
    (folder / "study.yaml").write_text("study: ring-study")
    for module in (tracker, mlflow_study):
        monkeypatch.setattr(module, "LARGEST", 4)
    calls = itertools.count()
    fatal = -1

    def die(_: str) -> None:
        if next(calls) == fatal:
            raise Killed

    intercept(monkeypatch, lambda _: None, die)
    places = 0
    for fatal in range(100):
        place = folder.with_name(f"killed {fatal}")
        shutil.copytree(folder, place)
        calls = itertools.count()
        killed = False
        for _ in range(2):
            follower = Tracker(place, config)
            try:
                follower._keep(Cursor(follower._cursor.server, owed="FINISHED")) if not killed else None
                follower._catch_up()
                break
            except Killed:
                killed = True
        if not killed:
            break
        places += 1
        assert waiting(place) == 0
        assert tracked(place) == expected(place), f"killed after request {fatal}"
        assert len(list(place.glob("artifacts/*/artifacts/images/*"))) == 2
        assert len(list(place.glob("artifacts/*/artifacts/study.yaml"))) == 1
        assert levels(place) == {"study": 1, "arm": 1, "trial": 2}
        shutil.rmtree(place)
    assert places >= 15


@pytest.mark.parametrize("when", ["before", "after"])
def test_requests_that_fail_are_made_again(
    folder: Path,
    config: StudyConfig,
    write: Write,
    trial: Trial,
    expected: Story,
    tracked: Story,
    monkeypatch: pytest.MonkeyPatch,
    when: str,
) -> None:
    """Two requests in five fail, before they were carried out or only in their answer."""
    calls, chance = itertools.count(), random.Random(0)

    def fail(_: str) -> None:
        next(calls)
        if chance.random() < 0.4:
            raise OSError("no route to http://user:s3cret@host")

    write(*(entry for index in range(3) for entry in trial(index)))
    intercept(monkeypatch, *((fail, lambda _: None) if when == "before" else (lambda _: None, fail)))
    follower = Tracker(folder, config, pace=0.001)
    follower.start()
    assert follower.drain(60, "FINISHED") == 0
    follower.close()
    assert next(calls) > 20
    assert tracked(folder) == expected(folder)


def test_a_server_that_refuses_leaves_the_study_alone_and_is_named(
    folder: Path, config: StudyConfig, write: Write, monkeypatch: pytest.MonkeyPatch, expected: Story, tracked: Story
) -> None:
    refusing = True

    def refuse(_: str) -> None:
        if refusing:
            raise ConnectionError("refused by http://user:s3cret@host" + 900 * "." + "no route")

    intercept(monkeypatch, lambda name: None if name == "save" else refuse(name), lambda _: None)
    write()
    follower = Tracker(folder, config, pace=0.001)
    follower.start()
    started = time.monotonic()
    for _ in range(1000):
        follower.notify()
    assert time.monotonic() - started < 0.5
    assert follower.drain(0.2, "FINISHED") == 11
    wait_for(lambda: trouble(folder) is not None)
    assert str(trouble(folder)).startswith("ConnectionError: refused by http://***@host....")
    assert str(trouble(folder)).endswith("....no route")
    assert len(str(trouble(folder))) < 550
    assert "s3cret" not in (folder / NAME).read_text()
    refusing = False
    assert follower.drain(60) == 0
    assert trouble(folder) is None
    follower.close()
    assert tracked(folder) == expected(folder)


def test_a_server_that_hangs_holds_nothing_up(
    folder: Path, config: StudyConfig, write: Write, monkeypatch: pytest.MonkeyPatch, expected: Story, tracked: Story
) -> None:
    hanging = threading.Event()

    def hang(name: str) -> None:
        if name != "save":
            hanging.wait(60)

    intercept(monkeypatch, hang, lambda _: None)
    write()
    follower = Tracker(folder, config)
    follower.start()
    started = time.monotonic()
    assert follower.drain(0.2, "KILLED") == 11
    follower.close(0.2)
    assert time.monotonic() - started < 5
    hanging.set()
    follower._thread.join(60)
    assert sync(folder, config) == 0
    assert tracked(folder) == expected(folder)


def test_a_study_does_not_wait_long_at_its_end_for_a_server_that_is_gone(
    folder: Path, config: StudyConfig, write: Write, monkeypatch: pytest.MonkeyPatch, expected: Story, tracked: Story
) -> None:
    """Errors alone end a drain early; a server that takes rows now and then is given the whole time."""
    silence, failing, chance = 0.3, True, random.Random(0)

    def fail(name: str) -> None:
        if name != "save" and (failing or chance.random() < 0.2):
            raise ConnectionError("refused")
        if name == "log_batch":
            time.sleep(0.05)

    monkeypatch.setattr(tracker, "OF_FILE", silence)
    monkeypatch.setattr(tracker, "LARGEST", 1)
    intercept(monkeypatch, fail, lambda _: None)
    write()
    follower = Tracker(folder, config, pace=0.001)
    follower.start()
    started = time.monotonic()
    assert follower.drain(60, "FINISHED") == 11
    assert silence < time.monotonic() - started < 5
    failing = False
    started = time.monotonic()
    assert follower.drain(60) == 0
    assert time.monotonic() - started > silence
    follower.close()
    assert tracked(folder) == expected(folder)


def test_an_unwritable_cursor_is_a_pause_and_not_an_end(
    folder: Path, config: StudyConfig, write: Write, monkeypatch: pytest.MonkeyPatch, expected: Story, tracked: Story
) -> None:
    full, save = True, Cursor.save

    def save_if_there_is_room(self: Cursor, where: Path) -> None:
        if full:
            raise OSError(28, "No space left on device")
        save(self, where)

    monkeypatch.setattr(Cursor, "save", save_if_there_is_room)
    write()
    follower = Tracker(folder, config, pace=0.001)
    follower.start()
    assert follower.drain(0.5) == 10
    full = False
    assert follower.drain(60, "FINISHED") == 0
    follower.close()
    assert tracked(folder) == expected(folder)


def test_an_ending_is_owed_until_it_is_delivered(
    folder: Path, config: StudyConfig, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write()
    follower = Tracker(folder, config)
    follower.start()
    assert follower.drain(60) == 0
    with monkeypatch.context() as patch:
        patch.setattr(mlflow_study.MlflowStudy, "end", lambda *_: 1 / 0)
        assert follower.drain(0.2, "FINISHED") == waiting(folder) == 1
    assert follower.drain(60) == 0
    follower.close()
    assert sync(folder, config) == 0


def test_a_study_moved_to_another_server_is_logged_there_in_full(
    folder: Path,
    config: StudyConfig,
    write: Write,
    expected: Story,
    tracked: Story,
    empty_database: Path,
    tmp_path: Path,
) -> None:
    write()
    assert sync(folder, config) == 0
    there = tmp_path / "there"
    there.mkdir()
    shutil.copy(empty_database, there / "mlflow.db")
    moved = config.model_copy(
        update={"tracking": config.tracking.model_copy(update={"uri": f"sqlite:///{there}/mlflow.db"})}
    )
    assert sync(folder, moved) == 0
    assert tracked(there) == expected(folder) == tracked(folder)


def test_a_tracker_without_a_ledger_waits_for_one(folder: Path, config: StudyConfig, write: Write) -> None:
    follower = Tracker(folder, config, pace=0.01)
    follower.start()
    time.sleep(0.1)
    write()
    follower.notify()
    assert follower.drain(60) == 0
    follower.close()
    assert waiting(folder) == 0
