"""What a batch will make, take and cost, before it starts. Makes nothing, and asks no server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from composer.batches.folder import BatchFolder
from composer.batches.scenes import cast_of, foreseen, read_marks, refuse_unwritable, state_digest
from composer.batches.specs import SceneSpec
from composer.batches.store import ClipStore
from composer.clips import find_clip
from composer.errors import ComposerError
from composer.estimates import estimated_s, estimated_usd, sound_s
from composer.orders import Order, make_orders
from composer.scene import Scene
from composer.script import Script
from composer.settings import Settings


@dataclass
class Price:
    """`clips` are distinct: equal rows are made once. `guessed` scenes wait for a language model or a picture's plan;
    the rules' plan stands for theirs, and scenes that rules cannot plan are in `unknown`."""

    scenes: int
    made_before: int = 0
    guessed: int = 0
    unknown: list[str] = field(default_factory=list)
    rows: int = 0
    clips: int = 0
    synthesize: int = 0
    sound_s: float = 0.0
    estimated_s: float = 0.0
    estimated_usd: float = 0.0
    workers: int = 1
    faults: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        return asdict(self)

    def as_text(self) -> str:
        lines = [
            f"{self.scenes} scenes, {self.made_before} of them made before",
            f"{self.synthesize} of {self.clips} clips to make for {self.rows} rows, {self.sound_s:.0f} s of sound",
            f"about {self.estimated_s:.0f} s with {self.workers} workers, ${self.estimated_usd:.2f}",
        ]
        if self.guessed:
            lines.append(
                f"{self.guessed} scenes are to be planned by a language model; the figures are those of a guess"
            )
        if self.unknown:
            lines.append(f"{len(self.unknown)} scenes have no figures before they are planned: {self.unknown[0]} ...")
        return "\n".join([*lines, *(f"fault: {fault}" for fault in self.faults)])


def price(
    batch: BatchFolder, specs: Sequence[SceneSpec], *, n_workers: int, has_writer: bool, store_url: str | None = None
) -> Price:
    """Reads or foresees every script, decides its orders, and adds up those that no clip is there for."""
    priced = Price(len(specs), workers=n_workers)
    store, sheet = ClipStore(batch.store_dir, store_url), batch.read_cast()
    seen: set[str] = set()
    missing: list[Order] = []
    done = {str(line["scene"]): line for line in batch.read_log() if line.get("state") == "done" and "scene" in line}
    for spec in specs:
        scene = batch.scene(spec.name)
        if _is_made(scene, spec, done.get(spec.name, {}).get("made_from")):
            priced.made_before += 1
            continue
        try:
            script, settings, home = _script_of(scene, spec, has_writer, priced)
            cast = cast_of(script, settings, sheet)
            sheet = {**cast, **sheet}
            orders = make_orders(script, settings.model_copy(update={"cast": cast}), home)
        except ComposerError as error:
            if spec.picture is not None:
                priced.unknown.append(spec.name)
            else:
                priced.faults.append(f"{spec.name}: {error}")
            continue
        priced.faults += [f"{spec.name}: {fault}" for fault in orders.faults if fault.severity == "error"]
        priced.rows += len(script.rows)
        for order in orders.orders:
            if order.fingerprint not in seen:
                seen.add(order.fingerprint)
                there = find_clip(scene.clips_dir, order.fingerprint) or store.has(order.fingerprint)
                missing += [] if there else [order]
    priced.clips, priced.synthesize = len(seen), len(missing)
    priced.sound_s = round(sum(sound_s(order) for order in missing), 1)
    priced.estimated_s = round(estimated_s(missing, store.seconds_by_engine()) / n_workers, 1)
    priced.estimated_usd = round(estimated_usd(missing), 4)
    return priced


def _is_made(scene: Scene, spec: SceneSpec, made_from: object) -> bool:
    marks = read_marks(scene)
    if marks is None or (marks.source, marks.settings) != (spec.source_mark(), spec.settings_mark()):
        return False
    return scene.mix_path.is_file() and made_from is not None and made_from == state_digest(scene)


def _script_of(scene: Scene, spec: SceneSpec, has_writer: bool, priced: Price) -> tuple[Script, Settings, Scene]:
    """The script in the scene's folder where it stands for the spec, else the one foreseen."""
    marks = read_marks(scene)
    if marks is not None and marks.source == spec.source_mark() and scene.script_path.exists():
        return scene.read_script()[0], spec.settings(scene.read_settings()), scene
    is_guess = has_writer and spec.table is None and spec.planner != "offline"
    refuse_unwritable(spec, has_writer=is_guess)
    priced.guessed += is_guess
    script, settings, home = foreseen(spec)
    return script, settings, Scene(home)
