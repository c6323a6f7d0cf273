// Command pq checks lib/pq through database/sql: simple and prepared queries, transactions, COPY, arrays, errors.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"reflect"
	"time"

	"github.com/lib/pq"
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
	var e *pq.Error
	if errors.As(err, &e) {
		return string(e.Code)
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

func types(db *sql.DB) {
	at := time.Date(2024, 2, 29, 12, 34, 56, 789000000, time.UTC)
	for n := 0; n < 3; n++ {
		var (
			b bool
			i int64
			f float64
			t string
			y []byte
			z time.Time
			a []int64
			x sql.NullString
		)
		must(db.QueryRow("SELECT $1::bool, $2::int8, $3::float8, $4::text, $5::bytea, $6::timestamptz, $7::int8[], $8::text",
			true, n, 0.1, "äöü", []byte{0, 255}, at, pq.Array([]int64{1, 2}), nil).
			Scan(&b, &i, &f, &t, &y, &z, pq.Array(&a), &x))
		equal([]any{b, i, f, t, y, a, x.Valid}, []any{true, int64(n), 0.1, "äöü", []byte{0, 255}, []int64{1, 2}, false})
		equal(z.Equal(at), true)
	}
}

func main() {
	for _, options := range []string{"", "binary_parameters=yes"} {
		db, err := sql.Open("postgres", options)
		must(err)
		check("types both ways ["+options+"]", func() { types(db) })
		check("prepared statements ["+options+"]", func() {
			s, err := db.Prepare("SELECT $1::int4 + 1")
			must(err)
			defer s.Close()
			for n := 0; n < 10; n++ {
				var got int
				must(s.QueryRow(n).Scan(&got))
				equal(got, n+1)
			}
		})
		check("transactions and errors ["+options+"]", func() {
			_, err := db.Exec("CREATE TABLE pq_t (id int PRIMARY KEY, name text)")
			must(err)
			defer db.Exec("DROP TABLE pq_t")
			tx, err := db.Begin()
			must(err)
			result, err := tx.Exec("INSERT INTO pq_t VALUES ($1, $2), ($3, $4)", 1, "a", 2, "b")
			must(err)
			count, _ := result.RowsAffected()
			equal(count, int64(2))
			_, err = tx.Exec("INSERT INTO pq_t VALUES ($1, $2)", 1, "again")
			equal(code(err), "23505")
			_, err = tx.Exec("SELECT 1")
			equal(code(err), "25P02")
			must(tx.Rollback())
			var n int
			must(db.QueryRow("SELECT count(*) FROM pq_t").Scan(&n))
			equal(n, 0)
		})
		must(db.Close())
	}
	db, err := sql.Open("postgres", "")
	must(err)
	check("COPY in", func() {
		tx, err := db.Begin()
		must(err)
		_, err = tx.Exec("CREATE TABLE pq_copy (a int, b text)")
		must(err)
		s, err := tx.Prepare(pq.CopyIn("pq_copy", "a", "b"))
		must(err)
		for n := 0; n < 1000; n++ {
			_, err = s.Exec(n, fmt.Sprint("row\t", n))
			must(err)
		}
		_, err = s.Exec()
		must(err)
		must(s.Close())
		var sum int
		must(tx.QueryRow("SELECT sum(a) FROM pq_copy").Scan(&sum))
		equal(sum, 499500)
		must(tx.Rollback())
	})
	check("several results of one query", func() {
		rows, err := db.Query("SELECT 1; SELECT 2")
		must(err)
		defer rows.Close()
		for rows.Next() {
		}
		equal(rows.NextResultSet(), true)
		rows.Next()
		var got int
		must(rows.Scan(&got))
		equal(got, 2)
	})
	check("a context that ends cancels the query", func() {
		ctx, stop := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer stop()
		_, err := db.ExecContext(ctx, "SELECT pg_sleep(20)")
		equal(code(err), "57014")
		must(db.Ping())
	})
	check("column types are described", func() {
		rows, err := db.Query("SELECT 1::int8 AS a, 'x'::varchar(7) AS v, 1.5::numeric(10,2) AS n")
		must(err)
		defer rows.Close()
		columns, err := rows.ColumnTypes()
		must(err)
		length, _ := columns[1].Length()
		precision, scale, _ := columns[2].DecimalSize()
		equal([]any{columns[0].DatabaseTypeName(), columns[1].DatabaseTypeName(), length, precision, scale},
			[]any{"INT8", "VARCHAR", int64(7), int64(10), int64(2)})
	})
	if failed {
		os.Exit(1)
	}
}
