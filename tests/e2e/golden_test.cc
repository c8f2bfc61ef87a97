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

class Golden : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(Golden, prints_what_is_written) {
  const std::string written = read_file(GetParam());
  auto [text, sections] = parse(written);
  const TempDir dir;
  std::vector<std::string> files;
  std::string said;
  int outputs = 0;
  for (const Section& section : sections) {
    std::string body = section.text, head = section.head;
    if (head.starts_with("file ")) {
      files.push_back(head.substr(5));
      dir.write(files.back(), body);
    } else if (head.starts_with("run ")) {
      std::vector<std::string> words = words_of(head.substr(4));
      for (std::string& word : words) {
        if (word.ends_with(".yaml")) word = dir.file(word);
      }
      const Finished result = run_gatehouse(words);
      said = steady(result.out + result.err, dir.path());
      text += "=== " + head + "\n";
      head = "output" + (result.exit_code == 0 ? "" : " " + std::to_string(result.exit_code));
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
