"""Variables: one template row of a manifest makes many. `{hero}` in any text stands for each of its values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import product
from math import prod

_PLACE = re.compile(r"\{\{|\}\}|\{(\w+)\}")
COMBINATIONS = ("product", "zip")

Row = dict[str, object]
Values = dict[str, list[str]]


class VariablesUnusable(Exception):
    """Why a template row cannot be filled, and in which column."""

    def __init__(self, column: str, message: str) -> None:
        self.column = column
        super().__init__(message)


@dataclass(frozen=True)
class Template:
    """A row with its variables taken out. `combine`: every combination of values, or the n-th with the n-th."""

    row: Row
    variables: Values
    combine: str

    def n_rows(self) -> int:
        counts = [len(values) for values in self.variables.values()]
        return prod(counts) if self.combine == "product" else counts[0]

    def rows(self) -> Iterator[Row]:
        """The row, filled with each set of values. The last variable changes fastest."""
        lists = self.variables.values()
        combined = product(*lists) if self.combine == "product" else zip(*lists, strict=True)
        for values in combined:
            known = _settled(dict(zip(self.variables, values, strict=True)))
            yield {key: _filled(value, known) for key, value in self.row.items()}


def template_of(raw: Mapping[str, object]) -> Template | None:
    """The template in a raw row; None for a row without variables. Raises VariablesUnusable."""
    row = dict(raw)
    written, combine = row.pop("variables", None), row.pop("combine", None)
    if written in (None, "", {}):
        if combine not in (None, ""):
            raise VariablesUnusable("combine", "is given, but the row has no variables; remove it or add them")
        return None
    combine = str(combine or "product")
    if combine not in COMBINATIONS:
        raise VariablesUnusable("combine", f"is {combine[:40]!r}; the choices are {', '.join(COMBINATIONS)}")
    variables = _variables(written)
    lengths = {name: len(values) for name, values in variables.items()}
    if combine == "zip" and len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {n}" for name, n in lengths.items())
        raise VariablesUnusable("variables", f"zip needs as many values of each; there are: {told}")
    _refuse_cycles(variables)
    used = set(_names_in(row)) | {name for values in variables.values() for name in _names_in(values)}
    for name in sorted(used - set(variables)):
        raise VariablesUnusable(
            _column_with(row, name),
            f"{{{name}}} is no variable; there are: {', '.join(variables)} ({{{{ writes a brace)",
        )
    for name in variables:
        if name not in used:
            raise VariablesUnusable(f"variables.{name}", f"is never used; write {{{name}}} somewhere or remove it")
    return Template(row, variables, combine)


def _variables(written: object) -> Values:
    if not isinstance(written, Mapping):
        raise VariablesUnusable("variables", "must name lists of values, as {hero: [fox, owl]}")
    variables: Values = {}
    for name, values in written.items():
        if isinstance(values, str):
            values = [value.strip() for value in values.split("|")]
        if not re.fullmatch(r"[^\W\d]\w{0,39}", str(name)):
            raise VariablesUnusable("variables", f"{str(name)[:40]!r} is no name; use letters, digits and _")
        if not isinstance(values, Sequence) or not values:
            raise VariablesUnusable(f"variables.{name}", "must be a list of values, or text with | between them")
        if not all(isinstance(value, str | int | float) for value in values):
            raise VariablesUnusable(f"variables.{name}", "holds a value that is neither text nor a number")
        variables[str(name)] = [str(value) for value in values]
    return variables


def _refuse_cycles(variables: Values) -> None:
    """Raises VariablesUnusable naming the way round, where a variable's values lead back to it."""
    leads_to = {
        name: [other for other in _names_in(values) if other in variables] for name, values in variables.items()
    }
    done: set[str] = set()
    for start in variables:
        way: list[str] = []
        waiting = [(start, iter(leads_to[start]))]
        while waiting:
            name, following = waiting[-1]
            if len(way) < len(waiting):
                way.append(name)
            other = next((each for each in following if each not in done), None)
            if other is None:
                done.add(way.pop())
                waiting.pop()
            elif other in way:
                circle = " -> ".join(f"{{{each}}}" for each in [*way[way.index(other) :], other])
                raise VariablesUnusable(f"variables.{other}", f"leads back to itself: {circle}; break the circle")
            else:
                waiting.append((other, iter(leads_to[other])))


def _names_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from (found.group(1) for found in _PLACE.finditer(value) if found.group(1))
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _names_in(each)
    elif isinstance(value, Sequence):
        for each in value:
            yield from _names_in(each)


def _column_with(row: Row, name: str) -> str:
    return next((key for key, value in row.items() if name in set(_names_in(value))), "variables")


MAX_FILLED = 100_000
"""So many characters a filled text may have: variables that hold variables could grow without end."""


def _settled(values: Mapping[str, str]) -> dict[str, str]:
    """Each value with the variables in it filled: once each, however many others hold it."""
    settled: dict[str, str] = {}
    for name in TopologicalSorter({name: _names_in(value) for name, value in values.items()}).static_order():
        settled[name] = _fill(values[name], settled)
    return settled


def _fill(text: str, known: Mapping[str, str]) -> str:
    """Each variable in its place; `{{` and `}}` stand for braces."""
    n_filled = 0

    def value(found: re.Match[str]) -> str:
        nonlocal n_filled
        filling = found.group()[0] if found.group(1) is None else known[found.group(1)]
        n_filled += len(filling)
        _refuse_long(n_filled)
        return filling

    filled = _PLACE.sub(value, text)
    _refuse_long(len(filled))
    return filled


def _refuse_long(n_characters: int) -> None:
    if n_characters > MAX_FILLED:
        raise VariablesUnusable(
            "variables", f"fill a text with more than {MAX_FILLED:,} characters; shorten the values"
        )


def _filled(value: object, known: Mapping[str, str]) -> object:
    if isinstance(value, str):
        return _fill(value, known)
    if isinstance(value, Mapping):
        return {key: _filled(each, known) for key, each in value.items()}
    return value
