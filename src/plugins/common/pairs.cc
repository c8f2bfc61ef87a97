#include "plugins/common/pairs.h"

#include <algorithm>

#include "telemetry/secret_names.h"

namespace gatehouse::plugins {
namespace {

/// A kind that refuses some of what another accepts.
class CheckedPairs : public config::ValueKind {
 public:
  CheckedPairs(std::shared_ptr<const config::ValueKind> inner, PairCheck check, bool hide)
      : inner_(std::move(inner)), check_(std::move(check)), hide_(hide) {}

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
  config::Node effective(const config::Node& written) const override {
    config::Node shown = inner_->effective(written);
    if (hide_) hide_secrets(shown);
    return shown;
  }
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

  static void hide_secrets(config::Node& node) {
    for (config::Node& item : node.items()) {
      const std::string name = item.text().substr(0, item.text().find(':'));
      if (item.is_scalar() && is_secret_name(name)) item.set_text(name + ": ***");
      hide_secrets(item);
    }
    for (config::Node::Entry& entry : node.entries()) {
      if (is_secret_name(entry.key)) entry.value = config::Node::string("***");
    }
  }

  std::shared_ptr<const config::ValueKind> inner_;
  PairCheck check_;
  bool hide_;
};

}  // namespace

config::Value<config::NameValues> checked_pairs(config::Value<config::NameValues> inner, PairCheck check) {
  return {std::make_shared<CheckedPairs>(std::move(inner.impl), std::move(check), false)};
}

config::Value<config::NameValues> text_pairs(config::Value<config::NameValues> inner, PairCheck check) {
  auto both = [check = std::move(check)](const std::string& name, const std::string& value) {
    const std::string fault = check(name, value);
    return fault.empty() ? check_fixed_text(value) : fault;
  };
  return {std::make_shared<CheckedPairs>(std::move(inner.impl), std::move(both), true)};
}

std::string check_fixed_text(std::string_view text) {
  if (std::string fault = config::check_header_value(text); !fault.empty()) return fault;
  return text.find("$(") == std::string_view::npos ? ""
                                                   : "must be fixed text: templates \"$(…)\" are not supported yet";
}

bool is_secret_name(std::string_view name) {
  static const telemetry::SecretNames usual;
  if (usual.secret(name)) return true;
  const std::string low = config::lower(name);
  if (low == "cookie") return true;
  constexpr std::string_view kTelling[] = {"authorization", "token",   "secret", "password",
                                           "credential",    "api-key", "apikey"};
  return std::ranges::any_of(kTelling, [&](std::string_view word) { return low.find(word) != std::string::npos; });
}

}  // namespace gatehouse::plugins
