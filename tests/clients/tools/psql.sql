-- Every command of psql that describes something.
\pset border 1
\pset pager off
\echo '== \\d shop.customer'
\d shop.customer
\echo '== \\d+ shop.customer'
\d+ shop.customer
\echo '== \\d shop.orders'
\d shop.orders
\echo '== \\d+ shop.orders'
\d+ shop.orders
\echo '== \\d shop.item'
\d shop.item
\echo '== \\d+ shop.item'
\d+ shop.item
\echo '== \\d shop."Mixed Case"'
\d shop."Mixed Case"
\echo '== \\d+ shop."Mixed Case"'
\d+ shop."Mixed Case"
\echo '== \\d shop.event'
\d shop.event
\echo '== \\d+ shop.event'
\d+ shop.event
\echo '== \\d shop.event_2024'
\d shop.event_2024
\echo '== \\d+ shop.event_2024'
\d+ shop.event_2024
\echo '== \\d shop.totals'
\d shop.totals
\echo '== \\d+ shop.totals'
\d+ shop.totals
\echo '== \\d shop.best'
\d shop.best
\echo '== \\d+ shop.best'
\d+ shop.best
\echo '== \\d shop.ticket'
\d shop.ticket
\echo '== \\d+ shop.ticket'
\d+ shop.ticket
\echo '== \\d shop.orders_id_seq'
\d shop.orders_id_seq
\echo '== \\d+ shop.orders_id_seq'
\d+ shop.orders_id_seq
\echo '== \\d shop.customer_pkey'
\d shop.customer_pkey
\echo '== \\d+ shop.customer_pkey'
\d+ shop.customer_pkey
\echo '== \\d shop.orders_placed'
\d shop.orders_placed
\echo '== \\d+ shop.orders_placed'
\d+ shop.orders_placed
\echo '== \\d shop.customer_lower'
\d shop.customer_lower
\echo '== \\d+ shop.customer_lower'
\d+ shop.customer_lower
\echo '== \\d shop.orders_big'
\d shop.orders_big
\echo '== \\d+ shop.orders_big'
\d+ shop.orders_big
\echo '== \\d shop.address'
\d shop.address
\echo '== \\d+ shop.address'
\d+ shop.address
\echo '== \\d shop.item_sku'
\d shop.item_sku
\echo '== \\d+ shop.item_sku'
\d+ shop.item_sku
\echo '== \\d pg_catalog.pg_class'
\d pg_catalog.pg_class
\echo '== \\d pg_catalog.pg_tables'
\d pg_catalog.pg_tables
\echo '== \\d information_schema.tables'
\d information_schema.tables
\echo '== \\d nothing.there'
\d nothing.there
\echo '== \\d shop.nothing'
\d shop.nothing
\echo '== \\d shop.*_pkey'
\d shop.*_pkey
\echo '== \\dt shop.*'
\dt shop.*
\echo '== \\dt+ shop.*'
\dt+ shop.*
\echo '== \\dv shop.*'
\dv shop.*
\echo '== \\dv+ shop.*'
\dv+ shop.*
\echo '== \\dm shop.*'
\dm shop.*
\echo '== \\dm+ shop.*'
\dm+ shop.*
\echo '== \\di shop.*'
\di shop.*
\echo '== \\di+ shop.*'
\di+ shop.*
\echo '== \\ds shop.*'
\ds shop.*
\echo '== \\ds+ shop.*'
\ds+ shop.*
\echo '== \\dE shop.*'
\dE shop.*
\echo '== \\dE+ shop.*'
\dE+ shop.*
\echo '== \\dtvmis shop.*'
\dtvmis shop.*
\echo '== \\dtvmis+ shop.*'
\dtvmis+ shop.*
\echo '== \\dt *.customer'
\dt *.customer
\echo '== \\dt pg_catalog.pg_a*'
\dt pg_catalog.pg_a*
\echo '== \\dtS pg_am*'
\dtS pg_am*
\echo '== \\dvS pg_stat_user*'
\dvS pg_stat_user*
\echo '== \\diS pg_class_*'
\diS pg_class_*
\echo '== \\dt'
\dt
\echo '== \\dT shop.*'
\dT shop.*
\echo '== \\dT+ shop.*'
\dT+ shop.*
\echo '== \\dTS int*'
\dTS int*
\echo '== \\dT pg_catalog.bool'
\dT pg_catalog.bool
\echo '== \\dD shop.*'
\dD shop.*
\echo '== \\dD+ shop.*'
\dD+ shop.*
\echo '== \\df shop.*'
\df shop.*
\echo '== \\df+ shop.*'
\df+ shop.*
\echo '== \\dfn shop.*'
\dfn shop.*
\echo '== \\dfn+ shop.*'
\dfn+ shop.*
\echo '== \\dfa shop.*'
\dfa shop.*
\echo '== \\dfa+ shop.*'
\dfa+ shop.*
\echo '== \\dfw shop.*'
\dfw shop.*
\echo '== \\dfw+ shop.*'
\dfw+ shop.*
\echo '== \\dft shop.*'
\dft shop.*
\echo '== \\dft+ shop.*'
\dft+ shop.*
\echo '== \\dfp shop.*'
\dfp shop.*
\echo '== \\dfp+ shop.*'
\dfp+ shop.*
\echo '== \\dfS array_app*'
\dfS array_app*
\echo '== \\df pg_catalog.left'
\df pg_catalog.left
\echo '== \\daS bool_*'
\daS bool_*
\echo '== \\da shop.*'
\da shop.*
\echo '== \\do shop.*'
\do shop.*
\echo '== \\doS ||'
\doS ||
\echo '== \\doS ~~*'
\doS ~~*
\echo '== \\dA'
\dA
\echo '== \\dAc btree integer'
\dAc btree integer
\echo '== \\dAf hash text'
\dAf hash text
\echo '== \\dAo btree integer_ops'
\dAo btree integer_ops
\echo '== \\dAp btree text_ops'
\dAp btree text_ops
\echo '== \\dn shop'
\dn shop
\echo '== \\dnS pg_cat*'
\dnS pg_cat*
\echo '== \\db'
\db
\echo '== \\dp shop.*'
\dp shop.*
\echo '== \\ddp shop*'
\ddp shop*
\echo '== \\dg tools_*'
\dg tools_*
\echo '== \\du tools_*'
\du tools_*
\echo '== \\duS pg_read*'
\duS pg_read*
\echo '== \\dL'
\dL
\echo '== \\dLS'
\dLS
\echo '== \\dx'
\dx
\echo '== \\dy'
\dy
\echo '== \\dX'
\dX
\echo '== \\des'
\des
\echo '== \\det'
\det
\echo '== \\deu'
\deu
\echo '== \\dew'
\dew
\echo '== \\dRp'
\dRp
\echo '== \\dRs'
\dRs
\echo '== \\dF english'
\dF english
\echo '== \\dFd english*'
\dFd english*
\echo '== \\dFp'
\dFp
\echo '== \\dFt simple'
\dFt simple
\echo '== \\dl'
\dl
\echo '== \\dP shop.*'
\dP shop.*
\echo '== \\dPi shop.*'
\dPi shop.*
\echo '== \\dPt shop.*'
\dPt shop.*
\echo '== \\dPn shop.*'
\dPn shop.*
\echo '== \\dO shop.*'
\dO shop.*
\echo '== \\dOS C'
\dOS C
\echo '== \\dc shop.*'
\dc shop.*
\echo '== \\dcS utf8_to_latin1'
\dcS utf8_to_latin1
\echo '== \\dC boolean'
\dC boolean
\echo '== \\dd shop.*'
\dd shop.*
\echo '== \\sf shop.twice'
\sf shop.twice
\echo '== \\sv shop.totals'
\sv shop.totals
\echo '== \\dA+'
\dA+
\echo '== \\dAc+ btree integer'
\dAc+ btree integer
\echo '== \\dAf+ hash text'
\dAf+ hash text
\echo '== \\dAo+ btree integer_ops'
\dAo+ btree integer_ops
\echo '== \\dAp+ btree text_ops'
\dAp+ btree text_ops
\echo '== \\dn+ shop'
\dn+ shop
\echo '== \\dnS+ pg_cat*'
\dnS+ pg_cat*
\echo '== \\db+'
\db+
\echo '== \\z shop.*'
\z shop.*
\echo '== \\dg+ tools_*'
\dg+ tools_*
\echo '== \\du+ tools_*'
\du+ tools_*
\echo '== \\duS+ pg_read*'
\duS+ pg_read*
\echo '== \\dL+'
\dL+
\echo '== \\dLS+'
\dLS+
\echo '== \\dx+'
\dx+
\echo '== \\dy+'
\dy+
\echo '== \\dX+'
\dX+
\echo '== \\des+'
\des+
\echo '== \\det+'
\det+
\echo '== \\deu+'
\deu+
\echo '== \\dew+'
\dew+
\echo '== \\dRp+'
\dRp+
\echo '== \\dRs+'
\dRs+
\echo '== \\dF+ english'
\dF+ english
\echo '== \\dFd+ english*'
\dFd+ english*
\echo '== \\dFp+'
\dFp+
\echo '== \\dFt+ simple'
\dFt+ simple
\echo '== \\dl+'
\dl+
\echo '== \\dP+ shop.*'
\dP+ shop.*
\echo '== \\dPi+ shop.*'
\dPi+ shop.*
\echo '== \\dPt+ shop.*'
\dPt+ shop.*
\echo '== \\dPn+ shop.*'
\dPn+ shop.*
\echo '== \\dO+ shop.*'
\dO+ shop.*
\echo '== \\dOS+ C'
\dOS+ C
\echo '== \\dc+ shop.*'
\dc+ shop.*
\echo '== \\dcS+ utf8_to_latin1'
\dcS+ utf8_to_latin1
\echo '== \\dC+ boolean'
\dC+ boolean
\echo '== \\sf+ shop.twice'
\sf+ shop.twice
\echo '== \\sv+ shop.totals'
\sv+ shop.totals
\echo '== \\ddS pg_cat*'
\ddS pg_cat*
\echo '== \\dconfig work_mem'
\dconfig work_mem
\echo '== \\dconfig+ search_path'
\dconfig+ search_path
\echo '== \\drds tools_*'
\drds tools_*
\echo '== \\l tools_db'
\l tools_db
\echo '== \\encoding'
\encoding
\echo '== \\dp shop.customer'
\dp shop.customer
