// A small app on GORM: what it prints is the same on PostgreSQL and on the gateway.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"
)

const inSchema = "orm_gorm"

// Author has many books; deleting it deletes them.
type Author struct {
	ID    uint
	Name  string `gorm:"size:40;not null;uniqueIndex"`
	Born  *time.Time
	Books []Book `gorm:"constraint:OnUpdate:CASCADE,OnDelete:CASCADE"`
}

// Book counts its changes in Version.
type Book struct {
	ID        uint
	Title     string         `gorm:"not null;index;uniqueIndex:book_of_author,priority:2"`
	Price     float64        `gorm:"type:numeric(8,2);check:price_positive,price >= 0"`
	AuthorID  uint           `gorm:"not null;uniqueIndex:book_of_author,priority:1"`
	Facts     map[string]any `gorm:"type:jsonb;serializer:json"`
	Version   int            `gorm:"not null;default:1"`
	DeletedAt gorm.DeletedAt `gorm:"index"`
	Author    *Author
	Tags      []Tag `gorm:"many2many:book_tags;constraint:OnDelete:CASCADE"`
}

// Tag is found by its label.
type Tag struct {
	ID    uint
	Label string `gorm:"size:20;uniqueIndex"`
	Uses  int    `gorm:"not null;default:0"`
}

// bookWithPrinting is the book after its second migration.
type bookWithPrinting struct {
	Printing int64 `gorm:"not null;default:1"`
}

// TableName is the same table's.
func (bookWithPrinting) TableName() string { return "books" }

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func code(err error) string {
	var problem *pgconn.PgError
	if errors.As(err, &problem) {
		return fmt.Sprint(problem.Code, " ", problem.TableName, " ", problem.ColumnName, " ", problem.ConstraintName)
	}
	return fmt.Sprint(err)
}

func text(value any) string {
	bytes, err := json.Marshal(value)
	must(err)
	return string(bytes)
}

func main() {
	// libpq's variables say where the server is.
	db, err := gorm.Open(postgres.Open("search_path="+inSchema), &gorm.Config{Logger: logger.Default.LogMode(logger.Silent)})
	must(err)
	must(db.Exec("DROP SCHEMA IF EXISTS " + inSchema + " CASCADE").Error)
	must(db.Exec("CREATE SCHEMA " + inSchema).Error)
	for _, step := range []func(*gorm.DB){migrate, fill, nested, upsert, stale, locks, read, failures, remove} {
		step(db)
	}
	pool, err := db.DB()
	must(err)
	must(pool.Close())
}

func migrate(db *gorm.DB) {
	must(db.AutoMigrate(&Author{}, &Tag{}, &Book{}))
	// Again: finds that there is nothing to do.
	must(db.AutoMigrate(&Author{}, &Tag{}, &Book{}))
	look := db.Migrator()
	must(look.AddColumn(&bookWithPrinting{}, "Printing"))
	must(look.RenameColumn(&Book{}, "printing", "edition"))
	must(db.Exec("ALTER TABLE books ALTER COLUMN edition TYPE integer USING edition::integer").Error)
	columns, err := look.ColumnTypes(&Book{})
	must(err)
	// It asks for them in no order.
	sort.Slice(columns, func(a, b int) bool { return columns[a].Name() < columns[b].Name() })
	for _, column := range columns {
		length, _ := column.Length()
		nullable, _ := column.Nullable()
		primary, _ := column.PrimaryKey()
		unique, _ := column.Unique()
		auto, _ := column.AutoIncrement()
		kind, _ := column.ColumnType()
		initial, has := column.DefaultValue()
		precision, scale, decimal := column.DecimalSize()
		fmt.Println("column", column.Name(), column.DatabaseTypeName(), kind, length, nullable, primary, unique, auto, initial, has, precision, scale, decimal)
	}
	indexes, err := look.GetIndexes(&Book{})
	must(err)
	var names []string
	for _, index := range indexes {
		unique, _ := index.Unique()
		primary, _ := index.PrimaryKey()
		of := index.Columns()
		sort.Strings(of)
		names = append(names, fmt.Sprint(index.Name(), of, unique, primary))
	}
	sort.Strings(names)
	fmt.Println("indexes", names)
	fmt.Println("has", look.HasTable(&Book{}), look.HasTable("book_tags"), look.HasColumn(&Book{}, "edition"), look.HasColumn(&Book{}, "printing"),
		look.HasConstraint(&Book{}, "price_positive"), look.HasConstraint(&Author{}, "Books"), look.HasIndex(&Book{}, "book_of_author"))
}

func fill(db *gorm.DB) {
	born := time.Date(1815, 12, 10, 0, 0, 0, 0, time.UTC)
	tags := []Tag{{Label: "old"}, {Label: "new"}}
	ada := Author{Name: "Ada", Born: &born}
	for i := range 4 {
		ada.Books = append(ada.Books, Book{Title: fmt.Sprint("A", i), Price: float64(i) / 4, Facts: map[string]any{"pages": i * 10}, Tags: tags[:i%3]})
	}
	must(db.Create(&ada).Error)
	bob := Author{Name: "Bob", Books: []Book{{Title: "B", Price: 9.99}}}
	must(db.Create(&bob).Error)
	var ids []uint
	for _, book := range ada.Books {
		ids = append(ids, book.ID)
	}
	fmt.Println("ids", ada.ID, ids, bob.ID, bob.Books[0].ID, bob.Books[0].Version)

	many := make([]Tag, 300)
	for i := range many {
		many[i].Label = fmt.Sprint("bulk", i)
	}
	made := db.CreateInBatches(many, 100)
	must(made.Error)
	inOrder := sort.SliceIsSorted(many, func(a, b int) bool { return many[a].ID < many[b].ID })
	fmt.Println("bulk", made.RowsAffected, inOrder, many[299].ID-many[0].ID)
	fmt.Println("removed", db.Where("label LIKE ?", "bulk%").Delete(&Tag{}).RowsAffected)
}

func nested(db *gorm.DB) {
	must(db.Transaction(func(outer *gorm.DB) error {
		must(outer.Create(&Author{Name: "Cyd"}).Error)
		for _, name := range []string{"Ada", "Dan"} {
			err := outer.Transaction(func(inner *gorm.DB) error { return inner.Create(&Author{Name: name}).Error })
			if err != nil {
				fmt.Println("inner failed", code(err))
			}
		}
		outer.SavePoint("mine")
		must(outer.Model(&Author{}).Where("name = ?", "Dan").Update("name", "Eve").Error)
		return outer.RollbackTo("mine").Error
	}))
	failed := db.Transaction(func(outer *gorm.DB) error {
		must(outer.Create(&Author{Name: "Zoe"}).Error)
		return errors.New("thought better of it")
	})
	var names []string
	must(db.Model(&Author{}).Order("name").Pluck("name", &names).Error)
	fmt.Println("after", failed, names)
}

func upsert(db *gorm.DB) {
	nothing := db.Clauses(clause.OnConflict{DoNothing: true}).Create(&[]Tag{{Label: "old"}, {Label: "odd"}})
	must(nothing.Error)
	changed := Tag{Label: "odd", Uses: 3}
	must(db.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "label"}}, DoUpdates: clause.AssignmentColumns([]string{"uses"})}).Create(&changed).Error)
	counted := []Tag{{Label: "odd", Uses: 5}, {Label: "even", Uses: 7}}
	must(db.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "label"}},
		DoUpdates: clause.Assignments(map[string]any{"uses": gorm.Expr("tags.uses + excluded.uses")}),
	}, clause.Returning{}).Create(&counted).Error)
	var found Tag
	must(db.Where(Tag{Label: "made"}).Attrs(Tag{Uses: 1}).FirstOrCreate(&found).Error)
	fmt.Println("upserts", nothing.RowsAffected, changed.Uses, counted[0].Uses, counted[1].Uses, found.Uses)
	ada := Author{}
	must(db.First(&ada, "name = ?", "Ada").Error)
	ada.Name = "Ada L."
	must(db.Save(&ada).Error)
	must(db.Model(&ada).Update("name", "Ada").Error)
}

func stale(db *gorm.DB) {
	change := func(seen Book, price float64) int64 {
		done := db.Model(&Book{}).Where("id = ? AND version = ?", seen.ID, seen.Version).
			Updates(map[string]any{"price": price, "version": gorm.Expr("version + 1")})
		must(done.Error)
		return done.RowsAffected
	}
	var one, other Book
	must(db.First(&one, 2).Error)
	must(db.First(&other, 2).Error)
	fmt.Println("optimistic", change(one, 1.25), change(other, 2.25))
	returned := Book{ID: 2}
	must(db.Model(&returned).Clauses(clause.Returning{}).Update("price", gorm.Expr("price * ?", 2)).Error)
	fmt.Println("returned", returned.Title, returned.Price, returned.Version)
}

func locks(db *gorm.DB) {
	must(db.Transaction(func(outer *gorm.DB) error {
		var book Book
		must(outer.Clauses(clause.Locking{Strength: "UPDATE"}).First(&book, 2).Error)
		err := db.Transaction(func(beside *gorm.DB) error {
			return beside.Clauses(clause.Locking{Strength: "UPDATE", Options: "NOWAIT"}).First(&Book{}, 2).Error
		})
		var free []string
		must(db.Clauses(clause.Locking{Strength: "SHARE", Options: "SKIP LOCKED"}).Model(&Book{}).Order("id").Pluck("title", &free).Error)
		fmt.Println("locked", book.Title, code(err), free)
		return nil
	}))
}

func read(db *gorm.DB) {
	var page []Book
	var count int64
	all := db.Model(&Book{}).Where("price < ?", 9)
	must(all.Count(&count).Error)
	must(all.Preload("Author").Preload("Tags", func(tags *gorm.DB) *gorm.DB { return tags.Order("label") }).
		Order("price DESC, id").Limit(2).Offset(1).Find(&page).Error)
	for _, book := range page {
		fmt.Println("page", count, book.Title, book.Price, book.Author.Name, text(book.Facts), len(book.Tags))
	}
	var totals []struct {
		Name  string
		Books int64
		Total *float64
	}
	must(db.Model(&Author{}).Select("authors.name, count(b.id) AS books, sum(b.price) AS total").
		Joins("LEFT JOIN books b ON b.author_id = authors.id").
		Group("authors.name").Having("count(b.id) < ?", 5).Order("authors.name").Scan(&totals).Error)
	fmt.Println("totals", text(totals))
	var joined []Book
	must(db.Joins("Author").Where(`"Author".name = ?`, "Bob").Find(&joined).Error)
	fmt.Println("joined", joined[0].Title, joined[0].Author.Name)
	var pages []int
	must(db.Model(&Book{}).Where("facts->>'pages' IN ?", []string{"10", "20"}).Order("id").Pluck("(facts->>'pages')::int", &pages).Error)
	cheap := db.Model(&Book{}).Select("author_id").Where("price < ?", 1)
	var names []string
	must(db.Model(&Author{}).Where("id IN (?)", cheap).Pluck("name", &names).Error)
	fmt.Println("json", pages, names)
	seen := 0
	must(db.Order("id").FindInBatches(&page, 2, func(*gorm.DB, int) error { seen += len(page); return nil }).Error)
	rows, err := db.Model(&Book{}).Select("title", "rank() OVER (PARTITION BY author_id ORDER BY price DESC)").Order("title").Rows()
	must(err)
	defer rows.Close()
	for rows.Next() {
		var title string
		var rank int
		must(rows.Scan(&title, &rank))
		seen += 100 * rank
	}
	fmt.Println("seen", seen)
}

func failures(db *gorm.DB) {
	for _, attempt := range []struct {
		what string
		act  func() error
	}{
		{"check", func() error { return db.Model(&Book{}).Where("id = 1").Update("price", -1).Error }},
		{"foreign key", func() error { return db.Create(&Book{Title: "X", AuthorID: 99}).Error }},
		{"not null", func() error { return db.Exec("INSERT INTO authors (name) VALUES (NULL)").Error }},
		{"unique", func() error { return db.Create(&Author{Name: "Bob"}).Error }},
		{"too long", func() error { return db.Create(&Tag{Label: "a label that is much too long"}).Error }},
		{"none", func() error { return db.First(&Book{}, 77).Error }},
	} {
		fmt.Println(attempt.what, code(attempt.act()))
	}
}

func remove(db *gorm.DB) {
	// Deleted for the app, not for the database.
	must(db.Delete(&Book{}, 1).Error)
	var shown, kept, links int64
	must(db.Model(&Book{}).Count(&shown).Error)
	must(db.Unscoped().Model(&Book{}).Count(&kept).Error)
	fmt.Println("soft", shown, kept)
	must(db.Select("Books").Where("name = ?", "Bob").Delete(&Author{}).Error)
	must(db.Unscoped().Where("name = ?", "Ada").Delete(&Author{}).Error)
	must(db.Unscoped().Model(&Book{}).Count(&kept).Error)
	must(db.Table("book_tags").Count(&links).Error)
	fmt.Println("left", kept, links)
	look := db.Migrator()
	must(look.DropConstraint(&Book{}, "price_positive"))
	must(look.DropIndex(&Book{}, "book_of_author"))
	must(look.DropColumn(&Book{}, "edition"))
	must(look.DropTable("book_tags", &Book{}, &Tag{}, &Author{}))
	var left int64
	must(db.Raw("SELECT count(*) FROM pg_class WHERE relnamespace = 'orm_gorm'::regnamespace").Scan(&left).Error)
	must(db.Exec("DROP SCHEMA " + inSchema).Error)
	fmt.Println("dropped", left)
}
