"""Gathers the pictures that the encoder learns from, out of unpacked packages, into one folder with one table.

Sources, all optional but the first: @iconify/json (npm: emoji and icon sets as SVG), @lobehub/fluent-emoji-3d (npm),
emojibase-data (npm: the words of an emoji), tuxpaint-stamps-default (Debian), pictures.csv and its photographs
(Tiny-ImageNet and Caltech-101 classes), and our own drawings. Conventions: every picture becomes 64 x 64 RGBA;
the table's columns are those of `training.pictures.Row`.

    python -m training.gather_pictures --iconify DIR --fluent-3d DIR --emojibase DIR --stamps DIR --photos DIR --out DIR
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

from PIL import Image

from models.encoders.pictures import squared
from training.concepts import Concept, sound_concepts
from training.drawn_chainsaws import N_DRAWINGS, chainsaw_svg
from training.pictures import SIDE

COLOUR_EMOJI = (
    "twemoji",
    "noto",
    "fluent-emoji-flat",
    "fluent-emoji",
    "noto-v1",
    "emojione",
    "fxemoji",
    "streamline-emojis",
)
EMOJI = (*COLOUR_EMOJI, "openmoji", "emojione-monotone", "fluent-emoji-high-contrast")
"""Sets whose every picture is used, whatever it shows; of the others only what shows a sounding thing."""
HELD_OUT_STYLES = ("openmoji", "stamps", "ph")
NOT_FOR_TRAINING = ("GPL", "SA", "NC")
"""Licences with these words in their names: such sets are looked at in tests, never learned from."""
NO_PICTURES = ("Logos", "Flags", "Programming")
MOST_ICONS = 60
"""Pictures a concept gets at most from icon sets, so that clocks do not drown chainsaws."""
FINISH = frozenset(
    "outline outlined line filled fill bold broken linear duotone solid thin light regular rounded round sharp "
    "baseline twotone two tone remix flat duo mono color ios md o 01 02 03 04 05 06 16 20 24 28 32 48".split()
)
COLUMNS = ("path", "concept", "label", "words", "style", "split", "licence")


def plain_name(name: str) -> str:
    """An icon's name without what only tells how it is drawn, and without hyphens: "dog-outline" is "dog"."""
    return "".join(part for part in name.lower().split("-") if part not in FINISH)


def held_out(style: str, name: str) -> bool:
    """Whole styles are held out, and one photograph in ten, chosen by its name."""
    return style in HELD_OUT_STYLES or (style.startswith("photo") and crc32(name.encode()) % 10 == 0)


def drawn(svg: str) -> Image.Image:
    """An SVG as RGBA, 2 SIDE wide."""
    try:
        import resvg_py  # type: ignore[import-not-found]
    except ImportError as error:
        raise SystemExit("drawing SVG needs resvg-py; pip install resvg-py") from error
    return Image.open(io.BytesIO(resvg_py.svg_to_bytes(svg_string=svg, width=SIDE * 2))).convert("RGBA")


def emoji_words(folder: Path) -> dict[str, tuple[str, list[str]]]:
    """Plain name -> (label, keywords), and hexcode -> the same, from emojibase."""
    words = {}
    for entry in json.loads((folder / "en" / "data.json").read_text("utf-8")):
        said = (entry["label"].replace(":", ""), entry.get("tags", []))
        words[re.sub(r"[^a-z0-9]", "", entry["label"].lower())] = said
        words[entry["hexcode"].lower()] = said
    return words


Found = tuple[str, Concept | None, str, list[str], str, str, Image.Image]
"""name, concept, label, words, style, licence, picture"""


def iconify(folder: Path, words: dict[str, tuple[str, list[str]]], shown: dict[str, Concept]) -> Iterator[Found]:
    """Emoji of the sets in EMOJI, and from every other set the icons whose name is that of a sounding thing."""
    per_concept: Counter[str] = Counter()
    collections = json.loads((folder / "collections.json").read_text("utf-8"))
    for style in sorted(collections, key=lambda name: crc32(name.encode())):
        about = collections[style]
        path = folder / "json" / f"{style}.json"
        if (
            style == "emojione-v1"
            or any(kind in about.get("category", "") for kind in NO_PICTURES)
            or not path.is_file()
        ):
            continue
        icons: dict[str, Any] = json.loads(path.read_text("utf-8"))
        for name, icon in icons["icons"].items():
            plain = plain_name(name)
            concept = shown.get(plain)
            if style in EMOJI:
                if (
                    re.search(r"skin|flag|keycap|button|oclock|-(medium|dark|light)$|(woman|man)-.*-hair", name)
                    and concept is None
                ):
                    continue
                label, tags = words.get(plain, (name.replace("-", " "), []))
                if style == "openmoji" and plain not in words and concept is None:
                    continue
            elif concept is None:
                continue
            else:
                label, tags = concept.name, []
                if style not in HELD_OUT_STYLES:
                    per_concept[concept.name] += 1
                    if per_concept[concept.name] > MOST_ICONS:
                        continue
            svg = svg_of(icon, icons)
            try:
                picture = drawn(svg)
            except ValueError:
                continue
            yield name, concept, label, tags, style, about["license"]["title"], picture


def svg_of(icon: dict[str, Any], icons: dict[str, Any]) -> str:
    """Iconify's body as a whole SVG; sizes fall back on the set's."""
    left, top = icon.get("left", icons.get("left", 0)), icon.get("top", icons.get("top", 0))
    width, height = icon.get("width", icons.get("width", 16)), icon.get("height", icons.get("height", 16))
    body = icon["body"].replace("currentColor", "#000000")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{width}" height="{height}" viewBox="{left} {top} {width} {height}">{body}</svg>'
    )


def fluent_3d(folder: Path, words: dict[str, tuple[str, list[str]]], shown: dict[str, Concept]) -> Iterator[Found]:
    for path in sorted((folder / "assets").glob("*.webp")):
        said = words.get(path.stem) or words.get(f"{path.stem}-fe0f")
        if said is None:
            continue
        label, tags = said
        concept = shown.get(re.sub(r"[^a-z0-9]", "", label.lower()))
        yield path.stem, concept, label, tags, "fluent-3d", "MIT", Image.open(path)


def stamps(folder: Path, shown: dict[str, Concept]) -> Iterator[Found]:
    """Stamps whose sentence, without its article, names a sounding thing ("A colorful rooster." is a rooster)."""
    for sentence_file in sorted(folder.rglob("*.txt")):
        sentence = sentence_file.read_text("utf-8", errors="replace").splitlines()[0].strip(" .!")
        path = sentence_file.with_suffix(".png")
        last = re.sub(r"[^a-z0-9]", "", sentence.lower().split(" ")[-1])
        concept = shown.get(re.sub(r"^(a|an|the|some)", "", re.sub(r"[^a-z0-9]", "", sentence.lower()))) or shown.get(
            last
        )
        if path.is_file() and concept is not None:
            yield path.stem, concept, sentence.lower(), [], "stamps", "GPL-2", Image.open(path)


def photographs(folder: Path, table: Path, concepts: list[Concept]) -> Iterator[Found]:
    of_label = {label: concept for concept in concepts for label in concept.photos}
    with table.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            caltech = row["member"].startswith("caltech/")
            style, licence = ("photo-caltech", "CC BY 4.0") if caltech else ("photo-tiny-imagenet", "ImageNet terms")
            name = row["member"].replace("/", "_").rsplit(".", 1)[0]
            yield name, of_label.get(row["label"]), row["label"], [], style, licence, Image.open(folder / row["member"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--iconify", type=Path, required=True, help="the folder with collections.json and json/")
    parser.add_argument("--emojibase", type=Path, required=True, help="the folder with en/data.json")
    parser.add_argument("--fluent-3d", type=Path, help="the folder with assets/")
    parser.add_argument("--stamps", type=Path, help="the folder of stamps")
    parser.add_argument("--photos", type=Path, help="the folder with the members of pictures.csv")
    parser.add_argument("--photos-table", type=Path, help="pictures.csv")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()

    concepts = sound_concepts()
    shown = {name: concept for concept in reversed(concepts) for name in concept.pictures}
    words = emoji_words(given.emojibase)
    sources: list[Found] = [
        (f"chainsaw-{seed}", shown["chainsaw"], "chainsaw", [], "own", "Apache-2.0", drawn(chainsaw_svg(seed)))
        for seed in range(N_DRAWINGS)
    ]
    found: list[Iterator[Found]] = [iter(sources), iconify(given.iconify, words, shown)]
    if given.fluent_3d:
        found.append(fluent_3d(given.fluent_3d, words, shown))
    if given.stamps:
        found.append(stamps(given.stamps, shown))
    if given.photos:
        found.append(photographs(given.photos, given.photos_table, concepts))
    given.out.mkdir(parents=True, exist_ok=True)
    n_written: Counter[str] = Counter()
    with (given.out / "pictures.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for source in found:
            for name, concept, label, tags, style, licence, picture in source:
                split = "validate" if held_out(style, name) else "train"
                if split == "train" and any(word in licence for word in NOT_FOR_TRAINING):
                    continue
                path = Path(style) / f"{name}.png"
                (given.out / style).mkdir(exist_ok=True)
                squared(picture.convert("RGBA"), SIDE).save(given.out / path, compress_level=1)
                concept_name = concept.name if concept else ""
                table.writerow([path, concept_name, label, ";".join(tags), style, split, licence])
                n_written[split] += 1
    print(f"{given.out / 'pictures.csv'}: {dict(n_written)}")


if __name__ == "__main__":
    main()
