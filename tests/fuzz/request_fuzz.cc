// What a client may send: pipelined requests with their bodies.
#include "fuzz/message_check.h"

namespace {

using namespace gatehouse;
using namespace gatehouse::fuzz;

struct Requests {
  using Type = http::RequestHead;
  using Parser = http::RequestParser;

  http::Parse parse(Parser& parser, std::string_view bytes, Type& head) const { return parser.parse(bytes, head); }
  bool may_refuse_with(Reason reason) const {
    return reason == Reason::bad_request || reason == Reason::uri_too_long || reason == Reason::head_too_large;
  }
  bool ends_connection(const Type& head) const { return !head.keep_alive || head.method == http::Method::connect; }

  void check(const Type& head, const http::HeadLimits& limits, std::string_view block) const {
    check_fields(head.fields, limits, head.framing, block);
    require(http::is_token(head.method_text), "a method is a token");
    require(head.method == http::parse_method(head.method_text), "a method is what its text says");
    require(!head.target.empty() && head.target.size() <= limits.start_line, "a target is of the line");
    for (const char c : head.target) require(c > 0x20 && c < 0x7f && c != '#', "a target is visible ASCII");
    for (const std::string_view part : {head.target, head.authority, head.query, head.method_text}) {
      require(within(part, block), "parts of the head are views into the block");
    }
    require(head.framing.kind != http::Framing::Kind::until_close, "no request ends with the connection");
    require(head.has_query || head.query.empty(), "no query without a question mark");
    check_host(head);
    check_form(head);
    check_written_again(head, limits);
  }

  void print(std::string& out, const Type& head) const {
    out.append(head.method_text).append(" ").append(head.target).append(" 1.").append(std::to_string(head.minor));
    out.append("\nform ").append(std::to_string(static_cast<int>(head.form))).append(" ").append(head.scheme);
    out.append(" ").append(head.authority).append(" ").append(head.path).append(" ").append(head.query);
    out += std::string("\nkeep ") + (head.keep_alive ? "1" : "0") + (head.expect_continue ? " expects\n" : "\n");
    print_framing(out, head.framing);
    print_fields(out, head.fields);
  }

 private:
  void check_host(const Type& head) const {
    int hosts = 0;
    for (const http::Field& field : head.fields) hosts += field.id == http::FieldId::host;
    require(hosts == 1 || (hosts == 0 && head.minor == 0), "one Host, or none with HTTP/1.0");
    require(head.authority.empty() || http::is_valid_authority(head.authority), "an authority is valid");
    require(!head.authority.empty() || hosts == 0, "a Host gives an authority");
  }

  void check_form(const Type& head) const {
    using Form = http::TargetForm;
    switch (head.form) {
      case Form::origin:
        require(head.path.starts_with('/') && head.path.find('?') == std::string_view::npos, "origin: a path");
        require(head.target == std::string(head.path) + (head.has_query ? "?" + std::string(head.query) : ""),
                "origin: the target is path and query");
        break;
      case Form::absolute:
        require(head.path.starts_with('/') && (head.scheme == "http" || head.scheme == "https"), "absolute: a path");
        require(!head.authority.empty(), "absolute: an authority");
        break;
      case Form::authority:
        require(head.method == http::Method::connect && head.authority == head.target, "authority: for CONNECT");
        break;
      case Form::asterisk:
        require(head.path == "*" && head.method == http::Method::options, "asterisk: for OPTIONS");
        break;
    }
    require((head.form == Form::authority) == (head.method == http::Method::connect), "CONNECT has an authority");
  }

  /// What the writer makes of the fields is read as the same fields: nothing in them ends a line early.
  void check_written_again(const Type& head, const http::HeadLimits& limits) const {
    std::string again = std::string(head.method_text) + " " + std::string(head.target) + " HTTP/1." +
                        std::to_string(head.minor) + "\r\n";
    std::string fields(http::fields_size(head.fields), '\0');
    fields.resize(static_cast<std::size_t>(http::write_fields(fields.data(), head.fields) - fields.data()));
    again += fields + "\r\n";
    http::HeadLimits wider = limits;
    wider.fields_bytes += limits.fields_count;  // the writer puts a space after each colon
    Arena arena;
    Type second(arena);
    Parser parser(wider);
    require(parser.parse(again, second) == http::Parse::complete, "what is written can be read");
    require(parser.size() == again.size(), "what is written is one head");
    std::string rewritten(http::fields_size(second.fields), '\0');
    rewritten.resize(static_cast<std::size_t>(http::write_fields(rewritten.data(), second.fields) - rewritten.data()));
    require_equal(fields, rewritten, "what is written is read as it was");

    http::remove_hop_by_hop(second.fields);
    for (const http::FieldId id : {http::FieldId::connection, http::FieldId::keep_alive, http::FieldId::te,
                                   http::FieldId::transfer_encoding, http::FieldId::upgrade, http::FieldId::trailer}) {
      require(!second.fields.has(id), "what belongs to one connection is gone");
    }
    require(second.fields.has(http::FieldId::host) == head.fields.has(http::FieldId::host), "Host stays");
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check_stream(as_text(data, size), http::HeadLimits(), Requests());
  return 0;
}
