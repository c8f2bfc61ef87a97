#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "support/gateway.h"
#include "support/temp_dir.h"

namespace gatehouse::test {
namespace {

/// One "=== head" with the lines behind it.
struct Section {
  std::string head, text;
};

/// What stands before the first section, then the sections.
std::pair<std::string, std::vector<Section>> parse(const std::string& file) {
  std::string before;
  std::vector<Section> sections;
  for (std::size_t at = 0; at < file.size();) {
    const std::size_t end = std::min(file.find('\n', at), file.size() - 1);
    const std::string line = file.substr(at, end + 1 - at);
    at = end + 1;
    if (line.starts_with("=== ")) {
      sections.push_back({line.substr(4, line.size() - 5), ""});
    } else {
      (sections.empty() ? before : sections.back().text) += line;
    }
  }
  return {before, sections};
}

/// Words as a shell takes them; "…" and '…' quote.
std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  bool open = false;
  char quote = 0;
  for (const char c : line) {
    if (quote != 0 ? c == quote : c == '"' || c == '\'') {
      quote = quote != 0 ? '\0' : c;
      if (!open) words.emplace_back();
      open = true;
    } else if (c == ' ' && quote == 0) {
      open = false;
    } else {
      if (!open) words.emplace_back();
      open = true;
      words.back() += c;
    }
  }
  return words;
}

/// Does `text` look like `shape` at `at`? x stands for a hexadecimal digit.
bool looks_like(const std::string& text, std::size_t at, std::string_view shape) {
  if (text.size() - at < shape.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const char c = text[at + i];
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (shape[i] == 'x' ? !digit : shape[i] != c) return false;
  }
  return true;
}

/// Without what differs from run to run.
std::string steady(std::string text, const std::string& folder) {
  for (std::size_t at = 0; (at = text.find(folder + "/", at)) != std::string::npos;) text.erase(at, folder.size() + 1);
  const std::string sixteen(16, 'x');
  const std::string trace = "00-" + sixteen + sixteen + "-" + sixteen + "-01";
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (looks_like(text, at, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")) text.replace(at, 36, "<uuid>");
    if (looks_like(text, at, trace)) text.replace(at, trace.size(), "<traceparent>");
    if (looks_like(text, at, "  Date: ")) text.replace(at + 8, text.find('\n', at) - at - 8, "<date>");
  }
  return text;
}

/// What `gatehouse ARGUMENTS` prints, and its exit code; names of files stand for those in `dir`.
std::pair<std::string, int> run_in(const TempDir& dir, const std::string& arguments) {
  std::vector<std::string> words = words_of(arguments);
  for (std::string& word : words) {
    if (word.ends_with(".yaml")) word = dir.file(word);
  }
  const Finished result = run_gatehouse(words);
  return {steady(result.out + result.err, dir.path()), result.exit_code};
}

class Golden : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(Golden, prints_what_is_written) {
  const std::string written = read_file(GetParam());
  auto [text, sections] = parse(written);
  const TempDir dir;
  int outputs = 0;
  for (const Section& section : sections) {
    std::string body = section.text, head = section.head;
    if (head.starts_with("file ")) {
      dir.write(head.substr(5), body);
    } else if (head.starts_with("run ")) {
      const auto [said, exit_code] = run_in(dir, head.substr(4));
      text += "=== " + head + "\n";
      head = "output" + (exit_code == 0 ? "" : " " + std::to_string(exit_code));
      body = said;
      ++outputs;
    } else {
      continue;  // an output: written by the run before it
    }
    text += "=== " + head + "\n" + body;
  }
  ASSERT_GT(outputs, 0);
  if (std::getenv("GATEHOUSE_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(GetParam()) << text;
    return;
  }
  EXPECT_EQ(text, written) << "if this is what it should say: GATEHOUSE_UPDATE_GOLDEN=1, then read the difference";
}

/// What a page shows: `<!-- file NAME -->` and `<!-- run ARGUMENTS -->` in front of a block say what the block is.
TEST(Pages, show_what_the_commands_print) {
  int runs = 0;
  for (const char* name : {"cli.md", "explain.md"}) {
    SCOPED_TRACE(name);
    const std::string path = std::string(GATEHOUSE_SOURCE_DIR "/docs/") + name;
    std::string page = read_file(path);
    const TempDir dir;
    for (std::size_t at = 0; (at = page.find("<!-- ", at)) != std::string::npos;) {
      const std::size_t start = at + 5, end = page.find(" -->\n```", start);
      ASSERT_NE(end, std::string::npos);
      const std::string what = page.substr(start, end - start);
      const std::size_t body = page.find('\n', end + 5) + 1, close = page.find("```\n", body);
      at = close;
      if (what.starts_with("file ")) {
        dir.write(what.substr(5), page.substr(body, close - body));
        continue;
      }
      ASSERT_TRUE(what.starts_with("run ")) << what;
      const std::string said = run_in(dir, what.substr(4)).first;
      ++runs;
      if (std::getenv("GATEHOUSE_UPDATE_DOCS") != nullptr) {
        page.replace(body, close - body, said);
        at = body + said.size();
      } else {
        EXPECT_EQ(said, page.substr(body, close - body)) << "GATEHOUSE_UPDATE_DOCS=1 writes it";
      }
    }
    if (std::getenv("GATEHOUSE_UPDATE_DOCS") != nullptr) std::ofstream(path) << page;
  }
  EXPECT_GE(runs, 2);
}

std::vector<std::filesystem::path> golden_files() {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(GATEHOUSE_SOURCE_DIR "/tests/cli")) {
    if (entry.path().extension() == ".golden") found.push_back(entry.path());
  }
  std::ranges::sort(found);
  return found;
}

INSTANTIATE_TEST_SUITE_P(Cli, Golden, testing::ValuesIn(golden_files()),
                         [](const auto& file) { return file.param.stem().string(); });

}  // namespace
}  // namespace gatehouse::test
