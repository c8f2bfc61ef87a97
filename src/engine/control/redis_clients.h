#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/loader.h"
#include "io/reactor.h"
#include "plugin/redis.h"
#include "redis/metrics.h"
#include "telemetry/samples.h"

namespace gatehouse::engine {

/// The workers' clients of the configuration's Redis. They outlive configurations: one that says the same keeps its
/// connections, another gets new ones, and the old ones are closed when nothing asks them any more. Control thread;
/// workers use what plugins hold.
class RedisClients {
 public:
  RedisClients(io::Reactor& control, std::vector<io::Reactor*> workers);
  RedisClients(const RedisClients&) = delete;
  RedisClients& operator=(const RedisClients&) = delete;
  ~RedisClients();

  /// Makes ready what `model` asks for. False: a file of its TLS cannot be used, which is reported.
  bool prepare(const config::Model& model, config::Diagnostics& out);
  /// Of the model that was prepared last; null where it has no `redis`.
  std::shared_ptr<const plugin::Redis> of_last_prepared();
  /// Closes what nothing refers to any more.
  void sweep();
  /// Closes all, then calls `then`; exchanges are over. Nothing may be asked of this afterwards.
  void retire_all(std::move_only_function<void()> then);

  void scrape(telemetry::Samples& samples) const;

 private:
  class Workers;
  struct Entry {
    std::string key;
    std::shared_ptr<Workers> workers;
  };
  /// What clients that are gone have counted: a counter never falls.
  struct Totals {
    std::uint64_t commands[redis::Counters::kResults] = {};
    std::uint64_t opened = 0, failed = 0, connected = 0;
    std::uint64_t latency[redis::kLatencyBounds.size() + 1] = {};
    std::uint64_t latency_sum_us = 0;
    void add(const redis::Counters& counters);
  };

  void retire(std::shared_ptr<Workers> workers);
  void drop(const Workers* workers);

  io::Reactor& control_;
  std::vector<io::Reactor*> workers_;
  Entry last_;  ///< without `workers`: the model has no `redis`
  std::vector<Entry> entries_;
  std::vector<std::shared_ptr<Workers>> retiring_;
  Totals gone_;
  bool ever_ = false;  ///< there was one
  std::move_only_function<void()> on_empty_;
};

}  // namespace gatehouse::engine
