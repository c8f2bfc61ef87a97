#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/value_kinds.h"

namespace re2 {
class RE2;
}

namespace gatehouse::plugins::jwt {

/// What a claim must be like.
struct ClaimRule {
  enum class Kind : std::uint8_t { present, one_of, regex };
  std::string claim;  ///< a name, or names with "." between
  Kind kind = Kind::present;
  std::vector<std::string> values;          ///< as texts: "true" is the boolean and the string
  std::shared_ptr<const re2::RE2> pattern;  ///< must match the whole text
};

/// `[exp, {aud: shop}, {role: {one_of: [a, b]}}, {sub: {regex: "user-.*"}}]`. Each says that the claim must be there.
config::Value<std::vector<ClaimRule>> claim_rules();

/// Whether one text of the claim (its own, or of one item where it is a list) is as `rule` wants it.
bool holds(const ClaimRule& rule, std::string_view text);

}  // namespace gatehouse::plugins::jwt
