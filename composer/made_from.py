"""What of a row is heard, as a digest: the manifest keeps it, and an export sees by it what was edited since."""

from __future__ import annotations

import hashlib
import json

from composer.cells import COLUMNS
from composer.files import file_hash
from composer.orders import row_seed
from composer.scene import Scene
from composer.script import EffectRow, MusicRow, SpeechRow, row_cells
from composer.settings import Settings

UNHEARD = ("note",)
"""Columns of ours that never change the sound."""


def made_from(scene: Scene, row: SpeechRow | MusicRow | EffectRow, settings: Settings) -> str:
    """The digest of a row's cells, its seed, the engine and cleaning that were asked for, and its files' content.

    Voices of the cast are not in it: they are given while a scene is rendered. Raises SceneInvalid for a file that is
    not there.
    """
    cells = row_cells(row)
    heard = {column: cells[column] for column in COLUMNS if column not in UNHEARD}
    engine = row.engine or getattr(settings.engines, row.type)
    files = () if isinstance(row, SpeechRow) else (row.image, row.source)
    clean = None if isinstance(row, SpeechRow) else settings.clean
    told = [
        heard,
        row_seed(settings.seed, row),
        engine,
        clean,
        [file_hash(scene.own_file(name)) if name is not None else None for name in files],
    ]
    return hashlib.sha256(json.dumps(told, ensure_ascii=True).encode()).hexdigest()[:32]
