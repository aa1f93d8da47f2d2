import errno
import json
import math
import os
import random
import resource
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from study.ledger import ledger
from study.ledger.entries import Ended, Floor, Planned, Session, Stopped
from study.ledger.ledger import START, Ledger, Position

ROOT = Path(__file__).parents[3]
NOTES = [Floor(time=1.5, values={}, classifier={"text": text}) for text in ("one", "zwei", "три")]


def written(folder, *entries):
    with Ledger.open(folder) as book:
        return [book.append(entry) for entry in entries]


def read(folder, **options):
    return [entry for _, entry in ledger.entries(folder, **options)]


def child(code, folder, **options):
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True, **options
    )


def test_entries_come_back_in_order_with_their_positions(tmp_path):
    positions = written(tmp_path, *NOTES)
    assert list(ledger.entries(tmp_path)) == list(zip(positions, NOTES, strict=True))
    assert positions[-1] == ledger.end(tmp_path) == Position(1, (tmp_path / "ledger/0001.jsonl").stat().st_size)


def test_a_line_is_its_checksum_and_json(tmp_path):
    written(tmp_path, Floor(time=2.0, values={"fid": 0.5}, spread={"fid": 0.25}))
    text = (
        b'{"kind": "floor", "time": 2.0, "values": {"fid": 0.5}, "spread": {"fid": 0.25}, "samples": null,'
        b' "classifier": null}'
    )
    # Its CRC-32 is from the trailer that gzip(1) writes.
    assert (tmp_path / "ledger/0001.jsonl").read_bytes() == b"eddc241c " + text + b"\n"


def test_a_message_that_names_a_file_by_bytes_that_are_no_utf8_is_kept(tmp_path):
    named = os.fsdecode(b"no such file: /\xff\xc3\xa9 \\\\ud800 ") + "\U0001f600 é"
    written(tmp_path, Stopped(reason=named), NOTES[0])
    assert read(tmp_path) == [Stopped(reason="no such file: /?é \\\\ud800 \U0001f600 é"), NOTES[0]]


def test_non_finite_numbers_and_numpy_come_back(tmp_path):
    written(tmp_path, Floor(values={"a": np.array([1.0, np.inf]), "count": np.int64(3), "nan": math.nan}))
    [entry] = read(tmp_path)
    assert entry.values["a"] == [1.0, math.inf]
    assert entry.values["count"] == 3
    assert math.isnan(entry.values["nan"])


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.property
@given(st.dictionaries(st.text(), plain, max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_anything_json_survives_its_line(values):
    entry = Planned(phase="search", arm="hinge", index=0, config={"any": values}, spec={}, seeds=[0])
    line = ledger.encode(entry)
    assert line.count(b"\n") == 1
    assert ledger.decode(line) == entry


@pytest.mark.parametrize(
    ("entry", "error", "message"),
    [
        (Floor(values={"fid": {1, 2}}), TypeError, r"set is not JSON: \{1, 2\}"),
        (Floor(values={"fid": "low"}), ValueError, "values.fid: expected a number, got 'low'"),
        (
            Ended(phase="search", arm="../x", index=0, status="failed"),
            ValueError,
            r"arm: expected a name without slashes and spaces, got '\.\./x'",
        ),
    ],
)
def test_what_is_no_entry_is_refused_before_anything_is_written(tmp_path, entry, error, message):
    with Ledger.open(tmp_path) as book:
        with pytest.raises(error, match=message):
            book.append(NOTES[0], entry)
        book.append(NOTES[1])
    assert read(tmp_path) == [NOTES[1]]


def test_a_closed_ledger_takes_nothing(tmp_path):
    book = Ledger.open(tmp_path)
    book.close()
    with pytest.raises(ValueError, match="ledger: closed"):
        book.append(NOTES[0])


def test_several_entries_in_one_append(tmp_path):
    with Ledger.open(tmp_path) as book:
        end = book.append(*NOTES)
    assert read(tmp_path) == NOTES
    assert end == ledger.end(tmp_path)


def test_a_session_has_a_segment_of_its_own_and_one_that_writes_nothing_has_none(tmp_path):
    for entry in NOTES:
        written(tmp_path, entry)
        written(tmp_path)
    assert [number for number, _ in ledger.segments(tmp_path)] == [1, 2, 3]
    assert read(tmp_path) == NOTES


def test_segments_go_by_number_and_other_files_are_left_alone(tmp_path):
    written(tmp_path, NOTES[0])
    folder = tmp_path / "ledger"
    (folder / "0001.jsonl").rename(folder / "9999.jsonl")
    (folder / "notes.jsonl").write_text("not a segment")
    (folder / "0003.jsonl.bak").write_text("nor this")
    written(tmp_path, NOTES[1])
    assert [number for number, _ in ledger.segments(tmp_path)] == [9999, 10000]
    assert read(tmp_path) == NOTES[:2]
    assert [str(place) for place in ledger.damaged(tmp_path).places] == ["0001.jsonl: missing, up to 9998.jsonl"]


def test_segments_are_regular_files(tmp_path):
    written(tmp_path, NOTES[0])
    (tmp_path / "ledger/0002.jsonl").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "ledger/0003.jsonl")
    written(tmp_path, NOTES[1])
    assert read(tmp_path) == NOTES[:2]


def test_a_line_longer_than_any_entry_costs_that_line_and_no_more_memory(tmp_path, monkeypatch):
    written(tmp_path, *NOTES)
    path, longest = tmp_path / "ledger/0001.jsonl", max(map(len, map(ledger.encode, NOTES)))
    monkeypatch.setattr(ledger, "LONGEST", longest)
    first, *others = path.read_bytes().splitlines(keepends=True)
    for length in (longest, longest + 1, 2 * longest, 5 * longest):
        path.write_bytes(b"".join([first, bytes(length), b"\n", *others]))
        assert read(tmp_path) == NOTES
        assert [str(place) for place in ledger.damaged(tmp_path).places] == [
            "0001.jsonl, line 2: torn, or its checksum does not fit"
        ]
        path.write_bytes(bytes(length) + b"\n" + first)
        assert ledger.identity(tmp_path)
        path.write_bytes(first + bytes(length))
        assert read(tmp_path) == NOTES[:1]
        assert ledger.damaged(tmp_path).count == 1
    assert max(len(line) for _, line in ledger._lines(tmp_path, ledger.START, ledger.Damage())) == longest
    with Ledger.open(tmp_path) as book, pytest.raises(ValueError, match=f"expected at most {longest} bytes, got"):
        book.append(Stopped(reason="x" * longest))


def test_a_ledger_cut_at_any_byte_keeps_every_entry_before_the_cut(tmp_path):
    ends = [position.offset for position in written(tmp_path, *NOTES)]
    path = tmp_path / "ledger/0001.jsonl"
    whole = path.read_bytes()
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        kept = sum(end <= cut for end in ends)
        assert read(tmp_path) == NOTES[:kept], cut
        assert ledger.damaged(tmp_path).count == (cut not in (0, *ends)), cut


def test_a_session_after_a_cut_at_any_byte_loses_nothing_more(tmp_path):
    ends = [position.offset for position in written(tmp_path, *NOTES)]
    path = tmp_path / "ledger/0001.jsonl"
    whole = path.read_bytes()
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        (tmp_path / "ledger/0002.jsonl").write_bytes(ledger.encode(Session(config={})))
        kept = sum(end <= cut for end in ends)
        assert [entry.kind for entry in read(tmp_path)] == ["floor"] * kept + ["session"], cut


@pytest.mark.parametrize("bit", range(8))
def test_a_flipped_bit_costs_its_line_alone_and_never_changes_an_entry(tmp_path, bit):
    ends = [0, *(position.offset for position in written(tmp_path, *NOTES))]
    path = tmp_path / "ledger/0001.jsonl"
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
        hit = sum(end <= at for end in ends[1:])
        lost = {hit, hit + 1} if at + 1 in ends else {hit}  # a line without its end swallows the next
        assert read(tmp_path) == [entry for number, entry in enumerate(NOTES) if number not in lost], at
        assert ledger.damaged(tmp_path).count >= 1


def test_a_disk_that_takes_half_a_line_leaves_a_whole_ledger(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Ledger.open(tmp_path) as book:
        first = book.append(NOTES[0])
        resource.setrlimit(resource.RLIMIT_FSIZE, (first.offset + 20, limits[1]))
        try:
            with pytest.raises(OSError, match="File too large"):
                book.append(NOTES[1])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert read(tmp_path) == NOTES[:1]
        assert ledger.damaged(tmp_path).count == 0
        assert book.append(NOTES[2]).segment == 2
    assert read(tmp_path) == [NOTES[0], NOTES[2]]


def refuse(error):
    def fail(*_):
        raise error

    return fail


def half_a_write(write):
    def fail(file, data):
        write(file, data[:9])
        raise OSError(errno.EIO, "I/O")

    return fail


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left"), OSError(errno.EIO, "I/O"), KeyboardInterrupt()]
)
def test_an_append_that_was_not_synced_is_taken_back(tmp_path, monkeypatch, error):
    with Ledger.open(tmp_path) as book:
        book.append(NOTES[0])
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", refuse(error))
            for _ in range(2):  # the second fails while it begins a segment
                with pytest.raises(type(error)):
                    book.append(NOTES[1])
        book.append(NOTES[2])
    assert read(tmp_path) == [NOTES[0], NOTES[2]]
    assert ledger.damaged(tmp_path).count == 0


def test_what_can_wait_is_read_at_once_and_synced_with_the_next(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.fstat(file).st_size))
    with Ledger.open(tmp_path) as book:
        book.append(NOTES[0], durable=False)
        assert read(tmp_path) == [NOTES[0]]
        before = len(synced)
        book.append(NOTES[1])
        assert len(synced) == before + 1
        assert synced[-1] == ledger.end(tmp_path).offset


def test_what_waited_is_written_again_where_its_sync_failed(tmp_path, monkeypatch):
    with Ledger.open(tmp_path) as book:
        book.append(NOTES[0], durable=False)
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", refuse(OSError(errno.EIO, "I/O")))
            with pytest.raises(OSError, match="I/O"):
                book.append(NOTES[1])
        book.append(NOTES[2])
        assert [entry for _, entry in ledger.entries(tmp_path, Position(2, 0))] == [NOTES[0], NOTES[2]]
    assert read(tmp_path) == [NOTES[0], NOTES[0], NOTES[2]]


@pytest.mark.parametrize("deleted", [False, True])
def test_a_folder_that_goes_under_its_writer_is_noticed_and_what_was_acknowledged_goes_with_it(tmp_path, deleted):
    here, there = tmp_path / "here", tmp_path / "there"
    with Ledger.open(here) as book:
        book.append(NOTES[0])
        here.rename(there)
        if deleted:
            (there / "ledger" / "0001.jsonl").unlink()
        for _ in range(2):
            with pytest.raises(FileNotFoundError):
                book.append(NOTES[1])
    assert read(there) == ([] if deleted else NOTES[:1])


def test_the_message_says_that_the_folder_went(tmp_path):
    with Ledger.open(tmp_path / "here") as book:
        book.append(NOTES[0])
        (tmp_path / "here").rename(tmp_path / "there")
        with pytest.raises(FileNotFoundError, match="the study's folder was moved or deleted while the study ran"):
            book.append(NOTES[1])


def test_a_segment_that_is_full_is_synced_before_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(ledger, "SEGMENT", 1)
    synced = []
    with Ledger.open(tmp_path) as book:
        book.append(NOTES[0], durable=False)
        monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.readlink(f"/proc/self/fd/{file}")))
        book.append(NOTES[1], durable=False)
    assert synced[0].endswith("0001.jsonl")
    assert read(tmp_path) == NOTES[:2]


def test_what_cannot_be_cut_off_is_skipped(tmp_path, monkeypatch):
    with Ledger.open(tmp_path) as book:
        book.append(NOTES[0])
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", half_a_write(os.write))
            patch.setattr(os, "ftruncate", refuse(OSError(5, "I/O")))
            with pytest.raises(OSError, match="I/O"):
                book.append(NOTES[1])
        book.append(NOTES[2])
    assert read(tmp_path) == [NOTES[0], NOTES[2]]
    assert ledger.damaged(tmp_path).count == 1


def test_tailing_takes_up_where_it_stopped_across_segments(tmp_path):
    with Ledger.open(tmp_path) as book:
        book.append(NOTES[0])
        [(position, _)] = ledger.entries(tmp_path)
        assert list(ledger.entries(tmp_path, position)) == []
        book.append(NOTES[1])
    written(tmp_path, NOTES[2])
    kept = Position(*json.loads(json.dumps(position)))
    assert read(tmp_path, after=kept) == NOTES[1:]
    assert read(tmp_path, after=START) == NOTES


def test_a_line_being_written_is_left_for_later_even_if_it_ends_while_read(tmp_path):
    written(tmp_path, NOTES[0])
    path = tmp_path / "ledger/0001.jsonl"
    second, third = ledger.encode(NOTES[1]), ledger.encode(NOTES[2])
    with path.open("ab", buffering=0) as file:
        file.write(second[:15])
        reading = ledger.entries(tmp_path)
        position, _ = next(reading)
        file.write(second[15:] + third)
        seen = [entry for position, entry in reading]
    assert seen in ([], NOTES[1:])
    assert read(tmp_path, after=position) == NOTES[1:]


def test_kinds_are_picked_without_parsing_the_rest(tmp_path):
    odd = b'{"time": 3, "kind": "session", "config": {}}'  # a line whose kind does not stand first is parsed
    written(tmp_path, *NOTES, Session(time=4, config={}))
    with (tmp_path / "ledger/0001.jsonl").open("ab") as file:
        file.write(b"%08x %s\n" % (zlib.crc32(odd), odd))
    assert [entry.time for entry in read(tmp_path, kinds=("session",))] == [4, 3]
    assert len(read(tmp_path, kinds=("floor",))) == 3


def test_a_folder_without_a_ledger_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"{tmp_path}: no study there"):
        read(tmp_path)


APPEND = """
import os, sys
from study.ledger.entries import Session
from study.ledger.ledger import Ledger
with Ledger.open(sys.argv[1]) as book:
    print("begun", flush=True)
    for number in range(10**6):
        book.append(Session(pid=os.getpid(), config={"number": number, "ballast": "x" * 100_000}))
        print(number, flush=True)
"""


def test_no_acknowledged_entry_is_lost_to_sigkill(tmp_path):
    acknowledged = {}
    moments = random.Random(0)
    for _ in range(4):
        process = child(APPEND, tmp_path)
        assert process.stdout.readline() == "begun\n"
        time.sleep(moments.uniform(0.0, 0.15))
        process.kill()
        acknowledged[process.pid] = [int(line) for line in process.communicate()[0].splitlines()]
    found = {pid: [] for pid in acknowledged}
    for entry in read(tmp_path):
        found[entry.pid].append(entry.config["number"])
    for pid, numbers in acknowledged.items():
        assert found[pid] == list(range(len(found[pid])))
        assert len(numbers) <= len(found[pid]) <= len(numbers) + 1
    assert ledger.damaged(tmp_path).count <= 4
