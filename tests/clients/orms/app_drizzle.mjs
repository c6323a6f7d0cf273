// A small app on Drizzle: what it prints is the same on PostgreSQL and on the gateway.
import pg from 'pg';
import { drizzle } from 'drizzle-orm/node-postgres';
import { and, asc, count, desc, eq, gt, inArray, relations, sql, sum } from 'drizzle-orm';
import { bigserial, check, integer, jsonb, numeric, pgSchema, serial, text, timestamp, unique, uuid, varchar } from 'drizzle-orm/pg-core';

const E = process.env;
const ssl = E.PGSSLMODE === 'require' ? { rejectUnauthorized: false } : false;
const pool = new pg.Pool({ host: E.PGHOST, port: +E.PGPORT, user: E.PGUSER, password: E.PGPASSWORD, database: E.PGDATABASE, ssl, max: 3 });
const say = (what, ...rest) => console.log(what, ...rest.map((r) => JSON.stringify(r)));

const schema = pgSchema('orm_drizzle');
const kind = schema.enum('kind', ['paper', 'screen']);
const author = schema.table('author', { id: serial().primaryKey(), name: varchar({ length: 40 }).notNull().unique() });
const book = schema.table('book', {
  id: bigserial({ mode: 'number' }).primaryKey(),
  title: text().notNull(),
  price: numeric({ precision: 8, scale: 2 }).notNull(),
  authorId: integer('author_id').notNull().references(() => author.id, { onDelete: 'cascade' }),
  facts: jsonb().default({}),
  marks: integer().array(),
  kind: kind().default('paper'),
  key: uuid().defaultRandom(),
  made: timestamp({ withTimezone: true }).defaultNow(),
  version: integer().notNull().default(1),
}, (t) => [unique('one_title').on(t.authorId, t.title), check('price_positive', sql`${t.price} >= 0`)]);
const db = drizzle(pool, {
  schema: {
    author, book,
    authorRelations: relations(author, ({ many }) => ({ books: many(book) })),
    bookRelations: relations(book, ({ one }) => ({ author: one(author, { fields: [book.authorId], references: [author.id] }) })),
  },
});
const code = (error) => [(error.cause ?? error).code, (error.cause ?? error).constraint];

// As drizzle-kit writes them.
const up = [
  'CREATE SCHEMA "orm_drizzle"',
  `CREATE TYPE "orm_drizzle"."kind" AS ENUM('paper', 'screen')`,
  'CREATE TABLE "orm_drizzle"."author" ("id" serial PRIMARY KEY NOT NULL, "name" varchar(40) NOT NULL, CONSTRAINT "author_name_unique" UNIQUE("name"))',
  `CREATE TABLE "orm_drizzle"."book" ("id" bigserial PRIMARY KEY NOT NULL, "title" text NOT NULL, "price" numeric(8, 2) NOT NULL, "author_id" integer NOT NULL,
    "facts" jsonb DEFAULT '{}'::jsonb, "marks" integer[], "kind" "orm_drizzle"."kind" DEFAULT 'paper', "key" uuid DEFAULT gen_random_uuid(),
    "made" timestamp with time zone DEFAULT now(), CONSTRAINT "one_title" UNIQUE("author_id","title"), CONSTRAINT "price_positive" CHECK ("price" >= 0))`,
  'ALTER TABLE "orm_drizzle"."book" ADD CONSTRAINT "book_author_id_author_id_fk" FOREIGN KEY ("author_id") REFERENCES "orm_drizzle"."author"("id") ON DELETE cascade ON UPDATE no action',
  'ALTER TABLE "orm_drizzle"."book" ADD COLUMN "version" integer DEFAULT 1 NOT NULL',
  'CREATE INDEX "by_title" ON "orm_drizzle"."book" USING btree ("title")',
];

try {
  await db.execute(sql.raw('DROP SCHEMA IF EXISTS orm_drizzle CASCADE'));
  await db.transaction(async (t) => {
    for (const step of up) await t.execute(sql.raw(step));
  });
  const [ada, bob] = await db.insert(author).values([{ name: 'Ada' }, { name: 'Bob' }]).returning();
  const made = await db.insert(book).values([0, 1, 2, 3, 4].map((i) => ({ title: `A${i}`, price: `${i / 4}`, authorId: ada.id, facts: { n: i }, marks: [i, i + 1] }))).returning({ id: book.id, price: book.price, kind: book.kind });
  say('ids', ada, bob, made);
  await db.insert(book).values(Array.from({ length: 100 }, (_, i) => ({ title: `B${i}`, price: `${i}`, authorId: bob.id })));

  await db.transaction(async (outer) => {
    await outer.insert(author).values({ name: 'Cyd' });
    for (const name of ['Ada', 'Dan']) {
      try {
        await outer.transaction((inner) => inner.insert(author).values({ name }));
      } catch (error) {
        say('inner failed', code(error));
      }
    }
  });
  try {
    await db.transaction(async (t) => {
      await t.insert(author).values({ name: 'Eve' });
      t.rollback();
    });
  } catch (error) {
    say('rolled back', error.message);
  }
  say('after', await db.select({ name: author.name }).from(author).orderBy(author.name));

  say('upsert', await db.insert(author).values({ name: 'Ada' }).onConflictDoNothing().returning(),
    await db.insert(author).values({ name: 'Bob' }).onConflictDoUpdate({ target: author.name, set: { name: sql`excluded.name || '!'` } }).returning());
  const stale = () => db.update(book).set({ price: '7', version: sql`${book.version} + 1` }).where(and(eq(book.id, 2), eq(book.version, 1))).returning({ version: book.version });
  say('optimistic', await stale(), await stale());
  await db.transaction(async (t) => {
    say('locked', await t.select({ title: book.title }).from(book).where(eq(book.id, 2)).for('update', { noWait: true }));
    say('skipped', await t.select({ title: book.title }).from(book).orderBy(book.id).limit(1).for('update', { skipLocked: true }));
  }, { isolationLevel: 'repeatable read' });
  say('page', await db.select({ title: book.title, name: author.name }).from(book).innerJoin(author, eq(author.id, book.authorId)).orderBy(desc(book.price), asc(book.id)).limit(2).offset(3));
  say('totals', await db.select({ name: author.name, n: count(book.id), total: sum(book.price) }).from(author).leftJoin(book, eq(author.id, book.authorId)).groupBy(author.name).orderBy(author.name));
  say('related', (await db.query.author.findMany({ columns: { name: true }, with: { books: { columns: { title: true, price: true }, orderBy: [desc(book.price)], limit: 2 } }, orderBy: [author.name] })));
  say('json', await db.select({ title: book.title }).from(book).where(sql`(${book.facts}->>'n')::int > 2`).orderBy(book.id));
  const dear = db.$with('dear').as(db.select({ id: book.id }).from(book).where(gt(book.price, '90')));
  say('with', await db.with(dear).select({ n: count() }).from(book).where(inArray(book.id, db.select({ id: dear.id }).from(dear))));
  for (const [what, act] of [
    ['check', () => db.update(book).set({ price: '-1' }).where(eq(book.id, 1))],
    ['foreign key', () => db.insert(book).values({ title: 'X', price: '1', authorId: 99 })],
    ['enum', () => db.update(book).set({ kind: 'stone' })],
  ]) {
    try {
      await act();
    } catch (error) {
      say(what, code(error));
    }
  }
  say('deleted', (await db.delete(author).where(eq(author.name, 'Ada')).returning({ name: author.name })), await db.$count(book));
  await db.execute(sql.raw('DROP SCHEMA orm_drizzle CASCADE'));
} finally {
  await pool.end();
}
