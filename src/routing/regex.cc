#include "routing/regex.h"

#include <fmt/format.h>
#include <re2/re2.h>

namespace gatehouse::routing {
namespace {

re2::RE2::Options options() {
  re2::RE2::Options result;
  result.set_max_mem(kRegexMemory);
  result.set_log_errors(false);
  return result;
}

re2::StringPiece piece(std::string_view text) {
  return {text.data(), text.size()};
}

std::string common_prefix(const std::string& a, const std::string& b) {
  std::size_t size = 0;
  while (size < a.size() && size < b.size() && a[size] == b[size]) ++size;
  return a.substr(0, size);
}

}  // namespace

Regex::Regex(std::string_view pattern) : regex_(std::make_unique<re2::RE2>(piece(pattern), options())) {
  for (const auto& [group, name] : regex_->CapturingGroupNames()) {
    groups_.push_back(group);
    names_.push_back(name);
  }
  std::string least, greatest;
  constexpr int kPrefix = 64;
  if (regex_->PossibleMatchRange(&least, &greatest, kPrefix)) prefix_ = common_prefix(least, greatest);
}

Regex::~Regex() = default;

const std::string& Regex::pattern() const {
  return regex_->pattern();
}

bool Regex::full_match(std::string_view text) const {
  return regex_->Match(piece(text), 0, text.size(), re2::RE2::ANCHOR_BOTH, nullptr, 0);
}

bool Regex::full_match(std::string_view text, Captures& captures) const {
  if (groups_.empty()) {
    captures.count = 0;
    return full_match(text);
  }
  re2::StringPiece groups[kMaxGroups + 1];
  if (!regex_->Match(piece(text), 0, text.size(), re2::RE2::ANCHOR_BOTH, groups, groups_.back() + 1)) return false;
  captures.count = static_cast<std::uint8_t>(groups_.size());
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    const re2::StringPiece& group = groups[groups_[i]];
    captures.values[i] = group.data() == nullptr ? std::string_view() : std::string_view(group.data(), group.size());
  }
  return true;
}

std::string check_regex(std::string_view pattern) {
  const re2::RE2 regex(piece(pattern), options());
  if (!regex.ok()) return regex.error();
  if (regex.NumberOfCapturingGroups() > kMaxGroups) {
    return fmt::format("has {} groups, at most {} are possible", regex.NumberOfCapturingGroups(), kMaxGroups);
  }
  return {};
}

}  // namespace gatehouse::routing
