import os
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from study.ledger.ledger import START, Position, end, entries
from study.tracking.cursor import NAME, Cursor, OpenRun, trouble, waiting

CURSOR = Cursor("http://h", Position(2, 50), 7.5, "parent", {"t": OpenRun("run", 1, 20)}, False, "FINISHED", 3, "no")


def test_a_saved_cursor_is_read_back(tmp_path: Path) -> None:
    CURSOR.save(tmp_path)
    assert Cursor.load(tmp_path) == Cursor.load(tmp_path, "http://h") == CURSOR
    assert isinstance(Cursor.load(tmp_path).position, Position)
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_a_cursor_for_another_server_is_not_used(tmp_path: Path) -> None:
    CURSOR.save(tmp_path)
    assert Cursor.load(tmp_path, "http://other") == Cursor("http://other", START)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"server": "x"}', '{"runs": [], "position": [1, 2]}', "\x00"])
def test_a_damaged_cursor_means_beginning_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_text(text)
    assert Cursor.load(tmp_path, "http://h") == Cursor("http://h", START)


def test_a_cursor_larger_than_memory_means_beginning_anew(tmp_path: Path) -> None:
    CURSOR.save(tmp_path)
    os.truncate(tmp_path / NAME, 2**40)  # the rest is a hole
    assert Cursor.load(tmp_path, "http://h") == Cursor("http://h", START)


def test_a_kill_while_writing_leaves_the_former_cursor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    CURSOR.save(tmp_path)
    monkeypatch.setattr(os, "fsync", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        replace(CURSOR, time=8.0).save(tmp_path)
    assert Cursor.load(tmp_path) == CURSOR


def test_waiting_counts_what_lies_behind_the_cursor(folder: Path, write: Callable[..., None]) -> None:
    write()
    assert waiting(folder) == 10
    positions = [position for position, _ in entries(folder)]
    Cursor("", positions[6]).save(folder)
    assert waiting(folder) == 3
    Cursor("", positions[-1], owed="FINISHED").save(folder)
    assert waiting(folder) == 1


def test_a_line_that_holds_no_entry_does_not_wait(folder: Path, write: Callable[..., None]) -> None:
    write()
    Cursor("", end(folder)).save(folder)
    text = b'{"kind": "ended", "status": 3}'
    with (folder / "ledger" / "0001.jsonl").open("ab") as segment:
        segment.write(b"%08x %s\n" % (zlib.crc32(text), text))
    assert waiting(folder) == 0


def test_waiting_needs_a_ledger(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no study there"):
        waiting(tmp_path)


def test_trouble_is_the_last_error_or_what_was_refused(tmp_path: Path) -> None:
    assert trouble(tmp_path) is None
    replace(CURSOR, trouble=None).save(tmp_path)
    assert trouble(tmp_path) == "MLflow refused 3 ledger entries"
    CURSOR.save(tmp_path)
    assert trouble(tmp_path) == "no"
