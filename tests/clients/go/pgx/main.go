// Command pgx runs the same checks in each of pgx's five query modes, and what only pgx has: batches, COPY, LISTEN-free pools.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var failed bool

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func equal(actual, expected any) {
	if !reflect.DeepEqual(actual, expected) {
		panic(fmt.Sprintf("%v (%T) instead of %v (%T)", actual, actual, expected, expected))
	}
}

func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return fmt.Sprintf("%v", err)
}

func check(name string, body func()) {
	defer func() {
		if problem := recover(); problem != nil {
			failed = true
			fmt.Printf("NOT OK - %s: %v\n", name, problem)
			return
		}
		fmt.Printf("ok - %s\n", name)
	}()
	body()
}

func connect(mode pgx.QueryExecMode) *pgx.Conn {
	config, err := pgx.ParseConfig("")
	must(err)
	config.DefaultQueryExecMode = mode
	conn, err := pgx.ConnectConfig(context.Background(), config)
	must(err)
	return conn
}

func types(ctx context.Context, c *pgx.Conn) {
	at := time.Date(2024, 2, 29, 12, 34, 56, 789000000, time.UTC)
	for n := 0; n < 3; n++ {
		var (
			b bool
			i int32
			l int64
			f float64
			t string
			y []byte
			z time.Time
			d time.Time
			a []int32
			u [16]byte
			x *string
		)
		must(c.QueryRow(ctx, `SELECT $1::bool, $2::int4, $3::int8, $4::float8, $5::text, $6::bytea, $7::timestamptz, $8::date, $9::int4[], $10::uuid, $11::text`,
			true, int32(n), int64(1)<<40, 0.1, "äöü€😀", []byte{0, 255}, at, at.Truncate(24*time.Hour), []int32{1, 2},
			"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", nil).Scan(&b, &i, &l, &f, &t, &y, &z, &d, &a, &u, &x))
		equal([]any{b, i, l, f, t, y, a}, []any{true, int32(n), int64(1) << 40, 0.1, "äöü€😀", []byte{0, 255}, []int32{1, 2}})
		equal(z.Equal(at), true)
		equal(d.Format("2006-01-02"), "2024-02-29")
		equal(u[0], byte(0xa0))
		equal(x == nil, true)
	}
}

func changes(ctx context.Context, c *pgx.Conn) {
	_, err := c.Exec(ctx, "CREATE TABLE pgx_t (id int4 PRIMARY KEY, name text NOT NULL)")
	must(err)
	defer c.Exec(ctx, "DROP TABLE pgx_t")
	for n := 0; n < 10; n++ {
		tag, err := c.Exec(ctx, "INSERT INTO pgx_t VALUES ($1, $2)", n, fmt.Sprint("row ", n))
		must(err)
		equal(tag.String(), "INSERT 0 1")
	}
	var id int
	must(c.QueryRow(ctx, "UPDATE pgx_t SET name = $1 WHERE id = $2 RETURNING id", "x", 7).Scan(&id))
	equal(id, 7)
	_, err = c.Exec(ctx, "INSERT INTO pgx_t VALUES ($1, $2)", 1, "again")
	var pg *pgconn.PgError
	equal(errors.As(err, &pg), true)
	equal([]string{pg.Code, pg.TableName, pg.ConstraintName}, []string{"23505", "pgx_t", "pgx_t_pkey"})
	rows, err := c.Query(ctx, "SELECT id, name FROM pgx_t WHERE id < $1 ORDER BY id", 3)
	must(err)
	type row struct {
		Id   int32
		Name string
	}
	got, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
	must(err)
	equal(got, []row{{0, "row 0"}, {1, "row 1"}, {2, "row 2"}})
}

func transactions(ctx context.Context, c *pgx.Conn) {
	_, err := c.Exec(ctx, "CREATE TABLE pgx_tx (a int4)")
	must(err)
	defer c.Exec(ctx, "DROP TABLE pgx_tx")
	tx, err := c.Begin(ctx)
	must(err)
	_, err = tx.Exec(ctx, "INSERT INTO pgx_tx VALUES ($1)", 1)
	must(err)
	must(tx.Rollback(ctx))
	must(pgx.BeginTxFunc(ctx, c, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO pgx_tx VALUES ($1)", 2)
		return err
	}))
	tx, err = c.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	must(err)
	_, err = tx.Exec(ctx, "INSERT INTO pgx_tx VALUES ($1)", 3)
	equal(code(err), "25006")
	must(tx.Rollback(ctx))
	var sum int
	must(c.QueryRow(ctx, "SELECT sum(a) FROM pgx_tx").Scan(&sum))
	equal(sum, 2)
}

func batches(ctx context.Context, c *pgx.Conn) {
	batch := &pgx.Batch{}
	for n := 0; n < 50; n++ {
		batch.Queue("SELECT $1::int4 * 2", n)
	}
	results := c.SendBatch(ctx, batch)
	for n := 0; n < 50; n++ {
		var got int
		must(results.QueryRow().Scan(&got))
		equal(got, n*2)
	}
	must(results.Close())
	failing := &pgx.Batch{}
	failing.Queue("SELECT 1")
	failing.Queue("SELECT 1/0")
	failing.Queue("SELECT 2")
	equal(code(c.SendBatch(ctx, failing).Close()), "22012")
	must(c.Ping(ctx))
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	modes := []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec,
		pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	}
	bodies := []struct {
		name string
		body func(context.Context, *pgx.Conn)
	}{{"types both ways", types}, {"changes and errors", changes}, {"transactions", transactions}, {"batches", batches}}
	for _, mode := range modes {
		for _, b := range bodies {
			check(fmt.Sprintf("%s (mode %s)", b.name, mode), func() {
				c := connect(mode)
				defer c.Close(ctx)
				b.body(ctx, c)
			})
		}
	}
	check("a pipeline by hand", func() {
		c := connect(pgx.QueryExecModeCacheStatement)
		defer c.Close(ctx)
		pipeline := c.PgConn().StartPipeline(ctx)
		pipeline.SendPrepare("p", "SELECT $1::int4", nil)
		pipeline.SendQueryPrepared("p", [][]byte{[]byte("7")}, nil, nil)
		must(pipeline.Sync())
		_, err := pipeline.GetResults()
		must(err)
		result, err := pipeline.GetResults()
		must(err)
		rows := result.(*pgconn.ResultReader).Read()
		must(rows.Err)
		equal(string(rows.Rows[0][0]), "7")
		must(pipeline.Close())
	})
	check("a context that ends cancels the query", func() {
		c := connect(pgx.QueryExecModeCacheStatement)
		defer c.Close(ctx)
		short, stop := context.WithTimeout(ctx, 300*time.Millisecond)
		defer stop()
		_, err := c.Exec(short, "SELECT pg_sleep(20)")
		equal(err != nil, true)
		begin := time.Now()
		other := connect(pgx.QueryExecModeExec)
		defer other.Close(ctx)
		must(other.Ping(ctx))
		equal(time.Since(begin) < 5*time.Second, true)
	})
	check("COPY out and in as text", func() {
		c := connect(pgx.QueryExecModeExec)
		defer c.Close(ctx)
		copyBothWays(ctx, c)
	})
	check("COPY of rows in binary", func() {
		c := connect(pgx.QueryExecModeExec)
		defer c.Close(ctx)
		copyRows(ctx, c)
	})
	if failed {
		os.Exit(1)
	}
}
