"""Lists of records as pages: saved views, searches, and the pipelines that no view shows."""
