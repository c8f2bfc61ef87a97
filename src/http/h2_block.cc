#include "http/h2_block.h"

#include <algorithm>

#include "http/chars.h"
#include "http/reserved_names.h"

namespace gatehouse::http {
namespace {

constexpr std::size_t kLongestMethod = 32;

Error refusal(Reason reason, const char* detail) {
  return {reason, Source::downstream, RetrySafety::no, 0, detail};
}

std::string_view lower_case(std::string_view text, Arena& arena) {
  char* const to = static_cast<char*>(arena.allocate(text.size(), 1));
  std::transform(text.begin(), text.end(), to,
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return {to, text.size()};
}

}  // namespace

void H2Block::begin(Fields& fields) {
  fields_ = &fields;
  method_ = scheme_ = authority_ = path_ = protocol_ = status_ = {};
  bytes_ = 0;
  lengths_ = cookies_ = 0;
  too_large_ = false;
}

/// Whether the limits leave room for another field, counted as HTTP/1.1 would write it.
bool H2Block::count(std::string_view name, std::string_view value) {
  bytes_ += name.size() + value.size() + 4;
  if (bytes_ > limits_.fields_bytes || fields_->size() == limits_.fields_count) too_large_ = true;
  return !too_large_;
}

void H2Block::add(std::string_view name, std::string_view value) {
  if (name.front() == ':') {
    add_pseudo(name, value);
    return;
  }
  if (!count(name, value)) return;
  const FieldId id = field_id(name);
  if (id == FieldId::cookie) ++cookies_;
  if (id == FieldId::content_length) ++lengths_;
  fields_->append(id, id == FieldId::other ? arena_.copy(name) : field_name(id), arena_.copy(value));
}

void H2Block::add_trailer(std::string_view name, std::string_view value) {
  bytes_ += name.size() + value.size() + 4;
  if (bytes_ > limits_.fields_bytes || fields_->size() == limits_.fields_count) too_large_ = true;
  const FieldId id = field_id(name);
  if (too_large_ || !may_be_trailer(id, name)) return;
  fields_->append(id, arena_.copy(name), arena_.copy(value));
}

void H2Block::add_pseudo(std::string_view name, std::string_view value) {
  // The path may be as long as a request line; it is not counted among the fields.
  if (value.size() > std::size_t{limits_.start_line} + 1) value = value.substr(0, std::size_t{limits_.start_line} + 1);
  std::string_view* const to = name == ":method"      ? &method_
                               : name == ":scheme"    ? &scheme_
                               : name == ":authority" ? &authority_
                               : name == ":path"      ? &path_
                               : name == ":protocol"  ? &protocol_
                               : name == ":status"    ? &status_
                                                      : nullptr;
  if (to != nullptr) *to = arena_.copy(value);
}

/// RFC 9113 section 8.2.3: the crumbs of a cookie become one line again. Empty ones say nothing.
void H2Block::join_cookies() {
  std::size_t room = 0;
  for (const Field& field : *fields_) {
    if (field.id == FieldId::cookie) room += field.value.size() + 2;
  }
  char* const start = arena_.reserve(room);
  char* to = start;
  Field* first = nullptr;
  for (Field& field : *fields_) {
    if (field.id != FieldId::cookie) continue;
    if (!field.value.empty()) {
      if (to != start) to = std::copy_n("; ", 2, to);
      to = std::copy(field.value.begin(), field.value.end(), to);
    }
    field.removed = first != nullptr;
    if (first == nullptr) first = &field;
  }
  const auto size = static_cast<std::size_t>(to - start);
  arena_.take_back(room - size);
  first->value = {start, size};
}

const char* H2Block::read_target(RequestHead& head) const {
  head.target = path_;
  if (head.method == Method::connect) {
    head.form = TargetForm::authority;
    head.target = authority_;
    return nullptr;
  }
  if (path_ == "*") {
    head.form = TargetForm::asterisk;
    head.path = path_;
    return head.method == Method::options ? nullptr : "the target * is for OPTIONS only";
  }
  if (path_.empty() || path_.front() != '/') return "the path must begin with /";
  const char* const end = path_.data() + path_.size();
  if (chars::skip_target(path_.data(), end) != end) return "bad character in the path";
  head.form = TargetForm::origin;
  const std::size_t mark = path_.find('?');
  head.has_query = mark != std::string_view::npos;
  head.path = path_.substr(0, mark);
  if (head.has_query) head.query = path_.substr(mark + 1);
  return nullptr;
}

/// :authority and Host must agree (RFC 9113 section 8.3.1): services and routes would else see different hosts.
const char* H2Block::read_authority(RequestHead& head) {
  Field* const host = fields_->find(FieldId::host);
  if (host != nullptr) {
    for (const Field& field : *fields_) {
      if (field.id == FieldId::host && &field != host) return "more than one Host";
    }
    if (!authority_.empty() && !equal_names(authority_, host->value)) return ":authority and Host differ";
  }
  head.authority = authority_.empty() && host != nullptr ? host->value : authority_;
  if (head.authority.empty()) return "missing :authority";
  if (!is_valid_authority(head.authority)) return "bad :authority";
  if (host == nullptr) fields_->append(FieldId::host, "host", head.authority);
  return nullptr;
}

const char* H2Block::read_length(Framing& framing, bool ended) const {
  framing = {};
  if (lengths_ > 1) return "more than one Content-Length";
  const bool given = lengths_ == 1;
  if (given && !parse_content_length(fields_->get(FieldId::content_length), framing.length)) {
    return "bad Content-Length";
  }
  if (ended && given && framing.length != 0) return "a Content-Length without a body";
  if (given) {
    framing.kind = Framing::Kind::length;
  } else if (!ended) {
    framing.kind = Framing::Kind::chunked;
  }
  return nullptr;
}

Error H2Block::read_request(bool ended, RequestHead& head) {
  head.major = 2;
  head.minor = 1;
  head.method_text = method_.substr(0, kLongestMethod);
  head.method = parse_method(method_);
  head.extended_connect = head.method == Method::connect && !protocol_.empty();
  if (head.extended_connect) {
    // RFC 8441 section 4: what HTTP/1.1 asks for by a GET with Upgrade.
    head.upgrade = lower_case(protocol_, arena_);
    head.method_text = "GET";
    head.method = Method::get;
    ended = true;  // what follows is no body
  }
  if (method_.size() + path_.size() + 10 > limits_.start_line) {  // "GET /x HTTP/2.0"
    return refusal(Reason::uri_too_long, "the path exceeds its limit");
  }
  if (too_large_) return refusal(Reason::head_too_large, "header fields exceed the size limit");
  if (head.extended_connect && !is_token(protocol_)) return refusal(Reason::bad_request, "bad :protocol");
  if (method_.size() > kLongestMethod || !is_token(method_)) return refusal(Reason::bad_request, "bad method");
  if (head.method != Method::connect && scheme_ != "http" && scheme_ != "https") {
    return refusal(Reason::bad_request, "bad :scheme");
  }
  if (cookies_ > 1) join_cookies();
  const char* why = read_target(head);
  if (why == nullptr) why = read_authority(head);
  if (why == nullptr) why = read_length(head.framing, ended);
  if (why != nullptr) return refusal(Reason::bad_request, why);
  head.expect_continue = equal_names(fields_->get(FieldId::expect), "100-continue");
  return {.reason = Reason::none};
}

int H2Block::status() const {
  if (status_.size() != 3) return 0;
  int status = 0;
  for (const char c : status_) {
    if (c < '0' || c > '9') return 0;
    status = status * 10 + (c - '0');
  }
  return status;
}

Error H2Block::read_response(bool ended, Method method, ResponseHead& head) {
  const auto bad = [](const char* detail) {
    return Error{Reason::upstream_protocol, Source::upstream, RetrySafety::no, 0, detail};
  };
  head.major = 2;
  head.minor = 1;
  head.status = status();
  head.reason = reason_phrase(head.status);  // for HTTP/1.1, which has a place for it
  if (head.status < 100) return bad("bad status code");
  if (head.status == 101) return bad("a status that HTTP/2 does not have");
  if (too_large_) return bad("header fields exceed the size limit");
  const bool bodiless = method == Method::head || head.status < 200 || head.status == 204 || head.status == 304;
  if (const char* why = read_length(head.framing, ended && !bodiless); why != nullptr) return bad(why);
  if (bodiless) head.framing = {};
  return {.reason = Reason::none};
}

}  // namespace gatehouse::http
