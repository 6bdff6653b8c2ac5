"""YAML 1.2: comments stay where a hand put them, and what could swell or mislead is refused."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from hypothesis import given, settings
from ruamel.yaml import YAML
from table_strategies import raw_tables

from composer.errors import TableUnreadable
from composer.formats import FORMATS
from composer.formats.layout import row_object
from composer.script import Script, read_rows, row_cells, script_of

YAML_TABLE = FORMATS[".yaml"]

HAND = """\
# The whole scene.
title: beside the rows
rows:
  # The opening.
  - row: r01   # never change this
    type: music
    layout: background
    id: 1
    action: begin
    description: a theme   # by ear
    volume: -30

  # Ann's line:
  # keep it short
  - row: r02
    type: speech
    character: Ann   # the older one
    description: |-
      First line.

      Third line.   # spoken
    # between two cells
    note: no
  - {row: r03, type: sound_effect, description: "a, b", mood: glad}   # in braces
  # the end
  - row: r04
    type: music
    layout: background
    id: 1
    action: end
# below it all
after: [1, 2]
"""


def script_in(text: str) -> Script:
    script, faults = read_rows(YAML_TABLE.read(text.encode(), "hand.yaml"))
    assert script is not None and faults == []
    return script


def rewrite(text: str, script: Script) -> str:
    return YAML_TABLE.write(script, text.encode()).decode()


def edited(script: Script, key: str, **cells: object) -> Script:
    return script_of([{**row_cells(row), **(cells if row.row == key else {})} for row in script.rows])


def test_cells_are_read_as_they_are_written() -> None:
    script = script_in(HAND)
    assert script.rows[1].description == "First line.\n\nThird line.   # spoken"
    assert script.rows[1].note == "no"
    assert script.rows[2].description == "a, b" and script.rows[2].extra == {"mood": "glad"}
    odd = "- {type: speech, character: 007, description: 1e5, note: 1:30}\n"
    odd += "- {type: speech, character: y, description: true}\n"
    assert [row.description for row in script_in(odd).rows] == ["1e5", "true"]
    assert script_in(odd).characters() == ["007", "y"] and script_in(odd).rows[0].note == "1:30"


def test_nothing_changed_leaves_every_letter() -> None:
    assert rewrite(HAND, script_in(HAND)) == HAND


@pytest.mark.parametrize(
    ("key", "cells", "old", "new"),
    [
        ("r01", {"description": "drums"}, "a theme   # by ear", "drums   # by ear"),
        ("r01", {"volume": -22.5}, "volume: -30\n", "volume: -22.5\n"),
        ("r01", {"start": -2.5}, "volume: -30\n", "volume: -30\n    start: -2.5\n"),
        ("r02", {"character": "Bob: b"}, "Ann   # the", '"Bob: b"   # the'),
        ("r02", {"description": "One."}, "|-\n      First line.\n\n      Third line.   # spoken\n", "One.\n"),
        ("r02", {"description": "A\nB"}, "|-\n      First line.\n\n      Third line.   # spoken\n",
         "|-\n      A\n      B\n"),
        ("r02", {"note": None}, "    note: no\n", ""),
        ("r02", {"note": "two\nlines"}, "note: no", 'note: "two\\nlines"'),
        ("r03", {"description": "c: d"}, '"a, b"', '"c: d"'),
        ("r03", {"mood": None}, "mood: glad", "mood: null"),
        ("r03", {"pan": 0.5}, "glad}", 'glad, "pan": 0.5}'),
    ],
)  # fmt: skip
def test_one_cell_changes_in_its_place(key: str, cells: dict[str, object], old: str, new: str) -> None:
    script = edited(script_in(HAND), key, **cells)
    assert HAND.count(old) == 1
    assert rewrite(HAND, script) == HAND.replace(old, new)


def test_rows_take_their_comments_along() -> None:
    rows = list(script_in(HAND).rows)
    moved = rewrite(HAND, Script(rows=(rows[0], rows[2], rows[1], rows[3])))
    lines = [line.strip() for line in moved.splitlines()]
    assert (
        lines.index("# Ann's line:") == lines.index("- row: r02") - 2 > lines.index("- row: r01   # never change this")
    )
    assert lines.index('- {row: r03, type: sound_effect, description: "a, b", mood: glad}   # in braces') < lines.index(
        "# Ann's line:"
    )
    assert lines[-2:] == ["# below it all", "after: [1, 2]"]
    removed = rewrite(HAND, Script(rows=(rows[0], rows[2], rows[3])))
    assert "Ann" not in removed and "# the end\n  - row: r04" in removed and removed.startswith("# The whole scene.")


def test_a_new_row_stands_where_it_belongs_and_new_keys_are_written_in() -> None:
    text = "# mine\n- type: speech   # hers\n  character: Ann\n  description: Hi.\n- type: music\n  description: drums"
    script, _ = read_rows(YAML_TABLE.read(text.encode(), ""))
    assert script is not None
    assert rewrite(text, script) == (
        "# mine\n- row: r01\n  type: speech   # hers\n  character: Ann\n  description: Hi.\n"
        "- row: r02\n  type: music\n  description: drums\n"
    )
    more = script_of([row_cells(script.rows[0]), {"row": "r07", "type": "music", "description": "a"}])
    told = rewrite(text, more)
    assert told.startswith("# mine\n- row: r01\n  type: speech   # hers\n") and "- row: r07\n  type: music\n" in told


@settings(max_examples=80, deadline=None)
@given(before=raw_tables(), after=raw_tables())
def test_ruamels_own_loader_reads_what_was_written_and_rewritten(
    before: list[dict[str, object]], after: list[dict[str, object]]
) -> None:
    old = script_of(before)
    new = script_of([*after, *({**row_cells(row), "row": f"old-{row.row}", "id": None, "layout": "foreground",
                               "action": None} for row in old.rows if row.type == "speech")])  # fmt: skip
    for text in (YAML_TABLE.write(new, None), YAML_TABLE.write(new, YAML_TABLE.write(old, None))):
        loaded: Any = YAML(typ="safe", pure=True).load(StringIO(text.decode()))
        for row, cells in zip(new.rows, loaded["rows"], strict=True):
            wanted = row_object(row)
            assert {key: cells[key] for key in wanted if cells[key] is not None} == wanted


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nrows: *c\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BOMB, "line 1: anchors"),
        ("rows:\n- &r {type: music, description: x}\n", "line 2: anchors"),
        ("rows:\n- {type: music, <<: *r}\n", "line 2: anchors"),
        ("- {type: music, type: speech}\n", "line 1: 'type' stands twice"),
        ("rows: []\nrows: []\n", "rows stands twice"),
        ("type: music\n", "no rows"),
        ("just words\n", "no rows"),
        ("- just words\n", "line 1: this is no row"),
        ("- {type: music}\n---\n- {type: music}\n", "second document"),
        ("- {type: [\n", "is not YAML"),
        ("- type: music\n\tdescription: x\n", "line 2: is not YAML"),
        ("a: " + "[" * 50_000, "nested more than 20 deep|is not YAML"),
        ("- {type: music}\n" * 50_000, "more than 20,000 rows"),
        ("", "no rows"),
    ],
)  # fmt: skip
def test_what_is_no_table_or_would_swell_is_refused_with_its_line(text: str, reason: str) -> None:
    with pytest.raises(TableUnreadable, match=reason):
        YAML_TABLE.read(text.encode(), "hand.yaml")


def test_a_list_in_a_cell_is_a_fault_of_that_cell() -> None:
    script, faults = read_rows(YAML_TABLE.read(b"- {type: music, description: [a, {b: c}], note: {d: e}}\n", ""))
    assert script is None
    assert [(fault.row, fault.column) for fault in faults] == [("r01", "description"), ("r01", "note")]
