"""Speakers: who says each quote, by the words beside it, by pronouns, by address and by taking turns."""

from __future__ import annotations

import re
from collections.abc import Sequence

from composer.names import gender_of
from composer.writers.story_people import NARRATOR, People
from composer.writers.story_quotes import Piece
from composer.writers.story_subjects import Mention, actor_of, last_sentence, subject_after, subject_before, subject_of

_STRANGERS = {"": "Someone", "?other": "Someone Else", "?he": "Man", "?she": "Woman", "?it": "Someone"}
"""Who speaks when the text does not let it be known: nobody at all, or only a pronoun."""
EVERYONE = "Everyone"
NEAR_PARAGRAPHS = 8
"""How far back a pronoun or a conversation reaches."""

_ADDRESSED = re.compile(
    r"(?:^|[,!?.] |\b[Oo]h,? )(?:my |dear |old |poor )*([A-Z][\w'’-]+(?: [A-Z][\w'’-]+)?)(?=[,.!?;]|$)"
)


def speakers_of(paragraphs: Sequence[Sequence[Piece]], breaks: Sequence[bool]) -> tuple[list[list[str]], People]:
    """For each piece who speaks it: a character, or the narrator. `breaks` marks where a scene begins."""
    told = [[_mention(pieces, index) for index in range(len(pieces))] for pieces in paragraphs]
    beats = [[_beat(pieces, index) for index in range(len(pieces))] for pieces in paragraphs]
    mentions = [each for row in told for each in row if each and each.kind in ("name", "role")]
    for row, acts in zip(told, beats, strict=True):
        for tag, act in zip(row, acts, strict=True):
            if act and (act.kind == "name" or (act.kind == "role" and _is_person(act, tag))):
                mentions.append(act)
    for pieces in paragraphs:
        if pieces and not pieces[0].said and (actor := actor_of(pieces[0].text)):
            mentions.append(actor)
    people = People(mentions, " ".join(piece.text[:2_000] for own in paragraphs for piece in own if not piece.said))
    for pieces in paragraphs:
        for piece in pieces:
            if not piece.said and len(piece.text) < 2_000:
                people.learn(piece.text)
    reader = _Reader(people)
    found = [reader.read(pieces, told[at], beats[at], breaks[at]) for at, pieces in enumerate(paragraphs)]
    _fill_backwards(found, paragraphs, breaks, people)
    _let_strangers_take_turns(found, paragraphs, breaks)
    return [[_STRANGERS.get(name, name) for name in row] for row in found], people


def _mention(pieces: Sequence[Piece], index: int) -> Mention | None:
    """Whom the told words around a quote name as its speaker, with a verb of saying."""
    if not pieces[index].said:
        return None
    after = pieces[index + 1] if index + 1 < len(pieces) else None
    before = pieces[index - 1] if index else None
    if after and not after.said and not re.match(r"^[A-Z]", after.text) or (after and pieces[index].text[-1:] == ","):
        found = subject_after(after.text)
        if found:
            return found
    if before and not before.said and (found := subject_before(before.text)):
        return found
    return subject_after(after.text) if after and not after.said else None


def _beat(pieces: Sequence[Piece], index: int) -> Mention | None:
    """Who acts in the sentence beside a quote: "Anna opened the door." """
    if not pieces[index].said:
        return None
    if index and not pieces[index - 1].said and (found := subject_of(last_sentence(pieces[index - 1].text))):
        return found
    if index + 1 < len(pieces) and not pieces[index + 1].said:
        return subject_of(pieces[index + 1].text)
    return None


def _is_person(act: Mention, tag: Mention | None) -> bool:
    """Whether a role that acts beside a quote is somebody: the tag says he or she, or the word is a person's."""
    if tag is not None:
        return tag.kind in ("he", "she")
    return gender_of(act.name) is not None or _PERSONS.search(act.name) is not None


_PERSONS = re.compile(
    r"(?:er|or|ist|man|woman|ant|ian|cook|clerk|judge|guard|child|friend|voice|chief|pilot|doctor|nurse)$"
)
_PARTNERS = frozenset("wife husband sister brother friend companion lady partner twin".split())


class _Reader:
    """Reads paragraph after paragraph and remembers who was there."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.at = 0
        self.seen: dict[str, int] = {}
        """Person -> when last named or heard, as a running number."""
        self.clock = 0
        self.paragraph_of: dict[str, int] = {}
        self.turns: list[tuple[int, str]] = []
        """(paragraph, speaker) of the conversation so far."""
        self.also: dict[str, str] = {}
        """Other words for a role: "the young man" -> the deckhand."""
        self.addressed: str | None = None
        self.open_speaker: str | None = None

    def read(
        self, pieces: Sequence[Piece], told: Sequence[Mention | None], beats: Sequence[Mention | None], new_scene: bool
    ) -> list[str]:
        if new_scene:
            self.turns, self.addressed, self.open_speaker = [], None, None
        said = [index for index, piece in enumerate(pieces) if piece.said]
        names: list[str] = [NARRATOR] * len(pieces)
        explicit: dict[int, str] = {}
        local: list[str] = []
        carried = self.open_speaker if said and said[0] == 0 else None
        self.open_speaker = None
        for index, piece in enumerate(pieces):
            mention = told[index]
            if not piece.said:
                local += self._hear(piece.text)
            elif mention is not None:
                explicit[index] = self._resolve(mention, local)
        for index in said:
            names[index] = explicit.get(index) or ""
        if said and not explicit:
            speaker = carried or self._by_beat(beats, said, local) or self._by_turn()
            for index in said:
                names[index] = speaker or ""
        known = ""
        for index in said:
            known = names[index] = (
                names[index] or known or next((explicit[each] for each in said if each in explicit), "")
            )
        if said:
            last = names[said[-1]]
            if last and any(index in explicit for index in said):
                self.turns = [turn for turn in self.turns[-6:] if turn[0] >= self.at - NEAR_PARAGRAPHS]
            self.turns.append((self.at, last))
            if last and last not in _STRANGERS:
                self._saw(last)
            if pieces[said[-1]].open_ended:
                self.open_speaker = last or None
            self.addressed = self._address(" ".join(pieces[index].text[:400] for index in said), last)
            if self.addressed is None and explicit:
                self.addressed = self._listener(beats, said, last)
        self.at += 1
        return names

    def _saw(self, name: str) -> None:
        self.clock += 1
        self.seen[name] = self.clock
        self.paragraph_of[name] = self.at

    def _hear(self, text: str) -> list[str]:
        named = [self.also.get(name, name) for name in self.people.spotted(text[:4_000])]
        for name in named:
            self._saw(name)
        subject = subject_of(last_sentence(text))
        if subject and subject.kind in ("he", "she") and (person := self._fitting(subject.kind, named)):
            self._saw(person)
            named = [*named, person]
        elif subject and subject.kind in ("name", "role"):
            person = self.people.named(subject.name)
            if person in named:
                self._saw(person)
                named = [*named, person]
        return named

    def _resolve(self, mention: Mention, local: Sequence[str]) -> str:
        if mention.kind in ("name", "role"):
            return self._partner(mention) or self._same_again(mention) or self.people.named(mention.name)
        if mention.kind == "I":
            return NARRATOR
        if mention.kind == "they":
            return EVERYONE
        return self._fitting(mention.kind, local) or f"?{mention.kind}"

    def _partner(self, mention: Mention) -> str | None:
        """The person of the talk whom "his wife" means, when one already talks who can be that."""
        if not mention.owner or mention.name.casefold() not in _PARTNERS:
            return None
        owner = "male" if mention.owner == "his" else "female"
        gender = gender_of(mention.name)
        talk = [name for at, name in reversed(self.turns) if at >= self.at - NEAR_PARAGRAPHS]
        near = [name for name, at in self.paragraph_of.items() if at >= self.at - 2]
        if self.people.named(mention.name) in talk:
            return None
        partner = next((name for name in talk if gender and self.people.gender(name) == gender), None)
        owners = [name for name in near if name != partner and self.people.gender(name) in (owner, None)]
        return partner if owners else None

    def _same_again(self, mention: Mention) -> str | None:
        """The role in the talk whom "the young man" means: the deckhand, when it was he who spoke before the last."""
        found = re.fullmatch(
            r"(?:Young|Old|Other|Big|Tall)? ?(Man|Woman|Boy|Girl|Fellow|Lad|Lady|Gentleman)", mention.name
        )
        if mention.name in self.also:
            return self.also[mention.name]
        if mention.kind != "role" or found is None or mention.name in self.seen or len(self.turns) < 2:
            return None
        wanted = gender_of(mention.name) or "male"
        last = self.turns[-1][1]
        talk = dict.fromkeys(name for at, name in self.turns[:-1] if at >= self.at - NEAR_PARAGRAPHS and name != last)
        fitting = [name for name in talk if name not in _STRANGERS and self.people.gender(name) in (wanted, None)]
        if len(fitting) != 1 or fitting[0] not in self.people.roles or self.people.were_introduced(mention.name):
            return None
        self.also[mention.name] = fitting[0]
        return fitting[0]

    def _fitting(self, pronoun: str, local: Sequence[str]) -> str | None:
        """The person whom he, she or it means: named in this paragraph, else the other of the talk, else the last."""
        wanted = {"he": "male", "she": "female"}.get(pronoun)
        exact = [name for name in reversed(local) if self.people.gender(name) == wanted]
        if exact:
            return exact[0]
        unknown = [name for name in reversed(local) if self.people.gender(name) is None]
        near = [name for name, at in self.paragraph_of.items() if at >= self.at - NEAR_PARAGRAPHS and name != NARRATOR]
        near.sort(key=lambda name: -self.seen[name])
        fitting = [name for name in near if self.people.gender(name) == wanted]
        previous = self.turns[-1][1] if self.turns and self.turns[-1][0] >= self.at - 1 else None
        others = [name for name in fitting if name != previous and self.paragraph_of[name] >= self.at - 4]
        if previous in fitting and others and others[0] in {name for _, name in self.turns[-4:]}:
            return others[0]
        if previous in fitting and others and self.addressed == others[0]:
            return others[0]
        if fitting:
            return others[0] if others and previous in fitting and len(fitting) == 2 else fitting[0]
        if unknown:
            return unknown[0]
        guess = [name for name in near if self.people.gender(name) is None and name != previous]
        if guess:
            return guess[0]
        if previous and previous != NARRATOR and self.people.gender(previous) is None:
            return previous
        far = [name for name in sorted(self.seen, key=lambda name: -self.seen[name])[:30]]
        return next((name for name in far if self.people.gender(name) == wanted), None)

    def _by_beat(self, beats: Sequence[Mention | None], said: Sequence[int], local: Sequence[str]) -> str | None:
        for index in said:
            beat = beats[index]
            if beat is None:
                continue
            if beat.kind in ("name", "role"):
                person = self.people.named(beat.name)
                known = person if person in self.seen else self.people.by_word.get(person.casefold())
                if known:
                    return known
            elif beat.kind in ("he", "she"):
                return self._fitting(beat.kind, local)
            elif beat.kind == "I":
                return NARRATOR
        return None

    def _by_turn(self) -> str | None:
        """The one whose turn it is: not the last speaker, but the one before, or the one addressed."""
        recent = [turn for turn in self.turns if turn[0] >= self.at - NEAR_PARAGRAPHS]
        if not recent:
            near = [name for name, at in self.paragraph_of.items() if at >= self.at - 2 and name != NARRATOR]
            return max(near, key=lambda name: self.seen[name]) if len(near) == 1 else None
        last = recent[-1][1]
        last = "" if last in _STRANGERS else last
        if (
            self.addressed
            and self.addressed != last
            and (len(recent) < 2 or self.addressed in {name for _, name in recent})
        ):
            return self.addressed
        before = next((name for _, name in reversed(recent) if name not in _STRANGERS and name != last), None)
        if before:
            return before
        near = [
            name
            for name in sorted(self.seen, key=lambda name: -self.seen[name])
            if name not in (last, NARRATOR) and self.paragraph_of[name] >= self.at - NEAR_PARAGRAPHS
        ]
        return near[0] if near and last else None

    def _listener(self, beats: Sequence[Mention | None], said: Sequence[int], speaker: str) -> str | None:
        """Who acts beside a quote that the text gives to another: "Quill took the receiver. 'Hello,' said a voice." """
        acting = [beats[index] for index in said]
        names = [self.people.named(act.name) for act in acting if act is not None and act.kind == "name"]
        return next((name for name in names if name != speaker and name in self.seen), None)

    def _address(self, quote: str, speaker: str) -> str | None:
        for found in _ADDRESSED.finditer(quote):
            named = self.people.spotted(found.group(1))
            if named and named[-1] != speaker:
                return named[-1]
        return None


def _fill_backwards(
    found: list[list[str]], paragraphs: Sequence[Sequence[Piece]], breaks: Sequence[bool], people: People
) -> None:
    """A quote that nobody was found for belongs to whoever takes turns with the ones after it."""

    def speaker(at: int) -> str:
        return next((name for name, piece in zip(found[at], paragraphs[at], strict=True) if piece.said), "")

    for at in range(len(found) - 2, -1, -1):
        if not _STRANGERS.keys() & set(found[at]) or breaks[at + 1] or not speaker(at + 1):
            continue
        later = [speaker(index) for index in range(at + 1, min(len(found), at + 6))]
        known = [name for name in later if name not in _STRANGERS]
        other = next((name for name in known if name != later[0]), "")
        for index, name in enumerate(found[at]):
            if name in ("?he", "?she"):
                wanted = "male" if name == "?he" else "female"
                found[at][index] = next((each for each in known if people.gender(each) == wanted), name)
            elif name == "":
                found[at][index] = other


def _let_strangers_take_turns(
    found: list[list[str]], paragraphs: Sequence[Sequence[Piece]], breaks: Sequence[bool]
) -> None:
    """Two quotes of nobody known, one paragraph after the other, are two people's."""
    last: str | None = None
    for at, pieces in enumerate(paragraphs):
        said = [index for index, piece in enumerate(pieces) if piece.said]
        if breaks[at] or not any(found[at][index] == "" for index in said):
            last = None
            continue
        goes_on = at > 0 and any(piece.open_ended for piece in paragraphs[at - 1])
        if not (goes_on and last is not None):
            last = "?other" if last == "" else ""
        for index in said:
            found[at][index] = found[at][index] or last
