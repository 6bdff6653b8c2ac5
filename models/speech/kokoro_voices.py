"""The 28 English voices of Kokoro-82M.

`pitch_hz` is the median fundamental of one sentence, measured by autocorrelation; `quality` follows the grades that
Kokoro's authors publish (A = 0.95, B- = 0.8, C = 0.7, D = 0.55, F+ = 0.4); `age` is our ear's.
af_nicole whispers, so it counts 0.6 here.
"""

from __future__ import annotations

from models.engines import Voice

VOICES: tuple[Voice, ...] = (
    Voice("af_alloy", "female", "American", "adult", 137.0, 0.7),
    Voice("af_aoede", "female", "American", "young", 177.0, 0.75),
    Voice("af_bella", "female", "American", "adult", 186.0, 0.9),
    Voice("af_heart", "female", "American", "adult", 186.0, 0.95),
    Voice("af_jessica", "female", "American", "young", 200.0, 0.55),
    Voice("af_kore", "female", "American", "adult", 153.0, 0.75),
    Voice("af_nicole", "female", "American", "adult", 149.0, 0.6),
    Voice("af_nova", "female", "American", "adult", 154.0, 0.7),
    Voice("af_river", "female", "American", "adult", 171.0, 0.55),
    Voice("af_sarah", "female", "American", "adult", 182.0, 0.75),
    Voice("af_sky", "female", "American", "young", 147.0, 0.65),
    Voice("am_adam", "male", "American", "adult", 114.0, 0.4),
    Voice("am_echo", "male", "American", "adult", 101.0, 0.55),
    Voice("am_eric", "male", "American", "adult", 154.0, 0.55),
    Voice("am_fenrir", "male", "American", "adult", 130.0, 0.75),
    Voice("am_liam", "male", "American", "young", 124.0, 0.55),
    Voice("am_michael", "male", "American", "adult", 109.0, 0.75),
    Voice("am_onyx", "male", "American", "adult", 84.0, 0.55),
    Voice("am_puck", "male", "American", "young", 108.0, 0.75),
    Voice("am_santa", "male", "American", "old", 152.0, 0.5),
    Voice("bf_alice", "female", "British", "adult", 203.0, 0.55),
    Voice("bf_emma", "female", "British", "adult", 175.0, 0.8),
    Voice("bf_isabella", "female", "British", "adult", 197.0, 0.7),
    Voice("bf_lily", "female", "British", "young", 181.0, 0.55),
    Voice("bm_daniel", "male", "British", "adult", 122.0, 0.55),
    Voice("bm_fable", "male", "British", "adult", 111.0, 0.7),
    Voice("bm_george", "male", "British", "adult", 136.0, 0.7),
    Voice("bm_lewis", "male", "British", "old", 95.0, 0.6),
)
