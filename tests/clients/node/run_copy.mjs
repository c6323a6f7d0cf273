// pg-copy-streams: COPY both ways as Node's streams, with back-pressure, errors and a stream that is destroyed.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, createGunzip } from 'node:zlib';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { assert, check, run, tls } from './harness.mjs';

delete process.env.PGSSLMODE; // pg reads it as "verify-full"; the option below says what is meant

const ROWS = 100_000;

function* lines(rows) {
  for (let i = 0; i < rows; i += 1) yield `${i}\tword ${i % 97} ä\t${i % 3 ? i / 2 : '\\N'}\n`;
}

async function text(stream) {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

check('rows stream in and out', async (c) => {
  const into = c.query(copyFrom('COPY copy_streams FROM STDIN'));
  await pipeline(Readable.from(lines(ROWS)), into);
  assert.equal(into.rowCount, ROWS);
  const out = c.query(copyTo('COPY (SELECT * FROM copy_streams ORDER BY a) TO STDOUT'));
  assert.equal(await text(out), [...lines(ROWS)].join(''));
  assert.equal(out.rowCount, ROWS);
});

check('binary goes from one table into another, by way of gzip', async (c, other) => {
  await c.query('CREATE TABLE copy_streams_2 (LIKE copy_streams)');
  const out = c.query(copyTo('COPY copy_streams TO STDOUT (FORMAT binary)'));
  const into = other.query(copyFrom('COPY copy_streams_2 FROM STDIN (FORMAT binary)'));
  await pipeline(out, createGzip(), createGunzip(), into);
  const { rows } = await c.query('SELECT count(*)::int AS n FROM (SELECT * FROM copy_streams EXCEPT SELECT * FROM copy_streams_2) x');
  assert.deepEqual([rows[0].n, into.rowCount], [0, ROWS]);
});

check('wrong rows are an error of the stream, and the connection goes on', async (c) => {
  const into = c.query(copyFrom('COPY copy_streams FROM STDIN'));
  await assert.rejects(pipeline(Readable.from(['1\tx\t2\n', 'two\tx\t2\n']), into), { code: '22P02', where: /line 2, column a: "two"/ });
  const { rows } = await c.query('SELECT count(*)::int AS n FROM copy_streams');
  assert.equal(rows[0].n, ROWS);
});

check('a stream that is destroyed loads nothing', async (c) => {
  const into = c.query(copyFrom('COPY copy_streams FROM STDIN'));
  const broken = Readable.from((function* () {
    yield '1\tx\t2\n';
    throw new Error('no more');
  })());
  await assert.rejects(pipeline(broken, into), /no more/);
  const { rows } = await c.query('SELECT count(*)::int AS n FROM copy_streams');
  assert.equal(rows[0].n, ROWS);
});

const clients = [new pg.Client({ ssl: tls }), new pg.Client({ ssl: tls })];
for (const client of clients) await client.connect();
await clients[0].query('DROP TABLE IF EXISTS copy_streams, copy_streams_2');
await clients[0].query('CREATE TABLE copy_streams (a int, b text, c numeric)');
const failed = await run(...clients);
await clients[0].query('DROP TABLE IF EXISTS copy_streams, copy_streams_2');
for (const client of clients) await client.end();
process.exit(failed);
