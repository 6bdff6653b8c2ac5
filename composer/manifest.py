"""The manifest: the receipt of a scene, with every number that made its sound."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from math import isfinite

from composer.clips import ClipReceipt, clip_path
from composer.faults import Fault
from composer.files import write_atomically
from composer.made_from import made_from
from composer.mixer import MixResult
from composer.orders import SOURCE_ENGINE, Order
from composer.scene import Scene
from composer.script import Script, SpeechRow
from composer.settings import Settings
from composer.timeline import Timeline
from models.engines import sound_engine, speech_engine
from models.errors import ModelError

FORMAT = "talescape-scene/1"
PACKAGES = ("talescape", "numpy", "scipy", "soxr", "soundfile", "onnxruntime", "hibari-tts", "midirenderer")


def write_manifest(
    scene: Scene,
    script: Script,
    settings: Settings,
    orders: Sequence[Order],
    receipts: Mapping[str, ClipReceipt],
    timeline: Timeline,
    mixed: MixResult,
    failed: Sequence[Fault] = (),
) -> None:
    """Writes manifest.json, last of all files of a render; `failed` says why rows are left out."""
    rows = {row.row: row for row in script.rows}
    placed = {row.row: row for row in mixed.rows}
    sections = script.sections()
    told = []
    for order in orders:
        if order.row not in receipts or order.row not in placed:
            continue
        row, place, receipt = rows[order.row], placed[order.row], receipts[order.row]
        told.append(
            {
                "row": order.row,
                "type": order.kind,
                "layout": row.layout,
                "section": sections[order.row] or None,
                "character": row.character if isinstance(row, SpeechRow) else None,
                "description": order.text,
                "engine": order.engine,
                "engine_version": order.engine_version,
                "voice": order.voice,
                "seed": order.seed,
                "clip": clip_path(scene.clips_dir, order.fingerprint).relative_to(scene.folder).as_posix(),
                "start_sample": place.start_sample,
                "n_samples": place.n_samples,
                "gain_db": _rounded(place.gain_db, 3),
                "pan": place.pan,
                "loudness_lufs": _rounded(place.loudness_lufs, 2),
                "licence": receipt.credits.get("licence") or _licence(order),
                "source": _source(receipt),
                "chosen_because": order.because,
                "made_from": made_from(scene, row, settings),
                **({"cleaning": receipt.cleaning.model_dump()} if receipt.cleaning else {}),
            }
        )
    manifest = {
        "format": FORMAT,
        "title": settings.title,
        "seed": settings.seed,
        "sample_rate": timeline.sample_rate,
        "duration_s": timeline.n_samples / timeline.sample_rate,
        "loudness_lufs": _rounded(mixed.loudness_lufs, 2),
        "true_peak_dbtp": _rounded(mixed.true_peak_dbtp, 2),
        "rows": told,
        "left_out": [row.row for row in script.sounding() if row.row not in placed],
        "failed": [{"row": fault.row, "column": fault.column, "message": fault.message} for fault in failed],
        "stems": {bus: f"stems/{bus}.wav" for bus in ("speech", "music", "effects")},
        "sections": {name: own.model_dump() for name, own in settings.sections.items()},
        "mix": settings.mix.model_dump() | {"master_gain_db": _rounded(mixed.master_gain_db, 3)},
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
    }
    write_atomically(scene.manifest_path, json.dumps(manifest, ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def _rounded(value: float, digits: int) -> float | None:
    """JSON knows no infinity: the loudness of silence becomes null."""
    return round(value, digits) if isfinite(value) else None


def _licence(order: Order) -> str | None:
    if order.engine == SOURCE_ENGINE:
        return None
    try:
        if order.kind == "speech":
            return speech_engine(order.engine).licence
        return sound_engine(order.kind, order.engine).licence
    except ModelError:  # made earlier by an engine that is not here now
        return None


def _source(receipt: ClipReceipt) -> str | None:
    """Where a recording comes from: author, file and link, as far as they are known."""
    parts = [receipt.credits[name] for name in ("source", "author", "link") if receipt.credits.get(name)]
    return ", ".join(parts) or None


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
