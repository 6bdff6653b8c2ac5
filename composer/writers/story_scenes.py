"""Scenes: the rows of a story with the sounds that its sentences tell: beds, effects, music, pauses."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from composer.writers.cues import Cue, find_cues, find_place, goes_inside, mood_music, mood_of
from composer.writers.story_people import NARRATOR
from composer.writers.story_places import GROUNDS, OUTDOORS, PASSING, TWINS
from composer.writers.tenses import find_cues_now

BED_VOLUME, PLACE_VOLUME, EFFECT_VOLUME, MUSIC_VOLUME, SPEECH_VOLUME = -34.0, -38.0, -23.0, -32.0, -15.0
MAX_BEDS = 3
MAX_EVENTS = 2
"""So many effects follow one sentence."""
MOOD_ROWS = 40
"""How many rows a music bed lasts before another mood may take its place."""
MOOD_WORDS = 250
REPEAT_ROWS = 6
"""Within so many spoken rows the same effect is not heard again."""
PASSING_ROWS = 10
"""How many spoken rows a passing sound lasts."""
_TIME_JUMP = re.compile(
    r"(?i)^\W*(?:(?:but|and|so|then)\W+)?(?:(?:the|on the|early the|late the)"
    r" (?:next|following) (?:\w+ )?(?:morning|day|evening|night|week|year|"
    r"afternoon|spring|summer|autumn|winter)|(?:\w+ ){0,2}(?:hours|days|weeks|months|years)"
    r" (?:later|passed|went by|had passed)|"
    r"one (?:day|morning|evening|night|afternoon)\b|when (?:morning|evening|night|spring|winter) came|meanwhile|"
    r"that (?:night|evening|afternoon)|at (?:dawn|daybreak|sunrise|sunset|nightfall))"
)
_MOVES = re.compile(
    r"(?i)\b(?:went|came|entered|reached|walked|arrived|stepped|climbed|left|ran|rode|drove|sailed|followed|hurried|"
    r"returned|crossed|wandered|crept|stood|sat|lived|lay|found (?:him|her|them)self|led"
    r"|brought|took|woke|got|travelled|traveled"
    r"|flew)\b"
)


@dataclass(frozen=True)
class Line:
    """One stretch to be spoken, before sounds are laid around it."""

    text: str
    character: str
    gap_s: float | None
    new_scene: bool = False


@dataclass
class _Bed:
    id: int
    family: str
    since: int
    of_place: bool = False


@dataclass
class Scenes:
    """Lays sounds around spoken lines, one after another."""

    rng: np.random.Generator
    rows: list[dict[str, object]] = field(default_factory=list)
    beds: list[_Bed] = field(default_factory=list)
    n_ids: int = 0
    n_spoken: int = 0
    heard: dict[str, int] = field(default_factory=dict)
    last_effect: int = -10
    n_on_end: int = 0
    """After how many sentences on end effects were heard."""
    next_start: float | None = None
    music_id: int = 0
    music_since: int = 0
    mood: str = ""
    section: str = ""
    """The name of a section that begins with the next line."""

    def lay(self, line: Line, sentences: Sequence[str]) -> None:
        """One line. The narrator's sentences are read for sounds; what characters say is not heard around them."""
        if line.new_scene:
            self.end_beds()
        if line.character != NARRATOR:
            self.speak(line.text, line.character, line.gap_s)
            return
        gap_s = line.gap_s
        pending: list[str] = []

        def speak() -> None:
            nonlocal gap_s
            if pending:
                self.speak(" ".join(pending), NARRATOR, gap_s)
                pending.clear()
                gap_s = 0.15

        for nth, sentence in enumerate(sentences):
            cues = find_cues(sentence)
            jumps = _TIME_JUMP.match(sentence) is not None and self.n_spoken > 0
            place = (
                find_place(sentence)
                if jumps or line.new_scene or not self.n_spoken or _MOVES.search(sentence)
                else None
            )
            beds = [cue for cue in cues if cue.kind == "bed" and not self._sounds(cue.family)]
            stops = {cue.family for cue in cues if cue.kind == "stop" and self._sounds(cue.family)}
            moves = place is not None and not self._sounds(place.family)
            if jumps or beds or stops or moves:
                speak()
                if jumps:
                    self.end_beds()
                    if nth:
                        gap_s = 0.9
                for bed in [bed for bed in self.beds if bed.family in stops]:
                    self._end(bed)
                if place is not None and moves:
                    self._change_place(place.family, place.description, place.outdoors)
                for cue in beds:
                    self._begin(cue.family, cue.description, BED_VOLUME)
            if goes_inside(sentence):
                self._leave_outdoors(speak)
            pending.append(sentence)
            events = [cue for cue in cues if cue.kind == "event" and self._may_sound(cue, len(pending))]
            if events:
                on_end = self.n_spoken == self.last_effect and len(pending) < 2
                self.n_on_end = self.n_on_end + 1 if on_end else 1
                speak()
            for nth_event, event in enumerate(events[:MAX_EVENTS]):
                self._effect(event, follows=nth_event > 0)
        speak()

    def hear(self, text: str) -> None:
        """The sounds that an unspoken sentence tells, now or then. An effect holds time as a line does."""
        cues = find_cues_now(text)
        stops = {cue.family for cue in cues if cue.kind == "stop"}
        for bed in [bed for bed in self.beds if bed.family in stops]:
            self._end(bed)
        if goes_inside(text):
            self._leave_outdoors(lambda: None)
        for cue in cues:
            if cue.kind == "bed":
                self._begin(cue.family, cue.description, BED_VOLUME)
        for nth, cue in enumerate([cue for cue in cues if cue.kind == "event"][:MAX_EVENTS]):
            self._effect(cue, follows=nth > 0)
            self.n_spoken += 1

    def set_place(self, heading: str) -> None:
        """The ambience of a place that a heading names, and of the weather in it."""
        place = find_place(heading)
        if place is not None:
            self._change_place(place.family, place.description, place.outdoors)
        for cue in find_cues(heading):
            if cue.kind == "bed":
                self._begin(cue.family, cue.description, BED_VOLUME)

    def let_be_heard(self, seconds: float) -> dict[str, object] | None:
        """Beds over nothing last a while of their own instead of being taken back; gives the last one's row."""
        waiting = {bed.id for bed in self.beds if bed.since == self.n_spoken}
        begun = [row for row in self.rows if row.get("id") in waiting and row["type"] == "sound_effect"]
        for row in begun:
            row["duration"] = seconds
        self.n_spoken += bool(waiting)
        return begun[-1] if begun else None

    def play(self, description: str, seconds: float) -> None:
        """Music in the foreground."""
        row: dict[str, object] = {"type": "music", "layout": "foreground", "volume": MUSIC_VOLUME + 10.0}
        self.rows.append({**row, "description": description, "duration": seconds})
        self.n_spoken += 1

    def music(self, ahead: str) -> None:
        """Begins music for what follows, or changes it when the mood has changed."""
        mood = mood_of(ahead) or self.mood or "calm"
        if self.music_id and (mood == self.mood or self.n_spoken - self.music_since < 6):
            return
        self.end_music()
        self.n_ids += 1
        self.music_id, self.music_since, self.mood = self.n_ids, self.n_spoken, mood
        self._background("music", self.music_id, "begin", MUSIC_VOLUME, mood_music(ahead))

    def end_music(self) -> None:
        if self.music_id:
            self._background("music", self.music_id, "end", None, None)
            self.music_id = 0

    def end_beds(self) -> None:
        for bed in list(self.beds):
            self._end(bed)

    def speak(self, text: str, character: str, gap_s: float | None) -> None:
        """A line of somebody; sounds that only pass are over by now."""
        for bed in [bed for bed in self.beds if bed.family in PASSING and self.n_spoken - bed.since >= PASSING_ROWS]:
            self._end(bed)
        start = self.next_start if self.next_start is not None else gap_s
        self.next_start = None
        words = text if text.strip().casefold() != "n/a" else f"{text.strip()}."
        row: dict[str, object] = {"type": "speech", "layout": "foreground", "character": character}
        row |= {"volume": SPEECH_VOLUME, "description": words, "duration": "auto"}
        if start is not None and self.n_spoken:
            row["start"] = round(start, 2)
        if self.section:
            row["section"], self.section = self.section, ""
        self.rows.append(row)
        self.n_spoken += 1

    def _sounds(self, family: str) -> bool:
        return any(bed.family == family for bed in self.beds)

    def _may_sound(self, cue: Cue, n_sentences: int) -> bool:
        """Not again so soon, and never after three sentences on end."""
        if self.n_spoken == self.last_effect and n_sentences < 2 and self.n_on_end >= 2:
            return False
        return self.n_spoken - self.heard.get(cue.family, -100) >= REPEAT_ROWS

    def _effect(self, cue: Cue, *, follows: bool) -> None:
        """Over the end of the sentence that tells it, or after another; the next words begin before it dies away."""
        self.heard[cue.family] = self.last_effect = self.n_spoken
        row: dict[str, object] = {"type": "sound_effect", "layout": "foreground", "volume": EFFECT_VOLUME}
        words = self._on_this_ground(cue.description)
        row |= {"description": words, "duration": cue.seconds, "start": 0.2 if follows else -0.2}
        pan = round(float(self.rng.uniform(-0.4, 0.4)), 1)
        if pan:
            row["pan"] = pan
        self.rows.append(row)
        self.next_start = -round(min(1.5, max(0.0, 0.5 * cue.seconds - 0.3)), 2)

    def _on_this_ground(self, words: str) -> str:
        """Footsteps that the text leaves open are heard on the ground of the place."""
        ground = next((GROUNDS[bed.family] for bed in self.beds if bed.of_place and bed.family in GROUNDS), None)
        return footsteps_on(ground) if ground and words == "Footsteps on a wooden floor." else words

    def _change_place(self, family: str, description: str, outdoors: bool) -> None:
        for bed in list(self.beds):
            if bed.of_place or (not outdoors and bed.family in OUTDOORS) or bed.family in ("clock", "fire", "typing"):
                self._end(bed)
        self._begin(family, description, PLACE_VOLUME, of_place=True)

    def _leave_outdoors(self, speak: Callable[[], None]) -> None:
        leaving = [bed for bed in self.beds if bed.family in OUTDOORS]
        if leaving:
            speak()
        for bed in leaving:
            if bed.since < self.n_spoken:
                self._end(bed)

    def _begin(self, family: str, description: str, volume: float, *, of_place: bool = False) -> None:
        if self._sounds(family) or any(self._twin(bed.family, family) for bed in self.beds):
            return
        if len(self.beds) >= MAX_BEDS:
            self._end(min(self.beds, key=lambda bed: (bed.since, bed.id)))
        self.n_ids += 1
        self.beds.append(_Bed(self.n_ids, family, self.n_spoken, of_place))
        self._background("sound_effect", self.n_ids, "begin", volume, description)

    def _twin(self, one: str, other: str) -> bool:
        """Two names of nearly the same sound."""
        return any(one in group and other in group for group in TWINS)

    def _end(self, bed: _Bed) -> None:
        """Closes a bed; one under which nothing was spoken is taken back."""
        self.beds.remove(bed)
        if bed.since == self.n_spoken:
            self.rows = [row for row in self.rows if row.get("id") != bed.id]
        else:
            self._background("sound_effect", bed.id, "end", None, None)

    def _background(self, kind: str, number: int, action: str, volume: float | None, description: str | None) -> None:
        row: dict[str, object] = {"type": kind, "layout": "background", "id": number, "action": action}
        if action == "begin":
            row |= {"volume": volume, "description": description, "duration": "auto"}
        self.rows.append(row)


def footsteps_on(ground: str) -> str:
    """Steps on the ground of a place."""
    return f"Footsteps on {ground}."
