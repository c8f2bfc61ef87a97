#include "redis/client.h"

#include <algorithm>
#include <charconv>

namespace gatehouse::redis {

Client::Client(io::Reactor& reactor, std::shared_ptr<const Options> options)
    : finder_(reactor, std::move(options)),
      node_(std::make_unique<Node>(finder_, counters_, finder_.options().address)) {}

Client::~Client() = default;

void Client::close() {
  node_->close();
}

Task<RedisResult> Client::route(Scope& scope, Arena& arena, Arguments arguments) {
  return node_->command(scope, arena, arguments);
}

Task<RedisResult> Client::command(Scope& scope, Arena& arena, Arguments arguments) {
  const TimePoint began = finder_.reactor().now();
  const RedisResult result = co_await route(scope, arena, arguments);
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
  const RedisResult result = co_await command(scope, arena, {all, count});
  if (result || !result.error().says("NOSCRIPT")) co_return result;
  all[0] = "EVAL";
  all[1] = script.text;
  co_return co_await command(scope, arena, {all, count});
}

}  // namespace gatehouse::redis
