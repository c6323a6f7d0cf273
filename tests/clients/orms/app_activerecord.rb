# A small app on ActiveRecord: what it prints is the same on PostgreSQL and on the gateway.
require 'active_record'
require 'json'
require 'logger'
require 'pg'
require 'stringio'

# libpq's variables say where the server is.
ActiveRecord::Base.establish_connection(adapter: 'postgresql', schema_search_path: 'orm_activerecord', advisory_locks: true)
ActiveRecord::Migration.verbose = false
ActiveRecord::Base.logger = Logger.new($stderr) if ENV['ORM_LOG']

class First < ActiveRecord::Migration[6.1]
  def change
    enable_extension 'pgcrypto'
    create_table :authors do |t|
      t.string :name, limit: 40, null: false, index: { unique: true }
      t.date :born
      t.timestamps
    end
    create_table :books do |t|
      t.references :author, null: false, foreign_key: { on_delete: :cascade }
      t.string :title, null: false
      t.decimal :price, precision: 8, scale: 2, default: 0
      t.jsonb :facts, null: false, default: {}
      t.integer :marks, array: true, default: []
      t.uuid :key, default: 'gen_random_uuid()'
      t.integer :lock_version, null: false, default: 0
      t.timestamps
      t.index %i[author_id title], unique: true
      t.index 'lower(title)', name: 'books_lower'
      t.index :price, where: 'price > 1'
    end
    create_table(:tags) { |t| t.string :label, null: false, index: { unique: true }, comment: 'what it is called' }
    create_join_table :books, :tags do |t|
      t.foreign_key :books, on_delete: :cascade
      t.foreign_key :tags
      t.index %i[book_id tag_id], unique: true
    end
    add_check_constraint :books, 'price >= 0', name: 'price_positive'
  end
end

class Second < ActiveRecord::Migration[6.1]
  def change
    add_column :books, :edition, :integer, null: false, default: 1
    rename_column :books, :edition, :printing
    add_index :books, :printing
    change_column_null :books, :price, false, 0
    change_column_default :books, :title, from: nil, to: 'untitled'
    change_column_comment :books, :title, from: nil, to: "its reader's words"
    rename_table :tags, :labels
    reversible { |way| way.up { change_column :books, :printing, :bigint }; way.down { change_column :books, :printing, :integer } }
  end
end

class Third < ActiveRecord::Migration[6.1]
  disable_ddl_transaction!
  def change
    add_index :books, :key, algorithm: :concurrently
    reversible do |way|
      way.up do
        add_foreign_key :books, :labels, column: :printing, name: 'odd', validate: false
        validate_foreign_key :books, name: 'odd'
        remove_foreign_key :books, name: 'odd'
      end
    end
  end
end

class Author < ActiveRecord::Base
  has_many :books, dependent: :destroy
  validates :name, presence: true
end

class Book < ActiveRecord::Base
  belongs_to :author
  has_and_belongs_to_many :tags, -> { order(:label) }, join_table: 'books_tags', association_foreign_key: 'tag_id'
  scope :cheap, -> { where(price: ...1) }
end

class Tag < ActiveRecord::Base
  self.table_name = 'labels'
end

def migrator(last)
  steps = [First, Second, Third].each_with_index.map do |step, i|
    ActiveRecord::MigrationProxy.new(step.name, i + 1, nil, nil).tap { |proxy| proxy.instance_variable_set(:@migration, step.new(step.name, i + 1)) }
  end
  direction = last < ActiveRecord::Migrator.current_version ? :down : :up
  ActiveRecord::Migrator.new(direction, steps, ActiveRecord::SchemaMigration, last).migrate
  ActiveRecord::Base.connection.schema_cache.clear!
  [Author, Book, Tag].each(&:reset_column_information)
  ActiveRecord::Migrator.current_version
end

def reason(error)
  fields = error.cause.respond_to?(:result) && error.cause.result
  [error.class.name, *(fields ? [PG::PG_DIAG_SQLSTATE, PG::PG_DIAG_TABLE_NAME, PG::PG_DIAG_COLUMN_NAME, PG::PG_DIAG_CONSTRAINT_NAME].map { |f| fields.error_field(f) } : [])].inspect
end

def attempt(what)
  yield
  puts "#{what}: done"
rescue StandardError => e
  puts "#{what}: #{reason(e)}"
end

db = ActiveRecord::Base.connection
db.execute('DROP SCHEMA IF EXISTS orm_activerecord CASCADE')
db.create_schema('orm_activerecord')
ActiveRecord::SchemaMigration.create_table
ActiveRecord::InternalMetadata.create_table

puts "version #{migrator(3)}, back to #{migrator(1)}, again #{migrator(3)}"
ActiveRecord::SchemaDumper.dump(db, dump = StringIO.new)
puts dump.string.lines.grep_v(/^#|^$|plpgsql/)
puts "primary key #{db.primary_key('books')}, #{db.pk_and_sequence_for('books').map(&:to_s)}"
puts "tables #{db.tables.sort.inspect} #{db.foreign_keys('books_tags').map { |k| [k.name, k.to_table, k.on_delete] }.sort.inspect}"

tags = %w[old new].map { |label| Tag.create!(label: label) }
ada = Author.create!(name: 'Ada', born: Date.new(1815, 12, 10), books: Array.new(4) { |i| Book.new(title: "A#{i}", price: i / 4r, facts: { n: i }, marks: [i, i + 1], tags: tags.take(i % 3)) })
bob = Author.create!(name: 'Bob') { |a| a.books.build(title: 'B', price: '9.99') }
puts "ids #{ada.id} #{ada.books.map(&:id)} #{bob.books.first.id} #{ada.books.first.lock_version} #{ada.reload.born.inspect}"
made = Tag.insert_all(Array.new(300) { |i| { label: "bulk#{i}" } }, returning: %w[id label])
puts "bulk #{made.length} #{made.rows.last[1]} #{made.rows.last[0] - made.rows.first[0]} #{Tag.where('label LIKE ?', 'bulk%').delete_all}"

Author.transaction do
  Author.create!(name: 'Cyd')
  %w[Ada Dan].each do |name|
    attempt("inner #{name}") { Author.transaction(requires_new: true) { Author.create!(name: name) } }
  end
  Author.transaction(requires_new: true) do
    Author.create!(name: 'Eve')
    raise ActiveRecord::Rollback
  end
end
puts "after #{Author.order(:name).pluck(:name)}"

puts "upsert #{Tag.insert_all([{ label: 'old' }, { label: 'odd' }]).rows.length} #{Tag.upsert_all([{ id: tags[0].id, label: 'older' }], unique_by: :id).rows == [[tags[0].id]]}"
Book.upsert_all([{ author_id: bob.id, title: 'B', price: 8, created_at: Time.now, updated_at: Time.now }], unique_by: %i[author_id title])
puts "upserted #{bob.books.reload.map { |b| [b.id, b.price.to_s] }} #{Author.find_or_create_by!(name: 'Eve').previously_new_record?} #{Author.create_or_find_by(name: 'Eve').previously_new_record?}"

one, other = Book.find(2), Book.find(2)
one.update!(price: 1.25)
attempt('optimistic') { other.update!(price: 2.25) }
Book.transaction do
  book = Book.lock.find(2)
  puts "locked #{book.title} #{book.price} #{book.lock_version} #{Book.lock('FOR UPDATE SKIP LOCKED').order(:id).pluck(:title)}"
end
attempt('with_lock') { one.with_lock { one.increment!(:price) } }
attempt('isolation') { Book.transaction(isolation: :serializable) { puts db.select_value('SHOW transaction_isolation') } }
puts "advisory #{db.get_advisory_lock(77)} #{db.release_advisory_lock(77)}"

page = Book.includes(:author, :tags).order(price: :desc, id: :asc).limit(2).offset(1)
puts "page #{page.map { |b| [b.title, b.price.to_s, b.author.name, b.tags.map(&:label), b.facts] }.inspect}"
joined = Author.left_joins(:books).group(:name).having('count(books.id) < 5').order(:name)
puts "totals #{joined.count('books.id')} #{joined.sum(:price).transform_values(&:to_s)} #{joined.pluck(:name, Arel.sql('max(books.updated_at) IS NULL'))}"
puts "mean #{Book.average(:price).round(4)} #{Book.maximum(:price)} #{Book.cheap.count} #{Book.distinct.count(:author_id)} #{Book.exists?(title: 'none')}"
puts "json #{Book.where("facts @> ?", { n: 2 }.to_json).pluck(:title)} #{Book.where('3 = ANY (marks)').order(:id).pluck(:title)} #{Author.where(id: Book.cheap.select(:author_id)).or(Author.where(name: 'Cyd')).order(:id).pluck(:name)}"
puts "batches #{Book.in_batches(of: 2).map { |some| some.pluck(:title) }.inspect} #{Book.eager_load(:tags).where(labels: { label: 'older' }).order(:id).map(&:title)}"
ranked = Book.select('title, rank() OVER (PARTITION BY author_id ORDER BY price DESC) AS place')
puts "window #{Book.from(ranked, :books).where('place = 1').order(:title).pluck(:title)}"
puts "plan #{Book.where(id: 1).explain.lines.first.include?('EXPLAIN')} #{db.select_all('SELECT 1::bigint a, 2.50 b, now() - now() c, ARRAY[true, NULL] d').cast_values.inspect}"

attempt('check') { Book.where(id: 1).update_all(price: -1) }
attempt('foreign key') { Book.insert_all!([{ author_id: 99, title: 'X', created_at: Time.now, updated_at: Time.now }]) }
attempt('not null') { Tag.create!(label: nil) }
attempt('unique') { Tag.create!(label: 'new') }
attempt('too long') { Author.create!(name: 'x' * 41) }
attempt('range') { Book.where(id: 1).update_all('price = 10000000') }
attempt('no table') { db.execute('SELECT * FROM none') }
attempt('invalid') { Author.create!(name: '') }
attempt('not found') { Book.find(77) }

ada.destroy!
Author.delete_by(name: 'Bob')
puts "left #{Book.count} #{db.select_value('SELECT count(*) FROM books_tags')}"
puts "back #{migrator(0)} #{db.tables.sort.inspect}"
db.drop_schema('orm_activerecord')
