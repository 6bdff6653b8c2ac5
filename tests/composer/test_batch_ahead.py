"""What an engine makes together: grouped by render, made ahead of scenes by workers, and the same sound as alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from toys import ToySounds

from composer.batches import ahead
from composer.batches.folder import BatchFolder
from composer.batches.scenes import cast_scene, prepare
from composer.batches.specs import SceneSpec
from composer.batches.worker import Job, run_job
from composer.orders import Order
from composer.render import Finished, render
from composer.scene import Scene
from composer.synthesis import MAX_TOGETHER, in_groups
from models import engines
from models.clip import Clip
from models.engines import Wanted
from models.errors import ModelError, SynthesisFailed

asked: list[list[str]] = []
"""The words that the choir was asked for together."""


class Choir(ToySounds):
    """Makes sounds together; ALL fails with all at once."""

    def generate_all(self, wanted: Sequence[Wanted]) -> list[Clip | ModelError]:
        asked.append([each.query.text for each in wanted])
        if any("ALL" in each.query.text for each in wanted):
            raise MemoryError("too many at once")
        made: list[Clip | ModelError] = []
        for each in wanted:
            try:
                made.append(self.generate(each.query, duration_s=each.duration_s, seed=each.seed))
            except SynthesisFailed as error:
                made.append(error)
        return made


@pytest.fixture(autouse=True)
def choir(toy_engines: list[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setitem(engines.REGISTRY, "sound_effect", {"choir": f"{__name__}:Choir"})
    monkeypatch.setattr(ahead, "JOINT_ENGINES", ("choir",))
    asked.clear()
    return toy_engines


def table(folder: Path, name: str, *effects: str) -> SceneSpec:
    lines = [f"sound_effect,,{words}" for words in effects]
    path = folder / f"{name}.csv"
    path.write_text("\n".join(["type,character,description", f"speech,Ann,I am {name}.", *lines]) + "\n")
    return SceneSpec(name=name, table=path)


def mixes(folder: Path, names: Sequence[str]) -> list[str]:
    return [hashlib.sha256((folder / name / "mix.wav").read_bytes()).hexdigest() for name in names]


def test_rows_of_one_engine_are_asked_for_together_by_a_render_alone(tmp_path: Path, choir: list[str]) -> None:
    scene = Scene(tmp_path / "a")
    scene.folder.mkdir()
    table(tmp_path, "a", "a door", "CRASH", "a bell").table.rename(scene.script_path)  # type: ignore[union-attr]
    finished = list(render(scene))[-1]
    assert isinstance(finished, Finished) and finished.synthesized == 3
    assert [(fault.row, "cannot make this" in fault.message) for fault in finished.failed] == [("r03", True)]
    assert asked == [["a door", "CRASH", "a bell"]]


def test_what_fails_together_is_tried_one_by_one(tmp_path: Path, choir: list[str]) -> None:
    scene = Scene(tmp_path / "a")
    scene.folder.mkdir()
    table(tmp_path, "a", "a door", "ALL").table.rename(scene.script_path)  # type: ignore[union-attr]
    finished = list(render(scene))[-1]
    assert isinstance(finished, Finished) and (finished.synthesized, finished.failed) == (3, [])
    assert choir == ["I am a.", "a door", "ALL"] or choir == ["a door", "ALL", "I am a."]


def test_a_worker_makes_rows_of_the_next_scenes_too_and_the_sound_is_that_of_a_render_alone(
    tmp_path: Path, choir: list[str]
) -> None:
    batch, sheet = BatchFolder(tmp_path / "batch"), dict[str, str]()
    batch.work_dir.mkdir(parents=True)
    for spec in (table(tmp_path, name, f"a door {name}", "a bell") for name in "abc"):
        cast_scene(batch, spec, prepare(batch, spec, None), sheet)
    outcomes = [
        run_job(Job(str(batch.folder), name, 20.0, ahead=tuple("abc"[at + 1 :]))) for at, name in enumerate("abc")
    ]
    assert [(outcome.state, outcome.synthesized, outcome.shared) for outcome in outcomes] == [
        ("done", 5, 0), ("done", 1, 2), ("done", 1, 2),
    ]  # fmt: skip
    assert asked == [["a door a", "a bell", "a door b", "a door c"]]  # the bells are equal rows
    assert len(choir) == 7
    together = mixes(batch.folder, "abc")
    for name in "abc":
        for path in (batch.folder / name).rglob("*.wav"):
            path.unlink()
        list(render(batch.scene(name)))
    assert mixes(batch.folder, "abc") == together and len(choir) == 7 + 9


def test_groups_are_no_larger_than_memory_allows_and_keep_the_order_of_rows() -> None:
    def order(number: int, kind: str) -> Order:
        engine = {"speech": "toy-speech", "sound_effect": "choir", "music": "toy-sounds"}[kind]
        return Order(f"r{number}", kind, engine, "1", "x", 0)  # type: ignore[arg-type]

    kinds = ["speech", "sound_effect", "music"] * (MAX_TOGETHER + 1)
    groups = in_groups([order(number, kind) for number, kind in enumerate(kinds)])
    sizes = [len(group) for group in groups if group[0].kind == "sound_effect"]
    assert sizes == [MAX_TOGETHER, 1]
    assert all(len(group) == 1 for group in groups if group[0].kind != "sound_effect")
    firsts = [int(group[0].row[1:]) for group in groups]
    assert firsts == sorted(firsts) and sum(len(group) for group in groups) == len(kinds)
