"""SQLAlchemy's inspector, method by method, and MetaData.reflect printed as DDL."""
import sqlalchemy as sa
from sqlalchemy.schema import CreateTable
from sqlalchemy.dialects import postgresql

from show import show, url

engine = sa.create_engine(url("postgresql+psycopg2"))
inspector = sa.inspect(engine)
own = [name for name in inspector.get_schema_names() if name not in ("information_schema", "public")]
show("schemas", own)
show("default schema", inspector.default_schema_name)
show("tables", sorted(inspector.get_table_names("shop")))
show("views", sorted(inspector.get_view_names("shop")))
show("materialized views", sorted(inspector.get_materialized_view_names("shop")))
show("sequences", sorted(inspector.get_sequence_names("shop")))
show("enums", inspector.get_enums("shop"))
show("domains", inspector.get_domains("shop"))
show("fkeys sorted", [t for t, _ in inspector.get_sorted_table_and_fkc_names("shop")])
for name in ["totals", "best"]:
    show(f"definition of {name}", inspector.get_view_definition(name, "shop"))


def by_table(many):
    return {table: value for (_, table), value in many.items()}


kind = sa.engine.reflection.ObjectKind.ANY
for what in ["columns", "pk_constraint", "foreign_keys", "indexes", "unique_constraints", "check_constraints", "table_comment", "table_options"]:
    for table, value in sorted(by_table(getattr(inspector, f"get_multi_{what}")("shop", kind=kind)).items()):
        if isinstance(value, list):
            value = sorted(value, key=lambda v: str(v["name"])) if what != "columns" else value
            value = [{k: str(v) if k == "type" else v for k, v in entry.items()} for entry in value]
        show(f"{what} of {table}", value)
show("has customer", inspector.has_table("customer", "shop"))
show("has nothing", inspector.has_table("nothing", "shop"))
show("has ticket", inspector.has_sequence("ticket", "shop"))
metadata = sa.MetaData(schema="shop")
metadata.reflect(engine, views=True)
for table in metadata.sorted_tables:
    print(str(CreateTable(table).compile(dialect=postgresql.dialect())).strip())
customer = metadata.tables["shop.customer"]
with engine.connect() as connection:
    rows = connection.execute(sa.select(customer.c.name, customer.c.mood, customer.c.tags, customer.c.doc).order_by(customer.c.id)).all()
    show("rows", [tuple(row) for row in rows])
