"""Every format gives back what was written into it, alone and in chains, and what is not ours stays where it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from table_strategies import NASTY, raw_tables

from composer.cells import tidy_text
from composer.formats import FORMATS
from composer.script import read_rows, script_of
from composer.tables import read_table, write_table

WRITTEN = [suffix for suffix in FORMATS if suffix not in (".yml", ".fountain")]
N_TABLES = int(os.environ.get("TALESCAPE_RANDOM_TABLES", "2000")) // 20


@settings(max_examples=N_TABLES, deadline=None)
@given(raw=raw_tables(), chain=st.permutations(WRITTEN))
@example(
    raw=[{"type": "speech", "character": "Ann", "description": "Hi.", "start": -0.0, "pan": -0.0, "volume": -0.0}],
    chain=WRITTEN,
)
def test_random_tables_go_through_a_chain_of_all_formats(raw: list[dict[str, object]], chain: list[str]) -> None:
    """Each table through every format, in an order drawn at random. More by hand:
    TALESCAPE_RANDOM_TABLES=100000 python -m pytest tests/composer/test_formats.py -k chain.
    """
    script, faults = read_rows(raw)
    assert script is not None, faults
    current = script
    for suffix in chain:
        data = FORMATS[suffix].write(current, None)
        again, told = read_rows(FORMATS[suffix].read(data, suffix))
        assert again == script, suffix
        assert [fault for fault in told if fault.severity != "warning"] == []
        current = again


@settings(max_examples=N_TABLES, deadline=None)
@given(before=raw_tables(), after=raw_tables(), suffix=st.sampled_from(WRITTEN))
def test_a_table_written_over_another_is_all_there(
    before: list[dict[str, object]], after: list[dict[str, object]], suffix: str
) -> None:
    old, new = script_of(before), script_of(after)
    data = FORMATS[suffix].write(new, FORMATS[suffix].write(old, None))
    assert read_rows(FORMATS[suffix].read(data, suffix))[0] == new


@pytest.mark.parametrize("suffix", WRITTEN)
def test_nasty_lines_come_back_to_the_letter(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"script{suffix}"
    lines = [tidy_text(line) for line in NASTY]
    rows = [{"type": "speech", "character": line.replace("\n", " "), "description": line} for line in lines]
    write_table(script_of([*rows, {"type": "music", "description": "x", "Mood of it": '"; \\|'}]), path)
    script, faults = read_table(path)
    assert script is not None and faults == []
    assert [row.description for row in script.rows] == [*lines, "x"]
    assert script.rows[-1].extra == {"Mood of it": '"; \\|'}


def test_spreadsheet_columns_keep_their_order_names_and_separator(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(
        "\ufeffMood;Content Description;Speaker;Type;;Volume (dB)\r\n"
        'glad;"Hello; you";Ann;Speech;x;-15,5\r\n;Bye.;Bob;Speech;;\r\n'.encode()
    )
    script, faults = read_table(path)
    assert script is not None and faults == []
    write_table(script, path)
    assert path.read_bytes().decode() == (
        "\ufeffrow;Mood;Content Description;Speaker;Type;;Volume (dB);column 5\r\n"
        'r01;glad;"Hello; you";Ann;speech;;-15.5;x\r\nr02;;Bye.;Bob;speech;;-15;\r\n'
    )
    assert read_table(path) == (script, [])


def test_a_markdown_table_leaves_the_text_around_it_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    above, below = "# Scene one\n\n| not | ours |\n|---|---|\n| 1 | 2 |\n\nIntro.\n\n", "\nThe end | of it.\n"
    path.write_text(f"{above}Type | Speaker | Text\n--- | :-: | ---\nspeech | Ann | Hi \\| there<br/>you\n{below}")
    script, faults = read_table(path)
    assert script is not None and faults == []
    assert script.rows[0].description == "Hi | there\nyou"
    write_table(script, path)
    assert path.read_text() == (
        f"{above}| row | Type | Speaker | Text |\n| --- | --- | --- | --- |\n"
        f"| r01 | speech | Ann | Hi \\| there<br>you |\n{below}"
    )


def test_json_keeps_what_stands_beside_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "script.json"
    path.write_text('{"made by": "me", "rows": [{"type": "music", "description": "a"}], "after": [1]}')
    script, _ = read_table(path)
    assert script is not None
    write_table(script, path)
    assert '"made by": "me"' in path.read_text() and '"after": [\n  1\n ]' in path.read_text()


def test_every_rewrite_keeps_the_last_version(tmp_path: Path) -> None:
    path = tmp_path / "script.yaml"
    one, two = (script_of([{"type": "music", "description": words}]) for words in ("one", "two"))
    assert write_table(one, path) is None
    first = path.read_bytes()
    assert write_table(one, path) is None and not (tmp_path / "script.yaml.bak").exists()
    assert write_table(two, path) == tmp_path / "script.yaml.bak"
    assert (tmp_path / "script.yaml.bak").read_bytes() == first
    assert read_table(tmp_path / "script.yaml.bak")[0] == one and read_table(path)[0] == two
    assert sorted(each.name for each in tmp_path.iterdir()) == ["script.yaml", "script.yaml.bak"]
