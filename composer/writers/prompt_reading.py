"""Reading: what a prompt asks for, found with plain rules: genre, topic, roles, people, place, mood, sounds, length."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from composer.cells import tidy_text
from composer.errors import StoryUnreadable
from composer.writers.prompt_asks import Asks, take_asks
from composer.writers.prompt_genres import GENRES, find_genre
from composer.writers.prompt_nouns import is_known_name
from composer.writers.prompt_roles import Person, Role, find_people, find_roles
from composer.writers.prompt_topic import Topic, read_topic
from composer.writers.prompt_verbs import gerund, verb_of

MAX_PROMPT = 20_000


@dataclass(frozen=True)
class Organisation:
    """Who built, runs or found the thing: a name where the prompt gives one, and who founded it."""

    name: str = ""
    kind: str = ""
    founders: str = ""
    deed: str = ""
    """What it did, "built the probe"; empty when the prompt tells none."""

    @property
    def words(self) -> str:
        """All of it: "the organization that built the probe, founded by the Mars Government"; may be empty."""
        named = self.name or (f"the {self.kind}" if self.kind else "the organization" if self.founders else "")
        if not self.name and self.deed:
            named = f"{named or 'the organization'} that {self.deed},"
        return f"{named.rstrip(',')}, founded by {self.founders}" if self.founders else named.rstrip(",")

    @property
    def short(self) -> str:
        """The name, or "the organization"."""
        return self.name or (f"the {self.kind or 'organization'}" if self.words else "")


@dataclass(frozen=True)
class Reading:
    """A prompt, read. Empty strings and tuples stand for what the prompt does not say."""

    prompt: str
    genre: str
    topic: Topic
    title: str
    named: bool
    """Whether the title stands in the prompt."""
    asks: Asks
    roles: tuple[Role, ...] = ()
    people: tuple[Person, ...] = ()
    place: str = ""
    time: str = ""
    weather: str = ""
    mood: str = ""
    theme: str = ""
    outlet: str = ""
    organisation: Organisation = field(default_factory=Organisation)


def read_prompt(prompt: str) -> Reading:
    """Reads a prompt. Raises StoryUnreadable for one that is empty or too long."""
    text = tidy_text(prompt)
    if not text:
        raise StoryUnreadable("the prompt is empty; say in a sentence what should be heard")
    if len(text) > MAX_PROMPT:
        raise StoryUnreadable(
            f"the prompt has {len(text):,} characters, at most {MAX_PROMPT:,} are read; "
            "put a long text into a file and give it as a story"
        )
    text = re.sub(r"[ \t\n\r\f\v]+", " ", text)
    if not any(character.isalnum() or unicodedata.category(character) == "So" for character in text):
        raise StoryUnreadable(f"the prompt {text[:40]!r} holds no words; say in a sentence what should be heard")
    genre = find_genre(text)
    told = text if genre == "advertisement" else _FOR_WHOM.sub(" ", text)
    asks, rest = take_asks(told)
    rest, title = _take_title(rest)
    theme, rest = _take_theme(rest)
    words, rest = _take_topic(rest, genre)
    outlet = _outlet(text) if genre in ("news", "weather", "podcast") else ""
    if genre in ("tour", "walk", "mystery", "horror", "drama"):  # "a detective story" asks for no detective's part
        rest = re.sub(rf"(?i)\b(?:{GENRES[genre].names})\b", " ", rest)
    roles = find_roles(rest, genre)
    people = find_people(told)
    if title and (not words or words.casefold() in ("story", "tale", "film", "movie")):
        words = title
    words = _named_picture(text) or _tidy_topic(words, genre, people, text) or text
    topic = read_topic(words)
    return Reading(
        prompt=text,
        genre=genre,
        topic=topic,
        title=title or _title_of(topic, outlet, genre),
        named=bool(title) or _is_title(topic, text),
        asks=asks,
        roles=roles,
        people=people,
        place=_first(_PLACE, text),
        time=_first(_TIME, text).casefold(),
        weather=_first(_WEATHER, text).casefold(),
        mood=_first(_MOOD, text).casefold(),
        theme=theme,
        outlet=outlet,
        organisation=_organisation(text),
    )


_PLACE = re.compile(
    r"\b(?:set |somewhere )?((?:in|on|at|aboard|inside|under|beneath|beside) (?:a|an|the|my|her|his|our)"
    r"(?: (?!of |and |with |that |who |end\b|beginning|question|topic|same|middle|theme|background|voice|style"
    r"|tone|mood|way|world of)[\w'’-]+){1,3}?)"
    r"(?=[,.;:!?]|$| (?:at|in|on|with|and|where|who|that|about|during|after|before|while|when|as|called|named"
    r"|for|to|from"
    r"|by|looking|full|near)\b)"
    r"|\b((?:in|on|at) (?!Science|Sci|English|French|German|Spanish|Fantasy)(?:[A-Z][\w'’-]+)(?: [A-Z][\w'’-]+){0,2})"
)
_TIME = re.compile(
    r"(?i)\b(midnight|dawn|sunrise|dusk|sunset|twilight|noon|night|evening|morning|afternoon|winter|summer"
    r"|spring|autumn"
    r"|christmas eve|halloween)\b"
)
_WEATHER = re.compile(
    r"(?i)\b(thunderstorms?|stormy|storm|rainy|raining|rain|snowy|snow|blizzard|foggy|fog|windy|wind|sunny)\b"
)
_MOODS = (
    "calm|calming|gentle|peaceful|soothing|relaxing|cozy|cosy|warm|happy|cheerful|funny|humorous|comic|joyful|upbeat"
    "|sad|melancholy|melancholic|nostalgic|romantic|dark|eerie|creepy|spooky|scary|tense|suspenseful|dramatic|epic"
    "|mysterious|magical|whimsical|inspiring|hopeful|serious|angry|lonely"
)
_MOOD = re.compile(rf"(?i)\b({_MOODS})\b")


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return next((group for group in found.groups() if group), "") if found else ""


_QUOTED = r"[\"“«]([^\"“”«»]{1,120})[\"”»]"


def _take_title(text: str) -> tuple[str, str]:
    """The title that a prompt gives in quotes or after "titled"; the text without it."""
    found = re.search(rf"(?i),?\s*\b(?:titled|entitled|with the title)\s+(?:{_QUOTED}|'([^']+)'|([^.,;]+))", text)
    if found is None:
        found = re.search(
            rf"(?i)\b(?:film|movie|podcast|show|book|play|series|novel|story)\s+(?:called|named)\s+(?:{_QUOTED}"
            rf"|'([^']+)'"
            r"|((?-i:[A-Z])[^.,;:]*))", text,
        )  # fmt: skip
    if found is None:
        return text, ""
    title = next(group for group in found.groups() if group).strip()
    kept = re.sub(r"(?i)\b(?:titled|entitled|called|named|with the title)\b.*", "", found.group(0), count=1)
    return f"{text[: found.start()]}{kept.rstrip()}{text[found.end() :]}", title


_FOR_WHOM = re.compile(
    r"(?i)\s+for (?:my|our|your|his|her|a|the) (?:[\w-]+ ){0,2}(?:daughters?|sons?|kids?|children|child|nieces?"
    r"|nephews?|grand\w+|wife|husband|mother|father|friends?|class|toddlers?|family|boys?|girls?)"
    r"(?: (?:called|named) (?-i:[A-Z])[\w'’-]+)?(?=\s+(?:about|on|of|in which|where)\b|\s*[,:])\s*"
)
"""To whom it is told, who are neither in it nor its topic."""

_THEME = re.compile(
    r"(?i)\b(science[ -]fiction|sci-?fi|cyberpunk|steampunk|fantasy|western|noir|medieval|futuristic)\b"
)


def _take_theme(text: str) -> tuple[str, str]:
    found = _THEME.search(text)
    if found is None:
        return "", text
    theme = re.sub(r"(?i)science[ -]fiction|sci-?fi|futuristic", "science fiction", found.group(1)).casefold()
    text = re.sub(r"(?i)\s*\bin (?:an? |the )?(?:science[ -]fiction|sci-?fi|cyberpunk|steampunk|fantasy|western|noir"
                  r"|medieval|futuristic) (?:theme|style|setting|mood|world|tone)\b", "", text)  # fmt: skip
    return theme, text


_STOP = re.compile(
    r"(?i)(?<!\bDr)(?<!\bMr)(?<!\bMrs)(?<!\bSt)[.!?;](?=\s|$)"
    r"|,?\s+(?:start(?:s|ing)?|begin(?:s|ning)?|open(?:s|ing)|end(?:s|ing)?|clos(?:es|ing)|follow(?:s|ed|ing)?) "
    r"(?:with|by)\b"
    r"|,?\s+(?:narrated|read|told|hosted|presented|spoken|voiced|performed) by\b"
    r"|,?\s+(?:set|takes place|taking place) (?:in|on|at|aboard|during)\b"
    r"|,?\s+(?:featuring|starring)\b|,?\s+in the style of\b|,?\s+for (?:small |young |little )?(?:kids|children"
    r"|toddlers|adults|beginners)\b"
    r"|,?\s+(?:with|where|in which) (?:an? |the )?(?:[\w-]+ ){0,2}(?:reporter|anchor|host|interview\w*|narrator"
    r"|expert|guest)\b"
    r"|,?\s+with (?=(?-i:(?:Detective|Inspector|Captain|Professor|Doctor|Dr|Mr|Mrs|Miss|Ms)\b))|,?\s+(?:then"
    r"|after that)\b|,?\s+(?:in )?an? [\w-]+ (?:tone|voice|mood|style)\b"
)
_REQUEST = re.compile(
    r"(?i)^\s*(?:please\s+|can you\s+|could you\s+|i want\s+|i would like\s+|i'd like\s+|we need\s+|let's have\s+)*"
    r"(?:(?:generate|create|make|write|produce|compose|record|tell|give|render|build|design|imagine)\s+(?:me\s+"
    r"|us\s+)?)?"
    r"(?:(?:an?\s+|the\s+|some\s+)?(?:(?:short|long|brief|quick|little)\s+)?"
    r"(?:audio|soundscape|sound|recording|clip|piece|track)\s+(?:of|for|about|where|in which|with)\s+)?"
)


def _take_topic(text: str, genre: str) -> tuple[str, str]:
    """The words of the topic and the text around them (where the roles are asked for)."""
    text = text.strip()
    for pattern in _markers(genre):
        found = pattern.search(text)
        if found and (rest := text[found.end() :].lstrip(" :,-–—")):
            stop = _STOP.search(rest)
            topic = rest[: stop.start()] if stop else rest
            if any(character.isalnum() for character in topic):
                left = rest[stop.end() if stop.group(0)[0] in ".!?;" else stop.start() :] if stop else ""
                return topic.strip(" ,"), f"{text[: found.start()]} . {left}"
    body = _REQUEST.sub("", text, count=1)
    stop = _STOP.search(body)
    first, left = (body[: stop.start()], body[stop.end() if stop.group(0)[0] in ".!?;" else stop.start() :]) if (
        stop and stop.start()
    ) else (body, "")  # fmt: skip
    if stop and stop.group(0).startswith("?"):
        first += "?"
    stripped = _without_genre(first, genre)
    if len(stripped) < 2 and left.strip(" .,"):
        stop = _STOP.search(left)
        stripped = left[: stop.start()] if stop and stop.start() else left
        stripped = _without_genre(_REQUEST.sub("", stripped.strip(), count=1), genre)
    return stripped.strip(" ,."), left


def _tidy_topic(words: str, genre: str, people: tuple[Person, ...], text: str) -> str:
    """The topic without what it should not say: its quotes, its mood at the end, who talks about it."""
    words = words.strip()
    if words[:1] in "\"“«'" and words[-1:] in "\"”»'" and len(words) > 2:
        words = words[1:-1]
    words = re.sub(r"(?i)^set (?=(?:in|on|at|aboard|inside) )(?:in|on|at|aboard|inside)\s+", "", words)
    words = re.sub(
        rf"(?i)(?:,\s*(?:(?:and|but|very) )*(?:{_MOODS})(?: (?:(?:and|but|very) )+(?:{_MOODS}))*)+$", "", words
    )
    if genre == "history":
        words = re.sub(
            r"(?i),? with (?:an? |the )?(?:[\w-]+ ){0,2}(?:students?|pupils?|teacher|professor|class)$", "", words
        )
    if genre == "advertisement" and (
        found := re.fullmatch(
            r"(?i)(?:an? |the )?([\w' -]+?) (?:called|named) ((?-i:[A-Z][\w'’&-]*(?: [A-Z][\w'’&-]*)*))(.*)", words
        )
    ):
        words = f"{found.group(2)}, the {found.group(1)}{found.group(3)}"
    if genre == "meditation" and re.search(
        r"(?i)\b(?:cannot|can['’]t|can not) stop (?:thinking|worrying|brooding)\b", text
    ):
        return f"leaving {words} behind"
    words = re.sub(r"(?i)^(?:an? )?(?:short|brief|quick|very short) (?=[a-z])", "", words)
    if genre == "weather" and (found := re.fullmatch(r"((?:[A-Z][\w'’-]+ ?)+) with ([\w' -]+)", words)):
        words = f"{found.group(2)} {'on' if is_known_name(found.group(1).strip()) else 'in'} {found.group(1)}".strip()
    if genre == "drama" and (
        quarrel := re.match(
            r"(?i).+? and .+? (?:argue|quarrel|fight|disagree|debate)s? (?:about |over |(?=whether ))(.+)", words
        )
    ):
        return quarrel.group(1).strip(" ,")
    if genre == "drama" and (
        found := re.match(r"(?i)(?:between )?(?:.+? and .+?)(?:,? who (?:want to |are )?(.+)|$)", words)
    ):
        talked = found.group(1)
        between = bool(people) or " and the " in words
        if between and not talked:
            return "the two of us"
        if talked:
            place = re.search(r",? (?:in|on|at) (?:a|an|the) .*$", talked)
            talked = talked[: place.start()] if place else talked
            verb = verb_of(talked.split()[0])
            return " ".join([gerund(verb[0]), *talked.split()[1:]]).strip(" ,") if verb else talked
    if genre in ("drama", "mystery", "podcast"):
        place = re.search(r",? (?:in|on|at) (?:a|an|the) [\w ]+?(?: at \w+| in the \w+)?$", words)
        if place and len(words[: place.start()].split()) > 2:
            words = words[: place.start()]
    return words


def _named_picture(text: str) -> str:
    """A prompt of nothing but pictures ("🐙") by their names; empty for words."""
    if any(character.isalnum() for character in text):
        return ""
    names = [
        unicodedata.name(character, "").casefold() for character in text if unicodedata.category(character) == "So"
    ]
    return " and ".join(names[:4])


def _markers(genre: str) -> list[re.Pattern[str]]:
    names = GENRES[genre].names
    marks = [
        r"(?i)\b(?:reporting|reports?|announc\w+|says|saying|claims?|claiming|news|headline|word|revealing|confirming)"
        r"(?:,)? that\b",
        r"(?i)\b(?:about|on the (?:topic|subject|theme) of|regarding|concerning|covering|exploring|explaining|explain"
        r"|discuss(?:es|ing)?|topic:|subject:|theme:)(?=\s|$)(?! \d+ (?:sec|min)| (?:a|one|two|three|five|ten"
        r"|half an?) (?:sec|min|hour))",
    ]
    if genre in ("news", "history", "podcast", "documentary", "weather"):
        marks.append(rf"(?i)\b(?:{names}) (?:on|of|from|for|into)\b")
        marks.append(r"(?i)\breport(?:ing|s)? (?:on|from)\b")
        marks.append(r"(?i)\b(?:breaking news|breaking|teach me|teach us|lesson in|announc(?:es|ing)|reporting)\b:?")
    if genre not in ("scene", "drama"):
        marks.append(rf"(?i)\b(?:{names})(?: (?:for|of|on|in which|where|when|between|through|in|at))?\s*[:–—-]\s")
        marks.append(rf"(?i)\b(?:{names}) (?:for|of|on|in which|where|when|between|through|to)\b")
    else:
        marks.append(r"(?i)\b(?:scene|dialogue|conversation|argument|drama)(?::| (?:of|between|in which|where|when)\b)")
    return [re.compile(mark) for mark in marks]


def _without_genre(words: str, genre: str) -> str:
    """The words without the genre's own: "a whale documentary" -> "whale"."""
    text = re.sub(rf"(?i)\b(?:an? |the )?(?:{GENRES[genre].names})\b", " ", words) if genre != "scene" else words
    text = re.sub(r"\s+", " ", text).strip(" ,:;-–—")
    if text != words.strip():
        text = re.sub(r"(?i)^(?:of|for|on|in which|where|when|with|by|and)\b\s*", "", text)
    return (
        "" if text.casefold() in ("a", "an", "the", "short", "scary", "good", "nice", "some", "long", "funny") else text
    )


def _outlet(text: str) -> str:
    found = re.search(r"\b((?:[A-Z][\w'’-]*\s+){1,3}(?:News|Radio|FM|TV|Times|Tonight|Today|Daily|Channel"
                      r"|Network|Weather"
                      r"|Podcast|Show))\b", text)  # fmt: skip
    name = (
        re.sub(r"^(?:The|A|An|Generate|Create|Make|Write|Start|Breaking|Record|Produce)\s+", "", found.group(1))
        if found
        else ""
    )
    return "" if name in ("News", "Radio", "Podcast", "Show", "Breaking News", "Weather") else name


_FOUNDED = re.compile(r"\b(?:founded|run|funded|created|established|owned|backed|led) by ((?:the )?[A-Z][^.,;:!?]*?)"
                      r"(?=[.,;:!?]|$|,? and (?:end|start|then|finish)| who\b| which\b| that\b)")  # fmt: skip
_ORGANISED = re.compile(
    r"(?i)\b(?:from|of|at|by|for) an? ((?:[\w-]+ ){0,2}(?:organi[sz]ation|company|agency|lab|laboratory"
    r"|institute|university"
    r"|start-?up|charity|firm|consortium|ministry|corporation))\b"
)
_DEED = re.compile(
    r"(?i)\b(?:organi[sz]ation|company|agency|lab|laboratory|institute|university|start-?up|charity|firm|consortium)"
    r" (?:that|which) ((?:has |have )?(?:built|made|designed|launched|discovered|invented|created|developed|found|runs"
    r"|owns|planned|organi[sz]ed) (?:this|that|the|it|an?|these) ?[\w -]*?)(?=[,.;!?]| and |$)"
)
_NAMED = re.compile(
    r"\b(?:from|at|of|with) (?:the )?((?:[A-Z][\w&.-]*\s+){0,3}(?:NASA|ESA|CERN|Labs?|Institute|University"
    r"|Agency|Corporation"
    r"|Company|Corp|Inc|Foundation|Ministry|Department|Museum|Zoo|Industries|Space Center|Observatory))\b"
)


def _organisation(text: str) -> Organisation:
    founders, kind = _first(_FOUNDED, text), _first(_ORGANISED, text)
    if founders and not founders.startswith("the "):
        last = founders.split()[-1]
        if last in ("Government", "Governments", "Union", "Council", "Agency", "Federation", "Alliance", "Republic"):
            founders = f"the {founders}"
    deed = re.sub(r"\b(?:this|that)\b", "the", _first(_DEED, text)) if kind else ""
    return Organisation(_first(_NAMED, text), kind.casefold(), founders, deed)


def _is_title(topic: Topic, text: str) -> bool:
    """Whether the topic is a work's title: quoted in the prompt, every longer word with a capital."""
    quoted = any(f"{mark}{topic.words}" in text for mark in '"“«')
    return quoted and all(word[:1].isupper() for word in topic.words.split() if len(word) > 3)


def _title_of(topic: Topic, outlet: str, genre: str) -> str:
    subject = topic.words.strip(" .,;:!?") or topic.words
    subject = subject if len(subject) <= 80 else subject[:80].rsplit(" ", 1)[0] + "…"
    subject = subject[:1].upper() + subject[1:]
    return tidy_text(f"{outlet}: {subject}" if outlet else subject) or GENRES[genre].title
