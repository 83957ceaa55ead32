SELECT "flow" FROM "flow" ORDER BY "flow" LIMIT 2
SELECT 'a' < 'B' AS a, 'é' > 'z' AS b
SELECT 'all' AS k, count(*) AS n FROM flow
SELECT * FROM (SELECT protocol, count(*) + protocol AS x FROM flow GROUP BY protocol) ORDER BY protocol
SELECT * FROM flow LIMIT 0
SELECT * FROM flow WHERE flow = 3
SELECT * REPLACE (packets * 2 AS packets) FROM flow ORDER BY flow LIMIT 1
SELECT -length('abc') AS a
SELECT -packets % 3 AS x FROM flow ORDER BY flow LIMIT 3
SELECT 1 / 3 AS a, 1.0 / 3 AS b, 10 % 3 AS c, 2 * 3 + 1 AS d
SELECT 1 AS a
SELECT 7 / 2 AS x FROM flow LIMIT 1
SELECT CASE WHEN count(*) > 500 THEN 'many' ELSE 'few' END AS k, protocol FROM flow GROUP BY protocol ORDER BY protocol
SELECT CASE WHEN dst_port < 1024 THEN 'low' ELSE 'high' END AS k, count(*) AS n FROM flow GROUP BY k ORDER BY k
SELECT CASE WHEN dst_port < 1024 THEN 'low' WHEN dst_port IS NULL THEN 'none' ELSE 'high' END AS k, count(*) AS n FROM flow GROUP BY 1 ORDER BY 1
SELECT CASE WHEN p.payload_bytes > 0 THEN 1 ELSE 0 END AS k, count(*) AS n FROM flow f JOIN packet p ON p.flow = f.flow GROUP BY k ORDER BY k
SELECT CAST('12' AS INTEGER) AS a, CAST(packets AS BIGINT) AS b FROM flow ORDER BY flow LIMIT 1
SELECT CAST(packets / 2 AS INTEGER) AS a FROM flow ORDER BY flow LIMIT 9
SELECT CAST(packets / 2 AS INTEGER) AS a, packets FROM flow ORDER BY flow LIMIT 30
SELECT CAST(packets AS DOUBLE) AS d, count(*) AS n FROM flow GROUP BY CAST(packets AS DOUBLE) ORDER BY d LIMIT 3
SELECT CAST(packets AS VARCHAR) AS a FROM flow ORDER BY flow LIMIT 5
SELECT CAST(payload_mean_bytes AS INTEGER) AS a FROM flow WHERE payload_mean_bytes IS NOT NULL ORDER BY flow LIMIT 9
SELECT DISTINCT ON (protocol) protocol, flow FROM flow ORDER BY protocol, flow
SELECT DISTINCT count(*) FROM flow GROUP BY protocol ORDER BY 1
SELECT DISTINCT protocol FROM flow ORDER BY protocol
SELECT DISTINCT protocol, service FROM flow ORDER BY protocol, service
SELECT NULL IN (1, 2) AS a, 1 IN (1, NULL) AS b, 3 IN (1, NULL) AS c
SELECT a, b FROM (VALUES (1, 'x'), (2, 'y')) AS t(a, b) ORDER BY a
SELECT a.flow AS x, b.flow AS y FROM flow a JOIN flow b ON a.src_ip = b.dst_ip AND a.dst_ip = b.src_ip AND b.packets > 5 ORDER BY x, y LIMIT 3
SELECT a.flow AS x, b.packet AS y FROM dns a RIGHT JOIN tcp b ON a.flow = b.flow ORDER BY x, y LIMIT 4
SELECT a.flow AS x, b.packets AS y FROM flow a JOIN flow b ON a.flow = b.flow WHERE b.packets > 5 ORDER BY x LIMIT 3
SELECT a.n + b.n AS t FROM (SELECT count(*) AS n FROM dns) a CROSS JOIN (SELECT count(*) AS n FROM flow) b
SELECT abs(packets - 10) AS a FROM flow ORDER BY flow LIMIT 5
SELECT acos(0.5) AS a, asin(0.5) AS b, atan(0.5) AS c, atan2(1, 2) AS d, cbrt(27) AS e, cos(1) AS f, degrees(1) AS g, exp(2) AS h, radians(90) AS i, sin(1) AS j, tan(1) AS k, pi() AS l, log2(8) AS m, ceiling(1.2) AS n
SELECT avg(packets), sum(packets) FROM flow
SELECT avg(payload_mean_bytes) AS a, sum(payload_mean_bytes) AS b FROM flow
SELECT b.flow AS x, a.packet AS y FROM dns a FULL JOIN tcp b ON a.flow = b.flow ORDER BY x, y LIMIT 4
SELECT coalesce(service, 'none') AS s, count(*) AS n FROM flow GROUP BY s ORDER BY s
SELECT coalesce(service, 'none') AS service, count(*) AS n FROM flow GROUP BY service ORDER BY service
SELECT coalesce(service,'-') || count(*) AS x, service FROM flow GROUP BY service ORDER BY service
SELECT concat(service, 'x') AS a, service || 'x' AS b FROM flow ORDER BY flow LIMIT 3
SELECT concat(src_ip, ':', src_port) AS a FROM flow ORDER BY flow LIMIT 5
SELECT count(*) * 10000000 FROM flow
SELECT count(*) + 1 AS n, 'x' || max(src_ip) AS m FROM flow
SELECT count(*) - 2000 FROM flow
SELECT count(*) AS "flow" FROM flow
SELECT count(*) AS n, sum(n) FROM (SELECT packets AS n FROM flow)
SELECT count(*) FILTER (WHERE protocol = 6) AS t FROM flow
SELECT count(*) FROM (SELECT DISTINCT src_ip FROM flow)
SELECT count(*) FROM (SELECT DISTINCT src_ip, dst_ip FROM flow) AS t
SELECT count(*) FROM dns WHERE length(query_name) - 20 > 0
SELECT count(*) FROM flow
SELECT count(*) FROM flow NATURAL JOIN dns
SELECT count(*) FROM flow WHERE (dst_port = 80) IS FALSE
SELECT count(*) FROM flow WHERE (dst_port = 80) IS NOT FALSE
SELECT count(*) FROM flow WHERE (dst_port = 80) IS NOT TRUE
SELECT count(*) FROM flow WHERE (dst_port = 80) IS TRUE
SELECT count(*) FROM flow WHERE NOT (service = 'http')
SELECT count(*) FROM flow WHERE NOT EXISTS (SELECT 1 FROM dns WHERE dns.flow = flow.flow)
SELECT count(*) FROM flow WHERE dst_port BETWEEN 1 AND 1024
SELECT count(*) FROM flow WHERE dst_port NOT BETWEEN 1 AND 1024
SELECT count(*) FROM flow WHERE flow < 0 GROUP BY protocol
SELECT count(*) FROM flow WHERE service <> 'http'
SELECT count(*) FROM flow WHERE service IN ('http', 'dns')
SELECT count(*) FROM flow WHERE service IS DISTINCT FROM 'http'
SELECT count(*) FROM flow WHERE service IS NULL
SELECT count(*) FROM flow WHERE service LIKE '%'
SELECT count(*) FROM flow WHERE service NOT IN ('http', 'dns')
SELECT count(*) FROM flow WHERE service NOT IN ('http', NULL)
SELECT count(*) FROM flow WHERE src_ip ILIKE '10.77.%'
SELECT count(*) FROM flow WHERE src_ip LIKE '%.1'
SELECT count(*) FROM flow WHERE src_ip LIKE '10.77.%'
SELECT count(*) FROM flow WHERE src_ip LIKE '10.77.0.1_'
SELECT count(*) FROM flow WHERE src_ip LIKE '10_77%'
SELECT count(*) FROM flow WHERE src_ip NOT LIKE '10.77.%'
SELECT count(*) FROM flow WHERE starts_with(src_ip, '10.')
SELECT count(*) FROM flow WHERE ts > '2026-01-01'
SELECT count(*) FROM flow a JOIN flow b ON a.flow = b.connection
SELECT count(*) FROM flow a JOIN flow b ON a.flow = b.flow AND a.packets = b.packets
SELECT count(*) FROM flow a JOIN flow b ON a.flow = b.flow AND b.packets > 10
SELECT count(*) FROM flow f FULL JOIN dns d ON f.flow = d.flow
SELECT count(*) FROM flow f JOIN dns d ON f.flow = d.flow AND f.ts <= d.ts
SELECT count(*) FROM flow f JOIN packet p ON f.flow = p.flow
SELECT count(*) FROM flow f JOIN packet p ON f.flow = p.flow AND f.protocol = 6 AND p.payload_bytes = 0
SELECT count(*) FROM flow f JOIN packet p ON f.flow = p.flow AND p.payload_bytes > 0
SELECT count(*) FROM flow f JOIN packet p ON f.flow = p.flow WHERE f.payload_bytes > 0
SELECT count(*) FROM flow f JOIN packet p ON f.flow = p.flow WHERE p.payload_bytes > 0
SELECT count(*) FROM flow f JOIN packet p ON p.flow = f.flow WHERE p.payload_bytes = f.payload_bytes
SELECT count(*) FROM flow f JOIN packet p ON p.flow = f.flow WHERE p.payload_bytes IN (0, 5) OR f.payload_bytes BETWEEN 1 AND 9
SELECT count(*) FROM flow f LEFT JOIN dns d ON f.flow = d.flow
SELECT count(*) FROM flow f LEFT JOIN dns d ON f.flow = d.flow WHERE d.flow IS NULL
SELECT count(*) FROM flow f LEFT JOIN dns d ON f.flow = d.flow WHERE d.ts > f.ts
SELECT count(*) FROM flow f LEFT JOIN dns d USING (flow)
SELECT count(*) FROM flow f RIGHT JOIN dns d ON f.flow = d.flow
SELECT count(*) FROM flow f WHERE EXISTS (SELECT 1 FROM dns d WHERE d.flow = f.flow)
SELECT count(*) FROM flow f, packet p WHERE f.flow = p.flow
SELECT count(*) FROM packet WHERE flow IN (SELECT flow FROM dns)
SELECT count(*) FROM packet WHERE flow NOT IN (SELECT flow FROM dns)
SELECT count(*) FROM packet p JOIN flow f ON f.flow = p.flow AND f.protocol = 6 AND p.payload_bytes = 0
SELECT count(*) FROM packet p JOIN flow f ON p.flow = f.flow JOIN dns d ON d.flow = f.flow WHERE d.packet = p.packet
SELECT count(*), count(service), count(1) FROM flow
SELECT count(*), min(ts), max(ts) FROM flow
SELECT count(CASE WHEN protocol = 6 THEN 1 END) AS t FROM flow
SELECT count(DISTINCT b.flow) AS b, count(a.flow) AS a FROM arp a FULL JOIN tcp b ON a.flow = b.flow
SELECT count(DISTINCT service) AS a FROM flow
SELECT count(a.flow) AS x, count(b.flow) AS y, count(*) AS z FROM dns a LEFT JOIN tcp b ON a.flow = b.flow
SELECT count(d.flow) FROM flow f LEFT JOIN dns d ON f.flow = d.flow
SELECT count(d.ts) AS a, count(f.ts) AS b FROM flow f FULL JOIN dns d ON f.flow = d.flow
SELECT date_part('hour', ts) * 3600 + date_part('minute', ts) * 60 + date_part('second', ts) AS s FROM flow ORDER BY flow LIMIT 3
SELECT date_part('hour', ts) AS a, date_part('second', ts) AS b, date_part('dow', ts) AS c, date_part('epoch', ts) AS d FROM flow ORDER BY flow LIMIT 2
SELECT date_part('minute', ts) AS h, count(*) AS n FROM flow GROUP BY h ORDER BY h
SELECT dst_port AS src_port, src_port AS dst_port FROM flow ORDER BY src_port, dst_port LIMIT 3
SELECT dst_port, dst_port < 1024 AS low, count(*) AS n FROM flow GROUP BY ALL ORDER BY n DESC, dst_port LIMIT 5
SELECT dst_port, dst_port < 1024 AS low, count(*) AS n FROM flow GROUP BY dst_port, dst_port < 1024 ORDER BY n DESC, dst_port LIMIT 5
SELECT ends_with(src_ip, '0') AS a, concat_ws('-', src_ip, dst_ip) AS b, ifnull(service, 'x') AS c, ltrim('  a') AS d, rtrim('a  ') AS e, power(2, 3) AS g FROM flow ORDER BY flow LIMIT 3
SELECT extract(hour FROM ts) AS h, count(*) AS n FROM flow GROUP BY h ORDER BY h
SELECT extract(hour FROM ts)*60 + extract(minute FROM ts) AS m FROM flow ORDER BY flow LIMIT 2
SELECT extract(minute FROM ts) AS m, count(*) AS n FROM flow GROUP BY extract(minute FROM ts) ORDER BY m
SELECT extract(year FROM ts)*10000 + extract(month FROM ts)*100 + extract(day FROM ts) AS d FROM flow ORDER BY flow LIMIT 2
SELECT f.* FROM flow f ORDER BY flow LIMIT 1
SELECT f.flow, count(p.packet) AS n FROM flow f JOIN packet p ON f.flow = p.flow GROUP BY f.flow HAVING count(p.packet) <> max(f.packets)
SELECT f.flow, d.flow AS g FROM flow f LEFT JOIN dns d ON f.flow = d.flow ORDER BY f.flow, g LIMIT 5
SELECT f.flow, d.packet FROM flow f JOIN dns d USING (flow) ORDER BY d.packet LIMIT 3
SELECT f.packets % 3 AS packets, f.flow FROM flow f ORDER BY f.packets DESC, f.flow LIMIT 5
SELECT f.payload_bytes AS q, count(*) AS b FROM flow f JOIN packet p ON p.flow = f.flow GROUP BY f.payload_bytes HAVING max(p.payload_bytes) > 100 ORDER BY b DESC, q LIMIT 4
SELECT f.payload_bytes AS q, count(*) AS b FROM packet p JOIN flow f ON p.flow = f.flow GROUP BY f.payload_bytes ORDER BY b DESC, q LIMIT 4
SELECT f.protocol, sum(p.payload_bytes) AS b FROM packet p JOIN flow f ON p.flow = f.flow GROUP BY f.protocol ORDER BY b
SELECT f.service, count(*) AS n FROM flow f JOIN dns d ON f.flow = d.flow GROUP BY f.service ORDER BY n
SELECT f.ts AS a, d.ts AS b FROM flow f LEFT JOIN dns d ON f.flow = d.flow ORDER BY f.flow, b LIMIT 5
SELECT f.ts AS a, d.ts AS b FROM flow f RIGHT JOIN dns d ON f.flow = d.flow ORDER BY b, d.packet LIMIT 5
SELECT first(flow) AS a, last(flow) AS b FROM flow
SELECT floor(packets / 3) AS a, ceil(packets / 3) AS b FROM flow ORDER BY flow LIMIT 5
SELECT flow AS a, flow AS b FROM flow ORDER BY a LIMIT 1
SELECT flow FROM flow ORDER BY flow LIMIT 3 OFFSET 2
SELECT flow FROM flow ORDER BY flow OFFSET 3195
SELECT flow FROM flow ORDER BY service DESC, flow LIMIT 5
SELECT flow FROM flow ORDER BY service, flow LIMIT 5
SELECT flow FROM flow QUALIFY row_number() OVER (ORDER BY flow) = 1
SELECT flow FROM flow UNION ALL SELECT flow FROM dns ORDER BY flow LIMIT 3
SELECT flow FROM flow WHERE src_ip > '10.77.0.3' ORDER BY flow LIMIT 2
SELECT flow, -packets AS packets FROM flow ORDER BY abs(packets), flow LIMIT 5
SELECT flow, -packets AS packets FROM flow ORDER BY packets + 1, flow LIMIT 5
SELECT flow, -packets AS packets FROM flow ORDER BY packets, flow LIMIT 5
SELECT flow, count(*) AS n FROM flow JOIN dns USING (flow) GROUP BY flow ORDER BY n DESC, flow LIMIT 3
SELECT flow, count(*) OVER (PARTITION BY service) AS r FROM flow ORDER BY flow LIMIT 5
SELECT flow, count(service) OVER (PARTITION BY protocol) AS r FROM flow ORDER BY flow LIMIT 5
SELECT flow, lag(packets) OVER (ORDER BY flow) AS r FROM flow ORDER BY flow LIMIT 5
SELECT flow, lag(packets, 2) OVER (ORDER BY flow) AS r FROM flow ORDER BY flow LIMIT 5
SELECT flow, lead(packets) OVER (ORDER BY flow) AS r FROM flow ORDER BY flow LIMIT 5
SELECT flow, max(packets) OVER (PARTITION BY src_ip, protocol) AS r FROM flow ORDER BY flow LIMIT 5
SELECT flow, min(packets) OVER (PARTITION BY src_ip) + 1 AS r FROM flow WHERE protocol = 6 ORDER BY flow LIMIT 5
SELECT flow, packets * 100.0 / sum(packets) OVER () AS r FROM flow ORDER BY flow LIMIT 5
SELECT flow, packets FROM flow ORDER BY 2 DESC, 1 LIMIT 3
SELECT flow, packets FROM flow ORDER BY wire_bytes DESC, flow LIMIT 5
SELECT flow, row_number() OVER () AS r FROM flow ORDER BY flow LIMIT 2
SELECT flow, row_number() OVER (ORDER BY flow) - 10 AS r FROM flow ORDER BY flow LIMIT 3
SELECT flow, row_number() OVER (PARTITION BY service ORDER BY flow) AS r FROM flow ORDER BY flow LIMIT 5
SELECT flow, row_number() OVER (PARTITION BY src_ip ORDER BY flow) AS r FROM flow ORDER BY flow LIMIT 5
SELECT flow, sum(packets) OVER (PARTITION BY src_ip) AS r FROM flow ORDER BY flow LIMIT 5
SELECT flow, wire_bytes AS packets FROM flow ORDER BY packets + 1 DESC, flow LIMIT 5
SELECT flow, wire_bytes AS packets FROM flow ORDER BY packets DESC, flow LIMIT 3
SELECT flow, wire_bytes AS packets FROM flow ORDER BY packets DESC, flow LIMIT 5
SELECT greatest(src_port, NULL) AS a, least(dst_port, 5, NULL) AS b FROM flow ORDER BY flow LIMIT 3
SELECT greatest(src_port, dst_port) AS a, least(src_port, dst_port) AS b FROM flow ORDER BY flow LIMIT 5
SELECT if(packets > 1, 'a', 'b') AS a FROM flow ORDER BY flow LIMIT 5
SELECT length(src_ip) AS a, upper(service) AS b, lower(protocol_name) AS c FROM flow ORDER BY flow LIMIT 5
SELECT length(src_ip) AS l, count(*) AS n FROM flow GROUP BY length(src_ip) ORDER BY l
SELECT log10(packets) AS a, ln(packets) AS b, sqrt(packets) AS c FROM flow ORDER BY flow LIMIT 5
SELECT max(extract(doy FROM ts))*1000 AS d FROM flow
SELECT max(flow) FROM flow WHERE flow < 0
SELECT max(p.payload_bytes) - max(f.payload_bytes) AS d FROM flow f JOIN packet p ON p.flow = f.flow
SELECT max(packets) > 5 AS a FROM flow
SELECT median(packets) AS a, median(duration_ns) AS b, stddev(duration_ns) AS c FROM flow
SELECT min(service) AS a, max(src_ip) AS b FROM flow
SELECT mod(packets, 3) AS a, mod(-packets, 3) AS b, packets % -3 AS c FROM flow ORDER BY flow LIMIT 3
SELECT nullif(packets, 1) AS a FROM flow ORDER BY flow LIMIT 5
SELECT p.payload_bytes AS a, f.payload_bytes AS b FROM packet p JOIN flow f ON p.flow = f.flow ORDER BY f.payload_bytes DESC, p.payload_bytes, p.packet LIMIT 4
SELECT p.payload_bytes AS a, f.payload_bytes AS b FROM packet p JOIN flow f ON p.flow = f.flow ORDER BY p.packet LIMIT 4
SELECT p.payload_bytes AS q, count(*) AS b FROM flow f JOIN packet p ON p.flow = f.flow GROUP BY p.payload_bytes ORDER BY b DESC, q LIMIT 4
SELECT p.payload_bytes AS q, count(*) AS b FROM packet p JOIN flow f ON p.flow = f.flow GROUP BY p.payload_bytes ORDER BY b DESC, q LIMIT 4
SELECT packets % 2 AS odd, count(*) AS n FROM flow GROUP BY packets % 2 ORDER BY odd
SELECT packets % 3 AS x FROM flow ORDER BY flow LIMIT 3
SELECT packets * 1.5 AS x FROM flow ORDER BY flow LIMIT 3
SELECT packets / 2 AS x FROM flow ORDER BY flow LIMIT 3
SELECT packets BETWEEN 2 AND 3 AS a, count(*) FROM flow GROUP BY 1 ORDER BY 1
SELECT packets::DOUBLE / 3 AS a FROM flow ORDER BY flow LIMIT 5
SELECT pow(packets, 2) AS a FROM flow ORDER BY flow LIMIT 3
SELECT protocol + 1 AS p, count(*) AS n FROM flow GROUP BY protocol + 1 ORDER BY p
SELECT protocol + 1, count(*) FROM flow GROUP BY protocol + 1 ORDER BY 1
SELECT protocol = 6 AS t, count(*) AS n FROM flow GROUP BY t ORDER BY t
SELECT protocol FROM flow GROUP BY protocol HAVING count(*) - 500 > 0 ORDER BY protocol
SELECT protocol, CASE WHEN protocol=6 THEN sum(packets) ELSE 0 END AS x FROM flow GROUP BY protocol ORDER BY protocol
SELECT protocol, avg(packets) AS a, sum(packets) AS s, min(packets) AS l, max(packets) AS m FROM flow GROUP BY protocol ORDER BY protocol
SELECT protocol, avg(packets) AS b, var_samp(packets) AS c FROM flow GROUP BY protocol ORDER BY protocol
SELECT protocol, corr(packets, wire_bytes) AS m FROM flow GROUP BY protocol ORDER BY protocol
SELECT protocol, count(*) + protocol AS x FROM flow GROUP BY protocol ORDER BY protocol
SELECT protocol, count(*) AS n FROM flow GROUP BY protocol HAVING count(*) > protocol ORDER BY protocol
SELECT protocol, count(*) AS n FROM flow GROUP BY protocol ORDER BY n DESC
SELECT protocol, count(*) AS n, sum(packets) AS s FROM flow GROUP BY protocol HAVING s > n * 2 ORDER BY protocol
SELECT protocol, count(*) FILTER (WHERE packets > 2) AS u FROM flow GROUP BY protocol ORDER BY protocol
SELECT protocol, count(DISTINCT src_ip) AS n FROM flow GROUP BY protocol ORDER BY protocol
SELECT protocol, covar_pop(packets, wire_bytes) AS m FROM flow GROUP BY protocol ORDER BY protocol
SELECT protocol, covar_samp(packets, wire_bytes) AS m FROM flow GROUP BY protocol ORDER BY protocol
SELECT protocol, first(src_ip) AS n FROM flow GROUP BY protocol ORDER BY protocol
SELECT protocol, median(packets) AS m FROM flow GROUP BY ALL ORDER BY protocol
SELECT protocol, min(packets) + max(packets) AS x, 2 * avg(packets) AS y FROM flow GROUP BY protocol ORDER BY x
SELECT protocol, quantile_cont(packets, 0.5) AS m FROM flow GROUP BY ALL ORDER BY protocol
SELECT protocol, quantile_cont(packets, 0.5) AS m FROM flow GROUP BY protocol ORDER BY protocol
SELECT protocol, quantile_cont(packets, 0.9) AS m FROM flow GROUP BY protocol ORDER BY protocol
SELECT protocol, quantile_disc(packets, 0.5) AS m FROM flow GROUP BY protocol ORDER BY protocol
SELECT protocol, quantile_disc(packets, 0.9) AS m FROM flow GROUP BY protocol ORDER BY protocol
SELECT protocol, src_ip, count(*) AS n FROM flow GROUP BY 1, 2 ORDER BY 3 DESC, 2 LIMIT 3
SELECT protocol, stddev(packets) AS m FROM flow GROUP BY protocol ORDER BY protocol
SELECT protocol, stddev_samp(packets) AS m, variance(packets) AS v FROM flow GROUP BY protocol ORDER BY protocol
SELECT protocol, sum(packets)/protocol AS x FROM flow GROUP BY protocol ORDER BY protocol
SELECT protocol, sum(wire_bytes) / count(*) AS a FROM flow GROUP BY protocol ORDER BY protocol
SELECT quantile_disc(packets, 0.25) AS a, quantile_cont(packets, 0.25) AS b, quantile_disc(packets, 0.99) AS c FROM flow
SELECT replace(src_ip, '.', '-') AS a FROM flow ORDER BY flow LIMIT 5
SELECT reverse(src_ip) AS a, trim(src_ip) AS b FROM flow ORDER BY flow LIMIT 3
SELECT round(2.5) AS a, round(3.5) AS b, round(-2.5) AS c, round(0.125, 2) AS d, round(2.675, 2) AS e
SELECT round(avg(packets), 2) AS a FROM flow
SELECT round(packets / 3.0) AS d, count(*) AS n FROM flow GROUP BY d ORDER BY d LIMIT 3
SELECT round(packets / 3.0) AS d, count(*) AS n FROM flow GROUP BY round(packets / 3.0) ORDER BY d LIMIT 3
SELECT round(packets / 3.0) AS d, sum(wire_bytes) AS n FROM flow GROUP BY 1 ORDER BY sum(wire_bytes) DESC LIMIT 3
SELECT round(payload_mean_bytes) AS a FROM flow WHERE payload_mean_bytes IS NOT NULL ORDER BY flow LIMIT 5
SELECT service FROM flow GROUP BY service ORDER BY service
SELECT service FROM flow GROUP BY service ORDER BY service DESC
SELECT service FROM flow GROUP BY service ORDER BY service NULLS FIRST
SELECT service IS NULL AS none, count(*) AS n FROM flow GROUP BY service IS NULL ORDER BY none
SELECT service, count(*) AS n FROM flow GROUP BY service HAVING service IS NOT NULL ORDER BY n
SELECT sign(-2.5) AS a, abs(-3) AS b, floor(-1.5) AS c, ceil(-1.5) AS d
SELECT sign(packets - 5) AS a FROM flow ORDER BY flow LIMIT 3
SELECT split_part(src_ip, '.', 1) AS a FROM flow ORDER BY flow LIMIT 5
SELECT split_part(src_ip, '.', 9) AS a, split_part(src_ip, '.', -1) AS b FROM flow ORDER BY flow LIMIT 2
SELECT src_ip AS host, protocol FROM flow GROUP BY src_ip, protocol ORDER BY count(*) DESC, host LIMIT 3
SELECT src_ip AS ip FROM flow UNION SELECT dst_ip FROM flow ORDER BY ip LIMIT 3
SELECT src_ip FROM flow EXCEPT SELECT dst_ip FROM flow ORDER BY 1
SELECT src_ip FROM flow GROUP BY src_ip ORDER BY count(*) DESC, src_ip LIMIT 3
SELECT src_ip FROM flow GROUP BY src_ip ORDER BY max(packets) DESC, 1 LIMIT 3
SELECT src_ip FROM flow GROUP BY src_ip ORDER BY sum(wire_bytes) DESC LIMIT 3
SELECT src_ip FROM flow INTERSECT SELECT dst_ip FROM flow ORDER BY 1
SELECT src_ip FROM flow UNION ALL SELECT dst_ip FROM flow ORDER BY 1 LIMIT 4
SELECT src_ip FROM flow UNION SELECT dst_ip FROM flow ORDER BY 1 LIMIT 4
SELECT src_ip FROM flow WHERE src_ip NOT IN (SELECT dst_ip FROM flow) GROUP BY src_ip ORDER BY src_ip
SELECT src_ip || ':' || dst_ip AS a FROM flow ORDER BY flow LIMIT 5
SELECT src_ip, count(*) AS n FROM flow GROUP BY src_ip HAVING count(*) > 100 ORDER BY n DESC
SELECT src_ip, count(*) AS n FROM flow GROUP BY src_ip HAVING max(packets) > 10 ORDER BY n DESC, src_ip
SELECT src_ip, count(*) AS n FROM flow GROUP BY src_ip HAVING n > 100 ORDER BY n DESC
SELECT src_ip, count(*) FROM flow GROUP BY src_ip ORDER BY count(*) DESC, src_ip LIMIT 3
SELECT src_ip, count(*) FROM flow WHERE ts >= '2000-01-01' GROUP BY src_ip HAVING count(*) > 5 AND sum(packets) > 10 ORDER BY 2 DESC, 1 LIMIT 3
SELECT src_ip, dst_port, count(*) AS n FROM flow GROUP BY ALL ORDER BY n DESC, src_ip, dst_port LIMIT 5
SELECT src_ip, max(packets) AS packets FROM flow GROUP BY src_ip ORDER BY packets DESC, src_ip LIMIT 5
SELECT src_ip, protocol, protocol * 2 + count(*) AS x FROM flow GROUP BY src_ip, protocol ORDER BY x DESC, src_ip LIMIT 3
SELECT src_ip, sum(packets) FILTER (WHERE protocol = 17) AS u FROM flow GROUP BY src_ip ORDER BY u DESC, src_ip LIMIT 4
SELECT src_ip, sum(wire_bytes) AS packets FROM flow GROUP BY src_ip ORDER BY packets DESC, src_ip LIMIT 5
SELECT src_port + dst_port AS x FROM flow ORDER BY flow LIMIT 3
SELECT src_port > dst_port AS b, count(*) AS n FROM flow GROUP BY b ORDER BY b
SELECT strftime(ts, '%Y') AS y FROM flow LIMIT 1
SELECT strftime(ts, '%Y-%m-%d %H:%M %j %a %b') AS a FROM flow ORDER BY flow LIMIT 2
SELECT strftime(ts, '%Y-%m-%d %H:%M:%S') AS a FROM flow ORDER BY flow LIMIT 2
SELECT string_agg(DISTINCT service, ',') AS a FROM flow
SELECT string_agg(protocol_name, ',') AS a FROM flow WHERE flow < 12
SELECT substr(src_ip, 1, 2) AS a, substring(src_ip, 4, 2) AS b, left(src_ip, 3) AS c, right(src_ip, 2) AS d FROM flow ORDER BY flow LIMIT 5
SELECT sum(CASE WHEN protocol = 6 THEN 1 ELSE 0 END) AS t FROM flow
SELECT sum(a) FROM (SELECT packets AS a FROM flow WHERE protocol = 6 UNION ALL SELECT packets FROM flow WHERE protocol = 17)
SELECT sum(d.packet) AS z FROM packet p JOIN flow f ON p.flow = f.flow JOIN dns d ON d.flow = f.flow
SELECT sum(dst_port) FROM flow
SELECT sum(p.payload_bytes) AS a, sum(f.payload_bytes) AS b FROM flow f JOIN packet p ON f.flow = p.flow
SELECT sum(packets) FILTER (WHERE protocol = 6) AS t FROM flow
SELECT sum(packets) FROM flow WHERE flow < 0
SELECT sum(src_port * dst_port) FROM flow
SELECT t.n FROM (SELECT count(*) AS n FROM flow) t
SELECT true AND NULL AS a, false AND NULL AS b, true OR NULL AS c
SELECT ts + INTERVAL '1 hour' AS a FROM flow ORDER BY flow LIMIT 1
SELECT ts + INTERVAL '1 hour' AS e FROM flow ORDER BY flow LIMIT 1
SELECT upper(service) AS s, count(*) AS n FROM flow GROUP BY service ORDER BY s
SELECT wire_bytes / 0 AS x FROM flow LIMIT 1
WITH a AS (SELECT src_ip, count(*) AS n FROM flow GROUP BY src_ip) SELECT max(n) FROM a
WITH a AS (SELECT src_ip, count(*) AS n FROM flow GROUP BY src_ip), b AS (SELECT * FROM a WHERE n > 10) SELECT count(*) FROM b
WITH f AS (SELECT * FROM flow WHERE packets > 10) SELECT count(*) FROM f
WITH g AS (SELECT protocol, count(*) AS n FROM flow GROUP BY protocol) SELECT protocol, n * 100.0 / sum(n) OVER () AS share FROM g ORDER BY protocol
