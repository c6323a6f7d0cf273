package main

import (
	"bytes"
	"context"
	"strings"

	"github.com/jackc/pgx/v5"
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
