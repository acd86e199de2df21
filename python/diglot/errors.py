"""What can go wrong by a user's hand: all are ValueErrors, so one `except` catches them."""


class ShapeError(ValueError):
    """An array's shape does not fit; the message holds what came and what was expected."""


class DataError(ValueError):
    """A data set, a data file or labels cannot be used as they are."""


class ModelFileError(ValueError):
    """A model file is damaged, hostile or belongs to another architecture."""


class GradientError(ValueError):
    """A gradient differs from finite differences; the message names the element."""


class TrainingDiverged(ValueError):  # noqa: N818 - the name says what happened
    """The loss became NaN or infinite; the message names epoch, batch and likely causes."""
