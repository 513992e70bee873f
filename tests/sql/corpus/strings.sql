-- concat_null
SELECT concat('a', NULL, 'b') AS a, 'x' || NULL AS b, concat_ws('-', 'a', NULL, 'b') AS c;

-- concat_numbers
SELECT concat('n', 1, 2.50, true) AS a, concat_ws(',', 1, 2) AS b;

-- concat_ws_arrays
SELECT concat_ws(',', array('a', 'b'), 'c') AS a, concat_ws(',', array('x', NULL, 'y')) AS b;

-- case_functions
-- differs (value): `upper('ß')` is `ẞ`, on Databricks `SS`.
SELECT upper('straße') AS a, lower('ÀB') AS b, initcap('hELLO wORLD-wide x') AS c;

-- trim_forms
SELECT trim('  a ') AS a, trim(BOTH 'x' FROM 'xxaxx') AS b, ltrim('x', 'xa') AS c, rtrim('b', 'abb') AS d,
    btrim('xyax', 'xy') AS e;

-- trim_keeps_tabs
SELECT length(trim('\ta\n')) AS a;

-- pad
SELECT lpad('7', 3, '0') AS a, rpad('abc', 2) AS b, lpad(7, 3, '0') AS c, lpad('a', 3) AS d;

-- substring_forms
SELECT substring('Databricks', 5) AS a, substring('Databricks', -3, 2) AS b, substr('abc', 0, 2) AS c,
    substring('abc' FROM 2 FOR 1) AS d, left('abc', 2) AS e, right('abc', 2) AS f;

-- substring_index
SELECT substring_index('a.b.c', '.', 2) AS a, substring_index('a.b.c', '.', -1) AS b;

-- split_regex
SELECT split('a1b22c', '[0-9]+') AS a, split('a.b', '\\.') AS b;

-- split_limit
-- differs (refused): `split` takes no limit above 0.
SELECT split('a,b,c,d', ',', 2) AS a, split('a,b,', ',', -1) AS b;

-- split_part
SELECT split_part('a-b-c', '-', 2) AS a, split_part('a-b-c', '-', -1) AS b, split_part('a', '-', 5) AS c;

-- split_index
SELECT split('a b c', ' ')[0] AS a, element_at(split('a b c', ' '), -1) AS b;

-- replace_translate
SELECT replace('abcabc', 'bc', 'X') AS a, translate('AaBb', 'ab', '12') AS b, replace('abc', 'b') AS c;

-- position_forms
SELECT instr('banana', 'an') AS a, locate('an', 'banana', 3) AS b, position('n' IN 'banana') AS c;

-- contains_forms
SELECT contains('Spark', 'ar') AS a, startswith('Spark', 'Sp') AS b, endswith('Spark', 'k') AS c;

-- like_forms
SELECT 'abc' LIKE 'a_c' AS a, 'a%c' LIKE 'a\\%c' AS b, 'ABC' ILIKE 'a%' AS c, 'abc' NOT LIKE '%z%' AS d;

-- like_any
SELECT 'abc' LIKE ANY ('x%', 'a%') AS a, 'abc' LIKE ALL ('a%', '%z') AS b;

-- like_escape
SELECT 'a_c' LIKE 'a!_c' ESCAPE '!' AS a;

-- rlike_forms
SELECT 'order 66' RLIKE '\\d+' AS a, regexp_like('abc', '^b') AS b;

-- regexp_extract_forms
SELECT regexp_extract('100-200', '(\\d+)-(\\d+)', 2) AS a, regexp_extract('abc', '(\\d+)') AS b,
    regexp_extract_all('1a22b', '(\\d+)') AS c;

-- regexp_replace_groups
SELECT regexp_replace('John Smith', '(\\w+) (\\w+)', '$2 $1') AS a;

-- regexp_counts
SELECT regexp_count('banana', 'an') AS a, regexp_substr('banana', 'n.') AS b;

-- regexp_instr
-- differs (refused): `regexp_instr` is not there.
SELECT regexp_instr('banana', 'n') AS a;

-- regexp_lookahead
-- differs (error): Regular expressions have no look-around (RE2); such a pattern is refused, never read otherwise.
SELECT 'foobar' RLIKE 'foo(?=bar)' AS a;

-- length_forms
SELECT length('héllo') AS a, char_length('ab ') AS b, octet_length('é') AS c, bit_length('a') AS d;

-- reverse_repeat
SELECT reverse('abc') AS a, repeat('ab', 2) AS b, space(2) || 'x' AS c;

-- ascii_chr
SELECT ascii('A') AS a, chr(66) AS b, char(67) AS c;

-- hashes
SELECT md5('a') AS a, sha1('a') AS b, sha2('a', 256) AS c;

-- crc32
-- differs (refused): `crc32` is not there.
SELECT crc32('a') AS a;

-- sha_sizes
-- differs (refused): `sha2` has 256 bits only.
SELECT sha2('a', 512) AS a, sha2('a', 224) AS b;

-- spark_hashes
-- differs (refused): `hash` and `xxhash64` are not there.
SELECT hash('a', 1) AS a, xxhash64('a') AS b;

-- base64
SELECT base64('abc') AS a, CAST(unbase64('YWJj') AS STRING) AS b, hex('abc') AS c, hex(255) AS d,
    CAST(unhex('616263') AS STRING) AS e;

-- levenshtein
SELECT levenshtein('kitten', 'sitting') AS a;

-- soundex
-- differs (refused): `soundex` is not there.
SELECT soundex('Robert') AS a;

-- format_number
SELECT format_number(1234567.891, 2) AS a, format_number(0.5, 0) AS b, format_number(-1234.5, 1) AS c;

-- format_number_many_digits
SELECT format_number(1.23456789, 6) AS a;

-- format_string
SELECT format_string('%s has %d items at %.2f', 'A', 3, 1.5D) AS a, printf('%05d|%-4s|', 42, 'x') AS b;

-- to_char_forms
SELECT to_char(1234.5, '999,999.99') AS a, to_char(7, '000') AS b, to_varchar(12.3, '$99.99') AS c;

-- to_char_date
SELECT to_char(DATE'2024-02-29', 'yyyy/MM') AS a;

-- to_number
-- differs (refused): `to_number` and `try_to_number` are not there.
SELECT to_number('1,234.50', '9,999.99') AS a, try_to_number('x', '999') AS b;

-- overlay
SELECT overlay('SparkSQL' PLACING '_' FROM 6) AS a, overlay('abcdef' PLACING 'XX' FROM 2 FOR 3) AS b;

-- find_in_set
SELECT find_in_set('b', 'a,b,c') AS a, find_in_set('z', 'a') AS b;

-- encode_decode
SELECT CAST(encode('abc', 'utf-8') AS STRING) AS a, decode(encode('é', 'utf-8'), 'utf-8') AS b;

-- decode_case
SELECT decode(2, 1, 'one', 2, 'two', 'other') AS a, decode(NULL, NULL, 'null', 'x') AS b;

-- url_functions
SELECT url_encode('a b&c') AS a, url_decode('a+b%26c') AS b;

-- parse_url
-- differs (refused): `parse_url` is not there.
SELECT parse_url('https://x.org/p?q=1', 'HOST') AS a, parse_url('https://x.org/p?q=1', 'QUERY', 'q') AS b;

-- mask
SELECT mask('AbC-123') AS a;

-- luhn
-- differs (refused): `luhn_check` is not there.
SELECT luhn_check('8112189876') AS a;

-- sentences
SELECT size(split(trim('the quick  fox'), '\\s+')) AS words;

-- collation_compare
SELECT 'a' < 'B' AS a, 'ä' > 'z' AS b, 'abc' = 'abc ' AS c;

-- max_text
SELECT max(n_name) AS a, min(n_name) AS b FROM samples.tpch.nation;

-- string_agg
SELECT listagg(n_name, ', ') WITHIN GROUP (ORDER BY n_name) AS a FROM samples.tpch.nation WHERE n_regionkey =
    1;

-- string_escapes
SELECT 'it''s' AS a, "double" AS b, 'tab\tx' AS c, r'raw\n' AS d;

-- binary_literal
SELECT X'1F' AS a, CAST('abc' AS BINARY) AS b;

-- uuid_shape
SELECT length(uuid()) AS a;

-- conv
-- differs (refused): `conv` is not there.
SELECT conv('ff', 16, 10) AS a, conv('100', 2, 16) AS b, bin(13) AS c;

-- implicit_number
SELECT '10' + 5 AS a, '3' * 4 AS b, '7' = 7 AS c;

-- quote_identifiers
SELECT 1 AS `a b`, 2 AS `c.d`;
