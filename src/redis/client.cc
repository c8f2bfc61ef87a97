#include "redis/client.h"

#include <algorithm>
#include <charconv>

namespace gatehouse::redis {

Client::Client(io::Reactor& reactor, std::shared_ptr<const Options> options) : finder_(reactor, std::move(options)) {
  if (finder_.options().seeds.empty()) {
    node_ = std::make_unique<Node>(finder_, counters_, finder_.options().address);
  } else {
    cluster_ = std::make_unique<Cluster>(finder_, counters_);
  }
}

Client::~Client() = default;

void Client::close() {
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

}  // namespace gatehouse::redis
