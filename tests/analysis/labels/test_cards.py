"""Which replicas are drawn: those that ended and have pictures, at random, by a seed."""

from collections import Counter

import numpy as np
from matplotlib.text import Text

from analysis.labels.cards import draw
from analysis.record.loading import Record

PICTURED = {(trial, seed) for trial in ("search-hinge-0001", "search-least_squares-0002") for seed in (0, 1)}


def drawn(cards):
    return [(card.curves.trial_id, card.curves.seed) for card in cards]


def test_all_that_ended_and_have_pictures_are_drawn_once(record, study):
    cards = draw(record, study, 40, 0)
    assert [card.number for card in cards] == [1, 2, 3, 4]
    assert sorted(drawn(cards)) == sorted(PICTURED)
    assert [(card.samples.trial_id, card.samples.seed) for card in cards] == drawn(cards)


def test_a_seed_fixes_the_draw_and_a_larger_one_begins_alike(record, study):
    assert drawn(draw(record, study, 2, 5)) == drawn(draw(record, study, 4, 5))[:2]


def test_every_replica_is_as_likely_to_be_first(record, study):
    first = Counter(drawn(draw(record, study, 1, seed))[0] for seed in range(80))
    assert set(first) == PICTURED
    assert all(8 <= count <= 33 for count in first.values())  # 20 each; four standard deviations of 3.9


def test_the_order_of_the_records_rows_does_not_matter(record, study):
    turned = Record(record.history, record.trials.iloc[::-1], record.about)
    assert drawn(draw(turned, study, 4, 0)) == drawn(draw(record, study, 4, 0))


def test_replicas_of_trials_that_have_not_ended_are_not_drawn(record, study):
    status = np.where(record.trials["trial_id"] == "search-hinge-0001", "truncated", record.trials["status"])
    cards = draw(Record(record.history, record.trials.assign(status=status), record.about), study, 40, 0)
    assert {trial for trial, _ in drawn(cards)} == {"search-least_squares-0002"}


def test_nothing_is_drawn_without_pictures(record, tmp_path):
    assert draw(record, tmp_path, 40, 0) == []


def test_a_cards_title_is_its_number(record, study):
    card = draw(record, study, 1, 0)[0]
    assert "1" in [text.get_text() for text in card.figure().findobj(Text)]
