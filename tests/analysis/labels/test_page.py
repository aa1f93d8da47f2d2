"""The page's text: cards without names or verdicts, choices with their meanings, everything escaped."""

import base64
import hashlib
import re
from dataclasses import replace

import pytest

from analysis.colours import on_dark
from analysis.figures import replica
from analysis.labels import page
from analysis.labels.cards import draw
from analysis.record.schema import OUTCOMES
from analysis.report.dark import THEMED
from analysis.results.agreement import CHOICES
from analysis.wording import OUTCOME_MEANINGS


@pytest.fixture(scope="module")
def cards(record, study):
    return draw(record, study, 2, 0)


@pytest.fixture(scope="module")
def text(cards, tmp_path_factory):
    path = page.write(cards, tmp_path_factory.mktemp("page") / "new", "rings of May")
    assert path.name == "index.html"
    return path.read_text(encoding="utf-8")


def test_every_outcome_that_can_be_seen_has_a_meaning():
    assert set(CHOICES) == {*OUTCOMES} - {"truncated", "failed"} <= set(OUTCOME_MEANINGS)
    assert all(meaning.endswith(".") for meaning in OUTCOME_MEANINGS.values())


def test_a_card_offers_every_outcome_and_that_one_cannot_tell(text):
    offered = re.findall(r'name="card-2" value="([^"]+)"', text)
    assert offered == [*CHOICES, "cannot tell"]
    assert text.count(OUTCOME_MEANINGS["converged"]) == 2


def test_what_a_person_sees_names_no_replica(text, cards):
    visible = re.sub(r"<(style|script)>.*?</\1>|<[^>]+>", "", text, flags=re.DOTALL)
    assert "2 replicas of simulated" in visible
    for card in cards:
        assert card.curves.trial_id in text  # for labels.csv
        assert card.curves.trial_id not in visible
    assert "hinge" not in visible


def test_the_strip_of_modes_is_explained_where_there_is_one(text, cards, tmp_path):
    assert "The strip of cells" in text
    assert "Replica 1: measurements, shares of modes and samples over training" in text
    flat = [replace(card, curves=replace(card.curves, relative=None)) for card in cards]
    text = page.write(flat, tmp_path, "a").read_text(encoding="utf-8")
    assert "strip" not in text.partition("</style>")[2]
    assert "Replica 1: measurements and samples over training" in text


def test_the_command_that_reads_the_labels_is_whole(text):
    assert "<code>ganstudy label DIR --labels labels.csv</code>" in text


def test_one_script_runs_and_nothing_is_fetched(text):
    [script] = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text
    assert "default-src 'none'" in text
    assert not re.search(r'(src|href)="(?!data:|#card-)', text)


def test_figures_follow_the_pages_colours_and_each_id_is_there_once(text):
    pictures = re.findall(r'<div class="cut".*?</figure>', text, re.DOTALL)
    assert len(pictures) == 2
    for colour, name in THEMED.items():
        assert not any(f": {colour}" in one or f'"{colour}"' in one for one in pictures)
        assert name in ("--stable", "--black") or all(f"var({name})" in one for one in pictures)
    assert all('role="img" aria-label="Replica ' in one for one in pictures)
    ids = re.findall(r'id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', text)) <= set(ids)


def test_a_colour_that_a_dark_page_would_not_show_is_another_there(cards, tmp_path, monkeypatch):
    monkeypatch.setattr(replica, "BLUE", "#112233")
    text = page.write(cards[:1], tmp_path, "a").read_text(encoding="utf-8")
    assert f":root {{ --on-112233: {on_dark('#112233')}; }}" in text


def test_names_are_escaped(cards, tmp_path):
    strange = replace(cards[0], curves=replace(cards[0].curves, study='<b>"&', trial_id='"><script>x</script>'))
    text = page.write([strange], tmp_path, '"><i>').read_text(encoding="utf-8")
    assert "<script>x" not in text
    assert "<i>" not in text
    assert "<b>" not in text
    assert 'data-trial="&quot;&gt;&lt;script&gt;x&lt;/script&gt;"' in text


def test_the_former_page_stays_where_a_new_one_fails(cards, tmp_path, monkeypatch):
    path = page.write(cards[:1], tmp_path, "a")
    before = path.read_bytes()
    monkeypatch.setattr(page, "_page", lambda *_: "\ud800")  # no text that UTF-8 can hold
    with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
        page.write(cards, tmp_path, "a")
    assert path.read_bytes() == before
