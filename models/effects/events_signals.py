"""Signals: telephones, alarms, sirens, horns and whistles.

Conventions: those of models.effects.sounds.
"""

from __future__ import annotations

import numpy as np

from models.clip import Samples
from models.effects import dsp
from models.effects.events_bells import bell_buzz
from models.effects.gestures import (
    by_size,
    by_speed,
    finished,
    phrases,
    repeated,
    steps,
)
from models.effects.sounds import SAMPLE_RATE, Sound

WAIL_HZ = (600.0, 1350.0)
"""An American police wail sweeps between these (SAE J1849 allows 500 to 2,000 Hz)."""
TWO_TONE_HZ = (440.0, 585.0)
"""The German two-tone siren in its city tuning (DIN 14610)."""

HORN: dsp.Curve = ((150.0, -12.0), (400.0, 0.0), (1850.0, 0.0), (7400.0, -30.0))
"""What a locomotive's bells let out."""


def telephone(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """An old telephone rings two seconds in six (North American cadence, here with a pause of two); or a modern one."""
    if dsp.says(
        description, "modern", "electronic", "mobile", "cell", "cellphone", "smartphone", "ringtone", "digital"
    ):
        return ringtone(duration_s, rng, description)
    n_ring = dsp.count(2.0)
    shells_hz = (float(rng.uniform(1150, 1300)), float(rng.uniform(1420, 1600)))

    def ring(_take: int) -> dsp.Mono:
        buzz = bell_buzz(dsp.count(3.0), rng, shells_hz, 25.0)
        gate = np.ones(len(buzz), np.float32)
        gate[n_ring:] = dsp.decay(len(buzz) - n_ring, 0.5)
        return buzz * gate

    out = repeated(duration_s, steps(duration_s, 0.05, 4.0, rng, 0.0), ring)
    return finished(dsp.reverb(out, rng, t60_s=0.4, mix=0.1), duration_s, description, peak=0.6, rng=rng)


def ringtone(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A modern telephone: two tones that warble twenty times a second, a second on and two off."""
    low_hz = float(rng.uniform(800, 1000))
    n = dsp.count(1.0)
    t = dsp.times(n)
    hz = np.where((t * 20) % 1.0 < 0.5, low_hz, 1.25 * low_hz)
    take = dsp.fades(dsp.harmonics(hz, [1.0, 0.15, 0.3, 0.1, 0.1]), 0.01, 0.03)
    out = repeated(duration_s, steps(duration_s, 0.05, 2.0, rng, 0.0), lambda _take: take)
    return finished(dsp.reverb(out, rng, t60_s=0.3, mix=0.08), duration_s, description, peak=0.45, rng=rng)


def alarm_clock(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Four short beeps and a pause; an old one has bells."""
    if dsp.says(description, "bell", "bells", "old", "mechanical", "wind-up", "vintage"):
        shells_hz = (float(rng.uniform(1900, 2200)), float(rng.uniform(2300, 2700)))
        buzz = bell_buzz(dsp.count(duration_s), rng, shells_hz, 22.0)
        return finished(dsp.reverb(buzz, rng, t60_s=0.3, mix=0.08), duration_s, description, peak=0.6, rng=rng)
    hz = float(rng.uniform(1900, 2200))
    n = dsp.count(0.07)
    beep = dsp.fades(dsp.harmonics(np.full(n, hz), [1.0, 0.1, 0.35, 0.05, 0.15]), 0.003, 0.005)
    starts_s = [turn_s + 0.125 * step for turn_s in np.arange(0.05, max(duration_s, 0.06), 1.0) for step in range(4)]
    out = repeated(duration_s, starts_s, lambda _take: beep)
    return finished(dsp.reverb(out, rng, t60_s=0.3, mix=0.06), duration_s, description, peak=0.45, rng=rng)


def smoke_detector(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Three half-second tones near 3.1 kHz, half a second apart, then a pause (temporal-three, ISO 8201)."""
    hz = float(rng.uniform(3000, 3250))
    n = dsp.count(0.5)
    tone = dsp.fades(dsp.harmonics(np.full(n, hz), [1.0, 0.2, 0.25, 0.1]), 0.004, 0.01)
    starts_s = [turn_s + step for turn_s in np.arange(0.05, max(duration_s, 0.06), 4.0) for step in range(3)]
    out = repeated(duration_s, starts_s, lambda _take: tone)
    return finished(dsp.reverb(out, rng, t60_s=0.4, mix=0.1), duration_s, description, peak=0.45, rng=rng)


def red_alert(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A ship's klaxon: a rough rising whoop about once a second."""
    period_s = by_speed(description, 1.6, 1.1, 0.8)
    n = dsp.count(0.8 * period_s)
    u = np.linspace(0, 1, n)
    base_hz = by_size(description, 520, 420, 320) * float(rng.uniform(0.95, 1.05))
    hz = base_hz * (1 + 0.9 * np.minimum(1.0, 1.6 * u) ** 0.8)
    gains = [1.0, 0.7, 0.8, 0.5, 0.5, 0.35, 0.3, 0.2, 0.2, 0.1]
    whoop = dsp.fades(dsp.harmonics(hz, gains), 0.02, 0.06)
    out = repeated(duration_s, steps(duration_s, 0.02, period_s, rng, 0.0), lambda _take: whoop)
    return finished(dsp.reverb(out, rng, t60_s=0.9, mix=0.15), duration_s, description, peak=0.5, rng=rng)


def siren_pitch(n: int, description: str) -> np.ndarray:
    """The frequency of a siren at each sample: two tones for an ambulance, a fast yelp, otherwise the slow wail."""
    t = np.arange(n) / SAMPLE_RATE
    low_hz, high_hz = WAIL_HZ
    if dsp.says(description, "ambulance", "two-tone", "two tone", "european", "german", "hi-lo"):
        low_hz, high_hz = TWO_TONE_HZ
        return np.where((t / 1.4) % 1.0 < 0.5, low_hz, high_hz)
    if dsp.says(description, "civil", "air raid", "tornado", "raid"):
        low_hz, high_hz, period_s = 240.0, 460.0, 8.0
    else:
        period_s = 0.4 if dsp.says(description, "yelp") else by_speed(description, 6.0, 4.0, 0.4)
    turn = (t / period_s) % 1.0
    rise = np.where(turn < 0.4, np.sin(np.pi / 2 * turn / 0.4), np.cos(np.pi / 2 * (turn - 0.4) / 0.6))
    return low_hz * (high_hz / low_hz) ** rise


def siren(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A police wail or yelp, an ambulance's two tones, an air-raid siren; through a horn, between houses."""
    n = dsp.count(duration_s)
    gains = [1.0, 0.6, 0.7, 0.35, 0.4, 0.2, 0.2, 0.1, 0.1]
    out = dsp.harmonics(siren_pitch(n, description) * float(rng.uniform(0.985, 1.015)), gains)
    out = dsp.shape(out, [(200, -12), (700, 0), (2500, 0), (6000, -12), (12000, -30)])
    out = out * dsp.slow_curve(n, rng, 0.5, 0.7, 1.0)
    wet = dsp.reverb(dsp.fades(out, 0.05, 0.1), rng, t60_s=1.2, mix=0.25, cutoff_hz=3500)
    return finished(wet, duration_s, description, peak=0.5, rng=rng)


def car_horn(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """Two notes a third apart, as most cars have; one long or two short blasts."""
    low_hz = by_size(description, 480, 400, 300) * float(rng.uniform(0.95, 1.05))
    blasts = [(0.03, 0.25), (0.4, 0.9)] if not dsp.says(description, "long") else [(0.03, 1.6)]
    gains = [0.5, 0.8, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.15]

    def honk(take: int) -> dsp.Mono:
        length_s = blasts[take % len(blasts)][1]
        n = dsp.count(length_s)
        rise = 1 - 0.02 * dsp.decay(n, 0.1)
        both = dsp.harmonics(low_hz * rise, gains) + dsp.harmonics(1.26 * low_hz * rise, gains)
        return dsp.fades(both, 0.015, 0.03)

    starts_s = [turn_s + start_s for turn_s in np.arange(0.0, duration_s, 3.0) for start_s, _ in blasts]
    wet = dsp.reverb(repeated(duration_s, starts_s, honk), rng, t60_s=0.9, mix=0.15, cutoff_hz=4000)
    return finished(wet, duration_s, description, peak=0.6, rng=rng)


def foghorn(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A ship's horn: a low note rich in harmonics that swells into pitch, over water."""
    low_hz = 1.0 / by_size(description, 1 / 220, 1 / 153, 1 / 105) * float(rng.uniform(0.95, 1.05))
    gains = list(1 / np.arange(1, 40) ** 0.52)

    def blow(_take: int) -> dsp.Mono:
        n = dsp.count(3.6)
        hz = low_hz * (1 - 0.2 * dsp.decay(n, 0.5)) * (1 + 0.0057 * dsp.wander(n, rng, 5.0))
        note = dsp.harmonics(hz, gains) + 0.26 * dsp.harmonics(1.04 * hz, gains)
        return dsp.lowpass(dsp.fades(note, 0.1, 0.15), 1130.0, 1)

    out = repeated(duration_s, steps(duration_s, 0.05, 7.0, rng, 0.0), blow)
    wet = dsp.reverb(out, rng, t60_s=1.7, mix=0.3, cutoff_hz=1800)
    return finished(wet, duration_s, description, peak=0.65, rng=rng)


def train_whistle(duration_s: float, rng: np.random.Generator, description: str) -> Samples:
    """A locomotive's chime: a chord that swells into pitch, blown long, long, short, long (grade crossing signal)."""
    steam = dsp.says(description, "steam", "whistle") and not dsp.says(description, "horn")
    base_hz = by_size(description, 340, 290 if steam else 270, 230) * float(rng.uniform(0.96, 1.04))
    chord = base_hz * 2.0 ** (np.array([0, 3, 4.8, 6.6, 12.8]) / 12)
    blasts = ((0.05, 0.9), (1.25, 2.2), (4.1, 0.6), (5.1, 1.8))
    gains = list(1 / np.arange(1, 20) ** 1.6)

    def blast(take: int) -> dsp.Mono:
        n = dsp.count(blasts[take % len(blasts)][1])
        bend = 1 - 0.12 * dsp.decay(n, 0.3) - 0.006 * dsp.decay(n, 0.3)[::-1]
        total = np.zeros(n, np.float32)
        for hz in chord:
            total += dsp.harmonics(hz * bend * (1 + 0.0047 * dsp.wander(n, rng, 6.0)), gains)
        total = dsp.at_rms(total, 0.3) + np.float32(0.12 if steam else 0.08) * dsp.band_noise(n, rng, 500, 6000)
        return dsp.fades(total, 0.15, 0.15)

    starts_s = [turn_s + start_s for turn_s in np.arange(0.0, duration_s, 9.0) for start_s, _ in blasts]
    out = dsp.shape(repeated(duration_s, starts_s, blast)[: dsp.count(duration_s)], HORN)
    air = dsp.wide_noise(len(out), rng, [(60, 0), (300, -3), (2000, -14), (9000, -30)])
    wet = dsp.at_peak(dsp.reverb(out, rng, t60_s=1.8, mix=0.14, cutoff_hz=1300), 1.0) + np.float32(0.018) * air
    return finished(wet, duration_s, description, peak=0.7, rng=rng)


SOUNDS: tuple[Sound, ...] = (
    Sound(
        "telephone",
        telephone,
        phrases(
            "telephone ringing, telephone, phone ringing, phone, telephone ring, old telephone, phone ring, "
            "phone call, ringing phone, telephone bell"
        ),
        6.0,
        False,
        ("Telephone bell ringing", "Telephone"),
    ),
    Sound(
        "ringtone",
        ringtone,
        phrases(
            "ringtone, mobile phone, cell phone, cellphone, smartphone, mobile phone ringing, cell phone "
            "ringing, modern phone, phone ringtone"
        ),
        4.0,
        False,
        ("Telephone", "Ringtone", "Telephone bell ringing"),
    ),
    Sound(
        "alarm clock",
        alarm_clock,
        phrases("alarm clock, alarm, alarm clock ringing, wake up alarm, alarm beeping, digital alarm"),
        4.0,
        False,
        ("Alarm clock", "Alarm"),
    ),
    Sound(
        "smoke detector",
        smoke_detector,
        phrases("smoke detector, smoke alarm, fire alarm, detector beep"),
        4.0,
        False,
        ("Smoke detector, smoke alarm", "Alarm"),
    ),
    Sound(
        "red alert",
        red_alert,
        phrases(
            "red alert, klaxon, alert, ship alarm, spaceship alarm, warning alarm, emergency alarm, battle "
            "stations, red alert alarm, alarm klaxon, warning siren, submarine alarm"
        ),
        5.0,
        False,
        ("Alarm", "Siren", "Civil defense siren"),
    ),
    Sound(
        "siren",
        siren,
        phrases(
            "siren, police siren, ambulance, ambulance siren, fire engine siren, sirens, emergency siren, "
            "police car, air raid siren, civil defense siren, fire truck"
        ),
        8.0,
        False,
        ("Siren", "Police car (siren)", "Ambulance (siren)"),
    ),
    Sound(
        "car horn",
        car_horn,
        phrases("car horn, honk, honking, horn, horn honk, car honk, vehicle horn, truck horn, beeping car"),
        1.5,
        False,
        ("Vehicle horn, car horn, honking",),
    ),
    Sound(
        "foghorn",
        foghorn,
        phrases(
            "foghorn, ship horn, ship's horn, fog horn, boat horn, ferry horn, steamship, steamer horn, harbour horn"
        ),
        5.0,
        False,
        ("Foghorn",),
    ),
    Sound(
        "train whistle",
        train_whistle,
        phrases(
            "train whistle, train horn, steam whistle, locomotive whistle, locomotive, train horn blowing, "
            "steam train whistle, train whistle blowing"
        ),
        7.0,
        False,
        ("Train whistle", "Train horn"),
    ),
)
