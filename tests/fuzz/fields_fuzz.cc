// Names, lists and authorities of fields: the fast readings against slow ones.
#include <algorithm>

#include "fuzz/fuzz.h"
#include "http/field.h"
#include "http/head.h"

namespace {

using namespace gatehouse;
using namespace gatehouse::fuzz;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
std::string lower(std::string_view text) {
  std::string out;
  for (const char c : text) out += lower(c);
  return out;
}

void check_name(std::string_view name) {
  const std::string letters = lower(name);
  http::FieldId expected = http::FieldId::other;
  for (std::size_t i = 1; i < http::kFieldIdCount; ++i) {
    const auto id = static_cast<http::FieldId>(i);
    const bool same = letters == http::field_name(id);
    require(http::equal_names(name, http::field_name(id)) == same, "equal but for case");
    if (same) expected = id;
  }
  require(http::field_id(name) == expected, "a name is found by its letters");
  require(http::equal_names(name, letters), "case does not matter");
}

void check_list(std::string_view list) {
  std::vector<std::string> expected;
  for (std::string_view member : split(list, ',')) {
    const std::size_t first = member.find_first_not_of(" \t");
    if (first == std::string_view::npos) continue;
    expected.emplace_back(member.substr(first, member.find_last_not_of(" \t") - first + 1));
  }
  std::vector<std::string> found;
  http::each_list_member(list, [&](std::string_view member) { found.emplace_back(member); });
  require(found == expected, "the members of a list");
}

void check_authority(std::string_view text) {
  if (!http::is_valid_authority(text)) return;
  const std::string_view host = http::host_of(text);
  require(!host.empty() && text.starts_with(host), "a valid authority starts with its host");
  for (const char c : text) require(c > 0x20 && c < 0x7f, "visible ASCII only");
  require(text.find_first_of("@/?#\\ \"<>^`{|}") == std::string_view::npos, "no user, path or query");
  const std::string_view rest = text.substr(host.size());
  require(rest.empty() || rest.starts_with(':'), "then a port or nothing");
  require(rest.find_first_not_of("0123456789", 1) == std::string_view::npos, "a port is a number");
  require(http::is_valid_authority(host), "the host alone is valid");
}

/// Adds, replaces and removes the lines "name:value" of the input and looks at what is there by a plain list.
void check_fields(std::string_view input) {
  Arena arena;
  http::Fields fields(arena);
  std::vector<std::pair<std::string, std::string>> model;
  Dice dice(input);
  std::size_t lines = 0;
  for (const std::string_view line : split(input, '\n')) {
    if (++lines > 100) break;
    const std::size_t colon = std::min(line.find(':'), line.size());
    const std::string_view name = line.substr(0, colon);
    check_name(name);
    const std::string_view value = colon == line.size() ? std::string_view() : line.substr(colon + 1);
    const std::string letters = lower(name);
    const auto same = [&](const auto& entry) { return lower(entry.first) == letters; };
    const std::size_t choice = dice.roll(8);
    if (choice == 0) {
      const int removed = fields.remove(name);
      require(static_cast<std::size_t>(removed) == std::erase_if(model, same), "removes every line of a name");
    } else if (choice == 1) {
      fields.set(name, value);
      const auto first = std::find_if(model.begin(), model.end(), same);
      if (first == model.end()) {
        model.emplace_back(name, value);
      } else {
        *first = {std::string(name), std::string(value)};
        model.erase(std::remove_if(first + 1, model.end(), same), model.end());
      }
    } else {
      fields.append(name, value);
      model.emplace_back(name, value);
    }
    const auto first = std::find_if(model.begin(), model.end(), same);
    require(fields.has(name) == (first != model.end()), "has what is there");
    require_equal(fields.get(name), first == model.end() ? "" : first->second, "gets the first line");
  }
  auto at = model.begin();
  for (const http::Field& field : fields) {
    if (field.removed) continue;
    require(at != model.end() && field.name == at->first && field.value == at->second, "lines keep their order");
    ++at;
  }
  require(at == model.end(), "no line is lost");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = as_text(data, size);
  check_name(input);
  check_list(input);
  check_authority(input);
  check_fields(input);
  return 0;
}
