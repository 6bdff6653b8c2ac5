"""Batches run in this process, with toy engines: retries, the cast, hand edits, the log, and what stops them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from composer.batches.executors import Executor, LocalExecutor, WorkerDied, executor_named, n_cores, n_fitting
from composer.batches.folder import BatchFolder
from composer.batches.pricing import price
from composer.batches.ray_executor import Needs, crew_for
from composer.batches.runner import Event, Options, Retried, SceneEnded, Stopped, run_batch
from composer.batches.specs import SceneSpec
from composer.batches.worker import Job, Outcome, run_job
from composer.drafting import draft
from composer.errors import ComposerError, SceneInvalid
from composer.render import render
from composer.scene import Scene
from composer.script import SpeechRow

pytestmark = pytest.mark.usefixtures("toy_engines")
OPTIONS = Options(row_limit_s=20.0)
TABLE = "type,character,description\nspeech,Ann,{}\nspeech,Bob,Who is it?\nsound_effect,,a door\n"


class Threads:
    """An executor within this process. `dies` says for which jobs the worker seems to die."""

    def __init__(
        self, n_workers: int = 1, dies: Callable[[Job], bool] = lambda job: False, *, n_mixers: int = 0
    ) -> None:
        self.n_workers, self.n_mixers = n_workers, n_mixers
        self.jobs: list[tuple[int, Job]] = []
        self._pool = ThreadPoolExecutor(n_workers + n_mixers)
        self._dies = dies
        self.replaced: list[int] = []

    def submit(self, worker: int, job: Job) -> Future[Outcome]:
        self.jobs.append((worker, job))
        if self._dies(job):
            future: Future[Outcome] = Future()
            future.set_exception(WorkerDied("the worker died"))
            return future
        return self._pool.submit(run_job, job)

    def replace(self, worker: int) -> None:
        self.replaced.append(worker)

    def close(self) -> None:
        self._pool.shutdown()


def run(folder: Path, specs: list[SceneSpec], executor: Executor | None = None, **options: Any) -> list[Event]:
    given = Options(**{**OPTIONS.__dict__, **options})
    return list(run_batch(BatchFolder(folder), specs, executor or Threads(), None, given))


def states(events: list[Event]) -> dict[str, str]:
    return {str(event.line["scene"]): str(event.line["state"]) for event in events if isinstance(event, SceneEnded)}


def table(folder: Path, name: str, first: str, **more: Any) -> SceneSpec:
    path = folder / f"{name}.csv"
    path.write_text(TABLE.format(first))
    return SceneSpec(name=name, table=path, **more)


def sounds(folder: Path) -> dict[str, str]:
    paths = [folder / "mix.wav", *folder.glob("stems/*.wav"), *folder.glob("clips/*.wav")]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_a_scene_is_the_same_in_a_batch_and_alone(tmp_path: Path) -> None:
    prompts = ["A bedtime story about an owl", "A news report about rain", "A bedtime story about an owl and a fox"]
    specs = [SceneSpec(name=f"s{n}", prompt=prompt, seed=n) for n, prompt in enumerate(prompts)]
    run(tmp_path / "batch", specs, Threads(2))
    for spec in specs:
        together = Scene(tmp_path / "batch" / spec.name)
        alone = Scene(tmp_path / "alone" / spec.name)
        draft(alone, spec.brief(), None)
        alone.add_to_cast(together.read_settings().cast)
        list(render(alone))
        assert sounds(alone.folder) == sounds(together.folder)
        assert alone.script_path.read_bytes() == together.script_path.read_bytes()


def test_equal_rows_are_made_once(tmp_path: Path, toy_engines: list[str]) -> None:
    specs = [table(tmp_path, f"s{n}", "Hello.") for n in range(3)] + [table(tmp_path, "other", "Good day.")]
    events = run(tmp_path / "b", specs)
    assert sorted(toy_engines) == ["Good day.", "Hello.", "Who is it?", "a door"]
    lines = [event.line for event in events if isinstance(event, SceneEnded)]
    assert [(line["synthesized"], line["shared"]) for line in lines] == [(3, 0), (0, 3), (0, 3), (1, 2)]
    priced = price(BatchFolder(tmp_path / "new"), specs, n_workers=2, has_writer=False)
    assert (priced.rows, priced.clips, priced.synthesize, priced.faults) == (12, 4, 4, [])
    assert not (tmp_path / "new").exists()
    again = price(BatchFolder(tmp_path / "b"), [*specs, table(tmp_path, "more", "New.")], n_workers=1, has_writer=False)
    assert (again.made_before, again.clips, again.synthesize) == (4, 3, 1)


def test_the_second_run_makes_nothing_and_an_edited_scene_anew(tmp_path: Path, toy_engines: list[str]) -> None:
    specs = [table(tmp_path, name, f"I am {name}.") for name in ("a", "b")]
    run(tmp_path / "b", specs)
    mixed = {name: (tmp_path / "b" / name / "mix.wav").stat().st_mtime_ns for name in ("a", "b")}
    toy_engines.clear()
    events = run(tmp_path / "b", specs)
    assert [event.fresh for event in events if isinstance(event, SceneEnded)] == [False, False] and not toy_engines
    script = Scene(tmp_path / "b" / "b").script_path
    script.write_text(script.read_text().replace("Who is it?", "Who is there?"))
    events = run(tmp_path / "b", specs)
    assert [event.fresh for event in events if isinstance(event, SceneEnded)] == [False, True]
    assert toy_engines == ["Who is there?"]
    assert mixed["a"] == (tmp_path / "b" / "a" / "mix.wav").stat().st_mtime_ns
    louder = [table(tmp_path, name, f"I am {name}.", loudness_lufs=-20) for name in ("a", "b")]
    toy_engines.clear()
    events = run(tmp_path / "b", louder)
    assert not toy_engines and "Who is there?" in script.read_text()
    assert [event.line["loudness_lufs"] for event in events if isinstance(event, SceneEnded)] == [-20.0, -20.0]
    changed = table(tmp_path, "a", "I am somebody else.")
    run(tmp_path / "b", [changed])
    assert toy_engines == ["I am somebody else."]


def test_one_voice_sheet_holds_across_scenes(tmp_path: Path) -> None:
    specs = [table(tmp_path, "a", "Hello.", cast={"Ann": "cy"}), table(tmp_path, "b", "Good day.")]
    specs += [table(tmp_path, "c", "Hi.", cast={"Ann": "bob"})]
    batch = BatchFolder(tmp_path / "b")
    run(batch.folder, specs)
    sheet = batch.read_cast()
    assert set(sheet) == {"Ann", "Bob"} and sheet["Ann"] == "cy"  # alone, Ann would get a woman's voice
    assert [batch.scene(name).read_settings().cast for name in "ab"] == [sheet, sheet]
    assert batch.scene("c").read_settings().cast == {**sheet, "Ann": "bob"}
    batch.write_cast({**sheet, "Bob": "ann"})
    run(batch.folder, specs)
    assert [batch.scene(name).read_settings().cast["Bob"] for name in "abc"] == ["ann"] * 3
    spoken = json.loads((batch.folder / "b" / "manifest.json").read_text())["rows"]
    assert [row["voice"] for row in spoken if row["character"]] == ["cy", "ann"]


def test_a_scene_that_fails_is_tried_again_and_told_and_the_rest_finish(tmp_path: Path, toy_engines: list[str]) -> None:
    specs = [table(tmp_path, "bad", "CRASH"), table(tmp_path, "good", "Hello.")]
    events = run(tmp_path / "b", specs, retries=2)
    assert states(events) == {"bad": "failed", "good": "done"} and toy_engines.count("CRASH") == 3
    assert [event.attempt for event in events if isinstance(event, Retried)] == [1, 2]
    last = next(event.line for event in events if isinstance(event, SceneEnded) and event.line["state"] == "failed")
    assert last["attempt"] == 3 and "row r01, description: toy-speech failed" in str(last["faults"])
    assert (tmp_path / "b" / "bad" / "mix.wav").is_file()  # what could be made of it
    assert states(run(tmp_path / "b", specs, retries=0)) == {"bad": "failed", "good": "done"}


def test_what_was_given_wrongly_is_not_tried_again(tmp_path: Path) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text("type,description,volume\nspeech,Hello,loud\n")
    missing = tmp_path / "missing.csv"
    missing.write_text("type,description,source\nsound_effect,a door,door.wav\n")
    specs = [SceneSpec(name="broken", table=broken), SceneSpec(name="missing", table=missing)]
    specs += [table(tmp_path, "good", "Hi."), SceneSpec(name="odd", prompt="x" * 100_000)]
    events = run(tmp_path / "b", specs)
    assert states(events) == {"broken": "refused", "missing": "refused", "good": "done", "odd": "failed"}
    assert not [event for event in events if isinstance(event, Retried)]
    faults = {event.line["scene"]: str(event.line["faults"]) for event in events if isinstance(event, SceneEnded)}
    assert "row r01, volume" in faults["broken"] and "row r01, source" in faults["missing"]


def test_a_dead_worker_is_replaced_and_its_scene_tried_again(tmp_path: Path) -> None:
    left = ["a", "b", "b", "b"]

    def dies(job: Job) -> bool:
        return job.name in left and not left.remove(job.name)  # type: ignore[func-returns-value]

    executor = Threads(dies=dies)
    events = run(tmp_path / "b", [table(tmp_path, name, "Hi.") for name in "abc"], executor, retries=2)
    assert states(events) == {"a": "done", "b": "failed", "c": "done"} and len(executor.replaced) == 4


def test_a_worker_that_tells_of_no_step_is_ended_and_its_scene_tried_again(tmp_path: Path) -> None:
    class Deaf(Threads):
        hanging: Future[Outcome] | None = None

        def submit(self, worker: int, job: Job) -> Future[Outcome]:
            if self.replaced:
                return super().submit(worker, job)
            self.hanging = Future()
            return self.hanging

        def replace(self, worker: int) -> None:
            if self.hanging is not None and not self.hanging.done():
                self.hanging.set_exception(WorkerDied("the worker died"))
            super().replace(worker)

    executor = Deaf()
    events = run(tmp_path / "b", [table(tmp_path, "a", "Hi.")], executor, row_limit_s=0.3, grace_s=0.3)
    assert states(events) == {"a": "done"} and executor.replaced
    (retried,) = [event for event in events if isinstance(event, Retried)]
    assert "before it told of a step" in retried.faults[0]


def test_a_row_that_hangs_is_given_up_and_its_worker_replaced(tmp_path: Path) -> None:
    executor = Threads()
    events = run(tmp_path / "b", [table(tmp_path, "a", "HANG")], executor, row_limit_s=0.3, retries=0)
    assert states(events) == {"a": "failed"} and executor.replaced == [0]


def test_a_full_disk_stops_the_batch_cleanly(tmp_path: Path) -> None:
    specs = [table(tmp_path, "a", "Hello."), table(tmp_path, "b", "FULL"), table(tmp_path, "c", "Hello.")]
    events = run(tmp_path / "b", specs)
    assert states(events) == {"a": "done", "b": "disk_full"}
    stopped = events[-1]
    assert isinstance(stopped, Stopped) and "make room" in str(stopped.disk_full)
    specs[1] = table(tmp_path, "b", "There is room.")
    assert states(run(tmp_path / "b", specs)) == {"a": "done", "b": "done", "c": "done"}


def test_two_batches_on_one_folder_are_refused(tmp_path: Path) -> None:
    with BatchFolder(tmp_path).locked(), pytest.raises(SceneInvalid, match="another batch"):
        run(tmp_path, [table(tmp_path, "a", "Hi.")])
    assert states(run(tmp_path, [table(tmp_path, "a", "Hi.")])) == {"a": "done"}


def test_a_log_that_a_kill_cut_short_is_read_and_goes_on(tmp_path: Path) -> None:
    batch = BatchFolder(tmp_path)
    batch.log(scene="a", state="done")
    whole = batch.log_path.read_bytes()
    for cut in range(1, len(whole)):
        batch.log_path.write_bytes(whole + whole[:cut])
        batch.log(scene="ü\ud800", state="done")
        read = batch.read_log()
        assert [line["scene"] for line in read][:: len(read) - 1] == ["a", "ü\ud800"], cut
    assert all(json.loads(line) for line in batch.log_path.read_bytes().splitlines())


def test_pictures_and_recordings_come_with_their_table(tmp_path: Path) -> None:
    from toys import tone

    from models.clip import write_clip

    (tmp_path / "from" / "recordings").mkdir(parents=True)
    write_clip(tone(0.5, 300.0, 48_000), tmp_path / "from" / "recordings" / "door.wav")
    (tmp_path / "from" / "script.csv").write_text("type,description,source\nsound_effect,a door,recordings/door.wav\n")
    (tmp_path / "from" / "scene.toml").write_text('title = "Ground"\n[mix]\nroom = "cave"\n')
    spec = SceneSpec(name="a", table=tmp_path / "from", gap_s=1)
    assert price(BatchFolder(tmp_path / "b"), [spec], n_workers=1, has_writer=False).synthesize == 1
    assert states(run(tmp_path / "b", [spec])) == {"a": "done"}
    settings = Scene(tmp_path / "b" / "a").read_settings()
    assert (settings.title, settings.mix.room, settings.mix.gap_s) == ("Ground", "cave", 1.0)


def test_a_recording_that_was_replaced_is_heard_after_the_next_run(tmp_path: Path) -> None:
    from toys import tone

    from models.clip import write_clip

    home, made = tmp_path / "from", tmp_path / "b" / "a"
    home.mkdir()
    write_clip(tone(0.5, 300.0, 48_000), home / "door.wav")
    (home / "door.csv").write_text("type,description,source\nsound_effect,a door,door.wav\n")
    spec = SceneSpec(name="a", table=home / "door.csv", clean="never")
    mixes = []
    for place, duration_s in ((home, 0.5), (home, 0.7), (made, 0.9)):
        write_clip(tone(duration_s, 300.0, 48_000), place / "door.wav")
        assert states(run(tmp_path / "b", [spec])) == {"a": "done"}
        mixes.append((made / "mix.wav").read_bytes())
    assert len(set(mixes)) == 3
    (event,) = [event for event in run(tmp_path / "b", [spec]) if isinstance(event, SceneEnded)]
    assert not event.fresh


def test_a_screenplay_and_a_story_become_scenes(tmp_path: Path) -> None:
    (tmp_path / "play.fountain").write_text("INT. CABIN - NIGHT\n\nRain on the roof.\n\nANNA\nWho is there?\n")
    (tmp_path / "tale.txt").write_text('Rain fell.\n\n"Who is there?" asked Anna.\n')
    specs = [
        SceneSpec(name="play", fountain=tmp_path / "play.fountain"),
        SceneSpec(name="tale", story=tmp_path / "tale.txt"),
    ]
    assert price(BatchFolder(tmp_path / "b"), specs, n_workers=1, has_writer=False).faults == []
    assert states(run(tmp_path / "b", specs)) == {"play": "done", "tale": "done"}
    spoken = [
        [(row.character, row.description) for row in BatchFolder(tmp_path / "b").scene(name).read_script()[0].rows
         if isinstance(row, SpeechRow)]
        for name in ("play", "tale")
    ]  # fmt: skip
    assert spoken[0] == [("Anna", "Who is there?")]
    assert spoken[1] == [("Narrator", "Rain fell."), ("Anna", "Who is there?"), ("Narrator", "asked Anna.")]
    assert set(BatchFolder(tmp_path / "b").read_cast()) == {"Anna", "Narrator"}


def test_executors_are_found_by_name_and_fit_the_machine() -> None:
    assert isinstance(executor_named("local", 3, None), LocalExecutor)
    assert 1 <= n_fitting() <= n_cores()
    with pytest.raises(ComposerError, match="there are: local, ray"):
        executor_named("slurm", None, None)
    with pytest.raises(ComposerError, match="--executor ray"):
        executor_named("local", None, "10.0.0.1:6379")


def test_mixers_mix_what_workers_made_and_the_sound_is_the_same(tmp_path: Path, toy_engines: list[str]) -> None:
    specs = [table(tmp_path, name, f"I am {name}.") for name in "abc"] + [table(tmp_path, "bad", "CRASH")]
    executor = Threads(2, n_mixers=1)
    events = run(tmp_path / "mixed", specs, executor, retries=0)
    assert states(events) == {"a": "done", "b": "done", "c": "done", "bad": "failed"}
    assert toy_engines.count("I am a.") == 1
    stages = {(job.name, job.mixes): worker for worker, job in executor.jobs}
    assert {name for name, mixes in stages if mixes} == set("abc")  # what failed was mixed where it failed
    assert all((worker == 2) == mixes for (_, mixes), worker in stages.items())
    lines = [event.line for event in events if isinstance(event, SceneEnded) and event.line["state"] == "done"]
    assert [line["rows"] for line in lines] == [3, 3, 3]
    assert sum(int(str(line["synthesized"])) for line in lines) <= len(toy_engines)
    run(tmp_path / "whole", specs, Threads(1), retries=0)
    for name in "abc":
        assert sounds(tmp_path / "mixed" / name) == sounds(tmp_path / "whole" / name)


def test_actors_ask_for_what_they_need() -> None:
    alone = crew_for(2, 0, None, 2)
    assert (alone.n_engines, alone.n_mixers, alone.engine, alone.threads) == (2, 0, Needs(1.0, 0.0), 1)
    assert crew_for(2, 0, 4, 2).engine == Needs(0.5, 0.0)
    node = crew_for(64, 8, None, 64)
    assert (
        (node.n_engines, node.n_mixers) == (8, 2) and node.engine == Needs(1.0, 1.0) and node.mixer == Needs(1.0, 0.0)
    )
    shared = crew_for(16, 1, 4, 16)
    assert shared.engine == Needs(1.0, 0.25) and shared.n_mixers == 1
    for crew, n_cpus, n_gpus in ((node, 64, 8), (shared, 16, 1), (crew_for(2, 1, None, 2), 2, 1)):
        asked = crew.n_engines * crew.engine.num_cpus + crew.n_mixers * crew.mixer.num_cpus
        assert asked <= n_cpus and crew.n_engines * crew.engine.num_gpus <= n_gpus


def test_a_picture_becomes_a_scene_without_a_server(tmp_path: Path) -> None:
    from PIL import Image, ImageDraw

    clock = Image.new("RGB", (96, 96), "white")
    ImageDraw.Draw(clock).ellipse((8, 8, 88, 88), outline="black", width=6)
    ImageDraw.Draw(clock).line([(48, 22), (48, 48), (68, 58)], fill="black", width=5)
    clock.save(tmp_path / "dusk.png")
    spec = SceneSpec(name="dusk", picture=tmp_path / "dusk.png")
    priced = price(BatchFolder(tmp_path / "b"), [spec], n_workers=1, has_writer=False)
    assert (priced.unknown, priced.faults) == ([], []) and priced.synthesize > 0
    assert states(run(tmp_path / "b", [spec])) == {"dusk": "done"}
    assert BatchFolder(tmp_path / "b").scene("dusk").read_script()[0].rows
