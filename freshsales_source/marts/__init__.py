"""Views for analysts over the warehouse's tables: plain SQL in `models/`, and its rendering for a destination.

Pure: nothing here knows dlt or opens a connection. `warehouse.mart_views` makes the views and keeps them.
"""

from freshsales_source.marts.metrics import Metric, Unit, metrics
from freshsales_source.marts.model import Model, answer_models, history_models
from freshsales_source.marts.rendering import Destination, Relation, literal_rows, view_query

__all__ = [
    "Destination",
    "Metric",
    "Model",
    "Relation",
    "Unit",
    "answer_models",
    "history_models",
    "literal_rows",
    "metrics",
    "view_query",
]
