"""What models really answer, made into JSON values: fences, prose around it, thinking aloud."""

from __future__ import annotations

import json
import re

_THOUGHTS = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.S | re.I)


def json_in(text: str) -> object:
    """The largest JSON object or array in a reply. Raises ValueError saying what is wrong with it."""
    said = _THOUGHTS.sub("", text).strip()
    if not said:
        raise ValueError("the answer is empty")
    try:
        return json.loads(said)
    except ValueError as error:
        whole = error
    decoder = json.JSONDecoder()
    best: tuple[int, object] = (0, None)
    position = 0
    for _ in range(200):  # a reply with more openings than this is not an answer
        found = re.compile(r"[{\[]").search(said, position)
        if found is None:
            break
        try:
            value, end = decoder.raw_decode(said, found.start())
        except (ValueError, RecursionError):
            position = found.start() + 1
            continue
        if end - found.start() > best[0]:
            best = end - found.start(), value
        position = end
    if best[0] < 2 or best[0] < len(said) / 4:
        raise ValueError(f"the answer is not JSON: {whole}")
    return best[1]


def rows_in(value: object) -> list[dict[str, object]]:
    """The rows of an answer: under "rows", bare, or under whatever key holds a list of objects."""
    if isinstance(value, dict):
        lists = [value.get("rows"), *value.values()]
        value = next((each for each in lists if isinstance(each, list)), None)
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise ValueError('the answer holds no list of rows; answer {"rows": [...]}')
    return value
