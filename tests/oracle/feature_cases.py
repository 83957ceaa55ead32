"""Packets made up for the columns of feature sets, with values that were calculated by hand.

Not a script of its own: `feature_oracle.py --self-test` compares the calculation with the values, and with a netcap
program the same packets are decoded and compared as a capture, too. A case says only what it is about.
"""

from __future__ import annotations

import math
import struct

from feature_columns import FIXED, FORK, NETFLOW, PUBLISHED
from flow_cases import A6, B6, RAW, RICHEST_PACKETS, A, B, C, Case, datagrams, talk
from flow_made import SECOND, dns, icmp, ipv4, ipv6, ipv6_fragment, tcp, udp
from history_columns import HOST
from unsw_columns import UNSW

CASES: list[Case] = []


def case(name: str, packets: list[tuple[float, bytes]], **expected: list[dict]) -> None:
    """Adds a case; packets as (seconds, bytes), sets as `fixed`, `fork`, `published`, `netflow`, `host`, `unsw`."""
    names = {
        "fixed": FIXED, "fork": FORK, "published": PUBLISHED, "netflow": NETFLOW, "host": HOST, "unsw": UNSW,
    }  # fmt: skip
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
    # The responder's FIN is the end; its acknowledgment and the FIN of the initiator, seen first, are another flow.
    published=[
        dict(src_ip=A, src_port=40000, dst_ip=B, timestamp=0, dst_port=80, protocol=6, flow_duration=1_041_000.0,
             total_fwd_packet=4, total_bwd_packets=4, total_length_of_fwd_packet=100, total_length_of_bwd_packet=200,
             fwd_packet_length_max=100, fwd_packet_length_min=0, fwd_packet_length_mean=25.0,
             fwd_packet_length_std=50.0, bwd_packet_length_max=200, bwd_packet_length_min=0,
             bwd_packet_length_mean=50.0, bwd_packet_length_std=100.0, flow_bytes_per_s=300 / 1.041,
             flow_packets_per_s=8 / 1.041, flow_iat_mean=1_041_000 / 7, flow_iat_max=1_000_000.0, flow_iat_min=1000.0,
             fwd_iat_total=41_000.0, fwd_iat_mean=41_000 / 3, fwd_iat_max=21_000.0, fwd_iat_min=5000.0,
             bwd_iat_total=1_031_000.0, bwd_iat_mean=1_031_000 / 3, bwd_iat_max=1_001_000.0, bwd_iat_min=10_000.0,
             fwd_psh_flags=0, bwd_psh_flags=0, fwd_urg_flags=0, bwd_urg_flags=0, fwd_header_length=88,
             bwd_header_length=88, fwd_packets_per_s=4 / 1.041, bwd_packets_per_s=4 / 1.041, packet_length_min=0,
             packet_length_max=200, packet_length_mean=300 / 9, packet_length_std=math.sqrt(5000),
             packet_length_variance=5000.0, fin_flag_count=1, syn_flag_count=2, rst_flag_count=0, psh_flag_count=2,
             ack_flag_count=7, urg_flag_count=0, cwr_flag_count=0, ece_flag_count=0, down_up_ratio=1.0,
             average_packet_size=37.5, fwd_segment_size_avg=25.0, bwd_segment_size_avg=50.0, fwd_header_length_1=88,
             fwd_init_win_bytes=64240, bwd_init_win_bytes=510, fwd_act_data_pkts=1, fwd_seg_size_min=20)
        | all_of("fwd", BULK, 0.0)
        | all_of("bwd", BULK, 0.0)
        | all_of("subflow", SUBFLOW, 0.0)
        | all_of("active", FOUR, 0.0)
        | all_of("idle", FOUR, 0.0),
        dict(src_ip=A, timestamp=1_042_000, flow_duration=8000.0, total_fwd_packet=1, total_bwd_packets=1,
             fin_flag_count=1, fwd_init_win_bytes=501, bwd_init_win_bytes=510, packet_length_std=0.0),
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
    published=[],
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
    published=[
        dict(src_ip=B, src_port=53, total_fwd_packet=2, total_bwd_packets=0, packet_length_mean=11 / 3,
             packet_length_variance=4 / 3, average_packet_size=5.5, fwd_act_data_pkts=1, down_up_ratio=0.0,
             bwd_packet_length_min=0, bwd_init_win_bytes=0, subflow_fwd_packets=2.0, subflow_fwd_bytes=8.0)
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
    published=[
        LENGTHS
        | dict(src_port=0, dst_port=0, protocol=0, total_fwd_packet=4, flow_bytes_per_s=0.0, flow_packets_per_s=2.0)
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
    published=[LENGTHS | dict(protocol=0, total_fwd_packet=2, total_bwd_packets=1, down_up_ratio=0.0)],
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
    published=[
        dict(subflow_fwd_packets=1.0, subflow_fwd_bytes=2.0, subflow_bwd_packets=0.0, active_mean=3e6,
             active_std=math.sqrt(8) * 1e6, active_max=5e6, active_min=1e6, idle_max=6e6, idle_min=6e6)
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
    published=[
        all_of("fwd", BULK, 0.0)
        | dict(bwd_bytes_per_bulk_avg=110.0, bwd_packets_per_bulk_avg=5.0, bwd_bulk_rate_avg=60.0)
    ],
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
    published=[
        dict(total_fwd_packet=1, total_bwd_packets=1, rst_flag_count=1, cwr_flag_count=1, ece_flag_count=1),
        dict(src_ip=B, total_fwd_packet=2, total_bwd_packets=1, rst_flag_count=1, psh_flag_count=2, urg_flag_count=2,
             fin_flag_count=1, fwd_psh_flags=0, bwd_psh_flags=0, fwd_urg_flags=0, bwd_urg_flags=0),
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
    published=[dict(flow_duration=100e6, total_fwd_packet=2, fwd_act_data_pkts=1) for _ in range(10)],
)  # fmt: skip
case(
    "the active time-out ends a flow that RST would not",
    talk((0, "A", "A"), (50, "B", "R"), (130, "A", "A"), (131, "A", "A")),
    fork=[
        dict(flow_duration=50e6, total_connection_flow_time=50e6),
        dict(flow_duration=1e6, total_connection_flow_time=131e6),
    ],
)

# -- CICFlowMeter as published: which packets belong together ---------------------------------------------------------

case(
    "published: a second FIN of the forward side is dropped, one of the backward side is the end",
    talk(
        (0.0, "A", "S"),
        (1.0, "B", "SA"),
        (2.0, "A", "FA"),
        (3.0, "B", "A"),
        (3.5, "B", "PA", dict(payload=3, window=9)),
        (4.0, "A", "FA", dict(payload=50)),
        (5.0, "A", "A"),
        (6.0, "B", "FA", dict(window=8)),
        (7.0, "A", "A", dict(window=5)),
        (8.0, "A", "A"),
    ),
    published=[
        # With the dropped packet, no gap would be over a second.
        dict(total_fwd_packet=3, total_bwd_packets=4, fin_flag_count=2, flow_duration=6e6, flow_iat_max=1.5e6,
             subflow_fwd_packets=3.0, subflow_bwd_packets=4.0, packet_length_max=3, bwd_init_win_bytes=8,
             down_up_ratio=1.0),
        dict(src_ip=A, timestamp=7_000_000, total_fwd_packet=2, total_bwd_packets=0, fwd_init_win_bytes=5),
    ],
)  # fmt: skip
case(
    "published: the acknowledgments after a teardown are a flow, whose first packet is the forward one",
    talk((0, "A", "PA", dict(payload=1)), (1, "B", "FA"), (2, "B", "A"), (3, "A", "FA"), (4, "B", "A"), (5, "B", "FA")),
    published=[
        dict(src_ip=A, total_fwd_packet=1, total_bwd_packets=1, fin_flag_count=1),
        dict(src_ip=B, src_port=8080, total_fwd_packet=1, total_bwd_packets=1, fin_flag_count=1, timestamp=2_000_000),
        dict(src_ip=B, total_fwd_packet=2, fin_flag_count=1, timestamp=4_000_000),
    ],
)
case(
    "published: a FIN in the first packet is not noticed",
    talk((0, "A", "FA"), (1, "A", "FA"), (2, "A", "FA"), (3, "B", "A"), (4, "B", "FA"), (5, "B", "A")),
    published=[dict(total_fwd_packet=2, total_bwd_packets=2, fin_flag_count=3, flow_duration=4e6)],
)
case(
    "published: RST is the end at once, but not in the first packet",
    talk((0, "A", "R"), (1, "A", "A"), (2, "B", "RA"), (3, "B", "R"), (4, "A", "A"), (5, "A", "RA"), (6, "A", "S")),
    published=[
        dict(src_ip=A, total_fwd_packet=2, total_bwd_packets=1, rst_flag_count=2),
        dict(src_ip=B, total_fwd_packet=1, total_bwd_packets=2, rst_flag_count=2, timestamp=3_000_000),
    ],
)
case(
    "published: RST with FIN is FIN",
    talk(
        (0, "A", "S"),
        (1, "A", "FR"),
        (2, "B", "A"),
        (3, "A", "FR"),
        (4, "A", "R"),
        (5, "B", "A"),
        (6, "A", "A"),
        (7, "A", "FR"),
        (8, "B", "A"),
    ),
    published=[
        dict(src_ip=A, total_fwd_packet=3, total_bwd_packets=1, rst_flag_count=2, fin_flag_count=1),
        dict(src_ip=B, total_fwd_packet=1, total_bwd_packets=2, rst_flag_count=1, fin_flag_count=1),
    ],
)
case(
    "published: a SYN begins nothing, silence ends nothing",
    talk((0, "A", "S", dict(seq=1)), (1, "A", "FA"), (2, "B", "A"), (119, "A", "S", dict(seq=900)), (120, "B", "SA")),
    published=[dict(total_fwd_packet=3, total_bwd_packets=2, syn_flag_count=3, idle_max=117e6, flow_duration=120e6)],
)
case(
    "published: a part of a connection that the backward side begins",
    talk(
        (0, "A", "S", dict(window=7)),
        (1, "B", "SA"),
        (121, "B", "PA", dict(payload=5, window=77)),
        (122, "A", "A", dict(payload=7)),
        (123, "B", "A", dict(payload=2, window=78)),
        (124, "B", "FA", dict(window=79)),
    ),
    published=[
        dict(src_ip=A, total_fwd_packet=1, total_bwd_packets=1, fwd_init_win_bytes=7),
        dict(src_ip=A, src_port=40000, dst_ip=B, dst_port=8080, timestamp=121_000_000, total_fwd_packet=2,
             total_bwd_packets=2, total_length_of_fwd_packet=12, total_length_of_bwd_packet=2, fwd_psh_flags=1,
             fwd_init_win_bytes=77, bwd_init_win_bytes=79, fwd_act_data_pkts=1, average_packet_size=19 / 4,
             fwd_iat_total=1e6, bwd_iat_total=1e6),
    ],
)  # fmt: skip
case(
    "published: the time-out comes before FIN, and a part notices FINs anew",
    talk((0, "A", "A"), (1, "A", "FA"), (120, "A", "FA"), (121, "A", "FA"), (122, "A", "FA"), (123, "A", "FA"),
         (124, "B", "FA")),
    published=[
        dict(total_fwd_packet=2, total_bwd_packets=0, fin_flag_count=1, flow_duration=1e6),
        dict(timestamp=121_000_000, total_fwd_packet=2, total_bwd_packets=1, fin_flag_count=3),
    ],
)  # fmt: skip
case(
    "published: 120 s, over, in microseconds; a part after a long silence, and one of one packet",
    datagrams((0, "A", 1), (120.0000009, "B", 1), (120.000001, "B", 2), (400, "B", 3), (401, "A", 4), (402, "B", 5)),
    published=[
        dict(src_ip=A, total_fwd_packet=1, total_bwd_packets=1, flow_duration=120_000_000.9),
        dict(src_ip=A, src_port=40000, timestamp=400_000_000, total_fwd_packet=2, total_bwd_packets=1,
             total_length_of_fwd_packet=7),
    ],
)  # fmt: skip
case(
    "published: the time-out goes by the earliest packet",
    datagrams((10, "A", 1), (5, "A", 1), (125, "B", 1), (125.000001, "B", 2), (125.5, "B", 4)),
    published=[
        dict(timestamp=5_000_000, total_fwd_packet=2, total_bwd_packets=1, flow_duration=120e6),
        dict(src_ip=A, total_fwd_packet=1, total_bwd_packets=1, total_length_of_fwd_packet=2,
             total_length_of_bwd_packet=4),
    ],
)  # fmt: skip
case(
    "published: a part of other protocols",
    [
        (0, ipv4(A, B, 1, icmp(8))),
        (1, ipv4(B, A, 1, icmp(0))),
        (121, ipv4(B, A, 1, icmp(0))),
        (122, ipv4(B, A, 2, b"")),
    ],
    published=[
        dict(src_ip=A, total_fwd_packet=1, total_bwd_packets=1),
        dict(src_ip=A, dst_ip=B, total_fwd_packet=1, total_bwd_packets=1, flow_packets_per_s=2.0),
    ],
)
case(
    "published: one address at both ends, all is forward",
    [
        (0, ipv4(A, A, 6, tcp((1, 2), "S", window=3))),
        (1, ipv4(A, A, 6, tcp((2, 1), "SA", window=4))),
        (2, ipv4(A, A, 6, tcp((2, 1), "FA"))),
        (3, ipv4(A, A, 6, tcp((1, 2), "FA"))),
        (4, ipv4(A, A, 6, tcp((1, 2), "A"))),
        (5, ipv4(A, A, 17, udp((1, 2), 1))),
        (6, ipv4(A, A, 17, udp((2, 1), 2))),
        (7, ipv4(A, A, 17, udp((3, 3), 1))),
        (8, ipv4(A, A, 17, udp((3, 3), 2))),
    ],
    published=[
        dict(src_port=1, dst_port=2, total_fwd_packet=4, total_bwd_packets=0, fin_flag_count=1, fwd_init_win_bytes=3,
             bwd_init_win_bytes=0, down_up_ratio=0.0, flow_duration=4e6),
        dict(src_port=1, dst_port=2, protocol=17, total_fwd_packet=2, total_length_of_fwd_packet=3),
        dict(src_port=3, dst_port=3, protocol=17, total_fwd_packet=2, fwd_act_data_pkts=1),
    ],
)  # fmt: skip
case(
    "published: other protocols of two hosts are one flow without lengths",
    [
        (0.0, ipv4(A, B, 1, icmp(8, 0, 1, 56))),
        (0.5, ipv4(B, A, 1, icmp(0, 0, 1, 56))),
        (3.0, ipv4(A, B, 47, struct.pack("!HH", 0, 0x1234) + bytes(20))),
        (3.5, ipv4(B, A, 50, bytes(40))),
        (3.7, ipv4(B, A, 132, struct.pack("!HHII", 1, 2, 0, 0) + bytes(16))),
        (3.8, ipv4(A, B, 17, udp((1, 2), 8))),
    ],
    published=[
        dict(src_ip=A, src_port=0, dst_port=0, protocol=0, total_fwd_packet=2, total_bwd_packets=3,
             flow_bytes_per_s=0.0, fwd_header_length=0, fwd_header_length_1=0, fwd_seg_size_min=0,
             fwd_act_data_pkts=0, packet_length_max=0, subflow_fwd_packets=2.0, subflow_bwd_packets=3.0,
             subflow_fwd_bytes=0.0, down_up_ratio=1.0)
        | all_of("bwd", BULK, 0.0)
    ],
)  # fmt: skip
case(
    "published: IPv6 has no flows, nor have later fragments",
    [
        (0.0, ipv6(A6, B6, 17, udp((1, 2), 3))),
        (0.5, ipv6(B6, A6, 17, udp((2, 1), 3))),
        (1.0, ipv4(A, B, 41, ipv6(A6, B6, 17, udp((1, 2), 3)))),
        (1.5, ipv4(A, B, 41, ipv6(A6, B6, 17, udp((1, 2), 3)))),
        (2.0, ipv6(A6, B6, 4, ipv4(A, B, 17, udp((1, 2), 5)))),
        (2.5, ipv4(A, B, 17, udp((1, 2), 16, length=100), fragment=0x2000, identification=1)),
        (3.0, ipv4(A, B, 17, bytes(76), fragment=3, identification=1)),
        (3.5, ipv4(A, B, 47, struct.pack("!HH", 0, 0x0800) + ipv4(B, A, 17, udp((2, 1), 9)))),
    ],
    published=[
        dict(src_ip=A, total_fwd_packet=2, total_bwd_packets=1, total_length_of_fwd_packet=21,
             total_length_of_bwd_packet=9, flow_duration=1.5e6)
    ],
)  # fmt: skip

# -- CICFlowMeter as published: columns -------------------------------------------------------------------------------

case(
    "published: the first packet has PSH and payload",
    talk(
        (0, "A", "PA", dict(payload=10, window=5)),
        (1, "A", "PA", dict(payload=4)),
        (2, "B", "PUA", dict(payload=6, window=11)),
        (3, "B", "A", dict(window=0)),
    ),
    published=[
        dict(fwd_psh_flags=1, bwd_psh_flags=0, fwd_urg_flags=0, bwd_urg_flags=0, psh_flag_count=3, urg_flag_count=1,
             packet_length_mean=6.0, packet_length_variance=18.0, packet_length_std=math.sqrt(18), packet_length_min=0,
             average_packet_size=7.5, fwd_segment_size_avg=7.0, bwd_segment_size_avg=3.0, fwd_act_data_pkts=1,
             fwd_init_win_bytes=5, bwd_init_win_bytes=0, flow_bytes_per_s=20 / 3)
    ],
)  # fmt: skip
case(
    "published: URG in the first packet; ratios and sub-flows are whole numbers",
    talk(
        (0, "A", "UA", dict(payload=3)),
        (2, "B", "A", dict(payload=8)),
        (4, "B", "UA"),
        (6, "A", "A", dict(payload=4)),
        (6, "B", "A"),
        (6, "B", "A"),
        (6, "B", "A"),
    ),
    published=[
        dict(fwd_urg_flags=1, bwd_urg_flags=0, urg_flag_count=2, down_up_ratio=2.0, subflow_fwd_packets=0.0,
             subflow_fwd_bytes=2.0, subflow_bwd_packets=1.0, subflow_bwd_bytes=2.0, bwd_header_length=100)
    ],
)  # fmt: skip
case(
    "published: bulk transfers of both sides together, of which one ends and one begins with the other side",
    datagrams(
        (0, "A", 10), (0.5, "B", 11), (1, "A", 12), (1.5, "B", 0), (2, "B", 13),
        (5, "B", 7), (5.1, "A", 8), (5.2, "B", 9), (5.3, "A", 10), (5.4, "B", 11),
        (7, "A", 1), (7.1, "A", 1), (7.2, "B", 1),
    ),
    published=[
        # 4 packets of 46 bytes in 2 s, 5 of 45 in 0.4 s.
        all_of("fwd", BULK, 0.0)
        | dict(bwd_bytes_per_bulk_avg=45.0, bwd_packets_per_bulk_avg=4.0, bwd_bulk_rate_avg=37.0,
               subflow_fwd_packets=3.0)
    ],
)  # fmt: skip
case(
    "published: no duration",
    datagrams((1, "A", 10), (1, "B", 20), (1, "B", 21), (1, "A", 11)),
    published=[
        dict(flow_duration=0.0, flow_bytes_per_s=None, flow_packets_per_s=None, fwd_packets_per_s=0.0,
             bwd_packets_per_s=0.0, fwd_iat_total=0.0, bwd_bytes_per_bulk_avg=62.0, bwd_packets_per_bulk_avg=4.0,
             bwd_bulk_rate_avg=0.0, packet_length_mean=14.4)
        | all_of("flow_iat", FOUR, 0.0)
        | all_of("bwd_iat", FOUR, 0.0)
    ],
)  # fmt: skip
case(
    "published: options in the first packet, the least header of the forward side",
    talk(
        (0, "A", "S", dict(options=OPTION)),
        (1, "B", "SA", dict(options=OPTION * 2)),
        (2, "A", "A", dict(options=OPTION * 3)),
        (3, "B", "A"),
    ),
    published=[dict(fwd_header_length=56, fwd_header_length_1=56, bwd_header_length=48, fwd_seg_size_min=24)],
)

# -- what hosts did before ------------------------------------------------------------------------------------------


def sent(time: float, source: str, target: str, ports: tuple[int, int], size: int = 10) -> tuple[float, bytes]:
    """One packet of UDP, of 28 bytes more than its payload."""
    return time, ipv4(source, target, 17, udp(ports, size))


NOTHING = dict(src_2s_flows=0, src_2s_peers=0, src_2s_ports=0, src_2s_packets=0, src_2s_bytes=0, dst_2s_flows=0,
               pair_2s_flows=0, service_2s_flows=0, src_2s_failed_share=None, dst_2s_failed_share=None,
               pair_2s_failed_share=None, service_2s_failed_share=None, src_2s_flows_per_peer=None,
               same_service_2s_share=None)  # fmt: skip
case(
    "history: windows begin at their full length, and what ends at one time is not seen",
    [
        sent(0, A, B, (2001, 5001)),
        (1 - 1e-9, ipv4(A, B, 6, tcp((2002, 5001), "S"))),
        sent(1, A, C, (2003, 5001), 20),
        sent(2, A, B, (2004, 5001)),
        sent(2, C, B, (2005, 5002)),
        sent(3, A, B, (2006, 5001)),
        sent(60, A, B, (2007, 5003)),
        sent(61, A, B, (2008, 5003)),
    ],
    host=[
        NOTHING | dict(src_ip=A, src_port=2001, dst_ip=B, dst_port=5001, protocol=17, ts=0, src_600s_flows=0),
        # Another protocol is another service.
        dict(src_2s_flows=1, pair_2s_flows=1, service_2s_flows=0, service_2s_failed_share=None,
             same_service_2s_share=0.0),
        dict(src_2s_flows=2, src_2s_peers=1, src_2s_ports=1, src_2s_packets=2, src_2s_bytes=78, dst_2s_flows=0,
             pair_2s_flows=0, pair_2s_failed_share=None, src_2s_failed_share=0.5, src_2s_flows_per_peer=2.0,
             same_service_2s_share=None),
        dict(src_2s_flows=3, src_2s_peers=2, src_2s_packets=3, src_2s_bytes=126, src_2s_failed_share=1 / 3,
             src_2s_flows_per_peer=1.5, dst_2s_flows=2, dst_2s_peers=1, dst_2s_bytes=78, pair_2s_flows=2,
             service_2s_flows=1, service_2s_peers=1, service_2s_failed_share=0.0, same_service_2s_share=0.5),
        dict(src_2s_flows=0, dst_2s_flows=2, dst_2s_ports=1, dst_2s_failed_share=0.5, pair_2s_flows=0,
             service_2s_flows=0, same_service_2s_share=0.0),
        # The SYN ended 2 s and a nanosecond before.
        dict(src_2s_flows=2, src_2s_peers=2, src_2s_failed_share=0.0, dst_2s_flows=2, dst_2s_peers=2, dst_2s_ports=2,
             pair_2s_flows=1, service_2s_flows=1, same_service_2s_share=0.5, src_60s_flows=4),
        dict(src_2s_flows=0, src_60s_flows=5, src_60s_failed_share=0.2, dst_60s_flows=5, dst_60s_peers=2,
             dst_60s_ports=2, pair_60s_flows=4, service_60s_flows=0),
        dict(src_2s_flows=1, src_60s_flows=4, src_60s_ports=2, src_60s_failed_share=0.0, src_600s_flows=6,
             src_600s_bytes=240, service_60s_flows=1, dst_60s_flows=4, same_service_60s_share=0.25),
    ],
)  # fmt: skip
case(
    "history: the end counts and not the beginning, and who opened a flow counts, not who sent first",
    [
        sent(0, A, B, (2001, 53)),
        sent(1, B, A, (53, 2002)),
        sent(1.5, A, B, (2003, 53)),
        sent(5, B, A, (53, 2001)),
        sent(6, C, A, (2004, 53)),
    ],
    host=[
        dict(src_ip=A, src_2s_flows=0, src_60s_flows=2, src_60s_packets=2, service_60s_flows=2, service_60s_peers=1),
        dict(src_ip=A, src_port=2002, src_600s_flows=0),
        dict(src_2s_flows=1, dst_2s_flows=1, service_2s_flows=1, same_service_2s_share=1.0),
        dict(src_ip=C, src_600s_flows=0, dst_600s_flows=0),
    ],
)
case(
    "history: the states of a connection that was not established, and those of one that was",
    [
        *talk((0, "A", "S"), ports=(2001, 80)),
        *talk((1, "A", "S"), (1.1, "B", "RA"), ports=(2002, 80)),
        *talk((2, "A", "S"), (2.1, "A", "R"), ports=(2003, 80)),
        *talk((3, "B", "SA"), (3.1, "B", "R"), ports=(2004, 80)),
        *talk((4, "A", "S"), (4.1, "A", "F"), ports=(2005, 80)),
        *talk((5, "B", "SA"), (5.1, "B", "F"), ports=(2006, 80)),
        *talk((6, "A", "S"), (6.1, "B", "SA"), ports=(2007, 80)),
        *talk((7, "A", "S"), (7.1, "B", "SA"), (7.2, "A", "R"), ports=(2008, 80)),
        *talk((8, "A", "A"), ports=(2009, 80)),
        # UDP without an answer is in the state S0, too, and no connection of TCP.
        *datagrams((9, "A", 1), ports=(2010, 80)),
        *talk((10, "A", "S"), ports=(2011, 80)),
    ],
    host=[
        *[dict(src_60s_flows=count, src_60s_failed_share=1.0 if count else None) for count in range(7)],
        *[dict(src_60s_flows=count, src_60s_failed_share=6 / count) for count in range(7, 11)],
    ],
    unsw=[dict(state=state) for state in ("REQ", "RST", "RST", "RST", "FIN", "FIN", "CON", "RST", "REQ", "INT", "REQ")],
)
case(
    "history: no port is had in common, and is none of different ports",
    [
        (0, ipv4(A, B, 50, bytes(8))),
        (1, ipv4(A, B, 1, icmp(8, 0, 5, 8))),
        (2, ipv4(A, B, 1, icmp(8, 0, 6, 8))),
        sent(3, A, B, (2001, 5001)),
        (4, ipv4(A, B, 1, icmp(3, 3))),
        (5, ipv4(A, A, 1, icmp(0, 0))),
    ],
    host=[
        dict(src_port=None, dst_port=None, protocol=50),
        dict(pair_60s_flows=1, service_60s_flows=0),
        dict(pair_60s_flows=2, pair_60s_ports=0, service_60s_flows=1, service_60s_peers=1, same_service_60s_share=0.5),
        dict(pair_60s_flows=3, pair_60s_ports=0, src_60s_ports=0, service_60s_flows=0),
        dict(pair_60s_flows=4, pair_60s_ports=1, service_60s_flows=2, same_service_60s_share=0.5),
        dict(src_60s_flows=5, dst_60s_flows=0, pair_60s_flows=0, src_60s_ports=1),
    ],
    unsw=[
        dict(sport=0, dsport=0, state="INT", ct_dst_ltm=1, ct_src_ltm=1, is_sm_ips_ports=0),
        dict(state="ECO", ct_src_dport_ltm=2, ct_dst_sport_ltm=2, ct_dst_src_ltm=2),
        dict(state="ECO", ct_src_dport_ltm=3, ct_dst_sport_ltm=3, ct_dst_src_ltm=3),
        dict(sport=2001, state="INT", ct_src_ltm=4, ct_src_dport_ltm=1, ct_dst_sport_ltm=1, ct_dst_src_ltm=4),
        dict(state="URP", ct_src_ltm=5, ct_src_dport_ltm=4, ct_dst_sport_ltm=4),
        dict(state="INT", ct_dst_ltm=1, ct_src_ltm=6, ct_src_dport_ltm=5, ct_dst_src_ltm=1),
    ],
)  # fmt: skip
case(
    "history: the last 100; of those that ended at one time the smaller number is first",
    [
        sent(0, A, B, (2001, 5001)),
        sent(0, A, C, (2001, 5001)),
        *[sent(1 + number, C, A, (3000 + number, 5001)) for number in range(97)],
        sent(98, A, B, (2002, 5001)),
        sent(99, A, B, (2001, 5002)),
        sent(99, A, C, (2001, 5002)),
    ],
    unsw=[
        dict(ct_dst_ltm=1, ct_src_ltm=1, ct_src_dport_ltm=1, ct_dst_sport_ltm=1, ct_dst_src_ltm=1),
        dict(ct_dst_ltm=1, ct_src_ltm=2, ct_src_dport_ltm=2, ct_dst_sport_ltm=1, ct_dst_src_ltm=1),
        *[dict(ct_dst_ltm=at, ct_src_ltm=at, ct_src_dport_ltm=at, ct_dst_sport_ltm=1) for at in range(1, 98)],
        # The 100th flow: all are seen.
        dict(ct_dst_ltm=2, ct_src_ltm=3, ct_src_dport_ltm=3, ct_dst_sport_ltm=1, ct_dst_src_ltm=2),
        # The 101st: the first is not.
        dict(ct_dst_ltm=2, ct_src_ltm=3, ct_src_dport_ltm=1, ct_dst_sport_ltm=1, ct_dst_src_ltm=2),
        dict(ct_dst_ltm=1, ct_src_ltm=3, ct_src_dport_ltm=2, ct_dst_sport_ltm=1, ct_dst_src_ltm=1),
    ],
)  # fmt: skip

# -- UNSW-NB15 ------------------------------------------------------------------------------------------------------

case(
    "unsw: a TCP connection",
    RICHEST_PACKETS,
    unsw=[
        dict(srcip=A, sport=40000, dstip=B, stime=0, ltime=1, dsport=80, proto="tcp", state="FIN", dur=1.05, sbytes=308,
             dbytes=408, sttl=64, dttl=64, sloss=0, dloss=0, service="-", sload=2464 / 1.05, dload=3264 / 1.05,
             spkts=5, dpkts=5, swin=64240, dwin=65160, stcpb=1000, dtcpb=5000, smeansz=62, dmeansz=82,
             sjit=math.sqrt(731251 / 3), sintpkt=260.5, dintpkt=260.0, tcprtt=0.015, synack=0.01, ackdat=0.005,
             is_sm_ips_ports=0, trans_depth=None, ct_state_ttl=None, ct_dst_ltm=1)
    ],
)  # fmt: skip
case(
    "unsw: seconds are cut, sizes are rounded, a half up; what is undefined",
    [
        sent(0.999, A, B, (2007, 5001), 10),
        sent(1.999, A, B, (2007, 5001), 11),
        sent(2.5, A, A, (9, 9)),
        (3.75, ipv4(A, B, 6, tcp((2001, 80), "S", seq=7, window=9))),
        (3.75, ipv4(A, B, 6, tcp((2001, 80), "S", seq=7, window=10))),
    ],
    unsw=[
        dict(stime=0, ltime=1, smeansz=39, dmeansz=0, sintpkt=1000.0, sjit=None, dintpkt=None, sload=616.0, dload=0.0,
             swin=0, stcpb=0, sloss=0, tcprtt=None, dttl=None, is_sm_ips_ports=0),
        dict(stime=2, ltime=2, is_sm_ips_ports=1, dur=0.0, sload=None, sintpkt=None),
        dict(stime=3, ltime=3, sloss=1, swin=9, dwin=0, stcpb=7, dtcpb=0, sload=None, sintpkt=0.0, sjit=None,
             tcprtt=None, synack=None, ackdat=None),
    ],
)  # fmt: skip
