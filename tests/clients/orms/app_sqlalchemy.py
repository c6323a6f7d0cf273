"""A small app on SQLAlchemy: what it prints is the same on PostgreSQL and on the gateway."""
import os
from datetime import date
from decimal import Decimal

from sqlalchemy import (CheckConstraint, Column, ForeignKey, Integer, MetaData, Numeric, String, Table, UniqueConstraint,
                        create_engine, func, inspect, select, text)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.schema import CreateSchema, DropSchema

E = os.environ
URL = f"postgresql+psycopg://{E['PGUSER']}:{E['PGPASSWORD']}@{E['PGHOST']}:{E['PGPORT']}/{E['PGDATABASE']}"
engine = create_engine(URL, connect_args={"options": "-c search_path=orm_sqlalchemy"})


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention={"fk": "fk_%(table_name)s_%(column_0_name)s", "ix": "ix_%(column_0_label)s"})


tagged = Table("tagged", Base.metadata, Column("book_id", ForeignKey("book.id", ondelete="CASCADE"), primary_key=True),
               Column("tag_id", ForeignKey("tag.id"), primary_key=True))


class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    born: Mapped[date | None]
    books: Mapped[list["Book"]] = relationship(back_populates="author", cascade="all, delete-orphan")


class Book(Base):
    __tablename__ = "book"
    __table_args__ = (CheckConstraint("price >= 0", name="price_positive"), UniqueConstraint("author_id", "title"))
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(index=True)
    price: Mapped[Decimal] = mapped_column(Numeric(8, 2))
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
    facts: Mapped[dict] = mapped_column(JSONB, default=dict)
    marks: Mapped[list[int]] = mapped_column(ARRAY(Integer), default=list)
    version: Mapped[int] = mapped_column()
    author: Mapped[Author] = relationship(back_populates="books")
    tags: Mapped[list["Tag"]] = relationship(secondary=tagged)
    __mapper_args__ = {"version_id_col": version}


class Tag(Base):
    __tablename__ = "tag"
    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(unique=True)


def migrate():
    with engine.begin() as connection:
        connection.execute(DropSchema("orm_sqlalchemy", cascade=True, if_exists=True))
        connection.execute(CreateSchema("orm_sqlalchemy"))
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE author ADD COLUMN rank integer NOT NULL DEFAULT 1"))
        connection.execute(text("CREATE UNIQUE INDEX author_lower ON author (lower(name))"))
    look = inspect(engine)
    print("tables", sorted(look.get_table_names()))
    print("columns", [(c["name"], str(c["type"]), c["nullable"]) for c in look.get_columns("book")])
    print("keys", look.get_pk_constraint("tagged")["constrained_columns"],
          [(f["name"], f["referred_table"], f["options"]) for f in sorted(look.get_foreign_keys("tagged"), key=lambda f: f["name"])])
    print("indexes", sorted((i["name"], i["unique"]) for i in look.get_indexes("author")))


def fill():
    with Session(engine) as session:
        ada, bob = Author(name="Ada", born=date(1815, 12, 10)), Author(name="Bob")
        tags = [Tag(label="old"), Tag(label="new")]
        ada.books = [Book(title=f"A{i}", price=Decimal(i) / 4, tags=tags[: i % 3], marks=[i, i + 1]) for i in range(5)]
        bob.books = [Book(title="B", price=Decimal("9.99"), facts={"pages": 12, "kinds": ["x", None]})]
        session.add_all([ada, bob])
        session.commit()
        print("ids", [a.id for a in (ada, bob)], [b.id for b in ada.books], [t.id for t in tags])


def nested():
    with Session(engine) as session:
        session.add(Author(name="Cyd"))
        session.flush()
        for name in ("Ada", "Dan", "ADA"):
            try:
                with session.begin_nested():
                    session.add(Author(name=name))
            except IntegrityError as error:
                print("inner failed", error.orig.diag.sqlstate, error.orig.diag.constraint_name)
        session.commit()
        print("after", session.scalars(select(Author.name).order_by(Author.name)).all())


def upsert():
    with engine.begin() as connection:
        rows = [{"label": "old"}, {"label": "odd"}]
        nothing = insert(Tag).values(rows).on_conflict_do_nothing(index_elements=["label"]).returning(Tag.label)
        print("inserted", connection.execute(nothing).all())
        change = insert(Tag).values(label="odd").on_conflict_do_update(index_elements=[Tag.label], set_={"label": "even"})
        print("upserted", connection.execute(change.returning(Tag.label)).all())
    with Session(engine) as session:
        made = session.scalars(insert(Tag).returning(Tag), [{"label": f"bulk{i}"} for i in range(300)]).all()
        print("bulk", len(made), [t.label for t in made[:3]])
        session.rollback()


def stale():
    with Session(engine) as one, Session(engine) as other:
        a, b = one.get(Book, 2), other.get(Book, 2)
        a.price += 1
        one.commit()
        b.price += 2
        try:
            other.commit()
        except StaleDataError as error:
            print("optimistic", type(error).__name__)
        except DBAPIError as error:
            print("optimistic", error.orig.sqlstate)
    with Session(engine) as session:
        book = session.scalars(select(Book).where(Book.id == 2).with_for_update()).one()
        print("locked", book.title, book.price, book.version)


def read():
    with Session(engine) as session:
        page = select(Book).order_by(Book.price.desc(), Book.id).limit(2).offset(1).options(selectinload(Book.tags))
        print("page", [(b.title, str(b.price), sorted(t.label for t in b.tags)) for b in session.scalars(page)])
        totals = select(Author.name, func.count(Book.id), func.sum(Book.price)).outerjoin(Author.books)
        totals = totals.group_by(Author.name).having(func.count(Book.id) < 6).order_by(Author.name)
        print("totals", [(n, c, str(s)) for n, c, s in session.execute(totals)])
        inside = select(Book.title).where(Book.facts["pages"].as_integer() > 10)
        print("json", session.scalars(inside).all(), session.scalars(select(Book.title).where(Book.marks.any(3)).order_by(Book.title)).all())
        ranked = select(Book.title, func.rank().over(partition_by=Book.author_id, order_by=Book.price.desc()).label("r")).subquery()
        print("window", session.execute(select(ranked.c.title).where(ranked.c.r == 1).order_by(ranked.c.title)).all())


def errors():
    for what, statement in [("check", "UPDATE book SET price = -1 WHERE id = 1"), ("foreign key", "DELETE FROM tag WHERE label = 'old'"),
                            ("not null", "INSERT INTO tag (label) VALUES (NULL)"), ("unique", "INSERT INTO tag (label) VALUES ('new')")]:
        with engine.connect() as connection:
            try:
                connection.execute(text(statement))
            except IntegrityError as error:
                diag = error.orig.diag
                print(what, diag.sqlstate, diag.table_name, diag.column_name, diag.constraint_name)


def remove():
    with Session(engine) as session:
        session.delete(session.scalars(select(Author).where(Author.name == "Ada")).one())
        session.commit()
        print("left", session.scalar(select(func.count()).select_from(Book)), session.scalar(select(func.count()).select_from(tagged)))
    Base.metadata.drop_all(engine)
    print("dropped", inspect(engine).get_table_names())
    with engine.begin() as connection:
        connection.execute(DropSchema("orm_sqlalchemy", cascade=True))


for step in (migrate, fill, nested, upsert, stale, read, errors, remove):
    step()
