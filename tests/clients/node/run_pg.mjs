// node-postgres: simple and prepared queries, cursors, transactions, errors, notices, pool.
import pg from 'pg';
import Cursor from 'pg-cursor';
import { assert, check, run, tls } from './harness.mjs';

delete process.env.PGSSLMODE; // pg reads it as "verify-full"; the option below says what is meant

check('values of every type arrive as JavaScript values', async (c) => {
  const { rows, fields } = await c.query(`SELECT true AS b, 7::int2 AS s, 2147483647 AS i, 9223372036854775807 AS l, 1.5::float8 AS f,
    1.50::numeric AS n, 'äöü€😀' AS t, '\\x00ff'::bytea AS y, '2024-02-29'::date AS d, '2024-02-29 12:00:00+00'::timestamptz AS z,
    '{"a": [1]}'::jsonb AS j, ARRAY[1, NULL] AS r, NULL AS nothing, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS u`);
  const r = rows[0];
  assert.deepEqual([r.b, r.s, r.i, r.l, r.f, r.n, r.t], [true, 7, 2147483647, '9223372036854775807', 1.5, '1.50', 'äöü€😀']);
  assert.deepEqual([...r.y], [0, 255]);
  assert.equal(r.z.toISOString(), '2024-02-29T12:00:00.000Z');
  assert.deepEqual(r.j, { a: [1] });
  assert.deepEqual(r.r, [1, null]);
  assert.equal(r.nothing, null);
  assert.equal(fields.find((f) => f.name === 'l').dataTypeID, 20);
});

check('parameters are sent by the extended protocol', async (c) => {
  const { rows } = await c.query('SELECT $1::int + 1 AS n, $2::text AS t, $3::timestamptz AS z, $4::int[] AS a, $5::jsonb AS j', [
    41, "it's", new Date(0), [1, 2, null], { x: 1 }]);
  assert.equal(rows[0].n, 42);
  assert.equal(rows[0].t, "it's");
  assert.equal(rows[0].z.getTime(), 0);
  assert.deepEqual(rows[0].a, [1, 2, null]);
  assert.deepEqual(rows[0].j, { x: 1 });
});

check('a named statement is prepared once', async (c) => {
  for (let n = 0; n < 10; n += 1) {
    const { rows } = await c.query({ name: 'twice', text: 'SELECT $1::int * 2 AS d', values: [n] });
    assert.equal(rows[0].d, n * 2);
  }
});

check('binary results are asked for', async (c) => {
  const { rows } = await c.query({ text: 'SELECT $1::int4 AS i, $2::int8 AS l, true AS b', values: [7, 8], binary: true });
  assert.equal(rows[0].i, 7);
  assert.equal(rows[0].b, true);
});

check('rows are changed and counted', async (c) => {
  await c.query('CREATE TABLE npg_t (id int PRIMARY KEY, name text NOT NULL)');
  try {
    assert.equal((await c.query("INSERT INTO npg_t VALUES (1, 'a'), (2, 'b')")).rowCount, 2);
    const { rows, command } = await c.query('INSERT INTO npg_t VALUES ($1, $2) RETURNING *', [3, 'c']);
    assert.deepEqual([rows, command], [[{ id: 3, name: 'c' }], 'INSERT']);
    await c.query('BEGIN');
    await c.query('DELETE FROM npg_t');
    await c.query('ROLLBACK');
    assert.equal((await c.query('SELECT count(*)::int AS n FROM npg_t')).rows[0].n, 3);
    await assert.rejects(c.query("INSERT INTO npg_t VALUES (1, 'x')"), (e) => {
      assert.deepEqual([e.code, e.table, e.constraint, e.schema], ['23505', 'npg_t', 'npg_t_pkey', 'public']);
      return true;
    });
    await assert.rejects(c.query('INSERT INTO npg_t VALUES (9, NULL)'), (e) => e.code === '23502' && e.column === 'name');
  } finally {
    await c.query('DROP TABLE npg_t');
  }
});

check('an error has its code and position', async (c) => {
  await assert.rejects(c.query('SELECT * FROM npg_gone'), (e) => e.code === '42P01' && e.position === '15');
  assert.equal((await c.query('SELECT 1 AS a')).rows[0].a, 1);
});

check('several statements give several results', async (c) => {
  const results = await c.query('SELECT 1 AS a; SELECT 2 AS b');
  assert.deepEqual(results.map((r) => r.rows[0]), [{ a: 1 }, { b: 2 }]);
});

check('a cursor reads piece by piece', async (c) => {
  const cursor = c.query(new Cursor('SELECT n FROM generate_series(1, $1::int) AS n', [250]));
  let total = 0;
  for (let rows = await cursor.read(100); rows.length; rows = await cursor.read(100)) {
    assert.ok(rows.length <= 100);
    rows.forEach((r) => { total += r.n; });
  }
  await cursor.close();
  assert.equal(total, (250 * 251) / 2);
});

check('a notice arrives', async (c) => {
  const seen = new Promise((resolve) => c.once('notice', (n) => resolve(n.message)));
  await c.query('DROP TABLE IF EXISTS npg_never');
  assert.match(await seen, /does not exist, skipping/);
});

check('a pool serves many at once', async () => {
  const pool = new pg.Pool({ max: 5, ssl: tls });
  const all = await Promise.all(Array.from({ length: 100 }, (_, n) => pool.query('SELECT $1::int AS n', [n])));
  assert.deepEqual(all.map((r) => r.rows[0].n), Array.from({ length: 100 }, (_, n) => n));
  await pool.end();
});

check('a wrong password is refused', async () => {
  const other = new pg.Client({ password: 'wrong', ssl: tls });
  await assert.rejects(other.connect(), (e) => e.code === '28P01');
});

const client = new pg.Client({ ssl: tls });
await client.connect();
const status = await run(client);
await client.end();
process.exit(status);
