#pragma once
#include <string>
#include <string_view>

namespace gatehouse::test {

/// A directory of its own that goes away with the object.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }
  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }
  /// Writes a file whole (by rename, so that a reader sees the old or the new); gives its path.
  std::string write(std::string_view name, std::string_view text) const;

 private:
  std::string path_;
};

/// The whole file, "" if it can't be read.
std::string read_file(const std::string& path);

}  // namespace gatehouse::test
