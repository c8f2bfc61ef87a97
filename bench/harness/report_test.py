"""Run with `python3 -m unittest discover -s bench/harness -t bench -p '*_test.py'`."""

import unittest

from harness.load import parse_wrk
from harness.peers import Shape
from harness.report import Cell, best_reference, markdown, median, spread, verdict, verdicts
from harness.rows import ROWS, VERIFYING, Sample

WRK = """Running 1s test @ http://127.0.0.1:1/small
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.2ms   75.00us   9.01ms   93.98%
  Latency Distribution
     50%  880.00us
     75%    0.92ms
     90%    1.02ms
     99%    1.11s
  70708 requests in 1.00s, 16.39MB read
"""
ROW = {row.id: row for row in ROWS}


def cells(row, **values):
    made = {}
    for name, samples in values.items():
        made[name] = Cell(row, [s if isinstance(s, Sample) else Sample(system_us=s, requests=1) for s in samples])
    return made


class Wrk(unittest.TestCase):
    def test_reads_counts_rate_and_percentiles(self):
        load = parse_wrk(WRK + "Requests/sec:  70708.12\n")
        self.assertEqual((load.requests, load.seconds, load.rate), (70708, 1.0, 70708.12))
        self.assertEqual((load.p50_us, load.p99_us, load.errors, load.failed), (880.0, 1.11e6, "", 0))

    def test_adds_socket_errors_and_bad_statuses(self):
        load = parse_wrk(WRK + "  Socket errors: connect 0, read 84, write 0, timeout 2\n"
                         "  Non-2xx or 3xx responses: 7\nRequests/sec:  70708.12\n")
        self.assertEqual((load.errors, load.failed), ("read 84, timeout 2, non-2xx 7", 93))

    def test_refuses_what_is_not_its_output(self):
        with self.assertRaises(ValueError):
            parse_wrk("unable to connect to 127.0.0.1:1 Connection refused")


class Verdict(unittest.TestCase):
    def test_median_and_spread(self):
        samples = [Sample(system_us=v) for v in (10, 12, 9)]
        self.assertEqual(median(samples, lambda s: s.cpu_us), 10)
        self.assertAlmostEqual(spread(samples, lambda s: s.cpu_us), 0.15)

    def test_the_ratio_is_to_the_better_reference(self):
        row = ROW["small"]
        made = cells(row, gatehouse=[8.4], nginx=[12, 10, 11], haproxy=[10], envoy=[1])
        self.assertEqual(best_reference(made), ("haproxy", 10))
        self.assertEqual(verdict(row, made), ("0.84 × CPU/request", "haproxy", "≤ 0.85", "met"))
        made = cells(row, gatehouse=[8.6], nginx=[12], haproxy=[10])
        self.assertEqual(verdict(row, made)[3], "**not met**")

    def test_an_error_makes_a_row_invalid_and_a_reference_unfit(self):
        row = ROW["headers"]
        bad = Sample(system_us=5, requests=10, failed=1, errors="read 1")
        self.assertIn("invalid", verdict(row, cells(row, gatehouse=[bad], nginx=[10]))[3])
        self.assertEqual(best_reference(cells(row, nginx=[bad], haproxy=[9])), ("haproxy", 9))
        self.assertEqual(verdict(row, cells(row, gatehouse=[1], nginx=[bad]))[3], "not decided")

    def test_a_failed_trial_request_makes_a_row_invalid(self):
        cell = Cell(ROW["small"], [Sample(requests=1)], remarks=["the upstream does not get via"])
        self.assertIn("via", cell.invalid)

    def test_failed_requests_are_what_the_reload_row_measures(self):
        row = ROW["reload"]
        some = Sample(requests=100, failed=3, errors="read 3")
        self.assertEqual(verdict(row, cells(row, gatehouse=[Sample(requests=9)], nginx=[some]))[::3], ("0 failed", "met"))
        self.assertEqual(verdict(row, cells(row, gatehouse=[some, some]))[::3], ("6 failed", "**not met**"))
        late = Sample(requests=9, errors="the last reload took no effect")
        self.assertIn("invalid", verdict(row, cells(row, gatehouse=[late]))[3])

    def test_idle_is_measured_in_bytes_whatever_the_references_need(self):
        row = ROW["idle"]
        made = cells(row, gatehouse=[Sample(requests=1, idle_bytes=5121)], nginx=[Sample(requests=1, idle_bytes=9000)])
        self.assertEqual(verdict(row, made)[3], "**not met**")

    def test_a_row_may_have_a_goal_for_each_reference(self):
        row = ROW["jwt_hs256_nocache"]
        made = cells(row, gatehouse=[10], nginx=[19], haproxy=[15])
        self.assertEqual(verdicts(row, made), [("0.67 × CPU/request", "haproxy", "≤ 0.80", "met"),
                                               ("0.53 × CPU/request", "nginx", "≤ 0.50", "**not met**")])
        made["nginx"] = Cell(row, [], absent="no Lua")
        self.assertEqual(verdicts(row, made)[1][1::2], ("no valid nginx", "not decided"))
        bad = Sample(system_us=5, requests=10, failed=1, errors="read 1")
        self.assertIn("invalid", verdicts(row, cells(row, gatehouse=[bad], haproxy=[15]))[0][3])
        self.assertEqual(len(verdicts(ROW["small"], cells(ROW["small"], gatehouse=[8], nginx=[10]))), 1)
        self.assertEqual(verdicts(ROW["calls"], {}), [])

    def test_redis_is_measured_in_what_it_costs_more(self):
        row = ROW["limit_redis"]
        def met(cost, trips):
            made = cells(row, gatehouse=[Sample(system_us=cost, requests=10000, round_trips=trips)], without=[10])
            return verdict(row, made)[3]
        self.assertEqual(met(16, 1.0), "met")
        self.assertEqual(met(16, 1.006), "met")  # 60 of the 64 connections were cut off
        self.assertEqual(met(16, 1.007), "**not met**")
        self.assertEqual(met(16.1, 1.0), "**not met**")
        self.assertEqual(met(12, 1.5), "**not met**")  # two for some
        self.assertEqual(met(12, 0.5), "**not met**")  # some were not counted there

    def test_or_in_what_it_costs_more_in_parts_of_a_bare_request(self):
        row = ROW["limit_redis"]
        def met(cost, bare):
            made = cells(row, gatehouse=[Sample(system_us=cost, requests=10000, round_trips=1.0)], without=[30], haproxy=[bare])
            return verdict(row, made)
        self.assertEqual(met(42, 40)[3], "met")
        self.assertIn("0.30 of HAProxy's", met(42, 40)[0])
        self.assertEqual(met(42, 19)[3], "**not met**")
        self.assertEqual(met(35, 8)[3], "**not met**")  # 5 µs, where a bare request takes 8

    def test_remembered_tokens_are_held_against_peers_that_verify(self):
        row = ROW["jwt_hs256"]
        made = cells(row, gatehouse=[20], nginx=[30], haproxy=[50])
        made[VERIFYING] = Cell(row, [Sample(system_us=50, requests=1)])
        self.assertTrue(row.wants_verifying())
        self.assertEqual([line[1:] for line in verdicts(row, made)],
                         [("haproxy", "≤ 0.70", "met"), ("nginx, verifying", "≤ 0.50", "met")])
        self.assertTrue(row.shape_of("nginx").guard.cache)
        self.assertFalse(row.shape_of(VERIFYING).guard.cache)

    def test_a_table_says_what_is_absent_and_what_is_invalid(self):
        row = ROW["small"]
        made = cells(row, gatehouse=[Sample(system_us=5, requests=1, failed=1, errors="read 1")], nginx=[9])
        made["envoy"] = Cell(row, [], absent="no network")
        facts = {"date": "", "cpu": "", "cpus": 2, "memory_gib": 1, "kernel": "", "load_before": 0, "cores": [0, 1],
                 "versions": {}, "absent": {"envoy": "no network"}, "command": "", "rounds": 1, "seconds": 1}
        text = markdown([(row, made)], facts)
        self.assertIn("INVALID: read 1", text)
        self.assertIn("envoy: absent (no network)", text)


class Shapes(unittest.TestCase):
    def test_a_generation_routes_only_its_own_path(self):
        self.assertEqual(Shape(generation=3).prefixes(), ["/small", "/gen-3/"])
        self.assertEqual(Shape().prefixes(), [""])
        self.assertEqual(len(set(Shape(routes=10000).prefixes())), 10000)


if __name__ == "__main__":
    unittest.main()
