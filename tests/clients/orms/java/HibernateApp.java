import jakarta.persistence.*;
import jakarta.persistence.Version;
import java.math.BigDecimal;
import java.sql.SQLException;
import java.time.*;
import java.util.*;
import java.util.function.*;
import java.util.stream.*;
import org.hibernate.*;
import org.hibernate.annotations.Check;
import org.hibernate.annotations.ColumnDefault;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.annotations.OnDelete;
import org.hibernate.annotations.OnDeleteAction;
import org.hibernate.annotations.UuidGenerator;
import org.hibernate.cfg.Configuration;
import org.hibernate.exception.ConstraintViolationException;
import org.hibernate.type.SqlTypes;

/** A small app on Hibernate: what it prints is the same on PostgreSQL and on the gateway. */
public class HibernateApp {
    enum Kind { PAPER, SCREEN }

    @Entity(name = "Author") @Table(name = "author")
    static class Author {
        @Id @GeneratedValue(strategy = GenerationType.IDENTITY) Long id;
        @Column(length = 40, nullable = false, unique = true) String name;
        LocalDate born;
        @OneToMany(mappedBy = "author", cascade = CascadeType.ALL, orphanRemoval = true) @OrderBy("id") List<Book> books = new ArrayList<>();

        Author() {}
        Author(String name) { this.name = name; }
        // A proxy that is loaded on first use answers to methods, not to its fields.
        String name() { return name; }
    }

    @Entity(name = "Book") @Check(name = "price_positive", constraints = "price >= 0")
    @Table(name = "book", indexes = @Index(name = "book_title", columnList = "title"), uniqueConstraints = @UniqueConstraint(name = "book_of_author", columnNames = {"author_id", "title"}))
    static class Book {
        // A sequence by fifties: numbers come before the rows, so that inserts go in batches.
        @Id @GeneratedValue(strategy = GenerationType.SEQUENCE) Long id;
        @Column(nullable = false) String title;
        @Column(precision = 8, scale = 2) BigDecimal price;
        @ManyToOne(optional = false, fetch = FetchType.LAZY) @OnDelete(action = OnDeleteAction.CASCADE) Author author;
        @JdbcTypeCode(SqlTypes.JSON) Map<String, Object> facts = new TreeMap<>();
        int[] marks = {};
        @Enumerated(EnumType.STRING) Kind kind = Kind.PAPER;
        @JdbcTypeCode(SqlTypes.NAMED_ENUM) Kind other = Kind.SCREEN;
        @UuidGenerator UUID code;
        OffsetDateTime made = OffsetDateTime.of(2024, 2, 29, 12, 30, 0, 500_000, ZoneOffset.UTC);
        Duration took = Duration.ofMillis(90_500);
        @Column(length = Length.LONG32) String text = "long";
        byte[] cover = {0, 1, -1};
        boolean sold;
        @Version int version;
        @ManyToMany @JoinTable(name = "book_tag") @OrderBy("label") Set<Tag> tags = new LinkedHashSet<>();

        Book() {}
        Book(Author author, String title, String price) { this.author = author; this.title = title; this.price = new BigDecimal(price); }
    }

    @Entity(name = "Tag") @Table(name = "tag")
    static class Tag {
        @Id String label;
        @ColumnDefault("0") int uses;

        Tag() {}
        Tag(String label, int uses) { this.label = label; this.uses = uses; }
    }

    /** The tag after its next migration. */
    @Entity(name = "RankedTag") @Table(name = "tag", indexes = @Index(name = "tag_rank", columnList = "place"))
    static class RankedTag {
        @Id String label;
        @ColumnDefault("0") int uses;
        @ColumnDefault("1") @Column(name = "place", nullable = false) short rank;
        @OneToOne Book first;
    }

    static final String SCHEMA = "orm_hibernate";

    static SessionFactory open(String action, Class<?>... more) {
        var env = System.getenv();
        var tls = "require".equals(env.get("PGSSLMODE")) ? "&sslmode=require" : "";
        var url = "jdbc:postgresql://" + env.get("PGHOST") + ":" + env.get("PGPORT") + "/" + env.get("PGDATABASE") + "?currentSchema=" + SCHEMA + tls;
        var configuration = new Configuration().addAnnotatedClass(Author.class).addAnnotatedClass(Book.class).addAnnotatedClass(Tag.class);
        for (var entity : more) configuration.addAnnotatedClass(entity);
        configuration.setProperty("hibernate.connection.url", url).setProperty("hibernate.connection.username", env.get("PGUSER"))
            .setProperty("hibernate.connection.password", env.get("PGPASSWORD")).setProperty("hibernate.hbm2ddl.auto", action)
            .setProperty("hibernate.jdbc.batch_size", "20").setProperty("hibernate.jdbc.time_zone", "UTC")
            .setProperty("hibernate.type.preferred_duration_jdbc_type", "INTERVAL_SECOND")
            .setProperty("hibernate.type.json_format_mapper", PlainJson.class.getName());
        return configuration.buildSessionFactory();
    }

    /** Maps of strings and numbers, so that the app needs no library for JSON. */
    public static class PlainJson implements org.hibernate.type.format.FormatMapper {
        @Override @SuppressWarnings("unchecked")
        public <T> T fromString(CharSequence text, org.hibernate.type.descriptor.java.JavaType<T> type, org.hibernate.type.descriptor.WrapperOptions options) {
            var map = new TreeMap<String, Object>();
            for (var pair : text.toString().replaceAll("[{}\" ]", "").split(",")) {
                if (pair.contains(":")) map.put(pair.split(":")[0], pair.split(":")[1]);
            }
            return (T) map;
        }

        @Override
        public <T> String toString(T value, org.hibernate.type.descriptor.java.JavaType<T> type, org.hibernate.type.descriptor.WrapperOptions options) {
            return ((Map<?, ?>) value).entrySet().stream().map(e -> "\"" + e.getKey() + "\": \"" + e.getValue() + "\"").collect(Collectors.joining(", ", "{", "}"));
        }
    }

    static void say(String what, Object... rest) {
        System.out.println(what + " " + Arrays.stream(rest).map(String::valueOf).collect(Collectors.joining(" ")));
    }

    static String reason(Throwable error) {
        for (var at = error; at != null; at = at.getCause()) {
            var constraint = at instanceof ConstraintViolationException violation ? violation.getKind() + " " + violation.getConstraintName() : null;
            if (constraint != null) return constraint + " " + ((ConstraintViolationException) at).getSQLState();
            if (at instanceof SQLException sql) return sql.getSQLState();
        }
        return error.getClass().getSimpleName();
    }

    static void attempt(SessionFactory factory, String what, Consumer<Session> work) {
        try {
            factory.inTransaction(work);
            say(what, "done");
        } catch (RuntimeException error) {
            say(what, error.getClass().getSimpleName(), reason(error));
        }
    }

    static List<String> tables(SessionFactory factory) {
        return factory.fromSession(s -> s.createNativeQuery("SELECT relname::text || ' ' || relkind::text FROM pg_class WHERE relnamespace = 'orm_hibernate'::regnamespace ORDER BY relname COLLATE \"C\"", String.class).list());
    }

    public static void main(String[] arguments) throws Exception {
        java.util.logging.Logger.getLogger("org.hibernate").setLevel(java.util.logging.Level.OFF);
        try (var first = open("none")) {
            first.inTransaction(s -> {
                s.createNativeMutationQuery("DROP SCHEMA IF EXISTS orm_hibernate CASCADE").executeUpdate();
                s.createNativeMutationQuery("CREATE SCHEMA orm_hibernate").executeUpdate();
            });
        }
        open("create").close();
        open("update", RankedTag.class).close();
        open("validate", RankedTag.class).close();
        try (var factory = open("validate")) {
            say("tables", tables(factory));
            String columns = factory.fromSession(s -> s.createNativeQuery("SELECT string_agg(column_name || ' ' || data_type || ' ' || is_nullable || coalesce(' ' || column_default, ''), ', ' ORDER BY table_name COLLATE \"C\", ordinal_position) FROM information_schema.columns WHERE table_schema = 'orm_hibernate'", String.class).getSingleResult());
            say("columns", columns);
            fill(factory);
            nested(factory);
            upsert(factory);
            stale(factory);
            read(factory);
            failures(factory);
            remove(factory);
        }
    }

    static void fill(SessionFactory factory) {
        factory.inTransaction(s -> {
            var old = new Tag("old", 0);
            var fresh = new Tag("new", 0);
            s.persist(old);
            s.persist(fresh);
            var ada = new Author("Ada");
            ada.born = LocalDate.of(1815, 12, 10);
            for (var i = 0; i < 4; i++) {
                var book = new Book(ada, "A" + i, String.valueOf(i / 4.0));
                book.facts.put("n", i);
                book.marks = new int[] {i, i + 1};
                if (i > 0) book.tags.add(fresh);
                if (i > 1) book.tags.add(old);
                ada.books.add(book);
            }
            s.persist(ada);
            var bob = new Author("Bob");
            bob.books.add(new Book(bob, "B", "9.99"));
            s.persist(bob);
            s.flush();
            say("ids", ada.id, ada.books.stream().map(b -> b.id).toList(), bob.id, bob.books.get(0).version);
        });
        factory.inTransaction(s -> {
            var book = s.get(Book.class, 3L);
            say("book", book.title, book.price, book.author.name(), book.facts, Arrays.toString(book.marks), book.kind, book.other, book.code.version(),
                book.made.toInstant(), book.took, book.text, Arrays.toString(book.cover), book.sold, book.tags.stream().map(t -> t.label).toList());
        });
        factory.inTransaction(s -> {
            for (var i = 0; i < 300; i++) s.persist(new Tag("bulk" + i, i));
        });
        factory.inTransaction(s -> say("bulk", s.createMutationQuery("update Tag set uses = uses + 1 where label like 'bulk%' and uses < 100").executeUpdate(),
            s.createSelectionQuery("select sum(uses) from Tag", Long.class).getSingleResult(), s.createMutationQuery("delete Tag where label like 'bulk%'").executeUpdate()));
    }

    static void nested(SessionFactory factory) {
        factory.inTransaction(s -> {
            s.persist(new Author("Cyd"));
            s.flush();
            for (var name : List.of("Ada", "Dan")) {
                s.doWork(connection -> {
                    var savepoint = connection.setSavepoint();
                    try (var insert = connection.prepareStatement("INSERT INTO author (name) VALUES (?)")) {
                        insert.setString(1, name);
                        insert.executeUpdate();
                        connection.releaseSavepoint(savepoint);
                    } catch (SQLException error) {
                        say("inner failed", error.getSQLState());
                        connection.rollback(savepoint);
                    }
                });
            }
        });
        attempt(factory, "outer", s -> {
            s.persist(new Author("Zoe"));
            s.persist(new Author("Ada"));
        });
        factory.inTransaction(s -> say("after", s.createSelectionQuery("select name from Author order by name", String.class).list()));
    }

    static void upsert(SessionFactory factory) {
        factory.inTransaction(s -> {
            say("nothing", s.createMutationQuery("insert into Tag (label, uses) values ('old', 5), ('odd', 6) on conflict do nothing").executeUpdate());
            say("changed", s.createMutationQuery("insert into Tag (label, uses) values ('odd', 5) on conflict (label) do update set uses = uses + excluded.uses where uses < 10").executeUpdate());
            say("copied", s.createMutationQuery("insert into Tag (label, uses) select a.name, cast(a.id as integer) from Author a where a.name < 'C'").executeUpdate());
        });
        try (var stateless = factory.openStatelessSession()) {
            var transaction = stateless.beginTransaction();
            stateless.upsert(new Tag("odd", 30));
            stateless.upsert(new Tag("even", 40));
            transaction.commit();
        }
        factory.inTransaction(s -> say("tags", s.createSelectionQuery("select label || ' ' || uses from Tag order by label", String.class).list()));
    }

    static void stale(SessionFactory factory) {
        try (var one = factory.openSession(); var other = factory.openSession()) {
            Book a = one.get(Book.class, 2L), b = other.get(Book.class, 2L);
            one.beginTransaction();
            a.price = new BigDecimal("1.25");
            one.getTransaction().commit();
            other.beginTransaction();
            b.price = new BigDecimal("2.25");
            try {
                other.getTransaction().commit();
            } catch (RuntimeException error) {
                say("optimistic", error.getClass().getSimpleName());
            }
        }
        factory.inTransaction(s -> {
            var book = s.get(Book.class, 2L, LockMode.PESSIMISTIC_WRITE);
            say("locked", book.title, book.price, book.version);
            attempt(factory, "beside", t -> t.get(Book.class, 2L, LockMode.UPGRADE_NOWAIT));
            factory.inTransaction(t -> say("free", t.createSelectionQuery("from Book order by id", Book.class).setHibernateLockMode(LockMode.UPGRADE_SKIPLOCKED).list().stream().map(b -> b.title).toList()));
            s.lock(s.get(Book.class, 3L), LockMode.PESSIMISTIC_FORCE_INCREMENT);
            say("forced", s.get(Book.class, 3L).version);
        });
    }

    static void read(SessionFactory factory) {
        factory.inTransaction(s -> {
            var page = s.createSelectionQuery("from Book b join fetch b.author where b.price < 9.99 order by b.price desc, b.id", Book.class).setFirstResult(1).setMaxResults(2);
            say("page", page.getResultCount(), page.list().stream().map(b -> b.title + " " + b.price + " " + b.author.name()).toList());
            say("totals", s.createSelectionQuery("select a.name, count(b), sum(b.price), avg(b.version) from Author a left join a.books b group by a.name having count(b) < 5 order by a.name", Object[].class)
                .list().stream().map(Arrays::toString).toList());
            var builder = factory.getCriteriaBuilder();
            var query = builder.createQuery(String.class);
            var root = query.from(Author.class);
            var cheap = query.subquery(Long.class);
            var book = cheap.from(Book.class);
            cheap.select(builder.literal(1L)).where(builder.equal(book.get("author"), root), builder.lt(book.<BigDecimal>get("price"), new BigDecimal("0.5")));
            query.select(builder.upper(root.get("name"))).where(builder.or(builder.exists(cheap), builder.like(root.get("name"), "D%"))).orderBy(builder.asc(root.get("id")));
            say("criteria", s.createQuery(query).list());
            say("window", s.createSelectionQuery("select title, rank() over (partition by author order by price desc) as r from Book order by title", Object[].class).list().stream().map(Arrays::toString).toList());
            say("with", s.createSelectionQuery("with cheap as (select b.id as id, b.author.id as author from Book b where b.price < 1) select a.name, (select count(*) from cheap c where c.author = a.id) from Author a order by a.id", Object[].class)
                .list().stream().map(Arrays::toString).toList());
            say("functions", s.createSelectionQuery("select title, array_contains(marks, 2), extract(year from made), coalesce(nullif(title, 'B'), 'none'), case when sold then 1 else 0 end, cast(price as integer), size(tags), made + 3 day from Book where id in (2, 5) order by id", Object[].class)
                .list().stream().map(Arrays::toString).toList());
            say("none", s.createSelectionQuery("select count(*) from Book where kind = ?1 and other = ?2 and code is null or made > ?3", Long.class)
                .setParameter(1, Kind.PAPER).setParameter(2, Kind.SCREEN).setParameter(3, OffsetDateTime.of(2030, 1, 1, 0, 0, 0, 0, ZoneOffset.UTC)).getSingleResult());
            try (var scrolled = s.createSelectionQuery("select title from Book order by id", String.class).setFetchSize(2).scroll(ScrollMode.FORWARD_ONLY)) {
                var titles = new ArrayList<String>();
                while (scrolled.next()) titles.add(scrolled.get());
                say("scrolled", titles);
            }
        });
    }

    static void failures(SessionFactory factory) {
        attempt(factory, "check", s -> s.createMutationQuery("update Book set price = -1 where id = 1").executeUpdate());
        attempt(factory, "foreign key", s -> s.createNativeMutationQuery("INSERT INTO book_tag VALUES (1, 'none')").executeUpdate());
        attempt(factory, "not null", s -> s.createNativeMutationQuery("INSERT INTO author (name) VALUES (NULL)").executeUpdate());
        attempt(factory, "unique", s -> s.persist(new Author("Bob")));
        attempt(factory, "enum", s -> s.createNativeMutationQuery("UPDATE book SET kind = 'STONE'").executeUpdate());
        attempt(factory, "too long", s -> s.persist(new Author("x".repeat(41))));
        attempt(factory, "serializable", s -> s.doWork(connection -> {
            connection.createStatement().execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE");
            say("level", connection.getTransactionIsolation());
        }));
    }

    static void remove(SessionFactory factory) {
        factory.inTransaction(s -> s.remove(s.createSelectionQuery("from Author where name = 'Ada'", Author.class).getSingleResult()));
        factory.inTransaction(s -> s.createMutationQuery("delete Author where name = 'Bob'").executeUpdate());
        factory.inTransaction(s -> say("left", s.createSelectionQuery("select count(*) from Book", Long.class).getSingleResult(), s.createNativeQuery("SELECT count(*) FROM book_tag", Long.class).getSingleResult()));
        factory.getSchemaManager().dropMappedObjects(false);
        say("dropped", tables(factory));
        factory.inTransaction(s -> s.createNativeMutationQuery("DROP SCHEMA orm_hibernate CASCADE").executeUpdate());
    }
}
