"""Queries of a separation: the prompts that words are put in, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence

from models.engines import SoundQuery
from models.errors import QueryUnusable

PROMPTS = ("{}", "a photo of {}.", "a photo of the small {}.", "a low resolution photo of a {}.", "a photo of many {}.")
"""Words are put to the encoder in each of these, and the vectors averaged (Dong et al. 2023, section 4)."""
MAX_QUERIES = 64
MAX_CHARACTERS = 2_000


def prompted(text: str) -> list[str]:
    """The words in every prompt."""
    return [prompt.replace("{}", text.strip()) for prompt in PROMPTS]


def refuse_unusable(queries: Sequence[SoundQuery]) -> None:
    """Raises QueryUnusable for queries that say nothing, or far too much."""
    if not 1 <= len(queries) <= MAX_QUERIES:
        raise QueryUnusable(f"{len(queries)} queries were given; give 1 to {MAX_QUERIES}")
    for number, query in enumerate(queries, 1):
        if not query.text.strip() and query.image is None:
            raise QueryUnusable(f"query {number} is empty; say what should be heard, as 'dog barking'")
        if len(query.text) > MAX_CHARACTERS:
            raise QueryUnusable(
                f"query {number} has {len(query.text):,} characters, at most {MAX_CHARACTERS:,} are read; "
                "name one sound in a few words"
            )
