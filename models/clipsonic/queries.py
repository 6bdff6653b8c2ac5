"""What CLIPSonic is asked: words and pictures to one query vector, and what is refused.

Words become a picture's vector that could lie beside them where there is a prior (CLIPSonic-PD, -SD); without one they
are asked by their own vector (CLIPSonic-ZS), averaged over the prompts of CLIPSep.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.clipsep.queries import MAX_CHARACTERS, prompted
from models.clipsonic.config import ClipSonicConfig
from models.clipsonic.prior import TextPrior
from models.encoders import Encoder
from models.engines import SoundQuery
from models.errors import CheckpointUnusable, QueryUnusable

LEAST_S, MOST_S = 0.05, 600.0


def refuse_unusable(query: SoundQuery, duration_s: float | None) -> None:
    """Raises QueryUnusable for a query that says nothing or far too much, and for durations out of range."""
    if not query.text.strip() and query.image is None:
        raise QueryUnusable("nothing is asked for; say what should be heard, as 'dog barking', or give a picture of it")
    if len(query.text) > MAX_CHARACTERS:
        raise QueryUnusable(
            f"the description has {len(query.text):,} characters, at most {MAX_CHARACTERS:,} are read; "
            "name one sound in a few words"
        )
    if duration_s is not None and not LEAST_S <= duration_s <= MOST_S:
        raise QueryUnusable(f"a duration of {duration_s:g} s cannot be made; give {LEAST_S:g} to {MOST_S:g} s")


def refuse_other_encoder(config: ClipSonicConfig, encode: Encoder, place: str) -> None:
    """Raises CheckpointUnusable when the encoder's vectors are not those that the net was trained on."""
    if encode.n_dimensions != config.query_size:
        raise CheckpointUnusable(
            f"{place}: reads queries of {config.query_size} numbers, the encoder {config.encoder} "
            f"gives {encode.n_dimensions}; name the encoder that it was trained with in its config.json"
        )
    if config.encoder_version and encode.version != config.encoder_version:
        raise CheckpointUnusable(
            f"{place}: was trained on vectors of {config.encoder_version}, the encoder {config.encoder} "
            f"is {encode.version}; install the release that they came with, or train it again"
        )


def query_vector(query: SoundQuery, encode: Encoder, prior: TextPrior | None, *, seed: int) -> NDArray[np.float32]:
    """The vector of a query, (query_size,); of words and a picture their mean. The prior draws by the seed."""
    vectors = []
    words = query.text.strip()
    if words:
        vectors.append(prior.vectors([words], seed=seed)[0] if prior else encode.texts(prompted(words)).mean(axis=0))
    if query.image is not None:
        vectors.append(encode.pictures([query.image])[0])
    mean: NDArray[np.float32] = np.mean(vectors, axis=0, dtype=np.float32)
    return mean
