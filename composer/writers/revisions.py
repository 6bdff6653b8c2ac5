"""Revisions by rules: simple wishes become edits without a language model, and what they cannot do is said."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from composer.cells import tidy_text
from composer.edits import AnyEdit
from composer.script import Script
from composer.writers.revision_rules import Revision, Rules
from composer.writers.revision_targets import Targets, Unclear

_Q = r"[\"“”]([^\"“”]*)[\"“”]"
_MUCH = r"(?P<much>a (?:little|bit|tad|touch)|slightly|somewhat|much|a lot|far|way)?"
_BY = r"(?:\s+by\s+(?P<db>\d+(?:[.,]\d+)?)\s*(?:db|decibels?)?)?"
_MANNERS = (
    r"angrier|happier|sadder|faster|slower|younger|older|deeper|higher|brighter|darker|warmer|colder|livelier|scarier"
    r"|funnier|friendlier|more \w+|less \w+|whisper\w*|shout\w*|excited|nervous|sarcastic"
)


def revise_by_rules(
    script: Script, wish: str, *, about: Mapping[str, str] | None = None, voices: Mapping[str, str] | None = None
) -> Revision:
    """What rules make of a wish. `about` is what is known of characters, `voices` who speaks with which voice."""
    rules = Rules(Targets(script, about or {}), voices)
    rest = tidy_text(wish).strip(_AROUND)
    while rest:
        rest = _read_clause(rules, rest)
    if any(UNKNOWN in told for told in rules.made.cannot):
        rules.made.remarks.append(f"rules know: {KNOWN}; a language model knows more (OPENAI_BASE_URL, --model)")
    return rules.made


def _read_clause(rules: Rules, rest: str) -> str:
    """Reads the longest clause in front that a rule knows, or says of the shortest that none does; gives the rest."""
    ends = [*_borders(rest), len(rest)]
    borders = [end for end in reversed(ends) if end <= MAX_CLAUSE] or ends[:1]
    for border in borders:
        if _clause(rules, rest[:border].strip(_AROUND))[0]:
            break
    else:
        whys = {border: _clause(rules, rest[:border].strip(_AROUND))[1] for border in reversed(borders)}
        border = next((border for border, why in whys.items() if why != UNKNOWN), borders[-1])
        rules.made.cannot.append(f"{rest[:border].strip(_AROUND)[:80]!r}: {whys[border]}")
    return re.sub(r"^[\s,;.!]*(?:(?:and|then|also|but)\s+)*", "", rest[border:]).strip(_AROUND)


def _clause(rules: Rules, clause: str) -> tuple[bool, str]:
    """Whether a rule could do it; else why not."""
    if len(clause) > MAX_CLAUSE:
        return False, UNKNOWN
    polite = r"(?i)^(?:(?:please|could you|can you|would you|i want you to|i'd like you to|let's|just)\s+)+"
    text = re.sub(polite, "", clause)
    reason = ""
    for pattern, rule in _RULES:
        found = re.fullmatch(pattern, text, re.I)
        if found is None:
            continue
        try:
            edits = rule(rules, found)
        except Unclear as unclear:
            if not _borders(found.groupdict().get("target") or ""):  # else it holds more than one clause
                reason = reason or str(unclear)
            continue
        rules.made.edits += edits
        return True, ""
    return False, reason or UNKNOWN


def _borders(text: str) -> list[int]:
    """Where a clause may end, outside of quotes."""
    quoted = [range(*found.span()) for found in re.finditer(r"[\"“”][^\"“”]*[\"“”]", text)]
    ends = [found.start() for found in re.finditer(r"[,;\n]|\.\s|\s(?:and|then|but)\s", text)]
    return [end for end in ends if end and not any(end in span for span in quoted)]


UNKNOWN = "no rule knows this"
MAX_CLAUSE = 400
_AROUND = " .!?;,\n"
KNOWN = (
    'louder, softer, volume of X to -20, calmer, remove, replace "A" with "B", X says "…", rename, swap, '
    "give X the voice V, move X before Y, pan X left, pause before X, add S after X, add music between the sections"
)
_T = r"(?P<target>.+?)"
_DO = rf"(?:make |let |have |turn )?{_T}(?: be| sound| speak| talk)?"
_DB = r"(?P<db>[-−–]\d+(?:[.,]\d+)?)\s*(?:db|lufs)?"
_SIDE = r"(?P<side>before|above|ahead of|in front of|after|behind|below|following)"
_ADD = r"(?:add|insert|put|play)"
_PAUSE = r"(?:pause|silence|gap|beat)"
_SECONDS = r"\d+(?:[.,]\d+)?[- ]?(?:s|secs?|seconds?)?"
_LEVEL = r"(?:the (?:volume|level|loudness) of )?"
_CALM = r"(?:calmer|more calm(?:ly)?|gentler|more gent(?:le|ly)|more relaxed|less excited)"
_PUT = r"(?:move|put|place|shift|bring)"
_SWAP = r"(?:swap|exchange|switch)"
_CHANGE = r"(?:change|set|rewrite) (?:the (?:words|text|line|description) of )?"
_Rule = Callable[[Rules, re.Match[str]], list[AnyEdit]]
_RULES: tuple[tuple[str, _Rule], ...] = (
    (rf"{_ADD} (?:an? |some )?(?:(?:short )?breaks? (?:of|with) )?(?:music|musical)(?: breaks?)? "
     r"between (?:the |all )?(?:sections|chapters|scenes)", Rules.breaks),
    (rf"(?:(?P<verb>{_ADD}|leave|make|have|remove|no) )?(?:an? |the )?(?P<length>(?:short|long|longer|shorter)? ?"
     rf"(?:{_SECONDS} )?){_PAUSE}(?: of (?P<seconds>{_SECONDS}))? (?P<side>before|after) {_T}", Rules.pause),
    (rf"(?:{_DO} )?{_MUCH} ?(?P<way>louder|softer|quieter){_BY}", Rules.level),
    (rf"(?P<way>louder|softer|quieter) {_T}", Rules.level),
    (rf"turn (?P<way>up|down) {_T}{_BY}", Rules.level),
    (rf"turn {_T} (?P<way>up|down)(?: {_MUCH})?{_BY}", Rules.level),
    (rf"(?P<way>raise|lower|increase|decrease|reduce|boost) {_LEVEL}{_T}{_BY}", Rules.level),
    (rf"(?:set |put )?(?:the )?(?:volume|level|loudness) of {_T} (?:to|at) {_DB}", Rules.volume),
    (rf"(?:set|put) {_T} (?:to|at) {_DB}", Rules.volume),
    (rf"(?:{_DO} )?{_MUCH} ?{_CALM}", Rules.calm),
    (rf"calm {_T}(?: down)?", Rules.calm),
    (rf"{_DO} {_MUCH} ?(?:{_MANNERS})", Rules.manner),
    (rf"(?:remove|delete|drop|cut(?: out)?|take out|get rid of|lose|erase) {_T}", Rules.remove),
    (rf"(?:make|let|have) {_T} say:? {_Q.replace('(', '(?P<words>', 1)}", Rules.say),
    (rf"{_T} (?:should |must )?says?:? {_Q.replace('(', '(?P<words>', 1)}", Rules.say),
    (rf"{_CHANGE}{_T} (?:to|as):? {_Q.replace('(', '(?P<words>', 1)}", Rules.say),
    (rf"(?:replace|change|substitute) (?:the words? )?(?:{_Q}|(\S+)) (?:with|by|to|into) (?:{_Q}|(\S+))"
     rf"(?: (?:in|of|within) {_T})?", Rules.replace),
    (rf"rename {_T} (?:to|as|into) (?P<name>.+)", Rules.rename),
    (rf"{_SWAP} (?:the )?voices (?:of|between) (?P<one>.+?) (?:and|with) (?P<other>.+)", Rules.swap_voices),
    (rf"{_SWAP} (?P<one>.+?)(?:['’]s)? and (?P<other>.+?)['’]s? voices?", Rules.swap_voices),
    (rf"{_SWAP} (?:the )?(?:characters |lines of |rows )?(?P<one>.+?) (?:and|with) (?P<other>.+)", Rules.swap),
    (rf"(?:give|lend) {_T} (?:the )?voice (?:of )?(?P<voice>[\w.-]+)", Rules.voice),
    (rf"cast {_T} as (?P<voice>[\w.-]+)", Rules.voice),
    (rf"(?:use|take) (?:the )?voice (?P<voice>[\w.-]+) for {_T}", Rules.voice),
    (rf"(?:pan|move|put|place|shift) {_T} (?:to (?:the )?)?(?P<how>hard |far |fully |slightly |a little |a bit )?"
     r"(?:to (?:the )?)?(?P<side>left|right|cent(?:er|re)|middle)", Rules.pan),
    (rf"{_PUT} {_T} to the (?P<edge>start|top|beginning|front|end|bottom)(?: of .+)?", Rules.move),
    (rf"{_PUT} {_T} (?:to )?(?:just |right )?{_SIDE} (?P<anchor>.+)", Rules.move),
    (rf"{_ADD} (?:in )?(?:an? |the |some )?(?:sound (?:effect )?of (?:an? |the )?)?(?P<words>.+?) "
     rf"(?P<side>before|after) {_T}", Rules.add),
)  # fmt: skip
