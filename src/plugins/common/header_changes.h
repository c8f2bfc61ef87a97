#pragma once
#include <string>
#include <vector>

#include "config/value_kinds.h"
#include "http/field.h"

namespace gatehouse::plugins {

/// What a transformer does to the fields of a head, in this order, with the meanings of Kong's transformers. Immutable;
/// the fields get views of it.
struct HeaderChanges {
  std::vector<std::string> remove;
  config::NameValues
      rename;  ///< old name, new name: lines of the new name are replaced; nothing if the old one is absent
  config::NameValues replace;  ///< only where the name is present: one line stands for all of its lines
  config::NameValues set;      ///< one line, whatever was there
  config::NameValues add;      ///< only where the name is absent
  config::NameValues append;   ///< one more line

  void apply(http::Fields& fields) const;
};

/// Names that check_settable_header accepts.
config::Value<std::vector<std::string>> header_list();
/// "old:new" or {old: new}, both settable.
config::Value<config::NameValues> header_renames();
/// "Name: value" or {Name: value} with fixed text. `host` lets "Host" with a host or host:port be among them.
/// Values of credentials are printed as ***.
config::Value<config::NameValues> header_values(bool host = false);

}  // namespace gatehouse::plugins
