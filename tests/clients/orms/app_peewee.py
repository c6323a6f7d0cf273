"""A small app on peewee: what it prints is the same on PostgreSQL and on the gateway."""
import os
from decimal import Decimal

from peewee import (JOIN, SQL, CharField, Check, DecimalField, ForeignKeyField, IntegerField, IntegrityError, Model, TextField, fn)
from playhouse.migrate import PostgresqlMigrator, migrate
from playhouse.postgres_ext import ArrayField, BinaryJSONField, PostgresqlExtDatabase

E = os.environ
db = PostgresqlExtDatabase(E["PGDATABASE"], user=E["PGUSER"], password=E["PGPASSWORD"], host=E["PGHOST"], port=int(E["PGPORT"]),
                           options="-c search_path=orm_peewee", register_hstore=False)


class Base(Model):
    class Meta:
        database = db


class Author(Base):
    name = CharField(max_length=40, unique=True)


class Book(Base):
    title = TextField(index=True)
    price = DecimalField(max_digits=8, decimal_places=2, constraints=[Check("price >= 0")])
    author = ForeignKeyField(Author, backref="books", on_delete="CASCADE")
    facts = BinaryJSONField(default=dict, index=False)
    marks = ArrayField(IntegerField, default=list, index=False)


db.connect()
db.execute_sql("DROP SCHEMA IF EXISTS orm_peewee CASCADE")
db.execute_sql("CREATE SCHEMA orm_peewee")
db.create_tables([Author, Book])
migrator = PostgresqlMigrator(db)
with db.atomic():
    migrate(migrator.add_column("book", "version", IntegerField(default=1, constraints=[SQL("DEFAULT 1")])), migrator.add_index("book", ("author_id", "title"), True))
print("tables", db.get_tables(schema="orm_peewee"))
print("columns", [(c.name, c.data_type, c.null, c.primary_key) for c in db.get_columns("book", schema="orm_peewee")])
print("indexes", sorted(set((i.name, i.unique, *i.columns) for i in db.get_indexes("book", schema="orm_peewee"))))
print("keys", db.get_foreign_keys("book", schema="orm_peewee"))

ada, bob = Author.create(name="Ada"), Author.create(name="Bob")
Book.insert_many([{"title": f"A{i}", "price": Decimal(i) / 4, "author": ada, "facts": {"n": i}, "marks": [i, i + 1]} for i in range(5)]).execute()
print("id", Book.insert(title="B", price="9.99", author=bob).execute())

with db.atomic():
    Author.create(name="Cyd")
    for name in ("Ada", "Dan"):
        try:
            with db.atomic():
                Author.create(name=name)
        except IntegrityError as error:
            print("inner failed", error.orig.pgcode, error.orig.diag.constraint_name)
print("after", [a.name for a in Author.select().order_by(Author.name)])

print("upsert", Author.insert(name="Ada").on_conflict_ignore().execute() is None,
      Author.insert(name="Bob").on_conflict(conflict_target=[Author.name], update={Author.name: "Bo"}).execute() == bob.id)
print("returning", [(b.title, str(b.price)) for b in Book.update(price=Book.price * 2).where(Book.price > 1).returning(Book).execute()])
print("page", [(b.title, b.author.name) for b in Book.select(Book, Author).join(Author).order_by(Book.price.desc(), Book.id).paginate(2, 2)])
totals = Author.select(Author.name, fn.COUNT(Book.id).alias("n"), fn.SUM(Book.price).alias("s")).join(Book, JOIN.LEFT_OUTER)
print("totals", [(a.name, a.n, str(a.s)) for a in totals.group_by(Author.name).order_by(Author.name)])
print("json", [b.title for b in Book.select().where(Book.facts["n"].cast("int") >= 3).order_by(Book.id)],
      [b.title for b in Book.select().where(Book.marks.contains(3)).order_by(Book.id)])
with db.atomic():
    print("locked", Book.select().where(Book.id == 1).for_update("FOR UPDATE NOWAIT").get().title)
for what, act in [("check", lambda: Book.update(price=-1).execute()), ("foreign key", lambda: Book.create(title="X", price=1, author=99))]:
    try:
        with db.atomic():
            act()
    except IntegrityError as error:
        print(what, error.orig.pgcode, error.orig.diag.table_name, error.orig.diag.constraint_name)
print("deleted", Author.delete().where(Author.name == "Ada").execute(), Book.select().count())
migrate(migrator.drop_column("book", "version"), migrator.rename_column("author", "name", "called"))
print("back", [c.name for c in db.get_columns("author", schema="orm_peewee")], [c.name for c in db.get_columns("book", schema="orm_peewee")])
db.execute_sql("DROP SCHEMA orm_peewee CASCADE")
