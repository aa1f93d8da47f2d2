import copy
import os
import pickle
import signal
import threading
from collections.abc import Iterator

import pytest

from study.execution.interruption import SIGNALS, Interruption


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """No signal is ignored, as SIGHUP is where the tests run under nohup."""
    ignored = [number for number in SIGNALS if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_asks_the_loop_to_end_and_the_second_insists(number: signal.Signals) -> None:
    with Interruption() as interruption, interruption.loop():
        os.kill(os.getpid(), number)
        assert interruption.stop_all()
        assert not interruption("trial", {})
        assert interruption.signal == number.name
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)


def test_outside_the_loop_a_signal_interrupts_at_once() -> None:
    with Interruption() as interruption, pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)
    assert interruption.requested


def test_a_hangup_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruption() as interruption:
            os.kill(os.getpid(), signal.SIGHUP)
        assert not interruption.requested
    finally:
        signal.signal(signal.SIGHUP, before)


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with Interruption():
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_they_are_heard_again_after_somebody_else_took_a_signal() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Interruption() as interruption:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        interruption.hear()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


def test_outside_the_main_thread_nothing_is_installed() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    seen: list[object] = []

    def enter() -> None:
        with Interruption():
            seen.extend(signal.getsignal(number) for number in SIGNALS)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == before


def test_tunes_copies_are_the_same_request_and_its_pickles_hold_nothing() -> None:
    interruption = Interruption()
    assert copy.deepcopy({"stop": interruption})["stop"] is interruption
    assert vars(pickle.loads(pickle.dumps(interruption))) == {}
