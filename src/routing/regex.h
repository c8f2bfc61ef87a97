#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "routing/router.h"

namespace re2 {
class RE2;
}

namespace gatehouse::routing {

/// What one compiled pattern may take (RE2's max_mem); a larger one is refused by check_regex.
inline constexpr int kRegexMemory = 1 << 20;
/// Groups of one pattern, named or not; a pattern with more is refused.
inline constexpr int kMaxGroups = 64;

/// A compiled pattern over a whole text. Immutable, any thread. RE2 may allocate the first time that it sees a kind of
/// input, and where a pattern with captures can be read in more than one way; otherwise matching allocates nothing.
class Regex {
 public:
  /// `pattern` has passed check_regex.
  explicit Regex(std::string_view pattern);
  ~Regex();
  Regex(const Regex&) = delete;
  Regex& operator=(const Regex&) = delete;

  bool full_match(std::string_view text) const;
  /// The same, with the named groups in the order of names() ("" for a group that took no part).
  bool full_match(std::string_view text, Captures& captures) const;
  /// Names of the named groups in the order in which they open.
  const std::vector<std::string>& names() const { return names_; }
  /// Bytes with which every matching text starts.
  const std::string& prefix() const { return prefix_; }
  const std::string& pattern() const;
  const re2::RE2& compiled() const { return *regex_; }

 private:
  std::unique_ptr<re2::RE2> regex_;
  std::vector<std::string> names_;
  std::vector<int> groups_;  ///< of names_
  std::string prefix_;
};

}  // namespace gatehouse::routing
