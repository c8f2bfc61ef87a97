#include "redis/client.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace gatehouse::redis {

/// A script that nobody waits for.
struct Client::Posted {
  explicit Posted(Scheduler& scheduler) : scope(scheduler) {}
  Arena arena;
  std::shared_ptr<const RedisScript> script;
  std::span<std::string_view> keys, arguments;
  Then then;
  Scope scope;
  Job job;
};

Client::Client(io::Reactor& reactor, std::shared_ptr<const Options> options) : finder_(reactor, std::move(options)) {
  if (finder_.options().seeds.empty()) {
    node_ = std::make_unique<Node>(finder_, counters_, finder_.options().address);
  } else {
    cluster_ = std::make_unique<Cluster>(finder_, counters_);
  }
}

void Client::close() {
  idle_.clear();
  posted_.clear();
  node_ != nullptr ? node_->close() : cluster_->close();
  finder_.close();
}

Task<RedisResult> Client::command(Scope& scope, Arena& arena, Arguments arguments) {
  return send(scope, arena, arguments, arguments.size() > 1 ? arguments.subspan(1, 1) : Arguments());
}

Task<RedisResult> Client::send(Scope& scope, Arena& arena, Arguments arguments, Arguments keys) {
  const TimePoint began = finder_.reactor().now();
  const RedisResult result = node_ != nullptr ? co_await node_->command(scope, arena, arguments)
                                              : co_await cluster_->command(scope, arena, arguments, keys);
  counters_.count(result, finder_.reactor().now() - began);
  co_return result;
}

Task<RedisResult> Client::eval(Scope& scope, Arena& arena, const RedisScript& script, Arguments keys,
                               Arguments arguments) {
  constexpr std::size_t kBefore = 3;  // the command, the script, the number of keys
  char* const digits = arena.array<char>(20);
  const char* const end = std::to_chars(digits, digits + 20, keys.size()).ptr;
  const std::size_t count = kBefore + keys.size() + arguments.size();
  auto* const all = arena.array<std::string_view>(count);
  all[0] = "EVALSHA";
  all[1] = script.sha;
  all[2] = {digits, end};
  std::ranges::copy(keys, all + kBefore);
  std::ranges::copy(arguments, all + kBefore + keys.size());
  const RedisResult result = co_await send(scope, arena, {all, count}, keys);
  if (result || !result.error().says("NOSCRIPT")) co_return result;
  all[0] = "EVAL";
  all[1] = script.text;
  co_return co_await send(scope, arena, {all, count}, keys);
}

bool Client::post(std::shared_ptr<const RedisScript> script, Arguments keys, Arguments arguments, Then then) {
  if (idle_.empty()) {
    if (posted_.size() == kMostPosted) {
      if (then) then(std::unexpected(RedisError{RedisError::Fault::overloaded, "too many scripts are under way"}));
      return false;
    }
    posted_.push_back(std::make_unique<Posted>(finder_.reactor().scheduler()));
    idle_.push_back(posted_.back().get());
  }
  Posted& posted = *idle_.back();
  idle_.pop_back();
  posted.script = std::move(script);
  posted.then = std::move(then);
  const auto copy = [&posted](Arguments from) {
    const std::span<std::string_view> to(posted.arena.array<std::string_view>(from.size()), from.size());
    std::ranges::transform(from, to.begin(), [&](std::string_view text) { return posted.arena.copy(text); });
    return to;
  };
  posted.keys = copy(keys);
  posted.arguments = copy(arguments);
  posted.job.start(run(posted));
  return true;
}

Task<void> Client::run(Posted& posted) {
  const RedisResult result = co_await eval(posted.scope, posted.arena, *posted.script, posted.keys, posted.arguments);
  if (Then then = std::exchange(posted.then, nullptr)) then(result);
  posted.script = nullptr;
  posted.arena.reset();
  idle_.push_back(&posted);
}

Client::~Client() = default;

}  // namespace gatehouse::redis
