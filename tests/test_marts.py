"""The models and metrics as they are written, and as they are rendered: each number told once, in every dialect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from importlib.resources import files

import pytest
import sqlglot
from sqlglot import exp

from freshsales_source.marts import Destination, Model, Relation, metrics, view_query
from freshsales_source.warehouse.mart_tables import mart_tables
from tests.marts_world import MODELS, READ

NAMES = [model.name for model in MODELS]
COUNTING = (exp.Count, exp.Sum, exp.Avg, exp.Median)
DIALECTS = ["duckdb", "postgres", "snowflake", "bigquery", "redshift", "databricks"]


def parsed(model: Model) -> exp.Select:
    return sqlglot.parse_one(model.query, dialect="duckdb", into=exp.Select)


def named_metrics(query: exp.Expr) -> Iterator[str]:
    for call in query.find_all(exp.Anonymous):
        if call.name.lower() == "metric":
            yield call.expressions[0].name


def counted(query: exp.Expr) -> Iterator[str]:
    """What a query counts, adds up or averages over groups of rows, as SQL."""
    for found in query.find_all(*COUNTING):
        if not isinstance(found.parent, exp.Window):
            yield found.sql(dialect="duckdb")


# Each number once


def test_no_formula_is_written_twice() -> None:
    formulas = {
        (metric.of, metric.name): sqlglot.parse_one(metric.formula, dialect="duckdb") for metric in metrics()
    }
    whole = [(of, formula.sql()) for (of, _), formula in formulas.items()]
    parts = [(of, sql) for (of, _), formula in formulas.items() for sql in set(counted(formula))]
    in_models = [sql for model in MODELS for sql in counted(parsed(model))]
    for written in (whole, parts, in_models):
        assert [sql for sql, times in Counter(written).items() if times > 1] == []
    assert set(in_models) & {sql for _, sql in parts} == set()
    # Only the checks of data quality count for themselves: nobody else asks what they ask.
    assert [model.name for model in MODELS if any(counted(parsed(model)))] == ["data_quality"]


def test_every_metric_is_used_and_tells_what_it_reads() -> None:
    used = {name for model in MODELS for name in named_metrics(parsed(model))}
    inner = {n for m in metrics() for n in named_metrics(sqlglot.parse_one(m.formula, dialect="duckdb"))}
    assert used | inner == {metric.name for metric in metrics()}
    assert {metric.of for metric in metrics()} <= set(NAMES)
    for metric in metrics():
        formula = sqlglot.parse_one(metric.formula, dialect="duckdb")
        assert sorted(metric.fields) == sorted({c.name for c in formula.find_all(exp.Column)}), metric.name
        assert metric.about.endswith("."), metric.name
        assert metric.caveats.endswith("."), metric.name


def test_both_win_rates_have_names_of_their_own() -> None:
    rates = [metric.name for metric in metrics() if metric.name.startswith("win_rate")]
    assert rates == ["win_rate_by_count", "win_rate_by_amount"]


def test_amounts_stand_beside_their_currency_and_nothing_reads_the_age_of_the_crm() -> None:
    for model in MODELS:
        columns = [one.alias_or_name for one in parsed(model).expressions]
        amounts = [c for c in columns if "amount" in c and "_base_" not in c and not c.startswith("win_rate")]
        if amounts:
            assert "currency_code" in columns, model.name
        assert {c.name for c in parsed(model).find_all(exp.Column)} & {"age", "rotten_days"} == set()


# As they are written


def test_a_model_tells_its_grain_and_its_question_and_reads_what_stands_before_it() -> None:
    folder = files("freshsales_source.marts") / "models"
    assert sorted(NAMES) == sorted(file.name.removesuffix(".sql") for file in folder.iterdir())
    for place, model in enumerate(MODELS):
        assert model.grain.startswith("one row"), model.name
        assert model.question.endswith("?"), model.name
        own = {cte.alias for cte in parsed(model).ctes}
        read = {table.name for table in parsed(model).find_all(exp.Table)} - own
        assert read <= {*mart_tables(), *NAMES[:place]}, model.name
        assert read <= model.reads, model.name


@pytest.mark.parametrize("dialect", DIALECTS)
def test_each_model_is_sql_in_the_dialect_of_the_destination_with_every_name_quoted(dialect: str) -> None:
    tables = {
        name: Relation(place=f"{name}_as_loaded", columns=(*types, "cf_select"), declared=types)
        for name, types in mart_tables().items()
        if name in READ
    }
    there = Destination(
        tables={**tables, "leads": Relation(place="", columns=(), declared=mart_tables()["leads"])},
        models={name: f"{name}_as_made" for name in NAMES},
        dialect=dialect,
        fold=str.upper,
        time_zone="Asia/Kolkata",
    )
    for model in MODELS:
        query = sqlglot.parse_one(view_query(model, there), dialect=dialect)
        names = [
            one for one in query.find_all(exp.Identifier) if not one.name.endswith(("_as_loaded", "_as_made"))
        ]
        assert all(one.quoted and one.name == one.name.upper() for one in names), model.name
        assert [call.name for call in query.find_all(exp.Anonymous) if call.name.lower() == "metric"] == []
    assert "CF_SELECT" in view_query(MODELS[NAMES.index("fct_deals")], there)
