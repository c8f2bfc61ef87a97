#pragma once
#include <string>
#include <vector>

namespace gatehouse::test {

/// The bytes of one connection.
struct Sample {
  std::string name;  ///< "chunk size with a sign", or "post/delete a byte at 17"
  std::string bytes;
};

/// Requests of every class that implementations have disagreed on, then mutations of well-formed ones, always the same;
/// then the public vectors.
std::vector<Sample> request_corpus();

/// The requests of http1-compliance.json in the folder that GATEHOUSE_CONFORMANCE names, else beside the checkout; none
/// where that is missing.
std::vector<Sample> public_vectors();

}  // namespace gatehouse::test
