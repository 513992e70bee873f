"""What the sample catalog ``samples.tpch`` is: TPC-H tables with comments, one metric view and two table functions.

Every Databricks workspace has tables of the same names and columns, so a space over them also runs there.
"""

from __future__ import annotations

CATALOG = "samples"
SCHEMA = "tpch"
METRIC_VIEW = "samples.tpch.order_metrics"
TOP_CUSTOMERS = "samples.tpch.top_customers"
LATE_DELIVERIES = "samples.tpch.late_deliveries"

# Table → its comment, and its columns' comments.
TABLES: dict[str, tuple[str, dict[str, str]]] = {
    "region": ("Regions of the world; a nation belongs to one.", {
        "r_regionkey": "Key of the region",
        "r_name": "Name of the region in capitals, for example EUROPE",
        "r_comment": "Free text",
    }),
    "nation": ("Nations of customers and suppliers.", {
        "n_nationkey": "Key of the nation",
        "n_name": "Name of the nation in capitals, for example FRANCE",
        "n_regionkey": "Region the nation belongs to",
        "n_comment": "Free text",
    }),
    "customer": ("Customers: one row per customer.", {
        "c_custkey": "Key of the customer",
        "c_name": "Name of the customer, for example Customer#000000001",
        "c_address": "Postal address",
        "c_nationkey": "Nation of the customer",
        "c_phone": "Phone number; the first two digits are the country code",
        "c_acctbal": "Account balance in USD; negative when the customer owes money",
        "c_mktsegment": "Market segment: AUTOMOBILE, BUILDING, FURNITURE, HOUSEHOLD or MACHINERY",
        "c_comment": "Free text",
    }),
    "supplier": ("Suppliers: one row per supplier.", {
        "s_suppkey": "Key of the supplier",
        "s_name": "Name of the supplier",
        "s_address": "Postal address",
        "s_nationkey": "Nation of the supplier",
        "s_phone": "Phone number; the first two digits are the country code",
        "s_acctbal": "Account balance in USD",
        "s_comment": "Free text",
    }),
    "part": ("Parts that can be ordered.", {
        "p_partkey": "Key of the part",
        "p_name": "Name of the part, made of color words",
        "p_mfgr": "Manufacturer, for example Manufacturer#1",
        "p_brand": "Brand, for example Brand#13",
        "p_type": "Type in three words, for example PROMO BURNISHED COPPER",
        "p_size": "Size, 1 to 50",
        "p_container": "Container, for example JUMBO PKG",
        "p_retailprice": "Recommended retail price in USD",
        "p_comment": "Free text",
    }),
    "partsupp": ("Which supplier offers which part, at what cost and from what stock.", {
        "ps_partkey": "The part",
        "ps_suppkey": "The supplier",
        "ps_availqty": "Quantity available",
        "ps_supplycost": "Cost of one unit in USD",
        "ps_comment": "Free text",
    }),
    "orders": ("Orders: one row per order, with its total price.", {
        "o_orderkey": "Key of the order",
        "o_custkey": "Customer who ordered",
        "o_orderstatus": "O open, F fulfilled, P partly fulfilled",
        "o_totalprice": "Total price of the order in USD, with discounts and tax",
        "o_orderdate": "Date of the order, 1992-01-01 to 1998-08-02",
        "o_orderpriority": "1-URGENT, 2-HIGH, 3-MEDIUM, 4-NOT SPECIFIED or 5-LOW",
        "o_clerk": "Clerk who took the order",
        "o_shippriority": "Priority of shipping",
        "o_comment": "Free text",
    }),
    "lineitem": ("Line items: one row per part of an order.", {
        "l_orderkey": "Order of the line item",
        "l_partkey": "Part ordered",
        "l_suppkey": "Supplier who delivers it",
        "l_linenumber": "Number of the line within the order",
        "l_quantity": "Quantity ordered",
        "l_extendedprice": "Price in USD before discount and tax",
        "l_discount": "Discount as a fraction, 0.00 to 0.10",
        "l_tax": "Tax as a fraction, 0.00 to 0.08",
        "l_returnflag": "R returned, A accepted, N not yet due",
        "l_linestatus": "O open, F fulfilled",
        "l_shipdate": "Date the line item was shipped",
        "l_commitdate": "Date the delivery was promised for",
        "l_receiptdate": "Date the delivery was received",
        "l_shipinstruct": "Instruction for shipping",
        "l_shipmode": "AIR, FOB, MAIL, RAIL, REG AIR, SHIP or TRUCK",
        "l_comment": "Free text",
    }),
}  # fmt: skip

PRIMARY_KEYS = {
    "region": ("r_regionkey",),
    "nation": ("n_nationkey",),
    "customer": ("c_custkey",),
    "supplier": ("s_suppkey",),
    "part": ("p_partkey",),
    "partsupp": ("ps_partkey", "ps_suppkey"),
    "orders": ("o_orderkey",),
    "lineitem": ("l_orderkey", "l_linenumber"),
}

METRIC_VIEW_YAML = """\
version: 1.1
comment: Orders by date, status, priority, market segment, nation and region
source: samples.tpch.orders
joins:
  - name: customer
    source: samples.tpch.customer
    "on": source.o_custkey = customer.c_custkey
    joins:
      - name: nation
        source: samples.tpch.nation
        "on": customer.c_nationkey = nation.n_nationkey
        joins:
          - name: region
            source: samples.tpch.region
            "on": nation.n_regionkey = region.r_regionkey
dimensions:
  - name: order_date
    expr: o_orderdate
    comment: Date of the order
  - name: order_month
    expr: DATE_TRUNC('MONTH', o_orderdate)
    comment: First day of the month of the order
  - name: order_year
    expr: YEAR(o_orderdate)
    comment: Year of the order
  - name: order_status
    expr: o_orderstatus
    comment: O open, F fulfilled, P partly fulfilled
  - name: order_priority
    expr: o_orderpriority
    comment: Priority of the order, 1-URGENT to 5-LOW
  - name: market_segment
    expr: customer.c_mktsegment
    comment: Market segment of the customer
  - name: customer_nation
    expr: customer.nation.n_name
    comment: Nation of the customer
  - name: customer_region
    expr: customer.nation.region.r_name
    comment: Region of the customer
measures:
  - name: order_count
    expr: COUNT(1)
    comment: Number of orders
  - name: total_order_value
    expr: SUM(o_totalprice)
    comment: Total price of the orders in USD
  - name: average_order_value
    expr: SUM(o_totalprice) / COUNT(1)
    comment: Total price per order in USD
  - name: customer_count
    expr: COUNT(DISTINCT o_custkey)
    comment: Number of different customers who ordered
  - name: open_order_value
    expr: SUM(o_totalprice) FILTER (WHERE o_orderstatus = 'O')
    comment: Total price of open orders in USD, the backlog
"""

TOP_CUSTOMERS_SQL = """\
SELECT customer_name, nation, total_order_value
FROM (
  SELECT
    c.c_name AS customer_name,
    n.n_name AS nation,
    SUM(o.o_totalprice) AS total_order_value,
    ROW_NUMBER() OVER (ORDER BY SUM(o.o_totalprice) DESC, c.c_name) AS position
  FROM samples.tpch.orders o
  JOIN samples.tpch.customer c ON o.o_custkey = c.c_custkey
  JOIN samples.tpch.nation n ON c.c_nationkey = n.n_nationkey
  WHERE c.c_mktsegment = segment
  GROUP BY c.c_name, n.n_name
)
WHERE position <= how_many
"""

LATE_DELIVERIES_SQL = """\
SELECT
  l_shipmode AS ship_mode,
  COUNT(1) AS line_count,
  COUNT_IF(l_receiptdate > l_commitdate) AS late_count
FROM samples.tpch.lineitem
WHERE l_shipdate BETWEEN from_date AND to_date
GROUP BY l_shipmode
"""
