#include <algorithm>
#include <cstdlib>

#include "conformance/differential.h"
#include "http/head.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace gatehouse::test {
namespace {

std::string to_hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}
std::string from_hex(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    out += static_cast<char>(std::strtol(text.substr(i, 2).c_str(), nullptr, 16));
  }
  return out;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

/// A line of node_judge.js.
Judgement read_judgement(const std::string& line) {
  const std::vector<std::string> parts = split(line, '\t');
  Judgement judgement;
  if (parts[0] != "ok") judgement.refusal = parts[0];
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::vector<std::string> words = split(parts[i], ' ');
    judgement.requests.push_back({words.at(0), from_hex(words.at(1)), words.at(2) == "-" ? "" : from_hex(words.at(2))});
  }
  return judgement;
}

bool has_a_method_of_its_own(const Sample&, const Judgement& mine) {
  return std::ranges::any_of(mine.requests, [](const Understood& request) {
    return http::parse_method(request.method) == http::Method::other;
  });
}
bool has_a_forbidden_trailer(const Sample& sample, const Judgement&) {
  return sample.name.starts_with("trailer with a");
}
bool has_a_later_version(const Sample& sample, const Judgement&) {
  const std::size_t at = sample.bytes.find(" HTTP/1.");
  return at != std::string::npos && at + 8 < sample.bytes.size() && sample.bytes[at + 8] > '1';
}
bool has_an_extension(const Sample& sample, const Judgement&) {
  return sample.bytes.find(';') != std::string::npos;
}
bool has_a_tab_behind_a_value(const Sample& sample, const Judgement&) {
  return sample.bytes.find("\t\r\n") != std::string::npos;
}
bool ends_early(const Sample& sample, const Judgement& mine) {
  const bool closes = sample.bytes.find("lose") != std::string::npos || sample.bytes.find("CLOSE") != std::string::npos;
  return mine.requests.size() == 1 && (closes || sample.bytes.find("HTTP/1.0") != std::string::npos);
}

bool asks_for_an_upgrade(const Sample& sample, const Judgement&) {
  return sample.bytes.find("\r\nUpgrade:") != std::string::npos;
}

const std::vector<OtherRefuses> kNodeRefuses{
    {"", asks_for_an_upgrade,
     "without a 101 the connection goes on (RFC 9110, 7.8); Node drops what came in one piece"},
    {"HPE_INVALID_METHOD", has_a_method_of_its_own, "any token is a method, routes decide (RFC 9110, 9.1)"},
    {"HPE_INVALID_VERSION", has_a_later_version, "a later minor version is read as our own (RFC 9110, 2.5)"},
    {"HPE_CLOSED_CONNECTION", ends_early, "what follows a close is not read (RFC 9112, 9.6)"},
    {"HPE_STRICT", has_an_extension, "extensions are dropped unread, never forwarded (RFC 9112, 7.1.1)"},
    {"HPE_INVALID_CONTENT_LENGTH", has_a_forbidden_trailer, "such a trailer is dropped (RFC 9110, 6.5.1)"},
    {"HPE_INVALID_TRANSFER_ENCODING", has_a_forbidden_trailer, "such a trailer is dropped (RFC 9110, 6.5.1)"},
    {"HPE_INVALID_CONTENT_LENGTH", has_a_tab_behind_a_value, "a tab is white space too (RFC 9110, 5.6.3)"},
    {"HPE_INVALID_TRANSFER_ENCODING", has_a_tab_behind_a_value, "a tab is white space too (RFC 9110, 5.6.3)"},
};

const std::vector<WeRefuse> kOnlyWeRefuse{
    {"Transfer-Encoding in an HTTP/1.0 message", "its framing is faulty (RFC 9112, 6.1)"},
    {"a Transfer-Encoding other than chunked", "codings that we do not know: the length is unknown (RFC 9112, 6.3)"},
    {"bad Content-Length", "more digits than we count (RFC 9110, 8.6)"},
    {"chunk size with too many digits", "more than 16, though they be zeros (RFC 9112, 7.1)"},
    {"bad method", "only CRLF is an empty line before a request (RFC 9112, 2.2)"},
    {"missing request target", "one space between the parts (RFC 9112, 3)"},
    {"bad HTTP version", "HTTP/2.0 and 0.9 are not 1.x; one space between the parts (RFC 9112, 2.3 and 3)"},
    {"bad request target", "none of the four forms, or no version at all (RFC 9112, 3)"},
    {"bad authority in the request target", "no user, and a host (RFC 9110, 4.2.1 and 4.2.4)"},
    {"the target * is for OPTIONS only", "asterisk-form (RFC 9112, 3.2.4)"},
    {"missing Host", "Node answers 400 too, but reads the next request; we close (RFC 9112, 3.2)"},
    {"more than one Host", "a server must refuse it (RFC 9112, 3.2)"},
    {"bad Host", "a server must refuse it (RFC 9112, 3.2)"},
};

/// The release of llhttp that the tables are about; others word their refusals differently and draw other lines.
constexpr std::string_view kJudged = "9.";

TEST(NodeDifferential, what_we_take_node_takes_as_the_same_requests) {
  if (run_program({"/usr/bin/env", "node", "--version"}).exit_code != 0) GTEST_SKIP() << "there is no node here";
  const TempDir dir;
  std::string lines;
  for (const Sample& sample : request_corpus()) lines += to_hex(sample.bytes) + "\n";
  const std::string script = GATEHOUSE_SOURCE_DIR "/tests/conformance/node_judge.js";
  const Finished finished =
      run_program({"/usr/bin/env", "node", script, dir.write("requests", lines)}, {}, Deadline(Millis(120'000)));
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  std::vector<Judgement> judgements;
  std::vector<std::string> answers = split(finished.out, '\n');
  if (!answers.front().starts_with(kJudged)) GTEST_SKIP() << "this node has llhttp " << answers.front();
  answers.erase(answers.begin());
  for (const std::string& answer : answers) {
    if (!answer.empty()) judgements.push_back(read_judgement(answer));
  }
  ASSERT_EQ(judgements.size(), request_corpus().size());
  compare([&](const Sample&, std::size_t i) { return judgements[i]; }, kNodeRefuses, kOnlyWeRefuse);
}

}  // namespace
}  // namespace gatehouse::test
