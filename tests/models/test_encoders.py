"""Encoders: any picture file, published nets as they are, and the bundled one."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.encoders import REGISTRY, encoder, unit
from models.encoders.pictures import open_picture, square_colours
from models.errors import EncoderUnknown, EngineUnavailable, ModelError, PictureUnreadable


def test_an_unknown_encoder_is_told_which_there_are() -> None:
    with pytest.raises(EncoderUnknown, match="clap.*bundled, open_clip"):
        encoder("clap")


def test_unit_vectors_have_length_one_and_zero_stays_zero() -> None:
    vectors = np.array([[3.0, 4.0], [0.0, 0.0]], np.float32)
    assert np.allclose(unit(vectors), [[0.6, 0.8], [0, 0]])


# Pictures ----------------------------------------------------------------------------------------------------------


def test_an_opaque_picture_is_cut_to_its_centre(tmp_path: Path) -> None:
    wide = np.zeros((40, 120, 3), np.uint8)
    wide[:, 40:80] = (255, 0, 0)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    colours = square_colours(tmp_path / "wide.png", 16)
    assert colours.shape == (16, 16, 3)
    assert (colours[2:-2, 2:-2] == (255, 0, 0)).all()


def test_a_drawing_on_nothing_is_padded_and_laid_on_white(tmp_path: Path) -> None:
    drawing = np.zeros((20, 60, 4), np.uint8)
    drawing[:, 10:50] = (0, 0, 255, 255)
    Image.fromarray(drawing).save(tmp_path / "drawing.png")
    colours = square_colours(tmp_path / "drawing.png", 60)
    assert (colours[:18] == 255).all() and (colours[42:] == 255).all()
    assert (colours[22:38, 12:48] == (0, 0, 255)).all()


def test_a_single_pixel_is_a_picture(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), (10, 20, 30)).save(tmp_path / "one.png")
    assert (square_colours(tmp_path / "one.png", 8) == (10, 20, 30)).all()


def test_of_an_animation_the_first_frame_counts(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (9, 9), colour) for colour in ((250, 0, 0), (0, 250, 0))]
    frames[0].save(tmp_path / "two.gif", save_all=True, append_images=frames[1:])
    assert square_colours(tmp_path / "two.gif", 4)[0, 0].tolist() == [250, 0, 0]


@pytest.mark.parametrize("mode", ["CMYK", "L", "1", "P", "LA", "YCbCr"])
def test_every_colour_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("grey.jpg" if mode in ("CMYK", "YCbCr") else "grey.png")
    Image.new("RGB", (30, 30), (255, 255, 255)).convert(mode).save(path)
    assert open_picture(path).mode in ("RGB", "RGBA")
    assert square_colours(path, 6).min() >= 250


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    Image.fromarray(np.full((10, 10), 32_896, np.uint16)).save(tmp_path / "deep.png")
    assert (np.abs(square_colours(tmp_path / "deep.png", 4).astype(int) - 128) <= 1).all()


def test_the_camera_held_sideways_is_turned_back(tmp_path: Path) -> None:
    half = np.zeros((40, 40, 3), np.uint8)
    half[:20] = 255
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    Image.fromarray(half).save(tmp_path / "turned.png", exif=exif)
    colours = square_colours(tmp_path / "turned.png", 40)
    assert colours[5].max() == 0 and colours[35].min() == 255


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "gif"])
def test_a_truncated_picture_is_refused_by_name(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"broken.{ending}"
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(PictureUnreadable, match=f"broken.{ending}"):
        square_colours(path, 8)


@pytest.mark.parametrize("content", [b"", b"no picture at all", b"RIFF\0\0\0\0WAVEfmt "])
def test_what_is_no_picture_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "song.png").write_bytes(content)
    with pytest.raises(PictureUnreadable, match="song.png.*use PNG"):
        open_picture(tmp_path / "song.png")


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(PictureUnreadable, match="is not there"):
        open_picture(tmp_path / "none.png")
    with pytest.raises(PictureUnreadable, match="is not a file"):
        open_picture(tmp_path)


@pytest.mark.parametrize("side", [60_000, 12_500])
def test_a_picture_that_would_fill_the_memory_is_refused_before_it_is_unpacked(tmp_path: Path, side: int) -> None:
    bitmap = bytearray(b"BM" + bytes(52))
    bitmap[10], bitmap[14] = 54, 40
    bitmap[18:26] = side.to_bytes(4, "little") * 2
    bitmap[26], bitmap[28] = 1, 24
    (tmp_path / "huge.bmp").write_bytes(bytes(bitmap))
    with pytest.raises(PictureUnreadable, match="huge.bmp: .*make it smaller"):
        open_picture(tmp_path / "huge.bmp")


# Published encoders ------------------------------------------------------------------------------------------------

TINY = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}


def saved_tiny_net(folder: Path, *, quick_gelu: bool = False) -> object:
    """A tiny CLIP with random weights, saved as open_clip publishes its nets; returns the net itself."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(3)
    net = open_clip.CLIP(
        TINY["embed_dim"],
        open_clip.CLIPVisionCfg(**TINY["vision_cfg"]),  # type: ignore[arg-type]
        open_clip.CLIPTextCfg(**TINY["text_cfg"]),  # type: ignore[arg-type]
        quick_gelu=quick_gelu,
    ).eval()
    with torch.no_grad():  # as initialised, nothing depends on the activation
        for name, parameter in net.named_parameters():
            if parameter.ndim == 2 and "embedding" not in name:
                parameter.mul_(6)
    config = {"model_cfg": TINY | {"quick_gelu": quick_gelu}, "preprocess_cfg": {"mean": [0.4] * 3, "std": [0.3] * 3}}
    folder.mkdir(exist_ok=True)
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    save_file(
        {name: value.contiguous() for name, value in net.state_dict().items()}, folder / "open_clip_model.safetensors"
    )
    return net


@pytest.mark.parametrize("quick_gelu", [False, True])
def test_a_published_net_gives_the_vectors_of_a_direct_pass(tmp_path: Path, quick_gelu: bool) -> None:
    import open_clip
    import torch

    net = saved_tiny_net(tmp_path / "net", quick_gelu=quick_gelu)
    colours = np.random.default_rng(2).integers(0, 255, (32, 32, 3), np.uint8)
    Image.fromarray(colours).save(tmp_path / "noise.png")
    ours = encoder(f"open_clip:{tmp_path / 'net'}")

    by_hand = (torch.from_numpy(colours).permute(2, 0, 1)[None].float() / 255 - 0.4) / 0.3
    with torch.inference_mode():
        image = net.encode_image(by_hand).numpy()  # type: ignore[attr-defined]
        text = net.encode_text(open_clip.tokenize(["a dog barking", "rain"])).numpy()  # type: ignore[attr-defined]
    assert ours.n_dimensions == 24
    assert np.allclose(ours.pictures([tmp_path / "noise.png"]), image, atol=1e-5)
    assert np.allclose(ours.texts(["a dog barking", "rain"]), text, atol=1e-5)
    assert not np.allclose(np.linalg.norm(text, axis=1), 1, atol=0.01)  # raw, as CLIPSep wants them


def test_token_states_are_those_that_the_vector_is_read_from(tmp_path: Path) -> None:
    """The state at the end of the words, projected, is the vector; padding is marked as no word."""
    pytest.importorskip("open_clip")
    from models.encoders.published import open_clip as published

    net = saved_tiny_net(tmp_path / "net")
    vectors, states, mask = published(str(tmp_path / "net")).text_states(["rain", "a dog"])
    assert mask.sum(axis=1).tolist() == [3, 4] and states.shape == (2, 77, 32)
    ends = states[[0, 1], mask.sum(axis=1) - 1]
    assert np.allclose(ends @ net.text_projection.detach().numpy(), vectors, atol=1e-4)  # type: ignore[attr-defined]
    assert np.allclose(vectors, published(str(tmp_path / "net")).texts(["rain", "a dog"]), atol=1e-5)


def test_a_file_under_a_published_name_gets_that_publications_quick_gelu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import open_clip
    import torch

    net = saved_tiny_net(tmp_path / "net", quick_gelu=True)
    (tmp_path / "tiny-tale.json").write_text(json.dumps(TINY))
    open_clip.add_model_config(tmp_path / "tiny-tale.json")
    tags = {"house": {"url": "https://example.org/tiny.pt", "quick_gelu": True, "mean": (0.5,) * 3, "std": (0.5,) * 3}}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "tiny-tale", tags)
    for name in ("tiny.pt", "other.pt"):
        torch.save(net.state_dict(), tmp_path / name)  # type: ignore[attr-defined]
    with torch.inference_mode():
        text = net.encode_text(open_clip.tokenize(["rain"])).numpy()  # type: ignore[attr-defined]
    known = encoder(f"open_clip:tiny-tale/{tmp_path / 'tiny.pt'}")
    assert known.version.endswith("-quickgelu")
    assert np.allclose(known.texts(["rain"]), text, atol=1e-5)
    assert not np.allclose(encoder(f"open_clip:tiny-tale/{tmp_path / 'other.pt'}").texts(["rain"]), text, atol=1e-2)


def test_a_published_tag_is_read_from_the_hubs_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import open_clip
    import torch

    net = saved_tiny_net(tmp_path / "net")
    (tmp_path / "tiny-cached.json").write_text(json.dumps(TINY))
    open_clip.add_model_config(tmp_path / "tiny-cached.json")
    tags = {"house": {"hf_hub": "house/tiny/", "mean": (0.4,) * 3, "std": (0.3,) * 3}}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "tiny-cached", tags)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(EngineUnavailable, match="hf download house/tiny"):
        encoder("open_clip:tiny-cached/house")
    cached = tmp_path / "hub" / "models--house--tiny"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text("abc")
    (cached / "snapshots").mkdir()
    (tmp_path / "net").rename(cached / "snapshots" / "abc")
    Image.new("RGB", (32, 32), (255, 0, 51)).save(tmp_path / "plain.png")
    by_hand = (torch.tensor([1, 0, 0.2]).view(1, 3, 1, 1).expand(1, 3, 32, 32) - 0.4) / 0.3
    with torch.inference_mode():
        image = net.encode_image(by_hand).numpy()  # type: ignore[attr-defined]
    assert np.allclose(encoder("open_clip:tiny-cached/house").pictures([tmp_path / "plain.png"]), image, atol=1e-5)


def test_weights_that_are_not_here_come_with_the_way_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(EngineUnavailable, match="hf download timm/vit_base_patch32_clip_224.openai"):
        encoder("open_clip:ViT-B-32/openai")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("open_clip:ViT-B-32", "name a model and a checkpoint"),
        ("open_clip:ViT-B-33/openai", "no model 'ViT-B-33'.*ViT-B-32"),
        ("open_clip:ViT-B-32/nowhere", "neither a file nor a checkpoint of ViT-B-32.*openai"),
    ],
)
def test_a_misspelt_net_is_answered_with_those_there_are(name: str, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        encoder(name)


def test_a_checkpoint_with_code_in_it_is_refused(tmp_path: Path) -> None:
    saved_tiny_net(tmp_path / "net")
    (tmp_path / "net" / "open_clip_model.safetensors").unlink()
    (tmp_path / "net" / "open_clip_pytorch_model.bin").write_bytes(pickle.dumps(Path("/")))
    with pytest.raises(ModelError, match="open_clip_pytorch_model.bin: cannot be loaded"):
        encoder(f"open_clip:{tmp_path / 'net'}")


# The bundled encoder -----------------------------------------------------------------------------------------------


def saved_small_encoder(folder: Path) -> Path:
    """An encoder's folder with random weights, as training writes it."""
    import torch
    from safetensors.torch import save_file

    from models.encoders.tower import ImageTower, TextHead

    torch.manual_seed(5)
    image = ImageTower(widths=(8, 12), depths=(1, 1), n_dimensions=16)
    text = TextHead(n_sentence=384, n_hidden=8, n_dimensions=16)
    tensors = {f"image.{name}": value.half() for name, value in image.state_dict().items() if "num_batches" not in name}
    tensors |= {f"text.{name}": value.half() for name, value in text.state_dict().items()}
    tensors |= {"image_mean": torch.full((16,), 0.1).half(), "text_mean": torch.full((16,), -0.1).half()}
    folder.mkdir(parents=True)
    save_file({name: value.contiguous() for name, value in tensors.items()}, folder / "model.safetensors")
    config = {"format": "talescape-encoder/1", "version": "v", "widths": [8, 12], "depths": [1, 1]}
    (folder / "config.json").write_text(json.dumps(config | {"n_hidden": 8, "n_dimensions": 16}))
    return folder


def test_a_picture_has_the_same_vector_alone_and_in_company(tmp_path: Path) -> None:
    paths = []
    for index, colour in enumerate([(200, 10, 10), (10, 200, 10), (10, 10, 200)]):
        paths.append(tmp_path / f"{index}.png")
        Image.new("RGB", (70, 50), colour).save(paths[-1])
    ours = encoder(f"bundled:{saved_small_encoder(tmp_path / 'net')}")
    together = ours.pictures(paths)
    assert together.shape == (3, 16) and together.dtype == np.float32
    assert np.allclose(together, np.concatenate([ours.pictures([path]) for path in paths]), atol=1e-4)
    assert np.allclose(np.linalg.norm(together, axis=1), 4, atol=1e-4)  # sqrt(16)


def test_the_mean_of_a_modality_is_taken_off(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    from models.encoders.sentence import sentence_vectors

    folder = saved_small_encoder(tmp_path / "net")
    weights = {name: value.double() for name, value in load_file(folder / "model.safetensors").items()}
    sentence = torch.from_numpy(sentence_vectors(["a dog barking"])).double()
    said = sentence @ weights["text.straight.weight"].T + weights["text.straight.bias"]
    said = torch.nn.functional.normalize(said, dim=1) + 0.1  # the bent part of a new head is nothing
    by_hand = 4 * torch.nn.functional.normalize(said, dim=1)
    assert np.allclose(encoder(f"bundled:{folder}").texts(["a dog barking"]), by_hand, atol=1e-2)


def test_nothing_asked_gives_nothing(tmp_path: Path) -> None:
    ours = encoder(f"bundled:{saved_small_encoder(tmp_path / 'net')}")
    assert ours.texts([]).shape == (0, 16)
    assert ours.pictures([]).shape == (0, 16)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="config.json: is not there"):
        encoder(f"bundled:{tmp_path}")


def test_truncated_weights_are_refused(tmp_path: Path) -> None:
    weights = saved_small_encoder(tmp_path / "net") / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ModelError, match="net: is not an encoder's folder, or is broken"):
        encoder(f"bundled:{tmp_path / 'net'}")


def test_weights_of_another_net_are_refused(tmp_path: Path) -> None:
    folder = saved_small_encoder(tmp_path / "net")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"depths": [1, 2]}))
    with pytest.raises(ModelError, match="lacks .*image.blocks.2"):
        encoder(f"bundled:{folder}")


def test_every_registered_encoder_can_be_found() -> None:
    import importlib

    for place in REGISTRY.values():
        module, _, function = place.partition(":")
        assert callable(getattr(importlib.import_module(module), function))


def test_the_shipped_encoder_lays_words_it_never_met_by_those_it_learned() -> None:
    ours = encoder("bundled")
    learned = unit(ours.texts(["a dog barking", "thunder", "a baby crying", "a clock ticking", "a helicopter flying"]))
    asked = unit(ours.texts(["a puppy barking", "a thunderstorm", "an infant crying", "a timepiece", "a chopper"]))
    assert (asked @ learned.T).argmax(1).tolist() == [0, 1, 2, 3, 4]


def test_the_shipped_weights_come_with_card_and_credits() -> None:
    import csv

    from models.encoders.bundled import WEIGHTS

    config = json.loads((WEIGHTS / "config.json").read_text("utf-8"))
    assert config["version"] in (WEIGHTS / "MODEL_CARD.md").read_text("utf-8")
    with (WEIGHTS / "credits.csv").open(newline="", encoding="utf-8") as file:
        assert all(row["author"] and row["licence"] for row in csv.DictReader(file))
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) < 12e6
