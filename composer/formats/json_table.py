"""JSON and JSON lines: an object a row, without its empty cells."""

from __future__ import annotations

import json

from composer.errors import TableUnreadable
from composer.formats.layout import RawRows, decode, row_object
from composer.script import Script

FORMAT = "talescape-script/1"


def parsed(text: str, name: str) -> object:
    """A JSON value. Raises TableUnreadable for text that is none and for a key that stands twice in an object."""
    try:
        return json.loads(text, object_pairs_hook=_object)
    except TableUnreadable as error:
        raise TableUnreadable(f"{name}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise TableUnreadable(f"{name}: is not JSON: {error}") from error


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for number, key in enumerate(keys) if key in keys[:number])
        raise TableUnreadable(f"an object has the key {twice[:60]!r} twice; keep one of them")
    return found


class JsonTable:
    """A list of rows, bare or under "rows"; WavJourney's scripts are such lists too."""

    def read(self, data: bytes, name: str) -> RawRows:
        value = parsed(decode(data, name), name)
        rows = value.get("rows") if isinstance(value, dict) else value
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise TableUnreadable(f'{name}: holds no rows; give a list of rows, or an object with "rows"')
        return [_read(row) for row in rows]

    def write(self, script: Script, old: bytes | None) -> bytes:
        """An object with the rows; what an old table says beside its rows stays."""
        beside: dict[str, object] = {}
        if old is not None:
            try:
                value = parsed(decode(old, "the old table"), "the old table")
            except TableUnreadable:
                value = None
            beside = value if isinstance(value, dict) else {}
        whole = {"format": FORMAT, **beside, "rows": [row_object(row) for row in script.rows]}
        return (json.dumps(whole, ensure_ascii=False, indent=1) + "\n").encode()


class JsonLines:
    """A row a line."""

    def read(self, data: bytes, name: str) -> RawRows:
        rows: RawRows = []
        for number, line in enumerate(decode(data, name).split("\n"), 1):
            if not line.strip():
                continue
            row = parsed(line, f"{name}: line {number}")
            if not isinstance(row, dict):
                raise TableUnreadable(f"{name}: line {number} is no row; give one object a line")
            rows.append(_read(row))
        return rows

    def write(self, script: Script, old: bytes | None) -> bytes:
        lines = [json.dumps(row_object(row), ensure_ascii=False) for row in script.rows]
        return ("\n".join(lines) + "\n").encode()


def _read(row: dict[str, object]) -> dict[str, object]:
    """The row; the length that WavJourney must be told gives way to the duration that was meant."""
    if "audio_type" in row and "duration" in row:
        return {key: value for key, value in row.items() if key != "len"}
    return row
