#include "engine/control/redis_clients.h"

#include <algorithm>
#include <exception>

#include "engine/service_tls.h"
#include "plugin/exchange.h"
#include "redis/client.h"

namespace gatehouse::engine {
namespace {

redis::Address address_of(const config::Address& from) {
  using Kind = config::Address::Kind;
  if (from.kind == Kind::unix_path) return {from.host, 0};
  return {from.kind == Kind::ip ? from.ip.text() : from.host, from.port};
}

std::vector<redis::Address> addresses_of(const std::vector<config::Address>& from) {
  std::vector<redis::Address> all;
  for (const config::Address& each : from) all.push_back(address_of(each));
  return all;
}

redis::Options options_of(const config::Redis& from, std::shared_ptr<const io::TlsClient> tls) {
  redis::Options to;
  if (from.address) to.address = address_of(*from.address);
  if (from.sentinel) {
    to.master = from.sentinel->master;
    to.sentinels = addresses_of(from.sentinel->addresses);
    to.sentinel_username = from.sentinel->username;
    to.sentinel_password = from.sentinel->password.value;
  }
  to.seeds = addresses_of(from.cluster);
  to.username = from.username;
  to.password = from.password.value;
  to.database = from.database;
  to.tls = std::move(tls);
  if (from.tls) to.sni = from.tls->sni;
  to.timeout = from.timeout;
  return to;
}

/// Two configurations with the same key reach the same Redis in the same way.
std::string key_of(const config::Redis& redis) {
  std::string key;
  const auto add = [&key](const std::string& text) { key += std::to_string(text.size()) + ':' + text; };
  if (redis.address) add("address " + redis.address->text());
  if (redis.sentinel) {
    add("master " + redis.sentinel->master);
    for (const config::Address& each : redis.sentinel->addresses) add(each.text());
    add(redis.sentinel->username);
    add(redis.sentinel->password.value);
  }
  for (const config::Address& each : redis.cluster) add("node " + each.text());
  add(redis.username);
  add(redis.password.value);
  add(std::to_string(redis.database) + ' ' + std::to_string(redis.timeout.count()));
  if (redis.tls) add("tls " + tls_key(*redis.tls, false) + redis.tls->sni);
  return key;
}

Task<RedisResult> nobody_waits() {
  co_return std::unexpected(RedisError{RedisError::Fault::cancelled, "nothing may wait here"});
}

}  // namespace

/// One client for each worker.
class RedisClients::Workers final : public plugin::Redis {
 public:
  Workers(const std::vector<io::Reactor*>& workers, const redis::Options& options) {
    const auto shared = std::make_shared<const redis::Options>(options);
    for (io::Reactor* reactor : workers) clients_.push_back(std::make_unique<redis::Client>(*reactor, shared));
  }

  RedisScript script(std::string text) const override { return redis::make_script(std::move(text)); }
  Task<RedisResult> eval(plugin::Exchange& exchange, const RedisScript& script, Arguments keys,
                         Arguments arguments) const override {
    if (exchange.scope == nullptr) return nobody_waits();
    return client(exchange.worker).eval(*exchange.scope, exchange.arena, script, keys, arguments);
  }
  void send(const plugin::Exchange& exchange, std::shared_ptr<const RedisScript> script, Arguments keys,
            Arguments arguments, Then then) const override {
    if (exchange.scope != nullptr) client(exchange.worker).post(std::move(script), keys, arguments, std::move(then));
  }
  Task<RedisResult> command(plugin::Exchange& exchange, Arguments words) const override {
    if (exchange.scope == nullptr) return nobody_waits();
    return client(exchange.worker).command(*exchange.scope, exchange.arena, words);
  }

  redis::Client& client(unsigned worker) const { return *clients_[worker]; }
  unsigned size() const { return static_cast<unsigned>(clients_.size()); }

 private:
  std::vector<std::unique_ptr<redis::Client>> clients_;
};

RedisClients::RedisClients(io::Reactor& control, std::vector<io::Reactor*> workers)
    : control_(control), workers_(std::move(workers)) {}

RedisClients::~RedisClients() = default;

bool RedisClients::prepare(const config::Model& model, config::Diagnostics& out) {
  last_ = {};
  if (!model.redis) return true;
  const std::string key = key_of(*model.redis);
  const auto found = std::ranges::find(entries_, key, &Entry::key);
  if (found != entries_.end()) {
    last_ = *found;
    return true;
  }
  config::Diagnostics faults;  // what can be used all the same has been said when the file was read
  std::shared_ptr<const io::TlsClient> tls = make_tls(*model.redis, faults);
  if (model.redis->tls && tls == nullptr) {
    for (const config::Diagnostic& fault : faults.items()) out.add(fault);
    return false;
  }
  try {
    last_ = {key, std::make_shared<Workers>(workers_, options_of(*model.redis, std::move(tls)))};
  } catch (const std::exception& fault) {
    out.error(model.redis->mark, "redis", fault.what());
    return false;
  }
  return true;
}

std::shared_ptr<const plugin::Redis> RedisClients::of_last_prepared() {
  if (last_.workers == nullptr) return nullptr;
  ever_ = true;
  if (std::ranges::find(entries_, last_.key, &Entry::key) == entries_.end()) entries_.push_back(last_);
  return last_.workers;
}

// ---- the end of what is not used ----

void RedisClients::sweep() {
  last_ = {};  // who was built has taken it
  for (auto at = entries_.begin(); at != entries_.end();) {
    if (at->workers.use_count() == 1) {
      retire(std::move(at->workers));
      at = entries_.erase(at);
    } else {
      ++at;
    }
  }
  if (entries_.empty() && retiring_.empty() && on_empty_) std::exchange(on_empty_, nullptr)();
}

void RedisClients::retire(std::shared_ptr<Workers> workers) {
  Workers* const raw = workers.get();
  retiring_.push_back(std::move(workers));
  const auto left = std::make_shared<std::size_t>(workers_.size());
  for (unsigned i = 0; i < workers_.size(); ++i) {
    workers_[i]->post([this, raw, i, left] {
      raw->client(i).close();
      control_.post([this, raw, left] {
        if (--*left == 0) drop(raw);
      });
    });
  }
}

void RedisClients::drop(const Workers* workers) {
  for (unsigned i = 0; i < workers->size(); ++i) gone_.add(workers->client(i).counters());
  std::erase_if(retiring_, [&](const auto& each) { return each.get() == workers; });
  if (entries_.empty() && retiring_.empty() && on_empty_) std::exchange(on_empty_, nullptr)();
}

void RedisClients::retire_all(std::move_only_function<void()> then) {
  on_empty_ = std::move(then);
  last_ = {};
  for (Entry& entry : entries_) retire(std::move(entry.workers));
  entries_.clear();
  if (retiring_.empty()) std::exchange(on_empty_, nullptr)();
}

// ---- what they count ----

void RedisClients::Totals::add(const redis::Counters& counters) {
  const auto load = [](const std::atomic<std::uint64_t>& from) { return from.load(std::memory_order_relaxed); };
  for (std::size_t i = 0; i < std::size(commands); ++i) commands[i] += load(counters.commands[i]);
  for (std::size_t i = 0; i < std::size(latency); ++i) latency[i] += load(counters.latency[i]);
  latency_sum_us += load(counters.latency_sum_us);
  opened += load(counters.opened);
  failed += load(counters.failed);
  connected += load(counters.connected);
}

void RedisClients::scrape(telemetry::Samples& samples) const {
  if (!ever_) return;
  Totals all = gone_;
  all.connected = 0;
  const auto add = [&all](const Workers& workers) {
    for (unsigned i = 0; i < workers.size(); ++i) all.add(workers.client(i).counters());
  };
  for (const Entry& entry : entries_) add(*entry.workers);
  for (const auto& workers : retiring_) add(*workers);
  for (std::size_t i = 0; i < std::size(all.commands); ++i) {
    samples.counter("gatehouse_redis_commands_total", "Commands for the Redis, by what became of them.",
                    {{"result", redis::Counters::kResultNames[i]}}, static_cast<double>(all.commands[i]));
  }
  samples.histogram("gatehouse_redis_command_duration_seconds", "Until the Redis answered a command.", {},
                    redis::kLatencyBounds, all.latency, all.latency_sum_us);
  samples.gauge("gatehouse_redis_connected", "Connections to the Redis that stand, of all workers.", {},
                static_cast<double>(all.connected));
  samples.counter("gatehouse_redis_connects_total", "Attempts to connect to the Redis.", {{"result", "ok"}},
                  static_cast<double>(all.opened));
  samples.counter("gatehouse_redis_connects_total", "Attempts to connect to the Redis.", {{"result", "failed"}},
                  static_cast<double>(all.failed));
}

}  // namespace gatehouse::engine
