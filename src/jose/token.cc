#include "jose/token.h"

#include <algorithm>

#include "jose/base64url.h"
#include "jose/json.h"

namespace gatehouse::jose {
namespace {

constexpr JsonLimits kHeaderLimits{.depth = 8, .values = 256};

std::unexpected<Error> refuse(const char* detail) {
  return fail({.reason = Reason::unauthenticated, .source = Source::downstream, .detail = detail});
}

Status read_header(JsonValue header, Token& token) {
  if (!header.is(JsonKind::object)) return refuse("the token's header is not a JSON object");
  if (header.member("crit")) return refuse("the token has critical extensions, none of which are understood");
  if (const JsonValue b64 = header.member("b64"); b64 && b64.text() != "true") {
    return refuse("a token whose payload is not base64url is not taken");
  }
  for (const auto& [name, to] : {std::pair{"kid", &token.kid}, std::pair{"typ", &token.typ}}) {
    const JsonValue member = header.member(name);
    if (!member) continue;
    if (!member.is(JsonKind::string)) return refuse("the token's kid and typ must be strings");
    *to = member.text();
  }
  const JsonValue alg = header.member("alg");
  if (!alg.is(JsonKind::string)) return refuse("the token's header has no alg");
  const auto algorithm = parse_algorithm(alg.text());
  if (!algorithm) return refuse("the token's alg is not taken");
  token.algorithm = *algorithm;
  return {};
}

}  // namespace

Result<Token> parse_compact(std::string_view text, Arena& arena, std::size_t max_size) {
  if (text.size() > max_size) return refuse("the token is too long");
  const std::size_t first = text.find('.'), second = text.rfind('.');
  if (first == second || text.find('.', first + 1) != second) {
    const bool encrypted = std::ranges::count(text, '.') == 4;
    return refuse(encrypted ? "an encrypted token (JWE) is not taken" : "a token has three parts with a dot between");
  }

  const auto header = decode_base64url(text.substr(0, first), arena);
  if (!header) return refuse("the token's header is not base64url");
  const auto document = parse_json(*header, arena, kHeaderLimits);
  if (!document) return refuse("the token's header is not sound JSON");
  Token token;
  if (const Status read = read_header(document->root(), token); !read) return fail(read.error());

  token.signing_input = text.substr(0, second);
  const auto payload = decode_base64url(text.substr(first + 1, second - first - 1), arena);
  if (!payload) return refuse("the token's payload is not base64url");
  const auto signature = decode_base64url(text.substr(second + 1), arena);
  if (!signature) return refuse("the token's signature is not base64url");
  if (signature->empty()) return refuse("the token is not signed");
  token.payload = *payload;
  token.signature = *signature;
  return token;
}

}  // namespace gatehouse::jose
