"""`dataset`: items go to another dataset."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from components.core.dtl.action import Action, ActionSettings, Context, Element, Emission, QueryLayer
from components.core.dtl.schema_rules import given, one_of

LONGEST_NAME = 200


NAME_CHARACTERS = r"^(?=.*[^ ])[^\x00-\x1f!-,./:-@\[-\^`{-\x7f]*$"
"""For a JSON schema, whose patterns know no letters beyond ASCII: not blank, and none of ASCII's other characters."""

NAME = re.compile(r"[\w -]*[\w-][\w -]*")


def _is_name(text: str) -> str:
    if NAME.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not a name of a dataset; use letters, digits, blanks, - and _ only")
    return text


DatasetName = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_NAME, json_schema_extra={"pattern": NAME_CHARACTERS}),
    AfterValidator(_is_name),
]


class DatasetSettings(ActionSettings):
    """Settings of `dataset`: either `name` or `rule`."""

    model_config = ConfigDict(json_schema_extra=one_of(given("name"), given("rule")))

    name: DatasetName | None = None
    """Of the dataset: letters, digits, blanks, `-` and `_`."""

    rule: Literal["save_original"] | None = None
    """Calls the dataset as the source's is called, without the project in front."""

    @model_validator(mode="after")
    def _is_one_of_them(self) -> DatasetSettings:
        if (self.name is None) == (self.rule is None):
            raise ValueError('holds either "name" or "rule"')
        return self


class SetDataset(Action):
    """The item goes to the dataset of the given name, or to one called as its source's; without this layer a dataset is
    called `project__dataset`. Conditions still look at the source's dataset. Objects and the image stay as they
    are.
    """

    name: ClassVar[str] = "dataset"
    settings_model: ClassVar[type[ActionSettings]] = DatasetSettings

    def apply(self, element: Element, layer: QueryLayer, context: Context) -> Iterator[Emission]:
        """The element, in its new dataset."""
        dataset = element.source.dataset if self.settings.name is None else self.settings.name
        yield Emission(element.with_item(replace(element.item, dataset=dataset)))

    def summary(self) -> str:
        """The name, or the rule."""
        return "as the source's" if self.settings.name is None else str(self.settings.name)
