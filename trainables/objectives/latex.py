"""Formulas of `trainables.objectives.expression` in LaTeX, for pages: `r*log(r) - log1p(r)` becomes `r \\log r -
\\log(1 + r)`."""

from __future__ import annotations

import ast
from dataclasses import dataclass

SUM, PRODUCT, POWER, ATOM = range(4)  # how tightly an expression binds
NAMES = {"inf": r"\infty", "alpha": r"\alpha", "pi": r"\pi", "sigmoid": r"\sigma", "atan": r"\arctan"}
KNOWN = ("log", "tanh", "sin", "cos", "cosh", "sinh", "min", "max")  # LaTeX has a command for each
SIGNS = {ast.Add: "+", ast.Sub: "-"}


@dataclass(frozen=True)
class Piece:
    """A LaTeX fragment, its precedence, and whether it begins with a digit."""

    text: str
    binds: int = ATOM
    digit: bool = False

    def within(self, level: int) -> str:
        """The text, bracketed where its surroundings bind more tightly."""
        return self.text if self.binds >= level else _bracketed(self.text)


def latex(text: str) -> str:
    """LaTeX of a formula that `trainables.objectives.expression.parse` accepts; raises ValueError for anything else."""
    try:
        return _piece(ast.parse(text.strip(), mode="eval").body).text
    except SyntaxError:
        raise ValueError(f"expected a formula, got {text!r}") from None


def _piece(tree: ast.expr) -> Piece:
    rest = _negated(tree)
    if rest is not None:
        return Piece(f"-{_piece(rest).within(PRODUCT)}", SUM)
    match tree:
        case ast.Constant(value=int() | float() as value):
            return Piece(f"{value:g}", digit=True)
        case ast.Name(id=name):
            return Piece(_named(name))
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
            return Piece(f"{_piece(left).text} {SIGNS[type(op)]} {_piece(right).within(PRODUCT)}", SUM)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _product(_piece(left), _piece(right))
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return Piece(rf"\frac{{{_piece(left).text}}}{{{_piece(right).text}}}", PRODUCT)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return Piece(f"{_piece(left).within(ATOM)}^{{{_piece(right).text}}}", POWER)
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _call(name, [_piece(argument) for argument in arguments])
    raise ValueError(f"expected a formula, got {ast.unparse(tree)!r} in it")


def _negated(tree: ast.expr) -> ast.expr | None:
    """The operand of a leading minus sign, as in `-(b - a)**2/2 * r`; None where none does."""
    match tree:
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return operand
        case ast.BinOp(left=left, op=ast.Mult() | ast.Div() as op, right=right):
            rest = _negated(left)
            return None if rest is None else ast.BinOp(rest, op, right)
    return None


def _bracketed(text: str) -> str:
    return rf"\left({text}\right)" if r"\frac" in text else f"({text})"


def _product(left: Piece, right: Piece) -> Piece:
    factors = left.within(PRODUCT), right.within(PRODUCT)
    between = r" \cdot " if right.digit else " " if factors[1].startswith(("(", r"\left")) else r" \, "
    return Piece(between.join(factors), PRODUCT, left.digit)


def _call(name: str, arguments: list[Piece]) -> Piece:
    inner = ", ".join(argument.text for argument in arguments)
    match name:
        case "exp":
            return Piece(f"e^{{{inner}}}", POWER)
        case "expm1":
            return Piece(f"e^{{{inner}}} - 1", SUM)
        case "sqrt":
            return Piece(rf"\sqrt{{{inner}}}")
        case "square":
            return Piece(f"{arguments[0].within(ATOM)}^{{2}}", POWER)
        case "abs":
            return Piece(rf"\left\lvert {inner} \right\rvert")
        case "log1p":
            return Piece(rf"\log{_bracketed(f'1 + {inner}')}", PRODUCT)
    short = name == "log" and len(arguments) == 1 and inner.isalnum()
    return Piece(rf"\log {inner}" if short else _named(name) + _bracketed(inner), PRODUCT)


def _named(name: str) -> str:
    if name in NAMES:
        return NAMES[name]
    if name in KNOWN:
        return rf"\{name}"
    return name if len(name) == 1 else rf"\mathrm{{{name}}}"
