#include "plugins/request_transformer/query_changes.h"

#include <algorithm>

#include "plugins/common/query_string.h"

namespace gatehouse::plugins::request_transformer {

/// A query in pieces, with room for what is added.
class QueryChanges::Parts {
 public:
  Parts(std::string_view query, std::size_t room, Arena& arena) : arena_(arena) {
    const auto count = static_cast<std::size_t>(std::count(query.begin(), query.end(), '&')) + 1;
    items_ = arena.array<Part>(count + room);
    while (!query.empty()) {
      const QueryPart part = next_query_part(query);
      items_[size_++] = {part.name(), part.rest(), false};
    }
  }

  bool has(std::string_view name) const {
    return std::any_of(items_, items_ + size_, [&](const Part& part) { return is(part, name); });
  }
  void remove(std::string_view name) {
    for (std::size_t i = 0; i < size_; ++i) {
      if (is(items_[i], name)) changed_ = items_[i].removed = true;
    }
  }
  void rename(const Rename& rename) {
    if (!has(rename.from)) return;
    remove(rename.to);
    for (std::size_t i = 0; i < size_; ++i) {
      if (is(items_[i], rename.from)) items_[i].name = rename.encoded;
    }
    changed_ = true;
  }
  /// The first part of that name becomes the new one, the others go. False if there is none.
  bool replace(const Write& write) {
    bool found = false;
    for (std::size_t i = 0; i < size_; ++i) {
      if (!is(items_[i], write.name)) continue;
      items_[i] = found ? Part{{}, {}, true} : Part{write.encoded, {}, false};
      found = true;
    }
    changed_ |= found;
    return found;
  }
  void append(const Write& write) {
    items_[size_++] = {write.encoded, {}, false};
    changed_ = true;
  }

  bool changed() const { return changed_; }
  std::string_view text() const {
    std::size_t size = 0;
    for (std::size_t i = 0; i < size_; ++i) {
      if (!items_[i].removed) size += items_[i].name.size() + items_[i].rest.size() + 1;
    }
    if (size == 0) return {};
    char* const start = arena_.array<char>(size);
    char* to = start;
    for (std::size_t i = 0; i < size_; ++i) {
      if (items_[i].removed) continue;
      if (to != start) *to++ = '&';
      to = std::copy(items_[i].name.begin(), items_[i].name.end(), to);
      to = std::copy(items_[i].rest.begin(), items_[i].rest.end(), to);
    }
    return {start, static_cast<std::size_t>(to - start)};
  }

 private:
  struct Part {
    std::string_view name;  ///< or name and value, where we wrote both
    std::string_view rest;
    bool removed;
  };
  static bool is(const Part& part, std::string_view name) {
    return !part.removed && query_name_is(part.name.substr(0, part.name.find('=')), name);
  }

  Arena& arena_;
  Part* items_;
  std::size_t size_ = 0;
  bool changed_ = false;
};

QueryChanges::QueryChanges(const QueryOptions& options)
    : remove_(options.remove),
      replace_(writes(options.replace)),
      set_(writes(options.set)),
      add_(writes(options.add)),
      append_(writes(options.append)) {
  for (const auto& [from, to] : options.rename) rename_.push_back({from, to, percent_encoded(to)});
  empty_ = remove_.empty() && rename_.empty() && replace_.empty() && set_.empty() && add_.empty() && append_.empty();
}

std::vector<QueryChanges::Write> QueryChanges::writes(const config::NameValues& pairs) {
  std::vector<Write> result;
  for (const auto& [name, value] : pairs)
    result.push_back({name, percent_encoded(name) + "=" + percent_encoded(value)});
  return result;
}

std::string_view QueryChanges::apply(std::string_view query, Arena& arena) const {
  Parts parts(query, set_.size() + add_.size() + append_.size(), arena);
  for (const std::string& name : remove_) parts.remove(name);
  for (const Rename& rename : rename_) parts.rename(rename);
  for (const Write& write : replace_) parts.replace(write);
  for (const Write& write : set_) {
    if (!parts.replace(write)) parts.append(write);
  }
  for (const Write& write : add_) {
    if (!parts.has(write.name)) parts.append(write);
  }
  for (const Write& write : append_) parts.append(write);
  return parts.changed() ? parts.text() : query;
}

}  // namespace gatehouse::plugins::request_transformer
