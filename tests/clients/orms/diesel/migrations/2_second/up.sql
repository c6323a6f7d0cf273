ALTER TABLE books ADD COLUMN edition smallint NOT NULL DEFAULT 1;
ALTER TABLE books RENAME COLUMN edition TO printing;
ALTER TABLE books ALTER COLUMN printing TYPE bigint;
CREATE TABLE tags (label text PRIMARY KEY, uses integer NOT NULL DEFAULT 0);
CREATE TABLE book_tags (
    book_id bigint REFERENCES books ON DELETE CASCADE,
    label text REFERENCES tags ON UPDATE CASCADE,
    PRIMARY KEY (book_id, label)
);
DO $$ BEGIN INSERT INTO tags (label) VALUES ('first') ON CONFLICT DO NOTHING; END $$;
