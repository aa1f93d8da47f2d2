"""The page's example and numbers are the program's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analysis.statistics.looks import next_level
from study.__main__ import main
from study.config import loading
from study.config.rounds import limits

PAGE = Path(__file__).parents[2] / "docs" / "rounds.md"


def test_check_takes_the_example_and_lists_its_looks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [block] = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    file = tmp_path / "rounds.yaml"
    file.write_text(block)
    assert limits(loading.load(file).config) == (12, 64)
    assert main(["check", str(file)]) == 0
    said = capsys.readouterr().out
    assert "at most 5 looks at the pairs of arms, after 3 repeats of 16 seeds" in said
    assert "12 repeats of 64 seeds" in said


def test_four_looks_may_spend_what_the_page_says() -> None:
    assert f"{5 * next_level([], [], 4):.1f} % each" in PAGE.read_text(encoding="utf-8")
