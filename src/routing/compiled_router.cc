#include "routing/compiled_router.h"

#include <algorithm>

namespace gatehouse::routing {

/// Fills a router's tables from the entries in their order; leaves grow as lists and are laid out flat at the end.
class CompiledRouter::Builder {
 public:
  explicit Builder(CompiledRouter& router) : router_(router) {}

  void build() {
    std::uint32_t route = kNone;
    for (const OrderedEntry& ordered : router_.table_.order) {
      const int priority = router_.table_.routes[ordered.route].priority;
      if (route == kNone || priority != router_.table_.routes[route].priority) router_.levels_.emplace_back();
      route = ordered.route;
      add(ordered);
    }
    finish();
  }

 private:
  using Entries = std::vector<Entry>;
  struct GroupLists {
    std::uint32_t regexes = 0;  ///< so many so far
    Entries any_path;
  };
  struct NodeLists {
    Entries end, rest;
  };

  void add(const OrderedEntry& ordered) {
    const Conditions& conditions = router_.conditions_[ordered.route];
    const PathShape* path = router_.table_.path(ordered);
    const Entry entry{ordered.route, static_cast<std::uint16_t>(path == nullptr ? 0 : ordered.path),
                      conditions.methods(), conditions.trivial()};
    const std::uint32_t group = group_of(router_.table_.host(ordered));
    if (path == nullptr) {
      group_lists_[group].any_path.push_back(entry);
    } else if (path->kind == PathKind::exact) {
      router_.groups_[group].has_exact = true;
      exact(group, path->text).push_back(entry);
    } else if (path->kind == PathKind::regex) {
      add_regex(group, path->text, entry);
    } else {
      segments(group, *path).push_back(entry);
    }
  }

  std::uint32_t group_of(const std::string* host) {
    const std::uint32_t level = static_cast<std::uint32_t>(router_.levels_.size() - 1);
    Level& at = router_.levels_.back();
    const std::uint32_t fresh = static_cast<std::uint32_t>(router_.groups_.size());
    std::uint32_t group = fresh;
    if (host == nullptr) {
      if (at.any_host == kNone) at.any_host = fresh;
      group = at.any_host;
    } else if (host->starts_with("*.")) {
      const std::string_view suffix = std::string_view(*host).substr(1);
      at.longest_wildcard = std::max(at.longest_wildcard, static_cast<std::uint32_t>(suffix.size()));
      group = router_.wildcards_.find_or_insert(level, suffix, fresh);
    } else {
      at.has_exact_hosts = true;
      group = router_.exact_hosts_.find_or_insert(level, *host, fresh);
    }
    if (group == fresh) {
      router_.groups_.emplace_back();
      group_lists_.emplace_back();
    }
    return group;
  }

  Entries& exact(std::uint32_t group, std::string_view path) {
    const std::uint32_t fresh = static_cast<std::uint32_t>(exact_.size());
    const std::uint32_t leaf = router_.exact_paths_.find_or_insert(group, path, fresh);
    if (leaf == fresh) exact_.emplace_back();
    return exact_[leaf];
  }

  void add_regex(std::uint32_t group, std::string_view pattern, const Entry& entry) {
    const std::uint32_t regex = regex_of(pattern);
    const std::string_view prefix = router_.regexes_[regex]->prefix();
    std::size_t size = 0;
    std::uint8_t slashes = 0;
    for (std::size_t at = prefix.find('/'); at != std::string_view::npos && slashes < kPrefixSlashes;
         at = prefix.find('/', at + 1)) {
      size = at + 1;
      ++slashes;
    }
    const std::uint32_t fresh = static_cast<std::uint32_t>(regex_lists_.size());
    const std::uint32_t list = router_.regex_prefixes_.find_or_insert(group, prefix.substr(0, size), fresh);
    if (list == fresh) regex_lists_.emplace_back();
    Group& at = router_.groups_[group];
    at.has_regexes = true;
    at.prefix_slashes = std::max(at.prefix_slashes, slashes);
    regex_lists_[list].push_back({regex, group_lists_[group].regexes++, entry});
  }

  std::uint32_t regex_of(std::string_view pattern) {
    const std::uint32_t fresh = static_cast<std::uint32_t>(router_.regexes_.size());
    const std::uint32_t regex = router_.regex_ids_.find_or_insert(0, pattern, fresh);
    if (regex == fresh) router_.regexes_.push_back(std::make_unique<Regex>(pattern));
    return regex;
  }

  std::uint32_t new_node() {
    router_.nodes_.emplace_back();
    node_lists_.emplace_back();
    return static_cast<std::uint32_t>(router_.nodes_.size() - 1);
  }

  Entries& segments(std::uint32_t group, const PathShape& shape) {
    if (router_.groups_[group].root == kNone) router_.groups_[group].root = new_node();
    std::uint32_t node = router_.groups_[group].root;
    for (const Segment& segment : shape.segments) {
      if (segment.kind == Segment::Kind::rest) return node_lists_[node].rest;
      node = segment.kind == Segment::Kind::capture ? capture_child(node) : literal_child(node, segment.text);
    }
    return node_lists_[node].end;
  }

  std::uint32_t capture_child(std::uint32_t node) {
    if (router_.nodes_[node].capture == kNone) {
      const std::uint32_t child = new_node();
      router_.nodes_[node].capture = child;
    }
    return router_.nodes_[node].capture;
  }

  std::uint32_t literal_child(std::uint32_t node, std::string_view text) {
    router_.nodes_[node].has_literals = true;
    const std::uint32_t fresh = static_cast<std::uint32_t>(router_.nodes_.size());
    const std::uint32_t child = router_.edges_.find_or_insert(node, text, fresh);
    if (child == fresh) new_node();
    return child;
  }

  Leaf lay_out(const Entries& list) {
    const Leaf leaf{static_cast<std::uint32_t>(router_.entries_.size()), static_cast<std::uint32_t>(list.size())};
    router_.entries_.insert(router_.entries_.end(), list.begin(), list.end());
    return leaf;
  }

  void finish() {
    router_.entries_.reserve(router_.table_.order.size());
    for (const Entries& list : exact_) router_.exact_leaves_.push_back(lay_out(list));
    for (std::size_t i = 0; i < router_.nodes_.size(); ++i) {
      router_.nodes_[i].end = lay_out(node_lists_[i].end);
      router_.nodes_[i].rest = lay_out(node_lists_[i].rest);
    }
    for (std::size_t i = 0; i < router_.groups_.size(); ++i) {
      router_.groups_[i].any_path = lay_out(group_lists_[i].any_path);
    }
    for (const std::vector<RegexEntry>& list : regex_lists_) {
      router_.regex_lists_.push_back(
          {static_cast<std::uint32_t>(router_.regex_entries_.size()), static_cast<std::uint32_t>(list.size())});
      router_.regex_entries_.insert(router_.regex_entries_.end(), list.begin(), list.end());
    }
  }

  CompiledRouter& router_;
  std::vector<GroupLists> group_lists_;
  std::vector<NodeLists> node_lists_;
  std::vector<Entries> exact_;
  std::vector<std::vector<RegexEntry>> regex_lists_;
};

CompiledRouter::CompiledRouter(const config::Model& model) : table_(model) {
  conditions_.reserve(model.routes.size());
  for (const config::Route& route : model.routes) conditions_.emplace_back(model, route);
  for (const config::Listener& listener : model.listeners) listener_names_.push_back(listener.name);
  Builder(*this).build();
}

Match CompiledRouter::match(const Request& request, Captures& captures) const {
  Walk walk{request, captures, false, false, {}};
  return run(walk);
}

Match CompiledRouter::run(Walk& walk) const {
  const auto levels = static_cast<std::uint32_t>(levels_.size());
  for (std::uint32_t level = 0; level < levels; ++level) {
    if (try_level(level, walk)) return walk.result;
  }
  // Only a request that found nothing pays for the question which methods would have.
  if (walk.refused_method) {
    walk.collect = true;
    for (std::uint32_t level = 0; level < levels; ++level) try_level(level, walk);
  }
  walk.captures.count = 0;
  return walk.result;
}

bool CompiledRouter::try_level(std::uint32_t level, Walk& walk) const {
  const Level& at = levels_[level];
  const std::string_view host = walk.request.host;
  if (at.has_exact_hosts) {
    const std::uint32_t group = exact_hosts_.find(level, host);
    if (group != kNone && try_group(group, walk)) return true;
  }
  if (at.longest_wildcard != 0 && host.size() > 1) {
    // From the longest suffix that could be a wildcard's; at least one byte stands before the dot.
    const std::size_t first = host.size() > at.longest_wildcard ? host.size() - at.longest_wildcard : 1;
    for (std::size_t dot = host.find('.', std::max<std::size_t>(first, 1)); dot != std::string_view::npos;
         dot = host.find('.', dot + 1)) {
      const std::uint32_t group = wildcards_.find(level, host.substr(dot));
      if (group != kNone && try_group(group, walk)) return true;
    }
  }
  return at.any_host != kNone && try_group(at.any_host, walk);
}

bool CompiledRouter::try_group(std::uint32_t index, Walk& walk) const {
  const Group& group = groups_[index];
  if (group.has_exact) {
    const std::uint32_t leaf = exact_paths_.find(index, walk.request.path);
    if (leaf != KeyTable::kNone && try_leaf(exact_leaves_[leaf], 0, 0, walk)) return true;
  }
  if (group.has_regexes && try_regexes(index, walk)) return true;
  if (group.root != kNone && try_node(group.root, 0, 0, walk)) return true;
  return try_leaf(group.any_path, 0, 0, walk);
}

bool CompiledRouter::try_regexes(std::uint32_t index, Walk& walk) const {
  const std::string_view path = walk.request.path;
  Leaf lists[kPrefixSlashes + 1];
  std::size_t count = 0;
  const auto add = [&](std::string_view prefix) {
    const std::uint32_t list = regex_prefixes_.find(index, prefix);
    if (list != KeyTable::kNone) lists[count++] = regex_lists_[list];
  };
  add({});
  std::size_t slash = path.find('/');
  for (std::uint8_t i = 0; i < groups_[index].prefix_slashes && slash != std::string_view::npos; ++i) {
    add(path.substr(0, slash + 1));
    slash = path.find('/', slash + 1);
  }
  // Each list is in order; the next candidate is the least of their heads.
  while (true) {
    Leaf* next = nullptr;
    for (std::size_t i = 0; i < count; ++i) {
      if (lists[i].count == 0) continue;
      if (next == nullptr || regex_entries_[lists[i].first].place < regex_entries_[next->first].place) next = &lists[i];
    }
    if (next == nullptr) return false;
    if (try_regex(regex_entries_[next->first], walk)) return true;
    ++next->first;
    --next->count;
  }
}

bool CompiledRouter::try_regex(const RegexEntry& candidate, Walk& walk) const {
  const std::string_view path = walk.request.path;
  const Regex& regex = *regexes_[candidate.regex];
  if (!path.starts_with(regex.prefix()) || !regex.full_match(path)) return false;
  if (!try_entry(candidate.entry, 0, walk)) return false;
  regex.full_match(path, walk.captures);
  return true;
}

bool CompiledRouter::try_node(std::uint32_t index, std::size_t at, std::uint8_t depth, Walk& walk) const {
  const Node& node = nodes_[index];
  const std::string_view path = walk.request.path;
  if (at == path.size()) {
    if (try_leaf(node.end, depth, 0, walk)) return true;
  } else if (node.has_literals || node.capture != kNone) {
    const std::size_t end = std::min(path.find('/', at + 1), path.size());
    const std::string_view segment = path.substr(at + 1, end - at - 1);
    if (node.has_literals) {
      const std::uint32_t child = edges_.find(index, segment);
      if (child != KeyTable::kNone && try_node(child, end, depth, walk)) return true;
    }
    if (node.capture != kNone && !segment.empty()) {
      walk.captures.values[depth] = segment;
      if (try_node(node.capture, end, static_cast<std::uint8_t>(depth + 1), walk)) return true;
    }
  }
  return try_leaf(node.rest, depth, at, walk);
}

bool CompiledRouter::try_entry(const Entry& entry, std::size_t prefix, Walk& walk) const {
  const bool method = (entry.methods & bit(walk.request.method)) != 0;
  if (!entry.trivial || !method) {
    const Conditions& conditions = conditions_[entry.route];
    if (!method || !conditions.method_matches(walk.request)) {
      walk.refused_method = true;
      if (walk.collect && conditions.matches(walk.request)) walk.result.allowed_methods |= entry.methods;
      return false;
    }
    if (!conditions.matches(walk.request)) return false;
  }
  walk.result.route = entry.route;
  walk.result.path = entry.path;
  walk.result.prefix_length = static_cast<std::uint32_t>(prefix);
  return true;
}

const std::vector<std::string>& CompiledRouter::capture_names(std::uint32_t route, std::uint16_t path) const {
  static const std::vector<std::string> none;
  const std::vector<PathShape>& paths = table_.routes[route].paths;
  if (path >= paths.size()) return none;
  if (paths[path].kind != PathKind::regex) return paths[path].names;
  return regexes_[regex_ids_.find(0, paths[path].text)]->names();
}

std::vector<std::uint32_t> CompiledRouter::order() const {
  std::vector<bool> seen(table_.routes.size(), false);
  std::vector<std::uint32_t> routes;
  for (const OrderedEntry& entry : table_.order) {
    if (!seen[entry.route]) routes.push_back(entry.route);
    seen[entry.route] = true;
  }
  return routes;
}

std::unique_ptr<Router> compile(const config::Model& model) {
  return std::make_unique<CompiledRouter>(model);
}

}  // namespace gatehouse::routing
