"""Text for reading aloud: what a voice should say for what a page shows, and where to take breath.

The phonemizer reads numbers, dates, times, money and most abbreviations itself; this adds what it misses.
"""

from __future__ import annotations

import re
import unicodedata

_ADDRESS = re.compile(
    r"(?:https?://)?(?:www\.)?((?:[\w-]+\.)+[a-z]{2,6})((?:/[\w.~-]*)*)(?=[\s,;:!?)\"'”]|\.?$|\.\s)", re.I
)
_MAIL = re.compile(r"\b([\w.+-]+)@((?:[\w-]+\.)+[a-z]{2,})\b", re.I)
_LATIN_WORDS = (
    (re.compile(r"\be\.\s?g\.(?=[\s,])", re.I), "for example"),
    (re.compile(r"\bi\.\s?e\.(?=[\s,])", re.I), "that is"),
    (re.compile(r"\betc\.?(?=[\s,;:!?)]|$)", re.I), "et cetera"),
    (re.compile(r"\bvs\.?(?=\s)", re.I), "versus"),
    (re.compile(r"\ba\.\s?m\.", re.I), "AM"),
    (re.compile(r"\bp\.\s?m\.", re.I), "PM"),
    (re.compile(r"\bNo\.\s?(?=\d)"), "number "),
    (re.compile(r"(?<=\d)\s?km/h\b"), " kilometers per hour"),
    (re.compile(r"(?<=\d)\s?m/s\b"), " meters per second"),
)
_MARKS = re.compile(r"[*_`#~|<>^\\{}\[\]]+")
_TOP_LEVEL = {"com", "org", "net", "edu", "gov", "io", "uk", "de", "fr", "info", "fm", "tv", "ai", "co", "app", "dev"}
_SENTENCE = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+(?=[\"'“‘(]?[A-Z0-9À-Þ])|(?<=[。！？])")
_NOT_AN_END = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Sgt|Capt|Lt|Col|Gen|Rev|Hon|Jr|Sr|No|Mt|vs|approx)|\b[A-Z])\.$", re.I
)
_CLAUSE = re.compile(r"(?<=[,;:—–])\s+")


def spoken_text(text: str) -> str:
    """The text with addresses spelt out, Latin abbreviations said, typographic marks and emoji taken away."""
    said = unicodedata.normalize("NFC", text)
    said = _MAIL.sub(lambda found: f"{_dotted(found.group(1))} at {_dotted(found.group(2))}", said)
    said = _ADDRESS.sub(_said_address, said)
    for pattern, words in _LATIN_WORDS:
        said = pattern.sub(words, said)
    said = _MARKS.sub(" ", said)
    said = "".join(" " if unicodedata.category(letter) in ("So", "Sk", "Cs", "Co", "Cn") else letter for letter in said)
    return re.sub(r"[^\S\n]+", " ", said).strip()


def _dotted(text: str) -> str:
    return text.replace(".", " dot ").replace("_", " underscore ").replace("-", " dash ").replace("+", " plus ")


def _said_address(found: re.Match[str]) -> str:
    host, path = found.group(1), found.group(2)
    known = host.rsplit(".", 1)[-1].casefold() in _TOP_LEVEL
    if not known or (host[0].isupper() and not path and "://" not in found.group(0)):
        return found.group(0)
    return " slash ".join([_dotted(host), *[_dotted(part) for part in path.split("/") if part]])


def paragraphs(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"\n\s*\n|\n", text) if part.strip()]


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph; titles and initials do not end one."""
    parts: list[str] = []
    for part in _SENTENCE.split(text):
        if parts and _NOT_AN_END.search(parts[-1]):
            parts[-1] = f"{parts[-1]} {part}"
        elif part.strip():
            parts.append(part.strip())
    return parts


def shorter_parts(text: str) -> list[str]:
    """A sentence that is too long, in two or more parts: at clauses, else at the word in the middle."""
    clauses = [part for part in _CLAUSE.split(text) if part.strip()]
    if len(clauses) > 1:
        middle = _nearest_middle([len(part) for part in clauses])
        return [" ".join(clauses[:middle]), " ".join(clauses[middle:])]
    words = text.split()
    if len(words) > 1:
        middle = _nearest_middle([len(word) + 1 for word in words])
        return [" ".join(words[:middle]), " ".join(words[middle:])]
    return [text[: len(text) // 2], text[len(text) // 2 :]]


def _nearest_middle(lengths: list[int]) -> int:
    """Where to cut a list of parts so that both halves are about equally long."""
    total, passed = sum(lengths), 0
    for number, length in enumerate(lengths[:-1], 1):
        passed += length
        if passed >= total / 2:
            return number
    return len(lengths) - 1


# Which language a text is in, as far as a voice must know

_STOP_WORDS = {
    "German": "und der die das ist nicht ich ein eine zu den mit sich auf für wir sie es war dem von auch nach wie",
    "French": "le la les et est une des vous nous que qui dans pour pas je ne sur avec ce cette il elle mais du au",
    "Spanish": "el la los las y es una que en por para con no se del su como más pero muy lo mi está todo un",
    "Italian": "il la che di è non per una sono con del della mi si ho ma come anche questo gli le un nel alla",
    "Portuguese": "o a os as e é não uma que em por para com se do da no na mais mas como eu você um está",
    "Dutch": "de het een en van is niet dat ik te op met voor zijn je maar aan er ook als dan wij naar",
}
_ENGLISH = set(
    "the and of to a in is it you that he she was for on are with as i his her they be at one have this from or had "
    "by hot but some what there we can out other were all your when up use how said an each which do their will if about "
    "not no yes my me him our so just don't it's i'm let's go who where why did has been would could into then now".split()
)
_LATIN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ]")


def foreign_script(text: str) -> str | None:
    """The name of a script other than Latin that holds over a fifth of the letters, else None."""
    letters = [letter for letter in text if letter.isalpha()]
    others = [letter for letter in letters if not _LATIN.match(letter)]
    if not letters or len(others) / len(letters) <= 0.2:
        return None
    names = [unicodedata.name(letter, "UNKNOWN").split()[0].title() for letter in others]
    return "Chinese characters" if "Cjk" in names else max(set(names), key=names.count)


def foreign_language(text: str) -> str | None:
    """A language other than English that a sentence of six words or more is plainly in, else None."""
    words = re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)?", text.casefold())
    if len(words) < 6:
        return None
    english = sum(word.replace("’", "'") in _ENGLISH for word in words)
    counts = {name: sum(word in set(stops.split()) for word in words) for name, stops in _STOP_WORDS.items()}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] >= max(3, 0.25 * len(words)) and counts[best] > 2 * english else None
