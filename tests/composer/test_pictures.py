"""Pictures: every kind that people have becomes a small upright JPEG, and what is no picture is told."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from composer import pictures
from composer.errors import StoryUnreadable
from composer.pictures import LONG_SIDE, picture_part


def seen(path: Path) -> Image.Image:
    """The picture as the model gets it."""
    part = picture_part(path)
    assert part["type"] == "image_url"
    url = part["image_url"]["url"]  # type: ignore[index]
    head, data = url.split(",", 1)
    assert head == "data:image/jpeg;base64"
    picture = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
    picture.load()
    assert picture.format == "JPEG" and picture.mode == "RGB" and max(picture.size) <= LONG_SIDE
    return picture


def assert_near(colour: object, other: tuple[int, int, int]) -> None:
    assert isinstance(colour, tuple) and all(abs(one - two) <= 12 for one, two in zip(colour, other, strict=True)), (
        colour
    )


@pytest.mark.parametrize(
    ("mode", "colour", "shown", "suffix"),
    [
        ("RGB", (200, 60, 20), (200, 60, 20), "jpg"),
        ("RGB", (200, 60, 20), (200, 60, 20), "webp"),
        ("RGB", (200, 60, 20), (200, 60, 20), "bmp"),
        ("CMYK", (0, 255, 255, 0), (255, 0, 0), "jpg"),
        ("CMYK", (255, 0, 0, 0), (0, 255, 255), "tif"),
        ("L", 90, (90, 90, 90), "png"),
        ("LA", (90, 255), (90, 90, 90), "png"),
        ("1", 1, (255, 255, 255), "png"),
        ("I;16", 90 * 256, (90, 90, 90), "png"),
        ("RGBA", (200, 60, 20, 0), (255, 255, 255), "png"),
        ("RGBA", (0, 0, 0, 128), (127, 127, 127), "png"),
    ],
)
def test_every_mode_of_colour_is_seen_as_it_looks(
    tmp_path: Path, mode: str, colour: object, shown: tuple[int, int, int], suffix: str
) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.new(mode, (64, 48), colour).save(path)  # type: ignore[arg-type]
    assert_near(seen(path).getpixel((30, 20)), shown)


def test_a_palette_with_a_transparent_colour_is_seen_on_white(tmp_path: Path) -> None:
    picture = Image.new("P", (64, 48), 1)
    picture.putpalette([0, 0, 0, 200, 60, 20])
    picture.paste(0, (32, 0, 64, 48))
    picture.save(tmp_path / "a.gif", transparency=0)
    small = seen(tmp_path / "a.gif")
    assert_near(small.getpixel((10, 20)), (200, 60, 20))
    assert_near(small.getpixel((50, 20)), (255, 255, 255))


def test_of_an_animation_the_first_picture_is_seen(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (64, 48), colour) for colour in ("red", "lime", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=50)
    assert_near(seen(tmp_path / "a.gif").getpixel((30, 20)), (255, 0, 0))


def test_a_camera_held_sideways_is_turned_upright_and_its_notes_are_left_out(tmp_path: Path) -> None:
    picture = Image.new("RGB", (120, 60), "blue")
    picture.paste("red", (0, 0, 60, 60))  # the left half, which is the top once it is turned by 90 degrees
    exif = picture.getexif()
    exif[0x0112] = 6
    exif[0x010E] = "taken at 52.1 N by Anna"
    picture.save(tmp_path / "a.jpg", exif=exif, quality=95)
    small = seen(tmp_path / "a.jpg")
    assert small.size == (60, 120)
    assert_near(small.getpixel((30, 20)), (255, 0, 0))
    assert_near(small.getpixel((30, 100)), (0, 0, 255))
    assert len(small.getexif()) == 0
    assert "Anna" not in base64.b64decode(str(picture_part(tmp_path / "a.jpg")).split(",")[2][:-3] + "==").decode(
        "latin-1"
    )


def test_words_hidden_in_a_picture_are_left_out(tmp_path: Path) -> None:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "secret place")
    Image.new("RGB", (64, 48)).save(tmp_path / "a.png", pnginfo=notes)
    assert "secret" not in str(seen(tmp_path / "a.png").info)


@pytest.mark.parametrize(
    ("size", "small"), [((4000, 1000), (1024, 256)), ((30, 3000), (10, 1024)), ((64, 48), (64, 48))]
)
def test_large_pictures_shrink_in_proportion_and_small_ones_stay(
    tmp_path: Path, size: tuple[int, int], small: tuple[int, int]
) -> None:
    Image.new("RGB", size, "teal").save(tmp_path / "a.png")
    assert seen(tmp_path / "a.png").size == small


def test_the_name_of_the_file_decides_nothing(tmp_path: Path) -> None:
    Image.new("RGB", (64, 48), "red").save(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").rename(tmp_path / "a.txt")
    assert seen(tmp_path / "a.txt").size == (64, 48)


@pytest.mark.parametrize("size", [(1, 1), (15, 200), (20, 2100)])
def test_pictures_in_which_nothing_can_be_seen_are_told(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size).save(tmp_path / "a.png")
    with pytest.raises(StoryUnreadable, match=rf"a.png: has {size[0]} x {size[1]} pixels, in which nothing"):
        picture_part(tmp_path / "a.png")


def test_a_picture_of_too_many_pixels_is_told_before_it_is_read(tmp_path: Path) -> None:
    Image.new("1", (12_000, 8_000)).save(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size < 200_000
    with pytest.raises(StoryUnreadable, match="12000 x 8000 pixels; shrink it"):
        picture_part(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "webp"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_picture_that_was_cut_off_is_told(tmp_path: Path, suffix: str, share: float) -> None:
    whole = tmp_path / f"a.{suffix}"
    Image.effect_noise((300, 200), 80).convert("RGB").save(whole)
    data = whole.read_bytes()
    whole.write_bytes(data[: int(share * len(data))])
    with pytest.raises(StoryUnreadable, match=f"a.{suffix}"):
        picture_part(whole)


@pytest.mark.parametrize("data", [b"", b"Once upon a time", b"\x00" * 5000, b"%PDF-1.7", b"RIFF\x00\x00\x00\x00WAVE"])
def test_what_is_no_picture_is_told(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(StoryUnreadable, match=r"a.png: is no picture that can be read; give a JPEG, PNG, WebP or GIF"):
        picture_part(tmp_path / "a.png")


def test_a_picture_that_is_missing_a_folder_or_too_large_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StoryUnreadable, match=r"none.png: cannot be read \(No such file or directory\)"):
        picture_part(tmp_path / "none.png")
    with pytest.raises(StoryUnreadable, match="is a folder; give the picture itself"):
        picture_part(tmp_path)
    with pytest.raises(StoryUnreadable, match="cannot be read"):
        picture_part(Path("a\x00b.png"))
    with (tmp_path / "vast.png").open("wb") as file:
        os.truncate(file.fileno(), pictures.MAX_BYTES + 1)
    with pytest.raises(StoryUnreadable, match="larger than 50 MB"):
        picture_part(tmp_path / "vast.png")
