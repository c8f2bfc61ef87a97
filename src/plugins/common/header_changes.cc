#include "plugins/common/header_changes.h"

#include "http/head.h"
#include "plugins/common/header_names.h"

namespace gatehouse::plugins {
namespace {

/// A kind that refuses some of what another accepts.
class CheckedPairs : public config::ValueKind {
 public:
  using Check = std::function<std::string(const std::string&, const std::string&)>;
  CheckedPairs(std::shared_ptr<const config::ValueKind> inner, Check check)
      : inner_(std::move(inner)), check_(std::move(check)) {}

  bool decode(const config::Node& node, const config::Where& at, void* to) const override {
    if (!inner_->decode(node, at, to)) return false;
    bool good = true;
    const auto& pairs = *static_cast<const config::NameValues*>(to);
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      const std::string fault = check_(pairs[i].first, pairs[i].second);
      if (fault.empty()) continue;
      report(node, at, i, pairs.size(), fault);
      good = false;
    }
    return good;
  }
  config::Node print(const void* from) const override { return inner_->print(from); }
  config::Node schema() const override { return inner_->schema(); }
  std::string type() const override { return inner_->type(); }
  config::Node effective(const config::Node& written) const override { return inner_->effective(written); }
  bool allows_null() const override { return inner_->allows_null(); }

 private:
  /// At the item or entry that gave the pair, where there is one for each.
  static void report(const config::Node& node, const config::Where& at, std::size_t pair, std::size_t pairs,
                     const std::string& fault) {
    if (node.is_mapping()) {
      const auto& entry = node.entries()[pair];
      at.key(entry.key, entry.value.mark()).error(fault);
    } else if (node.items().size() == pairs) {
      at.index(pair, node.items()[pair].mark()).error(fault);
    } else {
      at.error(fault);
    }
  }

  std::shared_ptr<const config::ValueKind> inner_;
  Check check_;
};

/// All lines of `from` become lines of `to`.
void rename_field(http::Fields& fields, std::string_view from, std::string_view to) {
  if (!fields.has(from)) return;
  fields.remove(to);
  const std::uint32_t count = fields.size();
  for (std::uint32_t i = 0; i < count; ++i) {
    http::Field& field = fields.begin()[i];
    if (field.removed || !http::equal_names(field.name, from)) continue;
    field.removed = true;
    fields.append(to, field.value);
  }
}

}  // namespace

void HeaderChanges::apply(http::Fields& fields) const {
  for (const std::string& name : remove) fields.remove(name);
  for (const auto& [from, to] : rename) rename_field(fields, from, to);
  for (const auto& [name, value] : replace) {
    if (fields.has(name)) fields.set(name, value);
  }
  for (const auto& [name, value] : set) fields.set(name, value);
  for (const auto& [name, value] : add) {
    if (!fields.has(name)) fields.append(name, value);
  }
  for (const auto& [name, value] : append) fields.append(name, value);
}

config::Value<std::vector<std::string>> header_list() {
  return config::list_or_one(settable_header());
}

config::Value<config::NameValues> header_renames() {
  return checked_pairs(config::name_values(true), [](const std::string& from, const std::string& to) -> std::string {
    for (const std::string& name : {from, to}) {
      if (const std::string fault = check_settable_header(name); !fault.empty())
        return fault + ", got \"" + name + "\"";
    }
    return http::equal_names(from, to) ? "must name two different headers" : "";
  });
}

config::Value<config::NameValues> header_values(bool host) {
  return checked_pairs(
      config::name_values(true), [host](const std::string& name, const std::string& value) -> std::string {
        if (host && http::field_id(name) == http::FieldId::host) {
          return http::is_valid_authority(value) ? "" : "must be a host or host:port, got \"" + value + "\"";
        }
        if (std::string fault = check_settable_header(name); !fault.empty()) return fault;
        if (!http::is_field_value(value)) return "must not begin or end with a space";
        return check_fixed_text(value);
      });
}

config::Value<config::NameValues> checked_pairs(
    config::Value<config::NameValues> inner, std::function<std::string(const std::string&, const std::string&)> check) {
  return {std::make_shared<CheckedPairs>(std::move(inner.impl), std::move(check))};
}

std::string check_fixed_text(std::string_view text) {
  if (std::string fault = config::check_header_value(text); !fault.empty()) return fault;
  return text.find("$(") == std::string_view::npos ? ""
                                                   : "must be fixed text: templates \"$(…)\" are not supported yet";
}

}  // namespace gatehouse::plugins
