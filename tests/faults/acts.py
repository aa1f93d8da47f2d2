"""What may befall a study while it runs: a table of acts, by the surroundings in which each is done."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil
from disturbance import LONGEST_PAUSE, TRACEBACK, Disturbance, end
from subject import command

STARTING = 9.0  # seconds within which a driver that has just been started is killed
STOPPED = 10.0  # seconds that a process stands still at most; Ray's own patience is 30
JUMPS = (
    -40_000_000,
    -90_000,
    -3700,
    -5,
    5,
    3700,
    90_000,
    40_000_000,
)  # seconds by which a clock jumps: up to a year and more
LEFT = 20_000  # bytes that a driver may still append to a file, where their number is limited
UNHEARD = (0, 1, 130, -signal.SIGTERM, -signal.SIGHUP, -signal.SIGUSR1, -signal.SIGINT)  # before a handler is there


def worker(d: Disturbance) -> bool:
    """SIGKILL a worker."""
    found, rows = d.workers(), d.subject.look()
    if not found:
        return False
    d.strike("worker", lambda: len(d.workers()) >= len(found) and d.subject.look() > rows)
    d.hit()
    end(d.chance.choice(found))
    return True


def driver(d: Disturbance) -> bool:
    """SIGKILL the driver; half of the time what it leaves behind meets its successor."""
    d.strike("driver")
    _kill(d)
    d.start()
    return True


def resuming(d: Disturbance) -> bool:
    """SIGKILL the driver, and its successor in its first seconds."""
    d.strike("driver")
    _kill(d)
    d.start()
    d.pause(d.chance.uniform(0, STARTING))
    d.strike("resume")
    _kill(d)
    d.start()
    return True


def server(d: Disturbance) -> bool:
    """SIGKILL MLflow's server; it comes back seconds later."""
    position = d.sent()
    d.strike("server", lambda: d.sent() > position)
    d.around.outage(d.chance)
    return True


def node(d: Disturbance) -> bool:
    """SIGKILL a node of the cluster, its workers included; another comes seconds later."""
    workers, rows = len(d.workers()), d.subject.look()
    d.strike("node", lambda: len(d.workers()) >= workers and d.subject.look() > rows)
    d.hit()
    d.around.outage(d.chance)
    return True


def head(d: Disturbance) -> bool:
    """SIGKILL the raylet, or the head, of the driver's own Ray: the session ends by itself and says so."""
    if not (found := _servers(d)):
        return False
    d.strike("raylet or head")
    end(d.chance.choice(found))
    d.again(0, 1)
    return True


def still(d: Disturbance) -> bool:
    """SIGSTOP the driver, a worker or a server of its Ray, and SIGCONT seconds later."""
    found = [psutil.Process(d.subject.driver.pid), *d.workers(), *_servers(d)]
    d.strike("SIGSTOP, then SIGCONT")
    with suppress(psutil.NoSuchProcess):
        (one := d.chance.choice(found)).suspend()
        time.sleep(d.chance.uniform(1, STOPPED))
        one.resume()
    return True


def still_and_killed(d: Disturbance) -> bool:
    """SIGSTOP the driver, and SIGKILL seconds later."""
    d.strike("SIGSTOP, then SIGKILL")
    d.subject.driver.send_signal(signal.SIGSTOP)
    time.sleep(d.chance.uniform(0, LONGEST_PAUSE))
    _kill(d)
    d.start()
    return True


def signalled(name: str, *signals: signal.Signals, group: bool = False) -> Callable[[Disturbance], bool]:
    """The act of sending signals within a second, to the driver or to its process group: the session ends in order."""

    def act(d: Disturbance) -> bool:
        d.strike(name)
        for number in signals:
            with suppress(ProcessLookupError):
                (os.killpg if group else os.kill)(d.subject.driver.pid, number)
            time.sleep(d.chance.uniform(0, 1))
        d.again(*UNHEARD)
        return True

    return act


def second_driver(d: Disturbance) -> bool:
    """`resume` of a study that is running: refused, with the holder named."""
    d.strike("second driver")
    found = command("resume", d.subject.folder)
    if d.subject.running and (found.returncode != 2 or "is being run in this folder by process" not in found.stderr):
        d.wrong.append(f"a second driver ended with {found.returncode}: {found.stderr[-500:]}")
    return True


def moved(d: Disturbance) -> bool:
    """Move the study's folder, half of the time under its running driver; it goes on from where it is now."""
    under_way = d.chance.random() < 0.5
    d.strike("folder moved while it runs" if under_way else "folder moved")
    if not under_way:
        _kill(d)
    old, new = d.subject.folder, d.subject.folder.with_name(f"{d.subject.folder.name}m")
    old.rename(new)
    if under_way:
        d.pause(d.chance.uniform(0, LONGEST_PAUSE))
        d.subject.driver.send_signal(signal.SIGTERM)
        d.subject.wait()
        shutil.rmtree(old, ignore_errors=True)
    d.subject.folder = new
    d.start()
    return True


def part_deleted(d: Disturbance) -> bool:
    """Delete checkpoints, the record or the note of how far MLflow was told, while the study runs."""
    d.strike("parts deleted")
    for name in d.chance.choice((["trials"], ["history.parquet", "trials.parquet"], ["tracking.json"], ["features"])):
        place = d.subject.folder / name
        shutil.rmtree(place, ignore_errors=True)
        with suppress(OSError):
            place.unlink(missing_ok=True)
    return True


def deleted(d: Disturbance) -> bool:
    """Delete the whole folder while the study runs: the session ends by itself, and the study begins anew."""
    d.strike("folder deleted")
    gone = d.subject.folder.with_name("gone")
    d.subject.folder.rename(gone)
    shutil.rmtree(gone)
    d.subject.seen.clear()
    d.subject.wait()
    shutil.rmtree(d.subject.folder, ignore_errors=True)
    d.start()
    return True


def limited(d: Disturbance) -> bool:
    """Limit the size of the driver's files (RLIMIT_FSIZE) to what its ledger has, and a little more."""
    d.strike("file size limit")
    largest = max((path.stat().st_size for path in d.subject.folder.glob("ledger/*.jsonl")), default=0)
    with suppress(psutil.NoSuchProcess):
        psutil.Process(d.subject.driver.pid).rlimit(
            resource.RLIMIT_FSIZE, (largest + d.chance.randrange(LEFT), resource.RLIM_INFINITY)
        )
    d.again(0, 1)
    return True


def full(d: Disturbance) -> bool:
    """Fill the study's disk; it is emptied once the session has ended, or after a while."""
    assert d.around.disk is not None
    d.strike("full disk")
    filler = fill(d.around.disk)
    until = time.monotonic() + d.chance.uniform(1, 30)
    while d.subject.running and time.monotonic() < until:
        time.sleep(0.1)
    filler.unlink()
    return _gone_on(d)


def read_only(d: Disturbance) -> bool:
    """Make the disk read-only between two sessions (a busy one cannot be): all that is tried on it is refused."""
    assert d.around.disk is not None
    d.strike("read-only disk")
    d.subject.kill()
    d.subject.sweep()
    _remount(d.around.disk, "ro")
    for words, expected in (("status", 0), ("resume", 2), ("report", 2)):
        found = command(words, d.subject.folder)
        if found.returncode != expected or TRACEBACK in found.stderr or (expected and not found.stderr):
            d.wrong.append(f"{words} on a read-only disk ended with {found.returncode}: {found.stderr[-500:]}")
    _remount(d.around.disk, "rw")
    d.start()
    return True


def clock(d: Disturbance) -> bool:
    """Let the clock of all the study's processes jump."""
    d.strike("clock jump")
    d.around.clock(d.chance.choice(JUMPS))
    return True


class Act(NamedTuple):
    """An act, where it is done, and its share of 50 blows."""

    do: Callable[[Disturbance], bool]
    where: str
    share: int


ACTS = {
    "worker": Act(worker, "cluster", 8),
    "driver": Act(driver, "cluster", 2),
    "resume": Act(resuming, "cluster", 2),
    "node": Act(node, "cluster", 4),
    "SIGSTOP, then SIGCONT": Act(still, "cluster", 2),
    "SIGSTOP, then SIGKILL": Act(still_and_killed, "cluster", 1),
    "SIGHUP": Act(signalled("SIGHUP", signal.SIGHUP), "cluster", 1),
    "SIGUSR1": Act(signalled("SIGUSR1", signal.SIGUSR1), "cluster", 1),
    "SIGINT twice": Act(signalled("SIGINT twice", signal.SIGINT, signal.SIGINT), "cluster", 1),
    "second driver": Act(second_driver, "cluster", 1),
    "folder moved": Act(moved, "cluster", 1),
    "parts deleted": Act(part_deleted, "cluster", 1),
    "file size limit": Act(limited, "cluster", 1),
    "server": Act(server, "alone", 3),
    "worker of its own Ray": Act(worker, "alone", 3),
    "driver with its own Ray": Act(driver, "alone", 1),
    "raylet or head": Act(head, "alone", 1),
    "still Ray": Act(still, "alone", 1),
    "SIGTERM to the group": Act(signalled("SIGTERM to the group", signal.SIGTERM, group=True), "alone", 1),
    "clock jump": Act(clock, "clock", 3),
    "folder deleted": Act(deleted, "clock", 1),
    "full disk": Act(full, "disk", 1),
    "read-only disk": Act(read_only, "disk", 1),
}


def fill(disk: Path) -> Path:
    """Leave no byte of a disk free; the file that takes them."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        for size in (2**20, 4096, 1):
            with suppress(OSError):
                while file.write(bytes(size)) == size:
                    pass
    return filler


def _kill(d: Disturbance) -> None:
    d.subject.kill()
    if d.chance.random() < 0.5:
        d.subject.sweep()


def _servers(d: Disturbance) -> list[psutil.Process]:
    """The servers of the driver's own Ray."""
    with suppress(psutil.NoSuchProcess):
        below = psutil.Process(d.subject.driver.pid).children(recursive=True)
        return [process for process in below if _name(process) in ("raylet", "gcs_server")]
    return []


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""


def _gone_on(d: Disturbance) -> bool:
    """Whether the session survived or not, the study goes on."""
    if not d.subject.running:
        d.again(0, 1)
    return True


def _remount(disk: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", str(disk)], check=True, capture_output=True)
