"""The page of the architecture holds what the code holds: rooms, imports, functions and files."""

from __future__ import annotations

import importlib
import re
from xml.etree import ElementTree

import pytest

from docs import build_architecture
from docs.build_architecture import FOLDERS, PAGE, PICTURE, ROOT, Rooms

pytestmark = pytest.mark.xdist_group("architecture")


@pytest.fixture(scope="module")
def found() -> dict[str, Rooms]:
    return build_architecture.rooms()


def test_picture_and_tables_are_the_codes(found: dict[str, Rooms]) -> None:
    run = "run `python -m docs.build_architecture`"
    assert PICTURE.read_text(encoding="utf-8") == build_architecture.picture(found), run
    assert PAGE.read_text(encoding="utf-8") == build_architecture.page(found), run


def test_every_room_is_drawn_with_its_purpose(found: dict[str, Rooms]) -> None:
    svg = "{http://www.w3.org/2000/svg}"
    texts = [text.text for text in ElementTree.parse(PICTURE).iter(f"{svg}text")]
    for folder, edges in found.items():
        assert f"{folder}/" in texts
        assert edges.keys() <= set(texts)
        assert all(build_architecture.purpose(folder, room) for room in edges)


def test_every_function_that_the_page_names_exists() -> None:
    names = set(re.findall(rf"`((?:{'|'.join(FOLDERS)})(?:\.(?!yaml)\w+)+)`", PAGE.read_text(encoding="utf-8")))
    assert len(names) > 40
    assert [name for name in sorted(names) if not exists(name)] == []


def exists(name: str) -> bool:
    """Whether a dotted name is a module's, or that of something in one."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            here = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            if not hasattr(here, part):
                return False
            here = getattr(here, part)
        return True
    return False


def test_every_file_that_the_page_names_exists() -> None:
    text = PAGE.read_text(encoding="utf-8")
    linked = [PAGE.parent / place for place in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in place]
    named = [ROOT / place for place in re.findall(r"`((?:\w+/)+\w+\.\w+)`", text)]
    assert named
    assert [path for path in linked + named if not path.exists()] == []


def test_where_a_room_says_to_start_there_is_something(found: dict[str, Rooms]) -> None:
    missing = []
    for room in [f"{folder}.{name}" for folder, edges in found.items() for name in edges]:
        _, _, start = (importlib.import_module(room).__doc__ or "").partition("Start reading at")
        missing += [f"{room}: {name}" for name in re.findall(r"`([\w.]+)`", start) if not exists(f"{room}.{name}")]
    assert missing == []
