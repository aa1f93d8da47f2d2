from argparse import Namespace

import pytest

from analysis.report import Choice
from study.__main__ import main
from study.command.choice import choice_of, refusing
from study.config.messages import ConfigError


def chosen(arms=None, metrics=None, label=(), labels=None):
    return choice_of(Namespace(arms=arms, metrics=metrics, label=list(label), labels=labels))


def test_names_stand_between_commas_and_labels_come_from_a_file_and_the_line(tmp_path):
    file = tmp_path / "labels.yaml"
    file.write_text("gan-hinge-r1_1: Hinge\nfid: FID\n", encoding="utf-8")
    assert chosen() == Choice()
    assert chosen("b, a,", "fid", ["gan-hinge-r1_1=Hinge + R1 = ours"], file) == Choice(
        ("b", "a"), ("fid",), {"gan-hinge-r1_1": "Hinge + R1 = ours", "fid": "FID"}
    )


@pytest.mark.parametrize("text", [",", "", " , "])
def test_an_option_of_names_has_at_least_one(text):
    with pytest.raises(ConfigError, match=rf"^--arms: expected names with commas between them, got .*{text}"):
        chosen(arms=text)
    with pytest.raises(ConfigError, match=r"^--metrics: expected names with commas between them, got "):
        chosen(metrics=text)


@pytest.mark.parametrize("text", ["hinge", "hinge=", "=Hinge", " = "])
def test_a_label_is_a_name_and_words(text):
    with pytest.raises(ConfigError, match=r"^--label: expected NAME=WORDS, got "):
        chosen(label=[text])


@pytest.mark.parametrize(("text", "said"), [("- a", "expected lines of NAME: WORDS"), ("a: [1]", "NAME: WORDS, got")])
def test_a_file_of_labels_has_a_line_for_each(tmp_path, text, said):
    file = tmp_path / "labels.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"^--labels: .*{said}"):
        chosen(labels=file)
    with pytest.raises(ConfigError, match=r"^--labels: .*nothing there"):
        chosen(labels=tmp_path / "none.yaml")


def test_a_label_that_stands_in_the_file_alone_is_told_of_the_file(tmp_path):
    file = tmp_path / "labels.yaml"

    def refused(said, text, label=()):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError, match=said), refusing():
            chosen(label=label, labels=file).names(["hinge", "wasserstein"], ["fid"])

    refused(rf"^--labels: {file}: expected some of hinge, .* \(nearest: hinge\), got hing$", "hing: H\nfid: FID\n")
    refused("^--label: expected some of hinge, wasserstein, fid .*, got hing$", "hing: H\n", ["hing=G"])
    same = "hinge: Same\nwasserstein: Same\n"
    refused(rf"^--labels: {file}: expected another for each arm, got 'Same' for hinge, wasserstein$", same)
    refused("^--label: expected another for each arm, got 'Same' for hinge, wasserstein$", same, ["hinge=Same"])


@pytest.mark.xdist_group("report of studies")
@pytest.mark.parametrize(
    ("command", "options", "said"),
    [
        ("report", ["--arms", "hing"], "--arms: expected some of hinge, non_saturating (nearest: hinge), got hing\n"),
        ("export", ["--csv", "--label", "hing=H"], "--label: expected some of hinge, non_saturating, fid"),
        ("report", ["--metrics", "fdi"], "--metrics: expected some of fid"),
    ],
)
def test_a_bad_name_is_bad_input_and_the_near_ones_are_named(begun, tmp_path, capsys, command, options, said):
    study = begun(tmp_path / "tiny")
    assert main([command, str(study), *options]) == 2
    assert said in capsys.readouterr().err
    assert not (study / "report" / "index.html").exists()
