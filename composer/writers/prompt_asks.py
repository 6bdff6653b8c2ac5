"""Asks: what a prompt says of the sound itself: sounds, music, quoted lines, length, and what to leave out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

SOUND_WORDS = frozenset(
    """thunder rain rainfall wind storm clock ticking bell bells footsteps creak creaking door doors waves seagulls
seagull gulls birds birdsong crickets cicadas fire fireplace crackling siren sirens applause laughter crowd
crowds cheering traffic engine engines helicopter barking bark meow meowing purring owl owls hooting howl
howling wolves whisper whispers heartbeat dripping water stream river typing phone ringing keyboard explosion
explosions gunshot gunshots hooves whistle chimes chime splash splashing drops drip knock knocking scream
screams screaming growl growling buzzing bees static beep beeps beeping hum humming alarm steam kettle dishes
glasses clinking children's frogs rooster roar roaring lasers laser swords sword chains breathing snoring sneeze
crying hiss hissing rustling leaves gong thud crash rattling rumble rumbling train trains airplane plane horn
horns foghorn drumroll cat dog clapping chatter murmur lightning campfire surf ocean snow doorbell sizzling
pouring""".split()
)
MUSIC_WORDS = frozenset(
    """music jazz piano guitar orchestra orchestral strings drums synth synths synthesizer techno lo-fi lofi ambient
classical rock folk blues reggae flute violin harp cello choir choral soundtrack melody lullaby waltz hip-hop
electronic banjo accordion saxophone organ bossa disco swing funk mozart bach ukulele trumpet brass theme tune
song songs synthwave bagpipes sitar kalimba marimba""".split()
)
_ROLE_WORDS = re.compile(
    r"(?i)\b(?:reporter|anchor|host|narrator|guest|engineer|voice|voices|interview\w*|expert|character)\b"
)


@dataclass(frozen=True)
class Asks:
    sounds: tuple[str, ...] = ()
    music: str = ""
    lines: tuple[str, ...] = ()
    """Quoted in the prompt: spoken word for word."""
    seconds: float | None = None
    length: int = 2
    """1 short, 2 as usual, 3 long, 4 very long."""
    no_music: bool = False
    no_sounds: bool = False


def take_asks(text: str) -> tuple[Asks, str]:
    """What is asked of the sound, and the text without those words."""
    no_music = no_sounds = False
    negative = re.compile(
        r"(?i)[,;]?\s*(?:\b(?:but|and|please)\s+)?\b(?:no|without(?: any)?)\s+((?:background )?music|soundtrack"
        r"|sound ?effects?|sfx|effects|sounds)(?:(?:\s+(?:or|and|nor)\s+(?:no )?)((?:background )?music|sound "
        r"?effects?|sfx|effects|sounds))?\b"
    )
    while found := negative.search(text):
        for what in (found.group(1), found.group(2) or ""):
            no_music |= "music" in what.casefold() or "soundtrack" in what.casefold()
            no_sounds |= bool(re.search(r"(?i)sound ?effects?|sfx|effects|^sounds", what))
        text = f"{text[: found.start()]} {text[found.end() :]}"
    seconds, text = _take_length(text)
    lines, text = _take_lines(text)
    sounds, music, text = _take_sounds(text)
    items = [item for item in re.split(r",\s*(?:and\s+)?|\s+and\s+", text.strip(" .")) if item.strip()]
    if len(items) > 1 and all(is_sound(item) and len(item.split()) <= 5 for item in items):
        sounds = (*sounds, *(sound_words(item) for item in items))[:12]
    length = 2
    if seconds is not None:
        length = 1 if seconds <= 50 else 2 if seconds <= 130 else 3 if seconds <= 230 else 4
    elif re.search(r"(?i)\b(?:short|brief|quick|tiny|flash)\b", text):
        length = 1
    elif re.search(
        r"(?i)\b(?:long|in-depth|detailed|extended|full-length)\b(?! ago)(?!-)",
        re.sub(r"(?i)how long|as long", "", text),
    ):
        length = 3
    text = re.sub(r"\s+", " ", re.sub(r"\s+([,.;])", r"\1", text)).strip(" ,;")
    return Asks(sounds, music, lines, seconds, length, no_music, no_sounds), text


_NUMBERS = {"half a": 0.5, "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
            "eight": 8, "nine": 9, "ten": 10, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "sixty": 60,
            "ninety": 90}  # fmt: skip
_LENGTH = re.compile(
    rf"(?i)[,;(]?\s*\b(?:(?:about|around|lasting|in|for|of|roughly|approximately)\s+){{0,2}}"
    rf"(\d{{1,4}}(?:\.\d+)?|{'|'.join(sorted(_NUMBERS, key=len, reverse=True))})[\s-]+(seconds?|secs?|s|minutes?"
    rf"|mins?)\b"
    r"(?:[\s-]+(?:long|in length))?\)?(?!\s+(?:to|until|before|after|past|later|ago|of silence))"
)


def _take_length(text: str) -> tuple[float | None, str]:
    found = _LENGTH.search(text)
    if found is None:
        return None, text
    number = _NUMBERS.get(found.group(1).casefold())
    number = float(found.group(1)) if number is None else number
    seconds = number * (60 if found.group(2).casefold().startswith("m") else 1)
    return max(5.0, min(seconds, 3600.0)), f"{text[: found.start()]} {text[found.end() :]}"


_QUOTE = re.compile(r"[\"“«]([^\"“”«»]{2,2000})[\"”»]")


def _take_lines(text: str) -> tuple[tuple[str, ...], str]:
    lines: list[str] = []
    kept, end = "", 0
    for found in _QUOTE.finditer(text):
        before = text[: found.start()].rstrip(" :,")
        words = found.group(1).strip()
        is_title = re.search(
            r"(?i)\b(?:titled|entitled|called|named|title|about|of|on|film|movie|podcast|show|book|song|for|word)$",
            before,
        )
        if is_title or not words or words.casefold() == "n/a":
            continue
        lead = re.search(r"(?i),?\s*\b(?:(?:he|she|it|they|somebody|someone|the \w+|and)\s+)?(?:says?|saying"
                         r"|said|ends? with the words"
                         r"|with the (?:line|words|slogan|tagline)|slogan|tagline|whispers?|shouts?|begins? with "
                         r"the words)$", before)  # fmt: skip
        lines.append(words)
        kept += text[end : lead.start() if lead and lead.start() >= end else found.start()]
        end = found.end()
    return tuple(lines[:20]), kept + text[end:]


_WITH = re.compile(
    r"(?i)(?:[,.;]\s*|\s+|^)(?:(?:and )?(?:with|plus|featuring|includ(?:e|ing)|add(?:ing)?|over|accompanied by)\s+"
    r"|(?:sounds?|sound effects?|sfx|effects|music):\s*)"
)
_END_OF_LIST = re.compile(r"(?i)[.;!?:](?:\s|$)|\s+(?:about|where|in which|reporting|narrated|set in)\b")


def _take_sounds(text: str) -> tuple[tuple[str, ...], str, str]:
    sounds: list[str] = []
    music = ""
    place = 0
    while found := _WITH.search(text, place):
        stop = _END_OF_LIST.search(text, found.end())
        end = stop.start() if stop else len(text)
        parts = re.split(r"(,\s*(?:and\s+)?|\s+and\s+)", text[found.end() : end])
        taken = 0
        for index in range(0, len(parts), 2):
            item = parts[index].strip()
            tail = re.sub(
                r"(?i)\s+(?:in the background|playing|throughout|at the end|at the start|in the distance)$", "", item
            )
            if is_music(tail):
                music = music or re.sub(r"(?i)^(?:some|an?|the)\s+", "", tail)
            elif is_sound(tail):
                sounds.append(sound_words(tail))
            else:
                sounds += _plain_sounds(parts[index + 2 :: 2])
                break
            taken = index + 1
        if not taken:
            place = found.end()
            continue
        length = len("".join(parts[:taken]))
        text = f"{text[: found.start()]} {text[found.end() + length :].lstrip(' ,')}"
        place = found.start()
    while found := _BEHIND.search(text):
        if not is_sound(found.group(1)):
            break
        sounds.append(sound_words(found.group(1)))
        text = f"{text[: found.start()]} {text[found.end() :]}"
    return tuple(dict.fromkeys(sounds))[:12], music, text


_BEHIND = re.compile(r"(?i),\s*(?:and )?((?:[\w'’-]+ ){1,5}?)(?:is |are )?(?:heard )?in the (?:background|distance)\b")


_LIVING = frozenset("cat dog owl owls wolves frogs rooster bees birds children's crowd crowds seagull gulls".split())


def _plain_sounds(items: Sequence[str]) -> list[str]:
    """The sounds later in a list that begins with other things: "with a thief, a cart and church bells"."""
    bare = [item.strip() for item in items]
    return [
        sound_words(item)
        for item in bare
        if is_sound(item)
        and not re.match(r"(?i)(?:an?|the|his|her|their|my|its|two|three|who|that)\b", item)
        and not _LIVING & set(re.findall(r"[\w'’-]+", item.casefold()))
    ]


def is_sound(words: str) -> bool:
    """Whether a short phrase names something to be heard."""
    if re.match(r"(?i)(?:the )?(?:distant |soft |loud )?(?:sounds?|noises?) of \w", words):
        return len(words) < 120
    found = re.findall(r"[\w'’-]+", words.casefold())
    return 0 < len(found) <= 7 and any(word in SOUND_WORDS for word in found) and not _ROLE_WORDS.search(words)


def is_music(words: str) -> bool:
    """Whether a short phrase names music."""
    found = re.findall(r"[\w'’-]+", words.casefold())
    return 0 < len(found) <= 7 and any(word in MUSIC_WORDS for word in found) and not _ROLE_WORDS.search(words)


def sound_words(words: str) -> str:
    """A sound as the table describes it: "the sound of a ticking clock" -> "A ticking clock."."""
    bare = re.sub(r"(?i)^(?:(?:the|some)\s+)?(?:sounds?|noises?) of\s+", "", words.strip(" .,;"))
    bare = re.sub(r"(?i)^(?:the|some)\s+", "", bare)
    return (bare[:1].upper() + bare[1:])[:300] + "."
