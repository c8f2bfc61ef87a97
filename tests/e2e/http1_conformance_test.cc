#include <boost/json.hpp>
#include <map>

#include "e2e/fixtures.h"

namespace gatehouse::test {
namespace {

namespace json = boost::json;

/// A vector that is judged by the clause it names instead of by the suite's own words.
struct Judgement {
  const char* expected;
  const char* why;
};
const std::map<std::string, Judgement, std::less<>>& judged_by_the_rfc() {
  static const std::map<std::string, Judgement, std::less<>> table{
      {"RFC9112-2.2-BARE-LF-REQUEST-LINE",
       {"400",
        "a recipient MAY take a bare LF (RFC 9112, 2.2); the gateway does not, since another reader may not either"}},
      {"RFC9112-2.2-BARE-LF-HEADER", {"400", "as for the request line"}},
      {"COMP-OPTIONS-STAR", {"204", "the gateway answers for itself (RFC 9110, 9.3.7)"}},
      {"COMP-METHOD-CONNECT", {"405", "no tunnels (RFC 9110, 9.3.6): the method is known and not allowed"}},
      {"COMP-METHOD-TRACE", {"405", "TRACE is not forwarded: it would show internal fields to the client"}},
      {"COMP-TRACE-WITH-BODY", {"400/405", "as above; content in TRACE is forbidden besides (RFC 9110, 9.3.8)"}},
      {"COMP-UNKNOWN-TE-501", {"400/501", "the length of such a message is not known (RFC 9112, 6.3)"}},
      {"COMP-HTTP10-NO-HOST", {"2xx", "HTTP/1.0 knows no Host; the route for any host takes it"}},
      {"COMP-GET-WITH-CL-BODY", {"2xx", "content in GET has no meaning but is not wrong (RFC 9110, 9.3.1)"}},
      {"COMP-ABSOLUTE-FORM", {"2xx", "a server MUST accept absolute-form (RFC 9112, 3.2.2)"}},
      {"COMP-LEADING-CRLF", {"2xx", "at least one empty line SHOULD be ignored (RFC 9112, 2.2); up to two are"}},
      {"COMP-CHUNKED-EXTENSION", {"2xx", "unknown chunk extensions MUST be ignored (RFC 9112, 7.1.1)"}},
      {"COMP-POST-CL-ZERO", {"2xx", "a complete request with empty content"}},
      {"COMP-POST-NO-CL-NO-TE", {"2xx", "a request without framing fields has no content (RFC 9112, 6.3)"}},
      {"COMP-CHUNKED-EMPTY", {"2xx", "a complete chunked body of no bytes"}},
  };
  return table;
}

struct Outcome {
  int status = 0;  ///< 0: no answer
  End end = End::open;
};

Outcome observe(const Gateway& gateway, std::string_view bytes, bool may_wait) {
  RawClient client = gateway.connect();
  client.send(bytes);
  Response response = client.read_response(false, Deadline(may_wait ? Millis(400) : kPatience));
  Outcome outcome{response.status, client.end()};
  return outcome;
}

bool word_holds(std::string_view word, const Outcome& outcome) {
  if (word == "close") return outcome.status == 0 && outcome.end != End::timeout;
  if (word == "timeout") return outcome.status == 0 && outcome.end == End::timeout;
  if (word == "2xx") return outcome.status / 100 == 2;
  return std::to_string(outcome.status) == word;
}

/// "400/close or 2xx (warn)": any of the words; "!101": all but this.
bool holds(std::string_view expected, const Outcome& outcome) {
  if (expected.starts_with('!')) return outcome.status != 0 && std::to_string(outcome.status) != expected.substr(1);
  std::string word;
  for (char c : std::string(expected) + " ") {
    if (c != ' ' && c != '/' && c != ',') {
      word += c;
      continue;
    }
    if (!word.empty() && word != "or" && word_holds(word, outcome)) return true;
    word.clear();
  }
  return false;
}

std::string vectors_file() {
  const char* folder = std::getenv("GATEHOUSE_CONFORMANCE");
  return std::string(folder != nullptr ? folder : GATEHOUSE_SOURCE_DIR "/../shared/conformance") +
         "/http1-compliance.json";
}

TEST(Http1Conformance, every_public_vector_has_the_outcome_of_its_clause) {
  std::string text = read_file(vectors_file());
  if (text.empty()) GTEST_SKIP() << "no vectors at " << vectors_file() << " (set GATEHOUSE_CONFORMANCE)";
  EchoGateway peer;
  std::size_t checked = 0;
  for (const json::value& item : json::parse(text).as_object().at("cases").as_array()) {
    const json::object& vector = item.as_object();
    std::string id(vector.at("id").as_string()), expected(vector.at("expected").as_string());
    std::string bytes(vector.at("rawRequest").as_string()), why;
    if (auto judged = judged_by_the_rfc().find(id); judged != judged_by_the_rfc().end()) {
      expected = judged->second.expected;
      why = judged->second.why;
    }
    SCOPED_TRACE(id + ": " + std::string(vector.at("description").as_string()) + "; expected " + expected + "; " + why);
    bool must_close = expected.ends_with(" + close");
    Outcome outcome = observe(peer.gateway, bytes, expected.find("timeout") != std::string::npos);
    EXPECT_TRUE(holds(must_close ? expected.substr(0, expected.size() - 8) : expected, outcome))
        << "status " << outcome.status << ", connection " << name(outcome.end);
    if (must_close) {
      RawClient client = peer.gateway.connect();
      client.send(bytes);
      EXPECT_TRUE(client.read_response().complete);
      EXPECT_EQ(client.wait_end(), End::eof);
    }
    ++checked;
  }
  EXPECT_GE(checked, 57U);
  EXPECT_EQ(peer.gateway.get("/").status, 200) << "the gateway serves on";
}

}  // namespace
}  // namespace gatehouse::test
