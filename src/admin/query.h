#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/local_server.h"

namespace gatehouse::admin {

/// The parameters of a query in their order, percent-decoded, "+" as a space (as HTML forms and URLSearchParams write
/// it).
class Query {
 public:
  explicit Query(std::string_view raw);

  /// The first value under `name`, null if there is none.
  const std::string* find(std::string_view name) const;
  /// Whether `name` is there and says yes: "", "1", "true" and "yes" do.
  bool flag(std::string_view name) const;
  /// A sentence about the first parameter that is none of `known`, or a flag among `flags` that says neither yes nor
  /// no;
  /// "" if there is none.
  std::string trouble(std::initializer_list<std::string_view> known,
                      std::initializer_list<std::string_view> flags = {}) const;

  const std::vector<std::pair<std::string, std::string>>& all() const { return items_; }

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

/// Whether JSON is asked for: by `format=json`, or without `format` by an Accept that names application/json.
bool wants_json(const engine::LocalRequest& request, const Query& query);

}  // namespace gatehouse::admin
