"""Batches with real worker processes: the same sound whatever their number, and what survives kills and faults."""

from __future__ import annotations

import csv
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from batching import Place, assert_nothing_is_corrupt, children, sounds

from composer.batches.folder import BatchFolder

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc, and kills them")
SCENES = {f"s{n}": (f"I am number {n}.", "Who is it?", f"Only me, {'me, ' * n}") for n in range(4)}
N_KILLS = int(os.environ.get("TALESCAPE_BATCH_KILLS", "4"))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_one_two_and_three_workers_make_the_same_sound_as_render_alone(place: Place) -> None:
    manifest = place.manifest(SCENES)
    made = {}
    for n_workers in (1, 2, 3):
        folder = place.folder / f"with-{n_workers}"
        done = place.run(manifest, "-o", str(folder), "--workers", str(n_workers))
        assert (done["done"], done["failed"], done["synthesized"]) == (4, [], 10)
        made[n_workers] = sounds(folder)
    assert made[1] == made[2] == made[3] and len(made[1]) == 4 * (4 + 4) + 10
    assert len(place.asked()) == 30  # equal rows of four scenes once
    alone = place.folder / "with-1" / "s2"
    for path in alone.rglob("*.wav"):
        path.unlink()
    command = [sys.executable, "-m", "cli", "render", str(alone), "--json"]
    done = json.loads(subprocess.run(command, env=place.environment, capture_output=True, check=True).stdout)
    assert done["synthesized"] == 4 and sounds(place.folder / "with-1") == made[1]


def test_the_summary_has_players_with_links_that_stay_in_the_folder(place: Place) -> None:
    manifest = place.manifest({"a b": ["Hello."], "c": ["<script>CRASH</script>"]})
    flags = ("-o", str(place.folder / "b"), "--workers", "1", "--retries", "0")
    process = place.start(manifest, *flags)
    out, told = process.communicate(timeout=120)
    assert process.returncode == 3
    heading, first, second = (line.split() for line in out.splitlines())
    assert heading[:3] == ["scene", "state", "sound"]
    assert (first[:3], second[:2]) == (["a", "b", "done"], ["c", "failed"])
    assert "[1/2] a b: done" in told and "failed: c: " in told
    page = (place.folder / "b" / "summary.html").read_text("utf-8")
    assert 'src="a%20b/mix.wav"' in page and "http" not in page and "<script>" not in page
    assert "the toy crashed" in page


def test_a_dry_run_prices_and_makes_nothing(place: Place) -> None:
    told = place.run(place.manifest(SCENES), "-o", str(place.folder / "b"), "--dry-run", "--workers", "2")
    assert (told["scenes"], told["rows"], told["clips"], told["synthesize"]) == (4, 16, 10, 10)
    assert not (place.folder / "b").exists() and not place.asked()


def test_a_scene_that_kills_workers_is_told_with_its_row_and_takes_none_along(place: Place) -> None:
    scenes = {"a": ["Hello.", "DIE"], "b": ["Bye.", "ONCE"], "c": ["And so on."], "d": ["The end."]}
    flags = ("-o", str(place.folder / "b"), "--workers", "2", "--retries", "1")
    done = place.run(place.manifest(scenes), *flags, code=3)
    assert done["done"] == 3
    ((name, faults),) = [(failed["scene"], failed["faults"]) for failed in done["failed"]]  # type: ignore[attr-defined]
    assert name == "a" and "died while making row r02" in faults[0]
    asked = place.asked()
    assert [asked.count(words) for words in ("Hello.", "DIE", "Bye.", "ONCE")] == [1, 2, 1, 2]
    assert_nothing_is_corrupt(place.folder / "b")


def test_a_full_disk_stops_with_one_line_and_the_batch_goes_on_when_there_is_room(place: Place) -> None:
    manifest = place.manifest({"a": ["Hi."], "b": ["A long line, " * 40], "c": ["Bye."]})
    folder = place.folder / "b"

    def small_files() -> None:  # what a full disk does, done to every file over 1.5 MB
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))

    told = str(place.run(manifest, "-o", str(folder), "--workers", "1", code=1, preexec_fn=small_files)["told"])
    (error,) = [line for line in told.splitlines() if line.startswith("error:")]
    assert "make room" in error and "same command" in error and "Traceback" not in told
    assert_nothing_is_corrupt(folder)
    assert not list(folder.rglob("*.part"))
    assert place.run(manifest, "-o", str(folder), "--workers", "1")["made_before"] == 1


def wait_for(what: str, happens: object) -> None:
    given_up_s = time.monotonic() + 60
    while not happens():  # type: ignore[operator]
        assert time.monotonic() < given_up_s, what
        time.sleep(0.01)


def test_ctrl_c_finishes_the_clip_in_hand_and_the_next_run_goes_on(place: Place) -> None:
    manifest = place.manifest({"a": ["HANG", "Never said at first."], "b": ["Bye."]})
    folder = place.folder / "b"
    process = place.start(
        manifest, "-o", str(folder), "--workers", "1", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    )
    wait_for("the row that takes two seconds", lambda: "HANG" in place.asked())
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130 and told.strip().splitlines()[-1].startswith("stopped;")
    assert place.asked() == ["HANG"] and len(list((folder / "a" / "clips").glob("*.wav"))) == 1
    assert not (folder / "a" / "mix.wav").exists()
    assert [line.get("state", line.get("batch")) for line in BatchFolder(folder).read_log()] == [
        "begun", "begun", "stopped", "stopped",
    ]  # fmt: skip
    assert place.run(manifest, "-o", str(folder), "--workers", "1")["done"] == 2
    assert place.asked().count("HANG") == 1


def test_a_second_batch_on_a_folder_is_refused_and_a_killed_one_leaves_it_free(place: Place) -> None:
    manifest, folder = place.manifest({"a": ["HANG"]}), place.folder / "b"
    flags = ("-o", str(folder), "--workers", "1")
    with BatchFolder(folder).locked():
        assert "another batch works in it" in str(place.run(manifest, *flags, code=1)["told"])
    first = place.start(manifest, *flags)
    wait_for("the first clip", lambda: place.asked())
    first.kill()
    first.communicate(timeout=60)
    assert place.run(manifest, *flags)["done"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["local", "ray"])
def test_kills_of_workers_and_parents_lose_and_spoil_nothing(place: Place, executor: str) -> None:
    """TALESCAPE_BATCH_KILLS=50 makes it a campaign; what it did is printed. Ray's workers are its actors."""
    if executor == "ray":
        pytest.importorskip("ray", reason="Ray is not installed here; pip install 'talescape[ray]'")
    n_scenes = 2 * N_KILLS if executor == "local" else max(4, N_KILLS)
    lines = {f"s{n:02d}": [f"Line {turn} of scene {n}." for turn in range(3)] + ["Who is it?"] for n in range(n_scenes)}
    manifest, dice = place.manifest(lines), random.Random(2026)
    undisturbed, folder = place.folder / "undisturbed", place.folder / "killed"
    place.environment["TOY_DELAY_S"] = "0.1"
    place.run(manifest, "-o", str(undisturbed), "--workers", "2")
    n_asked = len(place.asked())
    killed, n_batches = {"worker": 0, "parent": 0}, 1
    process = None
    flags = ("-o", str(folder), "--workers", "2", "--retries", str(N_KILLS), "--executor", executor)
    while sum(killed.values()) < N_KILLS:
        process = process or place.start(manifest, *flags)
        time.sleep(dice.uniform(0.5, 5.0))
        if process.poll() is not None:  # it was over before the kills were: another begins
            _, told = process.communicate()
            assert sounds(folder) == sounds(undisturbed), told
            shutil.rmtree(folder)
            process, n_batches = None, n_batches + 1
            continue
        workers = children(process.pid) if executor == "local" else actors(process.pid)
        if workers and dice.random() < 0.6:
            os.kill(dice.choice(workers), signal.SIGKILL)
            killed["worker"] += 1
            continue
        if not workers:
            continue  # a busy machine and Ray take seconds to begin: a kill before is none
        process.kill()
        process.communicate(timeout=60)
        killed["parent"] += 1
        process = None
        wait_for("actors to end", lambda gone=workers: not any(Path(f"/proc/{each}").exists() for each in gone))
        wait_for("orphans to end", lambda: not any(str(folder).encode() in words for words in command_lines()))
        assert_nothing_is_corrupt(folder)
    if process is not None:
        process.communicate(timeout=300)
    done = place.run(manifest, "-o", str(folder), "--workers", "2")
    assert (done["done"], done["failed"]) == (len(lines), [])
    assert_nothing_is_corrupt(folder)
    assert sounds(folder) == sounds(undisturbed) and not list(folder.rglob("*.part"))
    n_made, n_repeated = n_batches * n_asked, len(place.asked()) - (1 + n_batches) * n_asked
    print(
        f"\n{executor}: {killed} killed; {n_batches * len(lines)} scenes, 0 lost; {n_repeated} of {n_made} syntheses "
        f"repeated ({n_repeated / n_made:.1%})"
    )
    assert n_repeated <= 2 * sum(killed.values())  # at most what two workers had in hand at each kill


def actors(pid: int) -> list[int]:
    """The processes of Ray's actors below a batch's own process."""
    parents, found = {}, []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if (path / "cmdline").read_bytes().startswith(b"ray::_RayWorker"):
                found.append(int(path.name))
        except OSError:
            continue

    def is_below(each: int) -> bool:
        while each > 1 and each != pid:
            each = parents.get(each, 0)
        return each == pid

    return sorted(filter(is_below, found))


def command_lines() -> list[bytes]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes())
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name,prompt\na,x\na,y\n", "row 3, name: 'a' is the name of row 2 already"),
        ("name,prompt\n../a,x\n", "row 2, name: '../a' cannot be a folder's name"),
        ("name,prompt,loud\na,x,1\n", "row 2, loud: no such key; there are: "),
        ("name,story\na,nowhere.txt\n", "row 2, story: "),
    ],
)
def test_faults_of_a_manifest_are_told_and_exit_1(place: Place, text: str, told: str) -> None:
    manifest = place.folder / "scenes.csv"
    manifest.write_text(text)
    assert list(csv.reader(text.splitlines()))
    assert told in str(place.run(manifest, "-o", str(place.folder / "b"), code=1)["told"])
    assert not (place.folder / "b").exists()


def test_ray_makes_the_same_sound_as_processes_here(place: Place) -> None:
    pytest.importorskip("ray", reason="Ray is not installed here; pip install 'talescape[ray]'")
    manifest = place.manifest({**SCENES, "bad": ["DIE"]})
    flags = ("--workers", "2", "--retries", "1")
    made = []
    for executor in ("local", "ray"):
        folder = place.folder / executor
        done = place.run(manifest, "-o", str(folder), "--executor", executor, *flags, code=3)
        assert done["done"] == 4
        made.append(sounds(folder))
    assert made[0] == made[1]
