"""Errors a user can act on: one root and a few named children.

Every message names the place, the value, the rule and the fix.
"""


class FootprintsError(Exception):
    """Root of all errors that this package raises on purpose.

    Attributes:
        faults: What is wrong, each with its place; several where they were found together.
    """

    def __init__(self, *faults: str) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class ConfigError(FootprintsError):
    """A query, a configuration or a parameter breaks a rule."""


class InputsError(ConfigError):
    """What a run is given has faults, all of which were found before anything was done."""

    def __str__(self) -> str:
        if len(self.faults) < 2:
            return super().__str__()
        listed = "".join(f"\n{number}. {fault}" for number, fault in enumerate(self.faults, 1))
        return f"{len(self.faults)} faults, and nothing was done:{listed}"


class DataError(FootprintsError):
    """An image, a mask, a project or a model cannot be used as it is."""


class StorageError(FootprintsError):
    """A place in local or object storage cannot be read or written."""


class TooManySkippedError(DataError):
    """More images or items were skipped than the run may skip, or all."""
