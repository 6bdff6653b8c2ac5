"""Figures in words: what a voice says for units, degrees, money, fractions, ranges, ratios and telephone numbers.

Plain numbers, ordinals, years, clock times, dates and most money are left to the phonemizer, which reads them well.
"""

from __future__ import annotations

import re
import unicodedata

_NUMBER = r"(?<![\w.,])(\d[\d,]*(?:\.\d+)?)"
_UNITS = {
    "km": "kilometer", "m": "meter", "cm": "centimeter", "mm": "millimeter", "mi": "mile", "yd": "yard", "ft": "foot",
    "kg": "kilogram", "g": "gram", "mg": "milligram", "t": "ton", "lb": "pound", "lbs": "pound", "oz": "ounce",
    "h": "hour", "hr": "hour", "hrs": "hour", "min": "minute", "mins": "minute", "s": "second", "sec": "second",
    "secs": "second", "ms": "millisecond", "l": "liter", "L": "liter", "ml": "milliliter", "mL": "milliliter",
    "W": "watt", "kW": "kilowatt", "MW": "megawatt", "GW": "gigawatt", "kWh": "kilowatt hour", "V": "volt",
    "kV": "kilovolt", "Hz": "hertz", "kHz": "kilohertz", "MHz": "megahertz", "GHz": "gigahertz", "dB": "decibel",
    "hPa": "hectopascal", "kPa": "kilopascal", "ly": "light year", "AU": "astronomical unit", "B": "byte",
    "kB": "kilobyte", "KB": "kilobyte", "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte",
}  # fmt: skip
_NEEDS_SPACE = ("s", "t", "B", "AU")
"""1960s, 5t and 4B are other things; 5 s, 5 t and 4 B are not."""
_ALTERNATIVES = "|".join(sorted(_UNITS, key=len, reverse=True))
_MEASURE = re.compile(
    rf"{_NUMBER}([-\s]?)({_ALTERNATIVES})(?:([²³])|/({_ALTERNATIVES})([²³])?)?(?![\w'²³/-])(\.(?=\s+[a-z0-9(]|\s*[,;:]))?"
)
_SQUARE_ABBREVIATED = re.compile(rf"{_NUMBER}\s?sq\.?\s?(ft|mi|km|m|yd)\b(\.(?=\s+[a-z0-9(]|\s*[,;:]))?")
_INCHES = re.compile(rf"{_NUMBER}\s?in\.(?=(\s+[a-z(]|\s*[,;:])?)")
_HEIGHT = re.compile(r"(?<![\w.])(\d{1,2})\s?['′’]\s?(\d{1,2})\s?(?:[\"″”]|'')")
_DEGREES = re.compile(rf"{_NUMBER}\s?[°º](?:\s?([CFKNSEW])\b)?")
_SCALES = {"C": " Celsius", "F": " Fahrenheit", "N": " north", "S": " south", "E": " east", "W": " west"}
_MINUS = re.compile(r"(?<![\w.)\]%°])(?<![\d)] )[-−](?=[$£€]?\.?\d)|(?<=\s)−(?=\s?\d)")
_VULGAR = re.compile(r"(?:(\d)\s?)?([¼½¾⅐-⅞])")
_MIXED = re.compile(r"(?<![\w./])(\d+)\s(?=([1-9])/([2-9]|10|16)\b(?!/|\.\d))")
_FRACTION = re.compile(r"(?<![\w./])(\d{1,2})/(\d{1,2})(?![\w/]|\.\d)")
_PARTS = ("", "", "half", "third", "quarter", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_RANGE = re.compile(r"(?<![\w.,:/-])(\d{1,4})(\s?)[-–]\2(\d{1,4})(?![\w/-]|[.,:]\d)")
_TO = re.compile(r"(?<=[\w%])\s?–\s?(?=[$£€]?\d)")
_RATIO = re.compile(r"(?<![\w:.])(\d{1,3}):(\d)(?![\d:])")
_TIMES = re.compile(r"(?<=\d)(\s?)[x×](\s?)(?=\d)")
_COMPARED = re.compile(r"(?<=\w)\s([<>])\s(?=\w)")
_MONEY = re.compile(r"([$£€]\s?\d[\d,]*(?:\.\d+)?)\s?(bn|m|tn|k)\b", re.I)
_COUNTS = {"bn": "billion", "m": "million", "tn": "trillion", "k": "thousand"}
_LETTERED_DOLLARS = re.compile(r"\b(US|U\.S\.|AU|A|CA|C|NZ)\s?\$(?=\d)")
_DOLLARS = {"US": "US", "U.S.": "US", "AU": "Australian", "A": "Australian", "CA": "Canadian", "C": "Canadian"}
_MONEY = re.compile(
    r"(?:(?<!\w)(US|U\.S\.|AU|A|CA|C|NZ)\s?)?([$£€])\s?(\d[\d,]*)(?:\.(\d+))?"
    r"(?:\s?(hundred|thousand|million|billion|trillion)\b|\s?(bn|m|tn|k)\b)?",
    re.I,
)
_DOLLARS = {"US": "US ", "U.S.": "US ", "AU": "Australian ", "A": "Australian ", "CA": "Canadian ", "C": "Canadian "}
_COINS = {"$": ("dollar", "cent"), "£": ("pound", "penny"), "€": ("euro", "cent")}
_COUNTS = {"bn": "billion", "m": "million", "tn": "trillion", "k": "thousand"}
_PENCE = re.compile(r"(?<![\w.,$£€])(?!(?:240|360|480|720|1080|1440|2160)p)(\d{1,3})p\b")
_PHONE = re.compile(
    r"(?<![\w.])(?:\+\d{1,3}(?:[ .-]?\(?\d{1,4}\)?){2,5}|(?:1[ .-])?\(\d{3}\)\s?\d{3}[-. ]\d{4}"
    r"|(?:1-)?\d{3}[-.]\d{3}[-.]\d{4}|\d{3}-\d{4}|0\d{2,4}(?:[ -]\d{2,4}){2,4}"
    r"|(?:(?<=[Cc]all )|(?<=[Dd]ial ))\d{3})(?![\w-]|\.\d)"
)
_ARMY_TIME = re.compile(r"\b0(\d)(\d\d)(?=\s(?:hours|hrs)\b)")
_LEADING_ZERO = re.compile(r"(?<![\w.,:/$£€-])(0\d+)(?![\w:/-]|[.,]\d)")
_HUGE = re.compile(r"\d[\d,]{18,}\d|\d{16,}")
"""Longer than a reader would count: digit by digit."""
_BARE_POINT = re.compile(r"(?<![\w.])\.(\d+)(?![\w.]\d)")


def spoken_figures(text: str) -> str:
    """The text with its figures written as they are said; what it does not know stays as it was."""
    said = text.replace("℃", "°C").replace("℉", "°F")
    said = _HUGE.sub(lambda found: " ".join(found.group().replace(",", "")), said)
    said = _PHONE.sub(lambda found: _by_digits(found.group()), said)
    said = _ARMY_TIME.sub(lambda found: f"oh {found[1]} {'hundred' if found[2] == '00' else found[2]}", said)
    said = _LEADING_ZERO.sub(lambda found: " ".join(found[1]), said)
    said = _HEIGHT.sub(lambda found: f"{found[1]} foot {found[2]}", said)
    said = _MINUS.sub("minus ", said)
    said = _DEGREES.sub(_said_degrees, said)
    said = _MONEY.sub(_said_money, said)
    said = _PENCE.sub(lambda found: f"{found[1]} {'penny' if found[1] == '1' else 'pence'}", said)
    said = _SQUARE_ABBREVIATED.sub(lambda found: f"{found[1]} square {_unit(found[2], found[1])}", said)
    said = _INCHES.sub(_said_inches, said)
    said = _MEASURE.sub(_said_measure, said)
    said = _VULGAR.sub(_said_vulgar, said)
    said = _MIXED.sub(r"\1 and ", said)
    said = _FRACTION.sub(_said_fraction, said)
    said = _RATIO.sub(r"\1 to \2", said)
    said = _RANGE.sub(r"\1 to \3", said)
    said = _TO.sub(" to ", said)
    said = _TIMES.sub(lambda found: " times " if found[1] and found[2] else " by ", said)
    said = _COMPARED.sub(lambda found: f" is {'less' if found[1] == '<' else 'greater'} than ", said)
    return _BARE_POINT.sub(lambda found: f"point {' '.join(found[1])}", said)


def _by_digits(number: str) -> str:
    """Digit by digit, with a comma where the eye sees a gap."""
    groups = [" ".join(group) for group in re.findall(r"\d+", number)]
    return ("plus " if number.startswith("+") else "") + ", ".join(groups)


def _unit(unit: str, number: str) -> str:
    name = _UNITS[unit]
    if number == "1" or name == "hertz":
        return name
    return "feet" if name == "foot" else f"{name}s"


def _said_degrees(found: re.Match[str]) -> str:
    number, scale = found[1], found[2]
    if scale == "K":
        return f"{number} kelvin"
    return f"{number} {'degree' if number == '1' else 'degrees'}{_SCALES.get(scale or '', '')}"


def _said_money(found: re.Match[str]) -> str:
    """ "$3.50" is 3 dollars and 50 cents; "$2.5 million" is 2.5 million dollars."""
    country, sign, whole, decimals, many, few = found.groups()
    whole = whole.rstrip(",") if not decimals else whole
    comma = "," if not decimals and found[3].endswith(",") else ""
    large, small = _COINS[sign]
    large = f"{_DOLLARS.get((country or '').upper(), 'New Zealand ') if country else ''}{large}"
    scale = many or _COUNTS.get((few or "").casefold(), "")
    if scale or (decimals and len(decimals) != 2):
        amount = f"{whole}.{decimals}" if decimals else whole
        return f"{amount}{f' {scale}' if scale else ''} {large}s{comma}"
    cents = int(decimals or 0)
    spoken = [f"{whole} {large}{'' if whole == '1' else 's'}"] if int(whole.replace(",", "")) or not cents else []
    if cents:
        plural = "pence" if small == "penny" else f"{small}s"
        spoken.append(f"{cents} {small if cents == 1 else plural}")
    return " and ".join(spoken) + comma


def _said_inches(found: re.Match[str]) -> str:
    ends = "" if found[2] else "."
    return f"{found[1]} {'inch' if found[1] == '1' else 'inches'}{ends}"


def _said_measure(found: re.Match[str]) -> str:
    number, joint, unit, power, per, per_power, _ = found.groups()
    if not joint and unit in _NEEDS_SPACE:
        return found.group()
    name = _unit(unit, "1" if joint == "-" else number)
    if power:
        name = f"{'square' if power == '²' else 'cubic'} {name}"
    if per:
        below = _UNITS[per]
        if per_power:
            power_word = {"²": "square", "³": "cubic"}[per_power]
            below = f"{below} squared" if below == "second" else f"{power_word} {below}"
        name = f"{name} per {below}"
    return f"{number} {name}"


def _said_vulgar(found: re.Match[str]) -> str:
    fraction = unicodedata.normalize("NFKD", found[2]).replace("⁄", "/")
    return f"{found[1]} and {fraction}" if found[1] else fraction


def _said_fraction(found: re.Match[str]) -> str:
    above, below = int(found[1]), int(found[2])
    if not 0 < above < below <= 10:
        return found.group()
    if below == 2:
        return "one half"
    return f"{'one' if above == 1 else above} {_PARTS[below]}{'' if above == 1 else 's'}"
