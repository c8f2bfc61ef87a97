#include "http/h1_parser.h"

#include <cstring>

#include "http/field_line.h"

namespace gatehouse::http {
namespace {

constexpr std::uint64_t bit(FieldId id) {
  return 1ull << static_cast<unsigned>(id);
}
constexpr std::uint64_t kMessageFields = bit(FieldId::host) | bit(FieldId::content_length) |
                                         bit(FieldId::transfer_encoding) | bit(FieldId::connection) |
                                         bit(FieldId::expect);

/// What the fields say about the message itself, gathered while they are read.
struct MessageFields {
  std::string_view host;
  std::string_view content_length;
  std::string_view transfer_encoding;
  int hosts = 0;
  int content_lengths = 0;
  int transfer_encodings = 0;
  bool close = false;
  bool keep_alive = false;
  bool expect_continue = false;

  void add(const FieldLine& line) {
    switch (line.id) {
      case FieldId::host:
        host = line.value;
        ++hosts;
        break;
      case FieldId::content_length:
        content_length = line.value;
        ++content_lengths;
        break;
      case FieldId::transfer_encoding:
        transfer_encoding = line.value;
        ++transfer_encodings;
        break;
      case FieldId::connection:
        each_list_member(line.value, [this](std::string_view option) {
          if (equal_names(option, "close")) close = true;
          if (equal_names(option, "keep-alive")) keep_alive = true;
        });
        break;
      case FieldId::expect:
        expect_continue = expect_continue || equal_names(line.value, "100-continue");
        break;
      default:
        break;
    }
  }
  bool wants_keep_alive(std::uint8_t minor) const { return !close && (minor >= 1 || keep_alive); }
};

/// Why a head was refused; no detail means it was not.
struct Refusal {
  Reason reason = Reason::none;
  const char* detail = nullptr;
};

/// Reads the field lines from `at` to the empty line; `at` ends up after it. The limits hold for the bytes and the
/// number of lines without the empty one, and a limit that is passed before a syntax error wins.
Parse read_fields(const char*& at, const char* end, const HeadLimits& limits, Fields& fields, MessageFields& message,
                  Refusal& refusal) {
  const char* const start = at;
  const auto over = [&](const char* to) { return static_cast<std::size_t>(to - start) > limits.fields_bytes; };
  FieldLine line;
  for (;;) {
    const Line kind = read_field_line(at, end, line);
    if (kind == Line::end) {
      at = line.at;
      return Parse::complete;
    }
    if (kind == Line::incomplete) {
      // Of an unfinished line its bytes are known; a lone CR may still begin the empty line, which is not counted.
      if (over(end) && !(end - at == 1 && *at == '\r')) {
        refusal = {Reason::head_too_large, "header fields exceed the size limit"};
        return Parse::failed;
      }
      return Parse::incomplete;
    }
    if (over(line.at)) {
      refusal = {Reason::head_too_large, "header fields exceed the size limit"};
      return Parse::failed;
    }
    if (fields.size() == limits.fields_count) {
      refusal = {Reason::head_too_large, "too many header fields"};
      return Parse::failed;
    }
    if (kind == Line::failed) {
      refusal = {Reason::bad_request, line.error};
      return Parse::failed;
    }
    fields.append(line.id, line.name, line.value);
    if ((kMessageFields & bit(line.id)) != 0) message.add(line);
    at = line.at;
  }
}

/// RFC 9112 section 6, as far as it is the same for requests and responses.
const char* read_framing(const MessageFields& message, std::uint8_t minor, Framing& framing) {
  framing = {};
  if (message.transfer_encodings != 0) {
    if (message.content_lengths != 0) return "both Content-Length and Transfer-Encoding";
    if (minor == 0) return "Transfer-Encoding in an HTTP/1.0 message";
    if (message.transfer_encodings > 1 || !equal_names(message.transfer_encoding, "chunked")) {
      return "a Transfer-Encoding other than chunked";
    }
    framing.kind = Framing::Kind::chunked;
    return nullptr;
  }
  if (message.content_lengths == 0) return nullptr;
  if (message.content_lengths > 1) return "more than one Content-Length";
  if (!parse_content_length(message.content_length, framing.length)) return "bad Content-Length";
  framing.kind = Framing::Kind::length;
  return nullptr;
}

/// Reads "HTTP/1.x" and moves `at` behind it, or to the first byte that is wrong or missing.
bool read_version(const char*& at, const char* end, std::uint8_t& minor) {
  constexpr std::string_view kStart = "HTTP/1.";
  for (const char c : kStart) {
    if (at == end || *at != c) return false;
    ++at;
  }
  if (at == end || !chars::is(*at, chars::kDigit)) return false;
  minor = *at++ == '0' ? 0 : 1;  // a later minor version means the same as 1.1 (RFC 9110 section 2.5)
  return true;
}

/// The absolute form: scheme "://" authority path-abempty ["?" query] (RFC 9112 section 3.2.2).
const char* read_absolute(RequestHead& head) {
  const std::string_view target = head.target;
  std::string_view rest;
  if (target.size() > 7 && equal_names(target.substr(0, 7), "http://")) {
    head.scheme = "http";
    rest = target.substr(7);
  } else if (target.size() > 8 && equal_names(target.substr(0, 8), "https://")) {
    head.scheme = "https";
    rest = target.substr(8);
  } else {
    return "bad request target";
  }
  head.form = TargetForm::absolute;
  const std::size_t end = rest.find_first_of("/?");
  head.authority = rest.substr(0, end);
  if (!is_valid_authority(head.authority)) return "bad authority in the request target";
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end);
  if (rest.empty() && head.method == Method::options) {
    head.form = TargetForm::asterisk;  // OPTIONS with an empty path is about the server itself (RFC 9112 section 3.2.4)
    head.path = "*";
    return nullptr;
  }
  const std::size_t mark = rest.find('?');
  head.path = mark == 0 || rest.empty() ? std::string_view("/") : rest.substr(0, mark);
  head.has_query = mark != std::string_view::npos;
  if (head.has_query) head.query = rest.substr(mark + 1);
  return nullptr;
}

/// Tells the form of the target and takes it apart.
const char* read_target(RequestHead& head) {
  const std::string_view target = head.target;
  head.scheme = head.authority = head.path = head.query = {};
  head.has_query = false;
  if (head.method == Method::connect) {
    head.form = TargetForm::authority;
    head.authority = target;
    const std::string_view host = host_of(target);
    const bool has_port = target.size() > host.size() + 1;
    return has_port && is_valid_authority(target) ? nullptr : "the target of CONNECT must be host:port";
  }
  if (target.front() == '/') {
    head.form = TargetForm::origin;
    const void* const mark = std::memchr(target.data(), '?', target.size());
    head.has_query = mark != nullptr;
    if (mark == nullptr) {
      head.path = target;
    } else {
      const auto size = static_cast<std::size_t>(static_cast<const char*>(mark) - target.data());
      head.path = target.substr(0, size);
      head.query = target.substr(size + 1);
    }
    return nullptr;
  }
  if (target == "*") {
    head.form = TargetForm::asterisk;
    head.path = target;
    return head.method == Method::options ? nullptr : "the target * is for OPTIONS only";
  }
  return read_absolute(head);
}

/// What start lines have in common: where they may end and why one was refused.
struct StartLine {
  const char* start;
  const char* end;    ///< of the bytes received
  std::size_t limit;  ///< on the line without its CRLF
  Refusal refusal = {};

  bool over(const char* to) const { return static_cast<std::size_t>(to - start) > limit; }
  Parse refuse(const char* at, const char* detail) {
    refusal = over(at) ? Refusal{Reason::uri_too_long, "the start line exceeds its limit"}
                       : Refusal{Reason::bad_request, detail};
    return Parse::failed;
  }
  /// All bytes are valid so far but the line has not ended.
  Parse unfinished() {
    if (!over(end)) return Parse::incomplete;
    if (end[-1] == '\r' && !over(end - 1)) return Parse::incomplete;
    return refuse(end, "");
  }
  /// The line must end at `at`, which moves behind it.
  Parse finish(const char*& at) {
    if (over(at)) return refuse(at, "");
    if (at == end) return Parse::incomplete;
    if (*at != '\r') return refuse(at, *at == '\n' ? "LF without CR" : "bad start line");
    if (end - at < 2) return Parse::incomplete;
    if (at[1] != '\n') return refuse(at, "CR without LF");
    at += 2;
    return Parse::complete;
  }
};

Parse read_request_line(StartLine& line, const char*& at, RequestHead& head) {
  constexpr std::ptrdiff_t kLongestMethod = 32;
  const char* const end = line.end;
  const char* const method = at;
  at = chars::skip_token(at, end - at > kLongestMethod ? at + kLongestMethod : end);
  if (at == end) return line.unfinished();
  if (*at != ' ' || at == method) return line.refuse(at, "bad method");
  head.method_text = std::string_view(method, static_cast<std::size_t>(at - method));
  head.method = parse_method(head.method_text);
  const char* const target = ++at;
  at = chars::skip_target(at, end);
  if (at == end) return line.unfinished();
  if (*at != ' ' || at == target)
    return line.refuse(at, at == target ? "missing request target" : "bad request target");
  head.target = std::string_view(target, static_cast<std::size_t>(at - target));
  ++at;
  if (!read_version(at, end, head.minor)) return at == end ? line.unfinished() : line.refuse(at, "bad HTTP version");
  if (const Parse parse = line.finish(at); parse != Parse::complete) return parse;
  if (const char* why = read_target(head); why != nullptr) return line.refuse(target, why);
  return Parse::complete;
}

Parse read_status_line(StartLine& line, const char*& at, ResponseHead& head) {
  const char* const end = line.end;
  if (!read_version(at, end, head.minor)) return at == end ? line.unfinished() : line.refuse(at, "bad HTTP version");
  if (at == end) return line.unfinished();
  if (*at != ' ') return line.refuse(at, "bad status line");
  ++at;
  head.status = 0;
  for (int digit = 0; digit < 3; ++digit, ++at) {
    if (at == end) return line.unfinished();
    const bool good = chars::is(*at, chars::kDigit) && (digit != 0 || *at != '0');
    if (!good) return line.refuse(at, "bad status code");
    head.status = head.status * 10 + (*at - '0');
  }
  head.reason = {};
  if (at != end && *at == ' ') {  // some servers leave out the space where there is no phrase
    const char* const reason = ++at;
    at = chars::skip_value(at, end);
    if (at == end) return line.unfinished();
    head.reason = std::string_view(reason, static_cast<std::size_t>(at - reason));
  }
  return line.finish(at);
}

/// Why the fields and the request line do not go together, or null; fills what follows from both.
const char* finish_request(RequestHead& head, const MessageFields& message) {
  if (message.hosts > 1) return "more than one Host";
  if (message.hosts == 0 && head.minor >= 1) return "missing Host";
  if (message.hosts == 1 && !is_valid_authority(message.host)) return "bad Host";
  if (head.authority.empty()) head.authority = message.host;
  head.keep_alive = message.wants_keep_alive(head.minor);
  head.expect_continue = message.expect_continue && head.minor >= 1;
  return read_framing(message, head.minor, head.framing);
}

const char* finish_response(ResponseHead& head, const MessageFields& message, Method request) {
  head.keep_alive = message.wants_keep_alive(head.minor);
  if (const char* why = read_framing(message, head.minor, head.framing); why != nullptr) return why;
  const bool tunnel = request == Method::connect && head.status / 100 == 2;
  if (request == Method::head || head.status < 200 || head.status == 204 || head.status == 304 || tunnel) {
    head.framing = {};
  } else if (head.framing.kind == Framing::Kind::none) {
    head.framing.kind = Framing::Kind::until_close;
    head.keep_alive = false;
  }
  return nullptr;
}

/// True where another line has ended since the last call, or a limit is passed: else nothing new can be said.
bool worth_parsing(std::string_view bytes, std::size_t& seen, std::size_t check_at) {
  const std::size_t from = seen;
  if (bytes.size() <= from) return false;
  seen = bytes.size();
  return bytes.size() > check_at || std::memchr(bytes.data() + from, '\n', bytes.size() - from) != nullptr;
}

}  // namespace

Parse RequestParser::parse(std::string_view bytes, RequestHead& head) {
  if (!worth_parsing(bytes, seen_, check_at_)) return Parse::incomplete;
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  const auto refuse = [this](Refusal refusal) {
    error_ = Error{.reason = refusal.reason, .source = Source::downstream, .detail = refusal.detail};
    return Parse::failed;
  };
  for (int lines = 0; lines < 2 && end - at >= 2 && at[0] == '\r' && at[1] == '\n'; ++lines) at += 2;
  if (at == end || (end - at == 1 && *at == '\r')) return Parse::incomplete;

  StartLine line{.start = at, .end = end, .limit = limits_.start_line};
  head.fields.clear();
  Parse parse = read_request_line(line, at, head);
  if (parse == Parse::failed) return refuse(line.refusal);
  MessageFields message;
  check_at_ = static_cast<std::size_t>(line.start - bytes.data()) + limits_.start_line;
  if (parse == Parse::complete) {
    Refusal refusal;
    check_at_ = static_cast<std::size_t>(at - bytes.data()) + limits_.fields_bytes;
    parse = read_fields(at, end, limits_, head.fields, message, refusal);
    if (parse == Parse::failed) return refuse(refusal);
  }
  if (parse == Parse::incomplete) return parse;
  if (const char* why = finish_request(head, message); why != nullptr) return refuse({Reason::bad_request, why});
  size_ = static_cast<std::size_t>(at - bytes.data());
  return Parse::complete;
}

Parse ResponseParser::parse(std::string_view bytes, Method request, ResponseHead& head) {
  if (!worth_parsing(bytes, seen_, check_at_)) return Parse::incomplete;
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  const auto refuse = [this](const char* detail) {
    error_ = Error{.reason = Reason::upstream_protocol, .source = Source::upstream, .detail = detail};
    return Parse::failed;
  };
  StartLine line{.start = at, .end = end, .limit = limits_.start_line};
  head.fields.clear();
  Parse parse = read_status_line(line, at, head);
  if (parse == Parse::failed) return refuse(line.refusal.detail);
  MessageFields message;
  check_at_ = static_cast<std::size_t>(line.start - bytes.data()) + limits_.start_line;
  if (parse == Parse::complete) {
    Refusal refusal;
    check_at_ = static_cast<std::size_t>(at - bytes.data()) + limits_.fields_bytes;
    parse = read_fields(at, end, limits_, head.fields, message, refusal);
    if (parse == Parse::failed) return refuse(refusal.detail);
  }
  if (parse == Parse::incomplete) return parse;
  if (const char* why = finish_response(head, message, request); why != nullptr) return refuse(why);
  size_ = static_cast<std::size_t>(at - bytes.data());
  return Parse::complete;
}

}  // namespace gatehouse::http
