"""What a render will take: seconds of work and dollars, before it starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from composer.orders import Order

CHARACTERS_PER_S = 15.0
"""English read aloud: about 2.6 words, 15 characters a second."""
NATURAL_S = {"music": 12.0, "sound_effect": 4.0}
BED_S = {"music": 60.0, "sound_effect": 30.0}

WORK_PER_SOUND_S = {
    "kokoro": 0.35,
    "procedural": 0.02,
    "library": 0.02,
    "composed": 0.05,
    "source": 0.01,
    "openai-tts": 0.2,
    "bark": 8.0,
    "musicgen": 12.0,
    "audioldm2": 15.0,
    "stable-audio": 20.0,
}
"""Seconds of work for a second of sound on two cores; a scene's own receipts replace these as they come."""
USD_PER_CHARACTER = {"openai-tts": 15e-6}
"""OpenAI's list price of tts-1: 15 dollars a million characters."""


def sound_s(order: Order) -> float:
    """About how long the clip will be."""
    if order.kind == "speech":
        return max(0.5, len(order.text) / CHARACTERS_PER_S)
    if order.duration_s is not None:
        return order.duration_s
    return BED_S[order.kind] if order.bed else NATURAL_S[order.kind]


def estimated_s(orders: Sequence[Order], seen: Mapping[str, tuple[float, float]]) -> float:
    """Seconds of work for these orders; `seen` is what the engines took here before (work, sound)."""
    total_s = 0.0
    for order in orders:
        work_s, made_s = seen.get(order.engine, (0.0, 0.0))
        rate = work_s / made_s if made_s > 1.0 else WORK_PER_SOUND_S.get(order.engine, 1.0)
        total_s += sound_s(order) * rate
    return total_s


def estimated_usd(orders: Sequence[Order]) -> float:
    """Dollars for these orders, by the list prices above; 0 for engines that run here."""
    return sum(len(order.text) * USD_PER_CHARACTER.get(order.engine, 0.0) for order in orders)
