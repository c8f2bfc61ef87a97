#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "config/value_kinds.h"

namespace gatehouse::plugins {

/// "" or why a pair of name and value is refused ("must …").
using PairCheck = std::function<std::string(const std::string& name, const std::string& value)>;

/// `inner` with a look at each pair.
config::Value<config::NameValues> checked_pairs(config::Value<config::NameValues> inner, PairCheck check);
/// The same for pairs whose values are sent: each must be fixed text besides, and is printed as *** where the name is
/// one of a credential (is_secret_name).
config::Value<config::NameValues> text_pairs(config::Value<config::NameValues> inner, PairCheck check);

/// "" or why the value is refused: control characters, or one of Kong's templates, which would be sent as it stands.
std::string check_fixed_text(std::string_view text);
/// Whether the header or parameter carries a credential, by its name.
bool is_secret_name(std::string_view name);

}  // namespace gatehouse::plugins
