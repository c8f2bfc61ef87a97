#include <benchmark/benchmark.h>

#include <string>

#include "telemetry/access_log.h"
#include "telemetry/metrics.h"

namespace gatehouse::telemetry {
namespace {

AccessRecord usual_record() {
  AccessRecord r;
  r.time_us = 1'767'323'045'678'901;
  r.request_id = "0195e2f8-3c5a-7d21-9b1e-5f0d6a7c8e9f";
  r.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  r.client_ip = *IpAddress::parse("203.0.113.9");
  r.method = "GET";
  r.host = "shop.example.com";
  r.path = "/api/v1/orders/12345?page=2&sort=created";
  r.protocol = "HTTP/1.1";
  r.status = 200;
  r.route = "orders";
  r.service = "orders-svc";
  r.target = "10.0.0.7:8080";
  r.consumer = "alice";
  r.bytes_out = 5120;
  r.duration_us = 12'345;
  r.upstream_us = 11'007;
  r.tries = 1;
  return r;
}

void write_records(benchmark::State& state, std::string_view format) {
  std::string error;
  const auto made = make_access_format(format, error);
  AccessRecord record = usual_record();
  std::string to(kAccessBlock, ' ');
  for (auto _ : state) {
    record.time_us += 50;  // 20,000 requests a second
    benchmark::DoNotOptimize(made->write(record, to.data(), to.size()));
  }
}

/// Budget: 300 ns.
void json_record(benchmark::State& state) {
  write_records(state, "json");
}
BENCHMARK(json_record);

void template_record(benchmark::State& state) {
  write_records(state, "$client_ip - $consumer [$ts] \"$method $path $protocol\" $status $bytes_out $duration_ms");
}
BENCHMARK(template_record);

/// Budget: 10 ns.
void series_count(benchmark::State& state) {
  Metrics metrics;
  WorkerMetrics& worker = metrics.add_worker();
  const SeriesId id = metrics.series("orders", "orders-svc");
  std::uint64_t us = 0;
  for (auto _ : state) {
    us = (us + 997) % 20'000;
    worker.series(id).count(0, 200, us);
  }
}
BENCHMARK(series_count);

void series_lookup(benchmark::State& state) {
  Metrics metrics;
  WorkerMetrics& worker = metrics.add_worker();
  const SeriesId id = metrics.series("orders", "orders-svc");
  for (auto _ : state) benchmark::DoNotOptimize(&worker.series(id));
}
BENCHMARK(series_lookup);

void expose_1000_series(benchmark::State& state) {
  Metrics metrics;
  WorkerMetrics& worker = metrics.add_worker();
  for (int i = 0; i < 1000; ++i) worker.series(metrics.series(std::to_string(i), "s")).count(0, 200, 1000);
  for (auto _ : state) benchmark::DoNotOptimize(metrics.expose());
}
BENCHMARK(expose_1000_series)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace gatehouse::telemetry
