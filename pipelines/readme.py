"""The README's table of components, made from their signatures."""

from __future__ import annotations

from pathlib import Path

from components.core.command.signature import Parameter, Role, read_signature
from components.core.errors import ConfigError
from components.stages import STAGES

README = Path(__file__).parents[1] / "README.md"
BEGIN = "<!-- components: made by `python -m pipelines readme` -->"
END = "<!-- /components -->"


def component_table() -> str:
    """A Markdown table: what each component does, takes and gives."""
    rows = ["| component | what it does | inputs | outputs |", "|---|---|---|---|"]
    return "\n".join(rows + [_row(stage) for stage in STAGES])


def _row(stage: str) -> str:
    signature = read_signature(stage)
    own = [parameter for parameter in signature.parameters if not parameter.is_for_command_line]
    artifacts = [_artifact(parameter) for parameter in own if parameter.role is Role.INPUT]
    inputs = artifacts + [parameter.name for parameter in own if parameter.role is Role.VALUE]
    outputs = [_artifact(parameter) for parameter in own if parameter.role is Role.OUTPUT]
    outputs += [f"**{name}** {kind}" for name, kind in signature.returns.items()]
    link = f"[`{stage}`](components/{stage}/component.py)"
    return f"| {link} | {signature.summary} | {', '.join(inputs)} | {', '.join(outputs)} |"


def _artifact(parameter: Parameter) -> str:
    return f"**{parameter.name}** {'list of ' if parameter.is_list else ''}{parameter.kind}"


def updated(text: str) -> str:
    """The README with the table as it is now.

    Raises:
        ConfigError: If the marks between which it stands are missing.
    """
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ConfigError(f"README.md: the marks {BEGIN!r} and {END!r} are missing; put them where the table belongs")
    return f"{head}{BEGIN}\n\n{component_table()}\n\n{END}{tail}"


def write_readme(file: Path = README) -> None:
    """Bring the table up to date."""
    file.write_text(updated(file.read_text(encoding="utf-8")), encoding="utf-8")


def check_readme(file: Path = README) -> None:
    """See that the table is current.

    Raises:
        ConfigError: If it is not.
    """
    text = file.read_text(encoding="utf-8")
    if text != updated(text):
        raise ConfigError(f"{file.name}: the table of components is not current; run `make readme` and commit")
