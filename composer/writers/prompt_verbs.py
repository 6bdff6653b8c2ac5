"""Verbs as headlines use them: which word is a verb, in which form, and its other forms."""

from __future__ import annotations

from functools import cache
from typing import Literal

Form = Literal["base", "third", "past", "gerund"]

_IRREGULAR = """
be was been; become became become; begin began begun; bite bit bitten; blow blew blown; break broke broken;
bring brought brought; build built built; burst burst burst; buy bought bought; catch caught caught; choose
chose chosen; come came come; cut cut cut; dig dug dug; draw drew drawn; drink drank drunk; drive drove driven;
eat ate eaten; fall fell fallen; feed fed fed; feel felt felt; fight fought fought; find found found; flee fled
fled; fly flew flown; forbid forbade forbidden; forget forgot forgotten; forgive forgave forgiven; freeze froze
frozen; get got got; give gave given; go went gone; grow grew grown; hear heard heard; hide hid hidden; hit hit
hit; hold held held; keep kept kept; know knew known; lead led led; learn learned learned; leave left left; lend
lent lent; lose lost lost; make made made; mean meant meant; meet met met; pay paid paid; put put put; quit quit
quit; read read read; ride rode ridden; ring rang rung; rise rose risen; run ran run; say said said; see saw
seen; seek sought sought; sell sold sold; send sent sent; set set set; shake shook shaken; shine shone shone;
shoot shot shot; shut shut shut; sing sang sung; sink sank sunk; sit sat sat; sleep slept slept; speak spoke
spoken; spend spent spent; split split split; spread spread spread; stand stood stood; steal stole stolen;
strike struck struck; swear swore sworn; sweep swept swept; swim swam swum; take took taken; teach taught
taught; tell told told; think thought thought; throw threw thrown; understand understood understood; wake woke
woken; wear wore worn; weave wove woven; win won won; write wrote written
"""

_REGULAR = """
accept achieve adopt agree allow announce answer appear apologise apologize approve argue arrest arrive ask
attack attend ban bark befriend believe blame bloom boil borrow bounce bury cancel capture carry celebrate
challenge change charge chase claim clean climb close collapse collect collide confirm conquer contact cook
crash create cross crown cry cure dance deliver defeat defend demand destroy detect develop disappear discover
dream drop earn elect emerge end enjoy exist enter erupt escape evolve expand explain explode explore fail fear
finish float flow follow form gather grieve guard happen hatch haunt help hope hunt ignore imagine improve
increase infect inspire introduce invade invent investigate invite join jump kick kidnap kill kiss knit land
last laugh launch learn lift like listen live locate look love marry measure melt migrate miss move name need
observe offer open orbit order outlaw overcome paint pass perform plan plant play polish pray predict prepare
present preserve pretend prevent produce promise protect protest prove publish pull push rain raise reach
realise realize rebuild receive record recover reduce refuse regret reject release remember remove repair
replace report request require rescue restore retire return reunite reveal roam rule sail save search seem serve
settle share shelter shout sign simmer smell snow solve start starve stay stop struggle study succeed suffer
surprise survive swallow switch talk taste test thank threaten touch track trade train transform translate
travel treat trick trust turn unearth unite unveil use vanish visit vote wait walk wander want warn wash watch
water welcome whisper wish wonder work worry yawn yearn sneeze matter burn glow
"""

AUXILIARIES = frozenset(
    "is are was were am has have had will would can could shall should must may might do does did "
    "isn't aren't wasn't weren't hasn't haven't won't can't cannot couldn't doesn't don't didn't".split()
)


@cache
def _tables() -> tuple[dict[str, tuple[str, str]], frozenset[str]]:
    irregular = {}
    for entry in _IRREGULAR.split(";"):
        base, past, participle = entry.split()
        irregular[base] = (past, participle)
    return irregular, frozenset(_REGULAR.split()) | frozenset(irregular)


def _doubles(base: str) -> bool:
    """Whether the last consonant doubles: stop, stopping. Long words here are stressed early, but for a few."""
    if base in ("kidnap", "begin", "forget", "forbid", "regret", "outrun"):
        return True
    vowels = "aeiou"
    return (
        len(base) in (3, 4)
        and base[-1] not in vowels + "wxy"
        and base[-2] in vowels
        and (base[-3] not in vowels)
        and not (len(base) == 4 and base in ("open", "even"))
    )


def third_person(base: str) -> str:
    """send -> sends, fly -> flies, reach -> reaches."""
    if base in ("be", "have"):
        return {"be": "is", "have": "has"}[base]
    if base.endswith(("s", "x", "z", "ch", "sh", "o")):
        return base + "es"
    if base.endswith("y") and base[-2:-1] not in "aeiou":
        return base[:-1] + "ies"
    return base + "s"


def past(base: str) -> str:
    """send -> sent, stop -> stopped."""
    return _tables()[0][base][0] if base in _tables()[0] else _ed(base)


def participle(base: str) -> str:
    """take -> taken, stop -> stopped."""
    return _tables()[0][base][1] if base in _tables()[0] else _ed(base)


def _ed(base: str) -> str:
    if base.endswith("e"):
        return base + "d"
    if base.endswith("y") and base[-2:-1] not in "aeiou":
        return base[:-1] + "ied"
    return base + base[-1] + "ed" if _doubles(base) else base + "ed"


def gerund(base: str) -> str:
    """send -> sending, make -> making, run -> running."""
    if base.endswith("ie"):
        return base[:-2] + "ying"
    if base.endswith("e") and not base.endswith(("ee", "oe", "ye")) and base != "be":
        return base[:-1] + "ing"
    return base + base[-1] + "ing" if _doubles(base) else base + "ing"


@cache
def _forms() -> dict[str, tuple[str, Form]]:
    forms: dict[str, tuple[str, Form]] = {}
    for base in sorted(_tables()[1]):
        forms.setdefault(gerund(base), (base, "gerund"))
        forms.setdefault(participle(base), (base, "past"))
        forms[past(base)] = (base, "past")
        forms[third_person(base)] = (base, "third")
    for base in _tables()[1]:
        forms[base] = (base, "base")
    for held, base in (("found", "find"), ("left", "leave"), ("felt", "feel")):
        forms[held] = (base, "past")
    return forms


def verb_of(word: str) -> tuple[str, Form] | None:
    """The verb that a word can be, as its base and which form it is; None when it is no verb we know."""
    return _forms().get(word.casefold())
