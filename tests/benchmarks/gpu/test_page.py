import pytest

from benchmarks.gpu.page import GOALS, Cost, Findings, Goal, goals, page, ratio
from benchmarks.gpu.profile import Profile

COSTS = [
    Cost("MLP, width 32, batch 64", "fp32", 64, ours=0.01, loop=0.5, graphed=0.1, jax=0.02, mebibytes=1.5),
    Cost("MLP, width 64, batch 128", "fp32", 64, ours=0.02, loop=0.9, graphed=0.42),
    Cost("MLP, width 64, batch 128", "fp32", 256, ours=0.9, loop=0.9, graphed=0.42),
    Cost("DCGAN 32×32, width 64, batch 64", "tf32", 64, ours=1.0, loop=5.0),
]


def test_a_goal_is_about_the_worst_of_its_sizes():
    assert ratio(COSTS[0], "loop") == pytest.approx(50)
    assert ratio(COSTS[1], "jax") is None
    assert Goal("MLP", "fp32", "loop", 40).reached(COSTS) == pytest.approx(45)
    assert Goal("MLP", "fp32", "jax", 1).reached(COSTS) == pytest.approx(2)
    assert Goal("DCGAN 32×32", "fp32", "loop", 2).reached(COSTS) is None


def test_goals_are_a_cards():
    table = goals(COSTS, "H100").splitlines()
    assert len(table) == len(GOALS) + 2
    assert table[2] == "| MLP, fp32, against a plain loop | 40× | 45×, met |"
    assert table[3] == "| MLP, fp32, against the loop under CUDA graphs | 20× | 10×, **not met** |"
    assert table[-1] == "| DCGAN 32×32, tf32, against a plain loop | 6× | 5×, **not met** |"
    assert table[-2].endswith("| 2× | no card has shown this yet |")
    assert goals(COSTS, None).count("no card has shown this yet") == len(GOALS)


def test_a_page_tells_everything():
    profile = Profile(
        "MLP", step=0.5, busy=0.4, launches=200, shares={"copies": 0.001, "sampling": 0.2, "other": 0.799}
    )
    ways = {"DCGAN": {"grouped": 1.5, "separate": None}}
    found = Findings("H100", "x86_64", "21 passed", COSTS, ways, {"graphs": 0.0}, [profile], ["JAX: not installed"])
    text = page(found)
    assert "| MLP, width 32, batch 64 | fp32 | 64 | 0.01 | 0.5 (50×) | 0.1 (10×) | 0.02 (2×) | 1.5 |" in text
    assert "| ms a replica-step | grouped | separate |\n| --- | --- | --- |\n| DCGAN | 1.5 |  |" in text
    assert "| graphs | 0.0e+00 |" in text
    assert (
        "- MLP: a step takes 0.5 ms, of which the card is busy for 0.4; the rest, 20%, waits for launches. "
        "It has 200 kernels, of 2.0 µs on average: other 80%, sampling 20%." in text
    )
    assert "## Left out\n\n- JAX: not installed" in text
    assert found.plain()["costs"][0]["jax"] == 0.02
