"""The 28 English voices of Kokoro-82M.

`pitch_hz` is the median fundamental of two sentences, measured by autocorrelation; `quality` follows the grades that
Kokoro's authors publish (A = 0.95, B- = 0.8, C = 0.7, D = 0.55, F+ = 0.4); `age` is our ear's.
af_nicole whispers, so it counts 0.6 here.
"""

from __future__ import annotations

from models.engines import Voice

VOICES: tuple[Voice, ...] = (
    Voice("af_alloy", "female", "American", "adult", 146.0, 0.7),
    Voice("af_aoede", "female", "American", "young", 186.0, 0.75),
    Voice("af_bella", "female", "American", "adult", 203.0, 0.9),
    Voice("af_heart", "female", "American", "adult", 198.0, 0.95),
    Voice("af_jessica", "female", "American", "young", 215.0, 0.55),
    Voice("af_kore", "female", "American", "adult", 157.0, 0.75),
    Voice("af_nicole", "female", "American", "adult", 140.0, 0.6),
    Voice("af_nova", "female", "American", "adult", 162.0, 0.7),
    Voice("af_river", "female", "American", "adult", 190.0, 0.55),
    Voice("af_sarah", "female", "American", "adult", 207.0, 0.75),
    Voice("af_sky", "female", "American", "young", 168.0, 0.65),
    Voice("am_adam", "male", "American", "adult", 117.0, 0.4),
    Voice("am_echo", "male", "American", "adult", 108.0, 0.55),
    Voice("am_eric", "male", "American", "adult", 159.0, 0.55),
    Voice("am_fenrir", "male", "American", "adult", 144.0, 0.75),
    Voice("am_liam", "male", "American", "young", 123.0, 0.55),
    Voice("am_michael", "male", "American", "adult", 136.0, 0.75),
    Voice("am_onyx", "male", "American", "adult", 90.0, 0.55),
    Voice("am_puck", "male", "American", "young", 119.0, 0.75),
    Voice("am_santa", "male", "American", "old", 203.0, 0.5),
    Voice("bf_alice", "female", "British", "adult", 220.0, 0.55),
    Voice("bf_emma", "female", "British", "adult", 182.0, 0.8),
    Voice("bf_isabella", "female", "British", "adult", 215.0, 0.7),
    Voice("bf_lily", "female", "British", "young", 212.0, 0.55),
    Voice("bm_daniel", "male", "British", "adult", 128.0, 0.55),
    Voice("bm_fable", "male", "British", "adult", 159.0, 0.7),
    Voice("bm_george", "male", "British", "adult", 139.0, 0.7),
    Voice("bm_lewis", "male", "British", "old", 103.0, 0.6),
)
