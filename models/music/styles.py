"""Styles: what a genre or mood means in notes. Data that the words of a description choose from.

Conventions: progressions are scale degrees (1 is the tonic), one a bar; programs are General MIDI numbers from 0;
drum patterns are 16 steps a bar (12 in 3/4), one string an instrument, louder from 1 to 9.
"""

from __future__ import annotations

from dataclasses import dataclass

MODES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
}
"""Semitones above the tonic."""

Progression = tuple[int, ...]
MAJOR: tuple[Progression, ...] = ((1, 5, 6, 4), (1, 4, 2, 5), (1, 6, 4, 5), (1, 3, 4, 5))
MINOR: tuple[Progression, ...] = ((1, 6, 3, 7), (1, 4, 6, 5), (1, 7, 6, 5), (1, 6, 4, 5))
SLOW: tuple[Progression, ...] = ((1, 1, 4, 4), (1, 6, 4, 1), (1, 4, 1, 5))


@dataclass(frozen=True)
class Style:
    """One way to make music. `chords` and `bass` name the patterns in models.music.parts."""

    name: str
    words: tuple[str, ...]
    bpm: float
    mode: str
    progressions: tuple[Progression, ...]
    melody: int | None
    harmony: tuple[int, ...]
    bass: int | None
    chord_pattern: str
    bass_pattern: str
    drums: tuple[tuple[int, str], ...] = ()
    beats: int = 4
    melody_octave: int = 5
    busy: float = 0.5
    """0 to 1: how many notes the melody has."""
    velocity: int = 84
    swing: float = 0.0
    legato: float = 0.95


KICK, SNARE, HAT, RIDE, CRASH, TOM, SHAKER, CLAP, STICK, TAMBOURINE = 36, 38, 42, 51, 49, 45, 70, 39, 37, 54
NEWS_DRUMS = ((KICK, "9...5...9.5....."), (SNARE, "....7.......7..."), (HAT, "5.3.5.3.5.3.5.3."))
ROCK_DRUMS = ((KICK, "9.....5.9......."), (SNARE, "....9.......9..."), (HAT, "6.4.6.4.6.4.6.4."))
DANCE_DRUMS = ((KICK, "9...9...9...9..."), (CLAP, "....7.......7..."), (HAT, "..6...6...6...6."))
SWING_DRUMS = ((RIDE, "7...6.5.7...6.5."), (KICK, "4.......4......."), (STICK, "....3.......3..."))
MARCH_DRUMS = ((KICK, "8.......8......."), (SNARE, "6.446.446.446.66"))
TAIKO = ((41, "9.....7.9..7...."), (TOM, "....6.....6...66"), (CRASH, "................"))
WALTZ_DRUMS = ((KICK, "7..........."), (STICK, "....4...4..."))
HAND_DRUMS = ((SHAKER, "5.3.4.3.5.3.4.3."), (TAMBOURINE, "....5.......5..."))

STYLES: tuple[Style, ...] = (
    Style("news", ("news", "newscast", "bulletin", "headline", "anchor", "broadcast", "breaking"), 124, "minor",
          ((1, 6, 3, 7), (1, 7, 6, 5)), 61, (48, 44), 43, "ostinato", "eighths", NEWS_DRUMS, busy=0.45, velocity=96),
    Style("epic", ("epic", "trailer", "heroic", "battle", "triumphant", "victory", "war", "dramatic", "orchestral",
                   "cinematic", "majestic", "hero"), 96, "minor", ((1, 6, 3, 7), (1, 6, 4, 5)), 60, (48, 52), 43,
          "ostinato", "eighths", TAIKO, busy=0.35, velocity=100),
    Style("calm", ("calm", "peaceful", "gentle", "relaxing", "soft", "tender", "quiet", "soothing", "warm", "hopeful"),
          72, "major", ((1, 5, 6, 4), (1, 3, 4, 1)), 0, (49,), 32, "arpeggio", "whole", busy=0.3, velocity=64),
    Style("tense", ("tense", "suspense", "suspenseful", "thriller", "nervous", "mystery", "mysterious", "detective",
                    "ticking", "noir", "spy", "secret", "investigation"), 100, "minor", ((1, 1, 6, 6), (1, 6, 1, 5)),
          71, (44, 45), 43, "pulse", "pedal", ((42, "3...3...3...3..."),), busy=0.25, velocity=74),
    Style("horror", ("horror", "scary", "creepy", "eerie", "spooky", "ghost", "ghostly", "haunted", "sinister", "dread",
                     "ominous", "nightmare", "evil", "dark"), 58, "phrygian", ((1, 2, 1, 1), (1, 1, 2, 1)), 92,
          (44, 52), 43, "pad", "drone", busy=0.15, velocity=66, melody_octave=6),
    Style("sad", ("sad", "melancholy", "melancholic", "sorrow", "sorrowful", "grief", "mourning", "lonely", "tragic",
                  "lament", "farewell", "nostalgic"), 62, "minor", ((1, 6, 3, 7), (1, 4, 6, 5)), 40, (49,), 42,
          "arpeggio", "whole", busy=0.25, velocity=66),
    Style("happy", ("happy", "cheerful", "upbeat", "joyful", "playful", "fun", "bright", "jingle", "advertisement",
                    "commercial", "cheery", "lively", "ukulele", "quirky"), 118, "major", MAJOR, 78, (24,), 32, "strum",
          "fifths", HAND_DRUMS, busy=0.6, velocity=86, legato=0.8),
    Style("lullaby", ("lullaby", "bedtime", "music box", "cradle", "sleep", "sleepy", "dreamy", "nursery", "fairy",
                      "fairytale", "baby"), 76, "major", ((1, 4, 1, 5), (1, 6, 4, 5)), 10, (46, 49), None, "waltz",
          "whole", beats=3, busy=0.4, velocity=62, melody_octave=6),
    Style("meditation", ("meditation", "meditative", "ambient", "pad", "yoga", "mindfulness", "healing", "breathing",
                         "spa", "zen", "ethereal", "floating", "drone", "atmospheric"), 54, "lydian", SLOW, None,
          (89, 94), 89, "pad", "drone", busy=0.1, velocity=62),
    Style("space", ("space", "sci-fi", "science fiction", "futuristic", "spaceship", "alien", "synth", "cosmic",
                    "electronic", "technology", "robot", "cyberpunk", "digital"), 104, "dorian",
          ((1, 7, 4, 1), (1, 3, 7, 4)), 81, (90, 95), 38, "sequence", "eighths", DANCE_DRUMS, busy=0.35, velocity=80),
    Style("jazz", ("jazz", "swing", "lounge", "bar", "club", "saxophone", "smooth", "cocktail"), 112, "major",
          ((2, 5, 1, 6), (1, 6, 2, 5)), 66, (26,), 32, "comping", "walking", SWING_DRUMS, busy=0.6, velocity=78, swing=0.6),
    Style("blues", ("blues", "bluesy", "delta", "harmonica"), 88, "mixolydian", ((1, 4, 1, 1), (5, 4, 1, 5)), 22, (25,),
          33, "comping", "walking", SWING_DRUMS, busy=0.5, velocity=80, swing=0.6),
    Style("folk", ("folk", "campfire", "acoustic guitar", "acoustic", "country", "western", "cowboy", "banjo", "prairie",
                   "road trip"), 92, "major", ((1, 4, 1, 5), (1, 5, 6, 4)), 110, (25,), 32, "strum", "fifths", busy=0.5,
          velocity=78),
    Style("shanty", ("shanty", "sea", "pirate", "sailor", "accordion", "harbour", "harbor", "ship", "nautical"), 104,
          "dorian", ((1, 7, 1, 5), (1, 4, 7, 1)), 21, (24,), 32, "waltz", "fifths", WALTZ_DRUMS, beats=3, busy=0.6),
    Style("medieval", ("medieval", "tavern", "castle", "knight", "renaissance", "minstrel", "lute", "celtic", "irish",
                       "village", "fantasy", "elf", "elven"), 108, "dorian", ((1, 7, 1, 4), (1, 3, 7, 1)), 74, (24,), 42,
          "strum", "fifths", ((54, "6...4...6...4..."),), busy=0.65, velocity=80),
    Style("wonder", ("documentary", "wonder", "nature", "discovery", "inspiring", "inspirational", "uplifting", "majesty",
                     "exploration", "science", "awe", "beautiful"), 84, "lydian", ((1, 2, 6, 4), (1, 5, 2, 4)), 73,
          (48, 46), 42, "arpeggio", "whole", busy=0.3, velocity=74),
    Style("action", ("action", "chase", "running", "fight", "urgent", "fast", "intense", "race", "escape"), 148, "minor",
          MINOR, 61, (48, 30), 33, "ostinato", "eighths", ROCK_DRUMS, busy=0.5, velocity=100),
    Style("chiptune", ("8-bit", "chiptune", "video game", "arcade", "retro game", "pixel"), 140, "major", MAJOR, 80,
          (80,), 81, "sequence", "eighths", DANCE_DRUMS, busy=0.8, velocity=84, legato=0.6),
    Style("rock", ("rock", "electric guitar", "metal", "punk", "grunge", "band"), 126, "mixolydian",
          ((1, 7, 4, 1), (1, 4, 5, 4)), 29, (30,), 33, "strum", "eighths", ROCK_DRUMS, busy=0.4, velocity=96),
    Style("dance", ("dance", "disco", "techno", "house", "party", "edm", "club beat", "pop"), 124, "minor", MINOR, 81,
          (90,), 38, "stabs", "offbeat", DANCE_DRUMS, busy=0.5, velocity=92),
    Style("hiphop", ("hip hop", "hip-hop", "lo-fi", "lofi", "chill", "beat", "rap", "trap"), 82, "dorian",
          ((1, 4, 1, 7), (1, 6, 4, 5)), 11, (4,), 33, "comping", "pedal",
          ((KICK, "9......59.5....."), (SNARE, "....8.......8..."), (HAT, "5.5.5.5.5.5.5.53")), busy=0.3, velocity=78, swing=0.3),
    Style("latin", ("latin", "salsa", "tango", "bossa", "flamenco", "spanish", "mexican", "mariachi", "carnival"), 116,
          "minor", ((1, 7, 6, 5), (1, 4, 5, 1)), 56, (24,), 32, "comping", "fifths", HAND_DRUMS, busy=0.5, velocity=84),
    Style("eastern", ("chinese", "japanese", "asian", "oriental", "koto", "shamisen", "zen garden", "tokyo", "samurai"),
          76, "dorian", SLOW, 107, (49, 77), 46, "arpeggio", "whole", busy=0.35, velocity=72),
    Style("arabian", ("arabian", "desert", "middle eastern", "egyptian", "persian", "bazaar", "sitar", "indian"), 92,
          "phrygian", ((1, 2, 1, 7), (1, 2, 3, 2)), 104, (49,), 43, "pulse", "drone",
          ((KICK, "8..5..8.5..8...."), (SHAKER, "5.3.5.3.5.3.5.3.")), busy=0.55, velocity=78),
    Style("christmas", ("christmas", "winter", "snow", "sleigh", "bells", "carol", "holiday", "festive"), 104, "major",
          ((1, 4, 5, 1), (1, 6, 2, 5)), 9, (14, 48), 32, "arpeggio", "fifths", ((54, "6.4.6.4.6.4.6.4."),), busy=0.5),
    Style("march", ("march", "military", "parade", "anthem", "patriotic", "brass band", "fanfare", "royal", "circus"), 112,
          "major", ((1, 4, 1, 5), (1, 5, 1, 4)), 56, (61,), 58, "stabs", "fifths", MARCH_DRUMS, busy=0.5, velocity=96,
          legato=0.75),
    Style("romantic", ("romantic", "romance", "love", "wedding", "waltz", "elegant", "classical", "ballroom"), 90, "major",
          ((1, 6, 2, 5), (1, 3, 4, 5)), 40, (48, 46), 42, "waltz", "whole", beats=3, busy=0.4, velocity=74),
    Style("comedy", ("comedy", "comic", "funny", "silly", "sneaky", "clumsy", "cartoon", "pizzicato", "goofy"), 108,
          "major", ((1, 5, 1, 5), (1, 4, 2, 5)), 71, (45,), 58, "stabs", "fifths", ((STICK, "5...3...5...3..."),),
          busy=0.6, velocity=80, legato=0.5),
    Style("podcast", ("podcast", "interview", "talk", "intro", "outro", "corporate", "theme", "background", "neutral"), 100,
          "major", ((1, 5, 6, 4), (1, 3, 6, 4)), 11, (4, 89), 33, "comping", "pedal",
          ((KICK, "7.......7......."), (HAT, "..4...4...4...4."), (CLAP, "....4.......4...")), busy=0.35, velocity=76),
    Style("drums", ("drums", "percussion", "drumming", "tribal", "african", "taiko"), 110, "minor", SLOW, None, (), None,
          "pad", "drone", (*TAIKO, (SHAKER, "6.4.6.4.6.4.6.4."), (KICK, "9.....9.....9...")), velocity=104),
)  # fmt: skip

INSTRUMENTS: dict[str, int] = {
    "piano": 0, "harpsichord": 6, "celesta": 8, "glockenspiel": 9, "music box": 10, "vibraphone": 11, "marimba": 12,
    "xylophone": 13, "tubular bells": 14, "bells": 14, "organ": 19, "accordion": 21, "harmonica": 22,
    "acoustic guitar": 25, "ukulele": 24, "lute": 24, "electric guitar": 27, "guitar": 24, "violin": 40, "fiddle": 110,
    "viola": 41, "cello": 42, "double bass": 43, "harp": 46, "timpani": 47, "strings": 48, "choir": 52, "trumpet": 56,
    "trombone": 57, "tuba": 58, "horn": 60, "french horn": 60, "brass": 61, "saxophone": 66, "sax": 66, "oboe": 68,
    "bassoon": 70, "clarinet": 71, "piccolo": 72, "flute": 73, "recorder": 74, "pan flute": 75, "whistle": 78,
    "ocarina": 79, "synth": 81, "pad": 89, "sitar": 104, "banjo": 105, "koto": 107, "bagpipe": 109, "bagpipes": 109,
    "steel drum": 114,
}  # fmt: skip
SUSTAINED = set(range(16, 24)) | set(range(40, 45)) | set(range(48, 80)) | set(range(81, 96))
"""Programs whose notes hold as long as they are kept down."""

FAST_WORDS = {"fast", "quick", "rapid", "lively", "driving", "energetic", "urgent", "upbeat"}
SLOW_WORDS = {"slow", "slowly", "calm", "gentle", "solemn", "languid", "peaceful", "sparse"}
LOUD_WORDS = {"loud", "powerful", "intense", "big", "massive", "bold", "dramatic", "thundering"}
SOFT_WORDS = {"soft", "quiet", "gentle", "subtle", "faint", "delicate", "light", "minimal", "low"}
MAJOR_WORDS = {"happy", "bright", "cheerful", "hopeful", "joyful", "triumphant", "uplifting", "warm", "sunny"}
MINOR_WORDS = {"sad", "dark", "gloomy", "tense", "melancholy", "melancholic", "ominous", "tragic", "mournful", "lonely"}
STINGER_WORDS = {"sting", "stinger", "hit", "jingle", "bumper", "sweep", "accent", "chord", "button"}
SONG_WORDS = {"song", "singing", "lyrics", "vocals", "vocal", "sings", "singer", "rap"}
