#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "conformance/differential.h"

namespace gatehouse::test {
namespace {

namespace beast = boost::beast::http;

/// Boost.Beast's parser over all the bytes of a connection.
Judgement judged_by_beast(const Sample& sample) {
  Judgement judgement;
  std::string_view rest = sample.bytes;
  bool keep_alive = true;
  while (!rest.empty() && keep_alive) {
    beast::request_parser<beast::string_body> parser;
    parser.eager(true);
    boost::system::error_code error;
    while (!parser.is_done() && !error) {
      const std::size_t taken = parser.put(boost::asio::buffer(rest), error);
      rest.remove_prefix(taken);
      if (error == beast::error::need_more || (!error && taken == 0)) {
        judgement.refusal = kIncomplete;
        return judgement;
      }
    }
    if (error) {
      judgement.refusal = error.message();
      return judgement;
    }
    const auto& request = parser.get();
    judgement.requests.push_back({std::string(request.method_string()), std::string(request.target()), request.body()});
    keep_alive = parser.keep_alive();
  }
  return judgement;
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
bool has_an_empty_line_between(const Sample& sample, const Judgement&) {
  return sample.bytes.starts_with("\r\n") || sample.bytes.find("\r\n\r\n\r\n") != std::string::npos;
}

const std::vector<OtherRefuses> kBeastRefuses{
    {"bad method", has_an_empty_line_between, "an empty line before a request is skipped (RFC 9112, 2.2)"},
    {"bad version", has_a_later_version, "a later minor version is read as our own (RFC 9110, 2.5)"},
    {"bad chunk extension", has_an_extension, "extensions are dropped unread, never forwarded (RFC 9112, 7.1.1)"},
    {"bad Content-Length", has_a_forbidden_trailer, "such a trailer is dropped (RFC 9110, 6.5.1)"},
    {"bad Transfer-Encoding", has_a_forbidden_trailer, "such a trailer is dropped (RFC 9110, 6.5.1)"},
};

const std::vector<WeRefuse> kOnlyWeRefuse{
    {"Transfer-Encoding in an HTTP/1.0 message", "its framing is faulty (RFC 9112, 6.1)"},
    {"a Transfer-Encoding other than chunked", "codings that we do not know: the length is unknown (RFC 9112, 6.3)"},
    {"bad Content-Length", "a list of lengths, or more digits than we count (RFC 9112, 6.3)"},
    {"more than one Content-Length", "equal ones may be refused too (RFC 9112, 6.3)"},
    {"bad chunk size", "white space behind a size is the sender's fault (RFC 9112, 7.1.1)"},
    {"chunk size with too many digits", "more than 16, though they be zeros (RFC 9112, 7.1)"},
    {"missing Host", "a server must refuse it (RFC 9112, 3.2)"},
    {"more than one Host", "a server must refuse it (RFC 9112, 3.2)"},
    {"bad Host", "a server must refuse it (RFC 9112, 3.2)"},
    {"bad authority in the request target", "no user, and a host (RFC 9110, 4.2.1 and 4.2.4)"},
    {"bad request target", "none of the four forms (RFC 9112, 3.2)"},
    {"the target * is for OPTIONS only", "asterisk-form (RFC 9112, 3.2.4)"},
    {"line folding or space before a field", "a server must refuse it or replace it (RFC 9112, 5.2)"},
};

TEST(BeastDifferential, what_we_take_beast_takes_as_the_same_requests) {
  compare([](const Sample& sample, std::size_t) { return judged_by_beast(sample); }, kBeastRefuses, kOnlyWeRefuse);
}

}  // namespace
}  // namespace gatehouse::test
