// A small app on Sequelize: what it prints is the same on PostgreSQL and on the gateway.
import { DataTypes, Op, Sequelize } from 'sequelize';

const E = process.env;
const ssl = E.PGSSLMODE === 'require' ? { rejectUnauthorized: false } : false;
const db = new Sequelize(E.PGDATABASE, E.PGUSER, E.PGPASSWORD, {
  dialect: 'postgres', host: E.PGHOST, port: +E.PGPORT, logging: false, dialectOptions: { ssl }, define: { schema: 'orm_sequelize', timestamps: false },
});
const say = (what, ...rest) => console.log(what, ...rest.map((r) => JSON.stringify(r)));
const code = (error) => [error.name, error.parent?.code, error.parent?.constraint];

const Author = db.define('Author', { name: { type: DataTypes.STRING(40), allowNull: false, unique: true } });
const Book = db.define('Book', {
  title: { type: DataTypes.TEXT, allowNull: false },
  price: DataTypes.DECIMAL(8, 2),
  facts: { type: DataTypes.JSONB, defaultValue: {} },
  marks: DataTypes.ARRAY(DataTypes.INTEGER),
  kind: { type: DataTypes.ENUM('paper', 'screen'), defaultValue: 'paper' },
  key: { type: DataTypes.UUID, defaultValue: DataTypes.UUIDV4 },
}, { version: true, indexes: [{ fields: ['title'] }, { unique: true, fields: ['AuthorId', 'title'] }] });
Author.hasMany(Book, { onDelete: 'CASCADE', foreignKey: { allowNull: false } });
Book.belongsTo(Author);
const Tag = db.define('Tag', { label: { type: DataTypes.STRING, primaryKey: true } });
Book.belongsToMany(Tag, { through: 'BookTag' });
Tag.belongsToMany(Book, { through: 'BookTag' });

try {
  await db.query('DROP SCHEMA IF EXISTS orm_sequelize CASCADE');
  await db.createSchema('orm_sequelize');
  await db.sync();
  const query = db.getQueryInterface();
  const table = { tableName: 'Books', schema: 'orm_sequelize' };
  await query.addColumn(table, 'edition', { type: DataTypes.INTEGER, allowNull: false, defaultValue: 1 });
  await query.addConstraint(table, { fields: ['price'], type: 'check', where: { price: { [Op.gte]: 0 } }, name: 'price_positive' });
  await query.changeColumn(table, 'edition', { type: DataTypes.BIGINT });
  await query.renameColumn(table, 'edition', 'printing');
  const columns = await query.describeTable(table);
  say('columns', Object.entries(columns).map(([name, c]) => [name, c.type, c.allowNull, c.primaryKey]).sort());

  // Sequelize saves the books at once; in a transaction that is one connection, so that each gets the id that is asked for below.
  const books = [0, 1, 2].map((i) => ({ title: `A${i}`, price: i / 4, facts: { n: i }, marks: [i, i + 1] }));
  const ada = await db.transaction((transaction) => Author.create({ name: 'Ada', Books: books }, { include: Book, transaction }));
  const bob = await Author.create({ name: 'Bob' });
  const more = await Book.bulkCreate([3, 4].map((i) => ({ title: `B${i}`, price: i, AuthorId: bob.id, facts: { n: i } })));
  say('ids', ada.id, ada.Books.map((b) => [b.id, b.version]), more.map((b) => b.id));
  await ada.Books[0].setTags(await Tag.bulkCreate([{ label: 'old' }, { label: 'new' }]));

  await db.transaction(async (outer) => {
    await Author.create({ name: 'Cyd' }, { transaction: outer });
    for (const name of ['Ada', 'Dan']) {
      try {
        await db.transaction({ transaction: outer }, (inner) => Author.create({ name }, { transaction: inner }));
      } catch (error) {
        say('inner failed', code(error));
      }
    }
  });
  say('after', (await Author.findAll({ order: ['name'] })).map((a) => a.name));

  const [upserted, made] = await Tag.upsert({ label: 'old' });
  say('upsert', upserted.label, made);
  say('found or made', (await Author.findCreateFind({ where: { name: 'Eve' } }))[1], (await Author.findCreateFind({ where: { name: 'Eve' } }))[1]);
  say('find or create', (await Author.findOrCreate({ where: { name: 'Uma' } }))[1], (await Author.findOrCreate({ where: { name: 'Uma' } }))[1]);
  await Author.destroy({ where: { name: 'Uma' } });
  await Book.bulkCreate([{ title: 'B3', price: 8, AuthorId: bob.id }], { updateOnDuplicate: ['price'], conflictAttributes: ['AuthorId', 'title'] });

  const [one, other] = [await Book.findByPk(2), await Book.findByPk(2)];
  await one.update({ price: 5 });
  try {
    await other.update({ price: 6 });
  } catch (error) {
    say('optimistic', error.name);
  }
  await db.transaction(async (t) => {
    const book = await Book.findByPk(2, { lock: t.LOCK.UPDATE, transaction: t });
    say('locked', book.title, book.price, book.version);
    say('skipped', (await Book.findOne({ lock: true, skipLocked: true, order: ['id'], transaction: t })).title);
  });
  const { count, rows } = await Book.findAndCountAll({ include: [Author, Tag], distinct: true, order: [['price', 'DESC'], ['id', 'ASC']], limit: 2, offset: 1 });
  say('page', count, rows.map((b) => [b.title, b.price, b.Author.name, b.Tags.length]));
  say('totals', await Book.findAll({ attributes: ['AuthorId', [db.fn('COUNT', db.col('id')), 'n'], [db.fn('SUM', db.col('price')), 'total']], group: 'AuthorId', order: ['AuthorId'], raw: true }));
  say('json', (await Book.findAll({ where: { facts: { n: { [Op.gte]: 2 } } }, order: ['id'] })).map((b) => b.title),
    (await Book.findAll({ where: { marks: { [Op.contains]: [1] } }, order: ['id'] })).map((b) => b.title),
    (await Book.findAll({ where: { title: { [Op.iLike]: 'b%' } }, order: ['id'] })).map((b) => b.title));
  for (const [what, act] of [
    ['check', () => Book.update({ price: -1 }, { where: { id: 1 } })],
    ['foreign key', () => Book.create({ title: 'X', AuthorId: 99 })],
    ['not null', () => db.query('INSERT INTO orm_sequelize."Authors" (name) VALUES (NULL)')],
    ['enum', () => db.query(`UPDATE orm_sequelize."Books" SET kind = 'stone'`)],
  ]) {
    try {
      await act();
    } catch (error) {
      say(what, code(error));
    }
  }
  await ada.destroy();
  say('left', await Book.count(), await db.models.BookTag.count());
  await query.removeColumn(table, 'printing');
  await query.removeConstraint(table, 'price_positive');
  await db.drop();
  say('dropped', await query.showAllTables({ schema: 'orm_sequelize' }).then((all) => all.filter((t) => t.schema === 'orm_sequelize')));
  await db.dropSchema('orm_sequelize');
} finally {
  await db.close();
}
