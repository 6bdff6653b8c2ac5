"""Renders a scene: script -> clips -> timeline -> stems, mix and manifest. Yields events; prints nothing.

Nothing is lost and little is repeated: clips are cached by fingerprint, a failing row does not stop the others, and
mixing alone (gain, start, pan, fades, room) never synthesizes.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import isfinite
from pathlib import Path

from composer.clips import ClipReceipt, clip_file, find_clip, keep_clip, seconds_by_engine
from composer.errors import ComposerError, RenderFailed, SceneInvalid, ScriptInvalid
from composer.estimates import estimated_s, estimated_usd
from composer.faults import Fault
from composer.manifest import write_manifest
from composer.mixer import mix
from composer.orders import Order, Orders, make_orders
from composer.scene import Scene
from composer.script import Script
from composer.settings import Settings
from composer.synthesis import Made, in_groups, synthesize_all
from composer.tables import keys_were_given, read_raw_rows
from composer.timeline import build_timeline
from models.errors import ModelError

ROW_LIMIT_S = 900.0
"""How long one row may take before it counts as failed."""


@dataclass(frozen=True)
class Planned:
    """What is to be done, before anything is."""

    rows: int
    synthesize: list[str]
    cached: list[str]
    estimated_s: float
    estimated_usd: float


@dataclass(frozen=True)
class RowDone:
    row: str
    engine: str
    seconds: float


@dataclass(frozen=True)
class RowFailed:
    fault: Fault


@dataclass(frozen=True)
class Mixing:
    """All clips are there; the mix begins."""

    duration_s: float


@dataclass(frozen=True)
class Finished:
    """The scene is mixed. `failed` rows are not in it."""

    scene: str
    mix: str
    duration_s: float
    loudness_lufs: float
    true_peak_dbtp: float
    rows: int
    synthesized: int
    failed: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """The shape that machines read; JSON knows no infinity, so the level of silence is null."""
        levels = {"loudness_lufs": self.loudness_lufs, "true_peak_dbtp": self.true_peak_dbtp}
        told: dict[str, object] = {name: value for name, value in self.__dict__.items() if name != "warnings"}
        told |= {name: level if isfinite(level) else None for name, level in levels.items()}
        return {**told, "failed": [asdict(fault) for fault in self.failed]}


Event = Planned | RowDone | RowFailed | Mixing | Finished


@dataclass(frozen=True)
class _Job:
    """A scene that has been read and decided: what every step below needs."""

    scene: Scene
    script: Script
    settings: Settings
    orders: Orders
    repairs: list[Fault]
    table_hash: str
    """What the table held when it was read."""

    @property
    def failed(self) -> list[Fault]:
        return [fault for fault in self.orders.faults if fault.severity == "error"]

    @property
    def warnings(self) -> list[Fault]:
        return self.repairs + [fault for fault in self.orders.faults if fault.severity != "error"]


def check(scene: Scene) -> tuple[int, list[Fault]]:
    """How many rows the scene's table has, and every fault: of the table, of voices, engines and files."""
    try:
        job = _read_job(scene, (), fresh=False)
    except ScriptInvalid as error:
        return len(read_raw_rows(scene.script_path)), error.faults
    return len(job.script.rows), job.repairs + job.orders.faults


def plan_render(
    scene: Scene,
    *,
    only: Sequence[str] = (),
    fresh: bool = False,
    script: Script | None = None,
    cast: Mapping[str, str] | None = None,
) -> Planned:
    """What render would do, without doing it: the dry run, also of another script or cast. Raises as render does."""
    job = _read_job(scene, only, fresh=fresh, script=script, cast=cast)
    return _planned(job, only, fresh)


Turn = tuple[Order, ClipReceipt | None]
"""An order; a receipt with it says that its clip is there meanwhile."""
Turns = Callable[[Path, Sequence[Order]], Iterator[list[Turn]]]
"""In which order the clips of a folder are made, those of a list together."""


def one_by_one(clips_dir: Path, orders: Sequence[Order]) -> Iterator[list[Turn]]:
    """A scene that is rendered on its own makes its clips in the order of its rows, but what goes together at once."""
    return ([(order, None) for order in group] for group in in_groups(orders))


def render(
    scene: Scene, *, only: Sequence[str] = (), fresh: bool = False, turns: Turns = one_by_one
) -> Iterator[Event]:
    """Renders what is missing and mixes the scene.

    `only` limits synthesis to these rows; `fresh` makes their clips (or all) again even when they are cached; `turns`
    lets scenes that are rendered side by side share their clips.
    Raises ScriptInvalid for a faulty table, SceneInvalid for a faulty folder, RenderFailed when no row could be made.
    """
    limit_s = row_limit_s()
    with scene.locked():
        job = _read_job(scene, only, fresh=fresh)
        planned = _planned(job, only, fresh)
        yield planned
        scene.add_to_cast(job.orders.cast)
        scene.write_choices(job.orders.choices)
        failed = job.failed
        for fault in failed:
            yield RowFailed(fault)
        synthesized = 0
        wanted = set(planned.synthesize)
        for turn in turns(scene.clips_dir, [order for order in job.orders.orders if order.row in wanted]):
            made = _make_clips(scene, [order for order, receipt in turn if receipt is None], limit_s)
            for order, receipt in turn:
                outcome = receipt or made[order.row]
                if isinstance(outcome, Fault):
                    failed.append(outcome)
                    yield RowFailed(outcome)
                else:
                    synthesized += receipt is None
                    yield RowDone(order.row, order.engine, outcome.seconds_spent if receipt is None else 0.0)
        yield from _mix_scene(job, failed, synthesized)


def _read_job(
    scene: Scene,
    only: Sequence[str],
    *,
    fresh: bool,
    script: Script | None = None,
    cast: Mapping[str, str] | None = None,
) -> _Job:
    """Reads and decides; with `fresh`, the engines of `only` these rows (or all) are chosen anew."""
    scene.must_exist()
    settings = scene.read_settings()
    if cast:
        settings = settings.model_copy(update={"cast": {**settings.cast, **cast}})
    table_hash = scene.table_hash()
    repairs: list[Fault] = []
    if script is None:
        script, repairs = scene.read_script()
        table_hash = scene.table_hash() if keys_were_given(repairs) else table_hash
    forget = frozenset(only or (row.row for row in script.rows)) if fresh else frozenset()
    return _Job(scene, script, settings, make_orders(script, settings, scene, forget=forget), repairs, table_hash)


def _planned(job: _Job, only: Sequence[str], fresh: bool) -> Planned:
    unknown = set(only) - {row.row for row in job.script.rows}
    if unknown:
        sounding = ", ".join(row.row for row in job.script.sounding())
        raise SceneInvalid(f"--only: no such row: {', '.join(sorted(unknown))}; rows that sound: {sounding}")
    orders = job.orders.orders
    there = {order.row for order in orders if find_clip(job.scene.clips_dir, order.fingerprint) is not None}
    missing = [order for order in orders if (not only or order.row in only) and (fresh or order.row not in there)]
    there -= {order.row for order in missing}
    return Planned(
        rows=len(job.script.rows),
        synthesize=[order.row for order in missing],
        cached=[order.row for order in orders if order.row in there],
        estimated_s=round(estimated_s(missing, seconds_by_engine(job.scene.clips_dir)), 1),
        estimated_usd=round(estimated_usd(missing), 4),
    )


def row_limit_s() -> float:
    """How long one row may take: TALESCAPE_ROW_LIMIT_S, or 15 minutes."""
    written = os.environ.get("TALESCAPE_ROW_LIMIT_S") or ROW_LIMIT_S
    try:
        limit_s = float(written)
    except ValueError:
        limit_s = 0.0
    if not 0.0 < limit_s <= threading.TIMEOUT_MAX:
        raise ComposerError(f"TALESCAPE_ROW_LIMIT_S is {written!r}; give the seconds that one row may take, like 900")
    return limit_s


def _make_clips(scene: Scene, orders: Sequence[Order], limit_s: float) -> dict[str, ClipReceipt | Fault]:
    """Row -> its new clip's receipt, or why there is none. What was made together took each its share of the time."""
    if not orders:
        return {}
    begun_s = time.perf_counter()
    made = synthesize_all(orders, limit_s=limit_s)
    each_s = round((time.perf_counter() - begun_s) / len(orders), 4)
    return {order.row: _kept(scene, order, clip, each_s) for order, clip in zip(orders, made, strict=True)}


def _kept(scene: Scene, order: Order, made: Made | ModelError | OSError, spent_s: float) -> ClipReceipt | Fault:
    try:
        if not isinstance(made, Made):
            raise made
        return keep_made(scene.clips_dir, order, made, spent_s)
    except (ModelError, ComposerError, OSError) as error:
        cause = error.__cause__ if isinstance(error, ComposerError) else error
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS):
            raise ComposerError(
                f"row {order.row}: its clip cannot be written to {scene.clips_dir}: {cause.strerror}; make room and "
                "render again: the clips made so far are kept"
            ) from error
        told = f"{order.engine}: {error}" if isinstance(error, OSError) else str(error)
        return Fault(order.row, _column_at_fault(order), told)


def keep_made(clips_dir: Path, order: Order, made: Made, spent_s: float) -> ClipReceipt:
    """Keeps a fresh clip under its order's fingerprint. Raises as keep_clip does."""
    return keep_clip(
        clips_dir,
        order.fingerprint,
        made.clip,
        engine=order.engine,
        engine_version=order.engine_version,
        text=order.text,
        seconds_spent=spent_s,
        cleaning=made.cleaning,
    )


def _column_at_fault(order: Order) -> str:
    """Where the way out lies when a clip cannot be made: the file that a row names, else its words."""
    if order.source is not None:
        return "source"
    return "image" if order.image is not None else "description"


def _mix_scene(job: _Job, failed: list[Fault], synthesized: int) -> Iterator[Event]:
    scene = job.scene
    receipts = {}
    for order in job.orders.orders:
        receipt = find_clip(scene.clips_dir, order.fingerprint)
        if receipt is not None:
            receipts[order.row] = receipt
    if not receipts:
        raise RenderFailed("no row could be rendered:\n" + "\n".join(str(fault) for fault in failed))
    fingerprints = {order.row: order.fingerprint for order in job.orders.orders}
    clips = {row: clip_file(scene.clips_dir, fingerprints[row], receipt) for row, receipt in receipts.items()}
    timeline = build_timeline(job.script, clips, job.settings.mix, job.settings.sections)
    yield Mixing(timeline.n_samples / timeline.sample_rate)
    scene.manifest_path.unlink(missing_ok=True)  # the receipt is there only while it is true
    try:
        mixed = mix(timeline, job.settings.mix, stems_dir=scene.stems_dir, mix_path=scene.mix_path)
    except OSError as error:
        raise ComposerError(
            f"{scene.folder}: the mix cannot be written: {error}; the clips made so far are kept"
        ) from error
    write_manifest(scene, job.script, job.settings, job.orders.orders, receipts, timeline, mixed, failed)
    left_out = [order.row for order in job.orders.orders if order.row not in receipts]
    told = {fault.row for fault in failed}
    unmade = [
        Fault(row, "", "is not rendered yet and not in the mix", "warning") for row in left_out if row not in told
    ]
    yield Finished(
        scene=str(scene.folder),
        mix=str(scene.mix_path),
        duration_s=round(timeline.n_samples / timeline.sample_rate, 3),
        loudness_lufs=round(mixed.loudness_lufs, 2),
        true_peak_dbtp=round(mixed.true_peak_dbtp, 2),
        rows=len(job.script.rows),
        synthesized=synthesized,
        failed=failed,
        warnings=[*job.warnings, *timeline.warnings, *mixed.warnings, *unmade, *scene.edited_since(job.table_hash)],
    )
