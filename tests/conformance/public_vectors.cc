#include <boost/json.hpp>
#include <cstdlib>

#include "conformance/request_corpus.h"
#include "support/temp_dir.h"

namespace gatehouse::test {

std::vector<Sample> public_vectors() {
  const char* const folder = std::getenv("GATEHOUSE_CONFORMANCE");
  const std::string file = std::string(folder != nullptr ? folder : GATEHOUSE_SOURCE_DIR "/../shared/conformance") +
                           "/http1-compliance.json";
  const std::string text = read_file(file);
  std::vector<Sample> samples;
  if (text.empty()) return samples;
  for (const boost::json::value& vector : boost::json::parse(text).at("cases").as_array()) {
    samples.push_back(
        {"vector " + std::string(vector.at("id").as_string()), std::string(vector.at("rawRequest").as_string())});
  }
  return samples;
}

}  // namespace gatehouse::test
