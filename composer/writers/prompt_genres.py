"""Genres: which words ask for which kind of scene, and which sheet fills it."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Genre:
    title: str
    asked: str
    """Words that ask for it (a regular expression, any case)."""
    names: str
    """What it is called in a prompt, to be taken away from the topic."""


GENRES: dict[str, Genre] = {
    "trailer": Genre("Trailer", r"trailer|teaser", r"(?:film|movie|game|book|blockbuster)?\s*(?:trailer|teaser)"),
    "advertisement": Genre(
        "Advertisement", r"advert\w*|commercial|promo|radio spot|radio ad|\bad for\b|\ban ad\b|\bads?\b|jingle",
        r"(?:radio |tv )?(?:advertisement|advert|commercial|promo|spot|ad|jingle)s?"),
    "meditation": Genre(
        "Meditation", r"meditat\w+|mindfulness|breathing exercise|relaxation|body scan|guided imagery|visuali[sz]ation",
        r"(?:guided |mindfulness )?(?:meditation|relaxation|breathing exercise|body scan|imagery|visuali[sz]ation)s?"),
    "bedtime": Genre(
        "Bedtime story", r"bed-?time|good ?night story|sleep story|lullaby story|sleepy story",
        r"(?:bed-?time|good ?night|sleep|sleepy) (?:story|tale)"),
    "horror": Genre(
        "Horror", r"horror|scary|ghost stor\w+|camp ?fire|creepy|spooky|terrifying|haunted",
        r"(?:camp ?fire |ghost |scary |horror |creepy |spooky )*(?:horror stor(?:y|ies)|horror|story|tale|ghost "
        r"story)"),
    "weather": Genre("Weather", r"weather (?:report|forecast|bulletin)|forecast", r"weather (?:report|forecast"
        r"|bulletin)|forecast"),
    "sports": Genre(
        "Sports", r"commentary|play-by-play|commentators?|sports? (?:report|cast)|sportscast",
        r"(?:live |sports? |football |soccer )?(?:commentary|play-by-play|sportscast)"),
    "mystery": Genre(
        "Mystery", r"myster(?:y|ies)|detective (?:story|case|play|tale|drama)|whodunn?it|murder|noir",
        r"(?:murder |noir |detective )?(?:mystery|whodunn?it)(?: radio play| story| drama| play)?|detective story"
        r"|(?:noir )?radio play"),
    "tour": Genre(
        "Audio tour", r"audio ?(?:tour|guide)|guided tour|walking tour|museum (?:tour|guide)|\btour (?:of|through)",
        r"(?:audio |guided |walking |museum |city )*(?:tour|audioguide|guide)"),
    "walk": Genre(
        "Nature walk", r"(?:nature|forest|woodland|beach|mountain|morning|night) walk|\bhike\b|walk (?:through"
                       r"|in|along)|safari",
        r"(?:nature |guided )?(?:walk|hike|safari)"),
    "fairytale": Genre("Fairy tale", r"fairy ?-?tales?|once upon a time|fable|folk ?tale|\blegend\b|\bmyth\b",
                       r"(?:fairy ?-?tale|fable|folk ?tale|legend|myth)"),
    "news": Genre(
        "News", r"\bnews\b|newscast|breaking|bulletin|news anchor|anchor(?:man|woman)?\b|headlines?|reporter|reporting",
        r"(?:breaking |tv |radio |local |evening )?(?:news(?: (?:report|bulletin|broadcast|story|flash|show"
        r"|segment|program(?:me)?"
        r"|item))?|newscast|bulletin|report)"),
    "podcast": Genre(
        "Podcast", r"podcast|interview|talk show|q ?& ?a|radio show",
        r"(?:interview )?(?:podcast(?: episode| interview)?|interview|talk show|radio show)"),
    "documentary": Genre("Documentary", r"documentar\w+", r"(?:nature |history |wildlife |short |audio "
                                                          r")*documentar(?:y|ies)"),
    "history": Genre(
        "Lesson", r"lesson|lecture|teach|explainer|explain|history class|\bhistory of\b",
        r"(?:history |science |short )?(?:lesson|lecture|explainer|class)"),
    "drama": Genre(
        "Drama", r"drama|dialogue|argument between|conversation between|\bscene (?:between|where|in which|of "
                 r"two)|radio play"
        r"|sitcom|\bquarrel|stage play|audio play",
        r"(?:short |audio |radio )*(?:drama(?: scene)?|scene|dialogue|play|sitcom)"),
    "story": Genre("Story", r"\bstory\b|\btale\b|adventure", r"(?:short |adventure |children's |kids )*(?:story"
        r"|tale|adventure)"),
    "scene": Genre("Scene", r"", r"scene"),
}  # fmt: skip

_ASKED = {name: re.compile(rf"(?i)(?:\b|(?<=\W))(?:{genre.asked})") for name, genre in GENRES.items() if genre.asked}


def find_genre(text: str) -> str:
    """The genre that a prompt asks for; "scene" when it asks for none.

    What is asked in the first words counts ("a documentary about ghost stories" is a documentary); among
    words that stand equally early the order of GENRES decides.
    """
    head = re.split(r"(?i)\b(?:about|on the topic of|titled|regarding|called)\b|reporting that", text, maxsplit=1)[0]
    for part in (head, text):
        found = [name for name, pattern in _ASKED.items() if pattern.search(part)]
        if "news" in found and re.search(r"(?i)\banchor|\bnews\b|breaking", part):
            return "news"
        if "podcast" in found and not {"trailer", "advertisement", "meditation"} & set(found):
            return "podcast"
        if found:
            return found[0]
    return "scene"
