"""Which pairs set nobody against anybody: what a critic gains by telling p from q, by closed forms and by search."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.objectives import OBJECTIVES, Objective, resolve
from trainables.objectives.opposition import opposite_lines, require, unopposed
from trainables.objectives.pairing import PAIRINGS, critic_value


def why(f: str, g: str, pairing: str = "independent") -> str | None:
    return unopposed(resolve({"name": "mine", "f": f, "g": g}), pairing)


@pytest.mark.parametrize(
    ("f", "g", "expected"),
    [
        ("d", "d", "f and g both grow without end as d grows"),
        ("2*d + 1", "d", "f and g both grow without end as d grows"),
        ("-d", "-3*d", "f and g both grow without end as d falls"),
        ("1", "2", "f and g are constant"),
        ("1", "-softplus(d)", "f and g are both highest as d falls"),
        ("-softplus(-d)", "2", "f and g are both highest as d grows"),
        ("-softplus(-d)", "tanh(d)", "f and g are both highest as d grows"),
        ("-(d - 1)**2", "-2*(d - 1)**2", "f and g are both highest at d = 1"),
        ("-cosh(d - 0.3)", "-abs(d - 0.3)", "f and g are both highest at d = 0.3"),
        ("min(0, d - 1)", "min(0, 2 - d)", "f and g are both highest at d = 1.5"),
    ],
)
def test_one_place_that_is_best_for_both_makes_no_game(f: str, g: str, expected: str) -> None:
    assert why(f, g) == expected
    with pytest.raises(ValueError, match=rf"^objective: .* induces no divergence: {expected}, so that"):
        require(resolve({"name": "mine", "f": f, "g": g}))


@pytest.mark.parametrize("name", OBJECTIVES)
def test_of_the_rows_wasserstein_alone_is_of_opposite_lines(name: str) -> None:
    assert opposite_lines(resolve({"name": name})) == (name == "wasserstein")


@pytest.mark.parametrize(
    ("f", "g", "expected"),
    [
        ("d", "-d", True),
        ("3 - 2*d", "2*d", True),
        ("d + abs(d) - abs(d)", "-1e-9 - d", True),
        ("1e-20*d", "-1e-20*d", True),
        ("d", "-2*d", False),
        ("d", "d", False),
        ("d**3", "-d**3", False),
        ("d", "-max(d, -25)", False),
        ("1", "-1", False),
    ],
)
def test_opposite_lines(f: str, g: str, expected: bool) -> None:
    assert opposite_lines(resolve({"name": "mine", "f": f, "g": g})) == expected
    assert not opposite_lines(resolve(Objective("mine", f, g, link="d**3 + d")))


@pytest.mark.parametrize(
    ("f", "g"),
    [
        ("d", "-d"),
        ("-d", "d"),
        ("-exp(-d)", "-exp(d)"),
        ("min(0, d - 1)", "3*min(0, -1 - d)"),  # tells p from q where p > 3 q
        ("-(d - 1)**2", "-(d - 1.001)**2"),
        ("-(d - 100)**2", "-(d - 60)**2"),
        ("exp(d)", "-d"),  # no critic is best, but one with clipped weights tells p from q
        ("d", "-2*d"),
        ("1e6 - softplus(-d)", "1e6 - softplus(d)"),
        ("-softplus(-d)", "-1e-6*softplus(d)"),
    ],
)
def test_two_places_make_one(f: str, g: str) -> None:
    assert why(f, g) is None
    require(resolve({"name": "mine", "f": f, "g": g}))


@pytest.mark.parametrize("pairing", PAIRINGS)
@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_row_has_a_game(name: str, pairing: str) -> None:
    assert unopposed(resolve({"name": name}), pairing) is None


@pytest.mark.parametrize("pairing", ["relativistic", "relativistic_average"])
def test_comparisons_of_samples(pairing: str) -> None:
    assert why("d", "d", pairing) is not None  # all outputs cancel
    assert why("-d**2", "-d**2", pairing) is not None
    assert why("2*d", "d", pairing) is None  # E_p C - E_q C is left
    assert why("-(d - 1)**2", "-2*(d - 1)**2", pairing) is None
    assert why("-softplus(-d)", "-softplus(d)", pairing) is None


coefficients = st.floats(-2, 2).map(lambda x: round(x, 2))


@pytest.mark.property
@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["-softplus(-d)", "min(0, d - 1)", "-d**2", "-exp(d)", "tanh(d)", "d"]),
    st.floats(0.1, 5),
    coefficients,
    st.sampled_from(list(PAIRINGS)),
    st.integers(0, 1000),
)
def test_an_independent_search_finds_no_critic_better_than_a_constant_one(
    f: str, scale: float, shift: float, pairing: str, seed: int
) -> None:
    """With g = scale * f + shift no outputs of a critic, however chosen, are better than the same for all samples."""
    game = resolve({"name": "mine", "f": f, "g": f"{scale}*({f}) + {shift}"})
    if unopposed(game, pairing) is None:
        assert pairing != "independent"
        return
    generator = torch.Generator().manual_seed(seed)
    on_real, on_fake = (3 * torch.randn(200, 7, generator=generator, dtype=torch.float64) for _ in range(2))
    constant = torch.linspace(-20, 20, 401, dtype=torch.float64)[:, None].expand(-1, 7)
    best = critic_value(game, pairing, constant, constant).max()
    assert (critic_value(game, pairing, on_real, on_fake) <= best + 1e-3).all()
