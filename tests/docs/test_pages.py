"""All pages: examples of configurations are ones that load, commands are ones that there are, links lead somewhere.

A page with blocks of Python has a test of its own, which runs them.
"""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from study.__main__ import main
from study.command.cli import _joined, parser
from study.config import loading, strict_yaml
from study.config.schema import StudyConfig
from study.progress.calibration import Calibration

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in PAGES}
LEAST: dict[str, Any] = {"study": "example", "data": "ring", "budget": {"steps": 2000, "batch_size": 64}}
OF_FILES = ("own_data",)  # whose own test makes the files that their configurations name
COMMANDS = parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def pieces(block: str) -> Iterator[dict[str, Any]]:
    """A block as a piece of a configuration; one that shows a key several times as a piece for each."""
    parts = re.split(r"^(?=[a-z])", block, flags=re.MULTILINE)
    keys = [part.split(":")[0] for part in parts if re.match("[a-z]", part)]
    for part in [block] if len(set(keys)) == len(keys) else filter(None, parts):
        yield strict_yaml.parse(part, "example")


def commands(text: str) -> list[str]:
    """What pages tell to type into a terminal after `ganstudy`: lines of code, and code within a line."""
    lines = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    lines += [line for block in blocks(text, "sh") for line in block.splitlines()]
    inline = re.findall(r"`((?:\.venv/bin/)?ganstudy [^`]+)`", text.replace("\n", " "))
    starts = r"^(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?ganstudy (?=[a-z])|^ray submit \S+ configs/cluster/submit.py -- "
    return [re.sub(starts, "", line) for line in [*lines, *inline] if re.match(starts, line) and "…" not in line]


@pytest.mark.parametrize(
    "page", [name for name, text in TEXTS.items() if blocks(text, "yaml") and name not in OF_FILES]
)
def test_configurations_load(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("cats", "dogs"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
    np.savez(tmp_path / "points.npz", x=np.zeros((100, 2), np.float32))
    for block in blocks(TEXTS[page], "yaml"):
        for piece in pieces(block):
            whole = piece if "study" in piece else {**LEAST, **piece}
            assert loading.build(whole).arms, block


@pytest.mark.parametrize("page", [name for name, text in TEXTS.items() if commands(text)])
def test_commands_are_ones_that_there_are(page: str) -> None:
    for line in commands(TEXTS[page]):
        words = _joined(shlex.split(line, comments=True))
        assert words[0] in COMMANDS, line
        if len(words) == 1:
            continue  # a command's name in a sentence
        options = parsed(words)
        assert options is not None, line
        for setting in options.set if words[0] in ("check", "run", "resume") else ():
            assert setting.split("=")[0].split(".")[0] in StudyConfig.model_fields, line


def parsed(words: list[str]) -> Any:
    """What the command line makes of them; None where it refuses them."""
    try:
        return parser().parse_args(words)
    except SystemExit:
        return None


def test_files_and_modules_that_commands_name_are_there() -> None:
    everything = "\n".join(TEXTS.values())
    named = set(re.findall(r"\bconfigs/[\w/]+\.(?:yaml|py|sh)\b", everything))
    assert [path for path in named if not (ROOT / path).exists() and path != "configs/tiny.yaml"] == []
    modules = set(re.findall(r"python -m ((?:benchmarks|docs)[\w.]*)", everything))
    assert [name for name in modules if importlib.util.find_spec(name) is None] == []
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"^    make ([a-z]+)", everything, re.MULTILINE)) <= set(targets)


@pytest.mark.parametrize("page", [name for name, text in TEXTS.items() if blocks(text, "python")])
def test_python_is_run_by_a_test_of_the_pages_own(page: str) -> None:
    test = Path(__file__).with_name(f"test_{page}.py").read_text(encoding="utf-8")
    assert f'"{page}.md"' in test
    assert "python" in test


@pytest.mark.parametrize("page", ["README", "CONTRIBUTING"])
def test_links_lead_to_files(page: str) -> None:
    linked = [path for path in re.findall(r"\]\(([^)#]+)", TEXTS[page]) if "://" not in path]
    assert linked
    assert [path for path in linked if not (ROOT / path).exists()] == []


def test_the_tutorials_study_is_the_quickstart() -> None:
    (block,) = blocks(TEXTS["tutorial"], "yaml")
    quickstart = loading.load(ROOT / "configs/quickstart.yaml").config
    assert loading.build(strict_yaml.parse(block, "tutorial")).config == quickstart


def test_check_says_what_the_tutorial_shows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(ROOT / "configs/quickstart.yaml")]) == 0
    said = capsys.readouterr().out
    shown = blocks(TEXTS["tutorial"], "text")[0].splitlines()
    assert [line for line in shown if line not in said and not line.startswith(("…", "estimate"))] == []


def test_check_says_what_the_page_on_gpus_shows(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = TEXTS["eight_gpus"]
    [line] = [line for line in page.splitlines() if "RAY_ADDRESS=head:6379" in line]
    address, _, *words = shlex.split(line)
    monkeypatch.setenv(*address.split("="))
    monkeypatch.setattr("study.command.study.calibrate", lambda _: Calibration())
    monkeypatch.chdir(ROOT)
    assert main(words) == 0
    said = capsys.readouterr().out
    shown = blocks(page, "text")[0].splitlines()
    assert [line for line in shown if line not in said and not line.startswith("estimate")] == []


def test_the_questions_are_answered_with_a_place_to_read_on() -> None:
    parts = re.split(r"^### ", TEXTS["faq"], flags=re.MULTILINE)[1:]
    assert len(parts) > 20
    for part in parts:
        question, _, answer = part.partition("\n")
        assert question.endswith(("?", ".")), question
        words = re.sub(r"```.*?```", "", answer, flags=re.DOTALL).split()
        assert 5 < len(words) < 160, question
