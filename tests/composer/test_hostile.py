"""Hostile and broken input: named by row and column, run by nobody, and never the end of what was made before."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from toys import installed_toys

from composer.errors import ComposerError, SceneInvalid
from composer.library import add_folder
from composer.render import Finished, check, render
from composer.scene import Scene
from composer.script import script_of
from composer.settings import Settings

HOUSE = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.usefixtures("toy_engines")


def scene_of(folder: Path, rows: list[dict[str, object]]) -> Scene:
    scene = Scene(folder)
    folder.mkdir(exist_ok=True)
    scene.write_settings(Settings(title="Hostile"))
    scene.write_script(script_of(rows))
    return scene


def finish(scene: Scene) -> Finished:
    last = list(render(scene))[-1]
    assert isinstance(last, Finished)
    return last


# Recordings


def wav(n_bytes: int, *, n_channels: int = 1, sample_rate: int = 48_000) -> bytes:
    """A header of 16-bit WAV by hand, promising `n_bytes` of samples."""
    frame_bytes = 2 * n_channels
    form = struct.pack("<HHIIHH", 1, n_channels, sample_rate, sample_rate * frame_bytes, frame_bytes, 16)
    return (
        b"RIFF" + struct.pack("<I", 36 + n_bytes) + b"WAVEfmt \x10\0\0\0" + form + b"data" + struct.pack("<I", n_bytes)
    )


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.write(wav(4_000_000_000))
        file.truncate(44 + 4_000_000_000)


def flac_bomb(path: Path) -> None:
    soundfile.write(path, np.zeros(48_000 * 3_700, np.int16), 48_000, format="FLAC")


def with_a_nan(path: Path) -> None:
    samples = np.full(48_000, 0.1, np.float32)
    samples[12_000] = np.nan
    soundfile.write(path, samples, 48_000, format="WAV", subtype="FLOAT")


def cut_short(format: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 96_000), 48_000, format=format)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return write


def holds(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


RECORDINGS = [
    (sparse, "sparse.wav", "41,667 s long, at most 3,600 s"),
    (flac_bomb, "bomb.flac", "3,700 s long, at most 3,600 s"),
    (with_a_nan, "nan.wav", "not a finite number at 0.250 s"),
    (holds(wav(2048, n_channels=1024) + bytes(2048)), "many.wav", "1024 channels, at most 32"),
    (holds(wav(200, sample_rate=1) + bytes(200)), "slow.wav", "1 Hz, 1000 to 768000"),
    (cut_short("WAV"), "cut.wav", "cut short"),
    (cut_short("FLAC"), "cut.flac", "cut short|lost sync"),
    (holds(b"ffconcat version 1.0\nfile '/etc/passwd'\n"), "script.wav", "Format not recognised"),
    (holds(b""), "empty.wav", "Format not recognised"),
]


@pytest.mark.parametrize(("write", "name", "reason"), RECORDINGS, ids=[name for _, name, _ in RECORDINGS])
def test_a_broken_recording_is_told_with_its_row_and_column(
    write: Callable[[Path], object], name: str, reason: str, tmp_path: Path
) -> None:
    rows: list[dict[str, object]] = [
        {"type": "sound_effect", "description": "a bell"},
        {"type": "sound_effect", "description": "a door", "source": name},
    ]
    scene = scene_of(tmp_path / "scene", rows)
    write(scene.folder / name)
    finished = finish(scene)
    assert [(fault.row, fault.column) for fault in finished.failed] == [("r02", "source")]
    assert name in finished.failed[0].message
    assert any(part in finished.failed[0].message for part in reason.split("|"))
    assert finished.synthesized == 1 and scene.mix_path.is_file()


def test_the_library_leaves_broken_recordings_out_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALESCAPE_LIBRARY", str(tmp_path / "index"))
    monkeypatch.setattr("models.effects.clip_index.sentence_vectors", lambda texts: np.ones((len(texts), 384), "f4"))
    folder = tmp_path / "recordings"
    folder.mkdir()
    for write, name, _ in RECORDINGS:
        write(folder / name)
    soundfile.write(folder / "Door 'slam' 🚪 02.wav", np.full(24_000, 0.1), 48_000)
    added, refused = add_folder(folder)
    assert added == 1
    assert sorted(Path(line.split(": ")[0]).name for line in refused) == sorted(name for _, name, _ in RECORDINGS)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../outside.wav", "outside"),
        ("sounds/../../outside.wav", "outside"),
        ("{tmp}/outside.wav", "outside"),
        ("link.wav", "outside"),
        ("loop.wav", "usable path"),
        ("~/outside.wav", "not in the scene"),
        ("file:///outside.wav", "not in the scene"),
        ("n" * 400 + ".wav", "usable path"),
        (".", "not in the scene"),
        ("$(touch made).wav", "not in the scene"),
    ],
)
@pytest.mark.parametrize("column", ["source", "image"])
def test_no_path_leaves_the_scene(path: str, reason: str, column: str, tmp_path: Path) -> None:
    (tmp_path / "outside.wav").write_bytes(wav(200) + bytes(200))
    rows: list[dict[str, object]] = [
        {"type": "sound_effect", "description": "a door", column: path.replace("{tmp}", str(tmp_path))}
    ]
    scene = scene_of(tmp_path / "scene", rows)
    (scene.folder / "link.wav").symlink_to(tmp_path / "outside.wav")
    (scene.folder / "loop.wav").symlink_to("loop.wav")
    _, faults = check(scene)
    errors = [fault for fault in faults if fault.severity == "error"]
    assert [(fault.row, fault.column) for fault in errors] == [("r01", column)]
    assert reason in errors[0].message and len(errors[0].message) < 400


# Words and names


LINES = [
    "{{ 7 * 7 }} {% raw %} {0} {name!r} %s %(x)d ${HOME} $((1+1))",
    "__import__('os').system('touch made')",
    "'; open('made', 'w'); '",
    "$(touch made) `touch made` | tee made; touch made && touch made > made",
    "../../made \\\\server\\made file:///made <script>made</script>",
    "=HYPERLINK(made) @SUM(1) [red]bold[/red] \\x1b[31m",
]


def test_no_line_is_run_or_filled_in(tmp_path: Path, toy_engines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows: list[dict[str, object]] = [
        {"type": "speech", "character": line, "description": line, "note": line} for line in LINES
    ]
    scene = scene_of(tmp_path / "scene", [*rows, *({"type": "sound_effect", "description": line} for line in LINES)])
    assert finish(scene).failed == []
    assert toy_engines == LINES + LINES
    manifest = json.loads(scene.manifest_path.read_text("utf-8"))
    assert [row["description"] for row in manifest["rows"]] == LINES + LINES
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith("made")]
    assert [path.name for path in tmp_path.iterdir()] == ["scene"]


@pytest.mark.parametrize("name", ['it\'s "quoted"', "𝄞 🎧 音", "two\nlines", "n" * 200, " spaces ", "-o", "%s{}"])
def test_a_scene_renders_whatever_it_and_its_people_are_called(name: str, tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"type": "speech", "character": name.replace("\n", " "), "description": "Hello."},
        {"type": "sound_effect", "description": "a door", "source": "the door.wav"},
    ]
    scene = scene_of(tmp_path / name, rows)
    soundfile.write(scene.folder / "the door.wav", np.full(24_000, 0.1), 48_000)
    finished = finish(scene)
    assert finished.failed == [] and Path(finished.mix).is_file()
    assert finish(scene).synthesized == 0


def test_a_key_is_nowhere_in_what_a_render_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-the-test")
    lines = ["LEAK", "Hello."]
    scene = scene_of(
        tmp_path / "scene", [{"type": "speech", "character": "Ann", "description": line} for line in lines]
    )
    finished = finish(scene)
    assert "the server refused ***" in finished.failed[0].message
    written = [path.read_bytes() for path in scene.folder.rglob("*") if path.is_file()]
    assert len(written) > 5 and not any(b"sk-secret" in data for data in [*written, str(finished).encode()])


# Disks


def render_program(scene: Scene, folder: Path, before: str = "pass") -> subprocess.CompletedProcess[str]:
    """`talescape render` with toy engines in a process of its own, after a line of Python."""
    toys = installed_toys(folder)
    scene.write_settings(Settings.model_validate(toys.settings))
    program = f"import cli, sys; {before}; sys.argv[1:] = ['render', {str(scene.folder)!r}]; cli.main()"
    return subprocess.run([sys.executable, "-c", program], env=toys.variables, capture_output=True, text=True)


@pytest.mark.skipif(os.name == "nt", reason="limits on file sizes are a POSIX thing")
@pytest.mark.parametrize(
    ("limit_bytes", "told", "clips_kept"),
    [(200_000, "row r02: its clip cannot be written", 1), (600_000, "the mix cannot be written", 3)],
    ids=["clips", "mix"],
)
def test_a_disk_that_refuses_ends_the_render_and_the_next_goes_on(
    limit_bytes: int, told: str, clips_kept: int, tmp_path: Path
) -> None:
    """A limit on the size of files stands for a full disk: writes fail with the file half written."""
    rows: list[dict[str, object]] = [
        {"type": "speech", "character": "Ann", "description": "Hi."},
        {"type": "sound_effect", "description": "a door", "duration": 2.5},
        {"type": "speech", "character": "Ann", "description": "Who?"},
    ]
    scene = scene_of(tmp_path / "scene", rows)
    limit = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit_bytes}, {limit_bytes}))"
    )
    done = render_program(scene, tmp_path / "limited", limit)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert told in last and "File too large" in last and "kept" in last
    assert len(list(scene.clips_dir.glob("*.wav"))) == clips_kept
    assert not scene.mix_path.exists() and not scene.manifest_path.exists()
    assert not list(scene.folder.rglob("*.part"))
    done = render_program(scene, tmp_path / "free")
    assert done.returncode == 0
    assert scene.manifest_path.is_file()


def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = scene_of(tmp_path / "scene", [{"type": "speech", "character": "Ann", "description": "Hi."}])

    def refuses(self: Path, *arguments: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuses)
    with pytest.raises(SceneInvalid, match="clips: cannot be written: Permission denied"):
        list(render(scene))


def test_a_limit_that_is_no_number_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = scene_of(tmp_path / "scene", [{"type": "speech", "character": "Ann", "description": "Hi."}])
    monkeypatch.setenv("TALESCAPE_ROW_LIMIT_S", "soon")
    with pytest.raises(ComposerError, match="TALESCAPE_ROW_LIMIT_S is 'soon'; give the seconds"):
        list(render(scene))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("seed = 'one'", "seed"),
        ("title = 3", "title"),
        ("cast = ['ann']", "cast"),
        ("[cast]\nAnn = 3", "cast.Ann"),
        ("[engines]\nspeech = true", "engines.speech"),
        ("mix = 5", "mix"),
        ("[mix]\ngap_s = nan", "mix.gap_s"),
        ("[mix]\nloudness_lufs = '-16 LUFS'", "mix.loudness_lufs"),
        ("seed = 99999999999999999999", "seed"),
        ("[[mix]]\nroom = 'hall'", "mix"),
        ("title = 'never closed", "scene.toml"),
        ("\x00\x01", "scene.toml"),
    ],
)
def test_settings_of_the_wrong_kind_name_their_key(text: str, place: str, tmp_path: Path) -> None:
    scene = scene_of(tmp_path / "scene", [{"type": "speech", "character": "Ann", "description": "Hi."}])
    scene.settings_path.write_text(text, "utf-8")
    with pytest.raises(SceneInvalid, match="scene.toml") as caught:
        list(render(scene))
    assert place in str(caught.value)
