"""ADBC's get_objects at every depth, its table schemas, and a table read and written."""
import adbc_driver_postgresql.dbapi as dbapi

from show import DATABASE, show, url

connection = dbapi.connect(url("postgresql"))


def named(objects):
    return {"catalog_name": "db" if objects["catalog_name"] == DATABASE else objects["catalog_name"],
            **{k: v for k, v in objects.items() if k != "catalog_name"}}


for depth in ["catalogs", "db_schemas", "tables", "columns"]:
    objects = connection.adbc_get_objects(depth=depth, catalog_filter=DATABASE, db_schema_filter="shop").read_all().to_pylist()
    for catalog in map(named, objects):
        for schema in catalog.get("catalog_db_schemas") or []:
            for table in schema.get("db_schema_tables") or []:
                for constraint in table.get("table_constraints") or []:
                    # Columns of a key come in its order; keys in none.
                    constraint.setdefault("constraint_name", None)
                # The driver asks for columns in no order.
                (table.get("table_columns") or []).sort(key=lambda c: c["ordinal_position"])
                if table.get("table_constraints"):
                    table["table_constraints"].sort(key=lambda c: str(c["constraint_name"]))
            if schema.get("db_schema_tables"):
                schema["db_schema_tables"].sort(key=lambda t: t["table_name"])
        show(depth, catalog)
show("table types", sorted(connection.adbc_get_table_types()))
for table in ["customer", "orders", "item", "totals", "Mixed Case"]:
    show(f"schema of {table}", str(connection.adbc_get_table_schema(table, db_schema_filter="shop")).split("\n"))
with connection.cursor() as cursor:
    cursor.execute("select id, email, name, mood::text, born, seen, stamp, score, small, ratio, active, ref, raw, tags from shop.customer order by id")
    show("customers", cursor.fetch_arrow_table().to_pylist())
    cursor.execute("select id, total, placed from shop.orders where total > $1 order by id", (100,))
    show("orders", cursor.fetch_arrow_table().to_pylist())
