#include "config/value_kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/number.h"

namespace gatehouse::config {
namespace {

Node type_schema(std::string type) {
  Node schema = Node::mapping();
  schema.set("type", Node::string(std::move(type)));
  return schema;
}

/// What YAML reads as another type may stand in quotes, and be a load-time value.
Node or_text(Node schema, std::string_view pattern) {
  Node text = type_schema("string");
  text.set("pattern", Node::string("^(" + std::string(pattern) + ")$|\\$\\{"));
  Node either = Node::mapping();
  Node& forms = either.set("anyOf", Node::sequence());
  forms.push(std::move(schema));
  forms.push(std::move(text));
  return either;
}

/// A kind made of functions on the scalar's text.
template <class T>
class ScalarKind : public ValueKind {
 public:
  struct Parts {
    /// "" and the value set, or what the text must be ("an integer") or why it is refused ("must …").
    std::function<std::string(const std::string&, T&)> parse;
    std::function<Node(const T&)> print;
    Node schema;
    std::string type;
    std::string expects;  ///< "a duration such as 250ms or 5s"
    bool secret = false;
  };
  explicit ScalarKind(Parts parts) : parts_(std::move(parts)) {}

  bool decode(const Node& node, const Where& at, void* to) const override {
    if (!node.is_scalar()) {
      at.expected(parts_.expects, node);
      return false;
    }
    const std::string fault = parts_.parse(node.text(), *static_cast<T*>(to));
    if (fault.empty()) return true;
    // Of a secret only the expectation may be said.
    if (parts_.secret) {
      at.error("must be " + parts_.expects);
    } else {
      at.error((fault.starts_with("must") ? fault : "must be " + fault) + ", got " + node.described());
    }
    return false;
  }
  Node print(const void* from) const override { return parts_.print(*static_cast<const T*>(from)); }
  Node schema() const override { return parts_.schema; }
  std::string type() const override { return parts_.type; }
  Node effective(const Node& written) const override {
    return parts_.secret ? Node::string("***", written.mark()) : written;
  }

 private:
  Parts parts_;
};

template <class T>
Value<T> scalar(typename ScalarKind<T>::Parts parts) {
  return {std::make_shared<ScalarKind<T>>(std::move(parts))};
}

Value<std::string> checked(std::string type, std::string expects, std::function<std::string(std::string_view)> check) {
  return scalar<std::string>(
      {.parse = [check = std::move(check)](const std::string& text, std::string& to) -> std::string {
         if (check) {
           if (std::string fault = check(text); !fault.empty()) return fault;
         }
         to = text;
         return "";
       },
       .print = [](const std::string& v) { return v.empty() ? Node() : Node::string(v); },
       .schema = type_schema("string"),
       .type = std::move(type),
       .expects = std::move(expects)});
}

Node either(std::string first, std::string second) {
  Node schema = Node::mapping();
  Node& types = schema.set("type", Node::sequence());
  types.push(Node::string(std::move(first)));
  types.push(Node::string(std::move(second)));
  return schema;
}

std::string integer_phrase(std::int64_t min, std::int64_t max) {
  const bool low = min > std::numeric_limits<std::int32_t>::min(),
             high = max < std::numeric_limits<std::int32_t>::max();
  if (low && high) return fmt::format("an integer between {} and {}", min, max);
  if (low) return fmt::format("an integer of at least {}", min);
  if (high) return fmt::format("an integer of at most {}", max);
  return "an integer";
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    text += i == 0 ? "" : i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

bool parse_integer(const std::string& text, std::int64_t min, std::int64_t max, std::int64_t& to) {
  const auto value = parse_number<std::int64_t>(text);
  if (!value || *value < min || *value > max) return false;
  to = *value;
  return true;
}

class IntegerKind : public ValueKind {
 public:
  IntegerKind(std::int64_t min, std::int64_t max, detail::IntegerAccess access)
      : min_(min), max_(max), access_(access) {}
  bool decode(const Node& node, const Where& at, void* to) const override {
    std::int64_t value = 0;
    if (!node.is_scalar() || !parse_integer(node.text(), min_, max_, value)) {
      at.expected(integer_phrase(min_, max_), node);
      return false;
    }
    access_.store(to, value);
    return true;
  }
  Node print(const void* from) const override { return Node::integer(access_.load(from)); }
  Node schema() const override {
    Node schema = type_schema("integer");
    if (min_ > std::numeric_limits<std::int32_t>::min()) schema.set("minimum", Node::integer(min_));
    if (max_ < std::numeric_limits<std::int32_t>::max()) schema.set("maximum", Node::integer(max_));
    return or_text(std::move(schema), "-?[0-9]+");
  }
  std::string type() const override { return "integer"; }

 private:
  std::int64_t min_, max_;
  detail::IntegerAccess access_;
};

class ChoiceKind : public ValueKind {
 public:
  ChoiceKind(std::vector<std::string> words, detail::IntegerAccess access)
      : words_(std::move(words)), access_(access) {}
  bool decode(const Node& node, const Where& at, void* to) const override {
    const auto found = node.is_scalar() ? std::ranges::find(words_, node.text()) : words_.end();
    if (found == words_.end()) {
      at.error("must be " + joined(words_) + ", got " + node.described(),
               node.is_scalar() ? suggest(node.text(), words_) : "");
      return false;
    }
    access_.store(to, found - words_.begin());
    return true;
  }
  Node print(const void* from) const override {
    const auto index = static_cast<std::size_t>(access_.load(from));
    return index < words_.size() ? Node::word(words_[index]) : Node();
  }
  Node schema() const override {
    Node schema = Node::mapping();
    Node& values = schema.set("enum", Node::sequence());
    for (const std::string& word : words_) values.push(Node::string(word));
    return or_text(std::move(schema), "");
  }
  std::string type() const override { return joined(words_); }

 private:
  std::vector<std::string> words_;
  detail::IntegerAccess access_;
};

/// One of several words, kept as the word.
class WordKind : public ChoiceKind {
 public:
  explicit WordKind(std::vector<std::string> words) : ChoiceKind(words, {}), words_(std::move(words)) {}
  bool decode(const Node& node, const Where& at, void* to) const override {
    if (!node.is_scalar() || std::ranges::find(words_, node.text()) == words_.end()) {
      at.error("must be " + joined(words_) + ", got " + node.described(),
               node.is_scalar() ? suggest(node.text(), words_) : "");
      return false;
    }
    *static_cast<std::string*>(to) = node.text();
    return true;
  }
  Node print(const void* from) const override {
    const auto& text = *static_cast<const std::string*>(from);
    return text.empty() ? Node() : Node::word(text);
  }

 private:
  std::vector<std::string> words_;
};

std::string check_not_empty(std::string_view text) {
  return text.empty() ? "must not be empty" : "";
}

/// A name of something that stands elsewhere.
class NameKind : public ScalarKind<std::string> {
 public:
  NameKind(Named what, std::string type, std::string (*check)(std::string_view))
      : ScalarKind({.parse = [check](const std::string& text, std::string& to) -> std::string {
                      to = text;
                      return check(text);
                    },
                    .print = [](const std::string& v) { return v.empty() ? Node() : Node::string(v); },
                    .schema = type_schema("string"),
                    .type = "name of a " + type,
                    .expects = "the name of a " + type}),
        what_(what) {}
  void references(const Node& written, References& to) const override {
    if (written.is_scalar()) to.push_back({what_, written.text(), written.mark()});
  }

 private:
  Named what_;
};

}  // namespace

namespace detail {

std::shared_ptr<const ValueKind> integer_kind(std::int64_t min, std::int64_t max, IntegerAccess access) {
  return std::make_shared<IntegerKind>(min, max, access);
}
std::shared_ptr<const ValueKind> choice_kind(std::vector<std::string> words, IntegerAccess access) {
  return std::make_shared<ChoiceKind>(std::move(words), access);
}

}  // namespace detail

Value<bool> boolean() {
  return scalar<bool>({.parse = [](const std::string& text, bool& to) -> std::string {
                         if (text != "true" && text != "false") return "true or false";
                         to = text == "true";
                         return "";
                       },
                       .print = [](const bool& v) { return Node::boolean(v); },
                       .schema = or_text(type_schema("boolean"), "true|false"),
                       .type = "boolean",
                       .expects = "true or false"});
}

Value<double> number(double min, double max) {
  std::string expects = "a number";
  const bool low = min > std::numeric_limits<double>::lowest(), high = max < std::numeric_limits<double>::max();
  if (low && high) {
    expects += fmt::format(" between {} and {}", min, max);
  } else if (low || high) {
    expects += low ? fmt::format(" of at least {}", min) : fmt::format(" of at most {}", max);
  }
  return scalar<double>({.parse = [=](const std::string& text, double& to) -> std::string {
                           const auto value = parse_number<double>(text);
                           if (!value || !(*value >= min && *value <= max)) return expects;
                           to = *value;
                           return "";
                         },
                         .print = [](const double& v) { return Node::word(fmt::format("{}", v)); },
                         .schema = or_text(type_schema("number"), "[-+.0-9eE]+"),
                         .type = "number",
                         .expects = expects});
}

Value<double> percentage() {
  const std::string expects = "a percentage from 0% to 100%";
  return scalar<double>({.parse = [=](const std::string& text, double& to) -> std::string {
                           const auto value = parse_percentage(text);
                           if (!value) return expects;
                           to = *value;
                           return "";
                         },
                         .print = [](const double& v) { return Node::word(fmt::format("{}%", v)); },
                         .schema = either("number", "string"),
                         .type = "percentage",
                         .expects = expects});
}

Value<std::string> string(std::function<std::string(std::string_view)> check) {
  return checked("string", "a string", std::move(check));
}
Value<std::string> non_empty() {
  return checked("string", "a string", check_not_empty);
}
Value<std::string> one_of(std::vector<std::string> words) {
  return {std::make_shared<WordKind>(std::move(words))};
}
Value<std::string> name() {
  return checked("name", "a name", check_name);
}
Value<std::string> service_name() {
  return {std::make_shared<NameKind>(Named::service, "service", check_name)};
}
Value<std::string> consumer_name(bool or_of_redis) {
  return {std::make_shared<NameKind>(or_of_redis ? Named::caller : Named::consumer, "consumer", check_not_empty)};
}
Value<std::string> group_name() {
  return {std::make_shared<NameKind>(Named::group, "group", check_not_empty)};
}
Value<std::string> header_name(bool settable) {
  return checked("header name", "a header name",
                 [settable](std::string_view text) { return check_header_name(text, settable); });
}
Value<std::string> regex() {
  return checked("regex", "a regular expression (RE2)", [](std::string_view text) {
    const std::string fault = check_regex(text);
    return fault.empty() ? "" : "must be a regular expression (RE2: " + fault + ")";
  });
}

Value<Secret> secret() {
  return scalar<Secret>({.parse = [](const std::string& text, Secret& to) -> std::string {
                           // "***" is what printing shows: a printed file that is used again must not set it.
                           if (text.empty() || text == "***") return "a secret";
                           to.value = text;
                           return "";
                         },
                         .print = [](const Secret& v) { return v.value.empty() ? Node() : Node::string("***"); },
                         .schema = type_schema("string"),
                         .type = "secret",
                         .expects = "a string that is neither empty nor the \"***\" that stands for it in print",
                         .secret = true});
}

Value<Duration> duration(bool may_be_off, Duration min) {
  std::string expects = "a duration such as 250ms, 5s or 1m";
  if (min > Duration::zero()) expects += " of at least " + duration_text(min);
  if (may_be_off) expects += ", or off";
  return scalar<Duration>({.parse = [=](const std::string& text, Duration& to) -> std::string {
                             const auto value =
                                 may_be_off && text == "off" ? std::optional(kOff) : parse_duration(text);
                             if (!value || *value < min) return expects;
                             to = *value;
                             return "";
                           },
                           .print = [](const Duration& v) { return Node::word(duration_text(v)); },
                           .schema = either("string", "number"),
                           .type = may_be_off ? "duration or off" : "duration",
                           .expects = expects});
}

Value<Rate> rate() {
  const std::string expects = "a rate such as 10/second or 10000/hour";
  return scalar<Rate>({.parse = [=](const std::string& text, Rate& to) -> std::string {
                         const auto value = parse_rate(text);
                         if (!value) return expects;
                         to = *value;
                         return "";
                       },
                       .print = [](const Rate& v) { return Node::word(rate_text(v)); },
                       .schema = type_schema("string"),
                       .type = "rate",
                       .expects = expects});
}

Value<std::uint64_t> bytes(bool may_be_off) {
  const std::string expects = std::string("a size such as 512B, 32KiB or 8MiB") + (may_be_off ? ", or off" : "");
  return scalar<std::uint64_t>({.parse = [=](const std::string& text, std::uint64_t& to) -> std::string {
                                  const auto value =
                                      may_be_off && text == "off" ? std::optional(UINT64_MAX) : parse_bytes(text);
                                  if (!value) return expects;
                                  to = *value;
                                  return "";
                                },
                                .print = [](const std::uint64_t& v) { return Node::word(bytes_text(v)); },
                                .schema = either("string", "integer"),
                                .type = may_be_off ? "size or off" : "size",
                                .expects = expects});
}

Value<std::uint32_t> bytes32(std::uint32_t min, std::uint32_t max) {
  const std::string expects = "a size between " + bytes_text(min) + " and " + bytes_text(max);
  return scalar<std::uint32_t>({.parse = [=](const std::string& text, std::uint32_t& to) -> std::string {
                                  const auto value = parse_bytes(text);
                                  if (!value || *value < min || *value > max) return expects;
                                  to = static_cast<std::uint32_t>(*value);
                                  return "";
                                },
                                .print = [](const std::uint32_t& v) { return Node::word(bytes_text(v)); },
                                .schema = either("string", "integer"),
                                .type = "size",
                                .expects = expects});
}

Value<Cidr> cidr() {
  const std::string expects = "an address or a block such as 10.0.0.0/8";
  return scalar<Cidr>({.parse = [=](const std::string& text, Cidr& to) -> std::string {
                         const auto value = Cidr::parse(text);
                         if (!value) return expects;
                         to = *value;
                         return "";
                       },
                       .print = [](const Cidr& v) { return Node::string(v.text()); },
                       .schema = type_schema("string"),
                       .type = "address block",
                       .expects = expects});
}

}  // namespace gatehouse::config
