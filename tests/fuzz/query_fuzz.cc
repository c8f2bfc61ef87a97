// The query as routes look at it. The first line is the parameter that is asked for, the rest is the query.
#include "fuzz/fuzz.h"
#include "http/head.h"
#include "routing/query.h"

namespace {

using namespace gatehouse;
using namespace gatehouse::fuzz;

/// Decoding in two steps: "+" first, then escapes as for a path.
std::string decoded(std::string_view raw) {
  std::string text(raw);
  for (char& c : text) {
    if (c == '+') c = ' ';
  }
  Arena arena;
  return std::string(http::percent_decode(text, arena));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = as_text(data, size);
  const std::string_view name = input.substr(0, input.find('\n'));
  const std::string_view query = name.size() == input.size() ? std::string_view() : input.substr(name.size() + 1);

  std::vector<std::string> expected;
  for (const std::string_view parameter : split(query, '&')) {
    if (parameter.empty()) continue;
    const std::size_t equals = std::min(parameter.find('='), parameter.size());
    if (decoded(parameter.substr(0, equals)) != name) continue;
    expected.emplace_back(equals == parameter.size() ? std::string_view() : parameter.substr(equals + 1));
  }
  std::vector<std::string> found;
  const bool any = routing::any_parameter(query, name, [&](std::string_view value) {
    found.emplace_back(value);
    return false;
  });
  require(!any && found == expected, "visits every parameter of that name");
  require(routing::any_parameter(query, name, [](std::string_view) { return true; }) == !expected.empty(),
          "ends at the first that is taken");
  for (const std::string_view raw : {query, name}) {
    const std::string text = decoded(raw);
    require_equal(routing::decode_value(raw), text, "decoded as in two steps");
    require(routing::decodes_to(raw, text), "compares as it decodes");
    require(!routing::decodes_to(raw, text + "x") && (text.empty() || !routing::decodes_to(raw, text.substr(1))),
            "and tells what differs in length");
    routing::with_decoded(raw, [&](std::string_view value) {
      require_equal(value, text, "on the stack too");
      return true;
    });
  }
  return 0;
}
