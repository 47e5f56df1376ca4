"""The pictures people look at: self-contained HTML pages, and the same as PNG."""

from components.core.reporting.contact_sheet import contact_sheet
from components.core.reporting.curves import HistoryRow, best_validation, training_curves
from components.core.reporting.graph import graph_picture, query_graph
from components.core.reporting.graph_plan import GraphEdge, GraphLayer
from components.core.reporting.page import Fact, Picture, Section, run_report, write_page
from components.core.reporting.panels import prediction_panels
from components.core.reporting.scenes import ComparedScene, compared_scenes
from components.core.reporting.tables import Cell, Column, table
from components.core.reporting.towns import TownScores, evaluation_table, town_table

__all__ = [
    "Cell",
    "Column",
    "ComparedScene",
    "Fact",
    "GraphEdge",
    "GraphLayer",
    "HistoryRow",
    "Picture",
    "Section",
    "TownScores",
    "best_validation",
    "compared_scenes",
    "contact_sheet",
    "evaluation_table",
    "graph_picture",
    "prediction_panels",
    "query_graph",
    "run_report",
    "table",
    "town_table",
    "training_curves",
    "write_page",
]
