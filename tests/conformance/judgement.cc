#include "conformance/judgement.h"

#include "http/h1_body.h"
#include "http/h1_parser.h"
#include "support/http_message.h"

namespace gatehouse::test {

std::string Judgement::text() const {
  std::string out = accepted() ? "accepted" : "refused (" + refusal + ")";
  for (const Understood& request : requests) {
    out += "\n    " + request.method + " " + request.target + " [" + request.body + "]";
  }
  return out;
}

Judgement judged_by_gatehouse(const std::string& bytes) {
  Judgement judgement;
  std::string rest = bytes;
  bool keep_alive = true;
  while (!rest.empty() && keep_alive) {
    Arena arena;
    http::RequestHead head(arena);
    http::RequestParser parser{http::HeadLimits()};
    const http::Parse parse = parser.parse(rest, head);
    // Empty lines behind a request belong to nothing (RFC 9112, 2.2).
    if (parse == http::Parse::incomplete && (rest == "\r\n" || rest == "\r\n\r\n")) return judgement;
    if (parse != http::Parse::complete) {
      judgement.refusal = parse == http::Parse::failed ? parser.error().detail : kIncomplete;
      return judgement;
    }
    Understood request{std::string(head.method_text), std::string(head.target), ""};
    keep_alive = head.keep_alive;
    std::string body = rest.substr(parser.size());
    http::BodyDecoder decoder;
    decoder.start(head.framing, nullptr);
    const http::BodyDecoder::Step step = decoder.decode(body.data(), body.size());
    if (step.failed || !step.last) {
      judgement.refusal = step.failed ? decoder.error() : kIncomplete;
      return judgement;
    }
    request.body = step.data;
    judgement.requests.push_back(std::move(request));
    rest = body.substr(step.consumed);
  }
  return judgement;
}

}  // namespace gatehouse::test
