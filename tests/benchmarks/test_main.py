import pytest

from benchmarks import __main__ as benchmarks
from benchmarks.comparison import Comparison


@pytest.fixture(autouse=True)
def measured(monkeypatch, tmp_path):
    """Two benchmarks that take no time, and the turns they were asked for."""
    asked = {}

    def benchmark(name):
        def compare(turns=5):
            asked[name] = turns
            return [Comparison(name, "peer", "s", [(6.0, 2.0)], 2.0, 4.0, f"{turns} turns")]

        return compare

    monkeypatch.setattr(benchmarks, "BENCHMARKS", {name: benchmark(name) for name in ("first", "second")})
    monkeypatch.setattr(benchmarks, "EXPERIMENTS", {"trial": lambda keep: f"## Trial\n\nkept: {keep}\n"})
    monkeypatch.setattr(benchmarks, "RESULTS", tmp_path / "results.md")
    return asked


def test_all_run_by_default_and_nothing_is_written(measured, capsys):
    benchmarks.main([])
    assert measured == {"first": 5, "second": 5}
    assert "| first | peer | 6 s | 2 s | 3.0× | ≥ 2× | 4.0× | yes | 5 turns |" in capsys.readouterr().out
    assert not benchmarks.RESULTS.exists()


def test_one_can_be_chosen_with_its_turns(measured):
    benchmarks.main(["second", "--turns", "1"])
    assert measured == {"second": 1}


def test_written_is_what_was_printed(capsys):
    benchmarks.main(["--write"])
    written = benchmarks.RESULTS.read_text(encoding="utf-8")
    assert written in capsys.readouterr().out
    assert written.count("3.0×") == 2
    assert "cores, Python" in written


def test_an_unknown_name_is_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        benchmarks.main(["third"])
    assert "third" in capsys.readouterr().err


def test_an_experiment_runs_when_named_and_renews_its_section_alone(measured):
    benchmarks.main(["--write"])
    before = benchmarks.RESULTS.read_text(encoding="utf-8")
    benchmarks.RESULTS.write_text(f"{before}\n## Trial\n\nof old\n\n## Other\n\nstays\n", encoding="utf-8")
    measured.clear()
    benchmarks.main(["trial", "--write"])
    assert not measured
    assert benchmarks.RESULTS.read_text(encoding="utf-8") == f"{before}\n## Trial\n\nkept: True\n\n## Other\n\nstays\n"


def test_the_table_is_renewed_beside_the_sections():
    benchmarks.main(["first", "trial", "--write"])
    benchmarks.main(["second", "--write"])
    written = benchmarks.RESULTS.read_text(encoding="utf-8")
    assert "| second |" in written
    assert "| first |" not in written
    assert written.endswith("\n\n## Trial\n\nkept: True\n")
