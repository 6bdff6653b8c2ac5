"""Tags: which fields a topic touches, so that questions and sounds can follow from its words."""

from __future__ import annotations

import re

_TAGS = {
    "space": "space|mars|moon|planet\\w*|star|stars|galax\\w+|alpha centauri|orbit|astronaut\\w*|rocket\\w*"
             "|comet\\w*|asteroid\\w*"
             "|alien\\w*|black holes?|universe|telescope|jupiter|saturn|venus|nasa|spaceship|spacecraft|cosmos"
             "|light-?speed|lunar",
    "travel": "probes?|rockets?|ships?|spaceships?|spacecraft|missions?|expeditions?|voyages?|journeys?|travels?"
              "|launch\\w*"
              "|sends?|flights?|flies|fly|crossing|race|trains?|submarines?|satellites?",
    "sea": "sea|seas|ocean\\w*|whales?|sharks?|coral|reefs?|fish|deep-sea|submarines?|sailors?|lighthouse"
           "|octopus\\w*|island"
           "|harbou?r|dolphins?|beach|waves|tides?|pirates?|titanic|mermaids?|jellyfish",
    "animal": "whales?|sharks?|bees?|birds?|cats?|dogs?|wolves|wolf|fox\\w*|bears?|elephants?|lions?|tigers?"
              "|penguins?|owls?"
              "|ants?|spiders?|dolphins?|octopus\\w*|horses?|frogs?|butterfl\\w+|animals?|wildlife|pandas?"
              "|eagles?|snakes?|fish"
              "|creatures?|turtles?|monkeys?|gorillas?|hedgehogs?|squirrels?|rabbits?|mice|mouse|bats?"
              "|dinosaurs?|salmon",
    "food": "bread|baker\\w*|coffee|tea|chocolate|cheese|pizza|soup|cook\\w*|food|recipe\\w*|restaurant\\w*"
            "|kitchen|wine|beer|cake"
            "|ice cream|noodles?|honey|breakfast|dinner|cookies?|sushi|pasta|sandwich\\w*|chips|drink|juice"
            "|lemonade|pie",
    "disaster": "flood\\w*|storm\\w*|earthquake\\w*|fires?|wildfires?|volcano\\w*|erupt\\w*|hurricane\\w*"
                "|tornado\\w*|tsunami"
                "|crash\\w*|collapse\\w*|drought|avalanche|blackout|explosion|outbreak|pandemic|heatwave|sinking|sank",
    "tech": "robots?|computers?|ai|artificial intelligence|machines?|software|internet|phones?|app|apps|engines?"
            "|quantum|batter\\w+"
            "|drones?|cars?|technolog\\w+|probes?|inventions?|code|programming|solar|fusion|reactors?|chips?|printers?",
    "history": "history|ancient|war|empire|rome|roman|egypt\\w*|pyramids?|medieval|century|centuries|revolution"
               "|kings?|queens?"
               "|vikings?|titanic|berlin wall|castle|dinosaurs?|renaissance|plague|moon landing|first|old"
               "|invention of|fall of",
    "city": "city|cities|town|towns|street\\w*|tokyo|london|paris|new york|berlin|rome|venice|market|subway"
            "|bridge|village|mayor"
            "|council|bakery|park|school|library",
    "nature": "forest\\w*|trees?|mountains?|rivers?|lakes?|gardens?|rain|snow|deserts?|meadow\\w*|flowers?|woods"
              "|jungle|rainforest"
              "|photosynthesis|rainbows?|plants?|clouds?|sky|glaciers?|ice|volcano\\w*|mushrooms?|moss|autumn"
              "|spring|aurora|northern lights|wind|seasons?|climate|reefs?",
    "sport": "match|game|goal|football|soccer|tennis|race|marathon|olympic\\w*|world cup|championship|cup|final"
             "|basketball"
             "|boxing|chess|cricket|hockey|team|cycling|derby|league",
    "arts": "music|songs?|jazz|band|paint\\w*|art|museum|theatre|theater|film|movie|novel|poet\\w*|piano|violin"
            "|orchestra|dance"
            "|opera|books?|writing|writer|vinyl|guitar|photograph\\w*|choir",
    "mind": "sleep|stress|anxiety|calm|mind\\w*|focus|breath\\w*|gratitude|love|fear|happiness|grief|dreams?"
            "|memory|memories"
            "|loneliness|kindness|courage|confidence|letting go|patience|burnout|insomnia",
    "find": "discover\\w*|finds?|found|uncover\\w*|detect\\w*|unearth\\w*|reveal\\w*|dig|spot|spots",
}  # fmt: skip
_PATTERNS = {tag: re.compile(rf"(?i)\b(?:{words})\b") for tag, words in _TAGS.items()}


def find_tags(words: str) -> frozenset[str]:
    """The fields that the words touch: "space", "travel", "animal"..."""
    return frozenset(tag for tag, pattern in _PATTERNS.items() if pattern.search(words))
