//! A small app on Diesel: what it prints is the same on PostgreSQL and on the gateway.

use bigdecimal::BigDecimal;
use chrono::NaiveDate;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{BigInt, Integer, Text};
use diesel::upsert::{excluded, on_constraint};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

mod schema {
    pub mod sql_types {
        #[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
        #[diesel(postgres_type(name = "kind"))]
        pub struct Kind;
    }

    diesel::table! {
        authors (id) {
            id -> Int4,
            name -> Varchar,
            born -> Nullable<Date>,
            created_at -> Timestamptz,
        }
    }

    diesel::table! {
        use diesel::sql_types::*;
        use super::sql_types::Kind;

        books (id) {
            id -> Int8,
            author_id -> Int4,
            title -> Text,
            price -> Numeric,
            facts -> Jsonb,
            marks -> Array<Int4>,
            kind -> Kind,
            key -> Uuid,
            cover -> Nullable<Bytea>,
            version -> Int4,
            printing -> Int8,
        }
    }

    diesel::table! {
        tags (label) {
            label -> Text,
            uses -> Int4,
        }
    }

    diesel::table! {
        book_tags (book_id, label) {
            book_id -> Int8,
            label -> Text,
        }
    }

    diesel::joinable!(books -> authors (author_id));
    diesel::joinable!(book_tags -> books (book_id));
    diesel::joinable!(book_tags -> tags (label));
    diesel::allow_tables_to_appear_in_same_query!(authors, books, tags, book_tags);
}

use schema::{authors, book_tags, books, tags};

#[derive(Clone, Copy, Debug, PartialEq, diesel::deserialize::FromSqlRow, diesel::expression::AsExpression)]
#[diesel(sql_type = schema::sql_types::Kind)]
enum Kind {
    Paper,
    Screen,
}

impl diesel::serialize::ToSql<schema::sql_types::Kind, diesel::pg::Pg> for Kind {
    fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>) -> diesel::serialize::Result {
        use std::io::Write as _;
        out.write_all(if *self == Self::Paper { b"paper" } else { b"screen" })?;
        Ok(diesel::serialize::IsNull::No)
    }
}

impl diesel::deserialize::FromSql<schema::sql_types::Kind, diesel::pg::Pg> for Kind {
    fn from_sql(value: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
        Ok(if value.as_bytes() == b"paper" { Self::Paper } else { Self::Screen })
    }
}

#[derive(Debug, Identifiable, Queryable, Selectable)]
struct Author {
    id: i32,
    name: String,
    born: Option<NaiveDate>,
}

#[derive(Clone, Debug, Associations, Identifiable, Queryable, Selectable)]
#[diesel(belongs_to(Author))]
struct Book {
    id: i64,
    author_id: i32,
    title: String,
    price: BigDecimal,
    facts: serde_json::Value,
    marks: Vec<i32>,
    kind: Kind,
    cover: Option<Vec<u8>>,
    version: i32,
    printing: i64,
}

#[derive(Insertable)]
#[diesel(table_name = books)]
struct NewBook<'a> {
    author_id: i32,
    title: &'a str,
    price: BigDecimal,
    facts: Option<serde_json::Value>,
    marks: Vec<i32>,
    kind: Option<Kind>,
    cover: Option<&'a [u8]>,
}

fn decimal(text: &str) -> BigDecimal {
    text.parse().expect("a number")
}

fn reason(error: &Error) -> String {
    match error {
        Error::DatabaseError(kind, info) => format!(
            "{kind:?} {:?} {:?} {:?} {}",
            info.table_name(),
            info.column_name(),
            info.constraint_name(),
            if matches!(kind, DatabaseErrorKind::Unknown) { info.message() } else { "" }
        ),
        other => format!("{other:?}"),
    }
}

fn open(options: &str) -> PgConnection {
    // libpq's variables say the rest.
    PgConnection::establish(&format!("postgresql://?options={options}")).expect("connected")
}

fn main() {
    open("").batch_execute("DROP SCHEMA IF EXISTS orm_diesel CASCADE; CREATE SCHEMA orm_diesel").expect("a schema");
    let db = &mut open("-c%20search_path%3Dorm_diesel");
    let run: Vec<_> =
        db.run_pending_migrations(MIGRATIONS).expect("migrated").iter().map(ToString::to_string).collect();
    println!("forth {run:?} {}", db.has_pending_migration(MIGRATIONS).expect("known"));
    println!("back {}", db.revert_last_migration(MIGRATIONS).expect("reverted"));
    println!("again {:?}", db.run_pending_migrations(MIGRATIONS).expect("migrated").len());
    for step in [fill, nested, upsert, stale, read, failures, remove] {
        step(db).expect("a step that works");
    }
    let reverted = db.revert_all_migrations(MIGRATIONS).expect("reverted").len();
    let left: Vec<Name> =
        diesel::sql_query("SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'orm_diesel'")
            .load(db)
            .expect("tables");
    println!("reverted {reverted} {:?}", left.iter().map(|n| &n.name).collect::<Vec<_>>());
    db.batch_execute("DROP SCHEMA orm_diesel CASCADE").expect("gone");
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

type Done = QueryResult<()>;

fn fill(db: &mut PgConnection) -> Done {
    let born = NaiveDate::from_ymd_opt(1815, 12, 10);
    let ids: Vec<i32> = diesel::insert_into(authors::table)
        .values(&[(authors::name.eq("Ada"), Some(authors::born.eq(born))), (authors::name.eq("Bob"), None)])
        .returning(authors::id)
        .get_results(db)?;
    let titles: Vec<String> = (0..4).map(|i| format!("A{i}")).collect();
    let new: Vec<NewBook<'_>> = titles
        .iter()
        .zip(0i32..)
        .map(|(title, i)| NewBook {
            author_id: ids[0],
            title,
            price: BigDecimal::from(i) / 4,
            facts: (i > 1).then(|| serde_json::json!({"n": i})),
            marks: vec![i, i + 1],
            kind: (i == 2).then_some(Kind::Screen),
            cover: Some(&[0, 255]),
        })
        .collect();
    let made: Vec<Book> =
        diesel::insert_into(books::table).values(&new).returning(Book::as_returning()).get_results(db)?;
    for b in made {
        println!(
            "{} {} {} {} {:?} {:?} {:?} {} {}",
            b.id, b.title, b.price, b.facts, b.marks, b.kind, b.cover, b.version, b.printing
        );
    }
    let bob = NewBook {
        author_id: ids[1],
        title: "B",
        price: decimal("9.99"),
        facts: None,
        marks: vec![],
        kind: None,
        cover: None,
    };
    diesel::insert_into(books::table).values(bob).execute(db)?;
    let many: Vec<_> = (0..300).map(|i| (tags::label.eq(format!("bulk{i}")), tags::uses.eq(i))).collect();
    let bulk = diesel::insert_into(tags::table).values(&many).execute(db)?;
    let changed =
        diesel::update(tags::table.filter(tags::uses.lt(100))).set(tags::uses.eq(tags::uses + 1)).execute(db)?;
    let sum: Option<i64> = tags::table.select(diesel::dsl::sum(tags::uses)).first(db)?;
    let gone = diesel::delete(tags::table.filter(tags::label.like("bulk%"))).execute(db)?;
    println!("bulk {bulk} {changed} {sum:?} {gone}");
    diesel::insert_into(tags::table).values(&[tags::label.eq("old"), tags::label.eq("new")]).execute(db)?;
    diesel::insert_into(book_tags::table)
        .values(&[
            (book_tags::book_id.eq(2), book_tags::label.eq("old")),
            (book_tags::book_id.eq(2), book_tags::label.eq("new")),
            (book_tags::book_id.eq(3), book_tags::label.eq("new")),
        ])
        .execute(db)?;
    Ok(())
}

fn nested(db: &mut PgConnection) -> Done {
    let author = |name: &'static str| diesel::insert_into(authors::table).values(authors::name.eq(name));
    db.transaction(|db| {
        author("Cyd").execute(db)?;
        for name in ["Ada", "Dan"] {
            if let Err(error) = db.transaction(|db| author(name).execute(db)) {
                println!("inner failed {}", reason(&error));
            }
        }
        let undone = db.transaction::<(), _, _>(|db| {
            author("Eve").execute(db)?;
            let _ = db.transaction(|db| author("Eve").execute(db));
            Err(Error::RollbackTransaction)
        });
        println!("undone {undone:?}");
        Ok::<_, Error>(())
    })?;
    let outer = db.build_transaction().serializable().deferrable().run(|db| {
        author("Zoe").execute(db)?;
        author("Bob").execute(db)
    });
    println!("outer {}", reason(&outer.expect_err("a name twice")));
    let read_only = db.build_transaction().read_only().run(|db| author("Zoe").execute(db));
    println!("read only {}", reason(&read_only.expect_err("a write")));
    println!("after {:?}", authors::table.select(authors::name).order(authors::name).load::<String>(db)?);
    Ok(())
}

fn upsert(db: &mut PgConnection) -> Done {
    let nothing = diesel::insert_into(tags::table)
        .values(&[tags::label.eq("old"), tags::label.eq("odd")])
        .on_conflict_do_nothing()
        .execute(db)?;
    let changed: (String, i32) = diesel::insert_into(tags::table)
        .values((tags::label.eq("odd"), tags::uses.eq(3)))
        .on_conflict(tags::label)
        .do_update()
        .set(tags::uses.eq(tags::uses + excluded(tags::uses) + 1))
        .get_result(db)?;
    let titled: Vec<(i64, BigDecimal)> = diesel::insert_into(books::table)
        .values(&[
            (books::author_id.eq(2), books::title.eq("B"), books::price.eq(decimal("8"))),
            (books::author_id.eq(2), books::title.eq("C"), books::price.eq(decimal("7"))),
        ])
        .on_conflict(on_constraint("books_author_id_title_key"))
        .do_update()
        .set(books::price.eq(excluded(books::price)))
        .returning((books::id, books::price))
        .get_results(db)?;
    let copied = diesel::insert_into(tags::table)
        .values(authors::table.filter(authors::name.lt("C")).select((authors::name, authors::id)))
        .into_columns((tags::label, tags::uses))
        .execute(db)?;
    println!(
        "upsert {nothing} {changed:?} {} {copied}",
        titled.iter().map(|(id, price)| format!("{id}={price}")).collect::<Vec<_>>().join(" ")
    );
    Ok(())
}

fn stale(db: &mut PgConnection) -> Done {
    let seen: Book = books::table.find(2).select(Book::as_select()).first(db)?;
    for price in ["1.25", "2.25"] {
        let same = books::table.filter(books::id.eq(seen.id).and(books::version.eq(seen.version)));
        let changed = diesel::update(same)
            .set((books::price.eq(decimal(price)), books::version.eq(books::version + 1)))
            .execute(db)?;
        println!("optimistic {changed}");
    }
    let beside = &mut open("-c%20search_path%3Dorm_diesel");
    db.transaction(|db| {
        let locked: Book = books::table.find(2).select(Book::as_select()).for_update().first(db)?;
        let refused = books::table.find(2).select(books::title).for_update().no_wait().first::<String>(beside);
        let free: Vec<String> =
            books::table.select(books::title).order(books::id).for_share().skip_locked().load(beside)?;
        println!("locked {} {} {} {free:?}", locked.title, locked.price, reason(&refused.expect_err("locked")));
        Ok(())
    })
}

fn read(db: &mut PgConnection) -> Done {
    let page: Vec<(Book, Author)> = books::table
        .inner_join(authors::table)
        .order((books::price.desc(), books::id))
        .limit(2)
        .offset(1)
        .select((Book::as_select(), Author::as_select()))
        .load(db)?;
    println!(
        "page {:?}",
        page.iter()
            .map(|(b, a)| format!("{} {} {} {:?} {}", b.title, b.price, a.name, a.born, b.printing))
            .collect::<Vec<_>>()
    );
    let people: Vec<Author> = authors::table.order(authors::id).select(Author::as_select()).load(db)?;
    let owned: Vec<Book> = Book::belonging_to(&people).order(books::id).select(Book::as_select()).load(db)?;
    println!("grouped {:?}", owned.grouped_by(&people).iter().map(Vec::len).collect::<Vec<_>>());
    let totals: Vec<(String, i64, Option<BigDecimal>)> = authors::table
        .left_join(books::table)
        .group_by(authors::name)
        .having(diesel::dsl::count(books::id.nullable()).lt(5))
        .order(authors::name)
        .select((authors::name, diesel::dsl::count(books::id.nullable()), diesel::dsl::sum(books::price.nullable())))
        .load(db)?;
    println!(
        "totals {:?}",
        totals
            .iter()
            .map(|(name, n, sum)| format!("{name} {n} {}", sum.as_ref().map_or_else(String::new, ToString::to_string)))
            .collect::<Vec<_>>()
    );
    let cheap = books::table.filter(books::price.lt(decimal("0.5"))).filter(books::author_id.eq(authors::id));
    let names: Vec<String> = authors::table
        .filter(diesel::dsl::exists(cheap).or(authors::name.ilike("d%")))
        .order(authors::id)
        .select(authors::name)
        .load(db)?;
    let any: Vec<i64> = books::table
        .filter(books::id.eq_any([1i64, 3, 77]).and(books::kind.eq(Kind::Paper)))
        .select(books::id)
        .load(db)?;
    let marked: Vec<String> = books::table.filter(books::marks.contains(vec![2, 3])).select(books::title).load(db)?;
    let inside: Vec<String> =
        books::table.filter(books::facts.contains(serde_json::json!({"n": 3}))).select(books::title).load(db)?;
    println!("found {names:?} {any:?} {marked:?} {inside:?}");
    let pairs: Vec<(String, Option<String>)> = books::table
        .left_join(book_tags::table.inner_join(tags::table))
        .order((books::id, tags::label))
        .select((books::title, tags::label.nullable()))
        .load(db)?;
    println!("tags {pairs:?}");
    let ranked = diesel::sql_query("SELECT title AS name FROM (SELECT title, rank() OVER (PARTITION BY author_id ORDER BY price DESC) r FROM books) x WHERE r = $1 ORDER BY 1")
        .bind::<BigInt, _>(1)
        .load::<Name>(db)?;
    let streamed = books::table
        .select(books::title)
        .order(books::id)
        .load_iter::<String, diesel::pg::PgRowByRowLoadingMode>(db)?
        .count();
    println!("window {:?} {streamed}", ranked.iter().map(|n| &n.name).collect::<Vec<_>>());
    let sums =
        diesel::select((1i32.into_sql::<Integer>() + 1, diesel::dsl::exists(books::table.filter(books::id.eq(77)))))
            .first::<(i32, bool)>(db)?;
    let mean: Option<BigDecimal> = books::table.select(diesel::dsl::avg(books::id)).first(db)?;
    println!("sums {sums:?} {}", mean.expect("books"));
    Ok(())
}

fn failures(db: &mut PgConnection) -> Done {
    let book = |title, author_id| (books::title.eq(title), books::author_id.eq(author_id));
    let results = [
        ("check", diesel::update(books::table.find(1)).set(books::price.eq(decimal("-1"))).execute(db)),
        ("foreign key", diesel::insert_into(books::table).values(book("X", 99)).execute(db)),
        ("not null", diesel::sql_query("INSERT INTO tags (label) VALUES (NULL)").execute(db)),
        ("unique", diesel::insert_into(books::table).values(book("A1", 1)).execute(db)),
        ("enum", diesel::sql_query("UPDATE books SET kind = 'stone'").execute(db)),
        ("too long", diesel::insert_into(authors::table).values(authors::name.eq("x".repeat(41))).execute(db)),
        ("none", books::table.find(77).select(books::title).first::<String>(db).map(|_| 0)),
    ];
    for (what, result) in results {
        println!("{what} {}", reason(&result.expect_err("a failure")));
    }
    Ok(())
}

fn remove(db: &mut PgConnection) -> Done {
    diesel::update(tags::table.find("old")).set(tags::label.eq("older")).execute(db)?;
    println!("followed {:?}", book_tags::table.select(book_tags::label).order(book_tags::label).load::<String>(db)?);
    let names: Vec<String> =
        diesel::delete(authors::table.filter(authors::name.eq("Ada"))).returning(authors::name).get_results(db)?;
    println!(
        "left {names:?} {} {}",
        books::table.count().get_result::<i64>(db)?,
        book_tags::table.count().get_result::<i64>(db)?
    );
    Ok(())
}
