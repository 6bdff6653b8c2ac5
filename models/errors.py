"""What can go wrong in models, named as facts."""


class ModelError(Exception):
    """The root: every error that models raises on purpose."""


class EngineUnknown(ModelError):
    """No engine of that kind has that name."""


class EngineUnavailable(ModelError):
    """The engine is known but lacks something: a package, weights, a server, a key."""


class VoiceUnknown(ModelError):
    """The speech engine has no voice of that name."""


class WordsUnsupported(ModelError):
    """The engine cannot speak or serve these words."""


class EncoderUnknown(ModelError):
    """No encoder of words and pictures has that name."""


class PictureUnreadable(ModelError):
    """A file is not a picture that we can use: broken, truncated, too large, or not a picture at all."""


class AudioUnreadable(ModelError):
    """A file is not audio that we can use: broken, truncated, too large, or not audio at all."""


class SynthesisFailed(ModelError):
    """An engine ran and did not give a usable clip."""


class CheckpointUnusable(ModelError):
    """Weights that cannot be used: missing, truncated, of another net, or a pickle."""


class QueryUnusable(ModelError):
    """A query says nothing, far too much, or what this checkpoint cannot be asked."""
