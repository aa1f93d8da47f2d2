"""What the campaign's studies run in: here a clock that jumps."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from surroundings import OFFSET, clock_variables, missing

CODE = """
import datetime, threading, time
began = time.monotonic()
time.sleep(0.01), threading.Event().wait(0.01)
print(time.time(), datetime.datetime.now().timestamp(), time.monotonic() - began)
"""


@pytest.mark.skipif("clock" in missing(), reason="no clock can be made to jump here")
def test_pythons_time_of_day_is_shifted_and_no_monotonic_clock(tmp_path: Path) -> None:
    variables, seconds = clock_variables(tmp_path), -40_000_000
    (tmp_path / OFFSET).write_bytes(seconds.to_bytes(8, sys.byteorder, signed=True))
    program = [sys.executable, "-S", "-c", CODE]
    said = subprocess.run(program, env={**os.environ, **variables}, capture_output=True, text=True, check=True).stdout
    of_time, of_datetime, passed = map(float, said.split())
    assert of_time - time.time() == pytest.approx(seconds, abs=60)
    assert of_datetime == pytest.approx(of_time, abs=60)
    assert 0.02 <= passed < 60
