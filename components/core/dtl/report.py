"""What a DTL stage shows of a query that ran: a page, and its pictures."""

from __future__ import annotations

from pathlib import Path

from components.core.dtl.picture import picture_of
from components.core.dtl.run import QueryRun
from components.core.project import open_project
from components.core.reporting.contact_sheet import contact_sheet
from components.core.reporting.page import run_report, write_page


def write_report(run: QueryRun, output: str | Path, file: str | Path) -> None:
    """Write a page of the query as a graph, and a contact sheet of the result.

    Args:
        run: The query that ran.
        output: The project that came out.
        file: HTML file to write.

    Raises:
        DataError: If the project's pixels cannot be read.
        StorageError: If the file cannot be written.
    """
    pictures = [picture_of(run), contact_sheet(open_project(output))]
    write_page(file, run_report(run.meta.name, run.sentence(), (), pictures))


def write_pictures(run: QueryRun, output: str | Path, folder: Path) -> None:
    """Write the report's pictures as PNG: `query.png` and `contact_sheet.png`.

    Args:
        run: The query that ran.
        output: The project that came out.
        folder: Where the files appear.

    Raises:
        DataError: If the project's pixels cannot be read.
        StorageError: If the folder cannot be written.
    """
    picture_of(run).write(png_file=folder / "query.png")
    contact_sheet(open_project(output)).write(png_file=folder / "contact_sheet.png")
