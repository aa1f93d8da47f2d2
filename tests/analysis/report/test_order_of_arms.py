"""Every table and every picture of the page lists arms in the configuration's order."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis import report
from analysis.report import writer

ARMS = ("wasserstein", "hinge", "least_squares", "absolute_error")  # by neither name nor quality: the last is the best


@pytest.fixture
def planned(simulate, tmp_path):
    """`planned(study, seed)`: a study's folder, whose rows and results stand in the reverse of ARMS."""

    def planned(study, seed):
        (tmp_path / study).mkdir()
        small = {"trials": 4, "evaluations": 5, "confirm": 8}
        folder = simulate(tmp_path / study, arms=ARMS[::-1], study=study, seed=seed, **small)
        path = folder / "trials.parquet"
        table = pq.read_table(path)
        place, field = table.schema.get_field_index("started"), table.schema.field("started")
        times = table["started"].to_pylist()
        backwards = [max(times) + (min(times) - one) for one in times]  # as the last arm was made first
        pq.write_table(table.set_column(place, field, pa.array(backwards, field.type)), path)
        return folder

    return planned


@pytest.fixture
def drawn(monkeypatch):
    """Name and figure of every picture of a page whose files are not written."""
    found = {}
    whole = writer.FigureWriter.figure

    def noted(self, name, draw, *rest, **more):
        found[name] = draw(columns=2)
        return whole(self, name, draw, *rest, **more)

    monkeypatch.setattr(writer.FigureWriter, "figure", noted)
    return found


def in_order(names, arms):
    """Whether the arms among these names first appear in their order."""
    seen = list(dict.fromkeys(name for name in names if name in arms))
    return seen == sorted(seen, key=arms.index)


def lists_of(figure):
    """The lists of names in a figure: of each legend, of each axis's ticks, of the panels' titles, of rows' labels."""
    axes = [one for part in (figure, *figure.subfigs) for one in part.axes]
    yield [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    yield [one.get_title(loc="left") for one in axes]
    yield [text.get_text() for one in axes for text in one.texts] + [one.get_ylabel() for one in axes]
    for one in axes:
        yield [label.get_text() for label in one.get_xticklabels()]
        yield [label.get_text() for label in one.get_yticklabels()]


@pytest.mark.parametrize("studies", [("one",), ("one", "two")])
def test_tables_and_pictures_list_arms_in_the_configurations_order(planned, drawn, tmp_path, studies):
    folders = [planned(study, place) for place, study in enumerate(studies)]
    found = report.find(report.read(folders))
    arms = [f"{study}/{arm}" for study in studies for arm in ARMS] if len(studies) > 1 else [*ARMS]
    assert list(found.arms) == arms
    tables = report.every_table(found, tmp_path)
    for table in tables:
        for place, head in enumerate(table.heads):
            if head.name in ("arm", "a"):
                blocks = {}  # of a table outcome by outcome, or phase by phase
                for row in table.rows:
                    key = row[0] if head.name == "a" and place else row[1] if table.name == "spent" else ""
                    blocks.setdefault(key, []).append(row[place])
                assert all(in_order(block, arms) and in_order(block, list(ARMS)) for block in blocks.values()), (
                    table.name
                )
        assert in_order([head.name for head in table.heads], list(ARMS)), table.name
    assert {"quality-confirm", "pairs-confirm", "chosen"} <= {table.name for table in tables} or len(studies) > 1
    assert len(drawn) >= 8
    for name, figure in drawn.items():
        if not name.startswith("ranks-"):  # whose places are ranks
            assert all(in_order(names, arms) for names in lists_of(figure)), name
