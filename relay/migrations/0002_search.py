"""Adds an index of finished runs, and PostgreSQL's tables of search words and counts.

SQLite has the same tables in a separate file, which is created when it is first needed: relay/search/index_store.py.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

MAKE = (
    "CREATE TABLE relay_searchwords (run_id bigint PRIMARY KEY, words tsvector NOT NULL)",
    "CREATE INDEX search_words ON relay_searchwords USING gin (words)",
    "CREATE TABLE relay_searchprogress (id integer PRIMARY KEY, last bigint NOT NULL)",
    "CREATE TABLE relay_searchlater (run_id bigint PRIMARY KEY)",
    (
        "CREATE TABLE relay_searchhours (flow_id bigint, hour bigint, state varchar(13), count integer NOT NULL,"
        " PRIMARY KEY (flow_id, hour, state))"
    ),
)
UNMAKE = tuple(f"DROP TABLE relay_search{name}" for name in ("hours", "later", "progress", "words"))


def make(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        for statement in MAKE:
            schema_editor.execute(statement)


def unmake(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        for statement in UNMAKE:
            schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("relay", "0001_spine")]

    operations = [
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("finished_at__isnull", False)),
                fields=["workspace", "state", "id", "flow"],
                name="run_final",
            ),
        ),
        migrations.RunPython(make, unmake),
    ]
