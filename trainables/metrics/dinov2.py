"""Features of DINOv2 (Oquab et al. 2024), which rank generators of pictures as people do (Stein et al. 2023).

A vision transformer with patches of 14 × 14, trained without labels; the feature is its normalised class token. It is
torchvision's `VisionTransformer` with DINOv2's weights: each layer's scale γ of its update is a factor of the last
weights of that update, x + γ·(W h + b) = x + (γW) h + γb, and the positions of 37 × 37 patches are interpolated to the
16 × 16 of pictures of 224 × 224 as DINOv2 does.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from trainables.metrics.features import FeatureSpace, digest_of, in_batches, plain_weights, resized

PATCH, SIZE, HEAD = 14, 224, 64  # pixels, pixels, width of an attention head
_SIDE = SIZE // PATCH
_BATCH = 16
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's levels in [0, 1]


def dinov2(weights: str | Path | None, device: torch.device | str = "cpu") -> FeatureSpace:
    """DINOv2's features (n, d) of images (n, 1 or 3, H, W) in [-1, 1] of any size: d = 384, 768 or 1024 by the file.

    `weights` is a file such as dinov2_vits14_pretrain.pth, as the authors publish it, without registers. Images are
    resized to 224 × 224, bicubic with antialiasing. Raises `FileNotFoundError` and `ValueError` naming the file.
    """
    if weights is None:
        raise ValueError(
            "evaluation.weights: expected the file of DINOv2's weights, as dinov2_vits14_pretrain.pth, got null"
        )
    path = Path(weights)
    network, width = _network(plain_weights(path, "DINOv2's"), path)
    network = network.eval().to(device)
    mean, std = (torch.tensor(values, device=device).reshape(3, 1, 1) for values in (_MEAN, _STD))

    def features(images: Tensor) -> Tensor:
        token: Tensor = network((resized(images, SIZE, "bicubic") / 255 - mean) / std)
        return token

    return FeatureSpace(in_batches(features, width, _BATCH, device), digest_of("dinov2", path))


def _network(state: Mapping[str, Tensor], path: Path) -> tuple[nn.Module, int]:
    """The network with the weights of a file, and the width of its features."""
    from torchvision.models import VisionTransformer  # takes a second to import

    try:
        if "register_tokens" in state:
            raise ValueError("it has register tokens; expected a file without")
        width, depth = len(state["norm.weight"]), sum(name.endswith(".norm1.weight") for name in state)
        network = VisionTransformer(
            image_size=SIZE,
            patch_size=PATCH,
            num_layers=depth,
            num_heads=width // HEAD,
            hidden_dim=width,
            mlp_dim=len(state["blocks.0.mlp.fc1.weight"]),
            norm_layer=partial(nn.LayerNorm, eps=1e-6),
        )
        network.heads = nn.Sequential()
        network.load_state_dict(_translated(state, depth))
    except (AssertionError, KeyError, RuntimeError, ValueError, ZeroDivisionError) as error:
        raise ValueError(f"evaluation.weights: {path} does not hold DINOv2's weights: {error}") from error
    return network, width


def _translated(state: Mapping[str, Tensor], depth: int) -> dict[str, Tensor]:
    """DINOv2's weights by the names that torchvision gives them."""
    found = {
        "class_token": state["cls_token"],
        "conv_proj.weight": state["patch_embed.proj.weight"],
        "conv_proj.bias": state["patch_embed.proj.bias"],
        "encoder.pos_embedding": _positions(state["pos_embed"]),
        "encoder.ln.weight": state["norm.weight"],
        "encoder.ln.bias": state["norm.bias"],
    }
    for place in range(depth):
        ours, theirs = f"encoder.layers.encoder_layer_{place}", f"blocks.{place}"
        attention, hidden = state[f"{theirs}.ls1.gamma"], state[f"{theirs}.ls2.gamma"]
        for kind in ("weight", "bias"):
            found |= {
                f"{ours}.ln_1.{kind}": state[f"{theirs}.norm1.{kind}"],
                f"{ours}.self_attention.in_proj_{kind}": state[f"{theirs}.attn.qkv.{kind}"],
                f"{ours}.self_attention.out_proj.{kind}": _scaled(attention, state[f"{theirs}.attn.proj.{kind}"]),
                f"{ours}.ln_2.{kind}": state[f"{theirs}.norm2.{kind}"],
                f"{ours}.mlp.0.{kind}": state[f"{theirs}.mlp.fc1.{kind}"],
                f"{ours}.mlp.3.{kind}": _scaled(hidden, state[f"{theirs}.mlp.fc2.{kind}"]),
            }
    return found


def _scaled(factor: Tensor, values: Tensor) -> Tensor:
    """Each row of a weight (d, k), or entry of a bias (d,), times its factor (d,)."""
    return factor.reshape(-1, *[1] * (values.ndim - 1)) * values


def _positions(embedding: Tensor) -> Tensor:
    """Position embeddings (1, 1 + m², d) of m × m patches as those of 16 × 16; bicubic, with the offset of 0.1 that
    DINOv2 was trained with."""
    side = round((embedding.shape[1] - 1) ** 0.5)
    if side == _SIDE:
        return embedding
    grid = embedding[:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
    factor = (_SIDE + 0.1) / side
    scaled = nnf.interpolate(grid, scale_factor=(factor, factor), mode="bicubic")
    return torch.cat([embedding[:, :1], scaled.permute(0, 2, 3, 1).flatten(1, 2)], 1)
