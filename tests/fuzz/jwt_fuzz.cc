// A token as a client sends it, and what a token says: the input is read as a token, as the header of one and as
// claims. JSON is judged by Boost's parser too.
#include <array>
#include <boost/json.hpp>
#include <cmath>

#include "fuzz/fuzz.h"
#include "jose/base64url.h"
#include "jose/claims.h"
#include "jose/times.h"
#include "jose/token.h"
#include "support/jwt.h"

namespace {

using namespace gatehouse;
using namespace gatehouse::fuzz;
using jose::JsonKind;
using jose::JsonValue;

/// Our value and Boost's are the same.
void compare(JsonValue ours, const boost::json::value& theirs) {
  switch (ours.kind()) {
    case JsonKind::none:
      return require(false, "each value is there");
    case JsonKind::null:
      return require(theirs.is_null(), "null");
    case JsonKind::boolean:
      return require(theirs.is_bool() && theirs.get_bool() == (ours.text() == "true"), "boolean");
    case JsonKind::number:
      return require(theirs.is_number(), "number");
    case JsonKind::string:
      require(theirs.is_string(), "string");
      return require_equal(ours.text(), theirs.get_string(), "its characters");
    case JsonKind::array: {
      require(theirs.is_array(), "array");
      std::size_t at = 0;
      for (const JsonValue item : ours) compare(item, theirs.get_array().at(at++));
      return require(at == theirs.get_array().size(), "its items");
    }
    case JsonKind::object: {
      require(theirs.is_object(), "object");
      std::size_t count = 0;
      for (const JsonValue member : ours) {
        const boost::json::value* other = theirs.get_object().if_contains(member.name());
        require(other != nullptr, "its names");
        compare(member, *other);
        ++count;
      }
      return require(count == theirs.get_object().size(), "its members");
    }
  }
}

void read_json(std::string_view text) {
  Arena arena;
  const auto document = jose::parse_json(text, arena);
  boost::json::parse_options options;
  options.max_depth = 32;
  boost::system::error_code error;
  const boost::json::value theirs = boost::json::parse(text, error, {}, options);
  if (document) {
    // Boost calls a number that a double cannot hold an error.
    if (error && error == boost::json::error::exponent_overflow) return;
    require(!error, "what we take is JSON");
    compare(document->root(), theirs);
  } else if (!error) {
    const std::string_view why = document.error();
    require(why == "an object has a name twice" || why == "the JSON has too many values" ||
                why == "the JSON is nested too deeply",
            "what is JSON is refused for a reason");
  }
}

void read_claims(std::string_view text) {
  Arena arena;
  const auto view = jose::parse_claims(text, arena);
  if (!view) return;
  const jose::Claims claims(*view);
  for (const JsonValue member : claims.root()) {
    const std::string_view name = member.name();
    require(claims.find(name).text() == member.text(), "a name finds its claim, dots or not");
    const auto one = claims.text(name, arena), other = view->text(name, arena);
    require(one == other, "kept claims say the same");
    require(one.has_value() == !member.is(JsonKind::null), "all but null is a text");
    if (member.is(JsonKind::object)) {
      Arena again;
      const auto compact = jose::parse_json(*one, again);
      require(compact.has_value(), "an object's text is JSON");
      for (const JsonValue inner : member) {
        require(compact->root().member(inner.name()).kind() == inner.kind(), "with the same members");
      }
    }
    if (const auto number = claims.number(name)) require(std::isfinite(*number), "a number is finite");
    if (member.is(JsonKind::string)) require(claims.contains(name, member.text()), "a string contains itself");
  }
  for (const std::int64_t now : {std::int64_t{0}, std::int64_t{1'700'000'000}}) {
    jose::check_times(claims, {.now_s = now, .skew_s = 60, .max_age_s = 300});
  }
}

void read_token(std::string_view text) {
  static const jose::Key key = *jose::Key::from_secret(std::string(32, 'k'), jose::Algorithm::HS256);
  Arena arena;
  const auto token = jose::parse_compact(text, arena);
  if (!token) return;
  require(token->signing_input.size() < text.size(), "a signature follows");
  require_equal(std::string(token->signing_input) + "." + test::base64url(token->signature), text,
                "each token has one form");
  require(text.substr(text.find('.') + 1).starts_with(test::base64url(token->payload)), "and so has its payload");
  jose::verify(key, *token);
  read_claims(token->payload);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = as_text(data, size);
  read_token(input);
  read_token(test::base64url(input) + ".e30.AAAA");
  read_json(input);
  read_claims(input);
  return 0;
}
