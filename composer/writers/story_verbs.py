"""Verbs of saying, titles and kin: the words by which a story tells who speaks. Data for the story reader."""

from __future__ import annotations

SAYING = frozenset(
    """said says say saying asked asks cried cries replied replies answered answers whispered whispers shouted shouts
    called calls muttered mutters murmured murmurs exclaimed exclaims added adds continued continues began begins
    snapped growled sighed sighs gasped breathed repeated demanded inquired enquired suggested explained agreed
    admitted announced declared insisted interrupted observed remarked responded retorted roared screamed shrieked
    sang sings screeched sobbed stammered stuttered thought told warned wondered yelled begged pleaded promised
    protested urged hissed groaned moaned grunted croaked grumbled bellowed barked boomed hollered mumbled panted
    piped purred ordered commanded quoth returned concluded confessed conceded corrected offered proposed reminded
    reported resumed rejoined scoffed sneered wailed whimpered whined wheezed squeaked squealed teased joked lied
    mused reasoned recited read ventured volunteered vowed pronounced pressed prompted persisted objected noted
    implored howled faltered echoed drawled cautioned chimed chirped complained confirmed countered crooned cooed
    cut blurted bawled assured argued advised acknowledged spat spoke stated swore finished guessed hummed
    lamented laughed chuckled giggled smiled grinned beamed nodded frowned shrugged rasped rumbled squawked
    snarled snorted soothed tried went put thundered greeted ended allowed apologised apologized coaxed decided
    counted""".split()
)
WEAK = frozenset(
    "smiled grinned beamed nodded frowned shrugged read went put cut tried ended counted finished spoke".split()
)
"""Verbs that say nothing by themselves, but name the speaker when they stand beside a quote."""
ANY_VERB = "|".join(sorted(SAYING, key=lambda verb: (-len(verb), verb)))
STRONG_VERB = "|".join(sorted(SAYING - WEAK, key=lambda verb: (-len(verb), verb)))
SUBJECT_HINT = r"(?:[A-Z]|he\b|she\b|the\b|it\b|they\b|his\b|her\b|my\b|an?\b)"

TITLES = frozenset(
    """mr mrs ms miss dr doctor captain capt professor prof sir lady lord king queen prince princess uncle aunt
    auntie father mother brother sister saint st colonel col major general lieutenant lt sergeant sgt inspector
    detective officer madame madam mademoiselle monsieur señor señora herr frau judge mayor president reverend rev
    count countess duke duchess baron baroness old young little nurse commander admiral chief constable
    commissioner grandma grandpa granny engineer""".split()
)
NOT_NAMES = frozenset(
    """the a an and but or so then when while as if it he she they we i you his her their my our its this that these
    those there here what who where why how yes no not now once one two three all some every at in on of for from
    to with by after before suddenly finally meanwhile still just only even oh ah well god monday tuesday
    wednesday thursday friday saturday sunday january february july september october november december christmas
    english french german chapter nobody everybody somebody someone everyone nothing something everything perhaps
    maybe later outside inside again never always soon behind above below beside next first last both each another
    such with without until though through over under up down out off into slowly quickly quietly silence between
    within across along down-stairs let had was were is are be been did do does can could would should will may
    might must""".split()
)
ACTS = frozenset(
    """shook stood sat took looked went came put turned got ran rose let kept held fell gave made laid bent drew
    threw lay left met saw knew felt heard wore had was leaned lifted opened closed paused hesitated stared
    glanced pointed wiped stepped walked reached picked set struck leapt sprang crept grew became woke slept ate
    drank broke rubbed waved pulled pushed raised lowered folded waited stopped gazed blinked winked bowed knelt
    swung clapped bit blew caught chose flew hid hung led lost paid rode rang sent shut slid stuck swept wept
    wrote scratched coughed cleared kicked tapped touched nudged handed""".split()
)
"""What people do beside their quotes."""
NOT_NOUNS = ACTS | frozenset(
    """in on at to with from as and who after before when while without for over into onto upon by of about through
    but then that which than or so because if though until under near across behind beside looking turning holding
    again once back more out up down off away aloud there here now still only just too also suddenly at-last
    softly quietly quickly he she it they we i you him them me us was were had is are did be been has have not
    never""".split()
)
