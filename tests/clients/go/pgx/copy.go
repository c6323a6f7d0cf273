package main

import (
	"bytes"
	"context"
	"math/big"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

func copyBothWays(ctx context.Context, c *pgx.Conn) {
	_, err := c.Exec(ctx, "CREATE TABLE pgx_copy (a int4, b text)")
	must(err)
	defer c.Exec(ctx, "DROP TABLE pgx_copy")
	tag, err := c.PgConn().CopyFrom(ctx, strings.NewReader("1,one\n2,\n"), "COPY pgx_copy FROM STDIN (FORMAT csv)")
	must(err)
	equal(tag.RowsAffected(), int64(2))
	var out bytes.Buffer
	tag, err = c.PgConn().CopyTo(ctx, &out, "COPY (SELECT * FROM pgx_copy ORDER BY a) TO STDOUT")
	must(err)
	equal(out.String(), "1\tone\n2\t\\N\n")
	_, err = c.PgConn().CopyFrom(ctx, strings.NewReader("x,one\n"), "COPY pgx_copy FROM STDIN (FORMAT csv)")
	equal(code(err), "22P02")
}

// CopyFrom sends rows in binary, in whatever mode the connection is for queries.
func copyRows(ctx context.Context, c *pgx.Conn) {
	_, err := c.Exec(ctx, "CREATE TABLE pgx_rows (a int4, b text, c numeric(12,2), d timestamptz, e uuid, f int4[], g jsonb, h bool)")
	must(err)
	defer c.Exec(ctx, "DROP TABLE pgx_rows")
	const rows = 1000
	source := pgx.CopyFromSlice(rows, func(n int) ([]any, error) {
		if n%10 == 9 {
			return []any{n, nil, nil, nil, nil, nil, nil, nil}, nil
		}
		at := time.Date(2020, 1, 1, 0, 0, n, 0, time.UTC)
		key := [16]byte{15: byte(n)}
		return []any{n, "ä", pgtype.Numeric{Int: big.NewInt(int64(n)), Exp: -2, Valid: true}, at, key, []int32{int32(n), 7}, map[string]int{"n": n}, n%2 == 0}, nil
	})
	count, err := c.CopyFrom(ctx, pgx.Identifier{"pgx_rows"}, []string{"a", "b", "c", "d", "e", "f", "g", "h"}, source)
	must(err)
	equal(count, int64(rows))
	var sum, last int64
	var exact string
	sql := "SELECT sum(a), sum(f[1]), sum(c)::text FROM pgx_rows WHERE g ->> 'n' = a::text AND d = timestamptz '2020-01-01 00:00:00+00' + a * interval '1 second'"
	must(c.QueryRow(ctx, sql).Scan(&sum, &last, &exact))
	equal(sum, int64(449100))
	equal(last, int64(449100))
	equal(exact, "4491.00")
	bad := pgx.CopyFromRows([][]any{{1, "a\x00b"}})
	_, err = c.CopyFrom(ctx, pgx.Identifier{"pgx_rows"}, []string{"a", "b"}, bad)
	equal(code(err), "22021")
}
