#include <algorithm>

#include "config/custom_kind.h"
#include "config/decode.h"

namespace gatehouse::config {
namespace {

const Options<RedisSentinel>& sentinel_options() {
  static const auto table =
      Options<RedisSentinel>()
          .require("master", &RedisSentinel::master, non_empty(), "What the sentinels call the master.")
          .require("addresses", &RedisSentinel::addresses, list(target_address(), 1), "The sentinels, asked in turn.")
          .add("username", &RedisSentinel::username, non_empty(), "For the sentinels.")
          .add("password", &RedisSentinel::password, secret(), "For the sentinels.")
          .check([](const RedisSentinel& sentinel, const Where& at) {
            if (!sentinel.username.empty() && sentinel.password.value.empty()) at.error("needs a \"password\"");
          });
  return table;
}

bool is_unix(const Address& address) {
  return address.kind == Address::Kind::unix_path;
}

void check_redis(const Redis& redis, const Where& at) {
  const int ways = (redis.address ? 1 : 0) + (redis.sentinel ? 1 : 0) + (redis.cluster.empty() ? 0 : 1);
  if (ways == 0) at.error("needs one of \"address\", \"sentinel\" and \"cluster\"");
  if (ways > 1) at.error("must have only one of \"address\", \"sentinel\" and \"cluster\"");
  if (!redis.username.empty() && redis.password.value.empty()) at.error("needs a \"password\" for the \"username\"");
  if (!redis.cluster.empty() && redis.database != 0) at.error("has no \"database\" but 0 in a cluster");
  if (std::ranges::any_of(redis.cluster, is_unix)) at.error("cannot reach a cluster by a Unix socket");
  if (redis.tls && redis.tls->verify && redis.tls->sni.empty() && redis.address && is_unix(*redis.address)) {
    at.error("needs \"tls: {sni: …}\": a Unix socket has no name that could be verified");
  }
}

const Options<Redis>& redis_options() {
  static const auto table =
      Options<Redis>()
          .add("address", &Redis::address, target_address(), "The server: address or name with port, or `unix:`.")
          .add("sentinel", &Redis::sentinel, sentinel_options().nested(), "Instead: who knows where the master is.")
          .add("cluster", &Redis::cluster, list(target_address(), 1),
               "Instead: some nodes of a cluster; the others are found by them.")
          .add("username", &Redis::username, non_empty(), "An ACL user; the server's `default` without.")
          .add("password", &Redis::password, secret(), "For the server, or for each of a cluster's nodes.")
          .add("database", &Redis::database, integer(0, 65'535), "Its number.")
          .add("tls", &Redis::tls, service_tls(), "Speaks TLS, with sentinels too; plain without it.")
          .add("timeout", &Redis::timeout, duration(false, std::chrono::milliseconds(1)),
               "Until a connection stands, and for each command.")
          .check(check_redis);
  return table;
}

}  // namespace

Value<Redis> redis() {
  return mapping_of<Redis>(redis_options(), [](const Node& node, const Where&, Redis& to) {
    to.mark = node.mark();
    to.tls_mark = mark_of(node, "tls");
  });
}

}  // namespace gatehouse::config
