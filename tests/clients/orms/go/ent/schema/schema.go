// Package schema is what Ent generates its client from.
package schema

import (
	"time"

	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"
)

// Author has many books; deleting it deletes them.
type Author struct{ ent.Schema }

// Fields of an author.
func (Author) Fields() []ent.Field {
	return []ent.Field{
		field.String("name").MaxLen(40).Unique(),
		field.Time("born").Optional().Nillable(),
		field.Float("rate").Default(1.5),
	}
}

// Edges of an author.
func (Author) Edges() []ent.Edge {
	return []ent.Edge{edge.To("books", Book.Type).Annotations(entsql.OnDelete(entsql.Cascade))}
}

// Book counts its changes in version.
type Book struct{ ent.Schema }

// Fields of a book.
func (Book) Fields() []ent.Field {
	return []ent.Field{
		field.String("title"),
		field.Int64("pages").Default(0),
		field.JSON("facts", map[string]any{}).Optional(),
		field.Enum("kind").Values("paper", "screen").Default("paper"),
		field.UUID("key", uuid.UUID{}).Default(uuid.New),
		field.Bytes("cover").Optional(),
		field.Bool("sold").Default(false),
		field.Time("made").Default(time.Now).Immutable(),
		field.Int("version").Default(1),
	}
}

// Annotations of a book.
func (Book) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Checks(map[string]string{"pages_positive": "pages >= 0"})}
}

// Edges of a book.
func (Book) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("author", Author.Type).Ref("books").Unique().Required(),
		edge.To("tags", Tag.Type),
		edge.To("sequel", Book.Type).Unique().From("prequel").Unique(),
	}
}

// Indexes of a book.
func (Book) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("title").Edges("author").Unique(),
		index.Fields("pages").Annotations(entsql.DescColumns("pages"), entsql.IndexWhere("NOT sold")),
	}
}

// Tag is found by its label.
type Tag struct{ ent.Schema }

// Fields of a tag.
func (Tag) Fields() []ent.Field {
	return []ent.Field{field.String("label").Unique(), field.Int("uses").Default(0)}
}

// Edges of a tag.
func (Tag) Edges() []ent.Edge {
	return []ent.Edge{edge.From("books", Book.Type).Ref("tags")}
}
