"""From words to sounds: which known sounds a description asks for, and how much of it they cover.

A description is cut into parts ("rain and distant thunder" has two), a part into its core and its setting
("footsteps | on gravel"). The head of the core must be named by the sound: rain boots are not rain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from models.effects.sounds import Sound

PARTS = re.compile(r"[,;:.!?/+&()]|\b(?:and|with|while|plus|then|followed by|as well as|along with|together with|as)\b")
NEGATIONS = re.compile(r"\b(?:no|not|without|never|minus|except|lacking|absence of|free of)\b")
SETTINGS = re.compile(
    r"\b(?:in|on|at|by|near|through|against|under|behind|inside|outside|over|across|from|into|onto|along|around|"
    r"beyond|down|up|to|during|between|above|below|upon|among|beside|past|towards?)\b"
)
SILENCE = re.compile(r"\b(?:silence|silent|soundless|no sounds?|nothing)\b")

EMPTY = """
a an the of some any its it his her their our my your this that these those is are was were be being been there
here s sound sounds noise noises background ambience ambient ambiance atmosphere effect effects audio recording
soundscape bed texture loop clip sfx foley hear heard hearing something other each several many few two three
four five lots lot bit kind type all very quite really rather slightly somewhat just general typical usual
"""
COLOURS = """
people person somebody someone man woman men women boy girl human light gentle soft softly quiet quietly faint
slight calm small mild heavy heavily hard loud loudly strong strongly violent intense big huge large massive
powerful furious raging rough howling pouring torrential distant distance far faraway afar away muffled close
nearby near fast quick quickly rapid rapidly frantic racing slow slowly lazy sparse occasional occasionally busy
steady steadily constant constantly continuous continuously endless deep low high long short brief sudden
suddenly single lone old new little dark bright warm cold wet dry deserted empty crowded lively bustling noisy
peaceful eerie ominous dull sharp nervous hurried rhythmic regular irregular repeated repeatedly modern medieval
ancient rural urban outdoor indoor early late morning evening afternoon midnight summer winter spring autumn
falling fall going coming approaching passing starting getting moving playing continuing growing building
overhead roaring echoing rumbling pattering humming whirring droning blowing hitting rustling wooden metal
metallic iron steel stone rusty fading rising outside inside open closed shut beautiful pleasant relaxing
soothing front back main entire whole own upper lower left right once twice thrice again three times still just
rocky grassy leafy dusty muddy snowy foggy stormy angry gently angrily frantically steadily suddenly rhythmically
briefly repeatedly softly slowly wide tropical away close closer nearer along behind ahead abruptly deafening
"""
DOINGS = """
ring rings ringing rang sing sings sound sounds sounding play plays start starts stop stops begin begins end ends
continue continues come comes go goes arrive arrives pass passes approach approaches fade fades roll rolls
wail wails wailing blare blares blaring echo echoes crash crashes drop drops fall falls move moves
drive drives swing swings fly flies rumble rumbles howl howls hum hums
buzz buzzes whir whirs hiss hisses clang clangs toll tolls boom booms strike strikes striking struck
run runs ran beat beats beating rise rises
"""
"""What sounding things do anyway: such a word after the thing asks for nothing more."""
SURFACES = """
gravel wood wooden metal metallic snow grass leaf leaves concrete stone tile marble carpet sand mud water puddle
floor stair staircase hallway corridor roof tin window glass ground pavement board plank tree pine bush field
wall table desk rock shore room hall house home building background air sky valley canyon hill mountain
pebble cobblestone cobble shingle path
"""
PLACES = """
garden orchard hall foyer house home room kitchen bakery corridor hallway classroom schoolroom schoolyard school
hospital clinic ship boat vessel pier harbour harbor quay dock wharf jetty port station airport platform church
cathedral chapel temple monastery museum gallery theatre theater castle palace dungeon crypt tunnel cave cavern
cellar attic basement mansion apartment flat cottage hut cabin lighthouse island village town farm farmyard barn
stable yard courtyard pond lake swamp marsh jungle rainforest valley mountain desert land landscape field hill
aquarium zoo laboratory lab observatory alley square stage gym pool
"""
"""Where something sounds: such a word colours the sound that is named beside it, and names none itself."""

EMPTY_WEIGHT, COLOUR_WEIGHT, SETTING_WEIGHT = 0.0, 0.15, 0.4
FULL_SCORE = 0.85  # synthesis: a recording of the same thing may score higher
HEAD_MISSING = 0.25


def stem(word: str) -> str:
    """A word without its plural, -ing, -ed or final e, so that wave, waves and waving agree."""
    for ending, least in (("ing", 3), ("ed", 3)):
        rest = word[: -len(ending)]
        if word.endswith(ending) and len(rest) >= least and re.search("[aeiouy]", rest):
            word = rest[:-1] if len(rest) > 3 and rest[-1] == rest[-2] and rest[-1] not in "lsz" else rest
            break
    else:
        if word.endswith("ies") and len(word) > 4:
            word = word[:-3] + "y"
        elif word.endswith(("ches", "shes", "sses", "xes")):
            word = word[:-2]
        elif word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
            word = word[:-1]
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


def stems(text: str) -> tuple[str, ...]:
    """The stems of a text in order, without the words that say nothing about the sound."""
    words = re.findall(r"[a-z]+", text.lower().replace("'s", "").replace("-", " "))
    return tuple(stem(word) for word in words if word not in _EMPTY)


_EMPTY = frozenset(EMPTY.split())
_COLOURS = frozenset(stem(word) for word in COLOURS.split())
_SURFACES = frozenset(stem(word) for word in SURFACES.split())
_DOINGS = frozenset(stem(word) for word in DOINGS.split())
_PLACES = frozenset(stem(word) for word in PLACES.split())
_LIGHT = _COLOURS | _DOINGS | _PLACES
"""Words that weigh little where no sound is named by them."""
_OF_PLACE = re.compile(rf"\bof (?=(?:an?|the|his|her|its|their|our|my)(?: \w+)? (?:{'|'.join(PLACES.split())})\b)")


@dataclass(frozen=True)
class Layer:
    """One sound of the answer and the words that colour it."""

    sound: Sound
    words: str
    is_setting: bool


@dataclass(frozen=True)
class Match:
    """What a description asks for, as far as we know it."""

    layers: tuple[Layer, ...]
    score: float
    missing: tuple[str, ...]
    """Words that no sound covers."""


def _named(sound: Sound, words: Iterable[str]) -> frozenset[str]:
    """Those of the words that stand in a phrase of the sound all of whose words are there."""
    have = frozenset(words)
    found: set[str] = set()
    for phrase in sound.phrases:
        needed = _phrase_stems(phrase)
        if needed and needed <= have:
            found |= needed
    return frozenset(found)


def _vocabulary(sound: Sound) -> frozenset[str]:
    """Every stem of the sound's phrases: once the sound is named, these words add nothing that it lacks."""
    return frozenset().union(*map(_phrase_stems, sound.phrases))


def _longest(sound: Sound, words: Iterable[str], head: str | None) -> tuple[bool, int, int]:
    """How well a sound is named: does a phrase hold the head, the longest phrase's words, its letters."""
    have = frozenset(words)
    best = (False, 0, 0)
    for phrase in sound.phrases:
        needed = _phrase_stems(phrase)
        if needed and needed <= have:
            best = max(best, (head in needed, len(needed), sum(map(len, needed))))
    return best


def _phrase_stems(phrase: str) -> frozenset[str]:
    found = _PHRASES.get(phrase)
    if found is None:
        found = _PHRASES[phrase] = frozenset(stems(phrase)) or frozenset(map(stem, re.findall("[a-z]+", phrase)))
    return found


_PHRASES: dict[str, frozenset[str]] = {}


def _head(core: Sequence[str], verbs: frozenset[str]) -> str | None:
    """The word that the core is about: its last noun; colours and trailing verbs do not count."""
    left = [word for word in core if word not in _COLOURS]
    while len(left) > 1 and left[-1] in verbs:
        left.pop()
    return left[-1] if left else None


def _match_part(text: str, sounds: Sequence[Sound], forbidden: frozenset[str]) -> tuple[list[Layer], float, list[str]]:
    pieces = SETTINGS.split(text)
    owner = _OF_PLACE.split(pieces[0], maxsplit=1)  # "the foghorn of a ship", not "the hum of a city"
    if set(stems(owner[0])) - _LIGHT:
        pieces[:1] = owner
    if not stems(pieces[0]) and len(pieces) > 1:
        pieces = ["".join(pieces[1:2]), *pieces[2:]]
    core, setting = stems(pieces[0]), stems(" ".join(pieces[1:]))
    everything = [*core, *setting]
    verbs = _DOINGS | frozenset(stem(word) for word in re.findall(r"[a-z]+(?:ing|ed)\b", text))
    head = _head(core, verbs)
    allowed = [sound for sound in sounds if not _named(sound, forbidden)]
    ranked = sorted(allowed, key=lambda sound: _longest(sound, everything, head), reverse=True)
    known = [sound for sound in ranked if _named(sound, everything)]
    if not known or head is None:
        return [], 0.0, [word for word in everything if word not in _LIGHT]
    first = known[0]
    covered = set(_vocabulary(first)) & set(everything)
    if head not in _named(first, everything):
        covered.discard(head)
    layers = [Layer(first, text.strip(), is_setting=False)]
    left = [word for word in setting if word not in covered]
    for sound in sorted(allowed, key=lambda sound: _longest(sound, left, None), reverse=True)[:1]:
        named = _named(sound, left)
        if named and sound.steady and sound is not first and head in covered:
            layers.append(Layer(sound, " ".join(pieces[1:]).strip(), is_setting=True))
            covered |= named
    have = total = 0.0
    missing = []
    for position, word in enumerate(everything):
        in_core = position < len(core)
        known_word = word in covered or (word in _LIGHT and word != head) or (not in_core and word in _SURFACES)
        light = word in _LIGHT and word not in covered and word != head
        weight = COLOUR_WEIGHT if light else 1.0 if in_core else SETTING_WEIGHT
        total += weight
        have += weight * known_word
        if not known_word:
            missing.append(word)
    score = FULL_SCORE * have / total
    if head not in covered:
        score *= HEAD_MISSING
    return layers, score, missing


def match(description: str, sounds: Sequence[Sound]) -> Match:
    """The sounds that the description names, how well they cover it (0 to 1), and the words left over."""
    text = description.lower().strip()
    if SILENCE.search(text):
        return Match((), 0.0, ("silence",))
    if not NEGATIONS.search(text):
        whole = frozenset(stems(text))
        for sound in sounds:
            for needed in map(_phrase_stems, sound.phrases):
                if len(needed) > 1 and needed <= whole and needed - _COLOURS == whole - _COLOURS:
                    return Match((Layer(sound, text, is_setting=False),), FULL_SCORE, ())
    wanted, forbidden = [], set()
    for part in PARTS.split(text):
        asked, *denied = NEGATIONS.split(part)
        for words in denied:
            forbidden |= set(stems(words)) - _COLOURS
        if set(stems(asked)):
            wanted.append(asked)
    layers: list[Layer] = []
    scores, missing, places = [], [], []
    for part in wanted:
        names_none = not any(_named(sound, stems(part)) for sound in sounds)
        if names_none and not set(stems(part)) - _COLOURS - _DOINGS:
            layers = [Layer(layer.sound, f"{layer.words} {part}", layer.is_setting) for layer in layers]
            continue
        if names_none and not set(stems(part)) - _COLOURS - _PLACES:
            places += [word for word in re.findall(r"[a-z]+", part) if stem(word) in _PLACES]
            continue
        found, score, unknown = _match_part(part, sounds, frozenset(forbidden))
        scores.append(score)
        missing += unknown
        layers += [layer for layer in found if layer.sound not in [other.sound for other in layers]]
    if not layers or not scores:
        return Match((), 0.0, tuple(missing))
    if places:
        layers = [Layer(layer.sound, " ".join([layer.words, *places]), layer.is_setting) for layer in layers]
    spelt = {stem(word): word for word in reversed(re.findall(r"[a-z]+", text))}
    return Match(tuple(layers), sum(scores) / len(scores), tuple(spelt.get(word, word) for word in missing))
