"""Revising by words: rules and language models propose edits, a diff shows them, and a yes writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from revising import ABOUT, SCRIPT, VOICES, scene_in
from typer.testing import CliRunner

import cli
from composer.edits import AnyEdit
from composer.errors import ComposerError, SceneInvalid
from composer.render import render
from composer.revise import accept, propose
from composer.scene import Scene
from composer.tables import read_table, write_table
from composer.writers.revisions import revise_by_rules


def wished(wish: str) -> tuple[list[tuple[object, ...]], list[str]]:
    """The edits of a wish as short tuples, and what could not be done."""
    made = revise_by_rules(SCRIPT, wish, about=ABOUT, voices=VOICES)
    return [_short(edit) for edit in made.edits], made.cannot


def _short(edit: AnyEdit) -> tuple[object, ...]:
    match edit.op:
        case "set":
            return edit.row, edit.column, edit.value
        case "move":
            return "move", edit.row, edit.after
        case "remove":
            return "remove", edit.row
        case "recast":
            return "recast", edit.character, edit.voice
        case "insert":
            return "insert", edit.after, edit.cells["type"], edit.cells["description"]


RULES: list[tuple[str, list[tuple[object, ...]]]] = [
    ("make the music softer by 3 dB", [("r01", "volume", -33.0)]),
    ("make it louder", [(f"r0{n}", "volume", row.volume + 4.0) for n, row in enumerate(SCRIPT.sounding(), 1)]),
    ("turn down the effects", [("r04", "volume", -29.0), ("r05", "volume", -29.0)]),
    ("Please make the swoosh a little louder.", [("r04", "volume", -23.0)]),
    ("raise r02 by 1,5 dB", [("r02", "volume", -13.5)]),
    ("make the first line much louder", [("r02", "volume", -7.0)]),
    ("louder r02; louder r02; louder r02; louder r02", [("r02", "volume", v) for v in (-11.0, -7.0, -3.0, 0.0)]),
    ("set the volume of the door slam to -20 dB", [("r05", "volume", -20.0)]),
    ("remove the door slam and the swoosh", [("remove", "r04"), ("remove", "r05")]),
    ("cut the anchor's last line", [("remove", "r06")]),
    ("delete rows r02 to r04", [("remove", "r02"), ("remove", "r03"), ("remove", "r04")]),
    ('replace "amazing" with "Astonishing"', [("r06", "description", "Astonishing.")]),
    ('replace "works" by "runs, at last" in r03', [("r03", "description", "It runs, at last! Really?!")]),
    ('make r06 say "Wow, and how!"', [("r06", "description", "Wow, and how!")]),
    ('change the words of r06 to "Wow"', [("r06", "description", "Wow")]),
    ("rename the anchor to Tom", [("r02", "character", "Tom"), ("r06", "character", "Tom"), ("recast", "Tom", "ann")]),
    ("swap the voices of the anchor and Elena",
     [("recast", "News Anchor", "bob"), ("recast", "Dr. Elena Vasquez", "ann")]),
    ("swap Elena and the anchor",
     [("r03", "character", "News Anchor"), ("r07", "character", "News Anchor"),
      ("r02", "character", "Dr. Elena Vasquez"), ("r06", "character", "Dr. Elena Vasquez")]),
    ("swap r02 and r06", [("move", "r06", "r01"), ("move", "r02", "r05")]),
    ("swap r04 and r03", [("move", "r04", "r02")]),
    ("give the engineer the voice cy", [("recast", "Dr. Elena Vasquez", "cy")]),
    ("move the swoosh before the anchor's last line", [("move", "r04", "r05")]),
    ("move the door slam to the start", [("move", "r05", None)]),
    ("pan the swoosh hard left and the door slam slightly right", [("r04", "pan", -1.0)]),
    ("put a 2 s pause before the anchor's last line", [("r06", "start", 2.0)]),
    ("longer pause after r04", [("r05", "start", 2.5)]),
    ("remove the pause before r06", [("r06", "start", 0.0)]),
    ("add a dog barking after the swoosh", [("insert", "r04", "sound_effect", "dog barking")]),
    ("add music between the sections", [("insert", "r05", "music", "Calm, gentle piano music.")]),
    ("make the engineer calmer and move the swoosh before her line",
     [("r03", "description", "It works. Really?"), ("r03", "volume", -17.0), ("r03", "note", "calmer"),
      ("r07", "volume", -17.0), ("r07", "note", "warm; calmer"), ("move", "r04", "r02")]),
]  # fmt: skip


@pytest.mark.parametrize(("wish", "edits"), RULES, ids=[wish for wish, _ in RULES])
def test_rules_do_simple_edits(wish: str, edits: list[tuple[object, ...]]) -> None:
    done, cannot = wished(wish)
    assert done == edits
    assert cannot == (["'the door slam slightly right': no rule knows this"] if "slightly" in wish else [])


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ("make the engineer angrier", "no speech engine here takes a manner of speaking"),
        ("make the anchor whisper", "no speech engine here takes a manner of speaking"),
        ("remove the dog", "'the dog' is no row, character or sound of this table"),
        ("remove everything", "would leave no rows"),
        ('the anchor says "Hi"', "may mean any of r02, r06; name one of them"),
        ("translate it into French", "no rule knows this"),
        ('replace "zebra" with "horse"', "'zebra' stands in none of these rows"),
        ("swap the voices of Ann and Elena", "'Ann' does not speak here; there are: News Anchor, Dr. Elena Vasquez"),
    ],
)
def test_what_rules_cannot_do_is_said(wish: str, why: str) -> None:
    done, cannot = wished(wish)
    assert done == [] and len(cannot) == 1 and why in cannot[0]
    done, cannot = wished(f"{wish}, and then make r02 louder")
    assert done == [("r02", "volume", -11.0)] and len(cannot) == 1 and why in cannot[0]


@pytest.fixture
def scene(tmp_path: Path, toy_engines: list[str]) -> Scene:
    return scene_in(tmp_path)


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TALESCAPE_MODEL"):
        monkeypatch.delenv(name, raising=False)


def run(*arguments: object, code: int = 0) -> Any:
    result = CliRunner().invoke(cli.app, ["revise", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def test_the_example_of_the_readme_is_shown_and_written_after_a_yes(scene: Scene) -> None:
    before = scene.script_path.read_bytes()
    wish = "make the engineer calmer and move the swoosh before her line"
    shown = run(scene.folder, wish)
    assert '  r03  description: "It works! Really?!" -> "It works. Really?"' in shown.stdout
    assert "  r04  moved after r02; was after r03" in shown.stdout
    assert "1 moved, 5 cells changed in 2 rows" in shown.stdout and "a render would make 7 of 7 clips" in shown.stdout
    assert "nothing was changed; apply it with --yes" in shown.stderr and "no speech engine here" in shown.stderr
    assert scene.script_path.read_bytes() == before
    assert "script.csv.bak" in run(scene.folder, wish, "--yes").stderr
    script, _ = scene.read_script()
    assert [row.row for row in script.rows] == ["r01", "r02", "r04", "r03", "r05", "r06", "r07", "r08"]
    assert scene.script_path.with_name("script.csv.bak").read_bytes() == before


def test_a_render_after_a_revision_makes_what_the_diff_said(scene: Scene) -> None:
    list(render(scene))
    proposal = propose(scene.folder, 'replace "Amazing" with "Astonishing"', None)
    assert proposal.diff.render is not None and proposal.diff.render.synthesize == ["r06"]
    accept(proposal)
    assert [getattr(event, "row", None) for event in render(scene) if type(event).__name__ == "RowDone"] == ["r06"]


def test_voices_are_recast_in_the_settings_whose_comments_stay(scene: Scene) -> None:
    done = json.loads(run(scene.folder, "swap the voices of the anchor and the engineer", "--yes", "--json").stdout)
    assert done["applied"] and [Path(path).name for path in done["backups"]] == ["scene.toml.bak"]
    assert done["diff"]["settings"] == [
        {"name": "cast.News Anchor", "old": "ann", "new": "bob"},
        {"name": "cast.Dr. Elena Vasquez", "old": "bob", "new": "ann"},
    ]
    assert scene.read_settings().cast == {"News Anchor": "bob", "Dr. Elena Vasquez": "ann"}
    assert scene.settings_path.read_text().startswith("# mine\n")


def test_an_unknown_voice_and_a_sound_that_cannot_be_made_are_refused(scene: Scene) -> None:
    before = scene.script_path.read_bytes(), scene.settings_path.read_bytes()
    with pytest.raises(ComposerError, match="row r02, character: .* cast as 'zeus'.* there are: ann, bob, cy"):
        run(scene.folder, "give the anchor the voice zeus", "--yes")
    with pytest.raises(ComposerError, match="row r09, description: no engine can make 'unheard-of thing'"):
        run(scene.folder, "add an unheard-of thing after r02", "--yes")
    assert (scene.script_path.read_bytes(), scene.settings_path.read_bytes()) == before


def test_a_part_is_done_and_the_rest_is_told_with_exit_code_3(scene: Scene) -> None:
    done = run(scene.folder, "make r02 louder and sing it", "--yes", code=3)
    assert "cannot: 'sing it': no rule knows this" in done.stderr and "rules know: louder" in done.stderr
    assert scene.read_script()[0].rows[1].volume == -11.0


@pytest.mark.parametrize(
    ("wish", "why"),
    [("", "has 0 characters"), ("x" * 10_001, "10,001 characters"), ("x" * 2_001, "rules read 2,000"),
     ("sing", "nothing would change: 'sing'"),
     ("set the volume of r02 to -15", "the table says so already")],
)  # fmt: skip
def test_a_wish_that_changes_nothing_is_an_error(scene: Scene, wish: str, why: str) -> None:
    with pytest.raises(ComposerError, match=why):
        propose(scene.folder, wish, None)


def test_a_table_that_somebody_edits_meanwhile_is_left_alone(scene: Scene) -> None:
    proposal = propose(scene.folder, "make r02 louder", None)
    edited = scene.script_path.read_bytes().replace(b"Amazing", b"Really")
    scene.script_path.write_bytes(edited)
    with pytest.raises(SceneInvalid, match="was edited meanwhile; nothing was changed"):
        accept(proposal)
    assert scene.script_path.read_bytes() == edited
    assert not scene.script_path.with_name("script.csv.bak").exists()


@pytest.mark.parametrize("suffix", [".yaml", ".xlsx", ".md", ".jsonl"])
def test_a_table_without_a_scene_is_revised_in_its_own_format(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"mine{suffix}"
    write_table(SCRIPT, path)
    run(path, "remove the door slam", "--yes")
    script, faults = read_table(path)
    assert script is not None and faults == [] and "r05" not in {row.row for row in script.rows}
    assert read_table(tmp_path / f"mine{suffix}.bak")[0] == SCRIPT
    with pytest.raises(ComposerError, match="give the scene folder"):
        run(path, "give Elena the voice cy", "--yes")
