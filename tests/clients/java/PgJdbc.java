// pgjdbc: fetch size, batches, binary after five executions, autocommit both ways, COPY, metadata of results.

import java.math.BigDecimal;
import java.sql.Array;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import java.util.UUID;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;
import org.postgresql.util.PSQLException;

public final class PgJdbc {
    interface Check {
        void run(Connection c) throws Exception;
    }

    static int failed;

    static void check(String name, String options, Check body) {
        try (Connection c = connect(options)) {
            body.run(c);
            System.out.println("ok - " + name);
        } catch (Throwable e) {
            failed++;
            System.out.println("NOT OK - " + name + ": " + e);
            for (StackTraceElement frame : e.getStackTrace()) {
                if (frame.getClassName().startsWith("PgJdbc")) {
                    System.out.println("    " + frame);
                }
            }
        }
    }

    static Connection connect(String options) throws SQLException {
        String url = "jdbc:postgresql://" + env("PGHOST") + ":" + env("PGPORT") + "/" + env("PGDATABASE") + "?" + options;
        Properties properties = new Properties();
        properties.setProperty("user", env("PGUSER"));
        properties.setProperty("password", env("PGPASSWORD"));
        properties.setProperty("sslmode", System.getenv().getOrDefault("PGSSLMODE", "require"));
        return DriverManager.getConnection(url, properties);
    }

    static String env(String name) {
        return Objects.requireNonNull(System.getenv(name), name);
    }

    static void equal(Object actual, Object expected) {
        if (!Objects.deepEquals(actual, expected)) {
            throw new AssertionError(actual + " instead of " + expected);
        }
    }

    static String state(SqlRunnable body) {
        try {
            body.run();
        } catch (SQLException e) {
            return e.getSQLState();
        }
        return "no error";
    }

    interface SqlRunnable {
        void run() throws SQLException;
    }

    static void types(Connection c) throws SQLException {
        UUID uuid = UUID.fromString("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11");
        OffsetDateTime at = OffsetDateTime.parse("2024-02-29T12:34:56.789Z");
        try (PreparedStatement s = c.prepareStatement(
                "SELECT ?::int2, ?::int4, ?::int8, ?::float4, ?::float8, ?::numeric, ?::text, ?::bool, ?::date, ?::timestamptz, ?::uuid, ?::bytea, ?::int4[], ?::varchar(5)")) {
            // More than five times, so that the driver turns to named statements and binary transfer.
            for (int n = 0; n < 12; n++) {
                s.setShort(1, (short) n);
                s.setInt(2, Integer.MIN_VALUE + n);
                s.setLong(3, Long.MAX_VALUE - n);
                s.setFloat(4, 1.5f);
                s.setDouble(5, 0.1);
                s.setBigDecimal(6, new BigDecimal("123456789012345678901234567890.0001"));
                s.setString(7, "äöü€😀" + n);
                s.setBoolean(8, n % 2 == 0);
                s.setObject(9, LocalDate.of(2024, 2, 29));
                s.setObject(10, at);
                s.setObject(11, uuid);
                s.setBytes(12, new byte[] {0, (byte) 255});
                s.setArray(13, c.createArrayOf("int4", new Integer[] {n, null}));
                s.setString(14, "abcde");
                try (ResultSet r = s.executeQuery()) {
                    r.next();
                    equal(r.getShort(1), (short) n);
                    equal(r.getInt(2), Integer.MIN_VALUE + n);
                    equal(r.getLong(3), Long.MAX_VALUE - n);
                    equal(r.getFloat(4), 1.5f);
                    equal(r.getDouble(5), 0.1);
                    equal(r.getBigDecimal(6), new BigDecimal("123456789012345678901234567890.0001"));
                    equal(r.getString(7), "äöü€😀" + n);
                    equal(r.getBoolean(8), n % 2 == 0);
                    equal(r.getObject(9, LocalDate.class), LocalDate.of(2024, 2, 29));
                    equal(r.getObject(10, OffsetDateTime.class).toInstant(), at.toInstant());
                    equal(r.getObject(11), uuid);
                    equal(r.getBytes(12), new byte[] {0, (byte) 255});
                    Array array = r.getArray(13);
                    equal(array.getArray(), new Integer[] {n, null});
                    equal(r.getString(14), "abcde");
                }
            }
        }
    }

    static void nulls(Connection c) throws SQLException {
        try (PreparedStatement s = c.prepareStatement("SELECT ?::int4, ?::text")) {
            for (int n = 0; n < 8; n++) {
                s.setNull(1, java.sql.Types.INTEGER);
                s.setNull(2, java.sql.Types.VARCHAR);
                try (ResultSet r = s.executeQuery()) {
                    r.next();
                    r.getInt(1);
                    equal(r.wasNull(), true);
                    equal(r.getString(2), null);
                }
            }
        }
    }

    static void fetchSize(Connection c) throws SQLException {
        c.setAutoCommit(false);
        try (PreparedStatement s = c.prepareStatement("SELECT n, 'row ' || n FROM generate_series(1, ?) AS n")) {
            s.setFetchSize(100);
            for (int round = 0; round < 7; round++) {
                s.setInt(1, 1000);
                long sum = 0;
                try (ResultSet r = s.executeQuery()) {
                    while (r.next()) {
                        sum += r.getInt(1);
                        if (r.getRow() == 500) {
                            // Another statement while the portal is open, as lazy ORMs do.
                            try (Statement other = c.createStatement(); ResultSet o = other.executeQuery("SELECT 1")) {
                                o.next();
                            }
                        }
                    }
                }
                equal(sum, 500500L);
            }
        }
        c.commit();
    }

    static void batches(Connection c) throws SQLException {
        try (Statement s = c.createStatement()) {
            s.execute("CREATE TABLE jdbc_batch (id int PRIMARY KEY, name text)");
            try (PreparedStatement insert = c.prepareStatement("INSERT INTO jdbc_batch VALUES (?, ?)")) {
                for (int n = 0; n < 1000; n++) {
                    insert.setInt(1, n);
                    insert.setString(2, "row " + n);
                    insert.addBatch();
                }
                equal(insert.executeBatch().length, 1000);
                insert.setInt(1, 5000);
                insert.setString(2, "fine");
                insert.addBatch();
                insert.setInt(1, 1);
                insert.setString(2, "taken");
                insert.addBatch();
                equal(state(insert::executeBatch), "23505");
            }
            try (ResultSet r = s.executeQuery("SELECT count(*) FROM jdbc_batch")) {
                r.next();
                equal(r.getLong(1), 1000L);
            }
            s.addBatch("UPDATE jdbc_batch SET name = 'x' WHERE id < 10");
            s.addBatch("DELETE FROM jdbc_batch WHERE id >= 990");
            equal(s.executeBatch(), new int[] {10, 10});
        } finally {
            try (Statement s = c.createStatement()) {
                s.execute("DROP TABLE jdbc_batch");
            }
        }
    }

    static void generatedKeys(Connection c) throws SQLException {
        try (Statement s = c.createStatement()) {
            s.execute("CREATE TABLE jdbc_keys (id serial PRIMARY KEY, name text)");
            try (PreparedStatement insert = c.prepareStatement("INSERT INTO jdbc_keys (name) VALUES (?)", new String[] {"id"})) {
                for (int n = 1; n <= 8; n++) {
                    insert.setString(1, "n" + n);
                    equal(insert.executeUpdate(), 1);
                    try (ResultSet r = insert.getGeneratedKeys()) {
                        r.next();
                        equal(r.getInt(1), n);
                    }
                }
            }
        } finally {
            try (Statement s = c.createStatement()) {
                s.execute("DROP TABLE jdbc_keys");
            }
        }
    }

    static void autocommit(Connection c) throws SQLException {
        try (Statement s = c.createStatement()) {
            s.execute("CREATE TABLE jdbc_tx (a int)");
            c.setAutoCommit(false);
            s.executeUpdate("INSERT INTO jdbc_tx VALUES (1)");
            c.rollback();
            s.executeUpdate("INSERT INTO jdbc_tx VALUES (2)");
            c.commit();
            equal(state(() -> s.execute("SELECT 1/0")), "22012");
            equal(state(() -> s.execute("SELECT 1")), "25P02");
            c.rollback();
            c.setAutoCommit(true);
            s.executeUpdate("INSERT INTO jdbc_tx VALUES (3)");
            List<Integer> seen = new ArrayList<>();
            try (ResultSet r = s.executeQuery("SELECT a FROM jdbc_tx ORDER BY a")) {
                while (r.next()) {
                    seen.add(r.getInt(1));
                }
            }
            equal(seen, Arrays.asList(2, 3));
        } finally {
            try (Statement s = c.createStatement()) {
                s.execute("DROP TABLE jdbc_tx");
            }
        }
    }

    static void readOnly(Connection c) throws SQLException {
        c.setReadOnly(true);
        c.setAutoCommit(false);
        try (Statement s = c.createStatement()) {
            equal(state(() -> s.execute("CREATE TABLE jdbc_ro (a int)")), "25006");
        }
        c.rollback();
        c.setReadOnly(false);
        c.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        equal(c.getTransactionIsolation(), Connection.TRANSACTION_REPEATABLE_READ);
        c.rollback();
    }

    static void metadata(Connection c) throws SQLException {
        try (Statement s = c.createStatement()) {
            s.execute("CREATE TABLE jdbc_meta (id int PRIMARY KEY, price numeric(10,2), name varchar(20))");
            try (PreparedStatement p = c.prepareStatement("SELECT id, price, name AS label FROM jdbc_meta WHERE id = ?")) {
                equal(p.getParameterMetaData().getParameterTypeName(1), "int4");
                equal(p.getMetaData().getColumnLabel(3), "label");
                equal(p.getMetaData().getPrecision(2), 10);
                equal(p.getMetaData().getScale(2), 2);
                equal(p.getMetaData().getColumnTypeName(3), "varchar");
            }
        } finally {
            try (Statement s = c.createStatement()) {
                s.execute("DROP TABLE jdbc_meta");
            }
        }
    }

    static void copy(Connection c) throws Exception {
        try (Statement s = c.createStatement()) {
            s.execute("CREATE TABLE jdbc_copy (a int, b text)");
            CopyManager copy = c.unwrap(PGConnection.class).getCopyAPI();
            equal(copy.copyIn("COPY jdbc_copy FROM STDIN", new java.io.StringReader("1\tone\n2\t\\N\n")), 2L);
            java.io.StringWriter out = new java.io.StringWriter();
            equal(copy.copyOut("COPY (SELECT * FROM jdbc_copy ORDER BY a) TO STDOUT (FORMAT csv)", out), 2L);
            equal(out.toString(), "1,one\n2,\n");
            equal(state(() -> {
                try {
                    copy.copyIn("COPY jdbc_copy FROM STDIN", new java.io.StringReader("x\ty\n"));
                } catch (java.io.IOException e) {
                    throw new SQLException(e);
                }
            }), "22P02");
        } finally {
            try (Statement s = c.createStatement()) {
                s.execute("DROP TABLE jdbc_copy");
            }
        }
    }

    static void errors(Connection c) throws SQLException {
        try (Statement s = c.createStatement()) {
            s.execute("SELECT * FROM jdbc_gone");
            throw new AssertionError("an error was expected");
        } catch (PSQLException e) {
            equal(e.getSQLState(), "42P01");
            equal(e.getServerErrorMessage().getPosition(), 15);
        }
    }

    static void cancel(Connection c) throws Exception {
        try (Statement s = c.createStatement()) {
            Thread canceller = new Thread(() -> {
                try {
                    Thread.sleep(300);
                    s.cancel();
                } catch (Exception e) {
                    throw new RuntimeException(e);
                }
            });
            canceller.start();
            equal(state(() -> s.execute("SELECT pg_sleep(20)")), "57014");
            canceller.join();
            s.setQueryTimeout(1);
            equal(state(() -> s.execute("SELECT pg_sleep(20)")), "57014");
        }
    }

    public static void main(String[] arguments) {
        check("every type, also in binary after five executions", "", PgJdbc::types);
        check("every type when all is binary from the start", "prepareThreshold=-1", PgJdbc::types);
        check("every type in the simple protocol", "preferQueryMode=simple", PgJdbc::types);
        check("every type when statements are never named", "prepareThreshold=0&binaryTransfer=false", PgJdbc::types);
        check("nulls keep their type", "", PgJdbc::nulls);
        check("a fetch size reads through a suspended portal", "", PgJdbc::fetchSize);
        check("batches count, and fail as a whole", "", PgJdbc::batches);
        check("batches that the driver rewrites into many rows", "reWriteBatchedInserts=true", PgJdbc::batches);
        check("generated keys come back", "", PgJdbc::generatedKeys);
        check("autocommit on and off", "", PgJdbc::autocommit);
        check("read-only connections and isolation levels", "", PgJdbc::readOnly);
        check("metadata of results and parameters", "", PgJdbc::metadata);
        check("COPY goes both ways", "", PgJdbc::copy);
        check("errors have code and position", "", PgJdbc::errors);
        check("cancel and query timeout", "", PgJdbc::cancel);
        System.exit(failed == 0 ? 0 : 1);
    }
}
