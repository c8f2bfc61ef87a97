#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "base/list.h"
#include "base/scheduler.h"
#include "base/sha256.h"
#include "plugin/offload.h"

namespace gatehouse::plugins::basic_auth {

/// Whether a password is a user's.
struct Question {
  Sha256 key{};            ///< of VerifiedPasswords::key()
  std::uint64_t user = 0;  ///< stands for the name
  std::string_view hash;   ///< to compare with
  std::string_view password;
  bool known = false;  ///< false: a stand-in's hash, and the answer is no whatever comes out
  TimePoint at{};      ///< when it was asked
};

/// Somebody who waits for an answer; leaves by being destroyed.
struct Waiter {
  Signal answered;
  bool done = false, good = false;
  ListHook hook;
};

/// Answers about passwords, each worker's its own: what is known for a while, what is being found out. It stays across
/// configurations; a changed hash is another question. Its answers are found by a hash under a random key, so that
/// neither they nor a time tells of passwords.
class VerifiedPasswords : public std::enable_shared_from_this<VerifiedPasswords> {
 public:
  /// A bad answer is kept so long, for who tries the same again and again.
  static constexpr Duration kBadFor = std::chrono::seconds(5);
  /// As many different passwords may be looked at at a time for one name, on each worker.
  static constexpr unsigned kMostOfUser = 2;

  enum class Answer : std::uint8_t { unknown, good, bad };

  /// Control thread.
  explicit VerifiedPasswords(unsigned workers);
  ~VerifiedPasswords();

  /// The name of the question in here. `memory` is for the time of the call.
  Sha256 key(std::string_view username, std::string_view hash, std::string_view password, Arena& memory) const;

  // ---- on the thread of the worker ----

  /// What is known; a good answer counts for `keep` after it was asked for.
  Answer look(unsigned worker, const Sha256& key, TimePoint now, Duration keep) const;
  /// Finds out at once, in tens of milliseconds.
  bool decide(unsigned worker, const Question& question);
  /// Has it found out elsewhere, together with who asks the same; `waiter` is told. False: too much is being found out.
  bool ask(unsigned worker, const plugin::Offload& offload, const Question& question, Waiter& waiter);

 private:
  class Check;
  struct Slot;
  void remember(unsigned worker, const Sha256& key, bool good, TimePoint at);

  Sha256 salt_{};
  std::unique_ptr<Slot[]> slots_;
};

}  // namespace gatehouse::plugins::basic_auth
