"""Rules of revision: what each simple wish does to the rows that it means."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from composer.edits import AnyEdit, InsertRow, MoveRow, Recast, RemoveRow, SetCell, Value
from composer.rows import AnyRow, SpeechRow
from composer.writers.cues import mood_music
from composer.writers.revision_targets import Targets, Unclear

QUIETEST, LOUDEST = -60.0, 0.0
A_LITTLE_DB, SOME_DB, MUCH_DB = 2.0, 4.0, 8.0
CALMER_DB = -2.0
BREAK_S = 5.0


@dataclass
class Revision:
    """The edits of a wish, what cannot be done, and what people should know of what was done."""

    edits: list[AnyEdit] = field(default_factory=list)
    cannot: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


class Rules:
    """Each rule gives its edits for a clause that its pattern matched, or raises Unclear."""

    def __init__(self, targets: Targets, voices: Mapping[str, str] | None) -> None:
        self.targets = targets
        self.voices = dict(voices) if voices is not None else None
        self.made = Revision()
        self.volumes = {row.row: row.volume for row in targets.script.rows}
        self.words = {row.row: row.description for row in targets.script.rows}
        """Volumes and words as the clauses before left them."""

    def level(self, found: re.Match[str]) -> list[AnyEdit]:
        words = _part(found, "target") or "it"
        if words.casefold() == "it" and not self.targets.last:
            words = "everything"
        louder = re.search(r"(?i)loud|up|rais|increas|boost", found.group("way")) is not None
        much = _part(found, "much").casefold()
        step_db = A_LITTLE_DB if re.match(r"a (?:l|b|ta|to)|sl|so", much) else MUCH_DB if much else SOME_DB
        if _part(found, "db"):
            step_db = float(found.group("db").replace(",", "."))
        return self._volumes(words, lambda volume: volume + (step_db if louder else -step_db))

    def volume(self, found: re.Match[str]) -> list[AnyEdit]:
        wanted = float(re.sub("[−–]", "-", found.group("db")).replace(",", "."))
        return self._volumes(found.group("target"), lambda volume: wanted)

    def _volumes(self, words: str, change: Callable[[float], float]) -> list[AnyEdit]:
        edits: list[AnyEdit] = []
        for row in self._sounding(words):
            self.volumes[row.row] = round(min(LOUDEST, max(QUIETEST, change(self.volumes[row.row]))), 2)
            edits.append(SetCell(row=row.row, column="volume", value=self.volumes[row.row]))
        return edits

    def calm(self, found: re.Match[str]) -> list[AnyEdit]:
        edits: list[AnyEdit] = []
        for row in self._speech(_part(found, "target") or "it"):
            words = re.sub(r"!+(?=\?)|(?<=\?)!+", "", self.words[row.row])
            words = re.sub(r"!+", ".", words)
            if words != self.words[row.row]:
                edits.append(self._say(row.row, words))
            note = "; ".join(part for part in (row.note, "calmer") if part)
            self.volumes[row.row] = max(QUIETEST, self.volumes[row.row] + CALMER_DB)
            edits += [SetCell(row=row.row, column="volume", value=self.volumes[row.row]),
                      SetCell(row=row.row, column="note", value=note)]  # fmt: skip
        self.made.remarks.append(
            f"calmer: no speech engine here takes a manner of speaking; so {-CALMER_DB:g} dB softer, full stops for "
            "exclamation marks, and a note; another voice does more: give NAME the voice VOICE"
        )
        return edits

    def manner(self, found: re.Match[str]) -> list[AnyEdit]:
        raise Unclear(
            "no speech engine here takes a manner of speaking; write other words, or another voice: "
            "give NAME the voice VOICE"
        )

    def remove(self, found: re.Match[str]) -> list[AnyEdit]:
        gone = self.targets.rows_meant(found.group("target"))
        if len(gone) >= len(self.targets.script.sounding()):
            raise Unclear("that would leave no rows")
        ends = set(self.targets.script.spans().values())
        return [RemoveRow(row=key) for key in gone if key not in ends]

    def replace(self, found: re.Match[str]) -> list[AnyEdit]:
        old, new = (found.group(n) if found.group(n) is not None else found.group(n + 1) for n in (1, 3))
        keys = self.targets.rows_meant(found.group("target")) if _part(found, "target") else list(self.targets.rows)
        edits: list[AnyEdit] = []
        for key in keys:
            words = self.words[key]
            changed = re.sub(rf"(?i)(?<!\w){re.escape(old)}(?!\w)", lambda _: new, words)
            if changed != words:
                edits.append(self._say(key, changed))
        if not edits:
            raise Unclear(f"{old!r} stands in none of these rows")
        return edits

    def say(self, found: re.Match[str]) -> list[AnyEdit]:
        key = self.targets.row_meant(found.group("target"))
        return [self._say(key, found.group("words"))]

    def _say(self, key: str, words: str) -> SetCell:
        self.words[key] = words
        return SetCell(row=key, column="description", value=words)

    def rename(self, found: re.Match[str]) -> list[AnyEdit]:
        old, new = self.targets.character_meant(found.group("target")), found.group("name").strip("\"'“” ")
        edits: list[AnyEdit] = [SetCell(row=key, column="character", value=new) for key in self.targets.lines_of(old)]
        if self.voices and old in self.voices and new not in self.voices:
            edits.append(Recast(character=new, voice=self.voices[old]))
        return edits

    def swap_voices(self, found: re.Match[str]) -> list[AnyEdit]:
        one, other = (self.targets.character_meant(found.group(name)) for name in ("one", "other"))
        if self.voices is None or one not in self.voices or other not in self.voices:
            raise Unclear("who speaks with which voice stands in a scene's scene.toml; give the scene folder")
        return [Recast(character=one, voice=self.voices[other]), Recast(character=other, voice=self.voices[one])]

    def swap(self, found: re.Match[str]) -> list[AnyEdit]:
        """Two characters change their lines; two rows change their places."""
        one, other = found.group("one"), found.group("other")
        try:
            names = self.targets.character_meant(one), self.targets.character_meant(other)
        except Unclear:
            first, second = sorted(map(self.targets.row_meant, (one, other)), key=self.targets.order.__getitem__)
            above_first, above_second = self._above(first), self._above(second)
            edits: list[AnyEdit] = [MoveRow(row=second, after=above_first)]
            return edits if above_second == first else [*edits, MoveRow(row=first, after=above_second)]
        return [
            SetCell(row=key, column="character", value=new)
            for old, new in (names, names[::-1])
            for key in self.targets.lines_of(old)
        ]

    def voice(self, found: re.Match[str]) -> list[AnyEdit]:
        return [Recast(character=self.targets.character_meant(found.group("target")), voice=found.group("voice"))]

    def move(self, found: re.Match[str]) -> list[AnyEdit]:
        key = self.targets.row_meant(found.group("target"))
        if _part(found, "edge"):
            rows = self.targets.script.rows
            at_top = re.match(r"(?i)start|top|begin|front", _part(found, "edge")) is not None
            return [MoveRow(row=key, after=None if at_top else rows[-1].row)]
        anchor = self.targets.row_meant(found.group("anchor"), near=key)
        if anchor == key:
            raise Unclear("a row cannot stand before or after itself")
        before = re.match(r"(?i)before|above|ahead|in front", found.group("side")) is not None
        above = self._above(anchor, without=key) if before else anchor
        return [MoveRow(row=key, after=above)]

    def pan(self, found: re.Match[str]) -> list[AnyEdit]:
        side = {"l": -1.0, "r": 1.0}.get(found.group("side")[0].casefold(), 0.0)
        how = _part(found, "how").casefold()
        share = 1.0 if re.match(r"hard|far|fully", how) else 0.25 if how else 0.5
        return [
            SetCell(row=row.row, column="pan", value=side * share or None) for row in self._sounding(found["target"])
        ]

    def pause(self, found: re.Match[str]) -> list[AnyEdit]:
        key = self.targets.row_meant(found.group("target"))
        if re.match(r"(?i)after", found.group("side")):
            below = [row.row for row in self.targets.script.rows[self.targets.order[key] + 1 :] if _is_heard(row)]
            if not below:
                raise Unclear(f"nothing is in the foreground after {key}")
            key = below[0]
        length = f"{_part(found, 'length')} {_part(found, 'seconds')}".casefold()
        seconds = re.search(r"\d+(?:[.,]\d+)?", length)
        pause_s = float(seconds.group().replace(",", ".")) if seconds else 2.5 if "long" in length else 1.0
        if re.match(r"(?i)remove|no\b", _part(found, "verb")):
            pause_s = 0.0
        return [SetCell(row=key, column="start", value=pause_s)]

    def add(self, found: re.Match[str]) -> list[AnyEdit]:
        anchor = self.targets.row_meant(found.group("target"))
        before = re.match(r"(?i)before", found.group("side")) is not None
        words = found.group("words").strip("\"'“” ")
        kind = (
            "music" if re.search(r"(?i)\b(?:music|theme|song|melody|tune|jingle|fanfare)\b", words) else "sound_effect"
        )
        after = self._above(anchor) if before else anchor
        return [InsertRow(after=after, cells={"type": kind, "layout": "foreground", "description": words})]

    def breaks(self, found: re.Match[str]) -> list[AnyEdit]:
        """Music where one section follows another."""
        rows, sections = self.targets.script.rows, self.targets.script.sections()
        edits: list[AnyEdit] = []
        for above, row in zip(rows, rows[1:], strict=False):
            if sections[row.row] != sections[above.row] and sections[above.row]:
                ahead = " ".join(each.description for each in rows[self.targets.order[row.row] :][:20])
                cells: dict[str, Value] = {"type": "music", "layout": "foreground", "description": mood_music(ahead)}
                edits.append(
                    InsertRow(
                        after=above.row,
                        cells={**cells, "volume": -22.0, "duration": BREAK_S, "section": sections[row.row]},
                    )
                )
        if not edits:
            raise Unclear("the table has no two sections that follow each other; fill its section column first")
        return edits

    def _sounding(self, words: str) -> list[AnyRow]:
        sounding = {row.row for row in self.targets.script.sounding()}
        return [self.targets.rows[key] for key in self.targets.rows_meant(words) if key in sounding]

    def _speech(self, words: str) -> list[SpeechRow]:
        found = [row for row in self._sounding(words) if isinstance(row, SpeechRow)]
        if not found:
            raise Unclear(f"nobody speaks in {words!r}")
        return found

    def _above(self, key: str, *, without: str = "") -> str | None:
        above = [row.row for row in self.targets.script.rows[: self.targets.order[key]] if row.row != without]
        return above[-1] if above else None


def _is_heard(row: AnyRow) -> bool:
    return row.layout == "foreground"


def _part(found: re.Match[str], name: str) -> str:
    """A part that a pattern may not have."""
    return found.groupdict().get(name) or ""
