"""Cues: what sentences let be heard, and what only sounds as if they did."""

from __future__ import annotations

import pytest

from composer.writers.cues import find_cues, find_place, goes_inside, mood_music, setting_bed

HEARD = [
    ("Rain fell softly on the roof.", "bed", "rain"),
    ("The wind howled around the house.", "bed", "wind"),
    ("The waves broke on the shore.", "bed", "waves"),
    ("The fire crackled in the hearth.", "bed", "fire"),
    ("A stream ran through the meadow.", "bed", "stream"),
    ("Crickets sang in the grass.", "bed", "crickets"),
    ("The old clock on the wall ticked.", "bed", "clock"),
    ("Her heart was pounding.", "bed", "heartbeat"),
    ("A helicopter hung over the town.", "bed", "helicopter"),
    ("Sirens wailed in the distance.", "bed", "siren"),
    ("He slammed the door behind him.", "event", "door slam"),
    ("The door slammed.", "event", "door slam"),
    ("There was a knock at the door.", "event", "knock"),
    ("She knocked three times on the old oak door.", "event", "knock"),
    ("The gate creaked open.", "event", "door creak"),
    ("Thunder rolled over the hills.", "event", "thunder"),
    ("The clock struck twelve.", "event", "clock strikes"),
    ("The telephone rang.", "event", "telephone"),
    ("Somewhere a dog barked.", "event", "dog"),
    ("An owl hooted in the oak.", "event", "owl"),
    ("Far away a wolf howled.", "event", "wolf"),
    ("The vase shattered on the tiles.", "event", "glass"),
    ("A shot rang out.", "event", "gunshot"),
    ("The bridge exploded.", "event", "explosion"),
    ("A storm of applause greeted her.", "event", "applause"),
    ("Footsteps sounded on the stairs.", "event", "footsteps"),
    ("They galloped away.", "event", "hooves"),
]

SILENT = [
    "There was no rain that night.",
    "Rain said nothing to Anna.",
    "Her friend Rain waited by the gate.",
    "His voice was like thunder.",
    "A wave of nausea came over her.",
    "She didn't hear the telephone ring.",
    "I remembered the rain of my childhood.",
    "He wound the clock.",
    "They played cricket.",
    "He fired his secretary.",
    "She had once fired a man for saying less.",
    "It might rain tomorrow.",
    "He dreamed of the sea waves on the shore.",
    "Nobody knocked on the door.",
]


@pytest.mark.parametrize(("sentence", "kind", "family"), HEARD)
def test_a_sentence_lets_be_heard_what_it_tells(sentence: str, kind: str, family: str) -> None:
    assert (kind, family) in {(cue.kind, cue.family) for cue in find_cues(sentence)}


@pytest.mark.parametrize("sentence", SILENT)
def test_what_is_denied_compared_or_a_name_is_not_heard(sentence: str) -> None:
    assert find_cues(sentence) == []


@pytest.mark.parametrize(
    "sentence", ["It had stopped raining.", "The rain had stopped at last.", "The rain died away."]
)
def test_rain_that_stops_ends_its_bed(sentence: str) -> None:
    assert [(cue.kind, cue.family) for cue in find_cues(sentence)] == [("stop", "rain")]


@pytest.mark.parametrize(
    ("sentence", "description"),
    [
        ("She opened the door.", "Door opening."),
        ("The door swung shut.", "Door closing."),
        ("The car started.", "Car engine running."),
        ("A black car sped off into the night.", "Car driving by."),
        ("A barrel crashed against the rail.", "Heavy thud."),
    ],
)
def test_opposite_sounds_of_one_thing_are_told_apart(sentence: str, description: str) -> None:
    assert [cue.description for cue in find_cues(sentence)] == [description]


def test_waves_that_crash_against_a_bow_are_no_thud_and_a_closed_cafe_is_empty() -> None:
    assert [cue.family for cue in find_cues("The waves crashed against the bow.")] == ["waves"]
    assert find_place("She waited at the door of a closed café.") is None
    assert find_place("She waited in a café.") is not None


def test_a_cue_says_which_words_told_it() -> None:
    sentence = "Then, at last, the door slammed."
    (cue,) = find_cues(sentence)
    assert sentence[cue.start : cue.end] == cue.words == "door slammed"
    assert cue.seconds > 0


def test_heavy_rain_is_not_gentle() -> None:
    assert find_cues("Heavy rain hit the windows.")[0].description != find_cues("Rain hit the windows.")[0].description


def test_places_are_known_by_their_names_and_a_place_that_is_left_is_not() -> None:
    assert "office" in str(setting_bed("They went to the engineering office."))
    assert "spaceship" in str(setting_bed("on the spaceship bridge"))
    assert "orest" in str(setting_bed("a forest at night"))
    assert setting_bed("He thought for a while.") is None
    assert find_place("She walked home from the station.") is None
    both = "They left the beach and went into the kitchen."
    place = find_place(both, last=True)
    assert place is not None and place.family == "kitchen" and not place.outdoors


def test_going_inside_is_noticed() -> None:
    assert goes_inside("They ran inside.")
    assert not goes_inside("There was a light inside.")


def test_moods_choose_different_music() -> None:
    dark = mood_music("He was afraid of the darkness, and the blood and the knife.")
    merry = mood_music("They laughed and danced and were merry and happy.")
    assert "Dark" in dark and "Cheerful" in merry
