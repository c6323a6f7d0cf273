// Command types loads own types as pgx does (an enum, a domain, a composite type, arrays of them, a table's row), reads values of
// them, and prints what came of it.
package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

func main() {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, "")
	if err != nil {
		panic(err)
	}
	defer conn.Close(ctx)
	names := []string{"shop.mood", "shop._mood", "shop.percent", "shop.address", "shop._address", "shop.orders", "shop.nothing"}
	for _, name := range names {
		loaded, err := conn.LoadType(ctx, name)
		if err != nil {
			fmt.Printf("%s: %v\n", name, err)
			continue
		}
		fmt.Printf("%s: %s\n", name, describe(loaded))
		conn.TypeMap().RegisterType(loaded)
	}
	together, err := conn.LoadTypes(ctx, []string{"shop.mood", "shop.address", "shop.percent"})
	fmt.Printf("together: %v\n", err)
	for _, loaded := range together {
		fmt.Printf("  %s: %s\n", loaded.Name, describe(loaded))
	}
	show(ctx, conn, "select mood, discount, tags from shop.customer order by id")
	show(ctx, conn, "select array_agg(mood order by id) from shop.customer")
	show(ctx, conn, "select row('street', '123')::shop.address")
	show(ctx, conn, "select $1::shop.mood, $2::shop.mood[], $3::shop.percent", "happy", []string{"sad", "ok"}, 12.5)
	show(ctx, conn, "select o from shop.orders o where id = 1")
}

func describe(t *pgtype.Type) string {
	switch codec := t.Codec.(type) {
	case *pgtype.EnumCodec:
		return "an enum"
	case *pgtype.ArrayCodec:
		return "an array of " + codec.ElementType.Name
	case *pgtype.CompositeCodec:
		text := "composite:"
		for _, field := range codec.Fields {
			text += " " + field.Name + " " + field.Type.Name
		}
		return text
	default:
		return fmt.Sprintf("%T", codec)
	}
}

func show(ctx context.Context, conn *pgx.Conn, text string, arguments ...any) {
	fmt.Println(text)
	rows, err := conn.Query(ctx, text, arguments...)
	if err != nil {
		fmt.Printf("  %v\n", err)
		return
	}
	defer rows.Close()
	for rows.Next() {
		values, err := rows.Values()
		fmt.Printf("  %v %v\n", values, err)
	}
	if rows.Err() != nil {
		fmt.Printf("  %v\n", rows.Err())
	}
}
