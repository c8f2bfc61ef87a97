
#include "base/number.h"
#include "redis/connection.h"
#include "redis/finder.h"

namespace gatehouse::redis {
namespace {

using Kind = RedisReply::Kind;

/// A question is over when its connection is.
struct Nobody final : Connection::Watcher {
  void connection_lost(const char*, bool) override {}
};

std::expected<Address, std::string> address_in(const RedisReply& reply) {
  if (reply.is_nil()) return std::unexpected("it knows no master of that name");
  Address address;
  if (reply.kind == Kind::array && reply.count == 2) {
    address.host = reply.first[0].text;
    address.port = parse_number<std::uint16_t>(reply.first[1].text).value_or(0);
    if (address.port != 0 && !address.host.empty()) return address;
  }
  return std::unexpected("it does not say who is the master");
}

}  // namespace

Task<std::expected<Address, std::string>> Finder::master(Scope& scope) {
  const std::vector<Address>& all = options_->sentinels;
  std::string fault;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::size_t which = (sentinel_ + i) % all.size();
    auto found = co_await ask_sentinel(scope, all[which]);
    if (found) {
      sentinel_ = which;
      co_return found;
    }
    fault = "sentinel " + all[which].text() + ": " + found.error();
  }
  co_return std::unexpected(fault);
}

Task<std::expected<Address, std::string>> Finder::ask_sentinel(Scope& scope, Address sentinel) {
  const auto endpoints = co_await resolve(scope, sentinel);
  if (!endpoints) co_return std::unexpected(endpoints.error());
  std::string_view words[3];
  const Arguments auth = auth_command(words, options_->sentinel_username, options_->sentinel_password);
  const std::string_view question[] = {"SENTINEL", "get-master-addr-by-name", options_->master};
  Arguments commands[2];
  std::size_t count = 0;
  if (!auth.empty()) commands[count++] = auth;
  commands[count++] = question;
  std::string fault;
  for (const io::Endpoint& endpoint : *endpoints) {
    Nobody watcher;
    io::TlsSession session;
    Arena arena;
    Connection connection(reactor_, watcher, kOff);
    const TimePoint deadline = deadline_after(reactor_.now(), options_->timeout);
    fault = co_await connection.open(scope, endpoint, peer(sentinel), session, deadline);
    if (!fault.empty()) continue;
    const RedisResult reply = co_await connection.greet(scope, arena, {commands, count}, deadline);
    if (reply) co_return address_in(*reply);
    fault = reply.error().text;
  }
  co_return std::unexpected(fault);
}

}  // namespace gatehouse::redis
