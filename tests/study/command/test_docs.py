import json

import pytest

from study.__main__ import main
from study.command.docs import part, places, shipped, slug
from study.config.messages import see

PAGE = """# Title

## One `key`

Above the table.

| | |
|---|---|
| <a id="one.key"></a>`key` | what it is |

### Below

Text.

## Two

More.
"""


def test_a_heading_has_all_below_it_and_a_row_its_heading():
    assert part(PAGE, "below") == "### Below\n\nText.\n"
    assert part(PAGE, "one-key").endswith("Text.\n")
    assert part(PAGE, "one.key") == "## One `key`\n\n| `key` | what it is |"
    assert part(PAGE, "three") is None
    assert places(PAGE) == ["title", "one-key", "below", "two", "one.key"]
    assert slug("What is promised, and what that asks of a module") == "what-is-promised-and-what-that-asks-of-a-module"


def test_what_an_error_points_to_is_shown(capsys):
    (command,) = [see("configuration.md#budget.steps").split("`")[1]]
    assert command == "ganstudy docs configuration#budget.steps"
    assert main(command.split()[1:]) == 0
    shown = capsys.readouterr().out
    assert shown.splitlines()[0].startswith("#")
    assert "How long a trial trains" in shown
    assert main(["docs", "docs/outcomes.md"]) == 0
    assert capsys.readouterr().out.strip() == shipped()["outcomes"].read_text(encoding="utf-8").strip()


def test_pages_are_listed_with_their_titles(capsys):
    assert main(["docs", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["pages"]) == set(shipped())


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("outcome", "PAGE: no page of the guide is called 'outcome'"),
        ("oscillating", "PAGE: no page of the guide is called 'oscillating'; 'outcomes' speaks of it"),
        ("qqqq", "PAGE: no page of the guide is called 'qqqq'; expected one of"),
        ("faq#nothing", "the page 'faq' has no place 'noth"),
    ],
)
def test_what_is_not_there_is_bad_input(page, said, capsys):
    assert main(["docs", page]) == 2
    assert said in capsys.readouterr().err
