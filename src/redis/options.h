#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "io/socket.h"
#include "io/tls_client.h"

namespace gatehouse::redis {

/// Where a server listens.
struct Address {
  std::string host;        ///< a DNS name or the text of an IP address; a path where `port` is 0
  std::uint16_t port = 0;  ///< 0: a Unix socket
  /// "redis.internal:6379", "[::1]:6379", "unix:/run/redis.sock"
  std::string text() const;
  friend bool operator==(const Address&, const Address&) = default;
};

/// How a Redis is reached. One of `address`, `sentinels` and `seeds` is set. Immutable; shared by the workers' clients.
struct Options {
  Address address;                 ///< the server
  std::string master;              ///< Sentinel's name for the servers …
  std::vector<Address> sentinels;  ///< … and who knows which of them is the master
  std::vector<Address> seeds;      ///< nodes of a cluster; the others are found by them

  std::string username, password;                    ///< "" for none
  std::string sentinel_username, sentinel_password;  ///< for the sentinels
  std::uint32_t database = 0;

  std::shared_ptr<const io::TlsClient> tls;  ///< null: plain
  std::string sni;                           ///< whom to ask for and to verify, "" for the address' host

  Duration timeout = std::chrono::milliseconds(100);  ///< for a connection to stand and for each command
  std::uint32_t max_pending = 4096;  ///< commands under way on one connection, those that nobody waits for any more too
};

}  // namespace gatehouse::redis
