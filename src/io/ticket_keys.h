#pragma once
#include <atomic>
#include <memory>

#include "base/clock.h"

struct ssl_ctx_st;

namespace gatehouse::io {

/// The keys under which TLS servers seal session tickets (RFC 5077; RFC 8446 section 4.6.1): all workers' and all
/// listeners' alike, so that a session is resumed wherever its client comes back, also after a reload. A new key is
/// made every kRotation; with the one before it tickets can still be opened, and are then renewed.
///
/// Process-wide; any thread. Whoever needs a key first after the time is over makes it.
class TicketKeys {
 public:
  static constexpr Duration kRotation = std::chrono::hours(1);

  /// The process's.
  static TicketKeys& shared();

  /// Lets `context` seal and open its tickets with the shared keys.
  static void use_for(ssl_ctx_st* context);

  struct Key {
    unsigned char name[16];
    unsigned char cipher[32];  ///< AES-256
    unsigned char mac[32];     ///< HMAC-SHA-256
  };
  struct Set {
    Key current, previous;
    bool has_previous = false;
    TimePoint made;
  };
  /// The keys at `now`; null if there is no randomness.
  std::shared_ptr<const Set> at(TimePoint now);

 private:
  std::atomic<std::shared_ptr<const Set>> set_;
};

}  // namespace gatehouse::io
