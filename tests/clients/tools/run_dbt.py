"""A dbt project of one model of each kind: run, test, and the catalog that `dbt docs generate` makes. (Not named dbt_…: dbt would take it for a plugin.)"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from show import DATABASE, HOST, PASSWORD, PORT, SSLMODE, USER, show

folder = pathlib.Path(tempfile.mkdtemp())
files = {
    "dbt_project.yml": "name: shop\nversion: '1.0'\nprofile: shop\nmodel-paths: [models]\nseed-paths: [seeds]\nsnapshot-paths: [snapshots]\n",
    "profiles.yml": f"shop:\n  target: t\n  outputs:\n    t: {{type: postgres, host: {HOST}, port: {PORT}, user: {USER}, password: '{PASSWORD}', dbname: {DATABASE}, "
    f"schema: dbt, threads: 1, sslmode: {SSLMODE}}}\n",
    "seeds/rates.csv": "code,rate,since\nde,0.19,2007-01-01\nfr,0.2,2014-01-01\n",
    "models/sources.yml": "version: 2\nsources:\n  - name: shop\n    schema: shop\n    tables: [{name: customer}, {name: orders}]\n"
    "models:\n  - name: spent\n    description: what they spent\n    columns:\n      - name: name\n        tests: [not_null, unique]\n",
    "models/spent.sql": "{{ config(materialized='table', indexes=[{'columns': ['name'], 'unique': true}]) }}\n"
    "select c.name, sum(o.total) as total from {{ source('shop', 'customer') }} c join {{ source('shop', 'orders') }} o on o.customer_id = c.id group by 1\n",
    "models/top.sql": "{{ config(materialized='view') }} select * from {{ ref('spent') }} where total > 100\n",
    "models/grown.sql": "{{ config(materialized='incremental', unique_key='id') }} select id, total from {{ source('shop', 'orders') }}"
    "{% if is_incremental() %} where id > (select max(id) from {{ this }}) - 1{% endif %}\n",
    "models/late.sql": "{{ config(materialized='materialized_view') }} select count(*) as n from {{ ref('spent') }}\n",
    "snapshots/kept.sql": "{% snapshot kept %}{{ config(target_schema='dbt', unique_key='id', strategy='check', check_cols=['total']) }}"
    " select id, total from {{ source('shop', 'orders') }}{% endsnapshot %}\n",
}
for name, text in files.items():
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
dbt = pathlib.Path(sys.executable).parent / "dbt"
environment = {**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1", "DBT_PROFILES_DIR": str(folder)}
for command in ["build", "run", "docs generate"]:
    done = subprocess.run([dbt, "--no-use-colors", *command.split()], cwd=folder, env=environment, capture_output=True, text=True)
    show(f"dbt {command}", done.returncode)
    results = folder / "target/run_results.json"
    if command in ("build", "run") and results.exists():
        show("results", sorted((r["unique_id"].rsplit(".", 1)[0] if r["unique_id"].startswith("test.") else r["unique_id"], r["status"], str(r["message"]).split("\n")[0])
                               for r in json.loads(results.read_text())["results"]))
    if done.returncode:
        print(done.stdout[-3000:])
catalog = json.loads((folder / "target/catalog.json").read_text())
for part in ["nodes", "sources"]:
    for name, entry in sorted(catalog[part].items()):
        entry["stats"] = {k: v.get("label") for k, v in entry["stats"].items()}
        show(name, entry)
show("errors", catalog["errors"])
