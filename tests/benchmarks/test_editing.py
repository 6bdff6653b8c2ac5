"""What it costs to hear an edit: one cell of a 200-row scene, against the first render; reading and writing tables.

Run: `python -m pytest tests/benchmarks/test_editing.py --benchmark-only -s -o addopts=`. Compute is CPU time of all
threads: unlike the clock, it is nearly the same on a machine that does other work besides.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from composer.diff import diff
from composer.formats import FORMATS
from composer.render import Finished, render
from composer.scene import Scene
from composer.script import read_rows, script_of
from composer.settings import Settings

LINES = (
    "The lamp burns low tonight.", "Did you hear that on the stairs?", "I have kept this light for thirty years.",
    "Somebody is walking in the fog below.", "Ring the bell, and ring it twice.", "Nobody came with the last boat.",
    "Then who has lit the second lamp?", "Go to bed, child; the sea will still be there.",
)  # fmt: skip
SOUNDS = ("Footsteps on a wooden floor.", "Door slam.", "Thunder rumbling.", "A ship's bell.")


def rows_of(n_rows: int) -> list[dict[str, object]]:
    """A long scene: three who speak, an effect after every sixth line, music and rain under all of it."""
    beds = [("music", 1, "Calm, gentle piano music."), ("sound_effect", 2, "Gentle rain falling.")]
    rows: list[dict[str, object]] = [
        {"type": kind, "layout": "background", "id": number, "action": "begin", "description": words}
        for kind, number, words in beds
    ]
    for number in range(n_rows - 4):
        if number % 6 == 5:
            rows.append({"type": "sound_effect", "description": SOUNDS[number // 6 % len(SOUNDS)], "duration": 2.0})
            continue
        words = f"{LINES[number % len(LINES)]} That was night {number + 1}."
        rows.append({"type": "speech", "character": ("Narrator", "Anna", "Old Tom")[number % 3], "description": words})
    return rows + [{"type": kind, "layout": "background", "id": number, "action": "end"} for kind, number, _ in beds]


def rendered(scene: Scene) -> tuple[Finished, float, float]:
    """The end of a render, its seconds on the clock and of compute."""
    begun_s, computed_s = time.perf_counter(), time.process_time()
    last = list(render(scene))[-1]
    assert isinstance(last, Finished) and not last.failed
    return last, time.perf_counter() - begun_s, time.process_time() - computed_s


def test_one_cell_of_200_rows(benchmark: Any, tmp_path: Path) -> None:
    scene = Scene(tmp_path / "scene")
    scene.folder.mkdir()
    scene.write_settings(Settings(title="Two hundred rows"))
    scene.write_script(script_of(rows_of(200)))
    first, first_s, first_compute_s = rendered(scene)
    old = tmp_path / "old.csv"
    old.write_bytes(scene.script_path.read_bytes())
    scene.script_path.write_text(
        scene.script_path.read_text("utf-8").replace("That was night 97.", "No more."), "utf-8"
    )
    told = diff(old, scene.folder)
    assert [(change.row, change.column) for change in told.changed] == [("r99", "description")]
    assert told.render is not None and told.render.synthesize == ["r99"]
    again, again_s, again_compute_s = benchmark.pedantic(rendered, (scene,), rounds=1)
    assert again.synthesized == 1 and again.rows == 200
    print(
        f"\n200 rows, {first.duration_s:.0f} s of sound. First render: {first.synthesized} clips, {first_s:.0f} s, "
        f"{first_compute_s:.0f} s of compute. One cell edited: {again.synthesized} clip, {again_s:.1f} s "
        f"({again_s / first_s:.1%}), {again_compute_s:.1f} s of compute ({again_compute_s / first_compute_s:.1%})"
    )


@pytest.mark.parametrize("suffix", [".csv", ".json", ".yaml", ".md", ".xlsx"])
def test_reading_and_writing_a_table_of_20_000_rows(benchmark: Any, suffix: str) -> None:
    n_rows = 2_000 if suffix == ".yaml" else 20_000
    script = script_of(rows_of(n_rows))

    def timed(work: Callable[[], Any]) -> tuple[Any, float]:
        computed_s = time.process_time()
        made = work()
        return made, time.process_time() - computed_s

    data, write_s = timed(lambda: FORMATS[suffix].write(script, None))
    again, read_s = benchmark.pedantic(timed, (lambda: read_rows(FORMATS[suffix].read(data, suffix)),), rounds=1)
    assert again == (script, [])
    print(
        f"\n{suffix}: {n_rows:,} rows, {len(data):,} bytes; {write_s:.2f} s to write, {read_s:.2f} s to read (compute)"
    )
