"""Changes training pictures at random: place, size, turn, mirror, ground, colours, sharpness.

Conventions: pictures come as uint8 RGBA, (batch, height, width, 4), and go as float32 RGB from 0 to 1,
(batch, 3, side, side). All chance comes from the generator that is passed.
"""

# ruff: noqa: TID253 - training is torch
from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


def augmented(pictures: Tensor, side: int, generator: np.random.Generator) -> Tensor:
    """One draw for every picture. Opaque pictures are cropped; drawings also shrink and get a ground."""
    n = len(pictures)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.from_numpy(generator.uniform(low, high, (n, *shape)).astype(np.float32))

    x = pictures.permute(0, 3, 1, 2).float() / 255  # (B, 4, H, W)
    drawn = x[:, 3].amin((1, 2)) < 0.5  # (B,)
    x = torch.where(_is_black(x).view(n, 1, 1, 1), _inked(x, uniform(0, 1, 3)), x)
    x[:, :3] *= x[:, 3:]  # premultiplied, so that turning and scaling leave no dark rims
    zoom = torch.where(drawn, uniform(0.75, 1.35), uniform(0.55, 1.0))
    stretch = torch.exp(uniform(-0.15, 0.15))
    angle = uniform(-0.2, 0.2)
    mirror = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    room = torch.where(drawn, torch.full_like(zoom, 0.2), 1 - zoom).unsqueeze(1)
    shift = uniform(-1, 1, 2) * room
    across, down = zoom * stretch, zoom / stretch
    rows = [
        torch.stack([across * angle.cos() * mirror, -across * angle.sin(), shift[:, 0]], 1),
        torch.stack([down * angle.sin() * mirror, down * angle.cos(), shift[:, 1]], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), [n, 4, side, side], align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="zeros", align_corners=False)
    ground = _grounds(pictures, side, uniform)
    x = x[:, :3] + ground * (1 - x[:, 3:])  # (B, 3, S, S)
    grey = x.mean(1, keepdim=True)
    colour = torch.where(uniform(0, 1) < 0.1, torch.zeros(n), uniform(0.6, 1.5)).view(n, 1, 1, 1)
    x = grey + (x - grey) * colour
    x = x * uniform(0.7, 1.3, 1, 1, 1) * uniform(0.9, 1.1, 3, 1, 1)
    middle = x.mean((1, 2, 3), keepdim=True)
    x = middle + (x - middle) * uniform(0.7, 1.3, 1, 1, 1)
    blurred = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    x = torch.where((uniform(0, 1) < 0.2).view(n, 1, 1, 1), blurred, x)
    return x.clamp(0, 1).to(memory_format=torch.channels_last)


def _is_black(x: Tensor) -> Tensor:
    """Which pictures are drawn in black ink alone (icons): they may as well come in any other ink."""
    inked = (x[:, :3].amax(1) * (x[:, 3] > 0.5)).amax((1, 2))
    return (inked < 0.1) & (x[:, 3].amin((1, 2)) < 0.5)


def _inked(x: Tensor, ink: Tensor) -> Tensor:
    """The same shapes in another ink, dark enough for a light ground half of the time."""
    ink = torch.where(ink[:, :1] < 0.5, torch.zeros_like(ink), ink * 0.6)
    return torch.cat([ink.view(-1, 3, 1, 1).expand(-1, -1, *x.shape[2:]), x[:, 3:]], 1)


def _grounds(pictures: Tensor, side: int, uniform: object) -> Tensor:
    """What lies behind drawings: white, one light colour, or another picture of the batch, blurred and pale."""
    n = len(pictures)
    draw = uniform
    kind = draw(0, 1).view(n, 1, 1, 1)  # type: ignore[operator]
    plain = draw(0.35, 1, 3, 1, 1).expand(n, 3, side, side)  # type: ignore[operator]
    other = pictures.roll(1, 0)[..., :3].permute(0, 3, 1, 2).float() / 255
    scene = F.interpolate(F.interpolate(other, (12, 12), mode="area"), (side, side), mode="bilinear") * 0.5 + 0.45
    return torch.where(kind < 0.5, torch.ones_like(scene), torch.where(kind < 0.8, plain, scene))
