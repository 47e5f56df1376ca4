"""Errors a user can act on: one root and a few named children.

Every message names the place, the value, the rule and the fix.
"""


class FootprintsError(Exception):
    """Root of all errors that this package raises on purpose."""


class ConfigError(FootprintsError):
    """A query, a configuration or a parameter breaks a rule."""


class DataError(FootprintsError):
    """An image, a mask, a project or a model cannot be used as it is."""


class StorageError(FootprintsError):
    """A place in local or object storage cannot be read or written."""


class TooManyBadItemsError(DataError):
    """More items failed than the run may have."""
