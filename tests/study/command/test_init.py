"""A configuration to begin from: written, complete, accepted by `check`; nothing is overwritten."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from study.__main__ import main
from study.command.init import BEGINNING, about, renamed, shipped
from study.config import loading

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["init", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err.removeprefix("ganstudy: ").rstrip("\n")


def test_a_study_is_begun(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "mine"]) == 0
    assert capsys.readouterr().out.startswith("mine.yaml: `ganstudy check mine.yaml` says")
    plan = loading.load(Path("mine.yaml"))
    assert plan.config.study == "mine"
    assert len(plan.arms) == 4
    assert Path("mine.yaml").read_text().splitlines()[0].startswith("# A study to begin from")


def test_every_section_is_in_the_one_to_begin_from_and_what_it_offers_is_accepted() -> None:
    text = shipped()[BEGINNING].read_text(encoding="utf-8")
    offered = re.sub(r"(?m)^( *)# (?=\w+: )", r"\1", text)
    assert offered.count("\n") == text.count("\n")
    config = loading.build(loading.strict_yaml.parse(offered, "offered")).config
    assert config.scheduler.name == "asha"
    assert {"pairing", "updates", "beta2"} <= config.fixed.keys()
    sections = set(re.findall(r"(?m)^(\w+):", offered))
    assert type(config).model_fields.keys() - sections == {"outcomes"}


@pytest.mark.parametrize("name", sorted(shipped()))
def test_every_copy_is_what_it_is_a_copy_of(name: str) -> None:
    assert main(["init", "another", "--from", name]) == 0
    copied = loading.load(Path("another.yaml")).config.resolved()
    original = loading.load(ROOT / "configs" / f"{name}.yaml").config.resolved()
    assert copied == {**original, "study": "another"}


def test_the_ending_of_a_file_may_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "mine.yaml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"config": "mine.yaml"}


def test_json_is_the_path(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "mine", "--from", "ring", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"config": "mine.yaml"}


def test_all_that_is_shipped_is_listed_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--list", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    found = told["configurations"]
    assert told["core_seconds"].keys() == found.keys()
    assert told["core_seconds"]["quickstart"] < told["core_seconds"]["ring"]
    there = {path.relative_to(ROOT / "configs").as_posix() for path in ROOT.glob("configs/**/*.yaml")}
    studies = {name for name in there if not name.startswith(("cluster/", "papers/published/"))}
    assert {f"{name}.yaml" for name in found} == studies
    for name, sentence in found.items():
        assert re.fullmatch(r"[A-Z].{20,230}[.?]", sentence), name
    assert main(["init", "--list"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in found)
    rows = {line.split()[0]: line.split()[-3:] for line in out.splitlines() if line.strip()}
    assert rows["quickstart"][0] == "36"  # 3 arms, searched 3 times by 3 trials, each winner confirmed
    assert rows["quickstart"][2] == "min"
    assert "right within a factor of two" in out


def test_the_first_sentence_ends_before_the_next() -> None:
    assert about("# Which (of Metz et al. 2017, table\n#  2) is it? That one.\nstudy: x\n# More.") == (
        "Which (of Metz et al. 2017, table 2) is it?"
    )


def test_only_the_study_s_name_changes() -> None:
    text = "# study: old\nstudy: old # its name\ndata: ring\n"
    assert renamed(text, "new") == "# study: old\nstudy: new # its name\ndata: ring\n"


def test_what_is_there_stays(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.yaml").write_text("mine")
    assert "NAME: expected the name of a new study, got one whose mine.yaml is there" in refused(capsys, "mine")
    Path("link.yaml").symlink_to("elsewhere.yaml")
    assert "link.yaml is there" in refused(capsys, "link")
    assert Path("mine.yaml").read_text() == "mine"
    assert not Path("elsewhere.yaml").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "init: expected a NAME for the study, or --list, got neither"),
        (["a/b"], "NAME: expected at most 64 letters, .* got 'a/b'"),
        (["mine", "--from", "rng"], "--from: no configuration 'rng' comes with ganstudy; did you mean 'ring'"),
        (["mine", "--from", "../ring"], "--from: no configuration '../ring' comes with ganstudy"),
        (["mine", "--list"], "--list: expected alone or with --json, got a NAME or --from with it"),
    ],
)
def test_what_cannot_be_is_refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert re.match(message, refused(capsys, *arguments))
    assert not list(Path().iterdir())
