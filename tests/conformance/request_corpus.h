#pragma once
#include <string>
#include <vector>

namespace gatehouse::test {

/// The bytes of one connection.
struct Sample {
  std::string name;  ///< "chunk size with a sign", or "post/delete a byte at 17"
  std::string bytes;
};

/// Requests of every class that implementations have disagreed on, then mutations of well-formed ones. Always the same.
std::vector<Sample> request_corpus();

}  // namespace gatehouse::test
