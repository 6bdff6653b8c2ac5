"""Fountain (fountain.io/syntax): a screenplay becomes its elements in order, every word of it in one of them.

Own, since screenplain, the one parser of it that is kept and has no other tools around it, drops [[notes]] and leaves
(O.S.) and ^ in the names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["scene", "section", "action", "line", "transition", "note"]


@dataclass(frozen=True)
class Element:
    """One thing in the order of the text. What a person says is a line; parentheses part it into several."""

    kind: Kind
    text: str
    character: str = ""
    manner: tuple[str, ...] = ()
    """What stands in parentheses or as a note before a line: how it is said, or (beat)."""
    where: tuple[str, ...] = ()
    """What stands in parentheses behind the name, but CONT'D: O.S., V.O., ON PHONE."""
    at_once: bool = False
    """Said while the line before is said (^)."""
    first: bool = True
    """Begins a person's speech."""


@dataclass(frozen=True)
class Screenplay:
    title: str
    elements: tuple[Element, ...]


_SCENE = re.compile(r"(?i)(?:INT\.?\s*/\s*EXT|EXT\.?\s*/\s*INT|INT|EXT|EST|I\s*/\s*E)[. ]")
_NUMBER = re.compile(r"\s*#[^#\n]+#\s*$")
_TRANSITION = re.compile(r"[^a-z]+ TO:|(?:FADE|DISSOLVE|IRIS|WIPE|CUT|SMASH)\b[^a-z]*[.:]")
_NAME = re.compile(r"(?P<name>[^()^]+?)\s*(?P<where>(?:\([^()]*\)\s*)*)(?P<at_once>\^?)\s*")
_TITLE_KEY = re.compile(r"\s{0,3}([A-Za-z][A-Za-z ]{0,30}):(.*)")
_EMPHASIS = re.compile(
    r"(?<!\\)(\*{1,3})(?=\S)(.{0,300}?\S)(?<!\\)\1|(?<![\\\w])_(?=\S)(.{0,300}?\S)(?<!\\)_(?!\w)", re.S
)
_BONEYARD = re.compile(r"/\*.*?(?:\*/|\Z)", re.S)


def read_screenplay(text: str) -> Screenplay:
    """The title and the elements of a screenplay; any text is one, if only of action."""
    text = _BONEYARD.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    "))
    title, body = _title_page(text)
    reader = _Reader(body.split("\n"))
    reader.read()
    return Screenplay(title, tuple(reader.elements))


def _title_page(text: str) -> tuple[str, str]:
    """The title, and what follows the page that tells it."""
    page, _, rest = text.lstrip("\n").partition("\n\n")
    first = page.split("\n")[0]
    if not _TITLE_KEY.fullmatch(first) or _TRANSITION.fullmatch(first.strip()):
        return "", text
    found: dict[str, list[str]] = {}
    key = ""
    for line in page.split("\n"):
        told = _TITLE_KEY.fullmatch(line)
        if told:
            key = told.group(1).strip().casefold()
        found.setdefault(key, []).append((told.group(2) if told else line).strip())
    title = " ".join(line for line in found.get("title", []) if line)
    return plain(title), rest


def plain(text: str) -> str:
    """Text without the marks of emphasis; \\* and \\_ are the signs themselves."""
    for _ in range(3):
        text = _EMPHASIS.sub(lambda found: found.group(2) or found.group(3), text)
    return re.sub(r"\\([*_\\])", r"\1", text)


class _Reader:
    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.elements: list[Element] = []

    def read(self) -> None:
        at = 0
        while at < len(self.lines):
            line = self.lines[at].strip()
            if not line:
                at += 1
                continue
            above = at == 0 or not self.lines[at - 1].strip()
            below = at + 1 >= len(self.lines) or not (self.lines[at + 1].strip() or len(self.lines[at + 1]) > 1)
            if self._is_name(line, above, below):
                at = self._speech(at)
            elif line.startswith(("#", "=")) or line.startswith("~"):
                self._one_line(line)
                at += 1
            elif self._is_scene(line, above):
                self._keep("scene", _NUMBER.sub("", line.removeprefix(".")).strip())
                at += 1
            elif self._is_transition(line, above, below):
                self._keep("transition", line.removeprefix(">").strip())
                at += 1
            else:
                at = self._action(at)

    def _one_line(self, line: str) -> None:
        if line.startswith("#"):
            self._keep("section", line.lstrip("#").strip())
        elif line.startswith("~"):
            self._keep("action", line[1:].strip())
        elif not re.fullmatch(r"={3,}", line):  # === is a new page
            self._keep("note", line.lstrip("=").strip())

    def _is_scene(self, line: str, above: bool) -> bool:
        forced = line.startswith(".") and line[1:2].isalnum()
        return above and (forced or _SCENE.match(line) is not None)

    def _is_transition(self, line: str, above: bool, below: bool) -> bool:
        forced = line.startswith(">") and not line.endswith("<")
        return forced or (above and below and _TRANSITION.fullmatch(line) is not None)

    def _is_name(self, line: str, above: bool, below: bool) -> bool:
        if not above or below or line.startswith(("!", ".", ">", "#", "=", "~")):
            return False
        if line.startswith("@"):
            return True
        found = _NAME.fullmatch(without_notes(line, [])) if len(line) < 200 else None
        if found is None or _SCENE.match(line) or _TRANSITION.fullmatch(line):
            return False
        name = found.group("name")
        return name == name.upper() and any(sign.isalpha() for sign in name)

    def _speech(self, at: int) -> int:
        """A name and what it says: up to an empty line; a line of two blanks is none."""
        notes: list[str] = []
        written = without_notes(self.lines[at].strip().removeprefix("@"), notes)
        found = _NAME.fullmatch(written) or _NAME.fullmatch("?")
        assert found is not None
        where = tuple(part for part in re.findall(r"\(([^()]*)\)", found.group("where")) if not _is_continued(part))
        end = at + 1
        while end < len(self.lines) and self.lines[end] and (self.lines[end].strip() or len(self.lines[end]) > 1):
            end += 1
        block = without_notes("\n".join(self.lines[at + 1 : end]), notes)
        name = found.group("name").strip()
        at_once, first = bool(found.group("at_once")), True
        manner, words = list(notes), list[str]()

        def say() -> None:
            nonlocal at_once, first
            text = plain(" ".join(" ".join(words).split()))
            words.clear()
            if text:
                self.elements.append(Element("line", text, name, tuple(manner), where, at_once, first))
                at_once = first = False
                manner.clear()

        for line in (each.strip() for each in block.split("\n")):
            if re.fullmatch(r"\(.*\)", line):
                say()
                manner.append(plain(line[1:-1]).strip())
            elif line.startswith("~"):
                say()
                manner.append("sung")
                words.append(line[1:].strip())
            elif line:
                words.append(line)
        say()
        silent = [written] if first else []  # nobody said anything
        self.elements += [Element("note", each) for each in (*silent, *manner)]
        return end

    def _action(self, at: int) -> int:
        """A paragraph: up to an empty line, or to a line that is something else by its first sign."""
        end = at + 1
        while end < len(self.lines) and self.lines[end].strip() and self.lines[end].strip()[0] not in "#=~>@":
            end += 1
        lines = [line.strip() for line in self.lines[at:end]]
        centred = [re.sub(r"^>\s*(.*?)\s*<$", r"\1", line).removeprefix("!") for line in lines]
        text = "\n".join(centred)
        if text.rfind("[[") > text.rfind("]]"):  # a note over several paragraphs
            last = next((n for n in range(end, min(end + 100, len(self.lines))) if "]]" in self.lines[n]), None)
            if last is not None:
                text = "\n".join([text, *(line.strip() for line in self.lines[end : last + 1])])
                end = last + 1
        self._keep("action", text)
        return end

    def _keep(self, kind: Kind, text: str) -> None:
        notes: list[str] = []
        words = plain(" ".join(without_notes(text, notes).split()))
        if words:
            self.elements.append(Element(kind, words))
        self.elements += [Element("note", note) for note in notes]


def without_notes(text: str, notes: list[str]) -> str:
    """The text without its [[notes]], which are added to `notes`."""
    parts, at = [], 0
    while (begin := text.find("[[", at)) >= 0 and (end := text.find("]]", begin)) >= 0:
        parts.append(text[at:begin])
        if note := " ".join(text[begin + 2 : end].split()):
            notes.append(note)
        at = end + 2
    return "".join([*parts, text[at:]]).strip()


def _is_continued(part: str) -> bool:
    return re.fullmatch(r"(?i)\s*cont(?:['’]?d|inued|inuing)?\.?\s*", part) is not None
