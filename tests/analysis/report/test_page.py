import base64
import hashlib
from html.parser import HTMLParser

import pytest

from analysis.report.page import Html, facts, figure, joined, page, section, table, tag, text

HOSTILE = ["<script>alert(1)</script>", '" onload="x', "a & b", "'quoted'", "</style>", "]]>", "&lt;"]


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.words, self.tags = [], []

    def handle_data(self, data):
        self.words.append(data)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def read(markup):
    reader = Reader()
    reader.feed(markup)
    return reader


@pytest.mark.parametrize("name", HOSTILE)
def test_text_comes_back_as_it_was_wherever_it_stands(name):
    places = [
        tag("p", name), table([name], [[name]], caption=name), facts({name: name}), section(name, name).markup,
        figure(tag("img", alt=name), name), page(name, name),
    ]  # fmt: skip
    for markup in places:
        reader = read(markup)
        assert name in "".join(reader.words) or name in reader.words
        assert not any(kind == "script" for kind, _ in reader.tags)
        assert not any("onload" in attributes for _, attributes in reader.tags)


def test_markup_is_not_escaped_twice():
    assert tag("p", tag("b", "x"), Html("<i>y</i>")) == "<p><b>x</b><i>y</i></p>"
    assert joined(["<", Html("<br>")], ", ") == "&lt;, <br>"


def test_characters_that_deceive_are_replaced():
    assert text("a\x00b\u202ec\ud800") == "a\ufffdb\ufffdc\ufffd"


def test_no_line_is_broken_before_a_per_cent_sign():
    assert text("the 95 % interval, in % of 3") == "the 95\u00a0% interval, in % of 3"


def test_an_attribute_cannot_be_left():
    assert read(tag("a", "x", title='"><script>')).tags == [("a", {"title": '"><script>'})]


def test_a_table_sets_its_numbers_apart_and_lets_long_words_break():
    markup = table(["arm", "n"], [["a", 1], ["x" * 50, 2]], numbers=[1])
    classes = [attributes.get("class") for kind, attributes in read(markup).tags if kind == "td"]
    assert classes == ["words", "number", "long", "number"]


def test_a_long_name_of_a_column_keeps_some_width_on_a_narrow_page():
    heads = ["arm", "share of the tail near the data"]
    found = read(table(heads, [["a", 1]], numbers=[1])).tags
    assert [attributes.get("class") for kind, attributes in found if kind == "th"] == ["words", "number long"]


def test_a_row_has_a_cell_for_each_head():
    with pytest.raises(ValueError, match="zip"):
        table(["a", "b"], [[1]])


def test_the_page_forbids_itself_to_fetch_and_run():
    reader = read(page("x", "y"))
    policy = next(a["content"] for _, a in reader.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "img-src 'self' data:" in policy  # files beside the page
    assert "script" not in policy
    assert page("x").startswith("<!DOCTYPE html>")


def test_a_page_runs_the_script_that_it_is_given_and_no_other():
    script = 'document.title = "<&>";'
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    text = page("t", style="p { color: red }", script=script)
    assert f"form-action 'none'; script-src 'sha256-{digest}'\"" in text
    assert text.endswith(f"<script>{script}</script></body></html>\n")
    assert "p { color: red }</style>" in text
    assert "script" not in page("t")
