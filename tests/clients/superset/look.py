"""Lets a running Superset look at a database of tables.sql: its sync, a dataset, a chart with a filter and a group-by.

look.py SUPERSET-URL SQLALCHEMY-URI: prints all that Superset shows, so that PostgreSQL's and the gateway's can be compared.
The last line but for the rows is the chart's number.
"""

import json
import sys
import urllib.parse
import urllib.request

base, uri = sys.argv[1:3]
token = None


def call(method, path, body=None):
    request = urllib.request.Request(base + path, method=method, data=None if body is None else json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {path}: {error.code} {error.read().decode()[:2000]}")


def show(title, value):
    print(f"-- {title}")
    print(json.dumps(value, indent=1, sort_keys=True, default=str))


token = call("POST", "/api/v1/security/login", {"username": "admin", "password": "admin", "provider": "db"})["access_token"]
# The database of an earlier run goes with its datasets and charts.
for kind in ("chart", "dataset", "database"):
    for item in call("GET", f"/api/v1/{kind}/?q=(page_size:100)")["result"]:
        call("DELETE", f"/api/v1/{kind}/{item['id']}")
call("POST", "/api/v1/database/test_connection/", {"sqlalchemy_uri": uri, "database_name": "shop"})
database = call("POST", "/api/v1/database/", {"database_name": "shop", "sqlalchemy_uri": uri, "expose_in_sqllab": True})["id"]
show("schemas", sorted(call("GET", f"/api/v1/database/{database}/schemas/?q=(force:!t)")["result"]))
tables = call("GET", f"/api/v1/database/{database}/tables/?q=(force:!t,schema_name:sales)")["result"]
show("tables", [{k: t[k] for k in ("value", "type")} for t in tables])
for table in sorted(t["value"] for t in tables):
    show(f"table {table}", call("GET", f"/api/v1/database/{database}/table_metadata/?name={table}&schema=sales"))

dataset = call("POST", "/api/v1/dataset/", {"database": database, "schema": "sales", "table_name": "orders"})["id"]
columns = call("GET", f"/api/v1/dataset/{dataset}")["result"]["columns"]
show("dataset", sorted([c["column_name"], c["type"], c["is_dttm"], c["type_generic"]] for c in columns))

total = {
    "expressionType": "SIMPLE", "aggregate": "SUM", "label": "SUM(total)",
    "column": {"column_name": "total", "type": "NUMERIC(12, 2)"},
}
query = {
    "columns": ["status"], "metrics": [total, "count"], "orderby": [[total, False]], "row_limit": 100, "granularity": "placed",
    "filters": [{"col": "customer_id", "op": "IN", "val": [1, 2, 3, 5, 8]}], "time_range": "2024-02-01 : 2025-01-01",
}
asked = {"datasource": {"id": dataset, "type": "table"}, "queries": [query], "result_format": "json", "result_type": "full"}
answer = call("POST", "/api/v1/chart/data", asked)["result"][0]
show("group-by with a filter", {k: answer[k] for k in ("query", "data", "coltypes", "colnames", "rowcount")})
series = query | {
    "columns": [{"timeGrain": "P1M", "columnType": "BASE_AXIS", "sqlExpression": "placed", "label": "placed", "expressionType": "SQL"}, "status"],
    "orderby": [],
}
answer = call("POST", "/api/v1/chart/data", asked | {"queries": [series]})["result"][0]
show("by month", {"query": answer["query"], "data": sorted(json.dumps(row, sort_keys=True) for row in answer["data"])})
answer = call("POST", "/api/v1/chart/data", asked | {"result_type": "samples"})["result"][0]
show("samples", {k: answer[k] for k in ("colnames", "coltypes", "rowcount")})
values = call("GET", f"/api/v1/datasource/table/{dataset}/column/status/values/")["result"]
show("values of a filter", sorted(values))
lab = {"database_id": database, "sql": "select region, count(*) as n, avg(total) from sales.orders o join sales.customer c on c.id = o.customer_id group by 1 order by 1", "schema": "sales", "runAsync": False, "queryLimit": 100, "client_id": "lab"}
answer = call("POST", "/api/v1/sqllab/execute/", lab)
show("SQL Lab", {"data": answer["data"], "columns": [[c["name"], c["type"]] for c in answer["columns"]]})
form = {
    "datasource": f"{dataset}__table", "viz_type": "echarts_timeseries_bar", "x_axis": "status", "metrics": [total], "groupby": [],
    "adhoc_filters": [{"expressionType": "SIMPLE", "subject": "customer_id", "operator": "IN", "comparator": [1, 2, 3, 5, 8], "clause": "WHERE"}],
    "row_limit": 100, "show_value": True,
}
chart = call("POST", "/api/v1/chart/", {
    "slice_name": "Orders by status", "viz_type": form["viz_type"], "datasource_id": dataset, "datasource_type": "table", "params": json.dumps(form),
})["id"]
print(f"chart {chart}", file=sys.stderr)
