// postgres.js: pipelined prepared statements, cursors, COPY streams, transactions.
import postgres from 'postgres';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { assert, check, run, tls } from './harness.mjs';

const options = {
  host: process.env.PGHOST, port: Number(process.env.PGPORT), user: process.env.PGUSER, password: process.env.PGPASSWORD,
  database: process.env.PGDATABASE, ssl: tls, onnotice: () => {},
};

check('values and parameters of every type', async (sql) => {
  const [r] = await sql`SELECT ${true}::bool AS b, ${7}::int AS i, ${'9223372036854775807'}::int8 AS l, ${1.5}::float8 AS f,
    ${'it\'s'}::text AS t, ${new Date(0)}::timestamptz AS z, ${sql.json({ a: 1 })}::jsonb AS j,
    ${null}::text AS n, ${Buffer.from([0, 255])}::bytea AS y`;
  assert.deepEqual([r.b, r.i, r.l, r.f, r.t, r.n], [true, 7, '9223372036854775807', 1.5, "it's", null]);
  assert.equal(r.z.getTime(), 0);
  assert.deepEqual(r.j, { a: 1 });
  assert.deepEqual([...r.y], [0, 255]);
});

check('many statements are pipelined on one connection', async (sql) => {
  const all = await Promise.all(Array.from({ length: 200 }, (_, n) => sql`SELECT ${n}::int AS n`));
  assert.deepEqual(all.map((r) => r[0].n), Array.from({ length: 200 }, (_, n) => n));
});

check('arrays, once the driver has read the array types', async (sql) => {
  const [r] = await sql`SELECT ${sql.array([1, 2])}::int[] AS a, ${['x', 'y,z']}::text[] AS t`;
  assert.deepEqual([[...r.a], [...r.t]], [[1, 2], ['x', 'y,z']]);
});

check('rows are inserted many at once and counted', async (sql) => {
  await sql`CREATE TABLE pjs_t (id int PRIMARY KEY, name text)`;
  try {
    const rows = Array.from({ length: 100 }, (_, n) => ({ id: n, name: `row ${n}` }));
    assert.equal((await sql`INSERT INTO pjs_t ${sql(rows, 'id', 'name')}`).count, 100);
    assert.equal((await sql`UPDATE pjs_t SET name = 'x' WHERE id IN ${sql([1, 2, 3])}`).count, 3);
    assert.deepEqual([...(await sql`DELETE FROM pjs_t WHERE id = 5 RETURNING id, name`)], [{ id: 5, name: 'row 5' }]);
    await assert.rejects(sql`INSERT INTO pjs_t VALUES (1, 'again')`, (e) => e.code === '23505' && e.constraint_name === 'pjs_t_pkey');
  } finally {
    await sql`DROP TABLE pjs_t`;
  }
});

check('a transaction rolls back when its function throws', async (sql) => {
  await sql`CREATE TABLE pjs_tx (a int)`;
  try {
    await assert.rejects(sql.begin(async (tx) => {
      await tx`INSERT INTO pjs_tx VALUES (1)`;
      throw new Error('mine');
    }), /mine/);
    assert.equal((await sql`SELECT count(*)::int AS n FROM pjs_tx`)[0].n, 0);
    await sql.begin('read write', async (tx) => { await tx`INSERT INTO pjs_tx VALUES (1)`; });
    assert.equal((await sql`SELECT count(*)::int AS n FROM pjs_tx`)[0].n, 1);
  } finally {
    await sql`DROP TABLE pjs_tx`;
  }
});

check('a cursor reads piece by piece', async (sql) => {
  let total = 0;
  await sql`SELECT n FROM generate_series(1, ${1000}::int) AS n`.cursor(100, (rows) => { rows.forEach((r) => { total += r.n; }); });
  assert.equal(total, 500500);
});

check('COPY goes both ways as streams', async (sql) => {
  await sql`CREATE TABLE pjs_copy (a int, b text)`;
  try {
    const sink = await sql`COPY pjs_copy FROM STDIN`.writable();
    await pipeline(Readable.from(Array.from({ length: 1000 }, (_, n) => `${n}\trow ${n}\n`)), sink);
    assert.equal((await sql`SELECT sum(a)::int AS s FROM pjs_copy`)[0].s, 499500);
    const source = await sql`COPY (SELECT a FROM pjs_copy WHERE a < 3 ORDER BY a) TO STDOUT`.readable();
    let text = '';
    for await (const chunk of source) text += chunk;
    assert.equal(text, '0\n1\n2\n');
  } finally {
    await sql`DROP TABLE pjs_copy`;
  }
});

check('a query is described without being run', async (sql) => {
  const { types, columns } = await sql`SELECT ${1}::int8 AS a, 'x'::text AS b`.describe();
  assert.deepEqual(types, [20]);
  assert.deepEqual(columns.map((c) => [c.name, c.type]), [['a', 20], ['b', 25]]);
});

check('a running query is cancelled', async (sql) => {
  const query = sql`SELECT pg_sleep(20)`.execute();
  setTimeout(() => query.cancel(), 300);
  await assert.rejects(query, (e) => e.code === '57014');
});

check('simple queries and errors', async (sql) => {
  const results = await sql`SELECT 1 AS a; SELECT 2 AS b`.simple();
  assert.deepEqual(results.map((r) => ({ ...r[0] })), [{ a: 1 }, { b: 2 }]);
  await assert.rejects(sql`SELECT * FROM pjs_gone`, (e) => e.code === '42P01' && e.position === '15');
});

const sql = postgres({ ...options, max: 2 });
const status = await run(sql);
await sql.end({ timeout: 5 });
process.exit(status);
