"""Fountain: what each sign of the syntax means, and that no word of a screenplay is lost on the way into the table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer.brief import Brief
from composer.drafting import draft
from composer.errors import SceneInvalid, StoryUnreadable, TableUnreadable
from composer.formats import FORMATS
from composer.scene import Scene
from composer.script import read_rows, script_of
from composer.writers.fountain import Element, read_screenplay
from composer.writers.screenplay import plan_screenplay
from composer.writers.tenses import find_cues_now, in_the_past

PLAY = """\
Title:
    _**The Long Watch**_
Credit: written by
Author: A. Writer

/* a boneyard
that is gone */

= Two people wait.

FADE IN:

INT. CATHEDRAL - NIGHT #12-A#

Rain hammers on the roof. ANNA O'HARA (30s), a tired engineer, waits. A door slams.

ANNA O'HARA
(whispering)
Who is *there*?
(beat)
Speak [[check this line]] up.

R.J. (O.S.) (CONT'D)
Only **me**. It was a 3\\*4 job.

@McAvoy
Stop!

ANNA O'HARA ^
Wait for us, please, now!

[[A note
on its own.]]

CUT TO:

EXT. BEACH - DAY

Waves crash. Anna smiles.

.FLASHBACK

ANNA O'HARA (V.O.)
~Row, row, row your boat
Gently.

> THE END <

DISSOLVE TO:

INT./EXT. CAR

ANNA O'HARA (cont’d)
Bye.
"""


def elements(text: str) -> list[tuple[str, str]]:
    return [(each.kind, each.text) for each in read_screenplay(text).elements]


def rows(text: str) -> list[dict[str, object]]:
    return plan_screenplay(text, seed=0).rows


def test_the_elements_of_a_screenplay() -> None:
    play = read_screenplay(PLAY)
    assert play.title == "The Long Watch"
    assert [(each.kind, each.text) for each in play.elements if each.kind != "line"] == [
        ("note", "Two people wait."),
        ("transition", "FADE IN:"),
        ("scene", "INT. CATHEDRAL - NIGHT"),
        ("action", "Rain hammers on the roof. ANNA O'HARA (30s), a tired engineer, waits. A door slams."),
        ("note", "A note on its own."),
        ("transition", "CUT TO:"),
        ("scene", "EXT. BEACH - DAY"),
        ("action", "Waves crash. Anna smiles."),
        ("scene", "FLASHBACK"),
        ("action", "THE END"),
        ("transition", "DISSOLVE TO:"),
        ("scene", "INT./EXT. CAR"),
    ]
    assert [each for each in play.elements if each.kind == "line"] == [
        Element("line", "Who is there?", "ANNA O'HARA", ("check this line", "whispering")),
        Element("line", "Speak up.", "ANNA O'HARA", ("beat",), first=False),
        Element("line", "Only me. It was a 3*4 job.", "R.J.", (), ("O.S.",)),
        Element("line", "Stop!", "McAvoy"),
        Element("line", "Wait for us, please, now!", "ANNA O'HARA", at_once=True),
        Element("line", "Row, row, row your boat Gently.", "ANNA O'HARA", ("sung",), ("V.O.",)),
        Element("line", "Bye.", "ANNA O'HARA"),
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("INT. HOUSE - DAY\n\nHello.", [("scene", "INT. HOUSE - DAY"), ("action", "Hello.")]),
        ("int house\n\nHello.", [("scene", "int house"), ("action", "Hello.")]),
        ("EST. CITY #1#\n\nx", [("scene", "EST. CITY"), ("action", "x")]),
        (".SNIPER SCOPE\n\nx", [("scene", "SNIPER SCOPE"), ("action", "x")]),
        ("...and so on", [("action", "...and so on")]),
        ("INTERNATIONAL AIRPORT", [("action", "INTERNATIONAL AIRPORT")]),
        ("x\nINT. HOUSE", [("action", "x INT. HOUSE")]),
        ("STEEL\n\nHe waits.", [("action", "STEEL"), ("action", "He waits.")]),
        ("!ANNA\nwaits", [("action", "ANNA waits")]),
        ("23\nminutes", [("action", "23 minutes")]),
        ("ANNA\n  \nHi.", [("line", "Hi.")]),
        ("ANNA (on the phone)\nHi.", [("line", "Hi.")]),
        ("@anna\nHi.", [("line", "Hi.")]),
        ("> Burn to white.\n\nx", [("transition", "Burn to white."), ("action", "x")]),
        ("# Act one\n\n## Part\n\nx", [("section", "Act one"), ("section", "Part"), ("action", "x")]),
        ("===\n\nx", [("action", "x")]),
        ("a [[one\n\ntwo]] b", [("action", "a b"), ("note", "one two")]),
        ("_*a*_ b_c_d **e** f\\_g", [("action", "a b_c_d e f_g")]),
        ("2 * 3 * 4 and snake_case_name", [("action", "2 * 3 * 4 and snake_case_name")]),
        ("", []),
        ("Title: X", []),
    ],
)
def test_a_sign_means_what_the_syntax_says(text: str, wanted: list[tuple[str, str]]) -> None:
    assert elements(text) == wanted


def test_lines_are_spoken_and_the_rest_is_heard_or_noted() -> None:
    told = rows(PLAY)
    spoken = [(row["character"], row["description"]) for row in told if row["type"] == "speech"]
    assert spoken == [
        ("Anna O'Hara", "Who is there?"),
        ("Anna O'Hara", "Speak up."),
        ("R.J.", "Only me. It was a 3*4 job."),
        ("McAvoy", "Stop!"),
        ("Anna O'Hara", "Wait for us, please, now!"),
        ("Anna O'Hara", "Row, row, row your boat Gently."),
        ("Anna O'Hara", "Bye."),
    ]
    by_words = {str(row.get("description")): row for row in told}
    assert by_words["Who is there?"]["note"] == "check this line · whispering"
    assert by_words["Speak up."]["start"] == 0.9
    assert by_words["Only me. It was a 3*4 job."]["volume"] == -18.0
    assert by_words["Only me. It was a 3*4 job."]["note"] == "O.S."
    assert by_words["Door slam."]["note"].endswith("A door slams.")  # type: ignore[attr-defined]
    script = script_of(told)
    assert list(dict.fromkeys(script.sections().values())) == [
        "", "INT. CATHEDRAL - NIGHT", "EXT. BEACH - DAY", "FLASHBACK", "INT./EXT. CAR",
    ]  # fmt: skip


def test_two_at_once_overlap_and_stand_apart() -> None:
    first, second = [row for row in rows(PLAY) if row.get("pan") and row["type"] == "speech"]
    assert (first["character"], first["pan"]) == ("McAvoy", -0.3)
    assert (second["character"], second["pan"], second["start"]) == ("Anna O'Hara", 0.3, -0.5)
    longer = "ANNA\n" + "Long words here. " * 10 + "\n\nBOB ^\nNo.\n\nANNA\nSo."
    start = [row.get("start") for row in rows(longer)]
    assert start[1] == pytest.approx(-len("Long words here. " * 10) / 15, abs=0.1)
    assert start[2] == pytest.approx(-start[1] - 3 / 15 + 0.35, abs=0.1)  # type: ignore[operator]


def test_headings_give_rooms_and_ambience() -> None:
    plan = plan_screenplay(PLAY, seed=0)
    assert plan.title == "The Long Watch"
    assert plan.rooms == {"INT. CATHEDRAL - NIGHT": "hall", "EXT. BEACH - DAY": "outdoors"}
    assert plan.about == {"Anna O'Hara": "ANNA O'HARA (30s), a tired engineer, waits."}
    beach = next(row for row in plan.rows if row.get("section") == "EXT. BEACH - DAY")
    assert (beach["description"], beach["duration"]) == ("Sea waves rolling on the shore.", 6.0)
    for heading, room in (
        ("INT. KITCHEN", "room"),
        ("INT. OLD MINE", "cave"),
        ("INT. CAR", "studio"),
        ("EST. X", "outdoors"),
    ):
        assert plan_screenplay(f"{heading}\n\nANNA\nHi.", seed=0).rooms == {heading: room}


def test_fading_transitions_are_breaks_of_music_and_cuts_are_noted() -> None:
    music = [row for row in rows(PLAY) if row["type"] == "music"]
    assert [(row["layout"], row["duration"]) for row in music] == [("foreground", 5.0), ("foreground", 5.0)]
    assert "CUT TO:" in " ".join(str(row.get("note", "")) for row in rows(PLAY))


words = st.text(st.characters(categories=["Lu", "Ll", "Nd", "Po", "Zs"]), min_size=1, max_size=25)
signs = st.sampled_from(
    ["INT. ROOM - DAY", "EXT. BEACH", "ANNA", "BOB (O.S.)", "ANNA ^", "(quietly)", "(beat)", "[[note]]", "> X <",
     "CUT TO:", "FADE OUT.", "# Act", "= Syn", "~la", "A door slams.", "Rain falls.", "*a* _b_", "@x", "!y", ".z",
     "===", "  ", "[[", "/*"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(signs, words, st.just("")), max_size=25).map("\n".join))
def test_no_word_of_a_random_screenplay_is_lost(text: str) -> None:
    """Every word of the body that is not a boneyard's stands in a character, a description, a note or a section."""
    try:
        planned = plan_screenplay(text, seed=0)
    except StoryUnreadable:
        return
    script, faults = read_rows(planned.rows)
    assert script is not None, faults
    kept = " ".join(
        f"{row.note} {row.section} {getattr(row, 'character', '')} {row.description}" for row in script.rows
    )
    body = re.sub(r"/\*.*?(\*/|\Z)", "", text, flags=re.S)
    if re.match(r"\s*[A-Za-z ]+:", body):
        return  # a title page
    wanted = set(re.findall(r"[^\W_]{2,}", body)) - {"beat"}  # a beat becomes a pause
    missing = {word for word in wanted if word.casefold() not in kept.casefold()}
    assert missing == set()


@pytest.mark.parametrize("text", ["", " \n ", "Title: Nothing\n\n", "CUT TO:\n", "= only a synopsis"])
def test_a_screenplay_of_nothing_is_refused(text: str) -> None:
    with pytest.raises(StoryUnreadable):
        plan_screenplay(text, seed=0)
    with pytest.raises(TableUnreadable, match=r"play\.fountain"):
        FORMATS[".fountain"].read(text.encode(), "play.fountain")


def test_a_screenplay_is_a_table_that_can_be_read_and_not_written() -> None:
    script, faults = read_rows(FORMATS[".fountain"].read(PLAY.encode(), "play.fountain"))
    assert script is not None and faults == []
    with pytest.raises(TableUnreadable, match="read, not written"):
        FORMATS[".fountain"].write(script, None)


@pytest.mark.parametrize(
    ("now", "kinds"),
    [
        ("A door slams.", {("event", "door slam")}),
        ("Waves crash on the rocks.", {("bed", "waves")}),
        ("The rain stops.", {("stop", "rain")}),
        ("The baby cries.", {("event", "baby")}),
        ("Anna runs up the stairs.", {("event", "footsteps")}),
        ("She lights a match.", {("event", "match")}),
        ("No phone rings.", set()),
        ("He steps outside.", set()),
        ("A fire truck passes.", set()),
    ],
)
def test_the_present_is_heard_as_the_past(now: str, kinds: set[tuple[str, str]]) -> None:
    assert {(cue.kind, cue.family) for cue in find_cues_now(now)} == kinds


def test_rain_that_hammers_is_no_gentle_rain() -> None:
    told = rows("INT. HALL\n\nRain hammers on the roof.\n\nANNA\nHi.\n\nEXT. FIELD\n\nRain falls.\n\nANNA\nOh.\n")
    rains = [str(row["description"]) for row in told if "ain" in str(row.get("description", ""))]
    assert rains == ["Heavy rain pouring down.", "Gentle rain falling."]


def test_verbs_are_put_into_the_past_and_nouns_where_they_may_be_verbs() -> None:
    now = "The baby cries, a door slams, the ship rocks, it stops."
    assert in_the_past(now, nouns=False) == "The baby cried, a door slams, the ship rocked, it stopped."
    assert in_the_past(now, nouns=True) == "The baby cried, a door slammed, the ship rocked, it stopped."


def test_a_screenplay_becomes_a_scene_with_rooms_and_cast_and_is_planned_once(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "scene")
    brief = Brief(screenplay=PLAY, seed=3)
    drafted = draft(scene, brief, None)
    assert drafted.new and drafted.title == "The Long Watch"
    found = scene.read_settings()
    assert {name: section.room for name, section in found.sections.items()} == {
        "INT. CATHEDRAL - NIGHT": "hall",
        "EXT. BEACH - DAY": "outdoors",
    }
    assert found.seed == 3 and list(found.about) == ["Anna O'Hara"]
    assert not draft(scene, brief, None).new
    with pytest.raises(SceneInvalid, match="another table"):
        draft(scene, Brief(screenplay=PLAY + "\nANNA\nMore.\n", seed=3), None)
