import pytest

from analysis.report.beside import former, linked, sweep

PAGE = '<a href="figures/a%20b.svg">SVG</a><img src="samples/c.png"><a href="#x"></a><a href="tables/d.csv">CSV</a>'


@pytest.fixture
def folder(tmp_path):
    for name in ("figures/a b.svg", "figures/mine.svg", "samples/c.png", "tables/d.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_links_are_the_files_beside_the_page():
    assert linked(PAGE) == {"figures/a b.svg", "samples/c.png", "tables/d.csv"}


@pytest.mark.parametrize(
    "link", ["figures/../study.yaml", "figures/%2e%2e/study.yaml", "figures/a/b.svg", "/x", "y.svg"]
)
def test_a_link_that_leads_elsewhere_is_none(link):
    assert linked(f'<a href="{link}">') == set()


def test_what_a_page_no_longer_links_goes_and_what_others_put_there_stays(folder):
    sweep(folder, linked(PAGE) - {"tables/d.csv"} | {"figures/gone.svg"})
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*")) == ["figures/mine.svg", "tables/d.csv"]


def test_nothing_is_removed_behind_a_link_to_a_folder(folder, tmp_path_factory):
    report = tmp_path_factory.mktemp("report")
    (report / "figures").symlink_to(folder / "figures")
    sweep(report, {"figures/a b.svg"})
    assert (folder / "figures" / "a b.svg").exists()


def test_a_former_page_may_be_missing_or_damaged(tmp_path):
    assert former(tmp_path / "index.html") == set()
    (tmp_path / "index.html").write_bytes(b"\xff")
    assert former(tmp_path / "index.html") == set()
