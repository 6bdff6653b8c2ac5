"""Text as plain words, so that two ways of writing the same speech compare as equal.

Independent of the speech engines' own reading, which it helps to judge: a misread figure must show as an error.
"""

from __future__ import annotations

import re
import unicodedata

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()
_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
_IRREGULAR = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
_SAME = {
    "mr": "mister", "mrs": "missus", "dr": "doctor", "prof": "professor", "capt": "captain", "sgt": "sergeant",
    "lt": "lieutenant", "col": "colonel", "gen": "general", "mt": "mount", "vs": "versus", "okay": "ok", "st": "saint",
    "etc": "etcetera", "km": "kilometers", "kg": "kilograms", "cm": "centimeters", "kilometres": "kilometers",
    "metres": "meters", "programme": "program", "theatre": "theater", "centre": "center", "grey": "gray", "ahh": "ah",
    "colour": "color", "harbour": "harbor", "honour": "honor", "favourite": "favorite", "neighbour": "neighbor",
    "neighbours": "neighbors", "travelled": "traveled", "traveller": "traveler", "jewellery": "jewelry", "ohh": "oh",
    "till": "until", "alright": "allright", "cannot": "cant", "storey": "story", "whisky": "whiskey", "hmm": "hm",
    "colours": "colors", "realise": "realize", "realised": "realized", "mum": "mom", "plough": "plow", "shh": "sh",
}  # fmt: skip
_TOKEN = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+")


def plain_words(text: str) -> list[str]:
    """Lower-case words without marks; numbers, ordinals, years, money, percents and clock times in words."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    plain = re.sub(r"['’‘ʼ`]", "", plain)
    plain = re.sub(r"(?<=\d),(?=\d{3}\b)", "", plain)
    plain = re.sub(r"\b([ap])\.\s?m\b\.?", r"\1m", plain)
    plain = re.sub(r"\b((?:[a-z]\.){2,})", lambda found: f"{found[1].replace('.', '')} ", plain)
    plain = re.sub(r"\b(\d{1,2})[.:](\d\d)(?=\s?[ap]m\b)|\b(\d{1,2}):(\d\d)\b", _time, plain)
    plain = re.sub(r"[$£€]\s?(\d+)(?:\.(\d+))?(\s(?:thousand|million|billion|trillion)\b)?", _money, plain)
    plain = re.sub(r"%", " percent ", plain).replace("&", " and ")
    plain = re.sub(r"\b(\d+)(?:st|nd|rd|th)\b", lambda found: f" {_ordinal(int(found[1]))} ", plain)
    plain = re.sub(r"\b(\d+)0s\b", lambda found: f" {_number(found[1] + '0')} ".replace("y ", "ies "), plain)
    words: list[str] = []
    for token in _TOKEN.findall(plain):
        said = _number(token) if token[0].isdigit() else _SAME.get(token, token)
        words += said.replace("-", " ").split()
    return words


def _cardinal(number: int) -> str:
    if number < 20:
        return _ONES[number]
    if number < 100:
        return f"{_TENS[number // 10]} {_ONES[number % 10] if number % 10 else ''}".strip()
    for scale, name in _SCALES:
        if number >= scale:
            rest = _cardinal(number % scale) if number % scale else ""
            joint = "and " if rest and scale == 100 else ""
            return f"{_cardinal(number // scale)} {name} {joint}{rest}".strip()
    raise AssertionError("every number from 100 has a scale")


def _ordinal(number: int) -> str:
    first, _, last = _cardinal(number).rpartition(" ")
    last = _IRREGULAR.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
    return f"{first} {last}".strip()


def _number(digits: str) -> str:
    """A year from 1100 to 1999 or from 2010 to 2099 in two halves, a leading zero digit by digit, else a cardinal."""
    whole, _, decimals = digits.partition(".")
    number = int(whole)
    if len(whole) > 15 or (whole[0] == "0" and len(whole) > 1):
        said = " ".join(_ONES[int(digit)] for digit in whole)
    elif not decimals and len(whole) == 4 and (1100 <= number < 2000 or 2010 <= number < 2100):
        low = number % 100
        said = f"{_cardinal(number // 100)} {'hundred' if not low else ('oh ' if low < 10 else '') + _cardinal(low)}"
    else:
        said = _cardinal(number)
    return said + (" point " + " ".join(_ONES[int(digit)] for digit in decimals) if decimals else "")


def _time(found: re.Match[str]) -> str:
    hour, minute = (found[1], found[2]) if found[1] else (found[3], found[4])
    low = int(minute)
    said = f"{'oh ' if 0 < low < 10 else ''}{_cardinal(low)}" if low else ("" if found[1] else "oclock")
    return f" {_cardinal(int(hour))} {said} "


def _money(found: re.Match[str]) -> str:
    sign = found[0][0]
    large, small = {"$": ("dollar", "cent"), "£": ("pound", "penny"), "€": ("euro", "cent")}[sign]
    if found[3]:
        return f" {_number(found[1] + ('.' + found[2] if found[2] else ''))}{found[3]} {large}s "
    said = f" {_cardinal(int(found[1]))} {large}{'' if found[1] == '1' else 's'} "
    cents = int(found[2] or 0)
    if cents:
        plural = "pence" if small == "penny" else f"{small}s"
        said += f"and {_cardinal(cents)} {small if cents == 1 else plural} "
    return said
