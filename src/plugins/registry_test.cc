#include "plugins/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "config/loader.h"
#include "config/node.h"

namespace gatehouse::plugins {
namespace {

using plugin::PluginType;
using ::testing::HasSubstr;

constexpr const char* kHowToUpdate =
    "the text is made from the code: run GATEHOUSE_UPDATE_DOCS=1 plugins_test and commit it";

std::string folder_of(std::string_view name) {
  std::string folder(name);
  std::ranges::replace(folder, '-', '_');
  return folder;
}

std::filesystem::path source(const std::string& path) {
  return std::filesystem::path(GATEHOUSE_SOURCE_DIR) / path;
}
std::filesystem::path of_plugin(const PluginType& type, const std::string& file) {
  return source("src/plugins/" + folder_of(type.name) + "/" + file);
}

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// What stands between `<!-- name -->` and `<!-- /name -->` must be `text`; GATEHOUSE_UPDATE_DOCS writes it.
void expect_section(const std::filesystem::path& path, const std::string& name, const std::string& text) {
  std::string page = read(path);
  const std::string open = "<!-- " + name + " -->\n", close = "<!-- /" + name + " -->";
  const std::size_t at = page.find(open);
  ASSERT_NE(at, std::string::npos) << path << " has no " << open;
  const std::size_t start = at + open.size(), end = page.find(close, start);
  ASSERT_NE(end, std::string::npos) << path << " has no " << close;
  if (std::getenv("GATEHOUSE_UPDATE_DOCS") != nullptr) {
    page.replace(start, end - start, text);
    std::ofstream(path) << page;
    return;
  }
  EXPECT_EQ(page.substr(start, end - start), text) << path << ": " << kHowToUpdate;
}

/// The text of the first ```yaml block.
std::string example_of(const PluginType& type) {
  const std::string page = read(of_plugin(type, "README.md"));
  const std::size_t at = page.find("```yaml\n");
  EXPECT_NE(at, std::string::npos) << type.name << ": the README has no example";
  if (at == std::string::npos) return "";
  return page.substr(at + 8, page.find("```", at + 8) - at - 8);
}

std::string hooks_text(const plugin::Hooks& hooks) {
  std::string text;
  for (const auto& [there, name] : {std::pair(hooks.request, "request"),
                                    {hooks.attempt, "attempt"},
                                    {hooks.response, "response"},
                                    {hooks.body, "body"},
                                    {hooks.complete, "complete"}}) {
    if (there) text.append(text.empty() ? "" : ", ").append(name);
  }
  return text;
}

const char* posture_text(plugin::Posture posture) {
  return posture == plugin::Posture::fail_open ? "fail-open" : "fail-closed";
}

config::Catalogue catalogue() {
  config::Catalogue made;
  for (const PluginType* type : all()) made.plugins.push_back(type->info());
  return made;
}

TEST(Registry, has_every_folder_with_a_plugin_under_its_name) {
  std::set<std::string> folders, registered;
  for (const auto& entry : std::filesystem::directory_iterator(source("src/plugins"))) {
    if (std::filesystem::exists(entry.path() / "plugin.cc")) folders.insert(entry.path().filename());
  }
  for (const PluginType* type : all()) registered.insert(folder_of(type->name));
  EXPECT_EQ(registered, folders);
  EXPECT_EQ(registered.size(), all().size());
}

TEST(Registry, types_and_their_tables_agree) {
  for (const PluginType* type : all()) {
    EXPECT_EQ(type->info().name, type->name);
    EXPECT_NE(type->info().summary, "") << type->name;
    EXPECT_NE(hooks_text(type->hooks), "") << type->name;
  }
}

TEST(PluginDocs, option_tables_are_those_of_the_code) {
  for (const PluginType* type : all())
    expect_section(of_plugin(*type, "README.md"), "options", type->info().options_table());
}

TEST(PluginDocs, credential_tables_are_those_of_the_code) {
  for (const PluginType* type : all()) {
    const config::PluginInfo info = type->info();
    if (info.credential) expect_section(of_plugin(*type, "README.md"), "credential", info.credential->options_table());
  }
}

TEST(PluginDocs, the_table_of_plugins_is_that_of_the_code) {
  std::vector<const PluginType*> types(all().begin(), all().end());
  std::ranges::stable_sort(types, [](const auto* a, const auto* b) { return a->info().rank > b->info().rank; });
  std::string table = "| plugin | rank | if it fails | hooks | what it does |\n|---|---|---|---|---|\n";
  for (const PluginType* type : types) {
    const config::PluginInfo info = type->info();
    table += "| [" + info.name + "](../src/plugins/" + folder_of(info.name) + "/README.md) | " +
             std::to_string(info.rank) + " | " + posture_text(type->posture) + " | " + hooks_text(type->hooks) + " | " +
             info.summary + " |\n";
  }
  expect_section(source("docs/plugins.md"), "plugins", table);
}

TEST(PluginDocs, every_readme_says_what_happens_if_the_plugin_fails) {
  for (const PluginType* type : all()) {
    const char* const text = type->posture == plugin::Posture::fail_open ? "**Fail-open**" : "**Fail-closed**";
    EXPECT_THAT(read(of_plugin(*type, "README.md")), HasSubstr(text)) << type->name;
  }
}

TEST(PluginDocs, every_example_is_a_case) {
  for (const PluginType* type : all()) {
    std::string config = example_of(*type);
    const auto replace = [&config](const std::string& what, const std::string& by) {
      for (std::size_t at = 0; (at = config.find(what, at)) != std::string::npos; at += by.size())
        config.replace(at, what.size(), by);
    };
    replace("127.0.0.1:8080", "@listen@");
    for (int i = 1; i <= 9; ++i) replace("127.0.0.1:900" + std::to_string(i), "@up" + std::to_string(i) + "@");
    EXPECT_THAT(read(of_plugin(*type, "cases/example.case")), HasSubstr("=== config\n" + config + "\n=== "))
        << type->name;
  }
}

/// `text` with a secret in place of each that is shown as ***.
std::string with_secrets(std::string text) {
  const std::string hash =
      "$argon2id$v=19$m=19456,t=2,p=1$ZXhhbXBsZSBzYWx0IDE2Yg$E/51PXLtz14txASwtP/v90xEcnvceyEJT3UTZ6LPS9E";
  for (std::size_t at = 0; (at = text.find("\"***\"", at)) != text.npos;) {
    const bool is_hash = at >= 15 && text.compare(at - 15, 15, "password_hash: ") == 0;
    text.replace(at + 1, 3, is_hash ? hash : std::string(64, 's'));
  }
  return text;
}

TEST(PluginDocs, every_example_loads_and_so_does_its_effective_form) {
  const config::Catalogue known = catalogue();
  for (const PluginType* type : all()) {
    const config::Loaded loaded = config::load_text({.name = "example.yaml", .text = example_of(*type)}, known);
    EXPECT_EQ(loaded.diagnostics.text(), "") << type->name;
    const std::string effective = with_secrets(config::print_effective(loaded, known));
    const config::Loaded again = config::load_text({.name = "effective.yaml", .text = effective}, known);
    EXPECT_EQ(again.diagnostics.text(), "") << type->name << "\n" << effective;
    EXPECT_EQ(with_secrets(config::print_effective(again, known)), effective) << type->name;
  }
}

TEST(PluginDocs, what_print_effective_writes_for_defaults_is_accepted) {
  for (const PluginType* type : all()) {
    const config::PluginInfo info = type->info();
    config::Diagnostics faults;
    info.check(nullptr, "config", {}, faults);
    if (faults.has_errors()) continue;  // something is required
    info.check(info.effective(nullptr).get(), "config", {}, faults);
    EXPECT_EQ(faults.text(), "") << type->name;
  }
}

}  // namespace
}  // namespace gatehouse::plugins
