// A small app on Prisma: what it prints is the same on PostgreSQL and on the gateway. `prisma migrate` needs a program that cannot be
// had from the registry, so that the app carries out the SQL that it writes.
import { createRequire } from 'node:module';
import { PrismaPg } from '@prisma/adapter-pg';

const { PrismaClient, Prisma } = createRequire(import.meta.url)('./generated');
const E = process.env;
const ssl = E.PGSSLMODE === 'require' ? { rejectUnauthorized: false } : false;
const adapter = new PrismaPg({ host: E.PGHOST, port: +E.PGPORT, user: E.PGUSER, password: E.PGPASSWORD, database: E.PGDATABASE, ssl });
const db = new PrismaClient({ adapter });
const plain = (_, v) => (typeof v === 'bigint' ? `${v}n` : v instanceof Uint8Array ? [...v] : v);
const say = (what, ...rest) => console.log(what, ...rest.map((r) => JSON.stringify(r, plain)));
const code = (error) => [error.code, error.meta?.modelName, error.meta?.driverAdapterError?.cause?.originalCode ?? null, error.meta?.driverAdapterError?.cause?.constraint ?? null];

const migrations = [
  [
    `CREATE SCHEMA "orm_prisma"`,
    `CREATE TYPE "orm_prisma"."Kind" AS ENUM ('paper', 'screen')`,
    `CREATE TABLE "orm_prisma"."Author" ("id" SERIAL NOT NULL, "name" VARCHAR(40) NOT NULL, "born" DATE, "made" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, CONSTRAINT "Author_pkey" PRIMARY KEY ("id"))`,
    `CREATE TABLE "orm_prisma"."Book" ("id" BIGSERIAL NOT NULL, "title" TEXT NOT NULL, "price" DECIMAL(8,2) NOT NULL, "facts" JSONB NOT NULL DEFAULT '{}', "marks" INTEGER[],
       "kind" "orm_prisma"."Kind" NOT NULL DEFAULT 'paper', "key" UUID NOT NULL, "cover" BYTEA, "rate" DOUBLE PRECISION NOT NULL DEFAULT 1.5, "sold" BOOLEAN NOT NULL DEFAULT false,
       "changed" TIMESTAMP(3) NOT NULL, "authorId" INTEGER NOT NULL, CONSTRAINT "Book_pkey" PRIMARY KEY ("id"))`,
    `CREATE UNIQUE INDEX "Author_name_key" ON "orm_prisma"."Author"("name")`,
    `CREATE INDEX "Book_title_idx" ON "orm_prisma"."Book"("title")`,
    `CREATE UNIQUE INDEX "Book_authorId_title_key" ON "orm_prisma"."Book"("authorId", "title")`,
    `ALTER TABLE "orm_prisma"."Book" ADD CONSTRAINT "Book_authorId_fkey" FOREIGN KEY ("authorId") REFERENCES "orm_prisma"."Author"("id") ON DELETE CASCADE ON UPDATE CASCADE`,
  ],
  [
    `ALTER TABLE "orm_prisma"."Book" ADD COLUMN "version" INTEGER NOT NULL DEFAULT 1`,
    `CREATE TABLE "orm_prisma"."Tag" ("label" TEXT NOT NULL, "uses" INTEGER NOT NULL DEFAULT 0, CONSTRAINT "Tag_pkey" PRIMARY KEY ("label"))`,
    `CREATE TABLE "orm_prisma"."_BookToTag" ("A" BIGINT NOT NULL, "B" TEXT NOT NULL, CONSTRAINT "_BookToTag_AB_pkey" PRIMARY KEY ("A", "B"))`,
    `CREATE INDEX "_BookToTag_B_index" ON "orm_prisma"."_BookToTag"("B")`,
    `ALTER TABLE "orm_prisma"."_BookToTag" ADD CONSTRAINT "_BookToTag_A_fkey" FOREIGN KEY ("A") REFERENCES "orm_prisma"."Book"("id") ON DELETE CASCADE ON UPDATE CASCADE`,
    `ALTER TABLE "orm_prisma"."_BookToTag" ADD CONSTRAINT "_BookToTag_B_fkey" FOREIGN KEY ("B") REFERENCES "orm_prisma"."Tag"("label") ON DELETE CASCADE ON UPDATE CASCADE`,
    // As Prisma changes the values of an enum: another type takes the place.
    `BEGIN; CREATE TYPE "orm_prisma"."Kind_new" AS ENUM ('paper', 'screen', 'sound'); ALTER TABLE "orm_prisma"."Book" ALTER COLUMN "kind" DROP DEFAULT;
     ALTER TABLE "orm_prisma"."Book" ALTER COLUMN "kind" TYPE "orm_prisma"."Kind_new" USING ("kind"::text::"orm_prisma"."Kind_new");
     ALTER TYPE "orm_prisma"."Kind" RENAME TO "Kind_old"; ALTER TYPE "orm_prisma"."Kind_new" RENAME TO "Kind"; DROP TYPE "orm_prisma"."Kind_old";
     ALTER TABLE "orm_prisma"."Book" ALTER COLUMN "kind" SET DEFAULT 'paper'; COMMIT`,
  ],
];

try {
  await db.$executeRawUnsafe('DROP SCHEMA IF EXISTS orm_prisma CASCADE');
  for (const sql of migrations.flat()) await db.$executeRawUnsafe(sql);

  const ada = await db.author.create({
    data: {
      name: 'Ada', born: new Date('1815-12-10'),
      books: { create: [0, 1, 2, 3].map((i) => ({ title: `A${i}`, price: i / 4, facts: { n: i }, marks: [i, i + 1], cover: Buffer.from([0, 255]), kind: i === 2 ? 'screen' : 'paper',
        tags: i % 3 ? { connectOrCreate: ['old', 'new'].slice(0, i).map((label) => ({ where: { label }, create: { label } })) } : undefined })) },
    },
    include: { books: { orderBy: { id: 'asc' }, include: { tags: { orderBy: { label: 'asc' } } } } },
  });
  const bob = await db.author.create({ data: { name: 'Bob', books: { create: { title: 'B', price: '9.99' } } } });
  say('ids', ada.id, bob.id, ada.books.map((b) => [b.id, b.title, b.price, b.facts, b.marks, b.kind, b.cover, b.rate, b.sold, b.version, b.tags.map((t) => t.label)]));
  say('bulk', await db.tag.createMany({ data: Array.from({ length: 300 }, (_, i) => ({ label: `bulk${i}`, uses: i })) }), (await db.tag.createManyAndReturn({ data: [{ label: 'bulk', uses: 1 }] })),
    await db.tag.updateMany({ where: { uses: { lt: 100 }, label: { startsWith: 'bulk' } }, data: { uses: { increment: 1 } } }), (await db.tag.aggregate({ _sum: { uses: true }, _max: { label: true }, _count: true })),
    await db.tag.deleteMany({ where: { label: { contains: 'ULK', mode: 'insensitive' } } }));

  await db.$transaction(async (tx) => {
    await tx.author.create({ data: { name: 'Cyd' } });
    for (const name of ['Ada', 'Dan']) {
      await tx.$executeRaw`SAVEPOINT inside`;
      try {
        await tx.author.create({ data: { name } });
        await tx.$executeRaw`RELEASE SAVEPOINT inside`;
      } catch (error) {
        say('inner failed', code(error));
        await tx.$executeRaw`ROLLBACK TO SAVEPOINT inside`;
      }
    }
  }, { isolationLevel: Prisma.TransactionIsolationLevel.RepeatableRead, timeout: 60_000 });
  try {
    await db.$transaction([db.author.create({ data: { name: 'Zoe' } }), db.author.create({ data: { name: 'Bob' } })]);
  } catch (error) {
    say('together', code(error));
  }
  say('after', (await db.author.findMany({ orderBy: { name: 'asc' }, select: { name: true } })).map((a) => a.name));

  const upsert = (uses) => db.tag.upsert({ where: { label: 'odd' }, create: { label: 'odd', uses }, update: { uses: { increment: uses } } });
  say('upsert', await upsert(2), await upsert(3), await db.tag.createMany({ data: [{ label: 'odd' }, { label: 'even' }], skipDuplicates: true }));
  say('found', (await db.author.upsert({ where: { name: 'Bob' }, create: { name: 'Bob' }, update: { books: { upsert: { where: { authorId_title: { authorId: bob.id, title: 'B' } }, create: { title: 'B', price: 1 }, update: { price: 8 } } } }, include: { books: true } })).books.map((b) => [b.id, b.price]));

  const seen = await db.book.findUnique({ where: { id: 2 } });
  const change = (price) => db.book.updateMany({ where: { id: seen.id, version: seen.version }, data: { price, version: { increment: 1 } } });
  say('optimistic', await change(1.25), await change(2.25));
  await db.$transaction(async (tx) => {
    const [locked] = await tx.$queryRaw`SELECT "title", "price", "version" FROM "orm_prisma"."Book" WHERE "id" = ${2} FOR UPDATE`;
    const free = await db.$queryRaw`SELECT "title" FROM "orm_prisma"."Book" ORDER BY "id" FOR SHARE SKIP LOCKED`;
    say('locked', locked, free.map((b) => b.title));
    try {
      await db.$queryRaw`SELECT 1 FROM "orm_prisma"."Book" WHERE "id" = ${2} FOR UPDATE NOWAIT`;
    } catch (error) {
      say('beside', code(error));
    }
  }, { timeout: 60_000 });

  const page = await db.book.findMany({ include: { author: true, tags: { orderBy: { label: 'asc' } }, _count: { select: { tags: true } } }, orderBy: [{ price: 'desc' }, { id: 'asc' }], take: 2, skip: 1 });
  say('page', await db.book.count({ where: { price: { lt: 9 } } }), page.map((b) => [b.title, b.price, b.author.name, b.tags.map((t) => t.label), b._count.tags]));
  say('cursor', (await db.book.findMany({ cursor: { id: 2 }, skip: 1, take: 2, orderBy: { id: 'asc' }, select: { id: true } })).map((b) => b.id), (await db.book.findMany({ cursor: { id: 3 }, take: -2, orderBy: { id: 'asc' } })).map((b) => b.id));
  say('totals', await db.book.groupBy({ by: ['authorId'], _count: { _all: true }, _sum: { price: true }, _avg: { rate: true }, having: { price: { _sum: { gt: 1 } } }, orderBy: { authorId: 'asc' } }));
  say('where', (await db.author.findMany({ where: { OR: [{ books: { some: { tags: { some: { label: 'new' } } } } }, { books: { none: {} } }] }, orderBy: { books: { _count: 'desc' } }, select: { id: true } })).length,
    (await db.book.findMany({ where: { facts: { path: ['n'], gte: 2 }, marks: { has: 3 } }, orderBy: { id: 'asc' } })).map((b) => b.title),
    (await db.book.findMany({ where: { NOT: { kind: 'paper' } } })).map((b) => b.title), (await db.book.findMany({ distinct: ['kind'], orderBy: { kind: 'asc' } })).map((b) => b.kind),
    (await db.author.findFirst({ where: { born: { lt: new Date('1900-01-01') } } })).born, await db.book.findMany({ where: { id: { in: [1n, 77n] }, title: { endsWith: '0' } }, select: { title: true } }));
  say('window', (await db.$queryRaw`SELECT "title", rank() OVER (PARTITION BY "authorId" ORDER BY "price" DESC) AS place, 1.50::numeric AS n, ARRAY[1, NULL] AS a, now() IS NULL AS b FROM "orm_prisma"."Book" ORDER BY 1`).slice(0, 2));
  say('moved', await db.tag.update({ where: { label: 'old' }, data: { label: 'older' }, include: { _count: { select: { books: true } } } }),
    (await db.book.update({ where: { id: 2 }, data: { tags: { set: [{ label: 'older' }] }, marks: { push: 9 }, kind: 'screen' }, include: { tags: true } })).tags);

  for (const [what, act] of [
    ['foreign key', () => db.book.create({ data: { title: 'X', price: 1, authorId: 99 } })],
    ['unique', () => db.author.create({ data: { name: 'Bob' } })],
    ['too long', () => db.author.create({ data: { name: 'x'.repeat(41) } })],
    ['range', () => db.book.update({ where: { id: 1 }, data: { price: 10_000_000 } })],
    ['not null', () => db.$executeRaw`INSERT INTO "orm_prisma"."Tag" ("label") VALUES (NULL)`],
    ['none', () => db.book.findUniqueOrThrow({ where: { id: 77 } })],
    ['gone', () => db.tag.delete({ where: { label: 'none' } })],
  ]) {
    try {
      await act();
      say(what, 'done');
    } catch (error) {
      say(what, code(error));
    }
  }
  await db.author.delete({ where: { name: 'Ada' } });
  say('left', await db.book.count(), await db.$queryRaw`SELECT count(*) FROM "orm_prisma"."_BookToTag"`);
  await db.$executeRawUnsafe('ALTER TABLE "orm_prisma"."Book" DROP COLUMN "version"');
  await db.$executeRawUnsafe('DROP SCHEMA orm_prisma CASCADE');
} finally {
  await db.$disconnect();
}
