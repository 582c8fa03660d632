"""One HTML page that answers a sales lead's questions from the marts, and says how far it can be trusted.

Reads views only: every number is defined once, in `marts/metrics.yml`. `figures` reads, the panels choose and word,
`charts` and `bars` draw, `page` puts it together. Nothing here knows dlt or opens a connection.
"""

from freshsales_source.report.figures import Figures, Marts, read_figures
from freshsales_source.report.page import Origin, render

__all__ = ["Figures", "Marts", "Origin", "read_figures", "render"]
