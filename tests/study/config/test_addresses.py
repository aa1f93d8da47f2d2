from __future__ import annotations

import pytest

from study.config.addresses import tracking_problem


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:5000", "https://mlflow.example.org/team/?a=b", "http://[::1]:5000", "http://host:1/?a=b",
        "databricks", "databricks://profile", "sqlite:////tmp/a%20b.db", "postgresql+psycopg://host:5432/mlflow",
        "mysql+pymysql://host/mlflow", "mssql+pyodbc://host/mlflow?driver=x",
    ],
)  # fmt: skip
def test_an_address_of_mlflow_is_taken(uri: str) -> None:
    assert tracking_problem(uri) is None


@pytest.mark.parametrize(
    "uri",
    [
        "", " ", "./mlruns", "/mlruns", "localhost:5000", "http//typo", "http:/host", "http://", "https://",
        "http://:5000", "http:///path", "http://a b", "http://a\n", " http://a", "http://host:port", "http://host:70000",
        "http://host:0", "http://[::1", "http://..", "javascript:alert(1)", "file:///etc", "ftp://x", "s3://bucket/x",
        "Databricks", "databricks://", "sqlite://", "sqlite:///", "sqlite:///rel.db", "sqlite:////", "sqlite:////folder/",
        "sqlite:x.db", "sqlite+:////x.db", "postgresql:///mlflow", "postgres://host/mlflow", "uc:x",
    ],
)  # fmt: skip
def test_what_mlflow_would_not_take_is_refused(uri: str) -> None:
    problem = tracking_problem(uri)
    assert problem is not None
    assert problem.startswith(
        "expected http://HOST or https://HOST, databricks, sqlite:////ABSOLUTE/PATH, or postgresql"
    )
    assert problem.endswith(f"got {uri!r}")
