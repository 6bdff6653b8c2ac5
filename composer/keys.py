"""Keys for a table that came back without them: a row that says the same as before is the same row."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence

from composer.cells import column_of
from composer.rows import AnyRow, SpeechRow
from composer.script import Script, next_key, read_rows

RawRow = Mapping[str, object]


def says_no_keys(raw_rows: Sequence[RawRow]) -> bool:
    """Whether no row of a table has a key."""
    return not any(column_of(str(head)) == "row" and value for row in raw_rows for head, value in row.items())


def with_keys_of(old: Script, raw_rows: Sequence[RawRow]) -> list[dict[str, object]]:
    """The rows of a table without keys, with those of the rows of `old` that they were.

    A row was another one when both say the same, or when it stands between two that do and is of the same type. New
    rows get keys that `old` never had. Tables that have keys, and faulty ones, come back as they are.
    """
    kept = [dict(row) for row in raw_rows]
    script, _ = read_rows(kept) if says_no_keys(kept) else (None, [])
    if script is None:
        return kept
    was = _matches(old.rows, script.rows[: len(kept)])
    taken = {row.row for row in old.rows}
    keyed = []
    for row, index in zip(kept, was, strict=True):
        key = old.rows[index].row if index is not None else next_key(taken)
        taken.add(key)
        keyed.append({"row": key, **{head: value for head, value in row.items() if column_of(str(head)) != "row"}})
    return keyed


def _matches(old: Sequence[AnyRow], new: Sequence[AnyRow]) -> list[int | None]:
    """For each new row the index of the old row that it was."""
    waiting: dict[object, deque[int]] = defaultdict(deque)
    for index, row in enumerate(old):
        waiting[_what_it_says(row)].append(index)
    found: list[int | None] = [queue.popleft() if (queue := waiting[_what_it_says(row)]) else None for row in new]
    taken = {index for index in found if index is not None}
    following = 0
    for number, row in enumerate(new):
        if found[number] is None and following < len(old) and following not in taken and _alike(old[following], row):
            found[number] = following
            taken.add(following)
        was = found[number]
        following = following if was is None else was + 1
    return found


def _alike(old: AnyRow, new: AnyRow) -> bool:
    return (old.type, old.layout) == (new.type, new.layout)


def _what_it_says(row: AnyRow) -> tuple[object, ...]:
    if isinstance(row, SpeechRow):
        return row.type, row.character, row.description
    return row.type, row.layout, row.id, row.action, row.description, row.image, row.source
