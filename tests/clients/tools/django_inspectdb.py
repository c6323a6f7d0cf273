"""Django's inspectdb over every table and view, and its introspection's own methods."""
import io

import django
from django.conf import settings
from django.core.management import call_command

from show import DATABASE, HOST, PASSWORD, PORT, SSLMODE, USER, show

settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": DATABASE,
            "USER": USER,
            "PASSWORD": PASSWORD,
            "HOST": HOST,
            "PORT": PORT,
            "OPTIONS": {"sslmode": SSLMODE, "options": "-c search_path=shop"},
        }
    },
    USE_TZ=True,
    INSTALLED_APPS=[],
)
django.setup()
text = io.StringIO()
call_command("inspectdb", "--include-views", "--include-partitions", stdout=text)
print(text.getvalue())
from django.db import connection  # noqa: E402 (needs the settings)

with connection.cursor() as cursor:
    introspection = connection.introspection
    tables = introspection.get_table_list(cursor)
    show("tables", sorted(tuple(t) for t in tables))
    for table in sorted(t.name for t in tables):
        show(f"relations of {table}", introspection.get_relations(cursor, table))
        show(f"sequences of {table}", introspection.get_sequences(cursor, table))
        show(f"primary key of {table}", introspection.get_primary_key_columns(cursor, table))
        show(f"constraints of {table}", introspection.get_constraints(cursor, table))
        for column in introspection.get_table_description(cursor, table):
            print(f"  {column.name}: {introspection.get_field_type(column.type_code, column) if column.type_code in introspection.data_types_reverse else 'own'} {column[2:]}")
