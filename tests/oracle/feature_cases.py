"""Packets made up for the columns of feature sets, with values that were calculated by hand.

Not a script of its own: `feature_oracle.py --self-test` compares the calculation with the values, and with a netcap
program the same packets are decoded and compared as a capture, too. A case says only what it is about.
"""

from __future__ import annotations

import math
import struct

from feature_columns import FIXED, FORK, NETFLOW
from flow_cases import A6, B6, RAW, RICHEST_PACKETS, A, B, Case, datagrams, talk
from flow_made import SECOND, dns, icmp, ipv4, ipv6, ipv6_fragment, tcp, udp

CASES: list[Case] = []


def case(name: str, packets: list[tuple[float, bytes]], **expected: list[dict]) -> None:
    """Adds a case; packets as (seconds, bytes), sets as `fixed`, `fork`, `netflow`."""
    names = {"fixed": FIXED, "fork": FORK, "netflow": NETFLOW}
    made = [(round(time * SECOND), len(data), data) for time, data in packets]
    CASES.append(Case(name, made, {names[one]: rows for one, rows in expected.items()}, RAW))


def all_of(prefix: str, names: str, value: object) -> dict:
    """Several columns with one value."""
    return {f"{prefix}_{name}": value for name in names.split()}


# -- a connection with everything -----------------------------------------------------------------------------------

WITHOUT_UNDEFINED = dict(
    src_ip=A, src_port=40000, dst_ip=B, timestamp=0, dst_port=80, protocol=6, flow_duration=1_050_000.0,
    total_fwd_packet=5, total_bwd_packets=5, total_length_of_fwd_packet=100, total_length_of_bwd_packet=200,
    fwd_packet_length_max=100, fwd_packet_length_min=0, fwd_packet_length_mean=20.0,
    fwd_packet_length_std=math.sqrt(2000), bwd_packet_length_max=200, bwd_packet_length_min=0,
    bwd_packet_length_mean=40.0, bwd_packet_length_std=math.sqrt(8000), flow_bytes_per_s=300 / 1.05,
    flow_packets_per_s=10 / 1.05, flow_iat_mean=1_050_000 / 9, flow_iat_max=1_000_000.0, flow_iat_min=1000.0,
    fwd_iat_total=1_042_000.0, fwd_iat_mean=260_500.0, fwd_iat_std=math.sqrt(731251 / 3) * 1000,
    fwd_iat_max=1_001_000.0, fwd_iat_min=5000.0, bwd_iat_total=1_040_000.0, bwd_iat_mean=260_000.0,
    bwd_iat_max=1_001_000.0, bwd_iat_min=9000.0, fwd_psh_flags=1, bwd_psh_flags=1, fwd_urg_flags=0, bwd_urg_flags=0,
    fwd_rst_flags=0, bwd_rst_flags=0, fwd_header_length=108, bwd_header_length=108, fwd_packets_per_s=5 / 1.05,
    bwd_packets_per_s=5 / 1.05, packet_length_min=0, packet_length_max=200, packet_length_mean=30.0,
    packet_length_std=math.sqrt(41000 / 9), packet_length_variance=41000 / 9, fin_flag_count=2, syn_flag_count=2,
    rst_flag_count=0, psh_flag_count=2, ack_flag_count=9, urg_flag_count=0, cwr_flag_count=0, ece_flag_count=0,
    down_up_ratio=1.0, average_packet_size=30.0, fwd_segment_size_avg=20.0, bwd_segment_size_avg=40.0,
    fwd_init_win_bytes=64240, bwd_init_win_bytes=65160, fwd_act_data_pkts=1, bwd_act_data_pkts=1,
    fwd_seg_size_min=20, fwd_tcp_retrans_count=0, bwd_tcp_retrans_count=0, total_tcp_retrans_count=0,
)  # fmt: skip
BULK = "bytes_per_bulk_avg packets_per_bulk_avg bulk_rate_avg"
SUBFLOW = "fwd_packets fwd_bytes bwd_packets bwd_bytes"
FOUR = "mean std max min"
case(
    "a TCP connection",
    RICHEST_PACKETS,
    fixed=[
        WITHOUT_UNDEFINED
        | all_of("fwd", BULK, None)
        | all_of("bwd", BULK, None)
        | all_of("idle", FOUR, None)
        | all_of("active", "mean max min", 1_050_000.0)
        | dict(subflow_fwd_packets=5.0, subflow_fwd_bytes=100.0, subflow_bwd_packets=5.0, subflow_bwd_bytes=200.0,
               bwd_seg_size_min=20, active_std=None, icmp_code=None, icmp_type=None,
               total_connection_flow_time=1_050_000.0, fwd_hdr_len_min=20, bwd_hdr_len_min=20)
    ],
    fork=[
        WITHOUT_UNDEFINED
        | all_of("fwd", BULK, 0.0)
        | all_of("bwd", BULK, 0.0)
        | all_of("idle", FOUR, 0.0)
        | all_of("active", FOUR, 0.0)
        | all_of("subflow", SUBFLOW, 0.0)
        | dict(bwd_seg_size_min=0, icmp_code=-1, icmp_type=-1)
    ],
    netflow=[
        dict(ipv4_src_addr=A, l4_src_port=40000, ipv4_dst_addr=B, flow_start_milliseconds=0,
             flow_end_milliseconds=1050, l4_dst_port=80, protocol=6, l7_proto=None, in_bytes=308, out_bytes=408,
             in_pkts=5, out_pkts=5, tcp_flags=27, flow_duration_milliseconds=1050.0, client_tcp_flags=27,
             server_tcp_flags=27, duration_in=1042.0, duration_out=1040.0, min_ttl=64, max_ttl=64,
             longest_flow_pkt=240, shortest_flow_pkt=40, min_ip_pkt_len=40, max_ip_pkt_len=240,
             src_to_dst_second_bytes=308 / 1.05, dst_to_src_second_bytes=408 / 1.05, retransmitted_in_bytes=0,
             retransmitted_in_pkts=0, retransmitted_out_bytes=0, retransmitted_out_pkts=0,
             src_to_dst_avg_throughput=2464 / 1.05, dst_to_src_avg_throughput=3264 / 1.05, num_pkts_up_to_128_bytes=8,
             num_pkts_128_to_256_bytes=2, num_pkts_256_to_512_bytes=0, num_pkts_512_to_1024_bytes=0,
             num_pkts_1024_to_1514_bytes=0, tcp_win_max_in=64240, tcp_win_max_out=65160, icmp_type=None,
             icmp_ipv4_type=None, dns_query_id=None, dns_query_type=None, dns_ttl_answer=None,
             ftp_command_ret_code=None, src_to_dst_iat_min=5.0, src_to_dst_iat_max=1001.0, src_to_dst_iat_avg=260.5,
             src_to_dst_iat_stddev=math.sqrt(731251 / 3), dst_to_src_iat_min=9.0, dst_to_src_iat_max=1001.0,
             dst_to_src_iat_avg=260.0)
    ],
)  # fmt: skip

# -- what is undefined ----------------------------------------------------------------------------------------------

case(
    "one packet",
    [(2, ipv4(A, B, 17, udp((5, 6), 7)))],
    fixed=[
        dict(src_port=5, flow_duration=0.0, total_bwd_packets=0, total_length_of_bwd_packet=0,
             fwd_packet_length_std=None, packet_length_std=None, packet_length_variance=None,
             packet_length_mean=7.0, flow_bytes_per_s=None,
             flow_packets_per_s=None, fwd_packets_per_s=None, bwd_packets_per_s=None, fwd_iat_total=0.0,
             bwd_iat_total=None, fwd_header_length=8, bwd_header_length=0, down_up_ratio=0.0,
             fwd_segment_size_avg=7.0, bwd_segment_size_avg=None, subflow_fwd_packets=1.0, subflow_bwd_bytes=0.0,
             fwd_init_win_bytes=None, fwd_tcp_retrans_count=None, total_tcp_retrans_count=None, fwd_seg_size_min=8,
             bwd_seg_size_min=None, fwd_hdr_len_min=8, fwd_act_data_pkts=1, fin_flag_count=0)
        | all_of("bwd_packet_length", FOUR, None)
        | all_of("flow_iat", FOUR, None)
        | all_of("fwd_iat", FOUR, None)
        | all_of("active", FOUR, None)
    ],
    fork=[
        dict(packet_length_std=0.0, packet_length_variance=0.0, flow_bytes_per_s=-1.0, flow_packets_per_s=-1.0,
             fwd_packets_per_s=0.0, bwd_packets_per_s=0.0, fwd_iat_total=0.0, bwd_iat_total=0.0, flow_iat_mean=0.0,
             bwd_packet_length_max=0, bwd_packet_length_mean=0.0, fwd_init_win_bytes=0, fwd_tcp_retrans_count=0,
             down_up_ratio=0.0, fwd_seg_size_min=8, bwd_seg_size_min=0)
    ],
    netflow=[
        dict(flow_start_milliseconds=2000, flow_end_milliseconds=2000, flow_duration_milliseconds=0.0, tcp_flags=0,
             duration_in=0.0, duration_out=None, src_to_dst_second_bytes=None, dst_to_src_avg_throughput=None,
             retransmitted_in_pkts=None, tcp_win_max_in=None, src_to_dst_iat_min=None)
    ],
)  # fmt: skip
case(
    "only the responder sent packets",
    datagrams((0, "B", 3), (2, "B", 5), ports=(2000, 53)),
    fixed=[
        dict(src_ip=A, total_fwd_packet=0, total_bwd_packets=2, down_up_ratio=None, fwd_iat_total=None,
             bwd_iat_total=2_000_000.0, fwd_packets_per_s=0.0, bwd_packets_per_s=1.0, subflow_fwd_packets=0.0,
             subflow_bwd_packets=1.0, fwd_packet_length_mean=None, fwd_header_length=0, fwd_hdr_len_min=None)
    ],
    netflow=[dict(in_pkts=0, in_bytes=0, duration_in=None, src_to_dst_second_bytes=0.0, dst_to_src_second_bytes=32.0)],
)  # fmt: skip
case(
    "TCP of which one side sent nothing",
    talk((0, "A", "S", dict(seq=1)), (1, "A", "S", dict(seq=1)), ports=(2000, 53)),
    fixed=[
        dict(bwd_init_win_bytes=None, fwd_tcp_retrans_count=1, bwd_tcp_retrans_count=0, total_tcp_retrans_count=1)
    ],
    netflow=[
        dict(retransmitted_in_pkts=1, retransmitted_out_pkts=0, retransmitted_out_bytes=0, tcp_win_max_out=None,
             server_tcp_flags=0)
    ],
)  # fmt: skip

# -- protocols ------------------------------------------------------------------------------------------------------

LENGTHS = dict(
    fwd_header_length=0, fwd_act_data_pkts=0, fwd_seg_size_min=0, average_packet_size=0.0, packet_length_max=0
)
case(
    "protocols without ports, and with ports that the fork does not know",
    [
        (0, ipv4(A, B, 132, struct.pack("!HHII", 5000, 6000, 0, 0) + bytes(16))),
        (0.5, ipv4(A, B, 132, struct.pack("!HHII", 5000, 6000, 0, 0) + bytes(16))),
        (1, ipv4(A, B, 50, bytes(40))),
        (2, ipv4(A, B, 2, bytes(8))),
        (3, ipv4(A, B, 17, b"\0\1")),
        (4, ipv4(A, B, 6, tcp((1, 9), "S")[:12] + b"\x40\x02" + bytes(20))),
    ],
    fixed=[
        dict(src_port=5000, dst_port=6000, protocol=132, fwd_header_length=24, packet_length_max=16,
             fwd_act_data_pkts=2, flow_bytes_per_s=64.0, fwd_init_win_bytes=None, fwd_tcp_retrans_count=None),
        dict(src_port=None, dst_port=None, protocol=50, fwd_header_length=0, packet_length_max=40,
             fwd_seg_size_min=None),
        dict(src_port=None, protocol=2, packet_length_max=8),
        dict(src_port=None, dst_port=None, protocol=17, packet_length_max=2, fwd_header_length=0),
        dict(src_port=1, dst_port=9, protocol=6, fwd_init_win_bytes=None, syn_flag_count=0, packet_length_max=34,
             fwd_tcp_retrans_count=0),
    ],
    fork=[
        LENGTHS | dict(src_port=0, dst_port=0, protocol=132, flow_bytes_per_s=0.0, flow_packets_per_s=4.0),
        LENGTHS | dict(src_port=0, protocol=0, flow_bytes_per_s=-1.0),
        LENGTHS | dict(dst_port=0, protocol=2),
        dict(src_port=0, dst_port=0, protocol=17, packet_length_max=2, fwd_seg_size_min=0),
        dict(src_port=1, dst_port=9, fwd_init_win_bytes=0, packet_length_max=34, fwd_seg_size_min=0),
    ],
    netflow=[
        dict(l4_src_port=5000, l4_dst_port=6000),
        dict(l4_src_port=0, l4_dst_port=0),
        dict(l4_src_port=0, protocol=2),
        dict(l4_src_port=0, l4_dst_port=0, protocol=17),
        dict(l4_src_port=1, tcp_flags=0, tcp_win_max_in=None, retransmitted_in_pkts=0),
    ],
)  # fmt: skip
case(
    "ICMP",
    [
        (0, ipv4(A, B, 1, icmp(3, 1, 0, 28))),
        (1, ipv4(A, B, 1, icmp(8, 0, 77, 56))),
        (2, ipv4(B, A, 1, icmp(0, 0, 77, 56))),
        (3, ipv6(A6, B6, 58, icmp(135, 0, 0, 16))),
    ],
    fixed=[
        dict(icmp_type=3, icmp_code=1, fwd_header_length=8, packet_length_max=28),
        dict(icmp_type=8, icmp_code=0, total_bwd_packets=1),
        dict(icmp_type=135, icmp_code=0, packet_length_max=16),
    ],
    fork=[
        LENGTHS | dict(protocol=1, icmp_type=3, icmp_code=1),
        dict(protocol=1, icmp_type=8, icmp_code=0),
        dict(protocol=0, icmp_type=-1, icmp_code=-1),
    ],
    netflow=[
        dict(icmp_type=3 * 256 + 1, icmp_ipv4_type=3, l4_dst_port=0),
        dict(icmp_type=2048, icmp_ipv4_type=8, out_bytes=84),
        dict(icmp_type=135 * 256, icmp_ipv4_type=135),
    ],
)
case(
    "ICMP of which the code was cut off",
    [(0, ipv4(A, B, 1, b"\x08"))],
    fork=[dict(icmp_type=-1, icmp_code=-1)],
)
case(
    "the length of UDP is less than that of IP; fragments",
    [
        (0, ipv4(A, B, 17, udp((1, 5), 20, length=18))),
        (1, ipv6(A6, B6, 44, ipv6_fragment(17, 0, True, 9, udp((1, 2), 16, length=100)))),
        (2, ipv6(A6, B6, 44, ipv6_fragment(17, 3, False, 9, bytes(76)))),
    ],
    fixed=[
        dict(packet_length_max=10, fwd_header_length=8),
        dict(total_fwd_packet=2, fwd_header_length=8, fwd_hdr_len_min=8, packet_length_max=76, fwd_act_data_pkts=2),
    ],
    fork=[dict(packet_length_max=10, fwd_header_length=8), dict(total_fwd_packet=1, packet_length_max=16)],
)
case(
    "DNS",
    [
        (0, ipv4(A, B, 17, udp((5000, 53), dns(100, 28)))),
        (1, ipv4(B, A, 17, udp((53, 5000), dns(100, 28, 300)))),
    ],
    netflow=[dict(dns_query_id=100, dns_query_type=28, dns_ttl_answer=300)],
)

# -- sizes ----------------------------------------------------------------------------------------------------------

case(
    "classes of sizes, and times to live",
    [
        (at, ipv4(*((B, A) if ttl == 60 else (A, B)), 17, udp((3000, 3000), size - 28), ttl=ttl))
        for at, (size, ttl) in enumerate(
            [(128, 64), (129, 63), (256, 65), (257, 64), (512, 64), (513, 64), (1024, 64), (1025, 64), (1514, 64),
             (1515, 60)])
    ],
    netflow=[
        dict(num_pkts_up_to_128_bytes=1, num_pkts_128_to_256_bytes=2, num_pkts_256_to_512_bytes=2,
             num_pkts_512_to_1024_bytes=2, num_pkts_1024_to_1514_bytes=2, min_ttl=60, max_ttl=65, out_bytes=1515,
             longest_flow_pkt=1515, shortest_flow_pkt=128, src_to_dst_second_bytes=5358 / 9,
             dst_to_src_avg_throughput=1515 * 8 / 9)
    ],
)  # fmt: skip

# -- times ----------------------------------------------------------------------------------------------------------

case(
    "fractions of a microsecond",
    datagrams((1.000000001, "A", 1), (1.000000501, "B", 1), (1.002000502, "A", 1)),
    fixed=[
        dict(timestamp=1_000_000, flow_duration=2000.501, flow_iat_min=0.5, flow_iat_max=2000.001,
             flow_bytes_per_s=3 / 0.002000501, fwd_iat_total=2000.501, bwd_iat_total=0.0, active_max=2000.501)
    ],
    fork=[dict(timestamp=1_000_000, flow_duration=2000.501, flow_iat_min=0.5, flow_packets_per_s=3 / 0.002000501)],
    netflow=[
        dict(flow_start_milliseconds=1000, flow_end_milliseconds=1002, flow_duration_milliseconds=2.000501,
             src_to_dst_iat_max=2.000501, src_to_dst_iat_stddev=None)
    ],
)  # fmt: skip
case(
    "packets captured after later ones",
    datagrams((10, "A", 1), (12, "B", 1), (9, "A", 1), (11, "B", 1), (13, "A", 1)),
    fixed=[
        dict(timestamp=9_000_000, flow_duration=4e6, flow_iat_mean=1.5e6, fwd_iat_total=4e6, fwd_iat_max=3e6,
             bwd_iat_total=1e6, bwd_iat_mean=None, fwd_iat_std=None, active_max=3e6, subflow_fwd_packets=1.5)
    ],
    fork=[dict(flow_duration=4e6, fwd_iat_total=4e6, fwd_iat_mean=3e6, bwd_iat_total=1e6, subflow_fwd_packets=3.0)],
    netflow=[dict(flow_start_milliseconds=9000, flow_end_milliseconds=13000, duration_in=4000.0, duration_out=1000.0)],
)  # fmt: skip
case(
    "bursts and gaps",
    datagrams((0, "A", 2), (1, "A", 2), (7, "A", 2), (12, "A", 2), (18, "A", 2), (24, "A", 2), (25.5, "A", 2)),
    fixed=[
        dict(subflow_fwd_packets=7 / 6, subflow_fwd_bytes=14 / 6, active_mean=2.5e6, active_max=5e6, active_min=1e6,
             idle_mean=6e6, idle_std=0.0, idle_min=6e6, active_std=math.sqrt(19 / 4) * 1e6)
    ],
    fork=[
        dict(subflow_fwd_packets=7 / 5, subflow_fwd_bytes=14 / 5, subflow_bwd_packets=0.0, active_mean=3e6,
             active_std=math.sqrt(8) * 1e6, active_max=5e6, active_min=1e6, idle_max=6e6)
    ],
)  # fmt: skip
case(
    "bulk, also of no duration",
    datagrams(
        *[(n, "A", 10) for n in range(4)],
        *[(10, "B", 20 + n) for n in range(5)],
        *[(20 + n / 2, "A", 30) for n in range(6)],
    ),
    fixed=[
        dict(fwd_bytes_per_bulk_avg=110.0, fwd_packets_per_bulk_avg=5.0, fwd_bulk_rate_avg=220 / 5.5,
             bwd_bytes_per_bulk_avg=110.0, bwd_packets_per_bulk_avg=5.0, bwd_bulk_rate_avg=None)
    ],
    fork=[dict(fwd_bulk_rate_avg=220 / 5.5, bwd_bytes_per_bulk_avg=110.0, bwd_bulk_rate_avg=0.0)],
)  # fmt: skip

# -- TCP ------------------------------------------------------------------------------------------------------------

OPTION = bytes.fromhex("020405b4")
case(
    "the fork looks at the flow's first packet",
    talk(
        (0, "B", "SA", dict(window=7, options=OPTION)),
        (1, "A", "A", dict(window=3)),
        (2, "B", "A", dict(window=0)),
        (3, "B", "A", dict(window=8)),
    ),
    fixed=[
        dict(src_ip=A, fwd_init_win_bytes=3, bwd_init_win_bytes=7, fwd_seg_size_min=20, bwd_seg_size_min=20)
    ],
    fork=[dict(src_ip=A, fwd_init_win_bytes=0, bwd_init_win_bytes=7, fwd_seg_size_min=0, bwd_seg_size_min=20)],
    netflow=[dict(tcp_win_max_in=3, tcp_win_max_out=8)],
)  # fmt: skip
case(
    "windows of zero",
    talk(
        (0, "A", "S", dict(window=9)),
        (1, "B", "SA", dict(window=0)),
        (2, "B", "A", dict(window=4)),
        (3, "A", "A", dict(window=70)),
    ),
    fixed=[dict(fwd_init_win_bytes=9, bwd_init_win_bytes=0)],
    fork=[dict(fwd_init_win_bytes=9, bwd_init_win_bytes=4)],
)
case(
    "retransmissions by sequence numbers, and by what repeats",
    talk(
        (0.0, "A", "A", dict(seq=1, ack=1, payload=10)),
        (0.1, "A", "A", dict(seq=1, ack=2, payload=10)),
        (0.2, "A", "A", dict(seq=11, ack=2)),
        (0.3, "A", "A", dict(seq=11, ack=2)),
        (0.4, "B", "A", dict(seq=1, ack=11, payload=5)),
        (0.5, "B", "PA", dict(seq=1, ack=11, payload=5)),
    ),
    fixed=[dict(fwd_tcp_retrans_count=1, bwd_tcp_retrans_count=1, total_tcp_retrans_count=2)],
    fork=[dict(fwd_tcp_retrans_count=1, bwd_tcp_retrans_count=1, total_tcp_retrans_count=2)],
    netflow=[dict(retransmitted_in_pkts=1, retransmitted_in_bytes=10, retransmitted_out_bytes=5)],
)
case(
    "flags",
    talk((0, "A", "SEC"), (1, "B", "RA"), (2, "B", "R"), (3, "A", "UPA"), (4, "B", "UPF")),
    fixed=[
        dict(fwd_psh_flags=1, bwd_psh_flags=1, fwd_urg_flags=1, bwd_urg_flags=1, fwd_rst_flags=0, bwd_rst_flags=2,
             rst_flag_count=2, syn_flag_count=1, ack_flag_count=2, cwr_flag_count=1, ece_flag_count=1, fin_flag_count=1)
    ],
    netflow=[dict(tcp_flags=255, client_tcp_flags=0xC2 | 0x38, server_tcp_flags=0x14 | 0x29)],
)  # fmt: skip

# -- parts of a connection ------------------------------------------------------------------------------------------

case(
    "a connection in parts",
    talk(*[(100.0 * n, "A", "A", dict(seq=n, payload=1)) for n in range(20)]),
    fixed=[dict(total_connection_flow_time=1700e6), dict(total_connection_flow_time=1900e6, flow_duration=100e6)],
    fork=[
        dict(flow_duration=100e6, total_connection_flow_time=200e6 * n - 100e6) for n in range(1, 11)
    ],
)  # fmt: skip
case(
    "the active time-out ends a flow that RST would not",
    talk((0, "A", "A"), (50, "B", "R"), (130, "A", "A"), (131, "A", "A")),
    fork=[
        dict(flow_duration=50e6, total_connection_flow_time=50e6),
        dict(flow_duration=1e6, total_connection_flow_time=131e6),
    ],
)
