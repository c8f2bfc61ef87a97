#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "telemetry/access_log.h"
#include "telemetry/metrics.h"
#include "telemetry/process_stats.h"

namespace gatehouse::telemetry {
namespace {

struct Name {
  std::string route;
  std::string service;
};

/// http::Method's words; telemetry does not see http.
constexpr std::array<std::string_view, 10> kMethods{"GET",   "HEAD",    "POST",  "PUT",     "DELETE",
                                                    "PATCH", "OPTIONS", "TRACE", "CONNECT", "OTHER"};

using Workers = std::vector<const WorkerMetrics*>;

struct LatencySum {
  std::array<std::uint64_t, kLatencyBounds.size() + 1> buckets{};
  std::uint64_t sum_us = 0;
  bool any = false;

  void add(const Histogram& histogram) {
    for (std::size_t i = 0; i < buckets.size(); ++i) {
      const std::uint64_t count = histogram.buckets[i].load(std::memory_order_relaxed);
      buckets[i] += count;
      any = any || count != 0;
    }
    sum_us += histogram.sum_us.load(std::memory_order_relaxed);
  }
  void write(Samples& out, std::string_view name, std::string_view help, const Name& of) const {
    if (any) out.histogram(name, help, {{"route", of.route}, {"service", of.service}}, kLatencyBounds, buckets, sum_us);
  }
};

void add_series(Samples& out, const Workers& workers, SeriesId id, const Name& name) {
  std::map<std::pair<std::uint32_t, int>, std::uint64_t> requests;
  LatencySum duration;
  LatencySum upstream;
  for (const WorkerMetrics* worker : workers) {
    const Series* series = worker->find(id);
    if (series == nullptr) continue;
    series->each_count([&](std::uint32_t method, int status, std::uint64_t n) { requests[{method, status}] += n; });
    duration.add(series->duration());
    upstream.add(series->upstream());
  }
  for (const auto& [key, count] : requests) {
    if (count == 0) continue;
    out.counter("gatehouse_requests_total", "Requests answered, by the status that the client got.",
                {{"route", name.route},
                 {"service", name.service},
                 {"method", kMethods[std::min<std::size_t>(key.first, kMethods.size() - 1)]},
                 {"code", std::to_string(key.second)}},
                static_cast<double>(count));
  }
  duration.write(out, "gatehouse_request_duration_seconds",
                 "From the request head to the last byte of the answer, as the gateway saw it.", name);
  upstream.write(out, "gatehouse_upstream_duration_seconds",
                 "From sending a request to a service until its response head, each try.", name);
}

void add_handshakes(Samples& out, const ListenerCounters& listener) {
  const auto add = [&](const char* result, const std::atomic<std::uint64_t>& count) {
    out.counter("gatehouse_tls_handshakes_total", "TLS handshakes with clients, by what became of them.",
                {{"listener", listener.name}, {"result", result}},
                static_cast<double>(count.load(std::memory_order_relaxed)));
  };
  add("full", listener.handshakes);
  add("resumed", listener.resumptions);
  add("failed", listener.failed_handshakes);
}

void add_http2_errors(Samples& out, const ListenerCounters& listener) {
  static constexpr const char* kCodes[ListenerCounters::kHttp2Errors] = {"other",
                                                                         "protocol_error",
                                                                         "internal_error",
                                                                         "flow_control_error",
                                                                         "settings_timeout",
                                                                         "stream_closed",
                                                                         "frame_size_error",
                                                                         "refused_stream",
                                                                         "cancel",
                                                                         "compression_error",
                                                                         "connect_error",
                                                                         "enhance_your_calm",
                                                                         "inadequate_security",
                                                                         "http_1_1_required"};
  for (std::size_t code = 0; code < ListenerCounters::kHttp2Errors; ++code) {
    const auto count = static_cast<double>(listener.http2_errors[code].load(std::memory_order_relaxed));
    if (count == 0 && code != 1 && code != 11) continue;  // the two that tell of attacks are there from the start
    out.counter("gatehouse_http2_errors_total", "HTTP/2 connections that the gateway ended with an error.",
                {{"listener", listener.name}, {"error", kCodes[code]}}, count);
  }
}

void add_connections(Samples& out, const Workers& workers) {
  constexpr std::string_view kNow = "Client connections now: active with a request, idle between requests.";
  const auto load = [](const std::atomic<std::uint64_t>& from) {
    return static_cast<double>(from.load(std::memory_order_relaxed));
  };
  std::size_t number = 0;
  for (const WorkerMetrics* worker : workers) {
    for (const ListenerCounters* at = worker->listeners(); at != nullptr; at = at->next) {
      out.gauge("gatehouse_connections", kNow, {{"listener", at->name}, {"state", "active"}}, load(at->active));
      out.gauge("gatehouse_connections", kNow, {{"listener", at->name}, {"state", "idle"}}, load(at->idle));
      out.counter("gatehouse_connections_accepted_total", "Client connections accepted.", {{"listener", at->name}},
                  load(at->accepted));
      out.counter("gatehouse_connections_closed_total", "Client connections closed by either side.",
                  {{"listener", at->name}}, load(at->closed));
      add_http2_errors(out, *at);
      add_handshakes(out, *at);
    }
    const std::string label = std::to_string(number++);
    out.counter("gatehouse_worker_connections_accepted_total", "Client connections that this worker took.",
                {{"worker", label}}, load(worker->accepted));
    out.counter("gatehouse_worker_connections_closed_total", "Client connections that ended in this worker.",
                {{"worker", label}}, load(worker->closed));
    out.counter("gatehouse_access_log_dropped_total", "Access log lines lost: the sink was blocked or failed.", {},
                load(worker->log_dropped));
  }
  out.counter("gatehouse_access_log_dropped_total", "Access log lines lost: the sink was blocked or failed.", {},
              static_cast<double>(access_log_dropped_total()));
}

/// Every reason, also those that never happened: a rate over a counter misses its first step if it starts there.
void add_errors(Samples& out, const Workers& workers) {
  for (std::size_t i = 1; i < kReasonCount; ++i) {
    const auto reason = static_cast<Reason>(i);
    std::uint64_t count = 0;
    for (const WorkerMetrics* worker : workers) count += worker->errors(reason);
    out.counter("gatehouse_errors_total", "Requests that the gateway itself answered with an error, or saw abandoned.",
                {{"reason", to_string(reason)}}, static_cast<double>(count));
  }
}

void add_process(Samples& out) {
  const ProcessStats stats = read_process_stats();
  out.counter("process_cpu_seconds_total", "User and system CPU time of all threads.", {}, stats.cpu_seconds);
  out.gauge("process_start_time_seconds", "When the process started, in seconds since 1970.", {},
            stats.start_time_seconds);
  out.gauge("process_resident_memory_bytes", "Resident memory.", {}, static_cast<double>(stats.resident_bytes));
  out.gauge("process_virtual_memory_bytes", "Virtual memory.", {}, static_cast<double>(stats.virtual_bytes));
  out.gauge("process_threads", "Threads of the process.", {}, static_cast<double>(stats.threads));
  out.gauge("process_open_fds", "Open file descriptors.", {}, static_cast<double>(stats.open_fds));
  out.gauge("process_max_fds", "File descriptors that may be open.", {}, static_cast<double>(stats.max_fds));
}

}  // namespace

struct Metrics::State {
  mutable std::mutex mutex;  // control threads only: workers never come here
  std::deque<Name> names;    // by SeriesId; a deque, so that a scrape may read one while another is added
  std::unordered_map<std::string, SeriesId> ids;
  std::vector<std::unique_ptr<WorkerMetrics>> workers;
  std::vector<std::function<void(Samples&)>> hooks;
  bool config_seen = false;
  bool config_successful = false;
  std::uint64_t config_version = 0;
  double config_success_seconds = 0;
};

Metrics::Metrics() : state_(std::make_unique<State>()) {
  state_->names.push_back({"(other)", ""});
}
Metrics::~Metrics() = default;

SeriesId Metrics::series(std::string_view route, std::string_view service) {
  std::string key(route);
  key += '\0';
  key += service;
  const std::scoped_lock lock(state_->mutex);
  const auto found = state_->ids.find(key);
  if (found != state_->ids.end()) return found->second;
  if (state_->ids.size() >= kMaxPairs) return kOtherSeries;
  const auto id = static_cast<SeriesId>(state_->names.size());
  state_->names.push_back({std::string(route), std::string(service)});
  state_->ids.emplace(std::move(key), id);
  return id;
}

WorkerMetrics& Metrics::add_worker() {
  const std::scoped_lock lock(state_->mutex);
  return *state_->workers.emplace_back(std::make_unique<WorkerMetrics>());
}

void Metrics::set_config(std::uint64_t version, bool successful) {
  const std::scoped_lock lock(state_->mutex);
  state_->config_seen = true;
  state_->config_successful = successful;
  state_->config_version = version;
  if (successful) state_->config_success_seconds = static_cast<double>(wall_clock_us()) / 1e6;
}

void Metrics::on_scrape(std::function<void(Samples&)> hook) {
  const std::scoped_lock lock(state_->mutex);
  state_->hooks.push_back(std::move(hook));
}

std::string Metrics::expose() const {
  Samples out;
  Workers workers;
  std::vector<const Name*> names;
  std::vector<std::function<void(Samples&)>> hooks;
  {
    const std::scoped_lock lock(state_->mutex);
    for (const auto& worker : state_->workers) workers.push_back(worker.get());
    for (const Name& name : state_->names) names.push_back(&name);
    hooks = state_->hooks;
    out.gauge("gatehouse_build_info", "Always 1; the labels say what runs.",
              {{"version", GATEHOUSE_VERSION}, {"compiler", __clang_version__}}, 1);
    if (state_->config_seen) {
      out.gauge("gatehouse_config_version", "Version of the configuration in use.", {},
                static_cast<double>(state_->config_version));
      out.gauge("gatehouse_config_last_reload_successful", "1 if the last load or reload was taken, else 0.", {},
                state_->config_successful ? 1 : 0);
      out.gauge("gatehouse_config_last_reload_success_timestamp_seconds", "When a configuration was last taken.", {},
                state_->config_success_seconds);
    }
  }
  for (SeriesId id = 0; id < names.size(); ++id) add_series(out, workers, id, *names[id]);
  add_connections(out, workers);
  add_errors(out, workers);
  add_process(out);
  for (const auto& hook : hooks) hook(out);
  return out.take_text();
}

}  // namespace gatehouse::telemetry
