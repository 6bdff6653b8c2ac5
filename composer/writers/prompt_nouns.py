"""Nouns: articles, plurals, mass words and names, as far as spelling and short lists can tell."""

from __future__ import annotations

import re

DETERMINERS = frozenset(
    "a an the this that these those my your his her its our their some any no every each one two three four five six "
    "seven eight nine ten both all many several another".split()
)
PREPOSITIONS = frozenset(
    "of to in on at from with without by for about against between into onto through during before after above below "
    "under over near inside outside across around behind beside beyond along among toward towards until since off "
    "despite within upon via past".split()
)
RELATIVES = frozenset("who that which whose where whom".split())

_IRREGULAR_PLURALS = frozenset(
    "people men women children mice geese feet teeth oxen police cattle media fish sheep wolves elves leaves knives "
    "lives wives thieves loaves fungi bacteria data humans we they".split()
)
_SINGULAR_IN_S = frozenset(
    "news mars venus physics mathematics politics economics gas bus glass grass boss class dress press chess princess "
    "goddess witness business darkness kindness loneliness moss cross illness process access success mess kiss mass "
    "bass compass atlas canvas christmas texas paris james charles thomas lens iris tennis athletics gymnastics series "
    "species virus octopus circus campus genius chorus cactus crisis oasis analysis basis universe's this us is "
    "was has "
    "its his yes always perhaps jesus zeus hercules waitress actress mattress address congress progress express "
    "abyss ess las los".split()
)
_MASS = frozenset(
    "water air fire rain snow ice fog mist wind thunder lightning sunshine light darkness silence noise sound music "
    "jazz bread butter coffee tea milk wine beer chocolate sugar salt honey rice cheese food fruit meat soup "
    "juice sand "
    "dust dirt mud gold silver iron steel wood stone glass paper cotton wool silk oil gas electricity energy "
    "power heat "
    "cold gravity time space money art history science physics chemistry biology mathematics philosophy poetry "
    "literature love hope fear anger joy peace war grief courage happiness sadness loneliness kindness luck truth "
    "beauty wisdom knowledge information news advice evidence research work homework traffic weather furniture luggage "
    "equipment software hardware data sleep life death health education democracy freedom justice nature grass hair "
    "blood lava autumn winter summer spring smoke steam moonlight sunlight photosynthesis evolution climate "
    "football soccer basketball "
    "tennis chess "
    "yoga meditation mindfulness magic insomnia stress anxiety recycling pollution agriculture rust "
    "intelligence friendship hardship patience gratitude innocence violence confidence curiosity honesty generosity "
    "creativity pottery carpentry gardening cooking cake jewelry clothing laughter applause garlic pizza pasta "
    "tectonics".split()
)
_MASS_ENDINGS = ("ness", "ism", "ology", "ography", "phy", "nomics", "tude", "hood")
_COMMON = frozenset(
    "man woman boy girl child dog cat bird horse cow pig mouse wolf bear fox lion tiger whale shark dragon robot ghost "
    "king queen prince princess knight wizard witch team city town village school bakery company government president "
    "mayor minister court judge police scientist engineer doctor teacher student farmer pilot captain sailor soldier "
    "astronaut artist writer singer actor player driver cook chef baker butcher thief detective hospital bank bridge "
    "road train plane ship boat car truck bus bicycle rocket probe satellite comet asteroid planet star moon sun world "
    "storm flood earthquake volcano fire hurricane tornado forest river lake ocean sea mountain island desert beach "
    "museum library theatre theater restaurant cafe hotel market shop store factory farm zoo park garden house castle "
    "church temple tower tree flower virus disease cure vaccine drug study report survey election strike festival "
    "concert match game race film movie book song painting phone computer machine app alien humanity mankind grandma "
    "grandpa grandmother grandfather mother father mom dad sister brother baby neighbour neighbor".split()
)
_PEOPLE_ENDINGS = ("ists", "eers", "ians", "men", "ers", "ors", "ants", "ents", "kids", "tists")
_SINGULAR_WITH_THE = frozenset(
    "government president parliament mayor king queen world sun moon army senate court internet sky police "
    "public".split()
)
_ABSTRACT = frozenset(
    "change pollution waste history science theory culture addiction production therapy loss management travel "
    "safety tourism "
    "fashion awareness warming learning diving design exploration engineering".split()
)
_KNOWN_NAMES = frozenset(
    "brazil argentina canada mexico australia england scotland wales ireland norway sweden denmark finland iceland "
    "poland greece turkey russia ukraine kenya nigeria korea vietnam thailand portugal switzerland austria belgium "
    "chicago boston vienna prague moscow cairo lisbon amsterdam dublin sydney mumbai delhi beijing "
    "monday tuesday wednesday thursday friday saturday sunday january february april june july august september "
    "october november december christmas easter halloween earth mars venus jupiter saturn neptune uranus mercury pluto "
    "europe africa asia america american europa titan english french german spanish italian japanese chinese paris "
    "london tokyo berlin rome venice madrid india china japan france germany italy spain egypt atlantis nasa i i'm "
    "i've i'll i'd".split()
)


def is_plural(word: str) -> bool:
    """Whether a noun is plural, by its ending and short lists."""
    lower = re.sub(r"[’']s?$", "", word.casefold().strip(",;:.!?\"'"))
    if lower in _IRREGULAR_PLURALS or lower in ("these", "those", "both"):
        return True
    if lower in _SINGULAR_IN_S or lower.endswith(("ss", "us", "is", "ness", "'s", "ics")) or len(lower) < 4:
        return False
    if "-" in lower:
        return is_plural(lower.rsplit("-", 1)[1])
    return lower.endswith("s")


def is_mass(word: str) -> bool:
    """Whether a noun takes no article in general: water, courage, biology."""
    lower = word.casefold().strip(",;:.!?\"'")
    return lower in _MASS or lower.endswith(_MASS_ENDINGS)


def is_known_name(word: str) -> bool:
    """Names that keep their capital wherever they stand."""
    bare = re.sub(r"[’']s$", "", word.casefold().strip(",;:.!?\"'"))
    return (
        bare in _KNOWN_NAMES
        or (bare.endswith("s") and bare[:-1] in _KNOWN_NAMES)
        or (len(word) > 1 and word.isupper())
        or bool(re.search(r"[a-z][A-Z]|\d", word))
    )


def is_common(word: str) -> bool:
    """Words that are no names though a capital begins them."""
    lower = word.casefold().strip(",;:.!?\"'")
    bare = lower[:-1] if lower.endswith("s") else lower
    return (
        lower in _COMMON or bare in _COMMON or lower in _MASS or lower in _IRREGULAR_PLURALS or lower in DETERMINERS
        or (lower.endswith(_PEOPLE_ENDINGS) and len(lower) > 4)
    )  # fmt: skip


def looks_like_a_name(tokens: list[str]) -> bool:
    """Whether the phrase is a proper name: capitals in all its longer words, and not a common word."""
    longer = [token for token in tokens if token.casefold() not in ("of", "the", "and", "de", "la")]
    if not longer or tokens[0].casefold() in DETERMINERS:
        return False
    if len(longer) == 1 and (is_common(longer[0]) and not is_known_name(longer[0])):
        return False
    return all(token[:1].isupper() or token[:1].isdigit() for token in longer)


def lower_common_start(text: str) -> str:
    """The text to be used inside a sentence: its first letter small, unless a name begins it."""
    words = text.split()
    if not words or not words[0][:1].isupper() or is_known_name(words[0]):
        return text
    rest_capital = len(words) > 1 and words[1][:1].isupper() and words[0].casefold() not in DETERMINERS
    if rest_capital and words[1].isalpha() and not words[0].casefold().endswith(_PEOPLE_ENDINGS):
        return text
    alone = len(words) == 1 and not is_common(words[0])
    if (rest_capital and not is_common(words[0])) or (alone and not is_plural(words[0])):
        return text
    name_and = len(words) > 2 and words[1] == "and" and not is_common(words[0]) and not is_plural(words[0])
    return text if name_and else text[:1].lower() + text[1:]


_AN = re.compile(
    r"(?i)^(?:[aeio]|u(?!ni([^nm]|$)|s[aeu]|r[aeiou]|kr|t[ei])|hour|honest|honou?r|heir|8|11(?!\d)|18(?!\d))"
)
_A = re.compile(r"(?i)^(?:one\b|once|eu|ewe)")
_LETTERS = re.compile(r"^[AEFHILMNORSX](?![a-z])")


def indefinite(phrase: str) -> str:
    """The phrase with its article: "a probe", "an engineer", "an hour", "a unicorn", "an FBI agent", "a NASA probe"."""
    first = phrase.split()[0] if phrase.split() else ""
    spelt = first.isupper() and first.isalpha() and (len(first) <= 3 or not re.search(r"[AEIOU]", first))
    vowel = bool(_LETTERS.match(phrase)) if spelt else bool(_AN.match(phrase)) and not _A.match(phrase)
    return f"{'an' if vowel else 'a'} {phrase}"


def wants_the(word: str) -> bool:
    """Whether there is one of it, so that a headline means "the": the government, the sun."""
    return word.casefold() in _SINGULAR_WITH_THE


def is_abstract_pair(words: list[str]) -> bool:
    """Pairs that take no article: climate change, time travel."""
    return len(words) == 2 and words[1].casefold() in _ABSTRACT
