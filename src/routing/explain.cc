#include <fmt/format.h>

#include <algorithm>

#include "routing/compiled_router.h"

namespace gatehouse::routing {
namespace {

constexpr std::size_t kMaxListed = 1000;

}  // namespace

bool CompiledRouter::host_matches(const OrderedEntry& entry, std::string_view host) const {
  const std::string* wanted = table_.host(entry);
  if (wanted == nullptr) return true;
  if (!wanted->starts_with("*.")) return host == *wanted;
  const std::string_view suffix = std::string_view(*wanted).substr(1);
  return host.size() > suffix.size() && host.ends_with(suffix);
}

bool CompiledRouter::path_matches(const OrderedEntry& entry, std::string_view path, Captures& captures,
                                  std::uint32_t& prefix) const {
  captures.count = 0;
  prefix = 0;
  const PathShape* shape = table_.path(entry);
  if (shape == nullptr) return true;
  if (shape->kind != PathKind::regex) return match_segments(*shape, path, captures, prefix);
  return regexes_[regex_ids_.find(0, shape->text)]->full_match(path, captures);
}

std::string CompiledRouter::failure(const OrderedEntry& entry, const Request& request) const {
  if (!host_matches(entry, request.host)) {
    return fmt::format("host: {} is not {}", request.host.empty() ? "none" : request.host, *table_.host(entry));
  }
  Captures captures;
  std::uint32_t prefix = 0;
  if (!path_matches(entry, request.path, captures, prefix)) {
    const PathShape& shape = *table_.path(entry);
    return fmt::format("path: {} does not match {}{}", request.path, shape.kind == PathKind::regex ? "~" : "",
                       shape.text);
  }
  return conditions_[entry.route].failure(request, listener_names_);
}

Match CompiledRouter::explain(const Request& request, Captures& captures, Explanation& explanation) const {
  Match match;
  const std::vector<OrderedEntry>& order = table_.order;
  std::size_t winner = order.size();
  std::uint32_t prefix = 0;
  for (std::size_t i = 0; i < order.size() && winner == order.size(); ++i) {
    const OrderedEntry& entry = order[i];
    if (!host_matches(entry, request.host) || !path_matches(entry, request.path, captures, prefix)) continue;
    const Conditions& conditions = conditions_[entry.route];
    if (!conditions.matches(request)) continue;
    if (conditions.method_matches(request)) {
      winner = i;
    } else {
      match.allowed_methods |= conditions.methods();
    }
  }
  captures.count = 0;
  if (winner != order.size()) {
    const OrderedEntry& entry = order[winner];
    path_matches(entry, request.path, captures, prefix);
    match.route = entry.route;
    match.path = static_cast<std::uint16_t>(entry.path == OrderedEntry::kAny ? 0 : entry.path);
    match.prefix_length = prefix;
    match.allowed_methods = 0;
  }
  decide(match, winner, request, explanation);
  return match;
}

void CompiledRouter::decide(const Match& match, std::size_t winner, const Request& request,
                            Explanation& explanation) const {
  const std::vector<OrderedEntry>& order = table_.order;
  // Of many routes those of another host or path are what nobody wants to read.
  const bool all = order.size() <= kMaxListed;
  explanation.candidates.clear();
  std::size_t omitted = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    Captures captures;
    std::uint32_t prefix = 0;
    const bool near = all || i == winner ||
                      (host_matches(order[i], request.host) && path_matches(order[i], request.path, captures, prefix));
    // The winner has a place kept for it.
    const std::size_t room = kMaxListed - (i < winner && winner < order.size() ? 1 : 0);
    if (!near || explanation.candidates.size() >= room) {
      ++omitted;
      continue;
    }
    Candidate candidate;
    candidate.route = order[i].route;
    candidate.path = static_cast<std::uint16_t>(order[i].path == OrderedEntry::kAny ? 0 : order[i].path);
    candidate.matched = i == winner;
    candidate.reached = i <= winner;
    if (i < winner) candidate.failed = failure(order[i], request);
    candidate.rank = table_.rank_text(order[i]);
    explanation.candidates.push_back(std::move(candidate));
  }
  if (match.found()) {
    explanation.decision =
        fmt::format("route {} wins: first in the order whose tests all hold", table_.routes[match.route].name);
  } else if (match.allowed_methods != 0) {
    explanation.decision = "no route matches; one would with another method (405)";
  } else {
    explanation.decision = "no route matches (404)";
  }
  if (omitted != 0) explanation.decision += fmt::format("; {} candidates are not listed", omitted);
}

}  // namespace gatehouse::routing
