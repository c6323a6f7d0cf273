// A small app on Knex: what it prints is the same on PostgreSQL and on the gateway.
import knex from 'knex';

const E = process.env;
const ssl = E.PGSSLMODE === 'require' ? { rejectUnauthorized: false } : false;
const db = knex({
  client: 'pg',
  connection: { host: E.PGHOST, port: +E.PGPORT, user: E.PGUSER, password: E.PGPASSWORD, database: E.PGDATABASE, ssl },
  searchPath: ['orm_knex', 'public'],
  pool: { min: 0, max: 3 },
});
const say = (what, ...rest) => console.log(what, ...rest.map((r) => JSON.stringify(r)));

const steps = [
  {
    name: '1_authors',
    up: async (k) => {
      await k.schema.createTable('author', (t) => {
        t.increments('id');
        t.string('name', 40).notNullable().unique();
        t.timestamp('made').defaultTo(k.fn.now());
      });
      await k.schema.createTable('book', (t) => {
        t.bigIncrements('id');
        t.text('title').notNullable().index();
        t.decimal('price', 8, 2).notNullable();
        t.integer('author_id').notNullable().references('id').inTable('author').onDelete('CASCADE');
        t.jsonb('facts').defaultTo('{}');
        t.enu('kind', ['paper', 'screen']).defaultTo('paper');
      });
    },
    down: async (k) => {
      await k.schema.dropTable('book');
      await k.schema.dropTable('author');
    },
  },
  {
    name: '2_more',
    up: async (k) => {
      await k.schema.alterTable('book', (t) => {
        t.integer('version').notNullable().defaultTo(1);
        t.unique(['author_id', 'title'], { indexName: 'one_title' });
        t.string('title', 60).alter();
      });
      await k.raw('ALTER TABLE book ADD CONSTRAINT price_positive CHECK (price >= 0)');
    },
    down: async (k) => {
      await k.schema.alterTable('book', (t) => {
        t.dropColumn('version');
        t.dropUnique(['author_id', 'title'], 'one_title');
        t.dropChecks(['price_positive']);
      });
    },
  },
];
const migrations = {
  getMigrations: async () => steps,
  getMigrationName: (step) => step.name,
  getMigration: async (step) => step,
};

const code = (error) => [error.code, error.constraint ?? error.column];

try {
  await db.raw('DROP SCHEMA IF EXISTS orm_knex CASCADE');
  await db.raw('CREATE SCHEMA orm_knex');
  const config = { migrationSource: migrations, schemaName: 'orm_knex' };
  say('migrated', (await db.migrate.latest(config))[1]);
  say('again', (await db.migrate.latest(config))[1]);
  say('columns', Object.entries(await db('book').columnInfo()).map(([name, c]) => [name, c.type, c.maxLength, c.nullable]).sort());

  const [ada, bob] = await db('author').insert([{ name: 'Ada' }, { name: 'Bob' }]).returning('id');
  const books = [0, 1, 2, 3, 4].map((i) => ({ title: `A${i}`, price: i / 4, author_id: ada.id, facts: { n: i } }));
  say('ids', ada, bob, await db('book').insert(books).returning(['id', 'price']));
  await db.batchInsert('book', Array.from({ length: 50 }, (_, i) => ({ title: `B${i}`, price: i, author_id: bob.id })), 20);

  await db.transaction(async (outer) => {
    await outer('author').insert({ name: 'Cyd' });
    for (const name of ['Ada', 'Dan']) {
      try {
        await outer.transaction((inner) => inner('author').insert({ name }));
      } catch (error) {
        say('inner failed', code(error));
      }
    }
  });
  try {
    await db.transaction(async (t) => {
      await t('author').insert({ name: 'Eve' });
      throw new Error('enough');
    });
  } catch (error) {
    say('rolled back', error.message);
  }
  say('after', await db('author').orderBy('name').pluck('name'));

  say('upsert', await db('author').insert({ name: 'Ada' }).onConflict('name').ignore().returning('id'),
    await db('author').insert({ name: 'Bob' }).onConflict('name').merge({ name: 'Bo' }).returning(['id', 'name']));
  const stale = () => db('book').where({ id: 2, version: 1 }).increment({ price: 1, version: 1 });
  say('optimistic', await stale(), await stale());
  await db.transaction(async (t) => say('locked', await t('book').where({ id: 2 }).forUpdate().skipLocked().first('title', 'price', 'version')));
  say('page', await db('book').join('author', 'author.id', 'book.author_id').where('book.price', '>', 2)
    .orderBy([{ column: 'price', order: 'desc' }, 'book.id']).limit(3).offset(2).select('title', 'name', 'price'));
  say('totals', await db('author').leftJoin('book', 'author.id', 'book.author_id').groupBy('author.name').orderBy('author.name')
    .select('author.name').count('book.id as n').sum('price as total').max('price as most'));
  say('json', await db('book').whereJsonPath('facts', '$.n', '>', 2).orderBy('id').pluck('title'), await db('book').whereJsonSupersetOf('facts', { n: 1 }).pluck('title'));
  say('with', await db.with('dear', (q) => q.from('book').where('price', '>', 40).select('title')).from('dear').count());
  for (const [what, act] of [
    ['check', () => db('book').update({ price: -1 }).where({ id: 1 })],
    ['kind', () => db('book').update({ kind: 'stone' }).where({ id: 1 })],
    ['foreign key', () => db('book').insert({ title: 'X', price: 1, author_id: 99 })],
    ['not null', () => db('author').insert({ name: null })],
  ]) {
    try {
      await act();
    } catch (error) {
      say(what, code(error));
    }
  }
  say('deleted', await db('author').where({ name: 'Ada' }).del(), await db('book').count());
  say('back', (await db.migrate.rollback(config, true))[1]);
  say('left', await db('pg_catalog.pg_tables').where({ schemaname: 'orm_knex' }).orderBy('tablename').pluck('tablename'));
  await db.raw('DROP SCHEMA orm_knex CASCADE');
} finally {
  await db.destroy();
}
