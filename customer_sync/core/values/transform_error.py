"""How the core says, to itself only, that a value cannot become what was asked for."""


class TransformError(ValueError):
    """A value that cannot be used; `detail` is a clause about it that does not repeat it.

    It never leaves the core: the mapping turns it into a FieldWarning.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail
