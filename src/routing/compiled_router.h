#pragma once
#include <memory>
#include <string>
#include <vector>

#include "routing/conditions.h"
#include "routing/key_table.h"
#include "routing/order.h"
#include "routing/pattern.h"
#include "routing/regex.h"
#include "routing/router.h"

namespace gatehouse::routing {

/// The native order's router.
///
/// For each priority a table of hosts leads to groups, each a (priority, host) pair. A group finds the paths: exact
/// ones by hash, regexes in a list, the rest in a trie of segments that is walked with backtracking, routes without
/// path in a list. What one path pattern leads to is a leaf: entries sorted by the rest of the order. The first entry
/// that holds, in the order of this walk, is the answer, so a route whose conditions fail falls through to the next.
class CompiledRouter final : public Router {
 public:
  explicit CompiledRouter(const config::Model& model);

  Match match(const Request& request, Captures& captures) const override;
  Match explain(const Request& request, Captures& captures, Explanation& explanation) const override;
  const std::vector<std::string>& capture_names(std::uint32_t route, std::uint16_t path) const override;
  std::vector<std::uint32_t> order() const override;

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  /// Regexes are sorted into lists by at most so many leading segments.
  static constexpr std::uint8_t kPrefixSlashes = 8;

  /// A candidate as match() needs it.
  struct Entry {
    std::uint32_t route = 0;
    std::uint16_t path = 0;
    std::uint16_t methods = kAllMethods;
    bool trivial = true;  ///< the method's bit decides alone
  };
  struct Leaf {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
  };
  struct RegexEntry {
    std::uint32_t regex = 0;
    std::uint32_t place = 0;  ///< in the order of its group's regexes
    Entry entry;
  };
  struct Node {
    std::uint32_t capture = kNone;  ///< the child for {x}
    bool has_literals = false;      ///< children in edges_
    Leaf end;                       ///< patterns that end here
    Leaf rest;                      ///< patterns that go on with "/*"
  };
  struct Group {
    bool has_exact = false;           ///< paths in exact_paths_
    std::uint32_t root = kNone;       ///< of its trie
    bool has_regexes = false;         ///< in regex_lists_
    std::uint8_t prefix_slashes = 0;  ///< the most slashes that a key of its regexes has
    Leaf any_path;
  };
  struct Level {
    std::uint32_t any_host = kNone;  ///< the group of routes without host
    bool has_exact_hosts = false;
    std::uint32_t longest_wildcard = 0;  ///< bytes of ".x", 0 without wildcards
  };
  /// One request's walk; `collect` notes the methods that would have matched instead of stopping at the first.
  struct Walk {
    const Request& request;
    Captures& captures;
    bool collect = false;
    bool refused_method = false;  ///< an entry failed by its method
    Match result;
  };
  class Builder;

  Match run(Walk& walk) const;
  bool try_level(std::uint32_t level, Walk& walk) const;
  bool try_group(std::uint32_t group, Walk& walk) const;
  bool try_regexes(std::uint32_t group, Walk& walk) const;
  bool try_regex(const RegexEntry& candidate, Walk& walk) const;
  bool try_node(std::uint32_t node, std::size_t at, std::uint8_t depth, Walk& walk) const;
  bool try_leaf(const Leaf& leaf, std::uint8_t captured, std::size_t prefix, Walk& walk) const {
    for (std::uint32_t i = 0; i < leaf.count; ++i) {
      if (try_entry(entries_[leaf.first + i], prefix, walk)) {
        walk.captures.count = captured;
        return true;
      }
    }
    return false;
  }
  bool try_entry(const Entry& entry, std::size_t prefix, Walk& walk) const;

  bool host_matches(const OrderedEntry& entry, std::string_view host) const;
  bool path_matches(const OrderedEntry& entry, std::string_view path, Captures& captures, std::uint32_t& prefix) const;
  std::string failure(const OrderedEntry& entry, const Request& request) const;
  void decide(const Match& match, std::size_t winner, const Request& request, Explanation& explanation) const;

  RouteTable table_;                    ///< the routes and their one order
  std::vector<Conditions> conditions_;  ///< by route
  std::vector<std::string> listener_names_;
  std::vector<std::unique_ptr<Regex>> regexes_;
  KeyTable regex_ids_;

  std::vector<Level> levels_;  ///< by falling priority
  KeyTable exact_hosts_;       ///< (level, host) → group
  KeyTable wildcards_;         ///< (level, ".x") → group
  std::vector<Group> groups_;
  KeyTable exact_paths_;  ///< (group, path) → leaf in exact_leaves_
  std::vector<Leaf> exact_leaves_;
  KeyTable regex_prefixes_;  ///< (group, literal prefix up to a slash) → list in regex_lists_
  std::vector<Leaf> regex_lists_;
  std::vector<RegexEntry> regex_entries_;
  KeyTable edges_;  ///< (node, literal) → node
  std::vector<Node> nodes_;
  std::vector<Entry> entries_;
};

}  // namespace gatehouse::routing
