"""Reading the objects of one run, in the run's threads, in batches that are loaded with their state."""

from freshsales_source.reading.batch import Batch, Tally
from freshsales_source.reading.object_reader import ObjectReader

__all__ = ["Batch", "ObjectReader", "Tally"]
