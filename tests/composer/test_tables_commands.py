"""The commands that take tables: every format goes in and out, and a scene's table is never lost."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

import cli
from composer.errors import ScriptInvalid, TableUnreadable
from composer.formats import FORMATS
from composer.render import Finished, Mixing, render
from composer.scene import Scene
from composer.script import script_of
from composer.settings import Settings
from composer.tables import read_table, write_table

ROWS: list[dict[str, object]] = [
    {"type": "speech", "character": "Ann", "description": "Hello; there.", "section": "One"},
    {"type": "sound_effect", "description": "a door", "Take": "7"},
    {"type": "speech", "character": "Bob", "description": "Bye."},
]
WRITTEN = [suffix for suffix in FORMATS if suffix != ".fountain"]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    scene = Scene(tmp_path / "scene")
    scene.folder.mkdir()
    scene.write_settings(Settings(title="Test"))
    scene.write_script(script_of(ROWS))
    return scene


def run(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(cli.app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


@pytest.mark.usefixtures("toy_engines")
def test_a_table_goes_through_every_format_and_back_into_its_scene(scene: Scene, tmp_path: Path) -> None:
    before = scene.script_path.read_bytes()
    last: Path = scene.folder
    for suffix in WRITTEN:
        out = tmp_path / f"a{suffix}"
        assert run("convert", last, out).splitlines()[-1] == str(out)
        assert json.loads(run("check", out, "--json")) == {"rows": 3, "faults": []}
        last = out
    assert run("convert", last, scene.folder) == f"{scene.script_path}\n"
    assert scene.script_path.read_bytes() == before
    assert not scene.script_path.with_name("script.csv.bak").exists()


def test_a_table_that_came_back_without_keys_gets_those_of_its_scene(scene: Scene, tmp_path: Path) -> None:
    table = tmp_path / "hers.md"
    table.write_text(
        "| type | character | text |\n|---|---|---|\n| speech | Bob | Bye. |\n| speech | Cy | New. |\n"
        "| speech | Ann | Hello; there. |\n"
    )
    run("convert", table, scene.folder)
    script, faults = read_table(scene.script_path)
    assert script is not None and faults == []
    assert [row.row for row in script.rows] == ["r03", "r04", "r01"]
    kept, _ = read_table(scene.folder / "script.csv.bak")
    assert kept == script_of(ROWS)


def test_a_faulty_table_changes_nothing(scene: Scene, tmp_path: Path) -> None:
    before = scene.script_path.read_bytes()
    table = tmp_path / "hers.yaml"
    table.write_text("- {type: speech, description: x, volume: loud}\n")
    with pytest.raises(ScriptInvalid, match="row r01, volume"):
        run("convert", table, scene.folder)
    with pytest.raises(TableUnreadable, match=r"hers\.docx: tables end in \.csv, \.tsv, .*\.xlsx"):
        run("convert", scene.folder, tmp_path / "hers.docx")
    with pytest.raises(TableUnreadable, match="read, not written"):
        run("convert", scene.folder, tmp_path / "hers.fountain")
    assert scene.script_path.read_bytes() == before
    assert sorted(path.name for path in scene.folder.iterdir()) == ["scene.toml", "script.csv"]


def test_wavjourneys_own_limits_are_told(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text('type,character,description\nspeech,Ann,"She said ""no""."\nsfx,,bang\n')
    told = run("convert", table, tmp_path / "a.wavjourney.json")
    assert "warning: row r01, description: WavJourney cannot read quotes" in told
    written = json.loads((tmp_path / "a.wavjourney.json").read_text())
    assert [(row["audio_type"], row["layout"], row["vol"]) for row in written] == [
        ("speech", "foreground", -15.0), ("sound_effect", "foreground", -25.0),
    ]  # fmt: skip
    assert written[0]["text"] == 'She said "no".' and (written[1]["desc"], written[1]["len"]) == ("bang", 4.0)


def wavjourney_accepts(rows: list[dict[str, object]]) -> bool:
    """What WavJourney itself asks of a script (check_json_script in its code_generator.py), said anew."""
    foreground = {"music": {"vol", "len", "desc"}, "sound_effect": {"vol", "len", "desc"}, "speech": {"vol", "text"}}
    background = {"music": {"vol", "desc"}, "sound_effect": {"vol", "desc"}}
    for row in rows:
        if row["layout"] == "foreground":
            wanted = foreground[str(row["audio_type"])]
        elif not {"id", "action"} <= set(row) or row["action"] not in ("begin", "end"):
            return False
        else:
            wanted = background[str(row["audio_type"])] if row["action"] == "begin" else set()
        if not wanted <= set(row):
            return False
    return True


def test_wavjourney_would_accept_what_is_written_for_it(tmp_path: Path) -> None:
    bed = {"type": "music", "layout": "background", "id": 1}
    rows = [{**bed, "action": "begin", "image": "a.png"}, *ROWS, {**bed, "action": "end", "start": 2.0}]
    write_table(script_of(rows), tmp_path / "a.wavjourney.json")
    assert wavjourney_accepts(json.loads((tmp_path / "a.wavjourney.json").read_text()))
    write_table(script_of(rows), tmp_path / "a.json")
    assert read_table(tmp_path / "a.wavjourney.json") == read_table(tmp_path / "a.json")


def test_a_table_is_no_scene_and_a_scene_without_its_table_says_where_one_lies(scene: Scene, tmp_path: Path) -> None:
    write_table(script_of(ROWS), tmp_path / "a.xlsx")
    with pytest.raises(
        Exception, match=r"a\.xlsx: is a table, not a scene folder; .* talescape convert .*a\.xlsx SCENE"
    ):
        run("render", tmp_path / "a.xlsx")
    scene.script_path.rename(scene.folder / "script.yaml")
    with pytest.raises(Exception, match=r"has no script\.csv; bring the table in: talescape convert .*script\.yaml"):
        run("render", scene.folder)


@pytest.mark.usefixtures("toy_engines")
def test_new_rows_get_keys_in_the_hands_own_layout_and_the_last_version_stays(scene: Scene) -> None:
    hand = "Speaker;Text;Type;row\r\nAnn;Hello; there.;speech;r01\r\n".replace("Hello; there.", '"Hello; there."')
    scene.script_path.write_bytes((hand + "Cy;New one.;speech;\r\n").encode())
    run("render", scene.folder)
    assert scene.script_path.read_bytes().decode() == hand + "Cy;New one.;speech;r02\r\n"
    assert (scene.folder / "script.csv.bak").read_bytes().decode() == hand + "Cy;New one.;speech;\r\n"


@pytest.mark.usefixtures("toy_engines")
def test_an_edit_while_a_render_runs_is_told_and_left_alone(scene: Scene) -> None:
    edited = scene.script_path.read_bytes().replace(b"Bye.", b"Good night.")
    last: object = None
    for event in render(scene):
        if isinstance(event, Mixing):
            threading.Thread(target=scene.script_path.write_bytes, args=(edited,)).run()
        last = event
    assert isinstance(last, Finished)
    assert [fault.message for fault in last.warnings if "edited while this render ran" in fault.message]
    assert scene.script_path.read_bytes() == edited
    again = list(render(scene))[-1]
    assert isinstance(again, Finished) and again.synthesized == 1
    assert not [fault for fault in again.warnings if "edited" in fault.message]


@pytest.mark.usefixtures("toy_engines")
def test_a_screenplay_is_planned_and_composed(tmp_path: Path) -> None:
    play = tmp_path / "play.fountain"
    play.write_text("Title: Two\n\nINT. HALL - DAY\n\nANN\nHello.\n\nA door slams.\n\nBOB\nBye.\n")
    run("compose", "--fountain", play, "-o", tmp_path / "two")
    scene = Scene(tmp_path / "two")
    assert scene.mix_path.is_file() and scene.read_settings().title == "Two"
    assert scene.read_settings().sections["INT. HALL - DAY"].room == "hall"
    run("convert", play, tmp_path / "play.csv")
    assert read_table(tmp_path / "play.csv")[0] == read_table(scene.script_path)[0]
    for more in (["a prompt"], ["--story", play], ["--picture", play], ["--model", "m"]):
        run("plan", "--fountain", play, *more, "-o", tmp_path / "three", code=2)


@pytest.mark.usefixtures("toy_engines")
def test_keys_are_not_written_over_an_edit_that_comes_in_between(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.script_path.write_text("row,type,character,description\nr01,speech,Ann,Hi.\n,speech,Bob,Bye.\n")
    edited = scene.script_path.read_text().replace("Bye.", "Later.")

    def read_slowly(path: Path) -> object:
        found = read_table(path)
        path.write_text(edited)
        return found

    monkeypatch.setattr("composer.scene.read_table", read_slowly)
    script, _ = scene.read_script()
    assert [row.row for row in script.rows] == ["r01", "r02"] and scene.script_path.read_text() == edited
