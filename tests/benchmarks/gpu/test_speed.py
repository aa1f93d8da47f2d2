import sys

import pytest
import torch

from benchmarks.gpu import speed
from benchmarks.gpu.sizes import LEAST
from trainables.precision import PRECISIONS
from trainables.steps import TOGETHER

CPU = torch.device("cpu")


def test_a_turn_is_about_as_long_as_asked(monkeypatch):
    now, asked = [0.0], []

    def advance(steps):
        asked.append(steps)
        now[0] += 0.001 * steps

    monkeypatch.setattr(speed.time, "process_time", lambda: now[0])
    assert speed.milliseconds(advance, CPU, seconds=0.08, turns=2) == pytest.approx(1)
    assert asked == [TOGETHER, TOGETHER, 80, 80]
    asked.clear()
    assert speed.milliseconds(advance, CPU, seconds=0.001, turns=5) == pytest.approx(1)
    assert asked == [TOGETHER] * 3  # a step that takes long is timed in one turn


def test_plain_modules_are_computed_in_the_precision_and_it_is_put_back():
    layer, x, before = torch.nn.Linear(2, 2), torch.ones(1, 2), torch.backends.cudnn.conv.fp32_precision
    found = {}
    for name in PRECISIONS:
        with speed.modules_in(name, CPU):
            found[name] = (layer(x).dtype, torch.backends.cudnn.conv.fp32_precision)
    assert found == {
        "fp32": (torch.float32, "ieee"), "tf32": (torch.float32, "tf32"), "bf16": (torch.bfloat16, "ieee"),
    }  # fmt: skip
    assert torch.backends.cudnn.conv.fp32_precision == before
    assert layer(x).dtype == torch.float32


def test_jax_is_asked_for_its_turns_or_says_why_not(monkeypatch, tmp_path):
    program = tmp_path / "peer.py"
    monkeypatch.setattr(speed, "SCRIPT", program)

    def cost(limit=60.0):
        return speed.by_jax(sys.executable, LEAST[0], 3, CPU, 0.5, turns=3, limit=limit)

    program.write_text(
        "import sys\nassert sys.argv[1:] == ['4', '4', '3', '0.5', 'cpu']\nprint('ready')\n"
        "for number, _ in enumerate(sys.stdin):\n    print([5, 1, 2][number])\n"
    )
    assert cost() == 2
    program.write_text("raise SystemExit('no card')")
    with pytest.raises(RuntimeError, match=r"^no card$"):
        cost()
    program.write_text("import time\ntime.sleep(9)")
    with pytest.raises(RuntimeError, match=r"^not done after 0 s$"):
        cost(limit=0.1)


def test_every_loop_of_a_size_trains():
    for size in LEAST:
        assert speed.milliseconds(speed.by_loop(size, CPU), CPU, 0.0, 1) > 0
