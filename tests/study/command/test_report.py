"""A study's report from its ledger, while it runs and when it is done; and one of records from elsewhere."""

import json
import re
import shutil

import pytest

from analysis.record.loading import load
from analysis.report import Choice, writer
from study.__main__ import main
from study.command.report import _notes, gather
from study.config import loading
from study.record.build import build_record
from study.tracking import sync
from study.tracking.cursor import Cursor
from study.tracking.server import running

pytestmark = pytest.mark.xdist_group("report of studies")


@pytest.fixture(scope="module", autouse=True)
def undrawn():
    """The pages' words alone are read here; figures are made and not drawn, which is most of a report's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "rendered", lambda figure, kind: b"<svg/>")
        patch.setattr(writer, "vector_files", lambda figure: (b"<svg/>", b""))
        patch.setattr(writer, "columns", lambda figure: None)
        yield


@pytest.fixture(scope="module")
def study(begun, tmp_path_factory):
    """A study under way and its report, which the command wrote."""
    folder = begun(tmp_path_factory.mktemp("begun") / "tiny")
    assert main(["report", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def page(study):
    return (study / "report" / "index.html").read_text(encoding="utf-8")


def test_a_study_that_is_not_done_has_a_report_that_says_so(study, page):
    assert "This study is not finished: 2 of " in page
    assert "1 trial interrupted" in page
    assert "Provisional" in page
    assert load(study, []).running


def test_the_studys_objectives_are_explained_each_once(page):
    assert page.count("f(d) = ") == 2
    assert "hinge (generator: critic_mean)" in page


def test_what_check_notes_of_pairs_and_of_the_searched_metric_is_said_with_the_answer(begun, tmp_path):
    scientific = {"objective": ["hinge", "wasserstein"], "penalty": ["none", "spectral_norm"]}
    plan = loading.load(begun(tmp_path / "rings", scientific=scientific) / "study.yaml")
    (slope,) = _notes([plan])
    assert slope.startswith("wasserstein needs a critic of bounded slope")
    assert slope.endswith("without one: wasserstein-none.")
    folder = begun(tmp_path / "digits", study="digits", data="digits", search={"metric": "fid"})
    (blind,) = _notes([loading.load(folder / "study.yaml")])
    assert blind.startswith("search.metric: fid sees neither sample quality, nor coverage")
    assert _notes([plan, loading.load(folder / "study.yaml")]) == [f"tiny: {slope}", f"digits: {blind}"]
    assert main(["report", str(folder)]) == 0
    page = (folder / "report" / "index.html").read_text(encoding="utf-8")
    assert page.index('class="answer"') < page.index("fid sees neither sample quality") < page.index("<h2")
    assert blind in json.loads((folder / "report" / "answer.json").read_text(encoding="utf-8"))["caveats"]


def test_a_record_beside_its_configuration_without_a_ledger_wants_a_place(study, tmp_path, capsys):
    for name in ("history.parquet", "trials.parquet", "study.yaml"):
        shutil.copy2(study / name, tmp_path / name)
    assert main(["report", str(tmp_path)]) == 2
    assert f"--out: expected a folder for the records and the report of {tmp_path}" in capsys.readouterr().err
    assert main(["report", str(tmp_path), "--out", str(tmp_path / "out")]) == 0


def test_a_folder_without_a_study_is_bad_input(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 2
    assert "expected a study folder" in capsys.readouterr().err


def test_where_the_configuration_is_broken_nothing_is_written(begun, tmp_path, capsys):
    folder = begun(tmp_path / "study")
    (folder / "study.yaml").write_text("study: [")
    assert main(["report", str(folder)]) == 2
    assert "study.yaml: expected plain YAML" in capsys.readouterr().err
    assert not (folder / "trials.parquet").exists()


def test_a_run_and_a_copy_have_one_report(begun, study, tmp_path, capsys, monkeypatch):
    """The run from a real server, the copy a folder of two files without a study.yaml."""
    rings = begun(tmp_path / "rings", study="rings", scientific={"objective": ["hinge", "wasserstein"]})
    build_record(rings)
    assert sync(rings, loading.load(rings / "study.yaml").config) == 0
    copy = tmp_path / "from a colleague"
    copy.mkdir()
    for name in ("history.parquet", "trials.parquet"):
        shutil.copy(study / name, copy)
    out = tmp_path / "out"
    with running(rings) as (_, address):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        capsys.readouterr()
        run = f"runs:/{Cursor.load(rings).parent}"
        assert main(["report", run, str(copy), "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"report": str(out / "report" / "index.html")}
    page = (out / "report" / "index.html").read_text(encoding="utf-8")
    assert "Joined from the records of 2 studies, rings and tiny." in page
    assert page.count("f(d) = ") == 3  # hinge is in both studies
    for name, origin in (("rings", rings), ("tiny", study)):
        assert sorted(path.name for path in (out / name).iterdir()) == ["history.parquet", "trials.parquet"]
        assert load(out / name).history.equals(load(origin).history)
        assert f"{name}/hinge" in page


def test_a_bundle_holds_page_files_and_record(study, tmp_path, capsys):
    for turn in range(2):  # the second finds the first one's
        assert main(["report", str(study), "--out", str(tmp_path / "out"), "--bundle", "--json"]) == 0, turn
        said = json.loads(capsys.readouterr().out)
    assert said["bundle"] == str(tmp_path / "out" / "report.zip")
    shutil.unpack_archive(said["bundle"], tmp_path / "unpacked")
    page = tmp_path / "unpacked" / "report" / "index.html"
    linked = re.findall(r'href="([^#"]+)"', page.read_text(encoding="utf-8"))
    assert len(linked) > 10
    assert all((page.parent / link).is_file() for link in linked)
    assert load(tmp_path / "unpacked" / "tiny").history.equals(load(study).history)


def test_arms_have_the_colours_of_a_style_of_ones_own(study, tmp_path):
    style = tmp_path / "lab.mplstyle"
    style.write_text("axes.prop_cycle: cycler('color', ['112233', '445566'])")
    assert main(["report", str(study), "--out", str(tmp_path / "out"), "--style", str(style)]) == 0
    page = (tmp_path / "out" / "report" / "index.html").read_text(encoding="utf-8")
    swatches = re.findall(r"background:(?:var\(--on-\w+, )?(#[0-9a-f]{6})", page.split("<main>")[1])
    assert set(swatches) == {"#112233", "#445566"}


@pytest.fixture
def told(monkeypatch):
    """What the page would be written with; writing it is the other tests' matter."""
    given = {}
    monkeypatch.setattr("analysis.report.write", lambda out, records, **named: given.update(named, records=records))
    return given


def test_a_configuration_that_cannot_be_read_costs_the_explanations_alone(begun, retell, told, tmp_path, caplog):
    copy = begun(tmp_path / "tiny")
    build_record(copy)
    shutil.rmtree(copy / "ledger")  # a copy of what was published, no study any more
    retell(copy, '"non_saturating"', '"of_another_version"')
    gather([str(copy)], tmp_path / "out")
    assert told.pop("choice") == Choice()
    assert told.pop("records") == [tmp_path / "out" / "tiny"]
    assert told == {"state": None, "objectives": [], "notes": [], "same_within": None}
    assert "tiny: its pairs (f, g) are not explained: scientific.objective" in caplog.text


def test_the_state_is_told_where_the_one_source_is_a_study(study, told, tmp_path):
    gather([str(study)], tmp_path / "out")
    assert told["state"]["state"] == "interrupted"
    assert [pair["name"] for pair in told["objectives"]] == ["non_saturating", "hinge"]


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        (["{study}", "{study}"], "--out: expected a folder for the records and the report of 2 sources, got none"),
        (["runs:/abc"], "--out: expected a folder for the records and the report of runs:/abc, which is no study"),
        (["{study}", "--tracking", "sqlite:///x.db"], "--tracking: expected with a source runs:/RUN_ID"),
        (["{study}", "--same-within", "5"], "--same-within: expected a number above 0 and below 1, got 5.0"),
        (
            ["{study}", "--style", "{study}/study.yaml"],
            "--style: {study}/study.yaml, line 1: expected one of",
        ),
        (
            ["{study}", "--style", "{study}/no"],
            "--style: {study}/no: expected a file of matplotlib's settings, got nothing",
        ),
        (["{study}", "--same-within", "nan"], "--same-within: expected a number above 0 and below 1, got nan"),
    ],
)
def test_a_report_that_has_no_place_is_bad_input(study, sources, said, capsys):
    assert main(["report", *(source.format(study=study) for source in sources)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"ganstudy: {said.format(study=study)}")


def test_a_study_that_may_only_be_read_has_its_report_elsewhere(begun, only_read, tmp_path, capsys):
    theirs = only_read(begun(tmp_path / "theirs"))
    assert main(["report", str(theirs)]) == 2
    assert f"--out: expected a folder for the record and the report of {theirs}, which" in capsys.readouterr().err
    assert main(["report", str(theirs), "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "report" / "index.html").is_file()
    assert not (theirs / "history.parquet").exists()


def test_the_configuration_is_read_once_and_a_database_that_is_none_is_named_with_the_remedy(
    study, tmp_path, capsys, monkeypatch
):
    folder, read = tmp_path / "mine", []
    shutil.copytree(study, folder)
    sync(folder, loading.load(folder / "study.yaml").config)
    (folder / "mlflow.db").write_bytes(b"damaged " * 1000)
    once = loading.load
    monkeypatch.setattr(loading, "load", lambda *given: read.append(given) or once(*given))
    assert main(["report", str(folder)]) == 0
    said = capsys.readouterr().err
    assert len(read) == 1
    assert "the report has not reached MLflow: " in said
    assert f"{folder / 'mlflow.db'}: expected MLflow's database, got one that cannot be used (file is not a dat" in said
    assert "move it and tracking.json out of the folder, and `ganstudy resume` writes both anew" in said
