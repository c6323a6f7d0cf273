// A small app on TypeORM: what it prints is the same on PostgreSQL and on the gateway.
import { DataSource, EntitySchema, OptimisticLockVersionMismatchError } from 'typeorm';

const E = process.env;
const ssl = E.PGSSLMODE === 'require' ? { rejectUnauthorized: false } : false;
const say = (what, ...rest) => console.log(what, ...rest.map((r) => JSON.stringify(r)));

const Author = new EntitySchema({
  name: 'author',
  columns: { id: { type: Number, primary: true, generated: true }, name: { type: String, length: 40, unique: true } },
  relations: { books: { type: 'one-to-many', target: 'book', inverseSide: 'author', cascade: true } },
});
const Book = new EntitySchema({
  name: 'book',
  columns: {
    id: { type: 'bigint', primary: true, generated: 'identity' },
    title: { type: 'text' },
    price: { type: 'numeric', precision: 8, scale: 2 },
    facts: { type: 'jsonb', default: {} },
    marks: { type: 'int', array: true, nullable: true },
    kind: { type: 'enum', enum: ['paper', 'screen'], default: 'paper' },
    made: { type: 'timestamptz', createDate: true },
    version: { type: 'int', version: true },
  },
  relations: {
    author: { type: 'many-to-one', target: 'author', inverseSide: 'books', onDelete: 'CASCADE', nullable: false },
    tags: { type: 'many-to-many', target: 'tag', joinTable: { name: 'book_tag' } },
  },
  indices: [{ name: 'by_title', columns: ['title'] }],
  uniques: [{ name: 'one_title', columns: ['author', 'title'] }],
  checks: [{ name: 'price_positive', expression: '"price" >= 0' }],
});
const Tag = new EntitySchema({ name: 'tag', columns: { label: { type: String, primary: true } } });

class First1700000000001 {
  name = 'First1700000000001';
  async up(runner) {
    await runner.query('CREATE TABLE orm_typeorm.extra (id serial PRIMARY KEY, note varchar(20))');
  }
  async down(runner) {
    await runner.query('DROP TABLE orm_typeorm.extra');
  }
}
class Second1700000000002 {
  name = 'Second1700000000002';
  async up(runner) {
    await runner.query(`ALTER TABLE orm_typeorm.extra ADD COLUMN size integer NOT NULL DEFAULT 3`);
    await runner.query(`INSERT INTO orm_typeorm.extra (note) VALUES ('one')`);
  }
  async down(runner) {
    await runner.query('ALTER TABLE orm_typeorm.extra DROP COLUMN size');
  }
}

const make = (rest) => new DataSource({
  type: 'postgres', host: E.PGHOST, port: +E.PGPORT, username: E.PGUSER, password: E.PGPASSWORD, database: E.PGDATABASE, ssl,
  schema: 'orm_typeorm', entities: [Author, Book, Tag], installExtensions: false, ...rest,
});
const code = (error) => [error.name, error.driverError?.code, error.driverError?.constraint];

const first = await make({ schema: 'public', entities: [] }).initialize();
await first.query('DROP SCHEMA IF EXISTS orm_typeorm CASCADE');
await first.query('CREATE SCHEMA orm_typeorm');
await first.destroy();
const db = await make({ migrations: [First1700000000001, Second1700000000002], migrationsTableName: 'ran' }).initialize();
try {
  await db.synchronize();
  const again = await db.driver.createSchemaBuilder().log();
  say('in step', again.upQueries.map((q) => q.query));
  say('migrated', (await db.runMigrations({ transaction: 'each' })).map((m) => m.name));
  const runner = db.createQueryRunner();
  const table = await runner.getTable('orm_typeorm.book');
  say('columns', table.columns.map((c) => [c.name, c.type, c.isNullable, c.isPrimary, c.isGenerated]).sort());
  say('keys', table.foreignKeys.map((f) => [f.columnNames, f.referencedTableName, f.onDelete]), table.checks.map((c) => c.name), table.uniques.map((u) => u.name));
  await runner.release();

  const authors = db.getRepository(Author);
  const books = db.getRepository(Book);
  const ada = await authors.save({ name: 'Ada', books: [0, 1, 2].map((i) => ({ title: `A${i}`, price: i / 4, facts: { n: i }, marks: [i, i + 1] })) });
  const bob = await authors.save({ name: 'Bob' });
  const more = await books.insert([3, 4].map((i) => ({ title: `B${i}`, price: i, author: bob, facts: { n: i } })));
  say('ids', ada.id, ada.books.map((b) => [b.id, b.version]), more.identifiers);
  await db.getRepository(Tag).save([{ label: 'old' }, { label: 'new' }]);
  const tagged = await books.findOneByOrFail({ title: 'A0' });
  tagged.tags = [{ label: 'old' }, { label: 'new' }];
  await books.save(tagged);

  await db.transaction(async (outer) => {
    await outer.save(Author, { name: 'Cyd' });
    for (const name of ['Ada', 'Dan']) {
      try {
        await outer.transaction((inner) => inner.insert(Author, { name }));
      } catch (error) {
        say('inner failed', code(error).slice(0, 2));
      }
    }
  });
  say('after', (await authors.find({ order: { name: 'ASC' } })).map((a) => a.name));
  say('upsert', (await authors.upsert([{ name: 'Ada' }, { name: 'Eve' }], ['name'])).identifiers.length, await authors.count());

  const one = await books.findOneByOrFail({ title: 'A1' });
  one.price = 5;
  await books.save(one);
  try {
    await books.findOne({ where: { title: 'A1' }, lock: { mode: 'optimistic', version: 1 } });
  } catch (error) {
    say('optimistic', error instanceof OptimisticLockVersionMismatchError);
  }
  await db.transaction(async (t) => {
    const book = await t.findOne(Book, { where: { title: 'A1' }, lock: { mode: 'pessimistic_write' } });
    say('locked', book.title, book.price, book.version);
    const next = t.createQueryBuilder(Book, 'b').setLock('pessimistic_write').setOnLocked('skip_locked').orderBy('b.id').limit(1);
    say('skipped', (await next.getMany()).map((b) => b.title));
  });
  const [page, count] = await books.findAndCount({ relations: { author: true, tags: true }, order: { price: 'DESC', id: 'ASC' }, skip: 1, take: 2 });
  say('page', count, page.map((b) => [b.title, b.price, b.author.name, b.tags.length]));
  say('totals', await authors.createQueryBuilder('a').leftJoin('a.books', 'b').select('a.name', 'name').addSelect('count(b.id)', 'n').addSelect('sum(b.price)', 'total')
    .groupBy('a.name').having('count(b.id) < 4').orderBy('a.name').getRawMany());
  say('json', (await books.createQueryBuilder('b').where(`(b.facts->>'n')::int >= 2`).andWhere(':m = ANY(b.marks)', { m: 3 }).getMany()).map((b) => b.title));
  for (const [what, act] of [
    ['check', () => books.update({ title: 'A0' }, { price: -1 })],
    ['foreign key', () => books.insert({ title: 'X', price: 1, author: { id: 99 } })],
    ['not null', () => authors.insert({ name: null })],
    ['enum', () => books.update({ title: 'A0' }, { kind: 'stone' })],
  ]) {
    try {
      await act();
    } catch (error) {
      say(what, code(error).slice(0, 2));
    }
  }
  await authors.delete({ name: 'Ada' });
  say('left', await books.count(), await db.query('SELECT count(*) FROM orm_typeorm.book_tag'));
  await db.undoLastMigration({ transaction: 'each' });
  await db.undoLastMigration({ transaction: 'each' });
  say('undone', await db.query('SELECT count(*) FROM orm_typeorm.ran'));
  await db.query('DROP SCHEMA orm_typeorm CASCADE');
} finally {
  await db.destroy();
}
