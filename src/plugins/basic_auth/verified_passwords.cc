#include "plugins/basic_auth/verified_passwords.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

#include "base/password_hash.h"

namespace gatehouse::plugins::basic_auth {
namespace {

/// Keys with the times at which they were found out: the newest of each of `kSets` groups.
template <std::size_t kSets>
class Remembered {
 public:
  bool has(const Sha256& key, TimePoint now, Duration keep) const {
    for (const Entry& entry : set_of(key)) {
      if (entry.used && entry.key == key) return deadline_after(entry.at, keep) > now;
    }
    return false;
  }
  void put(const Sha256& key, TimePoint at) {
    Set& set = const_cast<Set&>(set_of(key));
    Entry* const same = std::ranges::find_if(set, [&](const Entry& entry) { return entry.used && entry.key == key; });
    *(same != set.end() ? same : std::ranges::min_element(set, {}, &Entry::at)) = {key, at, true};
  }

 private:
  struct Entry {
    Sha256 key{};
    TimePoint at = TimePoint::min();
    bool used = false;
  };
  using Set = std::array<Entry, 4>;
  const Set& set_of(const Sha256& key) const {
    std::size_t at;  // the key is as good as drawn
    std::memcpy(&at, key.data(), sizeof at);
    return sets_[at % kSets];
  }
  std::array<Set, kSets> sets_{};
};

}  // namespace

/// One password being looked at.
class VerifiedPasswords::Check final : public plugin::Work {
 public:
  Check(std::shared_ptr<VerifiedPasswords> of, unsigned of_worker, const Question& question)
      : owner(std::move(of)),
        worker(of_worker),
        key(question.key),
        user(question.user),
        hash(question.hash),
        password(question.password),
        known(question.known),
        at(question.at) {}
  ~Check() override { OPENSSL_cleanse(password.data(), password.size()); }

  void run() noexcept override {
    const bool same = verify_password(hash, password);
    good = same && known;
  }
  void finish() noexcept override {
    hook.unlink();
    owner->remember(worker, key, good, at);
    while (!waiters.empty()) {
      Waiter& waiter = waiters.pop_front();
      waiter.done = true;
      waiter.good = good;
      waiter.answered.notify();
    }
  }

  const std::shared_ptr<VerifiedPasswords> owner;
  const unsigned worker;
  const Sha256 key;
  const std::uint64_t user;
  const std::string hash;
  std::string password;
  const bool known;
  const TimePoint at;
  bool good = false;
  List<Waiter, &Waiter::hook> waiters;
  ListHook hook;
};

struct alignas(64) VerifiedPasswords::Slot {
  Remembered<256> good;
  Remembered<64> bad;
  List<Check, &Check::hook> checks;
};

VerifiedPasswords::VerifiedPasswords(unsigned workers) : slots_(std::make_unique<Slot[]>(std::max(workers, 1u))) {
  // Without randomness TLS would not work either.
  if (RAND_bytes(salt_.data(), static_cast<int>(salt_.size())) != 1) std::abort();
}

VerifiedPasswords::~VerifiedPasswords() = default;

Sha256 VerifiedPasswords::key(std::string_view username, std::string_view hash, std::string_view password,
                              Arena& memory) const {
  // Neither a name nor a hash has a NUL.
  return sha256(
      memory.concat(bytes_of(salt_), username, std::string_view("\0", 1), hash, std::string_view("\0", 1), password));
}

auto VerifiedPasswords::look(unsigned worker, const Sha256& key, TimePoint now, Duration keep) const -> Answer {
  const Slot& slot = slots_[worker];
  if (slot.good.has(key, now, keep)) return Answer::good;
  return slot.bad.has(key, now, kBadFor) ? Answer::bad : Answer::unknown;
}

void VerifiedPasswords::remember(unsigned worker, const Sha256& key, bool good, TimePoint at) {
  Slot& slot = slots_[worker];
  good ? slot.good.put(key, at) : slot.bad.put(key, at);
}

bool VerifiedPasswords::decide(unsigned worker, const Question& question) {
  const bool same = verify_password(std::string(question.hash), question.password);
  const bool good = same && question.known;
  remember(worker, question.key, good, question.at);
  return good;
}

bool VerifiedPasswords::ask(unsigned worker, const plugin::Offload& offload, const Question& question, Waiter& waiter) {
  Slot& slot = slots_[worker];
  Check* same = nullptr;
  unsigned of_user = 0;
  slot.checks.each([&](Check& check) {
    of_user += check.user == question.user;
    if (check.key == question.key) same = &check;
  });
  if (same == nullptr) {
    if (of_user >= kMostOfUser) return false;
    auto check = std::make_unique<Check>(shared_from_this(), worker, question);
    same = check.get();
    slot.checks.push_back(*same);
    same->waiters.push_back(waiter);
    return offload.submit(worker, std::move(check));
  }
  same->waiters.push_back(waiter);
  return true;
}

}  // namespace gatehouse::plugins::basic_auth
