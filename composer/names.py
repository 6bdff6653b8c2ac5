"""What names and words say of a speaker: gender, age, accent, manner. Data for casting and for the story reader."""

from __future__ import annotations

import re
from typing import Literal

Gender = Literal["female", "male"]

FEMALE_NAMES = frozenset(
    """abigail ada adele agatha agnes aisha alice alicia alina amanda amara amelia amy ana anastasia andrea angela anika
    anita ann anna anne annie antonia anya april ariel asha astrid audrey aurora ava barbara bea beatrice bella beth betty
    bianca bridget camila carla carmen carol caroline cassandra catherine cecilia celia charlotte chloe christina clara
    claire clarissa claudia cleo constance cora cordelia daisy daphne deborah delia denise diana dolores donna dora doris
    dorothy edith eileen elaine eleanor elena elise eliza elizabeth ella ellen elsa elsie emilia emily emma erica esme
    estelle esther ethel eva eve evelyn fatima faye felicity fiona flora florence frances freya gabriela gemma georgia
    gertrude gina ginny giselle grace greta gretel guinevere hannah harriet hazel heather heidi helen helena henrietta
    hermione hilda holly ida imogen ingrid irene iris irma isabel isabella isla ivy jane janet jasmine jean jennifer jenny
    jessica jill joan joanna josephine joy joyce juanita judith judy julia juliet june karen kate katherine kathleen katie
    kira kitty laila lara laura lauren layla leah lena leila lily linda lisa liv lola lorna louisa louise lucia lucy luna
    lydia mabel madeleine maeve maggie maia mara margaret margot maria marian marie marilla marina marion marta martha
    mary matilda maud maya meg megan mei melissa mercedes mia mildred millie mina minnie mira miranda miriam molly monica
    muriel myra nadia nancy naomi natalie natasha nell nellie nina nora odette olga olive olivia opal ophelia pamela
    patricia paula pauline pearl penelope penny petra phoebe phyllis pippa polly portia priya rachel ramona rebecca
    regina rhea rita roberta rosa rosalind rose rosemary rosie roxanne ruby ruth sally samantha sandra sara sarah scarlett
    selma serena sheila shirley sibyl sienna sigrid silvia simone sofia sonia sophia sophie stella susan susanna suzanne
    svetlana sybil sylvia tabitha tamara tara teresa tess thea theresa tilda tilly tina trixie una ursula valentina
    valerie vanessa vera veronica victoria viola violet virginia vivian wanda wendy wilhelmina willa wilma winifred
    yasmin yolanda yuki yvonne zara zelda zoe zora""".split()
)
MALE_NAMES = frozenset(
    """aaron abdul abel abraham achilles adam adrian ahmed alan albert alec alejandro alex alexander alfie alfred ali
    ambrose amir amos andre andrew angus anthony antonio archie aristotle arnold arthur ahab august barnaby bartholomew
    basil ben benedict benjamin bernard bill billy bob bobby boris brad brandon brian bruce bruno caleb calvin carl carlos
    cedric charles charlie chris christian christopher claude clement clive clyde colin conrad craig cyril damian dan
    daniel darius dave david dennis derek desmond diego dimitri dmitri dominic donald douglas duncan dylan earl ed eddie
    edgar edmund edward edwin eli elias elijah elliot emil enrico eric ernest ethan eugene evan ezra felix ferdinand
    fergus finn floyd francis francisco frank franklin franz fred frederick fritz gabriel gareth gary geoffrey george
    gerald gideon gilbert giovanni glenn gordon graham grant greg gregory gunther gus guy hamish hamlet hank hans hansel
    harold harry harvey hector henry herbert herman hiroshi horace howard hugh hugo humphrey ian ibrahim igor isaac ishmael
    ivan jack jackson jacob jacques jake james jason jasper javier jay jed jeff jeremy jerome jerry jesse jim jimmy joaquin
    joe joel john johnny jonah jonas jonathan jorge jose joseph joshua juan julian julius karl keith ken kenneth kevin kenji
    kurt lance lars laurence lawrence leo leon leonard leroy lewis liam lionel lloyd logan lorenzo louis luca lucas lucius
    luigi luke luther magnus malcolm marco marcus mario mark martin marvin mason matt matthew maurice max maximilian merlin
    michael miguel mike miles milo mohammed morris moses nathan nathaniel ned neil nelson neville nicholas nick nigel noah
    norman oliver olaf omar orlando oscar otto otis owen pablo patrick paul pedro percival percy pete peter phil philip
    pierre quentin quincy rafael ralph raj ramon randolph raoul raphael raymond reginald rex reuben ricardo richard rick
    rob robert robin roderick rodney roger roland roman romeo ron ronald rory ross roy rudolf rufus rupert russell ryan
    salvador sam samson samuel saul scott sean sebastian seth sergei seymour shawn sherlock sidney silas simon stanley
    stefan stephen steve steven stuart sven tariq ted terence terry theo theodore thomas tim timothy tobias toby todd tom
    tommy tony travis tristan tyler ulysses victor vincent vladimir wallace walter warren watson wayne wilbur wilfred
    will william willie winston wolfgang xavier yusuf zachary zeke""".split()
)

_FEMALE_WORDS = frozenset(
    """she her hers herself woman women girl lady mother mom mum mama mummy grandmother grandma granny aunt auntie sister
    daughter wife widow bride queen princess duchess countess empress baroness madam madame miss mrs ms mistress nun
    priestess witch goddess heroine actress waitress hostess maid nanny governess nurse lass female mermaid hen schoolgirl
    stewardess seamstress fairy niece ballerina matriarch""".split()
)
_MALE_WORDS = frozenset(
    """he him his himself man men boy gentleman father dad daddy papa grandfather grandpa uncle brother son husband widower
    groom king prince duke count emperor baron lord sir mr mister priest wizard god hero lad male butler fisherman
    policeman fireman salesman cowboy bishop pope monk schoolboy nephew patriarch rooster footman""".split()
)
_MALE_TRADES = frozenset(
    "captain sailor pirate sergeant colonel general admiral major knight blacksmith lumberjack giant ogre troll".split()
)
"""Mostly men in stories, but a name or a pronoun that says otherwise is believed."""
_OLD_WORDS = frozenset(
    """old elderly aged ancient grey-haired gray-haired white-haired wrinkled grandfather grandpa grandmother grandma granny
    veteran retired elder wise weathered grizzled crone hermit wizard patriarch matriarch king""".split()
)
_YOUNG_WORDS = frozenset(
    """young girl boy child kid teenager teen student youth lad lass little daughter son apprentice cub puppy kitten elf
    pixie schoolgirl schoolboy toddler baby niece nephew mouse rabbit""".split()
)
_BRITISH_WORDS = frozenset(
    """british english england london londoner oxford cambridge scottish welsh cornish yorkshire victorian edwardian lord
    lady butler duke duchess earl baron countess detective-inspector mum governess knight king queen wizard sherlock
    watson royal manor squire vicar""".split()
)
_DEEP_WORDS = frozenset(
    """deep gruff gravelly booming low captain sea sailor pirate giant ogre troll bear villain dark husky rough commander
    general king monster dragon bass grim blacksmith lumberjack""".split()
)
_HIGH_WORDS = frozenset(
    "high shrill squeaky tiny little mouse bird fairy elf pixie girl child kid bright chirpy".split()
)
_CLEAR_WORDS = frozenset(
    """host anchor newsreader presenter narrator reporter announcer moderator interviewer correspondent guide
    storyteller news""".split()
)
_FLAT_WORDS = frozenset("robot computer machine android ai voice-over system automaton".split())


def words_of(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", text.casefold())


def gender_of(name: str, description: str = "") -> Gender | None:
    """What name, title and pronouns say; the name and its title weigh most. None when nothing tells."""
    score = 0.0
    for weight, words in ((2.0, words_of(name)), (1.0, words_of(description))):
        for word in words:
            score += weight * ((word in _FEMALE_WORDS) - (word in _MALE_WORDS) - 0.4 * (word in _MALE_TRADES))
    first = next((word for word in words_of(name) if word in FEMALE_NAMES or word in MALE_NAMES), None)
    if first is not None:
        score += 1.5 * ((first in FEMALE_NAMES) - (first in MALE_NAMES))
    return "female" if score > 0 else "male" if score < 0 else None


def manner_of(name: str, description: str) -> dict[str, bool]:
    """Which manners the words name: old, young, british, deep, high, clear, flat."""
    words = set(words_of(f"{name} {description}"))
    tables = {
        "old": _OLD_WORDS,
        "young": _YOUNG_WORDS,
        "british": _BRITISH_WORDS,
        "deep": _DEEP_WORDS,
        "high": _HIGH_WORDS,
        "clear": _CLEAR_WORDS,
        "flat": _FLAT_WORDS,
    }
    return {manner: bool(words & table) for manner, table in tables.items()}
