#include "admin/query.h"

#include <algorithm>

#include "base/percent.h"

namespace gatehouse::admin {
namespace {

std::string decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) out += take_form_decoded(text);
  return out;
}

bool is_yes(std::string_view word) {
  return word.empty() || word == "1" || word == "true" || word == "yes";
}
bool is_no(std::string_view word) {
  return word == "0" || word == "false" || word == "no";
}

bool listed_in(std::initializer_list<std::string_view> words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

std::string listed(std::initializer_list<std::string_view> words) {
  std::string text;
  for (const std::string_view word : words) text += (text.empty() ? "" : ", ") + std::string(word);
  return text;
}

}  // namespace

Query::Query(std::string_view raw) {
  while (!raw.empty()) {
    const std::size_t end = raw.find('&');
    const std::string_view item = raw.substr(0, end);
    raw = end == std::string_view::npos ? std::string_view() : raw.substr(end + 1);
    if (item.empty()) continue;
    const std::size_t equals = item.find('=');
    items_.emplace_back(decoded(item.substr(0, equals)),
                        equals == std::string_view::npos ? std::string() : decoded(item.substr(equals + 1)));
  }
}

const std::string* Query::find(std::string_view name) const {
  const auto found = std::ranges::find(items_, name, [](const auto& item) -> std::string_view { return item.first; });
  return found == items_.end() ? nullptr : &found->second;
}

bool Query::flag(std::string_view name) const {
  const std::string* const value = find(name);
  return value != nullptr && is_yes(*value);
}

std::string Query::trouble(std::initializer_list<std::string_view> known,
                           std::initializer_list<std::string_view> flags) const {
  for (const auto& [name, value] : items_) {
    if (listed_in(flags, name)) {
      if (!is_yes(value) && !is_no(value)) return name + " must be true or false, got \"" + value + "\"";
    } else if (!listed_in(known, name)) {
      const std::string words = listed(known) + (known.size() != 0 && flags.size() != 0 ? ", " : "") + listed(flags);
      return "unknown parameter \"" + name + "\"" + (words.empty() ? "" : "; there are " + words);
    }
  }
  return "";
}

bool wants_json(const engine::LocalRequest& request, const Query& query) {
  if (const std::string* const format = query.find("format")) return *format == "json";
  std::string_view accept = request.header("Accept");
  while (!accept.empty()) {
    const std::size_t end = accept.find(',');
    std::string_view range = accept.substr(0, end);
    accept = end == std::string_view::npos ? std::string_view() : accept.substr(end + 1);
    range = range.substr(0, range.find(';'));
    while (range.starts_with(' ')) range.remove_prefix(1);
    while (range.ends_with(' ')) range.remove_suffix(1);
    if (range == "application/json") return true;
  }
  return false;
}

}  // namespace gatehouse::admin
