import zipfile

import pytest

from analysis.report.beside import linked
from analysis.report.bundle import write_bundle

pytestmark = pytest.mark.xdist_group("report")


@pytest.fixture
def folder(tmp_path):
    for name in ("report/index.html", "report/tables/b.csv", "report/figures/a.svg", "report/.index.html.partial",
                 "history.parquet", "trials.parquet", "trials/search-a-0000/result.json"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_page_files_and_record_keep_their_places(folder):
    path = write_bundle(folder)
    assert path == folder / "report.zip"
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == [
            "history.parquet", "report/figures/a.svg", "report/index.html", "report/tables/b.csv", "trials.parquet",
        ]  # fmt: skip
        assert archive.testzip() is None
        assert archive.read("report/tables/b.csv") == b"report/tables/b.csv"
    assert not list(folder.glob(".*"))


def test_every_link_of_a_page_leads_into_the_archive(written):
    with zipfile.ZipFile(write_bundle(written)) as archive:
        names, page = set(archive.namelist()), archive.read("report/index.html").decode()
    assert {name.split("/")[0] for name in linked(page)} == {"figures", "samples", "tables"}
    assert {f"report/{name}" for name in linked(page)} == names - {
        "history.parquet", "trials.parquet", "report/answer.json", "report/index.html", "report/objectives.json",
    }  # fmt: skip


def test_the_same_files_make_the_same_archive(folder):
    first = write_bundle(folder).read_bytes()
    (folder / "report" / "index.html").touch()
    assert write_bundle(folder).read_bytes() == first


def test_records_beside_the_report_stay_in_their_folders(folder):
    (folder / "rings").mkdir()
    for name in ("history.parquet", "trials.parquet"):
        (folder / name).rename(folder / "rings" / name)
    with zipfile.ZipFile(write_bundle(folder, [folder / "rings"])) as archive:
        assert {"rings/history.parquet", "rings/trials.parquet", "report/index.html"} <= set(archive.namelist())


def test_a_former_archive_stays_where_a_file_is_missing(folder):
    first = write_bundle(folder).read_bytes()
    (folder / "trials.parquet").unlink()
    with pytest.raises(FileNotFoundError, match=r"trials\.parquet"):
        write_bundle(folder)
    assert (folder / "report.zip").read_bytes() == first
    assert not list(folder.glob(".*"))
