"""The library finds clips by meaning and credits them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

import cli
from composer.library import add_folder, search
from composer.orders import POOR_FIT, choose_engine
from models.clip import read_clip
from models.effects import clip_index, library
from models.engines import SoundQuery
from models.errors import ModelError


@pytest.fixture(autouse=True)
def own_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TALESCAPE_LIBRARY", str(tmp_path / "library"))
    library._whole_index.cache_clear()
    return tmp_path


def recordings(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names, 1):
        soundfile.write(folder / name, 0.1 * np.sin(np.arange(16_000) * number / 10), 16_000)
    return folder


@pytest.mark.parametrize(
    ("words", "clip"),
    [
        ("the shop till goes ka-ching", "perc_till.ogg"),
        ("somebody belches", "misc_burp.ogg"),
        ("a raven's cry", "misc_crow.ogg"),
        ("snare drum rolling", "drum_roll.ogg"),
        ("old gramophone crackling", "vinyl_hiss.ogg"),
        ("cracking a whip", "perc_snap2.ogg"),
    ],
)
def test_bundled_clips_are_found_by_meaning(words: str, clip: str) -> None:
    assert Path(str(search(words)[0]["path"])).name == clip


@pytest.mark.parametrize("words", ["a dog barking", "heavy rain on a tin roof", "children laughing", "zxqv"])
def test_what_is_not_there_scores_low(words: str) -> None:
    assert library.Library().fit(SoundQuery(words)).score < 0.3


def test_every_bundled_clip_is_whole_credited_and_free(own_library: Path) -> None:
    with (clip_index.BUNDLED / "index.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["file"] for row in rows} == {path.name for path in clip_index.BUNDLED.glob("*.ogg")}
    for row in rows:
        assert row["licence"] == "CC0-1.0" and row["author"] and row["link"].startswith("https://")
        assert read_clip(clip_index.BUNDLED / row["file"]).duration_s == pytest.approx(
            float(row["duration_s"]), abs=0.02
        )


def test_stored_vectors_are_those_of_the_texts() -> None:
    stored = clip_index.bundled_clips()
    fresh = clip_index.index_of(stored.clips)
    assert np.array_equal(stored.owners, fresh.owners)
    assert np.abs(stored.vectors - fresh.vectors).max() < 2e-3


def test_a_folder_is_added_searched_and_read_anew(own_library: Path) -> None:
    folder = recordings(own_library / "mine", "Hound-howling_02.wav", "kettle.wav")
    (folder / "broken.wav").write_bytes(b"not audio")
    (folder / "notes.txt").write_text("ignored")
    added, refused = add_folder(folder)
    assert added == 2
    assert len(refused) == 1 and "broken.wav" in refused[0]
    library._whole_index.cache_clear()
    best = search("a wolf howls")[0]
    assert best["text"] == "hound howling" and best["path"] == str((folder / "Hound-howling_02.wav").resolve())
    (folder / "library.csv").write_text("file,text,licence,author\nkettle.wav,a steam train whistles,CC-BY-4.0,Zoe\n")
    assert add_folder(folder)[0] == 2
    library._whole_index.cache_clear()
    best = search("train whistle")[0]
    assert (best["licence"], best["author"]) == ("CC-BY-4.0", "Zoe")
    assert len(clip_index.user_clips().clips) == 2


def test_links_count_as_files_of_their_folder_and_are_not_doubled_by_adding_again(own_library: Path) -> None:
    folder = recordings(own_library / "mine", "owl.wav")
    (folder / "far.wav").symlink_to(recordings(own_library / "elsewhere", "wolf.wav") / "wolf.wav")
    (folder / "loop").symlink_to(folder)
    (folder / "gone.wav").symlink_to(own_library / "nowhere.wav")
    for _ in range(2):
        added, refused = add_folder(folder)
        assert added == 2 and len(refused) == 1 and "gone.wav: is a link to a file that is not there" in refused[0]
        assert [Path(clip.path).name for clip in clip_index.user_clips().clips] == ["far.wav", "owl.wav"]


def test_a_recording_that_was_moved_away_is_passed_over(own_library: Path) -> None:
    folder = recordings(own_library / "mine", "zeppelin.wav", "airship.wav")
    add_folder(folder)
    library._whole_index.cache_clear()
    assert search("zeppelin")[0]["text"] == "zeppelin"
    (folder / "zeppelin.wav").unlink()
    found = search("zeppelin")
    assert found[0]["text"] == "airship" and all(Path(clip["path"]).is_file() for clip in found)
    assert "airship" in library.Library().fit(SoundQuery("zeppelin")).because


def test_an_empty_folder_and_a_line_for_a_missing_recording_are_told(own_library: Path) -> None:
    empty = own_library / "empty"
    empty.mkdir()
    added, refused = add_folder(empty)
    assert added == 0 and "holds no recordings; .aif" in refused[0]
    assert CliRunner().invoke(cli.app, ["library", "add", str(empty)]).exit_code == 1
    folder = recordings(own_library / "mine", "owl.wav")
    (folder / "library.csv").write_text("file,text,licence,author,link\nowl.wav,an owl,CC0,,\nelk.wav,an elk,CC0,,\n")
    added, refused = add_folder(folder)
    assert added == 1 and len(refused) == 1 and "names 'elk.wav', which is not a recording here" in refused[0]


def test_a_recording_that_is_taken_away_leaves_the_index_when_its_folder_is_added_again(own_library: Path) -> None:
    folder = recordings(own_library / "mine", "owl.wav", "elk.wav")
    add_folder(folder)
    (folder / "elk.wav").unlink()
    assert add_folder(folder)[0] == 1
    assert [clip.text for clip in clip_index.user_clips().clips] == ["owl"]


@pytest.mark.parametrize("words", ["", "  "])
def test_a_search_without_words_is_refused(words: str) -> None:
    with pytest.raises(ModelError, match="no words"):
        search(words)


def test_auto_takes_the_users_own_parrot_where_nothing_is_computed_for_it(own_library: Path) -> None:
    words = SoundQuery("a parrot squawks in the distance")
    assert library.Library().fit(words).score < POOR_FIT
    add_folder(recordings(own_library / "mine", "Parrot-Squawking_01.wav"))
    library._whole_index.cache_clear()
    name, fit = choose_engine("sound_effect", words)
    assert name == "library" and fit.score > POOR_FIT and "'parrot squawking'" in fit.because
    assert choose_engine("sound_effect", SoundQuery("rain on the roof"))[0] == "procedural"


def test_a_damaged_index_says_how_to_mend_it(own_library: Path) -> None:
    add_folder(recordings(own_library / "mine", "a.wav"))
    (own_library / "library" / "clips.json").write_text("[{]")
    with pytest.raises(ModelError, match="delete it and add"):
        clip_index.user_clips()


def test_a_folder_that_is_none_is_refused(own_library: Path) -> None:
    with pytest.raises(ModelError, match="not a folder"):
        add_folder(own_library / "nowhere")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Door-Slam_02 (take 3)", "door slam"),
        ("glassBreak", "glass break"),
        ("001", "001"),
        ("rain.heavy", "rain heavy"),
    ],
)
def test_file_names_become_words(name: str, text: str) -> None:
    assert clip_index.text_of_name(name) == text


@pytest.mark.parametrize("bed", [True, False])
@pytest.mark.parametrize("duration_s", [0.05, 2.0, 25.0])
def test_clips_come_in_any_length(duration_s: float, bed: bool) -> None:
    clip = library.Library().generate(SoundQuery("drum roll", bed=bed), duration_s=duration_s, seed=0)
    assert clip.n_samples == round(duration_s * clip.sample_rate)
    assert clip.credits["licence"] == "CC0-1.0"
    quiet = np.abs(clip.samples[:, -clip.n_samples // 4 :]).max() < 1e-4
    assert quiet == (duration_s == 25.0 and not bed)  # an event rings out, a bed goes on


def test_repeats_keep_the_level_even() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, (1, 16_000)).astype(np.float32)
    long = library._repeated(noise, 100_000, 4_000)
    power = (long**2).reshape(-1, 2_000).mean(axis=1)
    assert power.max() / power.min() < 1.6
