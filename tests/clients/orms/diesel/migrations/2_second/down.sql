DROP TABLE book_tags;
DROP TABLE tags;
ALTER TABLE books DROP COLUMN printing;
