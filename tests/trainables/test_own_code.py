from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from trainables import own_code
from trainables.own_code import NotAllowed, allow, allowed, attribute, digests, directory, files, is_location

MODULES = ("my_code", "my_parts", "my_package", "my_package.inner", "my_broken", "my_lacking", "my_wrong")


@pytest.fixture(autouse=True)
def nothing_allowed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(own_code, "_now", None)
    monkeypatch.setattr(own_code, "_named", set())
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    for name in MODULES:
        sys.modules.pop(name, None)


def test_locations_are_a_module_and_an_attribute() -> None:
    assert all(map(is_location, ("m:x", "package.module:Class", "a_1:b_2")))
    assert not any(map(is_location, ("m", "m:", ":x", "m:x.y", "m:x:y", "_m:x", "os:__name__", "s3://a", "", None, 3)))


def test_nothing_is_imported_before_it_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_code.py").write_text("x = 1")
    monkeypatch.syspath_prepend(tmp_path)
    assert directory() is None
    with pytest.raises(NotAllowed, match="measure: 'my_code:x' is the user's own code, which only the commands check"):
        attribute("measure", "my_code:x")
    allow(tmp_path, ["my_code:y"])
    with pytest.raises(NotAllowed, match="measure: 'my_code:x' is the user's own code"):
        attribute("measure", "my_code:x")
    assert "my_code" not in sys.modules
    assert digests() == {}
    assert directory() == tmp_path
    allow(tmp_path, ["my_code:x"])
    assert attribute("measure", "my_code:x") == 1
    with pytest.raises(ValueError, match="measure: nothing at 'my_code:y'"):  # allowed before, and still
        attribute("measure", "my_code:y")
    with pytest.raises(NotAllowed, match="measure: 'my_code:z' is the user's own code"):
        attribute("measure", "my_code:z")
    allow(tmp_path)
    with pytest.raises(ValueError, match="measure: nothing at 'my_code:z'"):
        attribute("measure", "my_code:z")


def test_what_is_allowed_is_all_of_what_is_asked_for(tmp_path: Path) -> None:
    assert not allowed([])
    allow(tmp_path, ["m:x", "m:y"])
    assert allowed([])
    assert allowed(["m:x"])
    assert not allowed(["m:x", "m:z"])
    allow(tmp_path)
    assert allowed(["m:x", "m:z"])


def test_no_file_takes_the_place_of_an_installed_module(tmp_path: Path) -> None:
    (tmp_path / "difflib.py").write_text("raise RuntimeError")
    allow(tmp_path)
    assert sys.path[-1] == str(tmp_path)
    assert attribute("measure", "difflib:SequenceMatcher").__module__ == "difflib"


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("my_code", "measure: expected module:attribute, got 'my_code'"),
        ("my_absent:x", "measure: expected a module 'my_absent' in .* or installed, got none"),
        ("my_package.absent:x", "measure: expected a module 'my_package.absent' in .* or installed, got none"),
        ("my_code:lenght", r"measure: nothing at 'my_code:lenght', in .*/my_code.py; did you mean 'length'\?"),
        ("my_code:Path", r"measure: nothing at 'my_code:Path', in .*/my_code.py; expected one of length$"),
        ("sys:no_such_thing", "measure: nothing at 'sys:no_such_thing', in the built-in module sys"),
        ("my_broken:x", r"measure: 'my_broken' cannot be imported: ZeroDivisionError: .*my_broken.py, line 2\)"),
        ("my_lacking:x", "measure: 'my_lacking' cannot be imported: ModuleNotFoundError: No module named 'absent_one'"),
        ("my_script:x", r"measure: 'my_script' cannot be imported: SystemExit: 0 \(.*my_script.py, line 2\)"),
        ("my_wrong:x", r"measure: 'my_wrong' cannot be imported: .*my_wrong.py, line 1\)"),
    ],
)
def test_errors_name_the_setting_and_the_place(location: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "my_code.py").write_text("import pathlib\nlength = 1")
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package" / "__init__.py").touch()
    (tmp_path / "my_broken.py").write_text("x = 1\ny = x / 0")
    (tmp_path / "my_lacking.py").write_text("import absent_one")
    (tmp_path / "my_script.py").write_text("import sys\nsys.exit(0)")
    (tmp_path / "my_wrong.py").write_text("def")
    allow(tmp_path)
    with pytest.raises(ValueError, match=message):
        attribute("measure", location)


def test_own_modules_are_known_with_what_they_import(tmp_path: Path) -> None:
    (tmp_path / "my_parts.py").write_text("part = 2")
    (tmp_path / "my_code.py").write_text("import my_parts\nx = my_parts.part")
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package" / "__init__.py").touch()
    (tmp_path / "my_package" / "inner.py").write_text("y = 3")
    allow(tmp_path)
    assert files() == ()
    assert (attribute("a", "my_code:x"), attribute("b", "my_package.inner:y")) == (2, 3)
    assert list(digests()) == ["my_code", "my_package", "my_package.inner", "my_parts"]
    assert digests()["my_parts"] == hashlib.sha256(b"part = 2").hexdigest()
    assert files() == (tmp_path / "my_code.py", tmp_path / "my_package", tmp_path / "my_parts.py")


def test_an_installed_module_is_own_once_it_is_named(tmp_path: Path) -> None:
    allow(tmp_path)
    attribute("a", "difflib:SequenceMatcher")
    assert list(digests()) == ["difflib"]
    assert files() == ()
