#pragma once
#include <atomic>

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
    const Set* before = nullptr;  ///< the set that this one took over from
  };
  /// The keys at `now`, valid for kRotation from then; null if there is no randomness.
  const Set* at(TimePoint now);

  TicketKeys() = default;
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

 private:
  /// A set is wiped when the one after it is taken over from: nobody has looked at it for a whole rotation.
  static void wipe(const Set* set);
  std::atomic<const Set*> set_{nullptr};
};

}  // namespace gatehouse::io
