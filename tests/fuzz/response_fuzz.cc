// What a service may send: interim and final responses with their bodies, for each kind of request.
#include "fuzz/message_check.h"

namespace {

using namespace gatehouse;
using namespace gatehouse::fuzz;

struct Responses {
  using Type = http::ResponseHead;
  using Parser = http::ResponseParser;

  http::Method request;

  http::Parse parse(Parser& parser, std::string_view bytes, Type& head) const {
    return parser.parse(bytes, request, head);
  }
  bool may_refuse_with(Reason reason) const { return reason == Reason::upstream_protocol; }
  bool ends_connection(const Type& head) const {
    return head.status >= 200 && (!head.keep_alive || request == http::Method::connect);
  }

  void check(const Type& head, const http::HeadLimits& limits, std::string_view block) const {
    using Kind = http::Framing::Kind;
    check_fields(head.fields, limits, head.framing, block);
    require(head.status >= 100 && head.status <= 999, "a status has three digits");
    require(within(head.reason, block) && head.reason.size() <= limits.start_line, "a phrase is of the line");
    for (const char c : head.reason) require(c != '\r' && c != '\n' && c != '\0', "a phrase is in one line");
    const bool bodiless = request == http::Method::head || head.status < 200 || head.status == 204 ||
                          head.status == 304 || (request == http::Method::connect && head.status / 100 == 2);
    require(!bodiless || head.framing.kind == Kind::none, "these have no body");
    require(bodiless || head.framing.kind != Kind::none, "all others have one, of whatever length");
    require(head.framing.kind != Kind::until_close || !head.keep_alive, "after an end by close comes nothing");
  }

  void print(std::string& out, const Type& head) const {
    out += "status " + std::to_string(head.status) + " 1." + std::to_string(head.minor) + " ";
    out.append(head.reason).append(head.keep_alive ? "\nkeep\n" : "\nclose\n");
    print_framing(out, head.framing);
    print_fields(out, head.fields);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = as_text(data, size);
  Dice dice(input);
  constexpr http::Method kRequests[] = {http::Method::get, http::Method::head, http::Method::connect};
  check_stream(input, http::kUpstreamHeadLimits, Responses{http::Method::get});
  check_stream(input, http::kUpstreamHeadLimits, Responses{kRequests[dice.roll(3)]});
  return 0;
}
