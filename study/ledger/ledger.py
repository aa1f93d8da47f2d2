"""The ledger: the append-only account of a study from which everything else is derived.

`FOLDER/ledger/NNNN.jsonl` are its segments, read in the order of their numbers; a line is one entry,
`<crc32 of the json, 8 hex digits> <json>\n`. A line is intact if it ends in a newline, its checksum fits and
its JSON is a valid entry (`study.ledger.validation`); any other line (an append cut short by a kill, a flipped byte, an
edit by hand) is skipped by `entries` and listed by `damaged`. Every session appends to segments of its own, of some
megabytes each, so nothing is ever written after a truncated line.

After an `append` that returned, its entries are on disk (fsync, that of the folder included) and every later reader
yields them. After one that raised, the ledger reads as before, and the next append goes to a fresh segment. An append
that the process did not survive may be there or not; the last entry of a key wins, so that repeating it is safe.
Entries appended with `durable=False` survive the process at once, but the machine only with the next durable append:
for those that would be made again, or that another is about to follow.

One process writes, the one that holds the lock (`study.ledger.lock`); readers need no lock. A reader on another NFS
host may lag behind by its attribute cache, but sees complete entries in order.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import zlib
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple

from pydantic_core import from_json as parsed

from study.atomic_write import sync_folder
from study.ledger.damage import Damage
from study.ledger.entries import Entry, to_json
from study.ledger.lock import StudyBusy as StudyBusy
from study.ledger.lock import hold, release
from study.ledger.lock import holder as holder
from study.ledger.validation import InvalidEntry, from_json

LONGEST = 2**28  # bytes of a line: thousands of replicas' counts of thousands of modes
SEGMENT = 4 * 2**20  # bytes after which an append begins the next segment, so that copying what is new stays cheap
_SEGMENT = re.compile(r"([0-9]{4}|[1-9][0-9]{4,})\.jsonl")  # one name for each number
_KIND = re.compile(rb'.{8} \{"kind": "(\w+)"')
_ABOUT = re.compile(rb'"trial_id": "([\w.,=-]{1,200})"')  # the trial that a damaged line still names


class Position(NamedTuple):
    """A place between two entries: a segment's number and the bytes of it that lie before."""

    segment: int
    offset: int


START = Position(0, 0)


class Ledger:
    """The one writer of a study's ledger; a context manager. Appends come from one thread."""

    def __init__(self, folder: Path, lock: int) -> None:
        """Use `Ledger.open`, which takes the lock."""
        self._folder, self._lock = folder / "ledger", lock
        self._file = -1
        self._unsynced = b""  # lines written, but not known to be on disk
        self._position = Position(max((number for number, _ in _numbered(folder)), default=0), 0)

    @classmethod
    def open(cls, folder: str | Path) -> Ledger:
        """Lock the study in `folder`, made if need be, for writing.

        Raises:
            StudyBusy: another process holds it; the message names host and process.
            OSError: the folder cannot be written, or its file system cannot lock.
        """
        folder = Path(folder)
        (folder / "ledger").mkdir(parents=True, exist_ok=True)
        sync_folder(folder)
        return cls(folder, hold(folder))

    def append(self, *entries: Entry, durable: bool = True) -> Position:
        """Write entries in one piece, and durably unless they can wait.

        Returns:
            The position after the last of them.

        Raises:
            TypeError, ValueError: an entry is not JSON, or could not be read again; nothing was written.
            OSError: they could not be written or synced, as when the disk is full or the folder was moved or deleted;
                nothing was kept.
        """
        if self._lock < 0:
            raise ValueError(f"{self._folder}: closed, so nothing can be appended")
        lines = b"".join([encode(entry) for entry in entries])
        try:
            if self._file < 0 or self._position.offset >= SEGMENT:
                self._turn()
            _write_all(self._file, lines)
            if durable:
                os.fsync(self._file)
            self._refuse_gone()
        except BaseException:  # an interrupt too may leave half a line
            self._abandon()
            raise
        self._position = Position(self._position.segment, self._position.offset + len(lines))
        self._unsynced = b"" if durable else self._unsynced + lines
        return self._position

    def _turn(self) -> None:
        """Begin the next segment; what a failed one may have lost comes first in it."""
        if self._file >= 0:
            if self._unsynced:
                os.fsync(self._file)
                self._unsynced = b""
            os.close(self._file)
            self._file = -1
        number = self._position.segment + 1
        path = self._folder / f"{number:04d}.jsonl"
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o644)
        self._position = Position(number, 0)
        sync_folder(self._folder)
        _write_all(self._file, self._unsynced)
        self._position = Position(number, len(self._unsynced))

    def _refuse_gone(self) -> None:
        """Raise `OSError` where the segment is no longer at its place: what is written to it has no reader there."""
        path = self._folder / f"{self._position.segment:04d}.jsonl"
        with suppress(FileNotFoundError):
            if os.path.samestat(os.stat(path), os.fstat(self._file)):
                return
        raise OSError(errno.ENOENT, "the study's folder was moved or deleted while the study ran", str(path))

    def _abandon(self) -> None:
        """Cut off what a failed append left, and begin a new segment next time.

        What one fsync refused, a second may report as written although it is lost (PostgreSQL's fsync, 2018),
        so the segment is not trusted with more.
        """
        if self._file >= 0:
            with suppress(OSError):
                os.ftruncate(self._file, self._position.offset)
            with suppress(OSError):
                os.close(self._file)
        self._file = -1

    def close(self) -> None:
        """Close the segment and release the lock; may be called twice."""
        if self._file >= 0:
            with suppress(OSError):
                os.fsync(self._file)
            os.close(self._file)
        if self._lock >= 0:
            release(self._lock)
        self._file = self._lock = -1

    def __enter__(self) -> Ledger:
        """The ledger itself."""
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Close."""
        self.close()


def entries(
    folder: str | Path,
    after: Position = START,
    kinds: Collection[str] | None = None,
    damage: Damage | None = None,
) -> Iterator[tuple[Position, Entry]]:
    """Yield the intact entries after a position, in order, each with the position after it.

    An unfinished line at the very end is left for a later call: it may still be being written.

    Args:
        folder: the study's folder.
        after: where to begin; the last position yielded before.
        kinds: yield these kinds alone, which spares parsing the others.
        damage: collects the unusable lines among those that are parsed; lines count from `after`.

    Raises:
        FileNotFoundError: the folder holds no ledger.
    """
    damage = Damage() if damage is None else damage
    for position, line in _lines(folder, after, damage):
        kind = _KIND.match(line) if kinds is not None else None
        if kind and kinds is not None and kind[1].decode() not in kinds:
            continue
        try:
            entry = decode(line)
        except InvalidEntry as error:
            damage.add(f"{error}{_about(line)}")
            continue
        if entry is not None and (kinds is None or entry.kind in kinds):
            yield position, entry


def _lines(folder: str | Path, after: Position, damage: Damage) -> Iterator[tuple[Position, bytes]]:
    """The whole lines after a position, each with the position after it; `damage` is told where they are, and of what
    is missing."""
    # The list is taken first: a segment followed by another can no longer grow, so nothing slips in between.
    former, found = after.segment, segments(folder)
    if after == START:
        for name in _strange(folder):
            damage.lose(0, f"ledger/{name} is no segment's name, or no regular file, and is not read")
    for number, path in found:
        if number < after.segment:
            continue
        if number > former + 1:
            damage.lose(former + 1, f"missing, up to {number - 1:04d}.jsonl" if number > former + 2 else "missing")
        former, offset = number, after.offset if number == after.segment else 0
        with path.open("rb", buffering=1 << 20) as file:
            file.seek(offset)
            for row, (line, length) in enumerate(_split(file), 1):
                offset += length
                damage.at = number, row
                if line[-1:] != b"\n" and length < LONGEST:
                    damage.add("torn")
                    break  # reading on would take the rest of a line being written for a line
                yield Position(number, offset), line


def end(folder: str | Path) -> Position:
    """The position after all that is written now."""
    found = segments(folder)
    return Position(found[-1][0], found[-1][1].stat().st_size) if found else START


def damaged(folder: str | Path) -> Damage:
    """The lines that hold no valid entry, and missing segments; a line being written just now may count."""
    found = Damage()
    for _ in entries(folder, damage=found):
        pass
    return found


def segments(folder: str | Path) -> list[tuple[int, Path]]:
    """The segments of a study's ledger by number, regular files alone; FileNotFoundError if it has no ledger."""
    return sorted((number, path) for number, path in _numbered(folder) if _is_regular(path))


def encode(entry: Entry) -> bytes:
    """One entry as its line; a ? for what has no UTF-8, as a message may name a file by such bytes. Raises `TypeError`
    and `ValueError` for one that is not JSON or not valid."""
    text = json.dumps(to_json(entry), default=_plain).encode()
    if rb"\ud" in text:
        text = json.dumps(json.loads(text), ensure_ascii=False).encode(errors="replace")
    line = b"%08x %s\n" % (zlib.crc32(text), text)
    if len(line) > LONGEST:
        raise ValueError(f"ledger entry: expected at most {LONGEST:,} bytes, got {len(line):,}")
    decode(line)
    return line


def decode(line: bytes) -> Entry | None:
    """The entry of a line; None for kinds unknown to this version. Raises `InvalidEntry`."""
    return from_json(_object(line))


def identity(folder: str | Path) -> str:
    """The study's permanent identity: a digest of its ledger's first valid entry.

    Raises `ValueError` where the ledger holds none.
    """
    for _, path in segments(folder):
        with path.open("rb") as file:
            for line, _ in _split(file):
                with suppress(InvalidEntry):
                    decode(line)
                    return hashlib.sha256(json.dumps(_object(line), sort_keys=True).encode()).hexdigest()[:20]
    raise ValueError(f"{folder}: its ledger holds no entry")


def _split(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """The lines of a file, each with its length; of one that is longer than any entry the beginning alone."""
    while line := file.readline(LONGEST):
        length, piece = len(line), line
        while len(piece) == LONGEST and piece[-1:] != b"\n":
            piece = file.readline(LONGEST)
            length += len(piece)
        yield line, length


def _numbered(folder: str | Path) -> Iterator[tuple[int, Path]]:
    """All paths with a segment's name, whatever their type."""
    ledger = Path(folder) / "ledger"
    if not ledger.is_dir():
        raise FileNotFoundError(f"{folder}: no study there (it has no ledger)")
    found = ((_SEGMENT.fullmatch(path.name), path) for path in ledger.iterdir())
    return ((int(match[1]), path) for match, path in found if match)


def _is_regular(path: Path) -> bool:
    """Whether a path is a file itself: no link is followed, as it may lead out of the folder."""
    return path.is_file() and not path.is_symlink()


def _strange(folder: str | Path) -> list[str]:
    """Names in the ledger that look like a segment's and are not read: other spellings, links, folders, devices."""
    numbered = (path for path in (Path(folder) / "ledger").glob("*.jsonl") if path.stem.isdigit())
    return sorted(path.name for path in numbered if not (_SEGMENT.fullmatch(path.name) and _is_regular(path)))


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _verify(line: bytes) -> None:
    """Raise `InvalidEntry` for a line that is not as it was written."""
    if line[-1:] != b"\n" or line[:9] != b"%08x " % zlib.crc32(memoryview(line)[9:-1]):
        raise InvalidEntry("torn, or its checksum does not fit")


def _object(line: bytes) -> object:
    _verify(line)
    try:
        # Five times as fast as `json`, to the same bits; it refuses what is nested 200 deep, numbers of thousands of
        # digits, bytes that are not UTF-8, and halves of surrogate pairs, which could not be written anywhere.
        return parsed(line[9:])
    except ValueError as error:
        raise InvalidEntry(f"no JSON: {error}") from None


def _about(line: bytes) -> str:
    """Which trial a damaged line still names, if any."""
    found = _ABOUT.search(line)
    return f" (it names {found[1].decode()})" if found else ""


def _plain(value: Any) -> Any:
    """NumPy's scalars and arrays as Python's numbers and lists."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"ledger entry: {type(value).__name__} is not JSON: {value!r}")
