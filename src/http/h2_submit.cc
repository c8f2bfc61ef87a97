#include <algorithm>
#include <charconv>

#include "http/grpc.h"
#include "http/h2_callbacks.h"
#include "http/h2_session.h"
#include "http/h2_stream.h"

namespace gatehouse::http {

namespace {

/// Field lines as nghttp2 takes them. It copies what is not a literal, into one block of h2_memory(): a frame may wait
/// in its queue for longer than the exchange lives, and the buffer of the service's connection that the values lie in.
class FieldList {
 public:
  FieldList(Arena& arena, std::size_t most) : arena_(arena), items_(arena.array<nghttp2_nv>(most)) {}

  /// `name` is a literal.
  void add(std::string_view name, std::string_view value) { put(name, value, NGHTTP2_NV_FLAG_NO_COPY_NAME); }
  /// Every field that is the message's and not the connection's.
  void add_all(const Fields& fields, std::string_view but = {}) {
    for (const Field& field : fields) {
      if (field.removed || is_connection_field(field.id)) continue;
      if (!but.empty() && equal_names(field.name, but)) continue;
      if (field.id == FieldId::other) {
        put(lower(field.name), field.value, NGHTTP2_NV_FLAG_NONE);
      } else {
        add(field_name(field.id), field.value);
      }
    }
  }
  void add_status(int status) { add(":status", number(static_cast<std::uint64_t>(status))); }
  void add_length(const Framing& framing) {
    if (framing.kind == Framing::Kind::length) add("content-length", number(framing.length));
  }

  const nghttp2_nv* data() const { return items_; }
  std::size_t size() const { return count_; }

 private:
  void put(std::string_view name, std::string_view value, std::uint8_t flags) {
    items_[count_++] = {bytes(name), bytes(value), name.size(), value.size(), flags};
  }
  static std::uint8_t* bytes(std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  }
  static bool is_connection_field(FieldId id) {
    switch (id) {
      case FieldId::connection:
      case FieldId::content_length:
      case FieldId::host:
      case FieldId::http2_settings:
      case FieldId::keep_alive:
      case FieldId::proxy_connection:
      case FieldId::te:
      case FieldId::transfer_encoding:
      case FieldId::upgrade:
        return true;
      default:
        return false;
    }
  }
  std::string_view lower(std::string_view name) {
    const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
    if (std::none_of(name.begin(), name.end(), upper)) return name;
    char* const to = static_cast<char*>(arena_.allocate(name.size(), 1));
    std::transform(name.begin(), name.end(), to, [&](char c) { return upper(c) ? static_cast<char>(c | 0x20) : c; });
    return {to, name.size()};
  }
  std::string_view number(std::uint64_t value) {
    char* const to = static_cast<char*>(arena_.allocate(20, 1));
    return {to, static_cast<std::size_t>(std::to_chars(to, to + 20, value).ptr - to)};
  }

  Arena& arena_;
  nghttp2_nv* items_;
  std::size_t count_ = 0;
};

}  // namespace

bool H2Session::submit_request(H2Stream& stream, const RequestHead& head, std::string_view target,
                               std::string_view scheme, bool has_body) {
  FieldList list(stream.arena_, head.fields.size() + 7);
  const bool other = !head.upgrade.empty();  // RFC 8441 section 4: CONNECT stands for GET with Upgrade
  list.add(":method", other ? std::string_view("CONNECT") : head.method_text);
  if (other) list.add(":protocol", head.upgrade);
  list.add(":scheme", scheme);
  list.add(":authority", head.fields.get(FieldId::host));
  list.add(":path", target);
  list.add_all(head.fields, other ? "Sec-WebSocket-Key" : "");
  list.add_length(head.framing);
  if (is_grpc(head.fields.get(FieldId::content_type))) list.add("te", "trailers");  // gRPC asks for it
  nghttp2_data_provider provider = h2_body(stream);
  const std::int32_t id =
      nghttp2_submit_request(session_, nullptr, list.data(), list.size(), has_body ? &provider : nullptr, &stream);
  if (id < 0) return false;
  stream.id_ = id;
  if (!has_body) stream.end_sent_ = true;
  return true;
}

void H2Session::submit_interim(H2Stream& stream, const ResponseHead& head) {
  FieldList list(stream.arena_, head.fields.size() + 1);
  list.add_status(head.status);
  list.add_all(head.fields);
  nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream.id_, nullptr, list.data(), list.size(), nullptr);
}

void H2Session::submit_response(H2Stream& stream, const ResponseHead& head, bool has_body) {
  FieldList list(stream.arena_, head.fields.size() + 2);
  list.add_status(head.status);
  list.add_all(head.fields);
  list.add_length(head.framing);
  nghttp2_data_provider provider = h2_body(stream);
  nghttp2_submit_response(session_, stream.id_, list.data(), list.size(), has_body ? &provider : nullptr);
  if (!has_body) stream.end_sent_ = true;
}

void H2Session::submit_trailers(H2Stream& stream) {
  FieldList list(stream.arena_, stream.trailers_->size());
  list.add_all(*stream.trailers_);
  nghttp2_submit_trailer(session_, stream.id_, list.data(), list.size());
  stream.end_sent_ = true;
}

}  // namespace gatehouse::http
