"""Functions in forks: what they return and raise, those that hang, and those that are killed."""

from __future__ import annotations

import time
from pathlib import Path

import forks
import pytest


def raising() -> None:
    raise ValueError("this")


def test_a_result_and_an_exception_come_back() -> None:
    assert forks.call(lambda: {"a": 1}) == {"a": 1}
    with pytest.raises(RuntimeError, match="ValueError: this"):
        forks.call(raising)


def test_one_that_does_not_end_is_killed() -> None:
    with pytest.raises(forks.Hung, match="not done after 0 s"):
        forks.call(lambda: time.sleep(60), seconds=0.1)


def test_a_command_in_a_fork_ends_with_its_status_or_by_a_kill(tmp_path: Path) -> None:
    def speaking() -> int:
        print("hello")
        return 3

    assert forks.ended(forks.begin(speaking, tmp_path / "log"), 10) == 3
    assert (tmp_path / "log").read_text() == "hello\n"
    process = forks.begin(lambda: time.sleep(60) or 0, tmp_path / "log")
    assert forks.ended(process, 0.1) is None
    forks.end(process)
