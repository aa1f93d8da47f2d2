"""Formulas such as `-softplus(-d)` as functions of tensors: parsed to a whitelisted syntax tree, never `eval`ed.

A formula is built from its variables (`d` for the two functions of an objective), numbers, named constants, the
operators + - * / ** and the functions of `FUNCTIONS`. Anything else is refused with an error that shows the offending
part.
"""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import combinations
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from trainables.checks import shown

Value = Tensor | float
Node = Callable[[Mapping[str, Value]], Value]

LONGEST = 500  # characters of a formula
DEEPEST = 40  # levels of nesting


class ExpressionError(ValueError):
    """A formula that is not in the language; the message shows the offending part."""


def _softplus(x: Tensor) -> Tensor:
    # torch's own softplus turns linear at 20, an error of 2e-9; this form is exact everywhere.
    return -functional.logsigmoid(-x)


class _Expm1(torch.autograd.Function):
    """Torch's own takes its value plus 1 for the derivative, which loses e^x to rounding where x is far below 0."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.expm1(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return gradient * torch.exp(x)


def _expm1(x: Tensor) -> Tensor:
    found: Tensor = _Expm1.apply(x)
    return found


class _LogSoftplus(torch.autograd.Function):
    """log(softplus(x)) at every x: softplus itself is rounded to 0 below -104 in float32, and torch's second derivative
    of it to 0 below -17, which its quotients do not bear."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        below = torch.relu(-40 - x)  # from -40 down it is x
        return torch.log(_softplus(x + below)) - below

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return gradient * torch.exp(functional.logsigmoid(x) - _log_softplus(x))


def _log_softplus(x: Tensor) -> Tensor:
    found: Tensor = _LogSoftplus.apply(x)
    return found


def _smaller(x: Value, y: Value) -> Value:
    if isinstance(x, Tensor) and isinstance(y, Tensor):
        return torch.minimum(x, y)
    if isinstance(x, Tensor):
        return x.clamp(max=float(y))
    return y.clamp(max=x) if isinstance(y, Tensor) else min(x, y)


def _larger(x: Value, y: Value) -> Value:
    if isinstance(x, Tensor) and isinstance(y, Tensor):
        return torch.maximum(x, y)
    if isinstance(x, Tensor):
        return x.clamp(min=float(y))
    return y.clamp(min=x) if isinstance(y, Tensor) else max(x, y)


FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "exp": torch.exp,
    "expm1": _expm1,
    "log": torch.log,
    "log1p": torch.log1p,
    "sqrt": torch.sqrt,
    "square": torch.square,
    "abs": torch.abs,
    "sign": torch.sign,
    "relu": torch.relu,
    "tanh": torch.tanh,
    "atan": torch.atan,
    "sigmoid": torch.sigmoid,
    "logsigmoid": functional.logsigmoid,
    "softplus": _softplus,
    "sin": torch.sin,
    "cos": torch.cos,
    "cosh": torch.cosh,
    "sinh": torch.sinh,
    "erf": torch.erf,
}
CHOOSERS: dict[str, Callable[[Value, Value], Value]] = {"min": _smaller, "max": _larger}
CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf}

_BINARY: dict[type[ast.operator], Callable[[Value, Value], Value]] = {
    ast.Add: lambda x, y: x + y,
    ast.Sub: lambda x, y: x - y,
    ast.Mult: lambda x, y: x * y,
    ast.Div: lambda x, y: x / y,
    ast.Pow: lambda x, y: x**y,
}


@dataclass(frozen=True)
class Expression:
    """A parsed formula; call it with its variables as keywords. Tensors in, a tensor of their shape out."""

    text: str
    node: Node

    def __call__(self, **variables: Tensor) -> Tensor:
        """Evaluate; a constant formula is broadcast to the variables' shape."""
        value = self.node(variables)
        like = next(iter(variables.values()))
        return value if isinstance(value, Tensor) and value.shape == like.shape else value + torch.zeros_like(like)


@lru_cache(maxsize=1024)
def _tree(text: str) -> ast.expr:
    """The formula as Python's syntax tree; of many arms most have the same."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(f"not a formula: {text!r} ({getattr(error, 'msg', error)})") from None


def parse(text: str, variables: Sequence[str] = ("d",), constants: Mapping[str, float] | None = None) -> Expression:
    """Turn a formula into a function of its variables.

    Raises `ExpressionError` that shows the part not in the language.
    """
    if not isinstance(text, str):
        raise ExpressionError(f"expected a formula as text, got {shown(text)}")
    if len(text) > LONGEST:
        raise ExpressionError(f"expected a formula of at most {LONGEST} characters, got {len(text)}")
    if not text.isascii():
        strange = next(character for character in text if not character.isascii())
        raise ExpressionError(f"{strange!r} is not allowed in a formula: only ASCII characters are")
    tree = _tree(text)
    known = {**CONSTANTS, **(constants or {})}
    expression = Expression(text.strip(), _build(tree, tuple(variables), known, 0))
    expression(**{name: torch.zeros(1) for name in variables})  # so that 1/0 fails here and not during training
    return expression


def parts(text: str, variables: Sequence[str], constants: Mapping[str, float]) -> list[Expression]:
    """Every part of a formula in which a variable stands, itself included, and the differences of two arguments of a
    min or max. Raises what `parse` does."""
    whole = parse(text, variables, constants).text
    found = [part for part in ast.walk(_tree(whole)) if isinstance(part, ast.expr)]
    for part in list(found):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id in CHOOSERS:
            found += [ast.BinOp(left, ast.Sub(), right) for left, right in combinations(part.args, 2)]
    known = {**CONSTANTS, **constants}
    texts = dict.fromkeys(ast.unparse(part) for part in found if _varies(part, variables))
    return [Expression(part, _build(_tree(part), tuple(variables), known, 0)) for part in texts]


def _varies(tree: ast.expr, variables: Sequence[str]) -> bool:
    return any(isinstance(part, ast.Name) and part.id in variables for part in ast.walk(tree))


def _build(tree: ast.expr, variables: Sequence[str], constants: Mapping[str, float], depth: int) -> Node:
    """The function of a part of a formula; one without variables is evaluated once."""
    node = _function_of(tree, variables, constants, depth)
    if _varies(tree, variables):
        return node
    value = node({})
    return lambda _: value


def _function_of(tree: ast.expr, variables: Sequence[str], constants: Mapping[str, float], depth: int) -> Node:
    if depth > DEEPEST:
        raise ExpressionError(f"a formula may nest at most {DEEPEST} levels deep")

    def build(child: ast.expr) -> Node:
        return _build(child, variables, constants, depth + 1)

    match tree:
        case ast.Constant(value=bool()):
            raise _refused(tree, "only numbers are constants")
        case ast.Constant(value=int() | float() as number):
            return _constant(number, tree)
        case ast.Name(id=name) if name in variables:
            return lambda scope: scope[name]
        case ast.Name(id=name) if name in constants:
            return _constant(constants[name], tree)
        case ast.Name(id=name):
            known = ", ".join([*variables, *constants])
            raise _refused(tree, f"a formula knows {known}, and functions in front of brackets")
        # A softplus is -logsigmoid(-x): what is negated on either side of it need not be negated twice.
        case ast.UnaryOp(ast.USub(), ast.Call(func=ast.Name("softplus"), args=[argument], keywords=[])):
            return _call("logsigmoid", [build(_negated(argument))], tree)
        case ast.Call(func=ast.Name("softplus"), args=[ast.UnaryOp(ast.USub(), argument)], keywords=[]):
            logsigmoid = _call("logsigmoid", [build(argument)], tree)
            return lambda scope: -logsigmoid(scope)
        case ast.Call(
            func=ast.Name("log"),
            args=[ast.Call(func=ast.Name("softplus"), args=[argument], keywords=[])],
            keywords=[],
        ):
            within = build(argument)
            return lambda scope: _apply(_log_softplus, within(scope), tree)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = build(operand)
            return lambda scope: -inner(scope)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return build(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _binary(_BINARY[type(op)], build(left), build(right), tree)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS or name in CHOOSERS:
            return _call(name, [build(argument) for argument in arguments], tree)
        case ast.BinOp(op=ast.BitXor()):
            raise _refused(tree, "a power is written **")
        case ast.Call():
            raise _refused(tree, f"the functions are {', '.join([*FUNCTIONS, *CHOOSERS])}")
        case _:
            raise _refused(tree, "only + - * / **, numbers and functions of a formula are allowed")


def _negated(tree: ast.expr) -> ast.expr:
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        return tree.operand
    return ast.copy_location(ast.UnaryOp(ast.USub(), tree), tree)


def _constant(number: float, tree: ast.expr) -> Node:
    try:
        value = float(number)
    except OverflowError:
        value = math.inf
    if isinstance(tree, ast.Constant) and math.isinf(value):
        raise _refused(tree, "the number is too large")
    return lambda _: value


def _binary(operate: Callable[[Value, Value], Value], left: Node, right: Node, tree: ast.expr) -> Node:
    def node(scope: Mapping[str, Value]) -> Value:
        x, y = left(scope), right(scope)
        if isinstance(x, Tensor) or isinstance(y, Tensor):
            return operate(x, y)
        try:
            return _real(operate(x, y), tree)
        except OverflowError:
            raise _refused(tree, "the number is too large") from None
        except ZeroDivisionError as error:
            raise _refused(tree, str(error)) from None

    return node


def _call(name: str, arguments: Sequence[Node], tree: ast.expr) -> Node:
    if name in CHOOSERS:
        if len(arguments) < 2:
            raise _refused(tree, f"{name} takes two or more arguments")
        chooser = CHOOSERS[name]
        return lambda scope: reduce(chooser, [argument(scope) for argument in arguments])
    if len(arguments) != 1 or any(isinstance(a, ast.Starred) for a in getattr(tree, "args", [])):
        raise _refused(tree, f"{name} takes one argument")
    function, (inner,) = FUNCTIONS[name], arguments
    return lambda scope: _apply(function, inner(scope), tree)


def _apply(function: Callable[[Tensor], Tensor], x: Value, tree: ast.expr) -> Value:
    return function(x) if isinstance(x, Tensor) else _real(float(function(torch.tensor(x, dtype=torch.float64))), tree)


def _real(value: Value | complex, tree: ast.expr) -> Value:
    if isinstance(value, complex) or (isinstance(value, float) and math.isnan(value)):
        raise _refused(tree, "the value is not a real number")
    return value


def _refused(tree: ast.expr, why: str) -> ExpressionError:
    try:
        piece = ast.unparse(tree)
    except RecursionError:
        piece = type(tree).__name__
    return ExpressionError(f"'{piece if len(piece) <= 80 else piece[:77] + '...'}' is not allowed in a formula: {why}")
