"""Targets: which rows somebody means by "r03", "the engineer", "her last line", "the swoosh" or "all music"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from composer.rows import AnyRow, MusicRow, SpeechRow
from composer.script import Script

_ORDINALS = {word: number for number, word in enumerate("first second third fourth fifth sixth".split())} | {
    "opening": 0, "last": -1, "final": -1, "closing": -1,
}  # fmt: skip
_ORDINAL = "|".join(_ORDINALS)
_KINDS = {
    "everything": r"everything|everybody|all|it all|all rows|the (?:whole )?(?:scene|thing|table)",
    "speech": r"(?:all )?(?:the )?(?:speech|dialogue|voices|speakers|lines|spoken lines|words)",
    "music": r"(?:all )?(?:the )?music",
    "effects": r"(?:all )?(?:the )?(?:sound )?effects|(?:all )?(?:the )?sfx|(?:all )?(?:the )?sounds",
    "beds": r"(?:all )?(?:the )?(?:backgrounds?|beds?|ambiences?|atmospheres?)(?: sounds?)?",
}
_SMALL = frozenset("the a an of s sound effect noise row rows line lines section".split())


class Unclear(Exception):
    """Nobody can tell which row is meant; the text says why."""


@dataclass
class Targets:
    """Finds rows by words; remembers who was spoken of last."""

    script: Script
    about: Mapping[str, str] = field(default_factory=dict)
    """Character -> what is known of them."""
    last: list[str] = field(default_factory=list)
    """The rows that were meant last, for it, them and the like."""
    last_character: str = ""

    def __post_init__(self) -> None:
        self.rows = {row.row: row for row in self.script.rows}
        self.order = {row.row: number for number, row in enumerate(self.script.rows)}

    def rows_meant(self, words: str) -> list[str]:
        """The keys of the rows that words mean, in the table's order. Raises Unclear."""
        bare = words.strip(" ,.:;?")
        found = self._find(bare) or self._find_each(re.split(r"\s*,\s*(?:and\s+)?|\s+and\s+", bare))
        if not found:
            raise Unclear(f"{words.strip()!r} is no row, character or sound of this table")
        self.last = sorted(found, key=self.order.__getitem__)
        return self.last

    def row_meant(self, words: str, *, near: str | None = None) -> str:
        """The one row that words mean, of several the one nearest to the row `near`. Raises Unclear."""
        found = self.rows_meant(words)
        if len(found) > 1 and near is not None:
            found = [
                min((key for key in found if key != near), key=lambda key: abs(self.order[key] - self.order[near]))
            ]
        if len(found) > 1:
            shown = ", ".join(found[:8]) + (", …" if len(found) > 8 else "")
            raise Unclear(f"{words.strip()!r} may mean any of {shown}; name one of them")
        return found[0]

    def character_meant(self, words: str) -> str:
        """The character that words name: by name, by a word of it, or by what is known of them. Raises Unclear."""
        name = re.sub(r"(?i)^the\s+|['’]s$", "", words.strip(" ,.:;"))
        characters = self.script.characters()
        if name.casefold() in ("him", "her", "his", "she", "he", "they", "them", "their") and self.last_character:
            return self.last_character
        wanted = name.casefold()
        for matches in (
            lambda each: each.casefold() == wanted,
            lambda each: set(_words(wanted)) <= set(_words(each)) and bool(_words(wanted)),
            lambda each: set(_words(wanted)) <= set(_words(self.about.get(each, ""))) and bool(_words(wanted)),
        ):
            found = [each for each in characters if matches(each)]
            if len(found) == 1:
                self.last_character = found[0]
                return found[0]
            if found:
                raise Unclear(f"{words.strip()!r} may mean {' or '.join(found)}")
        raise Unclear(f"{words.strip()!r} does not speak here; there are: {', '.join(characters)}")

    def lines_of(self, character: str) -> list[str]:
        return [row.row for row in self.script.rows if isinstance(row, SpeechRow) and row.character == character]

    def _find_each(self, parts: list[str]) -> list[str]:
        """The rows of all parts ("the music and the effects"); none where one part means none."""
        found = [self._find(part) for part in parts] if len(parts) > 1 else []
        return list(dict.fromkeys(key for keys in found for key in keys)) if all(found) else []

    def _find(self, words: str) -> list[str]:
        keys = self._keys(words)
        if keys:
            return keys
        text = words.casefold()
        if text in ("it", "that", "this", "them", "those", "these") and self.last:
            return self.last
        for kind, pattern in _KINDS.items():
            if re.fullmatch(pattern, text):
                return [row.row for row in self.script.sounding() if _is_kind(row, kind)]
        section = re.fullmatch(r"(?:(?:everything|all) in )?(?:the )?section (.+)", text)
        if section:
            named = section.group(1).strip("\"'“” ")
            return [key for key, name in self.script.sections().items() if name.casefold() == named]
        found = re.fullmatch(rf"(?:the )?({_ORDINAL}) (?:line|words|row)(?: (?:of|by|from) (.+))?", text)
        if found:
            return self._nth(found.group(1), found.group(2))
        found = re.fullmatch(rf"(.+?)(?:['’]s?)? ({_ORDINAL}) (?:line|words)", text) or re.fullmatch(
            rf"(his|her|their) ({_ORDINAL}) (?:line|words)", text
        )
        if found:
            return self._nth(found.group(2), found.group(1))
        return self._named(words)

    def _named(self, words: str) -> list[str]:
        """A character's lines, or the sounds whose description has the words."""
        bare = re.sub(
            r"(?i)(?:['’]s?)? (?:lines?|words|speech|voice)$|^(?:the )?(?:lines?|words) (?:of|by) ", "", words
        )
        try:
            return self.lines_of(self.character_meant(bare))
        except Unclear as unclear:
            wanted = {_stem(word) for word in _words(words)} - {_stem(word) for word in _SMALL}
            sounds = [row for row in self.script.sounding() if not isinstance(row, SpeechRow)]
            found = [
                row.row for row in sounds if wanted and wanted <= {_stem(each) for each in _words(row.description)}
            ]
            if not found and "may mean" in str(unclear):
                raise
            return found

    def _nth(self, ordinal: str, character: str | None) -> list[str]:
        lines = [row.row for row in self.script.rows if isinstance(row, SpeechRow)]
        if character:
            lines = self.lines_of(self.character_meant(character))
        number = _ORDINALS[ordinal]
        return [lines[number]] if -len(lines) <= number < len(lines) else []

    def _keys(self, words: str) -> list[str]:
        """Keys alone: r03, rows r03 to r07, r03-r07, r03, r05 and r07."""
        text = re.sub(r"(?i)^(?:the )?rows? ", "", words)
        parts = [part for part in re.split(r"\s*(?:,|\band\b|&)\s*", text) if part]
        found: list[str] = []
        for part in parts:
            span = re.fullmatch(r"(\S+?)\s*(?:-|–|to|through)\s*(\S+)", part)
            if part in self.rows:
                found.append(part)
            elif span and span.group(1) in self.rows and span.group(2) in self.rows:
                first, last = self.order[span.group(1)], self.order[span.group(2)]
                found += [key for key, number in self.order.items() if first <= number <= last]
            else:
                return []
        return found


def _is_kind(row: AnyRow, kind: str) -> bool:
    if kind == "everything":
        return True
    if kind == "speech":
        return isinstance(row, SpeechRow)
    if isinstance(row, SpeechRow):
        return False
    if kind == "beds":
        return row.layout == "background" and not isinstance(row, MusicRow)
    return isinstance(row, MusicRow) == (kind == "music")


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())


def _stem(word: str) -> str:
    """Steps and step, slams and slammed, doors and door are the same word."""
    return re.sub(r"(?:([bdgmnprt])\1)?(?:ing|ed)$|e?s$", lambda found: found.group(1) or "", word) or word
