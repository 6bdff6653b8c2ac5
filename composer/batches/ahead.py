"""What an engine makes together is made before a scene's turn: the scene's rows, and those of scenes that come next.

The clips go straight into the store, where each scene finds them. Whoever makes a clip holds its claim, as ever.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from composer.batches.folder import BatchFolder
from composer.batches.store import ClipStore, Tell
from composer.clips import find_clip
from composer.errors import ComposerError
from composer.orders import Order, make_orders
from composer.render import keep_made
from composer.synthesis import MAX_TOGETHER, Made, in_groups, is_joint, synthesize_all
from models.engines import engine_names, engine_readiness
from models.errors import ModelError

JOINT_ENGINES = ("clipsonic",)
"""The bundled engines that make many sounds together; while none is ready, no scene is looked at ahead."""


def make_ahead(batch: BatchFolder, store: ClipStore, names: Sequence[str], limit_s: float, tell: Tell) -> list[Order]:
    """Makes what is missing of the first scene, filled up with that of the others; gives the orders that were made.

    What cannot be made is left to its scene, which tells why. Raises OSError and ComposerError for a full disk.
    """
    there = [name for name in JOINT_ENGINES if name in engine_names("sound_effect")]
    if not any(engine_readiness("sound_effect", name).ready for name in there):
        return []
    with ExitStack() as stack:
        claimed: list[Order] = []
        for number, name in enumerate(names):
            if number > 0 and not 0 < len(claimed) < MAX_TOGETHER:
                break
            for order in _joint_orders(batch, name):
                if find_clip(batch.scene(name).clips_dir, order.fingerprint) is not None:
                    continue
                if not store.there(order.fingerprint) and store.claimed(order.fingerprint, stack):
                    claimed.append(order)
        made = [order for group in in_groups(claimed) for order in _made(store, group, limit_s, tell)]
    return made


def _joint_orders(batch: BatchFolder, name: str) -> Iterator[Order]:
    """The orders of a scene that an engine makes together with others; none where its table cannot be used."""
    scene = batch.scene(name)
    try:
        orders = make_orders(scene.read_script()[0], scene.read_settings(), scene).orders
    except (ComposerError, ModelError):
        return iter(())
    return (order for order in orders if is_joint(order))


def _made(store: ClipStore, group: Sequence[Order], limit_s: float, tell: Tell) -> Iterator[Order]:
    tell("making", ", ".join(order.row for order in group))
    begun_s = time.perf_counter()
    clips = synthesize_all(group, limit_s=limit_s)
    each_s = round((time.perf_counter() - begun_s) / len(group), 4)
    for order, made in zip(group, clips, strict=True):
        if isinstance(made, Made):
            shelf = store.shelf(order.fingerprint)
            shelf.mkdir(parents=True, exist_ok=True)
            try:
                keep_made(shelf, order, made, each_s)
                store.send(order.fingerprint)
            except ModelError:  # empty or silent: its scene tells
                continue
            yield order
