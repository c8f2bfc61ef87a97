#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "config/decode.h"

namespace gatehouse::cli {
namespace {

constexpr const char* kPage = GATEHOUSE_SOURCE_DIR "/docs/configuration.md";

std::string read_page() {
  std::ifstream file(kPage);
  EXPECT_TRUE(file.good()) << kPage;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The rows of a table whose keys `wanted` takes, with a head.
template <class Wanted>
std::string rows_of(const config::Table& table, Wanted wanted) {
  std::string all;
  table.markdown_rows("", all);
  std::string kept = "| key | type | default | meaning |\n|---|---|---|---|\n";
  std::istringstream lines(all);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t start = line.find('`') + 1;
    if (wanted(line.substr(start, line.find('`', start) - start))) kept += line + "\n";
  }
  return kept;
}

/// A list of plugins looks the same everywhere: it has a table of its own.
bool is_no_plugin_row(const std::string& key) {
  return !key.starts_with("plugins[].");
}

std::string top_level() {
  return rows_of(*config::root_options().table(),
                 [](const std::string& key) { return key.find_first_of(".[") == key.npos; });
}

/// What stands below `key` of the whole file, with its name in front.
std::string below(const std::string& key) {
  return rows_of(*config::root_options().table(), [&](const std::string& row) { return row.starts_with(key + "."); });
}

/// Of each entry of the list `key`, without what its list of plugins has.
std::string entries_of(const std::string& key) {
  const std::string start = key + "[].";
  std::string text = rows_of(*config::root_options().table(), [&](const std::string& row) {
    return row.starts_with(start) && is_no_plugin_row(row.substr(start.size()));
  });
  for (std::size_t at = 0; (at = text.find("| `" + start, at)) != text.npos; ++at) text.erase(at + 3, start.size());
  return text;
}

struct Section {
  std::string name, text;
};

std::vector<Section> sections() {
  return {{"top level", top_level()},
          {"listeners", rows_of(*config::listener_options().table(), [](const std::string&) { return true; })},
          {"admin", below("admin")},
          {"logging", below("logging")},
          {"limits", below("limits")},
          {"drain", below("drain")},
          {"redis", below("redis")},
          {"services", rows_of(*config::service_options().table(), is_no_plugin_row)},
          {"routes", rows_of(*config::route_options().table(), is_no_plugin_row)},
          {"plugins", rows_of(*config::plugin_options().table(), [](const std::string&) { return true; })},
          {"consumers", entries_of("consumers")},
          {"tiers", below("tiers")},
          {"api_keys", entries_of("api_keys")}};
}

TEST(ConfigurationPage, has_the_options_of_this_build) {
  std::string page = read_page();
  for (const Section& section : sections()) {
    const std::string open = "<!-- options: " + section.name + " -->\n", close = "<!-- end -->";
    const std::size_t at = page.find(open);
    ASSERT_NE(at, std::string::npos) << "no place for the options of " << section.name;
    const std::size_t start = at + open.size(), end = page.find(close, start);
    ASSERT_NE(end, std::string::npos) << section.name;
    EXPECT_GT(std::ranges::count(section.text, '\n'), 2) << "no options in " << section.name;
    if (std::getenv("GATEHOUSE_UPDATE_DOCS") != nullptr) {
      page.replace(start, end - start, section.text);
    } else {
      EXPECT_EQ(page.substr(start, end - start), section.text)
          << "run GATEHOUSE_UPDATE_DOCS=1 cli_test and commit the page";
    }
  }
  if (std::getenv("GATEHOUSE_UPDATE_DOCS") != nullptr) std::ofstream(kPage) << page;
}

TEST(ConfigurationPage, leaves_no_option_out) {
  std::string all;
  config::root_options().table()->markdown_rows("", all);
  const auto count = [](const std::string& text) { return std::ranges::count(text, '\n'); };
  std::ptrdiff_t told = 0;
  for (const Section& section : sections()) told += count(section.text) - 2;
  std::string plugin_rows;
  config::plugin_options().table()->markdown_rows("", plugin_rows);
  // Those of plugins stand in the tree under routes, services and consumers too, but once on the page.
  EXPECT_EQ(told, count(all) - 3 * count(plugin_rows));
}

}  // namespace
}  // namespace gatehouse::cli
