#include "engine/inbound.h"

#include <algorithm>
#include <charconv>

#include "base/hex.h"
#include "http/reserved_names.h"

namespace gatehouse::engine {
namespace {

using http::Field;
using http::FieldId;
using http::Fields;

bool trusted(const std::vector<Cidr>& blocks, const IpAddress& address) {
  return std::any_of(blocks.begin(), blocks.end(), [&](const Cidr& block) { return block.contains(address); });
}

std::string_view text_of(const IpAddress& address, Arena& arena) {
  char* const room = arena.reserve(IpAddress::kMaxText);
  const std::size_t size = address.write(room);
  arena.take_back(IpAddress::kMaxText - size);
  return {room, size};
}

/// An entry of X-Forwarded-For: an address, maybe in brackets, maybe with a port.
std::optional<IpAddress> entry_address(std::string_view entry) {
  if (!entry.empty() && entry.front() == '[') {
    const std::size_t end = entry.find(']');
    return end == std::string_view::npos ? std::nullopt : IpAddress::parse(entry.substr(1, end - 1));
  }
  if (const std::size_t colon = entry.find(':'); colon != std::string_view::npos && colon == entry.rfind(':')) {
    entry = entry.substr(0, colon);
  }
  return IpAddress::parse(entry);
}

/// All lines of X-Forwarded-For as one list.
std::string_view joined(const Fields& fields, FieldId id, Arena& arena) {
  std::string_view all;
  for (const Field& field : fields) {
    if (field.removed || field.id != id) continue;
    all = all.empty() ? field.value : arena.concat(all, ", ", field.value);
  }
  return all;
}

/// The rightmost address that is no trusted proxy's: what is left of it was written by whoever it is.
IpAddress client_behind(std::string_view list, IpAddress nearest, const std::vector<Cidr>& blocks) {
  while (!list.empty() && trusted(blocks, nearest)) {
    const std::size_t comma = list.rfind(',');
    std::string_view entry = comma == std::string_view::npos ? list : list.substr(comma + 1);
    list = comma == std::string_view::npos ? std::string_view() : list.substr(0, comma);
    while (!entry.empty() && entry.front() == ' ') entry.remove_prefix(1);
    while (!entry.empty() && entry.back() == ' ') entry.remove_suffix(1);
    if (entry.empty()) continue;  // RFC 9110 section 5.6.1: elements of a list may be empty
    const std::optional<IpAddress> address = entry_address(entry);
    if (!address) break;
    nearest = *address;
  }
  return nearest;
}

/// The protocol that an HTTP/1.1 client asks to change to, in lower case; "" if it asks for none that could be meant
/// (RFC 9110 section 7.8): a list is read as its first, and a request with a body keeps its protocol.
std::string_view requested_upgrade(const http::RequestHead& request, Arena& arena) {
  const Fields& fields = request.fields;
  if (!fields.may_have(FieldId::upgrade) || request.major != 1 || request.minor == 0) return {};
  if (request.framing.has_body() || request.method != http::Method::get) return {};
  bool asked = false;
  for (const Field& field : fields) {
    if (field.removed || field.id != FieldId::connection) continue;
    http::each_list_member(field.value,
                           [&](std::string_view option) { asked = asked || http::equal_names(option, "upgrade"); });
  }
  std::string_view first;
  http::each_list_member(fields.get(FieldId::upgrade), [&](std::string_view name) {
    if (first.empty()) first = name;
  });
  if (!asked || !http::is_token(first.substr(0, first.find('/')))) return {};
  char* const to = static_cast<char*>(arena.allocate(first.size(), 1));
  std::transform(first.begin(), first.end(), to,
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return {to, first.size()};
}

constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// What HTTP/2 leaves out of a WebSocket's handshake and HTTP/1.1 needs (RFC 8441 section 5): a key of 16 bytes.
void add_websocket_key(Fields& fields, Arena& arena, Random& random) {
  char* const key = static_cast<char*>(arena.allocate(24, 1));
  for (int i = 0; i < 21; ++i) key[i] = kBase64[random.next() & 63];
  key[21] = kBase64[random.next() & 48];  // 128 bits: the last two of the 22 digits' bits are no key's
  key[22] = key[23] = '=';
  fields.set("Sec-WebSocket-Key", {key, 24});
  if (!fields.has("Sec-WebSocket-Version")) fields.append("Sec-WebSocket-Version", "13");
}

void remove_unwanted(Fields& fields, bool keep_underscores, bool from_proxy) {
  for (Field& field : fields) {
    if (field.id != FieldId::other || field.removed) continue;
    const bool underscore = !keep_underscores && field.name.find('_') != std::string_view::npos;
    if (underscore || http::is_identity_field(field.name) || (!from_proxy && http::is_forwarding_field(field.name))) {
      field.removed = true;
    }
  }
}

/// Ids come from outside; what is kept goes into logs and to services.
bool is_usable_id(std::string_view id) {
  return !id.empty() && id.size() <= 128 &&
         std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; });
}

/// W3C Trace Context, version 00: 2-32-16-2 lower-case hex digits, neither id all zeros.
bool is_traceparent(std::string_view text) {
  if (text.size() < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
  const std::string_view version = text.substr(0, 2), trace = text.substr(3, 32), span = text.substr(36, 16);
  if (!is_lower_hex(version) || version == "ff" || !is_lower_hex(trace) || !is_lower_hex(span) ||
      !is_lower_hex(text.substr(53, 2)))
    return false;
  if (version == "00" && text.size() != 55) return false;
  return trace.find_first_not_of('0') != std::string_view::npos &&
         span.find_first_not_of('0') != std::string_view::npos;
}

void add_ids(plugin::Exchange& x, Random& random) {
  Fields& fields = x.request.fields;
  const Field* id = fields.find(FieldId::x_request_id);
  if (id != nullptr && is_usable_id(id->value)) {
    x.request_id = id->value;
    fields.set(FieldId::x_request_id, "X-Request-ID", x.request_id);  // once
  } else {
    char* const room = static_cast<char*>(x.arena.allocate(36, 1));
    put_uuid(room, random.next(), random.next());
    x.request_id = {room, 36};
    if (id != nullptr) {
      fields.set(FieldId::x_request_id, "X-Request-ID", x.request_id);
    } else {
      fields.append(FieldId::x_request_id, "X-Request-ID", x.request_id);
    }
  }
  const Field* trace = fields.find(FieldId::traceparent);
  if (trace != nullptr && is_traceparent(trace->value)) {
    x.trace_id = trace->value.substr(3, 32);
    fields.set(FieldId::traceparent, "traceparent", std::string_view(trace->value));  // once
    return;
  }
  char* const room = static_cast<char*>(x.arena.allocate(55, 1));
  char* to = std::copy_n("00-", 3, room);
  to = put_hex(put_hex(to, random.next(), 16), random.next() | 1, 16);
  *to++ = '-';
  to = put_hex(to, random.next() | 1, 16);
  std::copy_n("-01", 3, to);
  x.trace_id = {room + 3, 32};
  fields.remove(FieldId::tracestate);  // belongs to the traceparent that was not there or not valid
  fields.set(FieldId::traceparent, "traceparent", {room, 55});
}

void put_once(Fields& fields, FieldId id, std::string_view name, std::string_view value) {
  if (fields.may_have(id)) {
    fields.set(id, name, value);
  } else {
    fields.append(id, name, value);
  }
}

std::string_view decimal(std::uint16_t number, Arena& arena) {
  switch (number) {  // what almost every listener has needs no copy
    case 80:
      return "80";
    case 443:
      return "443";
    case 8080:
      return "8080";
    default:
      break;
  }
  char* const room = static_cast<char*>(arena.allocate(5, 1));
  return {room, static_cast<std::size_t>(std::to_chars(room, room + 5, number).ptr - room)};
}

}  // namespace

void name_client(plugin::Exchange& x, const config::Model& model, std::size_t listener) {
  Fields& fields = x.request.fields;
  for (const config::Listener& each : model.listeners) {
    if (!each.tls) continue;
    const config::CertificateHeaders& headers = each.tls->client_auth.headers;
    for (const std::string* name : {&headers.subject, &headers.san, &headers.fingerprint}) {
      if (!name->empty()) fields.remove(*name);
    }
  }
  if (x.certificate == nullptr || listener >= model.listeners.size() || !model.listeners[listener].tls) return;
  const config::CertificateHeaders& headers = model.listeners[listener].tls->client_auth.headers;
  const auto say = [&fields](const std::string& name, const std::string& what) {
    if (!name.empty() && !what.empty()) fields.append(name, what);
  };
  say(headers.subject, x.certificate->subject);
  say(headers.san, x.certificate->names);
  say(headers.fingerprint, x.certificate->fingerprint);
}

void remove_identity(plugin::Exchange& x, std::span<const std::string> names) {
  if (names.empty()) return;
  for (Field& field : x.request.fields) {
    if (!field.removed && http::reads_as_one_of(field.name, names)) field.removed = true;
  }
}

bool is_trusted_proxy(const config::Model& model, const IpAddress& peer) {
  return !model.trusted_proxies.empty() && trusted(model.trusted_proxies, peer);
}

void take_in(plugin::Exchange& x, const Arrival& arrival, const config::Model& model, Random& random) {
  Fields& fields = x.request.fields;
  Arena& arena = x.arena;
  const bool from_proxy = is_trusted_proxy(model, arrival.peer);
  remove_unwanted(fields, model.underscores_in_headers, from_proxy);
  if (fields.may_have(FieldId::upgrade)) x.request.upgrade = requested_upgrade(x.request, arena);
  http::remove_hop_by_hop(fields);
  if (x.request.extended_connect && x.request.upgrade == "websocket") add_websocket_key(fields, arena, random);
  // RFC 9110 section 10.1.1: an HTTP/1.0 client has no expectations, nobody has others than 100-continue, and who sends
  // no body need not be told to go on. A service that is told would have to be given another connection afterwards.
  if (fields.may_have(FieldId::expect) && !(x.request.expect_continue && x.request.framing.has_body()))
    fields.remove(FieldId::expect);

  const std::string_view peer = arrival.peer.unspecified() ? std::string_view("unknown") : text_of(arrival.peer, arena);
  x.client_ip = arrival.peer;
  x.client_ip_text = peer;
  x.https = arrival.secure;
  x.certificate = arrival.certificate;
  std::string_view forwarded_for = peer;
  std::string_view proto = arrival.secure ? "https" : "http";
  if (from_proxy && fields.may_have(FieldId::x_forwarded_for)) {
    const std::string_view list = joined(fields, FieldId::x_forwarded_for, arena);
    x.client_ip = client_behind(list, arrival.peer, model.trusted_proxies);
    x.client_ip_text = text_of(x.client_ip, arena);
    if (!list.empty()) forwarded_for = arena.concat(list, ", ", peer);
  }
  if (from_proxy) {
    const std::string_view said = fields.get(FieldId::x_forwarded_proto);
    if (http::equal_names(said, "https")) proto = "https";
    if (http::equal_names(said, "http")) proto = "http";
    x.https = proto == "https";
  }
  put_once(fields, FieldId::x_forwarded_for, "X-Forwarded-For", forwarded_for);
  put_once(fields, FieldId::x_forwarded_proto, "X-Forwarded-Proto", proto);
  const bool keep = from_proxy;
  if (!keep || !fields.has(FieldId::x_forwarded_host)) {
    put_once(fields, FieldId::x_forwarded_host, "X-Forwarded-Host", x.request.authority);
  }
  if (!keep || !fields.has(FieldId::x_forwarded_port)) {
    put_once(fields, FieldId::x_forwarded_port, "X-Forwarded-Port", decimal(arrival.port, arena));
  }
  put_once(fields, FieldId::x_real_ip, "X-Real-IP", x.client_ip_text);

  const bool quoted = !arrival.peer.is_v4() && !arrival.peer.unspecified();
  const std::string_view node = quoted ? arena.concat("\"[", peer, "]\"") : peer;
  const std::string_view element = arena.concat("for=", node, ";host=\"", x.request.authority, "\";proto=", proto);
  const std::string_view before = from_proxy ? joined(fields, FieldId::forwarded, arena) : std::string_view();
  put_once(fields, FieldId::forwarded, "Forwarded", before.empty() ? element : arena.concat(before, ", ", element));

  const std::string_view self = http::via_text(x.request.major, x.request.minor);
  if (Field* via = fields.find(FieldId::via)) {
    via->value = arena.concat(via->value, ", ", self);
  } else {
    fields.append(FieldId::via, "Via", self);
  }
  add_ids(x, random);
}

}  // namespace gatehouse::engine
