"""The image tower of the bundled encoder: a small residual net, 64 x 64 colours to one vector.

Conventions: pictures are float32, (batch, 3, SIDE, SIDE), colours from 0 to 1 (the net's first norm does the rest).
He et al. 2016 for the blocks; widths, depths and the pooled head are ours.
"""

# ruff: noqa: TID253 - a net is torch; whoever needs it imports this file lazily
from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

SIDE = 64


class Block(nn.Module):
    """Two 3x3 convolutions around a shortcut; the second norm starts at zero, so that a block starts as nothing."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(n_out)
        self.shortcut: nn.Module = nn.Identity()
        if n_in != n_out or stride != 1:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride) if stride != 1 else nn.Identity(),
                nn.Conv2d(n_in, n_out, 1, bias=False),
                nn.BatchNorm2d(n_out),
            )
        nn.init.zeros_(self.norm2.weight)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(inner + self.shortcut(x))


class ImageTower(nn.Module):
    """Pictures to vectors, (B, 3, 64, 64) -> (B, n_dimensions), not normalised."""

    def __init__(self, *, widths: Sequence[int], depths: Sequence[int], n_dimensions: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.BatchNorm2d(3, affine=False),
            nn.Conv2d(3, widths[0], 4, 2, 1, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
        )
        blocks: list[nn.Module] = []
        n_in = widths[0]
        for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            for index in range(depth):
                blocks.append(Block(n_in, width, 2 if stage > 0 and index == 0 else 1))
                n_in = width
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Sequential(nn.Dropout(0.1), nn.Linear(n_in, n_dimensions))

    def forward(self, pictures: Tensor) -> Tensor:
        x = self.blocks(self.stem(pictures))  # (B, C, H / 16, W / 16)
        vectors: Tensor = self.head(x.mean((2, 3)))  # (B, D)
        return vectors


class TextHead(nn.Module):
    """Sentence vectors to the same space, (B, 384) -> (B, n_dimensions): a linear map plus a small bent correction."""

    def __init__(self, *, n_sentence: int, n_hidden: int, n_dimensions: int) -> None:
        super().__init__()
        self.straight = nn.Linear(n_sentence, n_dimensions)
        last = nn.Linear(n_hidden, n_dimensions)
        self.bent = nn.Sequential(nn.Linear(n_sentence, n_hidden), nn.GELU(), last)
        nn.init.orthogonal_(self.straight.weight)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, sentences: Tensor) -> Tensor:
        vectors: Tensor = self.straight(sentences) + self.bent(sentences)
        return vectors
