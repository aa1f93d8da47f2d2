"""Networks of the user's own: a class of `torch.nn.Module` at `module:attribute`, stacked by `torch.func`.

A generator's class is called as `Class(latent_dim, shape, classes, **settings)` and maps latents (B, latent_dim) to
samples (B, *shape); a critic's as `Class(shape, classes, **settings)`, from samples (B, *shape) to (B,) or (B, 1). With
`classes` > 0 `forward` gets labels (B,) as well, int64 from 0 to classes - 1. Weights are the module's parameters, tied
ones once; its buffers are constants, equal for every seed. It stays in the mode it is built in, which is torch's for
training. What a replica's module computes must follow from its parameters, buffers and inputs alone:
`trainables.rehearsal` finds out whether it does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.parameter import is_lazy

from trainables import own_code
from trainables.networks.network import Network, Weight

COUNTED = 2  # samples whose operations are counted; a module may normalise over them
PROBE = 4  # samples of the batch that tells whether a module normalises over it


class Unfit(ValueError):  # noqa: N818 (what the module is)
    """A module that cannot be one of a population; `got` is what came instead of what was expected."""

    def __init__(self, setting: str, expected: str, got: str, location: str) -> None:
        super().__init__(f"{setting}: expected {expected}, got {got} ({location})")
        self.got = got


class OwnNetwork(Network):
    """R modules of one class of the user's own, for inputs (R, B, *inputs) and outputs (R, B, *outputs).

    `role` is generator or critic, `values` its checked settings, `arguments` what the class is called with before its
    own settings. Initial weights come from torch's global random generator, seeded here and then put back. Raises
    `Unfit` where the module cannot be stacked, and what `own_code.attribute` raises.
    """

    def __init__(
        self,
        role: str,
        values: Mapping[str, Any],
        arguments: Mapping[str, Any],
        inputs: Sequence[int],
        outputs: Sequence[int],
    ) -> None:
        self.role, self.location, self.classes = role, values["module"], arguments["classes"]
        self.inputs, self.outputs = tuple(inputs), tuple(outputs)
        self._class = own_code.attribute(f"{role}.module", self.location)
        if not (isinstance(self._class, type) and issubclass(self._class, nn.Module)):
            raise self.refused("a class of torch.nn.Module", repr(self._class))
        self._arguments = arguments
        self._settings = {name: value for name, value in values.items() if name != "module"}
        self.module = self._built(0)
        self._refuse_parameters()
        self._refuse_state()
        self.weights = _weights(self.module)
        self.buffers = dict(self.module.named_buffers())
        self._places: dict[tuple[torch.device, torch.dtype], dict[str, Tensor]] = {}
        self._refuse_other_draws()
        self.normalises = self._normalises(self._built(0))

    @property
    def operations(self) -> float:
        """As torch counts them."""
        from torch.utils.flop_counter import FlopCounterMode  # which imports Triton

        labels = torch.zeros(1, COUNTED, dtype=torch.int64) if self.classes else None
        weights = [torch.zeros(1, *weight.shape) for weight in self.weights]
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            self(weights, torch.zeros(1, COUNTED, *self.inputs), labels)
        return float(counter.get_total_flops()) / COUNTED

    def draw(self, generator: torch.Generator) -> Tensor:
        """The parameters of a module built with torch's global random generator seeded from `generator`."""
        seed = int(torch.randint(2**63 - 1, (), generator=generator, device=generator.device))
        module = self._built(seed)
        self._refuse_other_buffers(module)
        return torch.cat([p.detach().flatten() for p in module.parameters()]).to(generator.device)

    def __call__(self, weights: Sequence[Tensor], x: Tensor, labels: Tensor | None = None) -> Tensor:
        named = {weight.name: tensor for weight, tensor in zip(self.weights, weights, strict=True)}
        buffers = self._placed(weights[0].device, weights[0].dtype)

        def one(parameters: Mapping[str, Tensor], *inputs: Tensor) -> Tensor:
            made: Tensor = functional_call(self.module, ({**parameters, **buffers},), inputs)
            return made

        out = vmap(one, randomness="error")(named, x, *(() if labels is None else (labels,)))
        return out.squeeze(-1) if self.role == "critic" and out.dim() == 3 else out

    def refused(self, expected: str, got: str) -> Unfit:
        """The error for a module that cannot be one of a population."""
        return Unfit(f"{self.role}.module", expected, got, self.location)

    @contextmanager
    def refusing(self, expected: str) -> Iterator[None]:
        """Whatever the module raises within becomes the refusal of what was expected."""
        try:
            yield
        except Unfit as error:
            raise self.refused(expected, error.got) from error
        except own_code.RAISED as error:
            said = " ".join(str(error).split())
            raise self.refused(expected, f"{type(error).__name__}: {said}") from error

    def _built(self, seed: int) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            shown = [*self._arguments, *(f"{name}={value!r}" for name, value in self._settings.items())]
            with self.refusing(f"a constructor that takes ({', '.join(shown)})"):
                made: nn.Module = self._class(*self._arguments.values(), **deepcopy(self._settings))
                return made

    def _placed(self, device: torch.device, dtype: torch.dtype) -> dict[str, Tensor]:
        """The buffers where the weights are, and real ones in their type; copied once."""
        if (device, dtype) not in self._places:
            moved = {n: b.to(device, dtype if b.is_floating_point() else b.dtype) for n, b in self.buffers.items()}
            self._places[device, dtype] = moved
        return self._places[device, dtype]

    def _normalises(self, module: nn.Module) -> bool:
        """Whether the outputs for some samples change with the others in their batch."""
        x = torch.randn(PROBE, *self.inputs, generator=torch.Generator().manual_seed(0))
        labels = (torch.arange(PROBE) % self.classes,) if self.classes else ()
        half = PROBE // 2
        other = torch.cat([x[:half], 3 * x[half:] + 1])
        with torch.no_grad(), self.refusing(f"a forward pass of {self.role} inputs of shape {tuple(x.shape)}"):
            made = [module(points, *labels) for points in (x.clone(), other)]
        for out in made:
            if not isinstance(out, Tensor) or not out.dim():
                got = "a number for all of them" if isinstance(out, Tensor) else f"a {type(out).__name__}"
                raise self.refused(f"one tensor of outputs for {PROBE} {self.role} inputs", got)
        return not torch.allclose(made[0][:half], made[1][:half], rtol=1e-5, atol=1e-6)

    def _refuse_parameters(self) -> None:
        """Weights are one matrix of float32 that is trained."""
        parameters = dict(self.module.named_parameters())
        if not parameters:
            raise self.refused("parameters to train", "none")
        for name, parameter in parameters.items():
            if is_lazy(parameter):
                raise self.refused("parameters with shapes", f"'{name}', which has none before a first batch")
            if parameter.dtype != torch.float32:
                raise self.refused("float32 parameters", f"{str(parameter.dtype).removeprefix('torch.')} in '{name}'")
            if not parameter.requires_grad:
                raise self.refused(
                    "parameters that are trained", f"'{name}' without a gradient; a constant is a buffer"
                )

    def _refuse_state(self) -> None:
        """What is known to remember earlier batches, or to draw at random, is named before it is tried."""
        for name, module in self.module.named_modules():
            kind = f"{type(module).__name__} '{name}'"
            if getattr(module, "track_running_stats", False):
                raise self.refused(
                    "statistics of the batch at hand (track_running_stats=False)", f"running ones in {kind}"
                )
            if isinstance(module, nn.modules.dropout._DropoutNd) and module.p > 0 and module.training:
                raise self.refused("outputs that follow from weights and inputs", f"{kind}, which is random")
            for attribute, value in vars(module).items():
                if isinstance(value, Tensor):
                    raise self.refused(
                        "constants that are buffers, by register_buffer", f"the plain tensor '{attribute}' of {kind}"
                    )

    def _refuse_other_draws(self) -> None:
        """A seed fixes all that a module starts from, and its buffers are the same for every seed."""
        again = dict(self._built(0).named_parameters())
        for name, value in self.module.named_parameters():
            if name not in again or not torch.equal(value, again[name]):
                raise self.refused(
                    "weights that a seed of torch's global random generator fixes",
                    f"two values of '{name}' from one seed",
                )
        self._refuse_other_buffers(self._built(1))

    def _refuse_other_buffers(self, module: nn.Module) -> None:
        if _weights(module) != self.weights:
            raise self.refused("the same names and shapes of parameters for every seed", "others")
        found = dict(module.named_buffers())
        for name, buffer in self.buffers.items():
            if name not in found or not torch.equal(buffer, found[name]):
                raise self.refused("buffers that are the same for every seed", f"'{name}', which is not")


def _weights(module: nn.Module) -> tuple[Weight, ...]:
    return tuple(Weight(name, tuple(parameter.shape)) for name, parameter in module.named_parameters())


def generator(values: Mapping[str, Any], latent_dim: int, shape: Sequence[int], classes: int = 0) -> OwnNetwork:
    """A generator of the user's own; see the module. `values` are checked settings."""
    arguments = {"latent_dim": latent_dim, "shape": tuple(shape), "classes": classes}
    return OwnNetwork("generator", values, arguments, (latent_dim,), shape)


def critic(values: Mapping[str, Any], shape: Sequence[int], classes: int = 0) -> OwnNetwork:
    """A critic of the user's own; see the module. `values` are checked settings."""
    return OwnNetwork("critic", values, {"shape": tuple(shape), "classes": classes}, shape, ())
