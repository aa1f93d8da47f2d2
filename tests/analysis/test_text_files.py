import os
from pathlib import Path

import pytest

from analysis.text_files import MOST, read


def refused(path, said):
    with pytest.raises(ValueError, match=r"expected a list, got ") as raised:
        read(path, "a list")
    assert str(raised.value) == f"{path}: expected a list, got {said}"


def test_text_is_read_with_its_line_ends_and_without_a_mark_before_it(tmp_path):
    path = tmp_path / "list"
    path.write_bytes("\ufeffné\r\n".encode())
    assert read(path, "a list") == read(str(path), "a list") == "né\r\n"


def test_what_is_no_file_is_named_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("gone")
    for endless in (tmp_path / "pipe", Path("/dev/zero")):
        refused(endless, "a device or a pipe")
    for nothing in (tmp_path / "none", tmp_path / "file" / "below", tmp_path / "link"):
        refused(nothing, "nothing there")
    refused(tmp_path, "a folder")
    refused(tmp_path / ("x" * 300), "'File name too long'")


def test_a_file_that_is_too_large_or_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "list"
    path.write_bytes(b"#" * MOST)
    assert len(read(path, "a list")) == MOST
    path.write_bytes(b"#" * (MOST + 1))
    refused(path, "one of more than 262,144 bytes")
    assert len(read(path, "a list", MOST + 1)) == MOST + 1
    path.write_bytes(b"a: \xe9")
    refused(path, "one that is not in UTF-8 (unexpected end of data at byte 3)")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_refused(tmp_path):
    path = tmp_path / "list"
    path.touch(mode=0)
    refused(path, "'Permission denied'")
