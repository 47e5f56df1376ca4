"""What a DTL stage shows of a query that ran, as a page."""

from __future__ import annotations

from pathlib import Path

from components.core.dtl.contact_sheet import contact_sheet
from components.core.dtl.query_graph import query_graph
from components.core.dtl.run import QueryRun
from components.core.project import open_project
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
    sections = [query_graph(run), contact_sheet(open_project(output))]
    write_page(file, run_report(run.meta.name, run.sentence(), (), sections))
