"""A small app on Django: what it prints is the same on PostgreSQL and on the gateway."""
import os
import sys
from decimal import Decimal

import django
from django.conf import settings

E = os.environ
settings.configure(
    INSTALLED_APPS=["app_django"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    DATABASES={"default": {
        "ENGINE": "django.db.backends.postgresql", "NAME": E["PGDATABASE"], "USER": E["PGUSER"], "PASSWORD": E["PGPASSWORD"],
        "HOST": E["PGHOST"], "PORT": E["PGPORT"], "OPTIONS": {"options": "-c search_path=orm_django"},
    }},
)
if __name__ == "__main__":
    sys.modules["app_django"] = sys.modules["__main__"]
    __file__ = os.path.abspath(__file__)
    __path__ = [os.path.dirname(__file__)]
    django.setup()

from django.db import IntegrityError, connection, migrations, models, transaction  # noqa: E402
from django.db.migrations.state import ProjectState  # noqa: E402
from django.db.models import Avg, Count, F, Q, Sum  # noqa: E402


class Author(models.Model):
    name = models.CharField(max_length=40, unique=True)
    friends = models.ManyToManyField("self")

    class Meta:
        app_label = "app_django"


class Book(models.Model):
    title = models.TextField(db_index=True)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="books")
    facts = models.JSONField(default=dict)
    version = models.IntegerField(default=1)

    class Meta:
        app_label = "app_django"
        constraints = [
            models.CheckConstraint(condition=Q(price__gte=0), name="price_positive"),
            models.UniqueConstraint(fields=["author", "title"], name="one_title"),
        ]


def operations():
    auto = ("id", models.BigAutoField(primary_key=True))
    return [
        migrations.CreateModel("Author", [auto, ("name", models.CharField(max_length=40, unique=True)),
                                          ("friends", models.ManyToManyField("self"))]),
        migrations.CreateModel("Book", [auto, ("title", models.CharField(max_length=10)), ("price", models.IntegerField()),
                                        ("author", models.ForeignKey("app_django.author", models.CASCADE, related_name="books"))]),
        migrations.AddField("Book", "facts", models.JSONField(default=dict)),
        migrations.AddField("Book", "edition", models.IntegerField(default=1)),
        migrations.AlterField("Book", "title", models.TextField(db_index=True)),
        migrations.AlterField("Book", "price", models.DecimalField(max_digits=8, decimal_places=2)),
        migrations.RenameField("Book", "edition", "version"),
        migrations.AddConstraint("Book", models.CheckConstraint(condition=Q(price__gte=0), name="price_positive")),
        migrations.AddConstraint("Book", models.UniqueConstraint(fields=["author", "title"], name="one_title")),
        migrations.AddIndex("Book", models.Index(fields=["price", "-title"], name="by_price")),
    ]


def migrate():
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS orm_django CASCADE")
        cursor.execute("CREATE SCHEMA orm_django")
    state, states = ProjectState(), []
    for operation in operations():
        after = state.clone()
        operation.state_forwards("app_django", after)
        with connection.schema_editor(atomic=True) as editor:
            operation.database_forwards("app_django", editor, state, after)
        states.append((operation, state, after))
        state = after
    with connection.cursor() as cursor:
        print("tables", sorted(t.name for t in connection.introspection.get_table_list(cursor)))
        print("columns", [(c.name, c.null_ok) for c in connection.introspection.get_table_description(cursor, "app_django_book")])
        found = connection.introspection.get_constraints(cursor, "app_django_book")
        print("constraints", sorted(map(str, ((c["columns"], c["primary_key"], c["unique"], c["check"], c["foreign_key"]) for c in found.values()))))
    return states


def fill():
    ada, bob = Author.objects.create(name="Ada"), Author.objects.create(name="Bob")
    ada.friends.add(bob)
    made = Book.objects.bulk_create([Book(title=f"A{i}", price=Decimal(i) / 4, author=ada, facts={"n": i}) for i in range(5)])
    print("ids", ada.id, bob.id, [b.id for b in made], list(bob.friends.values_list("name", flat=True)))
    Book.objects.create(title="B", price="9.99", author=bob, facts={"kinds": ["x", None]})


def nested():
    with transaction.atomic():
        Author.objects.create(name="Cyd")
        for name in ("Ada", "Dan"):
            try:
                with transaction.atomic():
                    Author.objects.create(name=name)
            except IntegrityError as error:
                print("inner failed", error.__cause__.sqlstate, error.__cause__.diag.constraint_name is not None)
    print("after", list(Author.objects.order_by("name").values_list("name", flat=True)))
    print("got", [Author.objects.get_or_create(name=n)[1] for n in ("Dan", "Eve")])


def upsert():
    rows = [Author(name="Ada"), Author(name="Fay")]
    Author.objects.bulk_create(rows, ignore_conflicts=True)
    books = [Book(title="B", price=5, author=Author.objects.get(name="Bob")), Book(title="C", price=6, author=Author.objects.get(name="Bob"))]
    Book.objects.bulk_create(books, update_conflicts=True, unique_fields=["author", "title"], update_fields=["price"])
    print("upserted", list(Book.objects.filter(author__name="Bob").order_by("title").values_list("title", "price")))
    made, new = Book.objects.update_or_create(title="C", author=Author.objects.get(name="Bob"), defaults={"price": 7})
    print("updated", made.price, new)


def stale():
    book = Book.objects.get(title="A2")
    print("optimistic", Book.objects.filter(id=book.id, version=book.version).update(price=F("price") + 1, version=F("version") + 1),
          Book.objects.filter(id=book.id, version=book.version).update(price=F("price") + 1, version=F("version") + 1))
    with transaction.atomic():
        held = Book.objects.select_for_update().select_related("author").get(title="A2")
        print("locked", held.title, held.price, held.author.name)
        print("skipped", Book.objects.select_for_update(skip_locked=True, of=("self",)).order_by("id").first().title)


def read():
    print("page", [(b.title, str(b.price), b.author.name) for b in Book.objects.select_related("author").order_by("-price", "id")[1:4]])
    totals = Author.objects.annotate(n=Count("books"), total=Sum("books__price"), avg=Avg("books__price")).filter(n__gt=0).order_by("name")
    print("totals", [(a.name, a.n, str(a.total), str(round(a.avg, 4))) for a in totals])
    print("json", list(Book.objects.filter(facts__n__gte=3).order_by("id").values_list("title", flat=True)),
          list(Book.objects.filter(facts__kinds__contains=["x"]).values_list("title", flat=True)))
    print("text", list(Book.objects.filter(title__icontains="a", author__friends__name="Bob").order_by("-id").values_list("title", flat=True)[:2]))
    print("exists", Author.objects.filter(books__isnull=True).count(), Author.objects.exclude(books__price__gt=1).count())


def errors():
    for what, act in [("check", lambda: Book.objects.update(price=-1)), ("unique", lambda: Author.objects.create(name="Ada")),
                      ("not null", lambda: Author.objects.create(name=None))]:
        try:
            with transaction.atomic():
                act()
        except IntegrityError as error:
            print(what, error.__cause__.sqlstate, error.__cause__.diag.table_name)
    try:
        with transaction.atomic():
            Book.objects.create(title="X", price=1, author_id=12345)
    except IntegrityError as error:
        print("foreign key", error.__cause__.sqlstate)


def back(states):
    print("deleted", sorted(Author.objects.filter(name="Ada").delete()[1].items()), Book.objects.count())
    for operation, before, after in reversed(states):
        with connection.schema_editor(atomic=True) as editor:
            operation.database_backwards("app_django", editor, after, before)
    with connection.cursor() as cursor:
        print("left", connection.introspection.get_table_list(cursor))
        cursor.execute("DROP SCHEMA orm_django CASCADE")


if __name__ == "__main__":
    states = migrate()
    for step in (fill, nested, upsert, stale, read, errors):
        step()
    back(states)
