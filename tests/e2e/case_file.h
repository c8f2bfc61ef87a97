#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "support/http_message.h"

namespace gatehouse::test {

/// A text case as README.md describes it, taken apart but with its @NAMES@ still in it.

/// One line of what a message must look like.
struct Expectation {
  int line = 0;  ///< in the file, for messages
  std::string text;
};

/// What a service answers from here on.
struct CaseAnswer {
  std::string service;  ///< "up1"
  std::string head;     ///< status line and fields, each ended by \r\n, without the empty line
  std::string body;
  enum class End : std::uint8_t { keep, close, reset, hang } end = End::keep;
};

struct CaseStep {
  int line = 0;
  enum class Kind : std::uint8_t { exchange, reload } kind = Kind::exchange;
  std::string config;   ///< of a reload
  std::string request;  ///< raw bytes
  bool head_request = false;
  int times = 1;                    ///< how often it is sent; what the client must see holds for the last
  bool keep = false;                ///< on the connection of the step before
  std::vector<CaseAnswer> answers;  ///< set before it is sent
  struct Seen {
    int line = 0;
    std::string service;  ///< "up1"
    std::vector<Expectation> expected;
  };
  std::vector<Seen> upstream;
  std::vector<Expectation> client;
  int client_line = 0;  ///< 0: nothing is expected of the answer
};

struct CaseFile {
  std::string name;
  std::string config;
  std::vector<std::pair<std::string, std::string>> files;  ///< written to @dir@ before the start
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<Expectation> check_says;  ///< not empty: no gateway, `check` must say these
  bool check_passes = false;            ///< and take the configuration
  std::vector<CaseStep> steps;
  std::vector<std::string> problems;  ///< what is wrong with the file itself
};

CaseFile parse_case(std::string_view text, std::string name);

/// Do these expectations hold? Gives one sentence for each that does not.
std::vector<std::string> unmet(const std::vector<Expectation>& expected, std::string_view first_line,
                               const Fields& fields, const Fields& trailers, std::string_view body);

/// `*` in `glob` stands for any text, `\*` for a star.
bool glob_match(std::string_view glob, std::string_view text);

}  // namespace gatehouse::test
