#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::plugins::cors {

/// "" or why `text` is no entry of `origins`: `*`, `null`, `scheme://host[:port]`, the same with `*.` in front of the
/// host (one or more labels), `~` and an RE2, or, as Kong has it, an RE2 by itself if it holds characters that no
/// origin has.
std::string check_origin(std::string_view text);

/// Which origins may read answers. Immutable, all workers.
class OriginList {
 public:
  /// `entries` have passed check_origin.
  explicit OriginList(const std::vector<std::string>& entries);
  ~OriginList();
  /// `*` is among the entries.
  bool any() const { return any_; }
  /// Schemes and hosts are compared without case; a regex must match the whole origin.
  bool matches(std::string_view origin) const;

 private:
  struct Wildcard {
    std::string before;  ///< "https://"
    std::string after;   ///< ".example.com:8443"
  };
  struct Regexes;

  bool any_ = false;
  std::vector<std::string> exact_;
  std::vector<Wildcard> wildcards_;
  std::unique_ptr<Regexes> regexes_;
};

}  // namespace gatehouse::plugins::cors
