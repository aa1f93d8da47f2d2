"""What others call our names: looked up among those that are valid, whatever case and hyphens."""

from __future__ import annotations

import pytest

from trainables.penalties import PENALTIES
from trainables.precision import PRECISIONS
from trainables.spec import HYPERPARAMETERS
from trainables.usual_names import ROWS, called


@pytest.mark.parametrize(
    ("word", "valid", "meant"),
    [
        ("lr", HYPERPARAMETERS, ["generator_lr", "critic_lr"]),
        ("Learning-Rate", HYPERPARAMETERS, ["generator_lr", "critic_lr"]),
        ("D lr", HYPERPARAMETERS, ["critic_lr"]),
        ("betas", HYPERPARAMETERS, ["beta1", "beta2"]),
        ("n_critic", HYPERPARAMETERS, ["critic_steps"]),
        ("GP", PENALTIES, ["gradient_penalty"]),
        ("GP", HYPERPARAMETERS, ["penalty"]),
        ("lambda", ("weight", "bound"), ["weight"]),
        ("lambda", HYPERPARAMETERS, []),
        ("generator_lr", HYPERPARAMETERS, []),
        ("lr", (), []),
        ("float16", PRECISIONS, ["bf16"]),
        ("float32", PRECISIONS, ["fp32"]),
    ],
)
def test_a_word_means_those_of_the_valid_names_that_are_called_so(
    word: str, valid: list[str], meant: list[str]
) -> None:
    assert called(word, valid) == meant


def test_words_are_plain_and_stand_once_in_a_row() -> None:
    for name, row in ROWS.items():
        words = row.split()
        assert len(set(words)) == len(words), name
        assert name not in words
        assert row == row.lower().replace("-", "_"), name
