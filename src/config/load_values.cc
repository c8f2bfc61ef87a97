#include "config/load_values.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/utf8.h"
#include "config/value_kinds.h"

namespace gatehouse::config {

std::string read_file(const std::string& path, std::string& to) {
  constexpr std::size_t kMost = 256u << 20;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return std::strerror(errno);
  struct stat info{};
  std::string fault;
  if (::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) fault = "is a directory";
  to.clear();
  char buffer[65536];
  while (fault.empty()) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fault = std::strerror(errno);
    if (n <= 0) break;
    to.append(buffer, static_cast<std::size_t>(n));
    if (to.size() > kMost) fault = "is larger than 256MiB";
  }
  ::close(fd);
  return fault;
}

std::string relative_to(const std::string& directory, const std::string& path) {
  return directory.empty() || path.starts_with('/') ? path : directory + "/" + path;
}

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return "";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string relative_to_writer(const Mark& mark, const std::string& path) {
  const bool from_file = mark.file != nullptr && !mark.file->starts_with("POST ");
  return from_file ? relative_to(directory_of(*mark.file), path) : path;
}

namespace {

class Replacer {
 public:
  explicit Replacer(const LoadValues& values) : values_(values) {}

  void walk(Node& node, const Where& at) {
    if (node.is_scalar()) {
      if (node.text().find("${") != std::string::npos) scalar(node, at);
      return;
    }
    for (std::size_t i = 0; i < node.items().size(); ++i) {
      Node& item = node.items()[i];
      walk(item, at.index(i, item.mark()));
    }
    for (Node::Entry& entry : node.entries()) {
      if (entry.key.find("${") != std::string::npos && entry.key.find("$${") == std::string::npos)
        at.key(entry.key, entry.key_mark).error("load-time values stand in values, not in keys");
      walk(entry.value, at.key(entry.key, entry.value.mark()));
    }
  }

 private:
  void scalar(Node& node, const Where& at) {
    const std::string text = node.text();
    std::string result;
    std::size_t done = 0;
    for (std::size_t open; (open = text.find("${", done)) != std::string::npos;) {
      result.append(text, done, open - done);
      if (open > done && text[open - 1] == '$') {
        result += '{';
        done = open + 2;
        continue;
      }
      if (text.compare(open, 3, "${{") == 0) {
        at.error("\"${{ … }}\" is not supported yet", "write $${ for a literal ${");
        return;
      }
      const std::size_t close = text.find('}', open);
      if (close == std::string::npos) {
        at.error("\"${\" without a closing \"}\"", "write $${ for a literal ${");
        return;
      }
      if (!one(text.substr(open + 2, close - open - 2), at, result)) return;
      done = close + 1;
    }
    result.append(text, done);
    node.set_text(std::move(result));
    // Text that came from outside is a string, whatever it looks like; the field decides what it becomes.
    node.set_quoted(true);
  }

  bool one(const std::string& word, const Where& at, std::string& to) {
    const std::size_t before = to.size();
    if (word.starts_with("env:")) {
      if (!environment(word.substr(4), at, to)) return false;
    } else if (word.starts_with("file:")) {
      if (!file(word.substr(5), at, to)) return false;
    } else {
      at.error("\"${" + word + "}\" is neither ${env:NAME} nor ${file:PATH}", "write $${ for a literal ${");
      return false;
    }
    if (find_bad_utf8(std::string_view(to).substr(before)) == std::string_view::npos) return true;
    at.error("\"${" + word + "}\" holds bytes that are not UTF-8");
    return false;
  }

  bool environment(const std::string& word, const Where& at, std::string& to) {
    const std::size_t split = word.find(":-");
    const std::string name = word.substr(0, split);
    if (name.empty() || name.find_first_of("=: ") != std::string::npos) {
      at.error("\"${env:" + word + "}\" names no environment variable");
      return false;
    }
    if (const char* value = std::getenv(name.c_str())) {
      to += value;
      return true;
    }
    if (split != std::string::npos) {
      if (word.find("${", split) != std::string::npos) {
        at.error("a default cannot hold another \"${\"");
        return false;
      }
      to.append(word, split + 2);
      return true;
    }
    at.error("the environment variable " + name + " is not set", "${env:" + name + ":-default} gives a default");
    return false;
  }

  bool file(const std::string& path, const Where& at, std::string& to) {
    if (!values_.allow_files) {
      at.error("${file:} is not allowed here");
      return false;
    }
    const std::string resolved = relative_to(values_.directory, path);
    std::string text;
    if (values_.files) values_.files->push_back(resolved);
    if (const std::string fault = read_file(resolved, text); !fault.empty()) {
      at.error("cannot read the file \"" + resolved + "\": " + fault);
      return false;
    }
    if (text.ends_with('\n')) text.pop_back();
    to += text;
    return true;
  }

  const LoadValues& values_;
};

}  // namespace

void replace_load_values(Node& document, const LoadValues& values, Diagnostics& out) {
  Replacer replacer(values);
  const Where root(out, "", document.mark());
  if (!document.is_mapping()) return replacer.walk(document, root);
  for (Node::Entry& entry : document.entries()) {
    if (!entry.key.starts_with("x-")) replacer.walk(entry.value, root.key(entry.key, entry.value.mark()));
  }
}

}  // namespace gatehouse::config
