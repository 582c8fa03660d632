"""The Airflow DAGs, Dagster assets, container and manifest of `pipelines/`, run by the real thing."""
