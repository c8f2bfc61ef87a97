#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::telemetry {

/// Which parts of a request target must not be written down: values of query parameters whose name says that they are
/// credentials, and user information before a host. Immutable, any thread.
class SecretNames {
 public:
  /// `extra` names come on top of the usual ones (api_key, access_token, password, …); compared without case, `-` as
  /// `_`.
  explicit SecretNames(std::span<const std::string> extra = {});

  /// A part of a target, as an offset and one past the end.
  struct Range {
    std::size_t begin = std::string_view::npos;
    std::size_t end = std::string_view::npos;
    bool found() const { return begin != std::string_view::npos; }
  };
  /// The first non-empty secret part that starts at `from` or after it; `from` is 0 or the end of the one before.
  Range next(std::string_view target, std::size_t from) const;

  /// Whether a parameter of that name (as sent: with escapes, with `[…]`) is taken for a credential.
  bool secret(std::string_view raw_name) const;

 private:
  bool known(std::string_view name) const;
  std::vector<std::string> extra_;
};

}  // namespace gatehouse::telemetry
