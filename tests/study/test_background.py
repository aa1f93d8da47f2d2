import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from study.background import BackgroundCall


def test_it_gives_the_result_or_the_error() -> None:
    started = threading.Event()
    slow = BackgroundCall(lambda number: started.wait(10) and number + 1, 41)
    started.set()
    assert slow() == 42

    def fail() -> None:
        raise FileNotFoundError("no data")

    with pytest.raises(FileNotFoundError, match="no data"):
        BackgroundCall(fail)()


def test_it_is_waited_for_again_after_a_signal_broke_off_the_wait() -> None:
    signalled = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    waited = threading.Event()
    call = BackgroundCall(lambda: waited.wait(10) and 42)
    signalled.start()
    with pytest.raises(KeyboardInterrupt):
        call()
    threading.Timer(0.2, waited.set).start()
    assert call() == 42


def test_its_thread_lives_as_long_as_it_is_told_to() -> None:
    over, before = threading.Event(), threading.active_count()
    assert BackgroundCall(lambda: 42, until=over)() == 42
    assert threading.active_count() == before + 1
    over.set()
    while threading.active_count() > before:
        time.sleep(0.01)


BUSY = """
import sys, threading
import torch
from study.background import BackgroundCall
begun = threading.Event()
def learn():
    weights = torch.ones(200, 200, requires_grad=True)
    while True:
        (weights @ weights).sum().backward()
        begun.set()
call = BackgroundCall(learn)
begun.wait()
print("leaves")
sys.exit(7)
"""


def test_a_process_that_ends_while_it_is_within_torch_has_its_own_exit_status() -> None:
    for _ in range(3):  # where Python ends the thread is chance
        done = subprocess.run([sys.executable, "-c", BUSY], capture_output=True, text=True, timeout=100, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (7, "leaves\n", "")


def test_what_does_not_end_with_the_process_is_left() -> None:
    stuck = BUSY.replace("    while True", "    begun.set(); threading.Event().wait()\n    while True")
    stuck = stuck.replace("call =", "import study.background; study.background.PATIENCE = 0.1\ncall =")
    done = subprocess.run([sys.executable, "-c", stuck], capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "leaves\n", "")
