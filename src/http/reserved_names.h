#pragma once
#include <span>
#include <string>
#include <string_view>

#include "http/field.h"

namespace gatehouse::http {

/// Whether a service may take `name` for `as`: case aside, and "_" for "-" (CGI).
bool reads_as(std::string_view name, std::string_view as);
/// The same for one of `names`.
bool reads_as_one_of(std::string_view name, std::span<const std::string> names);
/// Fields by which services recognise the consumer: only the gateway may set them (semantics.md, "Who is calling").
bool is_identity_field(std::string_view name);
/// X-Forwarded-Prefix, -Server, -Ssl and whatever else of the kind.
bool is_forwarding_field(std::string_view name);
/// Fields that decide about framing, routing, access or content must not come late (RFC 9110 section 6.5.1). Of the
/// names that the gateway looks at itself none may but Date, ETag and Server; of the others what heads may have and
/// what is about the message as a whole.
bool may_be_trailer(FieldId id, std::string_view name);

}  // namespace gatehouse::http
