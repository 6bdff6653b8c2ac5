"""Text for reading aloud: what a voice should say for what a page shows, and where to take breath.

The phonemizer reads numbers, dates, times, money and most abbreviations itself; this adds what it misses.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from itertools import accumulate

from models.speech.figures import spoken_figures

_ADDRESS = re.compile(
    r"(?<![\w.@/-])(?:https?://)?(?:www\.)?((?:[\w-]+\.)+[a-z]\w{1,5})((?:/[\w~-]+(?:\.[\w~-]+)*)*)/?(?=[\s,;:!?)\"'”]|\.?$|\.\s)",
    re.I,
)
_MAIL = re.compile(r"(?<![\w.+-])([\w.+-]+)@((?:[\w-]+\.)+[a-z]{2,})\b", re.I)
_TOP_LEVEL = set(
    "com org net edu gov io uk de fr info fm tv ai co app dev "
    "txt pdf csv json md mp3 mp4 wav jpg png zip exe html xml doc docx xls xlsx toml yaml".split()
)
_END = r"(?=\s+(?!Mon|Tue|Wed|Thu|Fri|Sat|Sun|I\b)[\"'“‘(]?[A-Z]|[\"'”’)\s]*$)"
"""What follows an abbreviation whose point also ends the sentence."""
_ABBREVIATIONS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"\be\.\s?g\.(?=[\s,])", re.I), "for example"),
    (re.compile(r"\bi\.\s?e\.(?=[\s,])", re.I), "that is"),
    (re.compile(rf"\betc\.{_END}"), "etcetera."),
    (re.compile(r"\betc\b\.?", re.I), "etcetera"),
    (re.compile(r"\bvs\.?(?=\s)", re.I), "versus"),
    (re.compile(rf"\b([AaPp])\.\s?[Mm]\.{_END}"), lambda found: f"{found[1].upper()}M."),
    (re.compile(r"\b([AaPp])\.\s?[Mm]\."), lambda found: f"{found[1].upper()}M"),
    (re.compile(r"\bNos\.\s?(?=\d)"), "numbers "),
    (re.compile(r"\b[Nn]o\.\s?(?=\d)|№\s?|(?<![\w&])#(?=\d)"), "number "),
    (re.compile(r"(?<![\w&])#(?=[^\W\d_])"), "hashtag "),
    (re.compile(r"\b[Aa]pt\.\s?(?=\d)"), "apartment "),
    (re.compile(r"\b([Pp])p?\.\s?(?=\d+\s?(?:[-–]|to\s))"), lambda found: f"{found[1]}ages "),
    (re.compile(r"\b([Pp])\.\s?(?=\d)"), lambda found: f"{found[1]}age "),
    (re.compile(r"\b(CO|H|O|N)([₂2])(O?)\b"), lambda found: " ".join([*found[1], "2", *found[3]])),
    (re.compile(r"(?<=\w)\s*--+\s*"), "—"),
    (re.compile(r"(?<=\w)\s'n'\s(?=\w)"), " and "),
)
_STREET = re.compile(
    r"(?<!^)(?<![.!?]\s)\b(?!(?:Port|Mount|Mt|Lake|Fort|East|West|North|South|Saint|Sir|Father|Sister|Brother)\b)"
    r"([A-Z][\w'’]+|\d+(?:st|nd|rd|th)) St\.?(?=\s|[,;:!?]|$)"
)
_IN_FRONT = re.compile(r"\b(In|At|On|To|From|Near|By|The|For|And|But|Old|Of)\s$")
_ROMAN = re.compile(r"\b([A-Z][a-zà-ÿ]+) ((?=[IVX]{2})X{0,3}(?:IX|IV|V?I{0,3}))\b(?!['’.]\w)")
_NUMBERED = set(
    "Act Apollo Appendix Article Base Book Camp Chapter Class Deck Division Episode Falcon Figure Final Gemini Grade "
    "Group Level Mark Mission Mk Option Part Phase Pioneer Plan Room Rocky Round Saturn Scene Section Sector Series "
    "Site Sputnik Stage Station Table Titan Title Type Unit Vol Volume Vostok Voyager War Zone".split()
)
_CENTURY = re.compile(r"\b([XVI]{1,5})(?:th)?(?=\s(?:century|centuries)\b)")
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth twenty-first"
).split()
_MARKS = re.compile(r"[*_`#~|<>^\\{}\[\]]+")
_QUOTES = re.compile(r"[\"“”„«»‹›]+")
_OPENING = re.compile(r"(?<![\w'])'(?=[\w(])(?!(?:em|cause|til|till|bout|round|tis|twas|n|cos|\d\ds?)\b)", re.I)
_CLOSING = re.compile(r"(?<=[\w.,;:!?…—)])(?<!\bo)(?<!in)'(?!\w)", re.I)
_SENTENCE = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+(?=[\"'“‘(]?[A-Z0-9À-Þ])|(?<=[。！？])")
_NOT_AN_END = re.compile(
    r"\b(?:Mrs?|Ms|Messrs|Dr|Prof|St|Sgt|Capt|Lt|Col|Gen|Maj|Cpl|Cmdr|Adm|Rev|Hon|Sen|Gov|Rep|Pres|Fr|Mt|Ft|Msgr|Supt"
    r"|Nos?|vs|approx|ca|cf|[A-Z])\.$"
)
_NOT_BEFORE_A_NUMBER = re.compile(
    r"\b(?:[Nn]os?|[Vv]ol|[Ff]igs?|[Cc]h|[Pp]p?|[Ss]ec|[Aa]pt|al|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|ft|in)\.$"
)
_CLAUSE = re.compile(r"(?<=[,;:—–])\s+")


def spoken_text(text: str) -> str:
    """The text as it is said: addresses spelt out, abbreviations and figures in words, marks and quotes taken away."""
    said = unicodedata.normalize("NFC", text)
    said = re.sub("[’‘ʼ`´](?=\\w)|(?<=\\S)[’‘ʼ´]", "'", said)
    said = _MAIL.sub(lambda found: f"{_dotted(found[1])} at {_dotted(found[2])}", said)
    said = _ADDRESS.sub(_said_address, said)
    said = spoken_figures(said)
    for pattern, words in _ABBREVIATIONS:
        said = pattern.sub(words, said)
    said = _STREET.sub(_said_street, said)
    said = _CENTURY.sub(lambda found: _ordinal(found[1]), said)
    said = _ROMAN.sub(_said_roman, said)
    said = _CLOSING.sub("", _OPENING.sub("", _QUOTES.sub(" ", said)))
    said = _MARKS.sub(" ", said)
    said = "".join(" " if unicodedata.category(letter) in ("So", "Sk", "Cs", "Co", "Cn") else letter for letter in said)
    said = re.sub(r"[^\S\n]+", " ", said)
    return re.sub(r" +([,.;:!?…)])(?!\d)", r"\1", said).strip()


def _dotted(text: str) -> str:
    return text.replace(".", " dot ").replace("_", " underscore ").replace("-", " dash ").replace("+", " plus ")


def _said_address(found: re.Match[str]) -> str:
    host, path = found[1], found[2]
    ending = host.rsplit(".", 1)[-1]
    if ending.casefold() not in _TOP_LEVEL or (ending[0].isupper() and not host.isupper()):
        return found[0]
    return " slash ".join([_dotted(host), *[_dotted(part) for part in path.split("/") if part]])


def _said_street(found: re.Match[str]) -> str:
    """ "Baker St." is a street, "In St. Louis" a saint. A point that ends the sentence stays."""
    if _IN_FRONT.match(f"{found[1]} "):
        return found[0]
    after = found.string[found.end() :]
    ends = found[0].endswith(".") and re.match(rf"{_END}", after) is not None
    return f"{found[1]} Street{'.' if ends else ''}"


def _value(roman: str) -> int:
    values = [{"I": 1, "V": 5, "X": 10}[letter] for letter in roman]
    return sum(-value if value < after else value for value, after in zip(values, [*values[1:], 0], strict=True))


def _ordinal(roman: str) -> str:
    number = _value(roman)
    return _ORDINALS[number - 1] if number <= len(_ORDINALS) else roman


def _said_roman(found: re.Match[str]) -> str:
    """After a name an ordinal ("Henry the eighth"), after what comes in numbers a number ("Chapter 4")."""
    if found[1] in _NUMBERED:
        return f"{found[1]} {_value(found[2])}"
    return f"{found[1]} the {_ordinal(found[2])}"


def paragraphs(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"\n\s*\n|\n", text) if part.strip()]


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph; titles and initials do not end one."""
    parts: list[str] = []
    for part in _SENTENCE.split(text):
        if parts and (
            _NOT_AN_END.search(parts[-1][-12:]) or (part[:1].isdigit() and _NOT_BEFORE_A_NUMBER.search(parts[-1][-12:]))
        ):
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
    passed = list(accumulate(lengths))
    uneven = [abs(2 * length - passed[-1]) for length in passed[:-1]]
    return uneven.index(min(uneven)) + 1


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
    "by hot but some what there we can out other were all your when up use how said an each which do their will if "
    "about not no yes my me him our so just don't it's i'm let's go who where why did has been would could into then "
    "now".split()
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
