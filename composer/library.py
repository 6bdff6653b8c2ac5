"""Sourced clips for people: add folders to the library, search it by meaning."""

from __future__ import annotations

from pathlib import Path


def add_folder(folder: Path) -> tuple[int, list[str]]:
    """Indexes a folder of recordings; gives how many and what was left out, with reasons. Raises ModelError."""
    from models.effects.clip_index import add_clips

    return add_clips(folder)


def search(words: str, *, n_clips: int = 10) -> list[dict[str, object]]:
    """The clips nearest in meaning, best first: score, text, duration_s, licence, author, link, path."""
    from models.effects.library import nearest

    return [{"score": round(cosine, 3), **clip.__dict__} for clip, cosine in nearest(words, n_clips)]
