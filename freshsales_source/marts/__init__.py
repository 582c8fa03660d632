"""Views for analysts over the warehouse's tables: plain SQL in `models/`, and its rendering for a destination.

Pure: nothing here knows dlt or opens a connection. `warehouse.mart_views` makes the views and keeps them.
"""

from freshsales_source.marts.model import Model, history_models
from freshsales_source.marts.rendering import Relation, view_query

__all__ = ["Model", "Relation", "history_models", "view_query"]
