"""A query that ran, as a picture."""

from __future__ import annotations

from collections.abc import Iterator

from components.core.dtl.action import NULL, QueryLayer
from components.core.dtl.run import QueryRun
from components.core.reporting.graph import graph_picture
from components.core.reporting.graph_plan import GraphEdge, GraphLayer
from components.core.reporting.page import Picture


def picture_of(run: QueryRun) -> Picture:
    """The query as a graph, with the number of items on each edge."""
    layers = [GraphLayer(layer.place, layer.action.name, _summary(layer, run)) for layer in run.query.layers]
    edges = [edge for layer in run.query.layers for edge in _edges(layer, run)]
    return graph_picture(layers, edges)


def _summary(layer: QueryLayer, run: QueryRun) -> str:
    if layer in run.query.data_layers:
        return ", ".join(filter(None, [*layer.src, layer.action.summary()]))
    if layer is run.query.save_layer:
        return layer.dst[0]
    return layer.action.summary()


def _edges(layer: QueryLayer, run: QueryRun) -> Iterator[GraphEdge]:
    if layer is run.query.save_layer:
        return
    for port, name in enumerate(layer.dst):
        count = run.report.emitted[layer.index, port]
        readers = () if name == NULL else run.query.readers.get(name, ())
        for reader in readers:
            yield GraphEdge(layer.place, reader.place, name, count)
        if not readers:
            yield GraphEdge(layer.place, None, name, count)
