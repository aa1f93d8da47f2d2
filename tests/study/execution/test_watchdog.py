"""The limit ends its own process, so it is tried in processes of their own."""

import subprocess
import sys
import time

import pytest

from study.execution.watchdog import TIMED_OUT, time_limit

PYTHON_HANGS = """
import time
from study.execution.watchdog import time_limit
def waiting_for_godot():
    time.sleep(60)
with time_limit(0.3, lambda text: print(text, flush=True)):
    waiting_for_godot()
"""
C_HANGS = """
import ctypes
from study.execution import watchdog
watchdog.GRACE = 0.5
with watchdog.time_limit(0.3, print):
    ctypes.PyDLL(None).sleep(60)  # keeps Python's lock, as a hanging extension may
"""
LAST_WORDS_FAIL = """
import time
from study.execution.watchdog import time_limit
def refuse(text):
    raise OSError("no space")
with time_limit(0.3, refuse):
    time.sleep(60)
"""


def ended(program: str) -> tuple[int, str, str]:
    started = time.monotonic()
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False)
    assert time.monotonic() - started < 30
    return process.returncode, process.stdout, process.stderr


def test_a_hanging_process_ends_and_says_where_it_was() -> None:
    status, out, _ = ended(PYTHON_HANGS)
    assert status == TIMED_OUT
    assert "waiting_for_godot" in out


def test_a_process_that_hangs_with_pythons_lock_ends_too() -> None:
    status, _, errors = ended(C_HANGS)
    assert status == 1
    assert "Timeout" in errors


def test_before_exit_that_fail_keep_nobody_alive() -> None:
    assert ended(LAST_WORDS_FAIL)[0] == TIMED_OUT


@pytest.mark.parametrize("seconds", [None, 0.2])
def test_a_block_that_ends_in_time_is_left_alone(seconds: float | None) -> None:
    with time_limit(seconds, pytest.fail):
        pass
    time.sleep(0.4)
