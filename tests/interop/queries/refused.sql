SELECT (SELECT count(*) FROM dns) AS n FROM flow LIMIT 1
SELECT * EXCLUDE (ts) FROM dns ORDER BY packet LIMIT 1
SELECT * FROM (SELECT flow, row_number() OVER (PARTITION BY src_ip ORDER BY packets DESC, flow) AS r FROM flow) WHERE r = 1 ORDER BY flow LIMIT 5
SELECT -7 // 2 AS a
SELECT 1 IN (SELECT 1) AS a
SELECT CAST(src_ip AS INTEGER) AS a FROM flow LIMIT 1
SELECT COLUMNS('packets') FROM flow ORDER BY flow LIMIT 1
SELECT COUNT(*) FROM FLOW
SELECT DISTINCT src_ip FROM flow GROUP BY src_ip, protocol ORDER BY count(*)
SELECT Flow FROM flow ORDER BY FLOW LIMIT 2
SELECT a.flow FROM arp a RIGHT JOIN tcp b USING (flow)
SELECT a.flow, b.flow FROM flow a JOIN flow b ON a.src_ip = b.dst_ip AND a.dst_ip = b.src_ip ORDER BY a.flow, b.flow LIMIT 3
SELECT answers[1] AS a FROM dns ORDER BY packet LIMIT 3
SELECT approx_count_distinct(protocol) AS a FROM flow
SELECT arg_max(src_ip, packets) AS a FROM flow
SELECT array_agg(protocol) AS a FROM flow WHERE flow < 3
SELECT bit_and(packets) AS a FROM flow
SELECT bool_and(packets > 0) AS a, bool_or(packets > 100) AS b FROM flow
SELECT count(*) FROM flow CROSS JOIN (SELECT 1 AS one)
SELECT count(*) FROM flow WHERE packets > (SELECT avg(packets) FROM flow)
SELECT count(*) FROM flow WHERE packets > avg(packets)
SELECT count(*) FROM flow WHERE regexp_matches(src_ip, '^10')
SELECT count(*) FROM flow WHERE src_ip SIMILAR TO '10.*'
SELECT count(*) FROM flow a JOIN flow b ON a.flow + 1 = b.flow
SELECT count(*) FROM flow a JOIN flow b ON a.flow < b.flow WHERE a.flow < 5 AND b.flow < 5
SELECT count(*) FROM flow a LEFT JOIN flow b ON a.flow = b.flow AND b.packets > 10
SELECT count(*) FROM flow f LEFT JOIN dns d ON f.flow = d.flow AND d.is_response = true
SELECT count(DISTINCT (src_ip, dst_ip)) AS a FROM flow
SELECT count(DISTINCT flow) FROM arp a FULL JOIN tcp b USING (flow)
SELECT date_trunc('hour', ts) AS m, count(*) AS n FROM flow GROUP BY 1 ORDER BY 1
SELECT date_trunc('minute', ts) AS m, count(*) AS n FROM flow GROUP BY m ORDER BY m
SELECT ends_with(src_ip, '0') AS a, concat_ws('-', src_ip, dst_ip) AS b, ifnull(service, 'x') AS c, ltrim('  a') AS d, rtrim('a  ') AS e, octet_length(src_ip) AS f, power(2, 3) AS g FROM flow ORDER BY flow LIMIT 3
SELECT epoch(ts) AS e FROM flow ORDER BY flow LIMIT 1
SELECT extract(dow FROM ts) AS a, extract(week FROM ts) AS b, extract(microsecond FROM ts) AS c, extract(millisecond FROM ts) AS d FROM flow ORDER BY flow LIMIT 2
SELECT f.flow, d.ts, f.ts FROM flow f JOIN dns d USING (flow) ORDER BY d.packet LIMIT 3
SELECT flow FROM flow TABLESAMPLE 10
SELECT flow FROM flow WHERE flow = (SELECT max(flow) FROM flow)
SELECT flow FROM flow WHERE src_ip = 10 LIMIT 2
SELECT flow, avg(packets) OVER (ORDER BY flow) AS r FROM flow ORDER BY flow LIMIT 5
SELECT flow, flow FROM flow ORDER BY flow LIMIT 1
SELECT flow, lag(packets, 1, 0) OVER (ORDER BY flow) AS r FROM flow ORDER BY flow LIMIT 5
SELECT flow, rank() OVER (ORDER BY packets) AS r FROM flow ORDER BY flow LIMIT 5
SELECT flow, row_number() OVER (ORDER BY packets DESC, flow) AS r FROM flow ORDER BY flow LIMIT 5
SELECT flow, row_number() OVER (ORDER BY service DESC, flow) AS r FROM flow ORDER BY flow LIMIT 5
SELECT flow, row_number() OVER (ORDER BY service, flow) AS r FROM flow ORDER BY flow LIMIT 5
SELECT flow, sum(packets) OVER (ORDER BY flow) AS r FROM flow ORDER BY flow LIMIT 5
SELECT flow, sum(packets) OVER (ORDER BY packets) AS r FROM flow ORDER BY flow LIMIT 5
SELECT hour(ts) AS h FROM flow LIMIT 1
SELECT left(src_ip, -2) AS a, right(src_ip, 0) AS b, substr(src_ip, 0, 3) AS c, substr(src_ip, -3) AS d FROM flow ORDER BY flow LIMIT 2
SELECT len(answers) AS a FROM dns ORDER BY packet LIMIT 3
SELECT length('häß') AS a, octet_length('häß') AS b, upper('häß') AS c, reverse('häß') AS d, left('häß', 2) AS e, strpos('häß', 'ß') AS f
SELECT list(DISTINCT protocol) AS a FROM flow
SELECT log(packets) AS a FROM flow WHERE packets > 1 ORDER BY flow LIMIT 5
SELECT max(packets) AS s FROM flow GROUP BY protocol HAVING max(s) > 3
SELECT median(packets), mode(packets) FROM flow
SELECT mode(protocol) AS a FROM flow
SELECT packets * 2 AS p FROM flow WHERE p > 100 ORDER BY p
SELECT packets ** 2 AS a FROM flow ORDER BY flow LIMIT 3
SELECT packets // 2 AS x FROM flow ORDER BY flow LIMIT 3
SELECT packets AS p FROM flow GROUP BY packets HAVING p > 10 ORDER BY p
SELECT packets AS p FROM flow WHERE p > 100 ORDER BY p
SELECT packets FROM flow WHERE packets = '3' LIMIT 2
SELECT packets ^ 2 AS a FROM flow ORDER BY flow LIMIT 3
SELECT packets, sum(count(*)) OVER () AS t FROM flow GROUP BY packets ORDER BY packets LIMIT 3
SELECT position('.' IN query_name) AS a FROM dns LIMIT 2
SELECT protocol AS p, count(*) AS protocol FROM flow GROUP BY protocol ORDER BY protocol
SELECT protocol, any_value(protocol_name) AS a, mean(packets) AS b, var_samp(packets) AS c FROM flow GROUP BY protocol ORDER BY protocol
SELECT protocol, count(*) * 100.0 / sum(count(*)) OVER () AS share FROM flow GROUP BY protocol ORDER BY protocol
SELECT protocol, count(*) AS n FROM flow GROUP BY ROLLUP (protocol) ORDER BY protocol
SELECT protocol, count(*) AS n, count(*) * 1.0 / (SELECT count(*) FROM flow) AS f FROM flow GROUP BY protocol ORDER BY protocol
SELECT protocol, count(*) FROM flow
SELECT protocol, count(*) FROM flow GROUP BY GROUPING SETS ((protocol), ())
SELECT protocol, stddev_pop(packets) AS m FROM flow GROUP BY protocol ORDER BY protocol
SELECT protocol, var_pop(packets) AS m FROM flow GROUP BY protocol ORDER BY protocol
SELECT src_ip, count(*) AS src_ip_n FROM flow JOIN dns USING (flow) GROUP BY src_ip ORDER BY src_ip_n
SELECT src_ip, dst_ip, count(*) AS n FROM flow GROUP BY src_ip ORDER BY n
SELECT src_ip, upper(service) AS s, count(*) AS n FROM flow GROUP BY src_ip ORDER BY n
SELECT src_port & 3 AS a, src_port | 1 AS b, src_port << 2 AS c, xor(src_port, 1) AS d FROM flow ORDER BY flow LIMIT 3
SELECT stddev(1) FROM flow
SELECT strftime(ts, '%f') AS a FROM flow ORDER BY flow LIMIT 2
SELECT strpos(src_ip, '7') AS a FROM flow ORDER BY flow LIMIT 3
SELECT sum(1) FROM flow
SELECT sum(DISTINCT packets) AS a, count(DISTINCT packets) AS b, avg(DISTINCT packets) AS c FROM flow
SELECT sum(max(packets)) FROM flow
SELECT try_cast(src_ip AS INTEGER) AS a FROM flow LIMIT 1
SELECT ts + INTERVAL '1.5 seconds' AS a FROM flow LIMIT 1
SELECT unnest(answers) AS a FROM dns LIMIT 2
WITH flow AS (SELECT * FROM flow WHERE packets > 10) SELECT count(*) FROM flow
