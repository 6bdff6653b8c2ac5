"""YAML 1.2: a mapping a row, in a list, bare or under `rows`; comments stay when the table is written again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from composer.errors import TableUnreadable
from composer.formats.layout import RawRows, cell_text, decode, row_object
from composer.script import MAX_ROWS, Script

HEAD = "# A Talescape script: one item a row, empty cells left out.\nrows:\n"
MAX_DEPTH = 20
_PLAIN = re.compile(r"[^\W\d_](?:[\w ,.'!?()/-]*[\w.'!?()/])?")
_NOT_TEXT = frozenset("true false yes no on off y n null none".split())
_EMPTY = frozenset(("", "~", "null", "Null", "NULL"))


@dataclass(frozen=True)
class Cell:
    """A heading with its value, and the characters of the file where heading and value stand."""

    heading: str
    value: object
    key_start: int
    start: int
    end: int


@dataclass(frozen=True)
class Item:
    """A row as it stands in the file; `flow` is {in: braces}."""

    start: int
    flow: bool
    cells: list[Cell] = field(default_factory=list)


class YamlTable:
    """Cells are read as they are written: `no` stays no, and 1:30 is not 90."""

    def read(self, data: bytes, name: str) -> RawRows:
        return [{cell.heading: cell.value for cell in item.cells} for item in items_of(decode(data, name), name)]

    def write(self, script: Script, old: bytes | None) -> bytes:
        from composer.formats.yaml_edit import rewritten

        kept = rewritten(old, script) if old is not None else None
        return (kept if kept is not None else fresh(script)).encode()


def fresh(script: Script) -> str:
    """The whole table anew."""
    return HEAD + "".join(block(row_object(row)) for row in script.rows)


def block(cells: dict[str, object], dash: str = "- ") -> str:
    """One row as an item of a list; `dash` is its indentation with the dash."""
    indent = " " * len(dash)
    lines = [f"{plain_or_quoted(column)}: {scalar(column, value, indent)}" for column, value in cells.items()]
    return dash + f"\n{indent}".join(lines) + "\n"


def scalar(column: str, value: object, indent: str) -> str:
    """A value behind its heading: numbers and simple words as they are, lines as a block, other text in quotes."""
    text = cell_text(column, value)
    if not isinstance(value, str):
        return text
    if "\n" in text and not re.search(r"[\t\x85\u2028\u2029]", text):
        lines = "".join(f"\n{indent}  {line}" if line else "\n" for line in text.split("\n"))
        return f"|-{lines}"
    return plain_or_quoted(text)


def plain_or_quoted(text: str) -> str:
    """Text in one line: bare where no reader of YAML takes it for something else, else quoted as JSON quotes."""
    if _PLAIN.fullmatch(text) and text.casefold() not in _NOT_TEXT and len(text) <= 400:
        return text
    return quoted(text)


def quoted(text: str) -> str:
    """Text as JSON quotes it, with signs escaped that YAML 1.1 takes for line ends."""
    return re.sub(
        r"[\x85\u2028\u2029]", lambda sign: f"\\u{ord(sign.group()):04x}", json.dumps(text, ensure_ascii=False)
    )


def items_of(text: str, name: str) -> list[Item]:
    """The rows of a text with their places in it. Raises TableUnreadable, also for aliases, which can swell a file."""
    from ruamel.yaml.error import YAMLError

    if len(re.findall(r"^[ ]*-(?:[ ]|$)", text, re.M)) > 2 * MAX_ROWS:
        raise TableUnreadable(f"{name}: has more than {MAX_ROWS:,} rows; split it")
    try:
        return _Reader(text, name).items()
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" line {mark.line + 1}:" if mark is not None else ""
        told = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error).splitlines()[0]
        raise TableUnreadable(f"{name}:{place} is not YAML: {told}") from error


class _Reader:
    """Walks over the events of a text, which are never made into objects that it describes."""

    def __init__(self, text: str, name: str) -> None:
        from ruamel.yaml import YAML

        self.name = name
        self.events: Iterator[Any] = iter(YAML(typ="safe", pure=True).parse(text))

    def items(self) -> list[Item]:
        event = self._next()
        while type(event).__name__ in ("StreamStartEvent", "DocumentStartEvent"):
            event = self._next()
        if self._is(event, "MappingStart"):
            found = self._under_rows()
        elif self._is(event, "SequenceStart"):
            found = self._rows()
        else:
            raise self._no_rows(event)
        for left in self.events:
            if self._is(left, "DocumentStart"):
                raise self._wrong(left, "a second document begins here; give one table a file")
        return found

    def _under_rows(self) -> list[Item]:
        found: list[Item] | None = None
        while not self._is(key := self._next(), "MappingEnd"):
            value = self._next()
            if getattr(key, "value", None) == "rows" and self._is(value, "SequenceStart"):
                if found is not None:
                    raise self._wrong(key, "rows stands twice; keep one")
                found = self._rows()
            else:
                self._skip(key)
                self._skip(value)
        if found is None:
            raise self._no_rows(key)
        return found

    def _rows(self) -> list[Item]:
        items: list[Item] = []
        while not self._is(event := self._next(), "SequenceEnd"):
            if not self._is(event, "MappingStart"):
                raise self._wrong(event, "this is no row; give a mapping of columns to values")
            items.append(self._item(event))
            if len(items) > MAX_ROWS:
                raise TableUnreadable(f"{self.name}: has more than {MAX_ROWS:,} rows; split it")
        return items

    def _item(self, begin: Any) -> Item:
        item = Item(begin.start_mark.index, bool(begin.flow_style))
        headings: set[str] = set()
        while not self._is(key := self._next(), "MappingEnd"):
            if not self._is(key, "Scalar"):
                raise self._wrong(key, "a heading must be a word")
            if key.value in headings:
                raise self._wrong(key, f"{key.value[:60]!r} stands twice in this row; keep one")
            headings.add(key.value)
            event = self._next()
            value: object = None
            if not self._is(event, "Scalar"):
                value = {} if self._is(event, "MappingStart") else []
                self._skip(event)
            elif event.style or event.value not in _EMPTY:
                value = event.value
            places = key.start_mark.index, event.start_mark.index, event.end_mark.index
            item.cells.append(Cell(key.value, value, *places))
        return item

    def _next(self) -> Any:
        event = next(self.events)
        if self._is(event, "Alias") or getattr(event, "anchor", None):
            raise self._wrong(event, "anchors (&) and aliases (*) are not read; write the value itself")
        return event

    def _skip(self, begin: Any) -> None:
        """Walks past what begins with an event."""
        depth = self._is(begin, "MappingStart") + self._is(begin, "SequenceStart")
        while depth:
            event = self._next()
            depth += self._is(event, "MappingStart") + self._is(event, "SequenceStart")
            depth -= self._is(event, "MappingEnd") + self._is(event, "SequenceEnd")
            if depth > MAX_DEPTH:
                raise self._wrong(event, f"is nested more than {MAX_DEPTH} deep, which no table is")

    def _is(self, event: Any, kind: str) -> bool:
        return type(event).__name__ == f"{kind}Event"

    def _no_rows(self, event: Any) -> TableUnreadable:
        return self._wrong(event, "here are no rows; give a list of rows, or one under rows:")

    def _wrong(self, event: Any, told: str) -> TableUnreadable:
        return TableUnreadable(f"{self.name}: line {event.start_mark.line + 1}: {told}")
