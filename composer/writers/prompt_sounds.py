"""Sounds of a prompt: where it is set, how that sounds, and which music goes with its theme and mood."""

from __future__ import annotations

import re
from dataclasses import dataclass

from composer.writers.prompt_reading import Reading


@dataclass(frozen=True)
class Style:
    news_music: str
    news_close: str
    space: bool


SITES = (
    (r"black holes?|stars?\b|planets?|moon\b|galax|comet|telescope|astronom", "at the observatory", "the observatory",
     "Quiet hall with humming computers and low voices."),
    # what the prompt says -> where the reporter stands, its short name, how it sounds
    (r"engineer|probe|rocket|laborator|\blab\b|scientist|robot|spacecraft|satellite|reactor",
     "at the headquarters", "headquarters", "Background noise of busy engineering office."),
    (r"flood|tsunami|river", "at the water's edge", "the water's edge", "Rushing water, rain and distant sirens."),
    (r"fire|volcano|erupt|explosion", "behind the fire line", "the fire line", "Crackling fire and distant sirens."),
    (r"storm|hurricane|tornado|blizzard", "out in the wind", "the middle of the storm", "Howling wind and heavy rain."),
    (r"match|game|cup|championship|olympic|marathon|team|player", "at the stadium", "the stadium", "Stadium "
        "crowd cheering."),
    (r"sea|ocean|whale|ship|beach|harbou?r|island|fish|shark", "at the harbour", "the "
        "harbour", "Waves against a pier."),
    (r"bakery|bread|restaurant|chef|cook|coffee|food|pizza|chocolate", "in the kitchen", "the "
        "kitchen", "Busy kitchen with sizzling and voices."),
    (r"zoo|animal|elephant|penguin|panda|lion", "at the zoo", "the zoo", "Zoo with birds and many voices."),
    (r"forest|bear|wolf|wolves|tree|owl|deer|park", "at the edge of the forest", "the edge of the "
        "forest", "Forest with birdsong and wind in leaves."),
    (r"court|trial|judge|election|president|minister|parliament|council|mayor|law", "outside the town "
        "hall", "the town hall",
     "Crowd of people murmuring outside."),
    (r"school|teacher|student|university", "in the schoolyard", "the schoolyard", "Voices in a schoolyard."),
    (r"market|shop|bank|prices|stock", "on the trading floor", "the trading floor", "Busy hall with many voices "
        "and ringing telephones."),
    (r"museum|painting|art|concert|orchestra|theatre|opera", "in the foyer", "the foyer", "Large hall with "
        "footsteps and low voices."),
)  # fmt: skip
OTHER_SITE = "Busy city street with traffic and people."
OTHER_PLACE = "Large hall with many voices and footsteps."
"""Where a prompt sends the reporter to a place that none of the beds knows."""

_REPORTER_AT = re.compile(
    r"(?i)\b(?:reporter|correspondent|journalist)(?: (?:is|stands|standing|live))? (at|in|on|outside|inside) "
    r"((?:the|an?) [\w'’-]+(?: (?!and\b|who\b|with\b|interview)[\w'’-]+)?)"
)


def site_of(reading: Reading, tags: frozenset[str]) -> tuple[str, str, str]:
    """Where a reporter stands: "at the headquarters", "headquarters", and the bed of that place."""
    told = _REPORTER_AT.search(reading.prompt)
    if told:
        name = re.sub(r"(?i)^an? ", "the ", told.group(2))
        beds = (bed for pattern, bed in BEDS if re.search(rf"(?i)\b(?:{pattern})\b", name))
        return f"{told.group(1).casefold()} {name}", name, next(beds, OTHER_PLACE)
    roles = " ".join(role.words for role in reading.roles)
    for text in (roles, reading.topic.words):
        for pattern, where, name, bed in SITES:
            if re.search(rf"(?i)\b(?:{pattern})", text):
                return where, name, bed
    return "in the middle of town", "the middle of town", OTHER_SITE


def style_of(reading: Reading, tags: frozenset[str]) -> Style:
    """The music of the theme."""
    space = reading.theme == "science fiction" or "space" in tags
    colour = "with futuristic synthesizers" if space else "with brass and strings"
    return Style(
        news_music=f"Dramatic orchestral news theme {colour}.",
        news_close=f"Dramatic orchestral news theme {colour}, closing.",
        space=space,
    )


BEDS = (
    (r"(?:dust|sand) ?storms?|hurricanes?|tornado\w*|gale", "Howling wind."),
    (r"thunder\w*|storm\w*", "Heavy rain and distant thunder."),
    (r"rain|rainy|raining|rainfall|drizzle", "Rain falling on a roof and in the street."),
    (r"snow\w*|blizzard|arctic|antarctic\w*|glacier|north pole", "Cold wind over snow."),
    (r"spaceship|spacecraft|space station|rocket|starship|air-?lock", "Low hum of a spaceship."),
    (r"hedgehogs?|squirrels?|badgers?|rabbits?|hares?|deer", "Forest with birdsong and wind in leaves."),
    (r"space|mars|(?:on|to|from) the moon|moon (?:base|landing)|planet|galaxy|stars?|universe",
     "Deep, soft hum of a spaceship."),
    (r"aquarium", "Aquarium hall with bubbling water and voices."),
    (r"under ?water|deep[- ]sea|submarine|reef|whales?", "Low machine hum and bubbles under water."),
    (r"seas?|oceans?|waves|shore|surf|beach|harbou?r|ship|boat|island|lighthouse|coast|pirates?"
     r"|sailor", "Waves on the shore."),
    (r"river|stream|creek|waterfall", "River flowing over stones."),
    (r"lake|pond|swamp", "Water lapping softly and crickets."),
    (r"jungle|rainforest", "Jungle with insects and tropical birds."),
    (r"forest|woods?|tree|park|owl|fox|bears?", "Forest with birdsong and wind in leaves."),
    (r"garden|meadow|bees?|spring|farm|village", "Garden with birds and buzzing bees."),
    (r"mountain|desert|hill|cliff", "Wind over open land."),
    (r"camp ?fire|fireplace", "Crackling campfire and crickets."),
    (r"caf[eé]|coffee (?:shop|house)|restaurant|bar|diner|pub|bistro", "People talking quietly in a café."),
    (r"kitchen|bakery|bread|cook\w*|chef", "Kitchen with a gentle sizzle."),
    (r"station|airport", "Large hall with footsteps and many voices."),
    (r"train|railway|subway|metro", "Train rolling over rails."),
    (r"car|taxi|road|bus", "Inside a moving car."),
    (r"market|bazaar", "Busy market with voices."),
    (r"tokyo|london|paris|new york|berlin|rome|city|street|downtown|town|traffic", "City street with traffic and "
        "people."),
    (r"office|headquarters|lab\w*|factory", "Office with typing and ringing telephones."),
    (r"hospital", "Quiet hospital corridor, room tone and distant footsteps."),
    (r"school|classroom", "Murmur of a classroom."),
    (r"library|museum|gallery|church|cathedral|temple", "Large quiet hall with distant footsteps."),
    (r"castle|cave|dungeon|tomb|pyramid|mine", "Cave with dripping water."),
    (r"stadium|match|game|race|final", "Stadium crowd cheering."),
    (r"haunted|old house|attic|cellar|mansion|basement", "Old house with creaking wood and wind."),
    (r"night|midnight|evening|bedtime", "Quiet night with crickets."),
)  # fmt: skip

MUSIC = (
    (r"calm|gentle|peaceful|soothing|relaxing|cozy|cosy|warm", "Calm, gentle piano and soft strings."),
    (r"happy|cheerful|joyful|upbeat|funny|humorous|comic|whimsical", "Cheerful, playful music with ukulele and bells."),
    (r"sad|melanchol\w+|nostalgic|lonely", "Slow, melancholic piano."),
    (r"romantic", "Tender, romantic strings and piano."),
    (r"dark|eerie|creepy|spooky|scary|tense|suspenseful|mysterious", "Dark, tense drone with low strings."),
    (r"dramatic|epic|serious|angry", "Epic orchestral music with drums and brass."),
    (r"magical|inspiring|hopeful", "Hopeful, magical music with harp and strings."),
)  # fmt: skip


def bed_of(reading: Reading) -> str:
    """The ambience of the place, time and weather that a prompt names; empty when it names none."""
    for text in (reading.weather, reading.place, reading.topic.words, reading.time):
        for pattern, bed in BEDS:
            if text and re.search(rf"(?i)\b(?:{pattern})\b", text):
                return bed
    return ""


def music_of(reading: Reading) -> str:
    """The music of the mood and theme that a prompt names; empty when it names none."""
    found = re.search(
        r"(?i)\b(jazz|blues|techno|lo-?fi|reggae|waltz|tango|flamenco|opera|disco|gospel)\b", reading.prompt
    )
    if found:
        return f"{found.group(1).capitalize()} music."
    for pattern, music in MUSIC:
        if re.search(rf"(?i)\b(?:{pattern})\b", reading.mood):
            return music
    return "Slow futuristic synthesizer music." if reading.theme in ("science fiction", "cyberpunk") else ""
