"""Screenplay: a Fountain text becomes a table by rules: lines are spoken word for word, the rest is heard or noted.

Scene headings begin sections, ambience and rooms; action becomes the sounds that it tells; transitions that fade become
a break of music. What makes no sound stands in the `note` of the row that follows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from composer.brief import Plan
from composer.errors import StoryUnreadable
from composer.estimates import CHARACTERS_PER_S
from composer.script import MAX_ROWS
from composer.settings import Room
from composer.writers.cues import mood_music
from composer.writers.fountain import Element, read_screenplay
from composer.writers.story_scenes import SPEECH_VOLUME, Scenes
from composer.writers.story_text import checked, rows_of, sentences_of

OFF_SCREEN_DB = -3.0
SIDE = 0.3
"""How far two who speak at once stand to the sides."""
BEAT_S, BREAK_S, AMBIENCE_S = 0.9, 5.0, 6.0
MAX_NOTE = 2_000
_BEAT = re.compile(r"(?i)(?:a |long |short )*(?:beat|pause|silence)\.?")
_FADES = re.compile(r"(?i)\b(?:fade|dissolve|iris|wipe)")
_OUTSIDE = re.compile(r"(?i)\s*(?:EXT|EST)\b")
_BOTH = re.compile(r"(?i)\s*(?:INT\.?\s*/\s*EXT|EXT\.?\s*/\s*INT|I\s*/\s*E)\b")
_ROOMS: tuple[tuple[Room, str], ...] = (
    ("cave", r"caves?|caverns?|tunnels?|mine|dungeon|crypt|sewers?|catacombs?"),
    ("hall", r"church|cathedral|chapel|temple|halls?|ballroom|theat(?:re|er)|palace|station|court(?:room)?|museum"
             r"|lobby|gym(?:nasium)?|hangar|warehouse|auditorium|throne room|stairwell"),
    ("studio", r"studio|booth|car|truck|taxi|cab|cockpit|capsule|closet|lift|elevator|tent"),
)  # fmt: skip


def plan_screenplay(text: str, *, seed: int) -> Plan:
    """The table of a screenplay in Fountain, its title, what it says of the cast, and the rooms of its sections.

    Raises StoryUnreadable for a text without words, with too many, and for one that nothing can be heard of.
    """
    play = read_screenplay(checked(text))
    stage = _Stage(Scenes(np.random.default_rng(seed)), play.elements)
    for at, element in enumerate(play.elements):
        stage.put(at, element)
        if len(stage.scenes.rows) > MAX_ROWS:
            raise StoryUnreadable(f"the screenplay makes more than {MAX_ROWS:,} rows; split it")
    rows = stage.finished()
    if not rows:
        raise StoryUnreadable("nobody speaks in this screenplay and no sound is told; check that it is Fountain")
    about = {stage.names[name]: words for name, words in _introductions(play.elements).items() if name in stage.names}
    there = {row.get("section") for row in rows}
    rooms = {name: room for name, room in stage.rooms.items() if name in there}
    return Plan(play.title or "Untitled", rows, about, rooms)


@dataclass
class _Stage:
    """Puts one element after the other into rows."""

    scenes: Scenes
    elements: tuple[Element, ...]
    rooms: dict[str, Room] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    """A name without its case -> as it is written in the table."""
    notes: list[str] = field(default_factory=list)
    seen: dict[int, dict[str, object]] = field(default_factory=dict)
    """The rows that were looked at already, by identity."""
    section: str | None = None
    seconds_before: float = 0.0
    """About how long the speech before lasts, and where its rows begin."""
    rows_before: int = 0

    def put(self, at: int, element: Element) -> None:
        match element.kind:
            case "scene" | "section":
                self._begin(element)
            case "action":
                self._act(element.text)
            case "line":
                self._say(at, element)
            case "transition" if _FADES.search(element.text):
                self._break(at)
            case _:
                self.notes.append(element.text)
        self._note_on_new()

    def finished(self) -> list[dict[str, object]]:
        """The rows; every section is named on its first row."""
        self._end_scene()
        if not self._name_section() and self.section is not None:
            self.notes.append(self.section)
        rows = self.scenes.rows
        if rows and self.notes:
            _add_note(rows[-1], self.notes)
        current: object = None
        begins = False
        for row in rows:
            begins = begins or row.get("section") != current
            if row.get("section") == current:
                row.pop("section", None)
            else:
                current = row.get("section")
            if begins and row.get("layout") == "foreground":
                row.pop("start", None)  # the pause of the section stands before it
                begins = False
        return rows

    def _end_scene(self) -> None:
        """A place where nobody speaks and nothing happens is heard for a while all the same."""
        place = self.scenes.let_be_heard(AMBIENCE_S) if self.scenes.beds else None
        if place is not None and self.notes:
            _add_note(place, self.notes)
            self.notes.clear()
        self.scenes.end_beds()

    def _begin(self, element: Element) -> None:
        """A new section: what sounded ends, the place is heard."""
        self._end_scene()
        if not self._name_section() and self.section is not None:
            self.notes.append(self.section)
        self.section = element.text[:200].strip()
        if element.kind == "section":
            return
        if (room := _room_of(element.text)) is not None:
            self.rooms.setdefault(self.section, room)
        self.scenes.set_place(element.text)

    def _name_section(self) -> bool:
        """Names the rows since the section began; whether there are any."""
        has_rows = False
        for row in reversed(self.scenes.rows):
            if "section" in row:
                break
            row["section"] = self.section
            has_rows = True
        return has_rows

    def _act(self, text: str) -> None:
        for sentence in sentences_of(text):
            self.notes.append(sentence)
            self.scenes.hear(sentence)
            self._note_on_new()

    def _say(self, at: int, element: Element) -> None:
        if element.first:
            self._begin_speech(element)
        character = self.names.setdefault(element.character.casefold(), _as_name(element.character))
        self.notes += [*element.where, *(manner for manner in element.manner if not _BEAT.fullmatch(manner))]
        gap_s = BEAT_S if any(_BEAT.fullmatch(manner) for manner in element.manner) else None
        if element.at_once:
            self.scenes.next_start = -round(self.seconds_before, 2)
        off = any(re.fullmatch(r"(?i)O\.?\s?[SC]\.?|off[ -](?:screen|stage|camera)", where) for where in element.where)
        before = len(self.scenes.rows)
        for words in rows_of(sentences_of(element.text)):
            self.scenes.speak(words, character, gap_s)
            gap_s = None
        for row in self.scenes.rows[before:]:
            if row["type"] != "speech":
                continue
            if off:
                row["volume"] = SPEECH_VOLUME + OFF_SCREEN_DB
            if element.at_once:
                row["pan"] = SIDE
        if element.at_once:
            self._make_room_beside(before, element)
        self.seconds_before += max(0.5, len(element.text) / CHARACTERS_PER_S)

    def _begin_speech(self, element: Element) -> None:
        if not element.at_once:
            self.seconds_before, self.rows_before = 0.0, len(self.scenes.rows)

    def _make_room_beside(self, before: int, element: Element) -> None:
        """Who began goes to the other side; what follows waits for the longer of the two."""
        for row in self.scenes.rows[self.rows_before : before]:
            if row["type"] == "speech":
                row["pan"] = -SIDE
        left_s = self.seconds_before - len(element.text) / CHARACTERS_PER_S
        if left_s > 0:
            self.scenes.next_start = round(left_s + 0.35, 2)
        self.seconds_before = 0.0

    def _break(self, at: int) -> None:
        """Music between scenes, in the mood of what follows."""
        self._end_scene()
        self.notes.append(self.elements[at].text)
        ahead = " ".join(element.text for element in self.elements[at + 1 : at + 40])
        self.scenes.play(mood_music(ahead[:4_000]), BREAK_S)

    def _note_on_new(self) -> None:
        """The first new row gets what was noted, but for beds, since one that nobody needs is taken back."""
        new: list[dict[str, object]] = []
        for row in reversed(self.scenes.rows):
            if id(row) in self.seen:
                break
            self.seen[id(row)] = row
            new.append(row)
        first = next((row for row in reversed(new) if row.get("layout") == "foreground"), None)
        if first is not None and self.notes:
            _add_note(first, self.notes)
            self.notes.clear()


def _add_note(row: dict[str, object], notes: list[str]) -> None:
    there = [str(row["note"])] if row.get("note") else []
    row["note"] = " · ".join(dict.fromkeys([*there, *notes]))[:MAX_NOTE].strip()


def _room_of(heading: str) -> Room | None:
    """The room of a scene heading; None where it is both inside and outside."""
    if _BOTH.match(heading):
        return None
    if _OUTSIDE.match(heading):
        return "outdoors"
    for room, words in _ROOMS:
        if re.search(rf"(?i)\b(?:{words})\b", heading):
            return room
    return "room" if re.match(r"(?i)\s*INT\b", heading) else None


def _as_name(written: str) -> str:
    """ANNA O'HARA as Anna O'Hara; R.J. and DJ stay, and so does what is not all capitals."""
    if written != written.upper():
        return written

    def word(found: re.Match[str]) -> str:
        text = found.group()
        if (
            len(text) <= 3
            and not re.search(r"(?i)[aeiouy]", text)
            and text not in ("MR", "MRS", "MS", "DR", "ST", "SGT")
        ):
            return text
        return text[:1] + text[1:].lower()

    return re.sub(r"(?<![.\w])[^\W\d_]{2,}(?![.]\w)|(?<=['’])[^\W\d_]{2,}", word, written)


def _introductions(elements: tuple[Element, ...]) -> dict[str, str]:
    """What the action says of people when it first names them in capitals: "ANNA (30s), a tired engineer, comes in"."""
    speakers = {element.character.casefold() for element in elements if element.kind == "line"}
    found: dict[str, str] = {}
    for element in elements:
        if element.kind != "action":
            continue
        for sentence in sentences_of(element.text):
            for name in re.findall(r"(?<!\w)[A-Z][A-Z'’.-]+(?: [A-Z][A-Z'’.-]+)*(?!\w)", sentence):
                if name.casefold() in speakers:
                    found.setdefault(name.casefold(), sentence[:300])
    return found
