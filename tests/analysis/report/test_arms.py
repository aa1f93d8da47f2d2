"""The section on what the arms are."""

from types import SimpleNamespace

from analysis.report.arms import arms, arms_table
from analysis.report.writer import FigureWriter
from analysis.results.arm_settings import ArmSettings

RECIPES = (
    ArmSettings("WGAN-GP", {"penalty": "gradient_penalty (weight searched 0.1 … 10 log)", "critic_steps": "5"}),
    ArmSettings("VAE", {"penalty": None, "critic_steps": None}),
)


def test_every_arm_has_a_row_of_what_it_differs_by():
    found = arms_table(RECIPES)
    assert [head.name for head in found.heads] == ["arm", "penalty", "critic_steps"]
    assert found.rows == (
        ("WGAN-GP", "gradient_penalty (weight searched 0.1 … 10 log)", "5"),
        ("VAE", None, None),
    )
    assert "Searched: drawn anew in each trial" in found.caption
    assert "Searched" not in arms_table(RECIPES[1:]).caption


def test_the_section_is_there_where_names_do_not_say_it_all(words):
    def section(*found):
        writer = FigureWriter(None, {one.arm: SimpleNamespace(colour="#000000") for one in found})
        return arms(SimpleNamespace(settings=found), writer), writer

    shown, writer = section(*RECIPES)
    assert shown is not None
    assert "WGAN-GP" in words(shown.markup)
    assert [table.name for table in writer.tables] == ["arms"]
    plain = (ArmSettings("hinge-r1", {"objective": "hinge"}), ArmSettings("minimax-r1", {"objective": "minimax"}))
    assert section(*plain)[0] is None
    assert section()[0] is None


def test_a_setting_that_is_called_as_an_arm_is_has_not_its_colour():
    found = (ArmSettings("hinge", {"objective": "hinge"}), ArmSettings("mine", {"objective": "mine (f tanh(d))"}))
    writer = FigureWriter(None, {one.arm: SimpleNamespace(colour="#000000") for one in found})
    shown = arms(SimpleNamespace(settings=found), writer)
    assert shown is not None
    assert shown.markup.count("swatch") == 2
