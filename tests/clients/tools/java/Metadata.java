import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.RowIdLifetime;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;

/** Every method of DatabaseMetaData: those without arguments by reflection, the others with what fits the sample schema. */
public final class Metadata {
    /** What says where and who, not what there is. */
    private static final Set<String> OWN =
            Set.of("getConnection", "getURL", "getUserName", "getDatabaseProductVersion", "getDatabaseMinorVersion", "getDriverVersion");

    private static DatabaseMetaData data;
    private static final Set<String> called = new TreeSet<>();

    public static void main(String[] arguments) throws Exception {
        Properties properties = new Properties();
        properties.put("user", System.getenv("PGUSER"));
        properties.put("password", System.getenv("PGPASSWORD"));
        properties.put("sslmode", System.getenv("PGSSLMODE"));
        String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE");
        try (Connection connection = DriverManager.getConnection(url, properties)) {
            data = connection.getMetaData();
            withoutArguments();
            overTables();
            overKeys();
            others();
        }
        Method[] methods = DatabaseMetaData.class.getMethods();
        Arrays.stream(methods).map(Method::getName).filter(n -> !called.contains(n) && !OWN.contains(n)).distinct().sorted()
                .forEach(name -> System.out.println("not called: " + name));
    }

    private static void withoutArguments() throws Exception {
        Method[] methods = DatabaseMetaData.class.getMethods();
        Arrays.sort(methods, Comparator.comparing(Method::getName));
        for (Method method : methods) {
            if (method.getParameterCount() == 0 && !OWN.contains(method.getName())) {
                call(method.getName());
            }
        }
        for (int level : new int[] {0, 1, 2, 4, 8}) {
            call("supportsTransactionIsolationLevel", level);
        }
        for (int type = 1003; type <= 1005; type++) {
            for (String name : List.of("supportsResultSetType", "ownUpdatesAreVisible", "ownDeletesAreVisible", "ownInsertsAreVisible",
                    "othersUpdatesAreVisible", "othersDeletesAreVisible", "othersInsertsAreVisible", "updatesAreDetected", "deletesAreDetected",
                    "insertsAreDetected")) {
                call(name, type);
            }
            call("supportsResultSetConcurrency", type, ResultSet.CONCUR_UPDATABLE);
        }
        call("supportsResultSetHoldability", ResultSet.HOLD_CURSORS_OVER_COMMIT);
        call("supportsConvert", 4, 12);
    }

    private static void overTables() throws Exception {
        call("getTables", null, "shop", "%", null);
        call("getTables", null, "shop", "%", new String[] {"VIEW", "MATERIALIZED VIEW"});
        call("getTables", null, "pg_catalog", "pg_cl%", new String[] {"SYSTEM TABLE"});
        call("getTables", null, "information_schema", "key_%", null);
        call("getTables", null, "%", "it_m", new String[] {"TABLE"});
        call("getColumns", null, "shop", "%", "%");
        call("getColumns", null, "shop", "Mixed Case", "%");
        call("getColumns", null, "pg_catalog", "pg_class", "rel%");
        call("getColumnPrivileges", null, "shop", "customer", "%");
        call("getTablePrivileges", null, "shop", "%");
        call("getBestRowIdentifier", null, "shop", "item", DatabaseMetaData.bestRowSession, true);
        call("getVersionColumns", null, "shop", "orders");
        call("getPseudoColumns", null, "shop", "orders", "%");
        call("getSuperTables", null, "shop", "%");
        call("getSuperTypes", null, "shop", "%");
        call("getAttributes", null, "shop", "%", "%");
        call("getUDTs", null, "shop", "%", null);
    }

    private static void overKeys() throws Exception {
        for (String table : List.of("customer", "orders", "item", "Mixed Case", "totals", "event")) {
            call("getPrimaryKeys", null, "shop", table);
            call("getImportedKeys", null, "shop", table);
            call("getExportedKeys", null, "shop", table);
            call("getIndexInfo", null, "shop", table, false, true);
            call("getIndexInfo", null, "shop", table, true, true);
        }
        call("getCrossReference", null, "shop", "customer", null, "shop", "orders");
    }

    private static void others() throws Exception {
        call("getSchemas", null, "shop");
        call("getFunctions", null, "shop", "%");
        call("getFunctions", null, "pg_catalog", "array_a%");
        call("getFunctionColumns", null, "shop", "%", "%");
        call("getFunctionColumns", null, "pg_catalog", "left", "%");
        call("getProcedures", null, "shop", "%");
        call("getProcedureColumns", null, "shop", "%", "%");
    }

    private static void call(String name, Object... arguments) throws Exception {
        called.add(name);
        StringBuilder title = new StringBuilder(name);
        for (Object argument : arguments) {
            title.append(' ').append(argument instanceof Object[] list ? Arrays.toString(list) : argument);
        }
        for (Method method : DatabaseMetaData.class.getMethods()) {
            if (!method.getName().equals(name) || method.getParameterCount() != arguments.length) {
                continue;
            }
            try {
                Object result = method.invoke(data, arguments);
                if (result instanceof ResultSet rows) {
                    System.out.println("== " + title);
                    print(title.toString(), rows);
                } else {
                    System.out.println(title + ": " + (result instanceof RowIdLifetime life ? life.name() : result));
                }
            } catch (InvocationTargetException e) {
                System.out.println(title + " fails: " + (e.getCause() instanceof SQLException s ? s.getSQLState() + " " + s.getMessage() : e.getCause()));
            }
            return;
        }
        throw new IllegalStateException(name);
    }

    private static void print(String title, ResultSet rows) throws SQLException {
        ResultSetMetaData shape = rows.getMetaData();
        List<String> names = new ArrayList<>();
        for (int i = 1; i <= shape.getColumnCount(); i++) {
            names.add(shape.getColumnName(i) + ":" + shape.getColumnTypeName(i));
        }
        System.out.println("  " + String.join(" ", names));
        List<String> lines = new ArrayList<>();
        while (rows.next()) {
            List<String> values = new ArrayList<>();
            for (int i = 1; i <= shape.getColumnCount(); i++) {
                values.add(rows.getString(i));
            }
            // A function's specific name ends with its OID.
            lines.add("  " + String.join(" | ", values).replaceAll("_\\d{5,}\\b", "_OID"));
        }
        if (title.equals("getTypeInfo")) {
            // Sorted by a number that many share.
            lines.sort(null);
        } else if (title.equals("getCatalogs")) {
            // A server may have others.
            lines.removeIf(line -> !line.strip().equals(System.getenv("PGDATABASE")));
        }
        lines.forEach(System.out::println);
        rows.close();
    }
}
