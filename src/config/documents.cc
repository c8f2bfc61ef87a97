#include "config/documents.h"

#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>

#include "config/load_values.h"
#include "config/value_kinds.h"

namespace gatehouse::config {
namespace {

/// Directives end in ";" or open a block; a line of YAML rarely does either.
bool looks_like_nginx(std::string_view text) {
  std::size_t directives = 0, others = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line = line.substr(0, line.find('#'));
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) line.remove_suffix(1);
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
    if (line.empty()) continue;
    const bool word = std::isalpha(static_cast<unsigned char>(line.front())) || line.front() == '_';
    const bool directive = line == "}" || (word && (line.back() == ';' || line.back() == '{') && !line.contains("(") &&
                                           !line.contains(": "));
    ++(directive ? directives : others);
  }
  return directives >= 2 && directives > others;
}

class Reader {
 public:
  Reader(std::vector<std::string>& files, Diagnostics& out) : files_(files), out_(out) {}

  Node read(const Source& source, bool is_file) {
    Diagnostics faults;
    Node document = parse_document(source.text, source.name, faults);
    const bool faulty = faults.has_errors();
    if (const std::string format = foreign_format(faulty ? Node() : document, source.text); !format.empty()) {
      const auto file = std::make_shared<const std::string>(source.name);
      out_.error(document.mark().file ? document.mark() : Mark{file, 1, 1}, "",
                 format + " files are not supported yet");
      return Node::mapping();
    }
    for (const Diagnostic& fault : faults.items()) out_.add(fault);
    if (faulty && !document.is_mapping()) return Node::mapping();
    if (document.is_null()) document = Node::mapping(document.mark());
    if (!document.is_mapping()) {
      out_.error(document.mark(), "",
                 "must be a mapping with listeners, services and routes, got " + document.described());
      return Node::mapping();
    }
    const std::string directory = is_file ? directory_of(source.name) : "";
    replace_load_values(document, {directory, source.allow_files, &files_}, out_);
    std::erase_if(document.entries(), [](const Node::Entry& entry) { return entry.key.starts_with("x-"); });
    include(document, directory, source.allow_files);
    return document;
  }

  void enter(const std::string& path) { open_.push_back(identity(path)); }
  void leave() { open_.pop_back(); }

 private:
  static std::string identity(const std::string& path) {
    char* real = ::realpath(path.c_str(), nullptr);
    std::string text = real ? real : path;
    ::free(real);
    return text;
  }

  void include(Node& document, const std::string& directory, bool allow_files) {
    const Node* found = document.find("include");
    if (!found) return;
    const Node list = *found;
    document.erase("include");
    const Where at = Where(out_, "include", list.mark());
    if (!allow_files) return at.error("is not allowed here");
    std::vector<std::pair<std::string, Mark>> paths;
    if (list.is_scalar()) {
      expand(list, at, directory, paths);
    } else if (list.is_sequence()) {
      for (std::size_t i = 0; i < list.items().size(); ++i) {
        const Where place = at.index(i, list.items()[i].mark());
        if (list.items()[i].is_scalar()) {
          expand(list.items()[i], place, directory, paths);
        } else {
          place.expected("a file name", list.items()[i]);
        }
      }
    } else if (!list.is_null()) {
      at.expected("a list of file names", list);
    }
    std::ranges::stable_sort(paths, {}, &std::pair<std::string, Mark>::first);
    const auto same = std::ranges::unique(paths, {}, &std::pair<std::string, Mark>::first);
    paths.erase(same.begin(), same.end());
    for (const auto& [path, mark] : paths) one(path, mark, document);
  }

  void expand(const Node& item, const Where& at, const std::string& directory,
              std::vector<std::pair<std::string, Mark>>& paths) {
    const std::string path = relative_to(directory, item.text());
    if (item.text().find_first_of("*?[") == std::string::npos) {
      paths.emplace_back(path, item.mark());
      return;
    }
    files_.push_back(path);  // so that its folder is watched where nothing matches yet
    glob_t matches{};
    const int result = ::glob(path.c_str(), GLOB_NOSORT, nullptr, &matches);
    if (result == GLOB_NOMATCH) {
      at.warning("no file matches \"" + path + "\"");
    } else if (result != 0) {
      at.error("the files of \"" + path + "\" cannot be listed");
    }
    for (std::size_t i = 0; result == 0 && i < matches.gl_pathc; ++i)
      paths.emplace_back(matches.gl_pathv[i], item.mark());
    ::globfree(&matches);
  }

  void one(const std::string& path, const Mark& mark, Node& into) {
    if (std::ranges::find(open_, identity(path)) != open_.end()) {
      out_.error(mark, "include", "\"" + path + "\" includes itself");
      return;
    }
    Source source{.name = path, .text = {}, .allow_files = true};
    if (const std::string fault = read_file(path, source.text); !fault.empty()) {
      out_.error(mark, "include", "cannot read \"" + path + "\": " + fault);
      return;
    }
    files_.push_back(path);
    enter(path);
    merge(read(source, true), into);
    leave();
  }

  void merge(Node from, Node& into) {
    for (Node::Entry& entry : from.entries()) {
      const auto known = std::ranges::find(into.entries(), entry.key, &Node::Entry::key);
      if (known == into.entries().end()) {
        into.entries().push_back(std::move(entry));
      } else if (known->value.is_sequence() && entry.value.is_sequence()) {
        for (Node& item : entry.value.items()) known->value.push(std::move(item));
      } else if (known->value.is_null() && entry.value.is_sequence()) {
        known->value = std::move(entry.value);
      } else if (entry.key == "tiers" && known->value.is_mapping() && entry.value.is_mapping()) {
        merge(std::move(entry.value), known->value);  // by name, each name once
      } else if (!(known->value.is_sequence() && entry.value.is_null())) {
        out_.error(entry.key_mark, entry.key, "is defined twice, first at " + known->key_mark.text());
      }
    }
  }

  std::vector<std::string>& files_;
  Diagnostics& out_;
  std::vector<std::string> open_;
};

}  // namespace

std::string foreign_format(const Node& document, std::string_view text) {
  if (!document.is_mapping()) return !document.is_sequence() && looks_like_nginx(text) ? "nginx" : "";
  if (document.find("_format_version")) return "Kong";
  if (document.find("static_resources")) return "Envoy";
  if (document.find("openapi") || document.find("swagger")) return "OpenAPI";
  const Node* routes = document.find("listeners") ? nullptr : document.find("routes");
  const auto is_kong = [](const Node& route) { return route.find("paths") != nullptr; };
  return routes && std::ranges::any_of(routes->items(), is_kong) ? "Kong" : "";
}

Node read_documents(const Source& source, std::vector<std::string>& files, Diagnostics& out) {
  Reader reader(files, out);
  reader.enter(source.name);
  return reader.read(source, source.allow_files);
}

}  // namespace gatehouse::config
