"""DINOv2's features, against a plain forward pass by its own names (which was held to the authors' code once)."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as nnf
from torch import Tensor

from trainables.metrics.dinov2 import dinov2
from trainables.metrics.features import resized

WIDTH, DEPTH, HEADS = 128, 2, 2


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    """Random weights of a small network, by the names in the authors' files."""
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return 0.2 * torch.randn(*shape, generator=generator)

    found = {
        "cls_token": draw(1, 1, WIDTH),
        "pos_embed": draw(1, 1 + 37 * 37, WIDTH),
        "mask_token": draw(1, WIDTH),
        "patch_embed.proj.weight": draw(WIDTH, 3, 14, 14),
        "patch_embed.proj.bias": draw(WIDTH),
        "norm.weight": 1 + draw(WIDTH),
        "norm.bias": draw(WIDTH),
    }
    shapes = {"attn.qkv": (3 * WIDTH, WIDTH), "attn.proj": (WIDTH, WIDTH), "mlp.fc1": (4 * WIDTH, WIDTH)}
    for place in range(DEPTH):
        layer = f"blocks.{place}."
        for name, (rows, columns) in {**shapes, "mlp.fc2": (WIDTH, 4 * WIDTH)}.items():
            found |= {f"{layer}{name}.weight": draw(rows, columns), f"{layer}{name}.bias": draw(rows)}
        for name in ("norm1", "norm2"):
            found |= {f"{layer}{name}.weight": 1 + draw(WIDTH), f"{layer}{name}.bias": draw(WIDTH)}
        found |= {f"{layer}ls{number}.gamma": draw(WIDTH) for number in (1, 2)}
    return found


@pytest.fixture
def weights(state: dict[str, Tensor], tmp_path: Path) -> Path:
    torch.save(state, tmp_path / "small.pth")
    return tmp_path / "small.pth"


def forward(state: dict[str, Tensor], pictures: Tensor) -> Tensor:
    """The normalised class token, as the paper has it."""
    patches = nnf.conv2d(pictures, state["patch_embed.proj.weight"], state["patch_embed.proj.bias"], stride=14)
    x = torch.cat([state["cls_token"].expand(len(pictures), -1, -1), patches.flatten(2).mT], 1)
    grid = state["pos_embed"][:, 1:].reshape(1, 37, 37, WIDTH).permute(0, 3, 1, 2)
    scaled = nnf.interpolate(grid, scale_factor=16.1 / 37, mode="bicubic").flatten(2).mT
    x = x + torch.cat([state["pos_embed"][:, :1], scaled], 1)

    def normal(x: Tensor, name: str) -> Tensor:
        return nnf.layer_norm(x, (WIDTH,), state[f"{name}.weight"], state[f"{name}.bias"], 1e-6)

    def dense(x: Tensor, name: str) -> Tensor:
        return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]

    for place in range(DEPTH):
        layer = f"blocks.{place}"
        qkv = dense(normal(x, f"{layer}.norm1"), f"{layer}.attn.qkv")
        q, k, v = qkv.reshape(len(x), -1, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        attended = ((q @ k.mT) / (WIDTH // HEADS) ** 0.5).softmax(-1) @ v
        x = x + state[f"{layer}.ls1.gamma"] * dense(attended.transpose(1, 2).flatten(2), f"{layer}.attn.proj")
        hidden = nnf.gelu(dense(normal(x, f"{layer}.norm2"), f"{layer}.mlp.fc1"))
        x = x + state[f"{layer}.ls2.gamma"] * dense(hidden, f"{layer}.mlp.fc2")
    return normal(x, "norm")[:, 0]


def test_features_are_those_of_a_plain_forward_pass(state: dict[str, Tensor], weights: Path) -> None:
    images = 2 * torch.rand(2, 1, 20, 12, generator=torch.Generator().manual_seed(1)) - 1
    mean, std = (torch.tensor(v).reshape(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    expected = forward(state, (resized(images, 224, "bicubic") / 255 - mean) / std)
    space = dinov2(weights)
    torch.testing.assert_close(space(images), expected, atol=2e-4, rtol=1e-4)
    assert space(images[:0]).shape == (0, WIDTH)
    assert space.digest is not None
    assert space.digest.startswith("dinov2 ")


def test_other_files_are_refused(state: dict[str, Tensor], tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"evaluation\.weights: expected the file of DINOv2's weights, as dinov2_vits14"
    ):
        dinov2(None)
    with pytest.raises(
        FileNotFoundError, match=r"evaluation\.weights: expected a file of DINOv2's weights, found none"
    ):
        dinov2(tmp_path / "none.pth")
    for name, content in (
        ("registers", {**state, "register_tokens": torch.zeros(1)}),
        ("other", {"fc": torch.zeros(3)}),
    ):
        torch.save(content, tmp_path / name)
        with pytest.raises(ValueError, match=rf"{name} does not hold DINOv2's weights"):
            dinov2(tmp_path / name)
