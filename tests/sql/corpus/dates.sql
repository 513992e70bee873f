-- add_interval
SELECT DATE'2024-01-31' + INTERVAL 1 MONTH AS a, DATE'2024-02-29' - INTERVAL 1 YEAR AS b;

-- add_number
SELECT date_add(DATE'2024-01-31', 1) AS a, date_sub('2024-03-01', 1) AS b, DATE'2024-01-31' + 2 AS c;

-- add_months_end
SELECT add_months(DATE'2024-01-31', 1) AS a, add_months(DATE'2024-02-29', 12) AS b, add_months('2024-02-29',
    1) AS c;

-- date_minus_date
-- differs (type): Intervals are reported as INTERVAL, without their units.
SELECT DATE'2024-03-01' - DATE'2024-02-01' AS a;

-- date_minus_number
SELECT DATE'2024-03-01' - 1 AS a;

-- timestamp_minus_timestamp
-- differs (type): Intervals are reported as INTERVAL, without their units.
SELECT TIMESTAMP'2024-03-01 12:00:00' - TIMESTAMP'2024-02-29 11:59:30' AS a;

-- datediff_days
SELECT datediff(DATE'2024-03-01', DATE'2024-02-01') AS a, datediff('2024-02-01', '2024-03-01') AS b;

-- datediff_units
SELECT datediff(MONTH, DATE'2024-01-31', DATE'2024-02-29') AS a, datediff(YEAR, DATE'2020-02-29',
    DATE'2024-02-28') AS b, datediff(WEEK, DATE'2024-01-01', DATE'2024-01-14') AS c;

-- timestampdiff_units
SELECT timestampdiff(HOUR, TIMESTAMP'2024-01-01 00:30:00', TIMESTAMP'2024-01-02 00:00:00') AS a,
    timestampdiff(QUARTER, TIMESTAMP'2024-01-01', TIMESTAMP'2024-12-31') AS b;

-- dateadd_units
SELECT dateadd(MONTH, 1, DATE'2024-01-31') AS a, dateadd(HOUR, -1, TIMESTAMP'2024-01-01 00:00:00') AS b;

-- timestampadd_units
SELECT timestampadd(MINUTE, 90, TIMESTAMP'2024-01-01 00:00:00') AS a;

-- date_trunc_units
SELECT date_trunc('MONTH', TIMESTAMP'2024-02-29 10:11:12') AS a, date_trunc('week', DATE'2024-02-29') AS b,
    date_trunc('QUARTER', '2024-05-06') AS c;

-- trunc_units
SELECT trunc(DATE'2024-02-29', 'MM') AS a, trunc('2024-05-06', 'Q') AS b, trunc(DATE'2024-05-06', 'year') AS
    c, trunc(DATE'2024-05-06', 'week') AS d;

-- trunc_unknown
SELECT trunc(DATE'2024-02-29', 'hour') AS a, trunc(DATE'2024-02-29', 'nonsense') AS b;

-- trunc_column
SELECT trunc(d, u) AS a FROM VALUES (DATE'2024-02-29', 'MM'), (DATE'2024-02-29', 'YEAR') AS t(d, u) ORDER BY
    1;

-- parts
SELECT year(DATE'2024-02-29') AS y, quarter(DATE'2024-02-29') AS q, month('2024-02-29') AS m,
    dayofmonth(DATE'2024-02-29') AS d, dayofyear(DATE'2024-02-29') AS doy;

-- weekdays
SELECT dayofweek(DATE'2024-03-03') AS a, weekday(DATE'2024-03-03') AS b, extract(DOW FROM DATE'2024-03-03')
    AS c, extract(DAYOFWEEK_ISO FROM DATE'2024-03-03') AS d;

-- weeks
SELECT weekofyear(DATE'2021-01-03') AS a, extract(YEAROFWEEK FROM DATE'2021-01-03') AS b, extract(WEEK FROM
    DATE'2020-12-31') AS c;

-- extract_seconds
SELECT extract(SECOND FROM TIMESTAMP'2024-01-01 10:11:12.345') AS a, second(TIMESTAMP'2024-01-01 10:11:12.9')
    AS b;

-- date_part
SELECT date_part('MONTH', DATE'2024-02-29') AS a, date_part('doy', DATE'2024-02-29') AS b;

-- names
SELECT dayname(DATE'2024-02-29') AS a, monthname(DATE'2024-02-29') AS b;

-- last_day
SELECT last_day(DATE'2023-02-01') AS a, last_day('2024-02-10') AS b;

-- next_day
SELECT next_day(DATE'2024-02-29', 'MO') AS a, next_day(DATE'2024-02-29', 'Thursday') AS b;

-- months_between
SELECT months_between(DATE'2024-03-31', DATE'2024-02-29') AS a, months_between(DATE'2024-03-15',
    DATE'2024-01-01') AS b, months_between(TIMESTAMP'1997-02-28 10:30:00', TIMESTAMP'1996-10-30 00:00:00',
    false) AS c;

-- make
SELECT make_date(2024, 2, 29) AS a, make_timestamp(2024, 2, 29, 10, 11, 12.345678) AS b;

-- make_date_invalid
SELECT make_date(2023, 2, 29) AS a;

-- to_date_formats
SELECT to_date('2024-02-29') AS a, to_date('29.02.2024', 'dd.MM.yyyy') AS b, to_date('20240229', 'yyyyMMdd')
    AS c;

-- to_date_invalid
SELECT to_date('2024-02-30') AS a;

-- try_to_date
SELECT try_to_date('2024-02-30') AS a, try_to_date('x', 'yyyy') AS b;

-- to_timestamp
SELECT to_timestamp('2024-02-29 10:11:12') AS a, to_timestamp('29/02/2024 10:11', 'dd/MM/yyyy HH:mm') AS b;

-- timestamp_zone
SELECT CAST('2024-02-29T10:00:00+02:00' AS TIMESTAMP) AS a, TIMESTAMP'2024-02-29 10:00:00 America/New_York'
    AS b;

-- utc_conversions
SELECT from_utc_timestamp('2024-07-01 00:00:00', 'Asia/Seoul') AS a, to_utc_timestamp('2024-07-01 00:00:00',
    'Europe/Berlin') AS b;

-- convert_timezone
-- differs (type): TIMESTAMP_NTZ is reported as TIMESTAMP.
SELECT convert_timezone('Europe/Berlin', 'America/Los_Angeles', TIMESTAMP_NTZ'2024-07-01 12:00:00') AS a;

-- timestamp_ntz
-- differs (type): TIMESTAMP_NTZ is reported as TIMESTAMP.
SELECT TIMESTAMP_NTZ'2024-07-01 12:00:00' AS a, CAST('2024-07-01 12:00:00' AS TIMESTAMP_NTZ) AS b;

-- date_format_simple
SELECT date_format(TIMESTAMP'2024-02-09 08:07:06.005', 'yyyy-MM-dd HH:mm:ss.SSS') AS a,
    date_format(DATE'2024-02-09', 'd MMM yy') AS b;

-- date_format_names
SELECT date_format(DATE'2024-02-09', 'EEEE, MMMM d') AS a, date_format(DATE'2024-02-09', 'E') AS b,
    date_format(TIMESTAMP'2024-02-09 13:05:00', 'h:mm a') AS c;

-- date_format_quarter
SELECT date_format(DATE'2024-05-09', "yyyy-'Q'Q") AS a, date_format(DATE'2024-05-09', 'QQQ') AS b;

-- date_format_day
SELECT date_format(DATE'2024-02-09', 'D') AS a, date_format(DATE'2024-02-09', 'DDD') AS b;

-- date_format_column
-- differs (refused): The pattern of `date_format` has to be a literal.
SELECT date_format(DATE'2024-02-09', p) AS a FROM VALUES ('yyyy'), ('MM') AS t(p) ORDER BY 1;

-- unix_timestamp
SELECT unix_timestamp(TIMESTAMP'2024-02-29 00:00:00') AS a, unix_timestamp('2024-02-29', 'yyyy-MM-dd') AS b,
    to_unix_timestamp('2024-02-29 01:00:00') AS c;

-- unix_date_parts
SELECT unix_date(DATE'2024-02-29') AS a, unix_seconds(TIMESTAMP'2024-02-29 00:00:01') AS b,
    unix_millis(TIMESTAMP'2024-02-29 00:00:01') AS c, date_from_unix_date(1) AS d;

-- from_unixtime
SELECT from_unixtime(1709164800) AS a, from_unixtime(1709164800, 'dd.MM.yyyy') AS b, timestamp_seconds(1.5)
    AS c, timestamp_millis(1500) AS d;

-- sequence_dates
SELECT sequence(DATE'2024-01-30', DATE'2024-02-02') AS a, sequence(DATE'2024-01-31', DATE'2024-04-30',
    INTERVAL 1 MONTH) AS b;

-- sequence_down
SELECT sequence(5, 1) AS a, sequence(1, 10, 4) AS b;

-- explode_calendar
SELECT explode(sequence(DATE'2024-02-28', DATE'2024-03-01')) AS d ORDER BY d;

-- interval_literals
SELECT DATE'2024-01-01' + INTERVAL '1-2' YEAR TO MONTH AS a, TIMESTAMP'2024-01-01 00:00:00' + INTERVAL '1 02:03:04'
    DAY TO SECOND AS b;

-- interval_value
-- differs (type): Intervals are reported as INTERVAL, without their units.
SELECT INTERVAL 2 DAY AS a;

-- interval_months_value
-- differs (value): The text of an interval is DuckDB's.
SELECT CAST(INTERVAL 14 MONTH AS STRING) AS a;

-- interval_arithmetic
-- differs (value): A date plus a multiplied interval of days stays a date; on Databricks it becomes a timestamp.
SELECT TIMESTAMP'2024-01-01 00:00:00' + INTERVAL 90 MINUTES AS a, DATE'2024-01-01' + 2 * INTERVAL 1 WEEK AS b;

-- make_interval
SELECT DATE'2024-01-01' + make_interval(0, 1, 0, 3) AS a;

-- make_dt_interval
SELECT TIMESTAMP'2024-01-01 00:00:00' + make_dt_interval(1, 2, 3, 4.5) AS a;

-- compare_date_and_text
SELECT DATE'2024-02-29' = '2024-02-29' AS a, DATE'2024-02-29' > '2024-02' AS b, TIMESTAMP'2024-02-29 00:00:00'
    = DATE'2024-02-29' AS c;

-- date_in_text_range
SELECT count(*) AS n FROM samples.tpch.orders WHERE o_orderdate BETWEEN '1995-01-01' AND '1995-12-31';

-- months_back
SELECT count(*) AS n FROM samples.tpch.orders WHERE o_orderdate >= add_months(DATE'1998-08-01', -6);

-- interval_filter
SELECT count(*) AS n FROM samples.tpch.lineitem WHERE l_shipdate <= DATE'1998-12-01' - INTERVAL 90 DAYS;

-- group_by_month
SELECT date_trunc('MONTH', o_orderdate) AS m, count(*) AS n FROM samples.tpch.orders WHERE o_orderdate <
    DATE'1992-04-01' GROUP BY 1 ORDER BY 1;

-- group_by_year
SELECT year(o_orderdate) AS y, sum(o_totalprice) AS s FROM samples.tpch.orders GROUP BY y ORDER BY y;

-- late_days
SELECT max(datediff(l_receiptdate, l_commitdate)) AS a, avg(datediff(l_receiptdate, l_shipdate)) AS b FROM
    samples.tpch.lineitem;

-- window_tumbling
SELECT window.start AS s, window.end AS e, count(*) AS n FROM VALUES (TIMESTAMP'2024-01-01 00:03:00'),
    (TIMESTAMP'2024-01-01 00:07:00'), (TIMESTAMP'2024-01-01 00:12:00') AS t(ts) GROUP BY window(ts, '5 minutes')
    ORDER BY s;

-- window_struct
SELECT w, n FROM (SELECT window(ts, '1 hour') AS w, count(*) AS n FROM VALUES (TIMESTAMP'2024-01-01 00:03:00')
    AS t(ts) GROUP BY window(ts, '1 hour'));

-- current_is_consistent
SELECT current_date() = CAST(now() AS DATE) AS a, current_timestamp() >= TIMESTAMP'2024-01-01 00:00:00' AS b;

-- date_cast_forms
SELECT CAST('2024' AS DATE) AS a, CAST('2024-3' AS DATE) AS b, CAST('2024-03-05 10:00:00' AS DATE) AS c;
