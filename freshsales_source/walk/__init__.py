"""The walk engine: reads a view that people keep changing, and loses no row. It knows neither HTTP nor dlt."""

from freshsales_source.walk.engine import Walk
from freshsales_source.walk.latest import Sighting, latest
from freshsales_source.walk.page import Fetch, Page
from freshsales_source.walk.state import BEGINNING, TOP, Span, WalkState
from freshsales_source.walk.step import Step

__all__ = ["BEGINNING", "TOP", "Fetch", "Page", "Sighting", "Span", "Step", "Walk", "WalkState", "latest"]
