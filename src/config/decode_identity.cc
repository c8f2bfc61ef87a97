#include <algorithm>

#include "config/custom_kind.h"
#include "config/decode.h"

namespace gatehouse::config {
namespace {

Value<std::string> plain_text() {
  return string(check_told);
}

/// One of a list that services get with commas between.
Value<std::string> group() {
  return string([](std::string_view text) {
    const std::string fault = check_told(text);
    return fault.empty() && text.contains(',') ? "must not contain a comma" : fault;
  });
}

/// A list of limits by period is written as a mapping.
struct WrittenLimits {
  std::optional<std::uint64_t> second, minute, hour, day, month, year;
};

const Options<WrittenLimits>& limits_of_tier() {
  static const auto table = Options<WrittenLimits>()
                                .add("second", &WrittenLimits::second, integer(1, kMostInPeriod), "Requests a second.")
                                .add("minute", &WrittenLimits::minute, integer(1, kMostInPeriod), "Requests a minute.")
                                .add("hour", &WrittenLimits::hour, integer(1, kMostInPeriod), "Requests an hour.")
                                .add("day", &WrittenLimits::day, integer(1, kMostInPeriod), "Requests a day.")
                                .add("month", &WrittenLimits::month, integer(1, kMostInPeriod), "Requests a month.")
                                .add("year", &WrittenLimits::year, integer(1, kMostInPeriod), "Requests a year.");
  return table;
}

std::vector<Rate> rates_of(const WrittenLimits& written) {
  const std::optional<std::uint64_t> all[kPeriods] = {written.second, written.minute, written.hour,
                                                      written.day,    written.month,  written.year};
  std::vector<Rate> rates;
  for (std::size_t i = 0; i < kPeriods; ++i) {
    if (all[i]) rates.push_back({*all[i], static_cast<Period>(i)});
  }
  return rates;
}

Value<std::vector<Rate>> tier_limits() {
  return custom<std::vector<Rate>>({.decode =
                                        [](const Node& node, const Where& at, std::vector<Rate>& to) {
                                          WrittenLimits written;
                                          if (!limits_of_tier().decode(node, at, written)) return false;
                                          to = rates_of(written);
                                          const std::string fault = check_window_order(to);
                                          if (!fault.empty()) at.error(fault);
                                          return fault.empty();
                                        },
                                    .type = "mapping",
                                    .schema = limits_of_tier().table()->schema(),
                                    .rows = limits_of_tier().table()});
}

const Options<Tier>& tier_options() {
  static const auto table = Options<Tier>().require("limits", &Tier::limits, tier_limits(),
                                                    "How many requests each of its consumers has; "
                                                    "empty for no limit.");
  return table;
}

const Options<Consumer>& consumer_options() {
  static const auto table =
      Options<Consumer>()
          .require("username", &Consumer::username, plain_text(), "What services, logs and limits call it.")
          .add("id", &Consumer::id, plain_text(), "Another name that never changes; made from the username without.")
          .add("custom_id", &Consumer::custom_id, plain_text(), "What it is called elsewhere, for services.")
          .add("groups", &Consumer::groups, list_or_one(group()), "For `acl`, and for services.")
          .add("tier", &Consumer::tier, non_empty(), "One of `tiers`: its limits.")
          .add("credentials", &Consumer::credentials,
               list(custom<CredentialUse>({.decode = [](const Node& node, const Where& at,
                                                        CredentialUse& to) { return decode_credential(node, at, to); },
                                           .type = "credential",
                                           .schema = credential_options().table()->schema(),
                                           .rows = credential_options().table()})),
               "What it proves itself with.")
          .add("plugins", &Consumer::plugins, plugin_list(),
               "Plugins for its requests; they rank below authentication.")
          .later({"tags"});
  return table;
}

const Options<ApiKey>& api_key_options() {
  static const auto table =
      Options<ApiKey>()
          .add("key", &ApiKey::key, secret(), "The key itself, or …")
          .add("key_hash", &ApiKey::key_hash, non_empty(), "… `sha256:` and its hash in hex (`gatehouse credential`).")
          .add("name", &ApiKey::name, plain_text(), "The consumer's username; made from the hash without one.")
          .add("rate_limit", &ApiKey::rate_limit, rate(), "Instead of the tier's limits.")
          .add("tier", &ApiKey::tier, non_empty(), "One of `tiers`.")
          .add("services", &ApiKey::services, list_or_one(service_name(), 1), "What it may be used for; all without.")
          .add("groups", &ApiKey::groups, list_or_one(group()), "For `acl`, and for services.")
          .check([](const ApiKey& key, const Where& at) {
            if (key.key.value.empty() == key.key_hash.empty()) at.error("needs one of \"key\" and \"key_hash\"");
          });
  return table;
}

}  // namespace

std::string check_window_order(const std::vector<Rate>& rates) {
  for (std::size_t i = 1; i < rates.size(); ++i) {
    if (rates[i].most >= rates[i - 1].most) continue;
    return "allows " + rate_text(rates[i]) + ", which is less than " + rate_text(rates[i - 1]) +
           ": the shorter could never be reached";
  }
  return "";
}

const Options<CredentialUse>& credential_options() {
  static const auto table =
      Options<CredentialUse>()
          .require("type", &CredentialUse::type, non_empty(), "The authentication plugin that knows it.")
          .add("id", &CredentialUse::id, plain_text(), "What services and limits call it.")
          .add("tier", &CredentialUse::tier, non_empty(), "Instead of its consumer's.")
          .add("rate_limit", &CredentialUse::rate_limit, rate(), "Instead of the tier's limits.")
          .add("services", &CredentialUse::services, list_or_one(service_name(), 1),
               "What it may be used for; all without.");
  return table;
}

bool decode_credential(const Node& node, const Where& at, CredentialUse& to) {
  to.mark = node.mark();
  to.config_path = at.path();
  if (!node.is_mapping()) {
    at.expected("a mapping", node);
    return false;
  }
  const auto [common, own] = split_credential(node);
  to.config = std::make_shared<const Node>(own);
  return credential_options().decode(common, at, to);
}

std::pair<Node, Node> split_credential(const Node& written) {
  Node common = Node::mapping(written.mark()), own = Node::mapping(written.mark());
  const std::vector<std::string> names = credential_options().table()->names();
  for (const Node::Entry& entry : written.entries()) {
    const bool known = std::ranges::find(names, entry.key) != names.end();
    (known ? common : own).entries().push_back(entry);
  }
  return {std::move(common), std::move(own)};
}

Value<std::vector<Consumer>> consumer_list() {
  return list(mapping_of<Consumer>(consumer_options(), [](const Node& node, const Where& at, Consumer& to) {
    to.mark = node.mark();
    to.config_path = at.path();
  }));
}

Value<std::vector<ApiKey>> api_key_list() {
  return list(mapping_of<ApiKey>(api_key_options(), [](const Node& node, const Where& at, ApiKey& to) {
    to.mark = node.mark();
    to.config_path = at.path();
    to.key_mark = mark_of(node, node.find("key") != nullptr ? "key" : "key_hash");
  }));
}

Value<std::vector<std::pair<std::string, Tier>>> tier_map() {
  return map_of(
      mapping_of<Tier>(tier_options(), [](const Node& node, const Where&, Tier& to) { to.mark = node.mark(); }));
}

Value<Authentication> authentication() {
  Node schema = Node::mapping();
  Node& forms = schema.set("anyOf", Node::sequence());
  forms.push(Node::mapping()).set("const", Node::string("none"));
  forms.push(schema_of_type("object"));
  return custom<Authentication>({.decode = decode_authentication, .type = "none or a mapping", .schema = schema});
}

bool decode_authentication(const Node& node, const Where& at, Authentication& to) {
  to.mark = node.mark();
  if (node.is_scalar() && node.text() == "none") {
    to.mode = Authentication::Mode::none;
    return true;
  }
  if (!node.is_mapping()) {
    at.expected("none, or a mapping with any or all", node);
    return false;
  }
  static const Value<std::vector<std::string>> kNames = list_or_one(non_empty(), 1);
  static const Value<std::string> kName = plain_text();
  bool good = true;
  int lists = 0;
  for (const Node::Entry& entry : node.entries()) {
    const Where place = at.key(entry.key, entry.value.mark());
    if (entry.key == "any" || entry.key == "all") {
      ++lists;
      to.mode = entry.key == "any" ? Authentication::Mode::any : Authentication::Mode::all;
      good = kNames.impl->decode(entry.value, place, &to.plugins) && good;
    } else if (entry.key == "anonymous") {
      good = kName.impl->decode(entry.value, place, &to.anonymous) && good;
    } else {
      at.key(entry.key, entry.key_mark).error("unknown key", suggest(entry.key, {"any", "all", "anonymous"}));
      good = false;
    }
  }
  if (lists == 1) return good;
  at.error(lists == 0 ? "needs one of \"any\" and \"all\"" : "has \"any\" and \"all\": one of them decides");
  return false;
}

Value<const Node*> api_key_validation() {
  return custom<const Node*>({.decode =
                                  [](const Node& node, const Where& at, const Node*& to) {
                                    if (!node.is_mapping()) {
                                      at.expected("a mapping", node);
                                      return false;
                                    }
                                    to = &node;
                                    return true;
                                  },
                              .type = "mapping",
                              .schema = schema_of_type("object")});
}

}  // namespace gatehouse::config
