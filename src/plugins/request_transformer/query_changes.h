#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "config/value_kinds.h"

namespace gatehouse::plugins::request_transformer {

/// What is written in the configuration, not encoded.
struct QueryOptions {
  std::vector<std::string> remove;
  config::NameValues rename, replace, set, add, append;
};

/// What is done to a query string, in the order and with the meanings of HeaderChanges. Names are compared decoded;
/// parts that nothing is done to stay as they were sent. Immutable, all workers.
class QueryChanges {
 public:
  explicit QueryChanges(const QueryOptions& options);
  bool empty() const { return empty_; }
  /// `query` itself where nothing changes, else in the arena.
  std::string_view apply(std::string_view query, Arena& arena) const;

 private:
  struct Rename {
    std::string from, to;
    std::string encoded;  ///< `to`, as it is sent
  };
  struct Write {
    std::string name;
    std::string encoded;  ///< "name=value", as it is sent
  };
  class Parts;
  static std::vector<Write> writes(const config::NameValues& pairs);

  bool empty_;
  std::vector<std::string> remove_;
  std::vector<Rename> rename_;
  std::vector<Write> replace_, set_, add_, append_;
};

}  // namespace gatehouse::plugins::request_transformer
