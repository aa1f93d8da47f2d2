"""A team's server without room: what it cannot keep waits in the study folder, and follows when there is room again."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from study.config.schema import StudyConfig
from study.tracking import Tracker, sync, trouble, waiting
from study.tracking.cursor import Cursor

pytestmark = pytest.mark.xdist_group("mlflow-team")
Trial = Callable[..., list[dict[str, Any]]]
Story = Callable[[Path], Any]
Write = Callable[..., None]


def test_an_artifact_store_that_takes_no_more(
    team: Any, folder: Path, config: StudyConfig, write: Write, trial: Trial, expected: Story, picture_file: str
) -> None:
    """The kernel lets the server write the beginning of a file and no more, as on a disk that fills up."""
    write(*[{**entry, "pictures": picture_file} if entry.get("step") == 20 else entry for entry in trial(0)], *trial(1))
    (folder / "history.parquet").write_bytes(record := os.urandom(5000))
    team.largest_file(1000)
    try:
        assert sync(folder, config, timeout=5.0) == waiting(folder) > 0
        assert "mlflow-artifacts" in str(trouble(folder))
        assert "500" in str(trouble(folder))
    finally:
        team.largest_file(-1)
    assert sync(folder, config) == 0
    assert trouble(folder) is None
    assert team.tracked(config.study) == expected(folder)
    parent = Cursor.load(folder).parent
    (logged,) = team.artifacts.glob(f"*/{parent}/artifacts/history.parquet")
    assert logged.read_bytes() == record
    pictures = list(logged.parents[2].glob("*/artifacts/images/samples+step+20+*"))
    assert len(pictures) == 2
    assert min(path.stat().st_size for path in pictures) > 1000


@pytest.mark.slow
def test_a_database_that_takes_no_writes(
    team: Any, folder: Path, config: StudyConfig, write: Write, trial: Trial, expected: Story
) -> None:
    write(*trial(0)[:2])
    follower = Tracker(folder, config, pace=0.01)
    follower.start()
    assert follower.drain(60) == 0
    others = """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'mlflow' AND pid <> pg_backend_pid()
    """
    settings = "BEGIN; SET TRANSACTION READ WRITE; ALTER ROLE mlflow SET default_transaction_read_only = {}; COMMIT"
    team.database.query(settings.format("on"))
    try:
        team.database.query(others)
        write(*trial(0)[2:], *trial(1), begin=False)
        follower.notify()
        assert follower.drain(3, "FINISHED") == waiting(folder) == 7
        assert "read-only" in str(trouble(folder))
    finally:
        team.database.query(settings.format("off"))
        team.database.query(others)
    assert follower.drain(60) == 0
    follower.close()
    assert trouble(folder) is None
    assert team.tracked(config.study) == expected(folder)
    assert len(team.runs(config.study)) == 4


def fill(path: Path) -> None:
    """Write into a file until its disk is full."""
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    assert os.statvfs(path.parent).f_bavail == 0


@pytest.fixture
def small_disk(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A disk of 120 MB."""
    folder = Path(tempfile.mkdtemp(prefix="ganstudy-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=120m,mode=0711", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        folder.rmdir()
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()


@pytest.mark.slow
def test_a_server_whose_disk_is_full(
    small_disk: Path, team_in: Any, folder: Path, config: StudyConfig, write: Write, trial: Trial, expected: Story,
    picture_file: str, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Database, write-ahead log and artifacts share a disk, and not a byte of it is free."""

    def pictured(index: int) -> list[dict[str, Any]]:
        return [{**entry, "pictures": picture_file} if entry.get("step") == 20 else entry for entry in trial(index)]

    with team_in(small_disk) as team:
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", team.account(os.environ["MLFLOW_TRACKING_USERNAME"]))
        config = config.model_copy(update={"tracking": config.tracking.model_copy(update={"uri": team.address})})
        write(*pictured(0))
        follower = Tracker(folder, config, pace=0.01)
        follower.start()
        assert follower.drain(60) == 0
        ballast = small_disk / "ballast"
        fill(ballast)
        for index in range(1, 40):
            write(*pictured(index), begin=False)
        follower.notify()
        assert follower.drain(10, "FINISHED") == waiting(folder) > 0
        assert trouble(folder) is not None
        ballast.unlink()
        if team.database.process.poll() is not None:  # it ends itself where its log finds no room
            team.database.start()
        assert follower.drain(120) == 0
        follower.close()
        assert team.tracked(config.study) == expected(folder)
        assert len(team.runs(config.study)) == 42
        images = list(team.artifacts.glob("*/*/artifacts/images/samples+step+20+*"))
        assert len(images) == 80
        assert min(path.stat().st_size for path in images) > 1000
