#include "telemetry/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "telemetry/process_stats.h"

namespace gatehouse::telemetry {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::uint8_t kGet = 0, kPost = 2, kOther = 9;

std::size_t occurrences(const std::string& text, std::string_view of) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(of, at)) != std::string::npos; at += of.size()) ++count;
  return count;
}

/// The lines of the gateway's own families: those of the process differ from scrape to scrape.
std::string own_lines(const std::string& text) {
  std::string out;
  for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    const std::string line = text.substr(at, end - at + 1);
    if (line.find("process_") == std::string::npos) out += line;
  }
  return out;
}

TEST(Metrics, gives_a_pair_the_same_series_whenever_asked) {
  Metrics metrics;
  const SeriesId users = metrics.series("users", "users-svc");
  EXPECT_NE(users, metrics.series("users", "other-svc"));
  EXPECT_NE(users, metrics.series("usersusers-svc", ""));
  EXPECT_EQ(users, metrics.series("users", "users-svc"));
  EXPECT_NE(users, Metrics::kOtherSeries);
}

TEST(Metrics, sums_requests_of_all_workers) {
  Metrics metrics;
  const SeriesId id = metrics.series("users", "users-svc");
  WorkerMetrics& one = metrics.add_worker();
  WorkerMetrics& two = metrics.add_worker();
  one.series(id).count(kGet, 200, 700);
  one.series(id).count(kGet, 200, 700);
  two.series(id).count(kGet, 200, 700);
  two.series(id).count(kPost, 503, 700);
  const std::string text = metrics.expose();
  EXPECT_THAT(text, HasSubstr("# TYPE gatehouse_requests_total counter\n"));
  EXPECT_THAT(
      text,
      HasSubstr("gatehouse_requests_total{route=\"users\",service=\"users-svc\",method=\"GET\",code=\"200\"} 3\n"));
  EXPECT_THAT(
      text,
      HasSubstr("gatehouse_requests_total{route=\"users\",service=\"users-svc\",method=\"POST\",code=\"503\"} 1\n"));
}

TEST(Metrics, writes_latencies_as_cumulative_buckets_in_seconds) {
  Metrics metrics;
  Series& series = metrics.add_worker().series(metrics.series("r", "s"));
  series.count(kGet, 200, 500);  // on a bound: inside
  series.count(kGet, 200, 501);
  series.count(kGet, 200, 60'000'000);  // above all bounds
  series.count_upstream(2'000);
  const std::string text = metrics.expose();
  EXPECT_THAT(text, HasSubstr("gatehouse_request_duration_seconds_count{route=\"r\",service=\"s\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("gatehouse_request_duration_seconds_sum{route=\"r\",service=\"s\"} 60.001001\n"));
  EXPECT_THAT(text,
              HasSubstr("gatehouse_request_duration_seconds_bucket{route=\"r\",service=\"s\",le=\"0.0005\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("gatehouse_request_duration_seconds_bucket{route=\"r\",service=\"s\",le=\"0.001\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("gatehouse_request_duration_seconds_bucket{route=\"r\",service=\"s\",le=\"10\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("gatehouse_request_duration_seconds_bucket{route=\"r\",service=\"s\",le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text,
              HasSubstr("gatehouse_upstream_duration_seconds_bucket{route=\"r\",service=\"s\",le=\"0.001\"} 0\n"));
  EXPECT_THAT(text,
              HasSubstr("gatehouse_upstream_duration_seconds_bucket{route=\"r\",service=\"s\",le=\"0.0025\"} 1\n"));
}

TEST(Metrics, puts_a_latency_beyond_32_bits_in_the_last_bucket) {
  Histogram histogram;
  histogram.observe((1ull << 32) + 1);
  EXPECT_EQ(1u, histogram.buckets.back().load());
  EXPECT_EQ((1ull << 32) + 1, histogram.sum_us.load());
}

TEST(Metrics, does_not_write_series_that_counted_nothing) {
  Metrics metrics;
  WorkerMetrics& worker = metrics.add_worker();
  worker.series(metrics.series("touched", "s"));
  metrics.series("never", "s");
  worker.series(metrics.series("used", "s")).count(kGet, 200, 1);
  const std::string text = metrics.expose();
  EXPECT_THAT(text, Not(HasSubstr("touched")));
  EXPECT_THAT(text, Not(HasSubstr("never")));
  EXPECT_THAT(text, Not(HasSubstr("gatehouse_upstream_duration_seconds")));
  EXPECT_THAT(text, HasSubstr("route=\"used\""));
}

TEST(Metrics, counts_odd_statuses_as_0_and_odd_methods_as_OTHER) {
  Metrics metrics;
  Series& series = metrics.add_worker().series(metrics.series("r", "s"));
  series.count(kGet, 0, 1);
  series.count(kGet, 99, 1);
  series.count(kGet, 600, 1);
  series.count(kGet, 599, 1);
  series.count(200, 200, 1);
  const std::string text = metrics.expose();
  EXPECT_THAT(text, HasSubstr("method=\"GET\",code=\"0\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("method=\"GET\",code=\"599\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("method=\"OTHER\",code=\"200\"} 1\n"));
}

TEST(Metrics, loses_no_request_when_a_series_sees_too_many_codes) {
  Metrics metrics;
  Series& series = metrics.add_worker().series(metrics.series("r", "s"));
  for (int status = 200; status < 300; ++status) series.count(kGet, status, 1);
  std::uint64_t total = 0;
  std::uint64_t other = 0;
  series.each_count([&](std::uint32_t method, int status, std::uint64_t n) {
    total += n;
    if (method == kOther && status == 0) other = n;
  });
  EXPECT_EQ(100u, total);
  EXPECT_EQ(69u, other);
}

TEST(Metrics, counts_pairs_beyond_the_cap_in_one_series) {
  Metrics metrics;
  WorkerMetrics& worker = metrics.add_worker();
  SeriesId last = 0;
  for (std::size_t i = 0; i < Metrics::kMaxPairs; ++i) last = metrics.series(std::to_string(i), "s");
  EXPECT_NE(Metrics::kOtherSeries, last);
  EXPECT_EQ(Metrics::kOtherSeries, metrics.series("one-too-many", "s"));
  EXPECT_EQ(last, metrics.series(std::to_string(Metrics::kMaxPairs - 1), "s"));
  worker.series(metrics.series("one-too-many", "s")).count(kGet, 200, 1);
  worker.series(last).count(kGet, 200, 1);
  const std::string text = metrics.expose();
  EXPECT_THAT(text,
              HasSubstr("gatehouse_requests_total{route=\"(other)\",service=\"\",method=\"GET\",code=\"200\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("gatehouse_requests_total{route=\"99999\",service=\"s\",method=\"GET\",code=\"200\"} 1\n"));
}

TEST(Metrics, takes_an_id_out_of_range_for_the_common_series) {
  Metrics metrics;
  WorkerMetrics& worker = metrics.add_worker();
  EXPECT_EQ(&worker.series(Metrics::kOtherSeries), &worker.series(0xffffffff));
}

TEST(Metrics, shows_connections_of_a_listener_over_all_workers) {
  Metrics metrics;
  for (int i = 0; i < 2; ++i) {
    ListenerCounters& http = metrics.add_worker().listener("0.0.0.0:8000");
    bump(http.accepted, 5);
    bump(http.active, 3);
    bump(http.idle, 2);
    drop(http.active);
    bump(http.closed);
  }
  const std::string text = metrics.expose();
  EXPECT_THAT(text, HasSubstr("gatehouse_connections{listener=\"0.0.0.0:8000\",state=\"active\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("gatehouse_connections{listener=\"0.0.0.0:8000\",state=\"idle\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("gatehouse_connections_accepted_total{listener=\"0.0.0.0:8000\"} 10\n"));
  EXPECT_THAT(text, HasSubstr("gatehouse_connections_closed_total{listener=\"0.0.0.0:8000\"} 2\n"));
}

TEST(Metrics, keeps_a_listeners_counters_by_name) {
  Metrics metrics;
  WorkerMetrics& worker = metrics.add_worker();
  ListenerCounters& first = worker.listener("a");
  EXPECT_NE(&first, &worker.listener("b"));
  EXPECT_EQ(&first, &worker.listener("a"));
}

TEST(Metrics, sums_what_workers_count_on_their_own) {
  Metrics metrics;
  for (int i = 1; i <= 2; ++i) {
    WorkerMetrics& worker = metrics.add_worker();
    bump(worker.accepted, 10u * static_cast<unsigned>(i));
    bump(worker.closed, 1);
  }
  const std::string text = metrics.expose();
  EXPECT_THAT(text, HasSubstr("gatehouse_worker_connections_accepted_total{worker=\"0\"} 10\n"));
  EXPECT_THAT(text, HasSubstr("gatehouse_worker_connections_accepted_total{worker=\"1\"} 20\n"));
  EXPECT_THAT(text, HasSubstr("gatehouse_worker_connections_closed_total{worker=\"1\"} 1\n"));
}

TEST(Metrics, names_every_reason_from_the_start) {
  Metrics metrics;
  WorkerMetrics& worker = metrics.add_worker();
  worker.count_error(Reason::no_route);
  worker.count_error(Reason::no_route);
  const std::string text = metrics.expose();
  EXPECT_THAT(text, HasSubstr("gatehouse_errors_total{reason=\"no_route\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("gatehouse_errors_total{reason=\"upstream_timeout\"} 0\n"));
  EXPECT_EQ(kReasonCount - 1, occurrences(text, "\ngatehouse_errors_total{"));
}

TEST(Metrics, tells_the_configuration_in_use_and_whether_the_last_reload_was_taken) {
  Metrics metrics;
  EXPECT_THAT(metrics.expose(), Not(HasSubstr("gatehouse_config_")));
  metrics.set_config(3, true);
  EXPECT_THAT(metrics.expose(), HasSubstr("gatehouse_config_last_reload_successful 1\n"));
  metrics.set_config(3, false);
  const std::string text = metrics.expose();
  EXPECT_THAT(text, HasSubstr("gatehouse_config_last_reload_successful 0\n"));
  EXPECT_THAT(text, HasSubstr("gatehouse_config_version 3\n"));
}

TEST(Metrics, asks_its_hooks_at_each_scrape) {
  Metrics metrics;
  int open = 7;
  metrics.on_scrape([&open](Samples& out) {
    out.gauge("gatehouse_upstream_connections", "Now.", {{"service", "users"}, {"state", "open"}}, open);
    out.gauge("gatehouse_upstream_connections", "Now.", {{"service", "users"}, {"state", "idle"}}, 2);
  });
  EXPECT_THAT(metrics.expose(), HasSubstr("gatehouse_upstream_connections{service=\"users\",state=\"open\"} 7\n"));
  open = 9;
  EXPECT_THAT(metrics.expose(), HasSubstr("gatehouse_upstream_connections{service=\"users\",state=\"open\"} 9\n"));
}

TEST(Metrics, comes_out_in_the_same_order_whatever_the_order_of_counting) {
  const auto fill = [](Metrics& metrics, bool backwards) {
    std::vector<std::string> names{"a", "b", "c"};
    if (backwards) std::ranges::reverse(names);
    WorkerMetrics& worker = metrics.add_worker();
    for (const std::string& name : names) {
      worker.series(metrics.series(name, "s")).count(backwards ? kPost : kGet, 200, 1);
      worker.series(metrics.series(name, "s")).count(backwards ? kGet : kPost, 200, 1);
      worker.listener(name);
    }
  };
  Metrics forwards, backwards;
  fill(forwards, false);
  fill(backwards, true);
  EXPECT_EQ(own_lines(forwards.expose()), own_lines(backwards.expose()));
}

TEST(Metrics, escapes_label_values) {
  Metrics metrics;
  metrics.add_worker().series(metrics.series("a\"b\\c\nd", "s")).count(kGet, 200, 1);
  EXPECT_THAT(metrics.expose(), HasSubstr("route=\"a\\\"b\\\\c\\nd\""));
}

TEST(Metrics, tells_what_runs_and_what_the_process_uses) {
  const std::string text = Metrics().expose();
  EXPECT_THAT(text, testing::ContainsRegex("gatehouse_build_info\\{version=\"[0-9]+\\.[0-9]+\\.[0-9]+\",compiler=\""));
  for (const char* name : {"process_cpu_seconds_total", "process_start_time_seconds", "process_resident_memory_bytes",
                           "process_virtual_memory_bytes", "process_threads", "process_open_fds", "process_max_fds"}) {
    EXPECT_THAT(text, HasSubstr(std::string("\n") + name + " ")) << name;
  }
}

TEST(ProcessStats, agrees_with_the_clock_and_the_kernel) {
  const ProcessStats stats = read_process_stats();
  const double now = static_cast<double>(wall_clock_us()) / 1e6;
  EXPECT_LT(stats.start_time_seconds, now + 2);
  EXPECT_GT(stats.start_time_seconds, now - 3600);
  EXPECT_GT(stats.resident_bytes, 1u << 20);
  EXPECT_GE(stats.virtual_bytes, stats.resident_bytes);
  EXPECT_GE(stats.threads, 1u);
  EXPECT_GE(stats.open_fds, 3u);
  EXPECT_GE(stats.max_fds, stats.open_fds);
}

TEST(Samples, sums_values_with_the_same_labels_and_keeps_the_first_type) {
  Samples samples;
  samples.counter("c_total", "Help.", {{"x", "1"}}, 2);
  samples.counter("c_total", "Help.", {{"x", "1"}}, 3);
  samples.gauge("c_total", "Help.", {{"x", "1"}}, 100);
  EXPECT_EQ("# HELP c_total Help.\n# TYPE c_total counter\nc_total{x=\"1\"} 5\n", samples.take_text());
  EXPECT_EQ("", samples.take_text());
}

TEST(MetricsRaces, are_absent_between_workers_a_scraper_and_a_reload) {
  Metrics metrics;
  constexpr int kWorkers = 2, kRequests = 20'000, kIds = 64;
  std::vector<SeriesId> ids;
  for (int i = 0; i < kIds; ++i) ids.push_back(metrics.series(std::to_string(i), "s"));
  std::atomic<int> running{kWorkers};
  std::vector<std::thread> threads;
  for (int w = 0; w < kWorkers; ++w) {
    threads.emplace_back([&, worker = &metrics.add_worker()] {
      for (int i = 0; i < kRequests; ++i) {
        Series& series = worker->series(ids[static_cast<std::size_t>(i % kIds)]);
        series.count(static_cast<std::uint8_t>(i % 10), 200 + i % 7, static_cast<std::uint64_t>(i));
        series.count_upstream(static_cast<std::uint64_t>(i));
        worker->count_error(Reason::rate_limited);
        bump(worker->listener(std::to_string(i % 5)).accepted);
      }
      running.fetch_sub(1);
    });
  }
  std::thread reload([&] {
    for (int i = 0; running.load() > 0; ++i) {
      metrics.series("new" + std::to_string(i % 1000), "s");
      metrics.set_config(static_cast<std::uint64_t>(i), true);
    }
  });
  while (running.load() > 0) EXPECT_FALSE(metrics.expose().empty());
  for (auto& thread : threads) thread.join();
  reload.join();
  const std::string text = metrics.expose();
  EXPECT_THAT(text, HasSubstr("gatehouse_errors_total{reason=\"rate_limited\"} 40000\n"));
  EXPECT_THAT(text, HasSubstr("gatehouse_connections_accepted_total{listener=\"0\"} 8000\n"));
  EXPECT_EQ(static_cast<std::size_t>(kIds), occurrences(text, "\ngatehouse_request_duration_seconds_count{"));
}

}  // namespace
}  // namespace gatehouse::telemetry
