// Path patterns. The first line is a pattern, the second a path that it may match.
#include "fuzz/fuzz.h"
#include "routing/pattern.h"
#include "routing/regex.h"

namespace {

using namespace gatehouse;
using namespace gatehouse::fuzz;

/// semantics.md, "Path": segment by segment; gives the captures, or false.
bool model(std::string_view pattern, std::string_view path, std::vector<std::string>& captures, std::size_t& prefix) {
  prefix = 0;
  captures.clear();
  std::vector<std::string_view> wanted = split(pattern.substr(1), '/');
  const std::vector<std::string_view> given = split(path.substr(1), '/');
  const bool rest = wanted.back() == "*";
  if (rest) wanted.pop_back();
  // "/users/*" matches "/users" too, and "/*" everything.
  if (rest ? given.size() < wanted.size() : given.size() != wanted.size()) return false;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const bool capture = wanted[i].size() > 2 && wanted[i].front() == '{' && wanted[i].back() == '}';
    if (capture ? given[i].empty() : wanted[i] != given[i]) return false;
    if (capture) captures.emplace_back(given[i]);
    if (rest) prefix += 1 + given[i].size();
  }
  return true;
}

void check_match(std::string_view pattern, std::string_view path, const std::vector<std::string>& names) {
  const routing::PathShape shape = routing::parse_path(pattern);
  require(!routing::path_rank(shape).empty(), "every pattern has a rank");
  routing::Captures captures;
  if (shape.kind == routing::PathKind::regex) {
    const routing::Regex regex(shape.text);
    require(regex.names() == names, "names as checked");
    const bool with_captures = regex.full_match(path, captures);
    require(with_captures == regex.full_match(path), "captures change no verdict");
    if (!with_captures) return;
    require(captures.count == names.size(), "a value for each name");
    require(path.starts_with(regex.prefix()), "what matches starts with the prefix");
    return;
  }
  require(shape.names == names, "names as checked");
  std::uint32_t prefix = 0;
  std::vector<std::string> expected;
  std::size_t expected_prefix = 0;
  const bool matches = routing::match_segments(shape, path, captures, prefix);
  require(matches == model(pattern, path, expected, expected_prefix), "matches as the model does");
  if (!matches) return;
  require(captures.count == names.size() && prefix == expected_prefix, "captures and prefix as the model has them");
  for (std::size_t i = 0; i < expected.size(); ++i) require_equal(captures.values[i], expected[i], "a capture");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = as_text(data, size);
  const std::string_view pattern = input.substr(0, input.find('\n'));
  std::vector<std::string> names{"left over"};
  const std::string message = routing::check_path(pattern, &names);
  require(routing::check_path(pattern, nullptr) == message, "the verdict does not depend on who asks for names");
  if (!message.empty()) return 0;
  require(names.size() <= routing::kMaxCaptures, "no more captures than fit");
  // As the router is asked: with a normalised path.
  const std::string_view second = pattern.size() == input.size() ? "/" : input.substr(pattern.size() + 1);
  for (const std::string_view raw : {second, pattern}) {
    Arena arena;
    const auto path = http::normalise_path(raw, arena);
    if (path) check_match(pattern, path->path, names);
  }
  return 0;
}
