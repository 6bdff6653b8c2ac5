"""The wheel carries everything and nothing too much: built, installed in a clean environment, used from `/`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
import soundfile

HOUSE = Path(__file__).parent.parent
LEFT_BEHIND = (".*", "__pycache__", "build", "dist", "scenes", "*.egg-info")
SCENE = '[engines]\nmusic = "composed"\nsound_effect = "library"\n[mix]\nroom = "none"\n'
TABLE = (
    "type,character,description,duration\n"
    "music,,calm piano,4\n"
    "speech,Narrator,The wheel turns.,\n"
    "sound_effect,,a cash register,\n"
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a copy of the tree, so that nothing is left in the tree itself."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(HOUSE, folder / "tree", ignore=shutil.ignore_patterns(*LEFT_BEHIND))
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(folder),
        str(folder / "tree"),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("talescape-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel, which sees the packages of this one and not its editable install."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install"]
    options = ["--quiet", "--no-index", "--no-deps", "--disable-pip-version-check"]
    done = subprocess.run([*command, *options, str(wheel)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # A folder named in a .pth file comes after the environment's own, and .pth files inside it do not count.
    places = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    site = next(folder.rglob("site-packages"))
    (site / "packages-of-the-tests.pth").write_text("\n".join(places))
    return python


def run_from_the_root(*command: str | Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "OPENAI_API_KEY")}
    done = subprocess.run([str(part) for part in command], cwd="/", env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_code_templates_voices_sounds_and_licences_and_no_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "cli.py", "composer", "models", "scripts_templates", "training",
    }  # fmt: skip
    for room in ("composer", "models", "scripts_templates", "training"):
        for path in (wheel.parent / "tree" / room).rglob("*"):
            wanted = path.relative_to(wheel.parent / "tree").as_posix()
            if path.is_file():
                assert wanted in names, f"{wanted} does not ship; name its suffix in pyproject's package-data"
    for needed in (
        "scripts_templates/plan_rows.j2",
        "scripts_templates/offline/news.j2",
        "models/speech/voices/kokoro.npz",
        "models/speech/voices/NOTICE",
        "models/music/soundfonts/composer.sf3",
        "models/effects/clips/index.csv",
        "models/effects/clips/vectors.npz",
    ):
        assert needed in names
    assert sum(name.endswith(".ogg") for name in names) > 40
    assert {name.split("/", 1)[1] for name in names if ".dist-info/" in name} >= {
        "entry_points.txt", "licenses/LICENSE", "licenses/NOTICE",
    }  # fmt: skip


def test_the_installed_program_is_the_wheels(installed: Path) -> None:
    program = "import cli, composer.scene, models.clip; print(cli.__file__, composer.scene.__file__, models.__file__)"
    places = run_from_the_root(installed, "-c", program).split()
    assert all(Path(place).is_relative_to(installed.parent.parent) for place in places)


@pytest.mark.slow
def test_it_plans_and_renders_from_the_root(wheel: Path, installed: Path, tmp_path: Path) -> None:
    talescape = installed.with_name("talescape")
    planned = run_from_the_root(
        talescape, "plan", "A news report about bees.", "--offline", "-o", tmp_path / "news", "--json"
    )
    assert json.loads(planned)["rows"] > 5
    scene = tmp_path / "scene"
    scene.mkdir()
    (scene / "scene.toml").write_text(SCENE)
    (scene / "script.csv").write_text(TABLE)
    done = json.loads(run_from_the_root(talescape, "render", scene, "--json"))
    assert (done["synthesized"], done["failed"]) == (3, [])
    assert soundfile.info(done["mix"]).duration == pytest.approx(done["duration_s"], abs=0.001)
    assert json.loads((scene / "manifest.json").read_text("utf-8"))["packages"]["talescape"] == wheel.name.split("-")[1]
