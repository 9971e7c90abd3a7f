"""What can be wrong with a declaration, and with parameters that were stored earlier."""


class DeclarationError(Exception):
    """A parameter is declared in a way that cannot work. `hint` says what to write instead."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class DoesNotFit(ValueError):
    """Stored parameters are not those that the code asks for."""


class ObjectGone(DoesNotFit):
    """An object that was chosen earlier is not in the database any more."""
