#pragma once
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "http/field.h"

namespace gatehouse::http {

enum class Method : std::uint8_t { get, head, post, put, del, patch, options, trace, connect, other };
inline constexpr std::size_t kMethodCount = static_cast<std::size_t>(Method::other) + 1;
/// Methods are case-sensitive (RFC 9110 section 9.1): "get" is `other`.
Method parse_method(std::string_view text);
/// "GET" …; "OTHER" for other (as metrics name it).
std::string_view to_string(Method method);
/// RFC 9110 section 9.2.2; `other` is not.
bool is_idempotent(Method method);

/// How the end of a message body is found.
struct Framing {
  enum class Kind : std::uint8_t {
    none,         ///< no body
    length,       ///< exactly `length` bytes (0 possible)
    chunked,      ///< chunks up to the zero one, then trailers
    until_close,  ///< all up to the end of the connection: responses only
  };
  Kind kind = Kind::none;
  std::uint64_t length = 0;

  bool has_body() const { return kind != Kind::none && (kind != Kind::length || length != 0); }
};

/// The form of a request target (RFC 9112 section 3.2).
enum class TargetForm : std::uint8_t { origin, absolute, authority, asterisk };

/// A request's head, protocol-neutral. Views into the block that holds the head or into the arena; valid until the
/// exchange is complete.
struct RequestHead {
  explicit RequestHead(Arena& arena) : fields(arena) {}

  Method method = Method::other;
  std::string_view method_text;
  std::string_view target;  ///< as sent
  TargetForm form = TargetForm::origin;
  std::string_view scheme;        ///< of an absolute-form target, else ""
  std::string_view authority;     ///< absolute-form's or the Host field's, with port; "" only for HTTP/1.0 without Host
  std::string_view path;          ///< raw, starts with "/"; "*" for asterisk-form
  std::string_view query;         ///< raw, without "?"
  bool has_query = false;         ///< true for "/x?" too
  std::uint8_t major = 1;         ///< 1 or 2
  std::uint8_t minor = 1;         ///< HTTP/1.minor
  std::string_view upgrade;       ///< the protocol that the client asks to change to, in lower case; "" for none
  bool extended_connect = false;  ///< it asks in HTTP/2's way (RFC 8441): by CONNECT, answered by 2xx
  bool keep_alive = true;         ///< the client wants to go on, by version and Connection
  bool expect_continue = false;
  Framing framing;
  Fields fields;  ///< all lines as received, hop-by-hop ones too
};

/// A response's head.
struct ResponseHead {
  explicit ResponseHead(Arena& arena) : fields(arena) {}

  int status = 0;
  std::string_view reason;  ///< the reason phrase; may be empty
  std::uint8_t major = 1;
  std::uint8_t minor = 1;
  bool keep_alive = true;
  Framing framing;
  Fields fields;
};

/// "HTTP/1.0", "HTTP/1.1" or "HTTP/2".
std::string_view version_text(std::uint8_t major, std::uint8_t minor);
/// What Via says when the gateway passes on a message of that version (RFC 9110 section 7.6.3): "1.1 gatehouse".
std::string_view via_text(std::uint8_t major, std::uint8_t minor);

/// 1*DIGIT (RFC 9110 section 8.6): no sign, no list, and no more than 18 digits, which always fit.
bool parse_content_length(std::string_view text, std::uint64_t& length);

/// RFC 9110 section 15's phrase; "Unknown" for a code that has none.
std::string_view reason_phrase(int status);

/// Marks as removed what belongs to one connection only (RFC 9110 section 7.6.1): Connection and the fields that it
/// names, Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade, HTTP2-Settings. Host, Content-Length
/// and the like stay even if Connection names them.
void remove_hop_by_hop(Fields& fields);

/// The host of an authority without its port, brackets kept; "" if there is none.
std::string_view host_of(std::string_view authority);
/// Whether `authority` is uri-host [":" port] (RFC 9110 section 7.2): no userinfo, path, space; non-empty host.
bool is_valid_authority(std::string_view authority);

/// A path as it is matched (semantics.md, "Normalisation").
struct NormalisedPath {
  std::string_view path;          ///< `raw` itself where nothing changed, else in the arena
  bool segments_changed = false;  ///< dot segments removed or slashes merged: then the normalised path is forwarded
};
/// Decodes escapes of unreserved characters, removes dot segments (encoded dots too), merges slashes. `%2F` and `%5C`
/// stay. NUL (raw or %00), other control characters, a raw backslash, "#", a bad escape, or climbing above the root
/// is bad_request. `raw` must start with "/".
Result<NormalisedPath> normalise_path(std::string_view raw, Arena& arena);
/// Decodes every %XX; a bad escape is kept as it is. Gives `text` itself where there is none.
std::string_view percent_decode(std::string_view text, Arena& arena);

}  // namespace gatehouse::http
