#pragma once
#include <string>
#include <vector>

#include "config/node.h"

namespace gatehouse::config {

/// What ${env:…} and ${file:…} are looked up with.
struct LoadValues {
  std::string directory;            ///< of the file that writes them; "" is the current one
  bool allow_files = true;          ///< false: ${file:} is refused
  std::vector<std::string>* files;  ///< gets every file read
};

/// Replaces ${env:NAME}, ${env:NAME:-default}, ${file:PATH} and $${ in every scalar value under `node`; top-level `x-…`
/// is left alone. `${{` is refused as "not supported yet". What is put in is not looked at again.
void replace_load_values(Node& document, const LoadValues& values, Diagnostics& out);

/// The whole file in `to`, or why it could not be read ("No such file or directory").
std::string read_file(const std::string& path, std::string& to);
/// `path` as seen from `directory`, unless it is absolute.
std::string relative_to(const std::string& directory, const std::string& path);
/// "conf/shop.yaml" → "conf", "shop.yaml" → "".
std::string directory_of(const std::string& path);
/// The same for a name that is written at `mark`; what did not come from a file is relative to the working directory.
std::string relative_to_writer(const Mark& mark, const std::string& path);

}  // namespace gatehouse::config
