// A small app on Ent: what it prints is the same on PostgreSQL and on the gateway.
package main

import (
	"context"
	stdsql "database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"duckgate.test/orms/ent/gen"
	"duckgate.test/orms/ent/gen/author"
	"duckgate.test/orms/ent/gen/book"
	"duckgate.test/orms/ent/gen/migrate"
	"duckgate.test/orms/ent/gen/tag"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/schema"
	"entgo.io/ent/schema/field"
	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib"
)

const inSchema = "orm_ent"

var ctx = context.Background()

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func got[T any](value T, err error) T {
	must(err)
	return value
}

func code(err error) string {
	var problem *pgconn.PgError
	if errors.As(err, &problem) {
		return fmt.Sprint(problem.Code, " ", problem.TableName, " ", problem.ColumnName, " ", problem.ConstraintName, " ", gen.IsConstraintError(err))
	}
	return fmt.Sprint(err)
}

func text(value any) string { return string(got(json.Marshal(value))) }

func main() {
	// libpq's variables say where the server is.
	first := got(stdsql.Open("pgx", ""))
	got(first.Exec("DROP SCHEMA IF EXISTS " + inSchema + " CASCADE"))
	got(first.Exec("CREATE SCHEMA " + inSchema))
	must(first.Close())
	pool := got(stdsql.Open("pgx", "search_path="+inSchema))
	driver := sql.OpenDB(dialect.Postgres, pool)
	client := gen.NewClient(gen.Driver(driver))
	for _, step := range []func(*gen.Client, *sql.Driver){migrated, fill, nested, upsert, stale, read, failures, remove} {
		step(client, driver)
	}
	must(client.Close())
}

// plan is what a migration would do, and whether it does it.
func plan(driver dialect.Driver, tables []*schema.Table, do bool) []string {
	var planned strings.Builder
	options := []schema.MigrateOption{schema.WithDropColumn(true), schema.WithDropIndex(true), schema.WithSchemaName(inSchema)}
	writer := migrate.NewSchema(&schema.WriteDriver{Driver: driver, Writer: &planned})
	must(migrate.Create(ctx, writer, tables, options...))
	if do {
		must(migrate.Create(ctx, migrate.NewSchema(driver), tables, options...))
	}
	var lines []string
	for _, line := range strings.Split(planned.String(), "\n") {
		if line = strings.TrimSpace(line); line != "" && line != "BEGIN;" && line != "COMMIT;" {
			lines = append(lines, line)
		}
	}
	return lines
}

func migrated(_ *gen.Client, driver *sql.Driver) {
	for _, line := range plan(driver, migrate.Tables, true) {
		fmt.Println("first", line)
	}
	fmt.Println("again", plan(driver, migrate.Tables, true))
	// A later version of the app: another column and index, a wider type, one column less.
	tables := got(schema.CopyTables(migrate.Tables))
	authors := tables[slices.IndexFunc(tables, func(t *schema.Table) bool { return t.Name == "authors" })]
	rank := &schema.Column{Name: "rank", Type: field.TypeInt16, Default: 1}
	authors.Columns = append(slices.DeleteFunc(authors.Columns, func(c *schema.Column) bool { return c.Name == "rate" }), rank)
	authors.Indexes = append(authors.Indexes, &schema.Index{Name: "author_rank", Columns: []*schema.Column{rank}})
	for _, line := range plan(driver, tables, true) {
		fmt.Println("forth", line)
	}
	rank.Type, rank.Nullable = field.TypeInt64, true
	for _, line := range plan(driver, tables, true) {
		fmt.Println("wider", line)
	}
	for _, line := range plan(driver, migrate.Tables, true) {
		fmt.Println("back", line)
	}
	fmt.Println("still", plan(driver, migrate.Tables, false))
}

func fill(client *gen.Client, _ *sql.Driver) {
	old, fresh := client.Tag.Create().SetLabel("old").SaveX(ctx), client.Tag.Create().SetLabel("new").SaveX(ctx)
	ada := client.Author.Create().SetName("Ada").SaveX(ctx)
	bob := client.Author.Create().SetName("Bob").SetRate(0.1).SaveX(ctx)
	books := client.Book.MapCreateBulk(make([]int, 5), func(create *gen.BookCreate, i int) {
		create.SetTitle(fmt.Sprint("A", i)).SetPages(int64(10 * i)).SetAuthor(ada).SetFacts(map[string]any{"n": i}).SetCover([]byte{0, byte(i)})
	}).SaveX(ctx)
	books[1].Update().AddTags(old, fresh).SetSequel(books[2]).SaveX(ctx)
	books[2].Update().AddTags(fresh).SetKind(book.KindScreen).SaveX(ctx)
	single := client.Book.Create().SetTitle("B").SetAuthor(bob).SetPages(99).AddTags(old).SaveX(ctx)
	var ids []int
	for _, made := range books {
		ids = append(ids, made.ID)
	}
	fmt.Println("ids", ada.ID, bob.ID, old.ID, fresh.ID, ids, single.ID)
	again := client.Book.GetX(ctx, single.ID)
	fmt.Println("same", again.Key == single.Key, again.Made.Sub(single.Made).Abs().Milliseconds(), again.Sold, again.Kind, bob.Rate)
	many := client.Tag.MapCreateBulk(make([]int, 300), func(create *gen.TagCreate, i int) { create.SetLabel(fmt.Sprint("bulk", i)) }).SaveX(ctx)
	fmt.Println("bulk", len(many), many[299].ID-many[0].ID, client.Tag.Delete().Where(tag.LabelHasPrefix("bulk")).ExecX(ctx))
}

func nested(client *gen.Client, _ *sql.Driver) {
	tx := got(client.Tx(ctx))
	tx.Author.Create().SetName("Cyd").SaveX(ctx)
	for _, name := range []string{"Ada", "Dan"} {
		got(tx.ExecContext(ctx, "SAVEPOINT nested"))
		if _, err := tx.Author.Create().SetName(name).Save(ctx); err != nil {
			fmt.Println("inner failed", code(err))
			got(tx.ExecContext(ctx, "ROLLBACK TO SAVEPOINT nested"))
		}
		got(tx.ExecContext(ctx, "RELEASE SAVEPOINT nested"))
	}
	must(tx.Commit())
	tx = got(client.Tx(ctx))
	tx.Author.Create().SetName("Zoe").SaveX(ctx)
	_, err := tx.Tag.Create().SetLabel("old").Save(ctx)
	fmt.Println("failed", code(err))
	_, err = tx.Author.Query().Count(ctx)
	fmt.Println("aborted", code(err))
	must(tx.Rollback())
	fmt.Println("after", client.Author.Query().Order(author.ByName()).Select(author.FieldName).StringsX(ctx))
}

func upsert(client *gen.Client, _ *sql.Driver) {
	same := client.Tag.Create().SetLabel("old").SetUses(3).OnConflictColumns(tag.FieldLabel).UpdateNewValues().IDX(ctx)
	added := client.Tag.Create().SetLabel("old").OnConflictColumns(tag.FieldLabel).Update(func(u *gen.TagUpsert) { u.AddUses(4) }).IDX(ctx)
	err := client.Tag.Create().SetLabel("old").OnConflictColumns(tag.FieldLabel).DoNothing().Exec(ctx)
	fmt.Println("upsert", same, added, err, client.Tag.GetX(ctx, same).Uses)
	must(client.Tag.CreateBulk(client.Tag.Create().SetLabel("odd"), client.Tag.Create().SetLabel("old").SetUses(9)).
		OnConflictColumns(tag.FieldLabel).UpdateNewValues().Exec(ctx))
	for _, each := range client.Tag.Query().Order(tag.ByLabel()).AllX(ctx) {
		fmt.Println("tag", each.Label, each.Uses)
	}
}

func stale(client *gen.Client, _ *sql.Driver) {
	change := func(seen *gen.Book, pages int64) int {
		return client.Book.Update().Where(book.ID(seen.ID), book.Version(seen.Version)).SetPages(pages).AddVersion(1).SaveX(ctx)
	}
	one, other := client.Book.GetX(ctx, 2), client.Book.GetX(ctx, 2)
	fmt.Println("optimistic", change(one, 15), change(other, 16))
	tx := got(client.Tx(ctx))
	locked := tx.Book.Query().Where(book.ID(2)).ForUpdate().OnlyX(ctx)
	beside := got(client.Tx(ctx))
	_, err := beside.Book.Query().Where(book.ID(2)).ForUpdate(sql.WithLockAction(sql.NoWait)).Only(ctx)
	fmt.Println("locked", locked.Pages, locked.Version, code(err))
	must(beside.Rollback())
	free := client.Book.Query().Order(book.ByID()).ForShare(sql.WithLockAction(sql.SkipLocked)).AllX(ctx)
	fmt.Println("free", len(free), free[1].Title)
	must(tx.Commit())
}

type total struct {
	Author int     `json:"author_books"`
	Count  int     `json:"count"`
	Sum    int     `json:"sum"`
	Mean   float64 `json:"mean"`
}

func read(client *gen.Client, _ *sql.Driver) {
	page := client.Book.Query().WithAuthor().WithTags(func(q *gen.TagQuery) { q.Order(tag.ByLabel()) }).WithSequel().
		Order(book.ByPages(sql.OrderDesc()), book.ByID()).Limit(3).Offset(1).AllX(ctx)
	for _, each := range page {
		var labels []string
		for _, on := range each.Edges.Tags {
			labels = append(labels, on.Label)
		}
		fmt.Println("page", each.Title, each.Pages, each.Edges.Author.Name, labels, text(each.Facts), each.Cover, each.Edges.Sequel != nil)
	}
	var totals []total
	client.Book.Query().GroupBy(book.AuthorColumn).
		Aggregate(gen.Count(), gen.Sum(book.FieldPages), gen.As(gen.Mean(book.FieldPages), "mean")).ScanX(ctx, &totals)
	slices.SortFunc(totals, func(a, b total) int { return a.Author - b.Author })
	fmt.Println("totals", text(totals))
	names := client.Author.Query().Where(author.HasBooksWith(book.HasTagsWith(tag.LabelEQ("old")))).Order(author.ByBooksCount(), author.ByName()).
		Select(author.FieldName).StringsX(ctx)
	without := client.Author.Query().Where(author.Not(author.HasBooks())).Order(author.ByName()).Select(author.FieldName).StringsX(ctx)
	fmt.Println("edges", names, without, client.Tag.Query().QueryBooks().QueryAuthor().CountX(ctx))
	inside := client.Book.Query().Where(func(s *sql.Selector) {
		s.Where(sql.P(func(b *sql.Builder) { b.Ident("facts").WriteString("->>'n' = ").Arg("3") }))
	})
	fmt.Println("found", inside.OnlyX(ctx).Title, client.Book.Query().Where(book.TitleContainsFold("a"), book.PagesIn(0, 15), book.KindEQ(book.KindPaper)).CountX(ctx),
		client.Book.Query().Where(book.Or(book.TitleEQ("B"), book.CoverEQ([]byte{0, 4}))).CountX(ctx), client.Book.Query().Where(book.ID(77)).ExistX(ctx))
}

func failures(client *gen.Client, driver *sql.Driver) {
	for _, attempt := range []struct {
		what string
		act  func() error
	}{
		{"check", func() error { return client.Book.UpdateOneID(1).SetPages(-1).Exec(ctx) }},
		{"foreign key", func() error { return client.Book.Create().SetTitle("X").SetAuthorID(99).Exec(ctx) }},
		{"not null", func() error {
			return driver.Exec(ctx, "INSERT INTO authors (name, rate) VALUES (NULL, 1)", []any{}, nil)
		}},
		{"unique", func() error { return client.Author.Create().SetName("Bob").Exec(ctx) }},
		{"unique edge", func() error { return client.Book.UpdateOneID(5).SetSequelID(3).Exec(ctx) }},
		{"none", func() error { _, err := client.Book.Get(ctx, 77); return err }},
	} {
		fmt.Println(attempt.what, code(attempt.act()))
	}
}

func remove(client *gen.Client, driver *sql.Driver) {
	client.Author.Delete().Where(author.Name("Ada")).ExecX(ctx)
	fmt.Println("left", client.Book.Query().CountX(ctx), client.Tag.Query().QueryBooks().CountX(ctx))
	must(driver.Exec(ctx, "DROP SCHEMA "+inSchema+" CASCADE", []any{}, nil))
	var tables []string
	must(sql.ScanSlice(got(driver.QueryContext(ctx, "SELECT tablename FROM pg_tables WHERE schemaname = $1", inSchema)), &tables))
	fmt.Println("dropped", tables)
}
