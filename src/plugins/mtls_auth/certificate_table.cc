#include "plugins/mtls_auth/certificate_table.h"

#include <algorithm>

#include "base/hex.h"
#include "plugins/common/lower_case.h"

namespace gatehouse::plugins::mtls_auth {
namespace {

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c & ~0x20) : c;
}

/// "cn = ada, O=Shop" → "CN=ada,O=Shop". What is escaped stays as it is.
std::string_view normal_subject(std::string_view text, Arena& arena) {
  char* const start = arena.reserve(text.size());
  char* to = start;
  char* kept = start;  // spaces behind here are between parts
  bool in_type = true;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == ' ' && to == kept) continue;  // before a part
    if ((in_type && c == '=') || c == ',' || c == '+') {
      to = kept;
      in_type = c != '=';
      *to++ = c;
      kept = to;
      continue;
    }
    *to++ = in_type ? upper(c) : c;
    if (c == '\\' && at + 1 < text.size()) *to++ = text[++at];
    if (c != ' ') kept = to;
  }
  return {start, static_cast<std::size_t>(kept - start)};
}

}  // namespace

std::string_view normal_form(Mark mark, std::string_view text, Arena& arena) {
  if (mark == Mark::san_uri) return text;
  if (mark == Mark::subject) return normal_subject(text, arena);
  char* const start = arena.reserve(text.size());
  char* to = start;
  // A mailbox's name may tell cases apart, its host's does not (RFC 5280 section 7.5).
  const std::size_t from = mark == Mark::san_email ? std::min(text.rfind('@'), text.size()) : 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (mark == Mark::fingerprint && text[i] == ':') continue;
    *to++ = i < from ? text[i] : lower_case(text[i]);
  }
  return {start, static_cast<std::size_t>(to - start)};
}

std::string check_mark(Mark mark, std::string_view text) {
  Arena arena;
  if (mark == Mark::fingerprint) {
    const std::string_view digits = normal_form(mark, text, arena);
    return is_lower_hex(digits) && digits.size() == 64
               ? ""
               : "must be the 64 hex digits of a certificate's SHA-256, with or without colons";
  }
  const bool visible = std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7f; });
  if (text.empty() || !visible) return "must be of visible ASCII; write other bytes of a subject as \\C3\\A9";
  if (mark == Mark::subject) {
    return normal_form(mark, text, arena).find('=') != std::string_view::npos ? ""
                                                                              : "must be a name such as CN=ada,O=Shop";
  }
  if (text.find_first_of(" ,") != std::string_view::npos) return "must not contain spaces or commas";
  if (mark == Mark::san_email && !text.contains('@')) return "must be an address such as ada@shop.test";
  if (mark == Mark::san_uri && !text.contains(':')) return "must be a URI such as spiffe://shop/ada";
  return "";
}

void CertificateTable::add(Mark mark, std::string_view text, const plugin::Credential& credential) {
  Arena arena;
  by_mark_.emplace(std::string(1, static_cast<char>(mark)) + std::string(normal_form(mark, text, arena)), &credential);
}

const plugin::Credential* CertificateTable::look(Mark mark, std::string_view text, Arena& arena) const {
  const char kind = static_cast<char>(mark);
  const auto found = by_mark_.find(arena.concat(std::string_view(&kind, 1), normal_form(mark, text, arena)));
  return found != by_mark_.end() ? found->second : nullptr;
}

auto CertificateTable::find(const PeerCertificate& certificate, Arena& arena) const -> Match {
  if (const auto* const found = look(Mark::fingerprint, certificate.fingerprint, arena)) return {found};
  Match match;
  for (std::string_view rest = certificate.names; !rest.empty();) {
    const std::string_view name = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(name.size() + 1, rest.size()));
    const std::size_t colon = std::min(name.find(':'), name.size());
    const std::string_view kind = name.substr(0, colon), text = name.substr(std::min(colon + 1, name.size()));
    const Mark mark = kind == "DNS" ? Mark::san_dns : kind == "email" ? Mark::san_email : Mark::san_uri;
    const plugin::Credential* const found = look(mark, text, arena);
    if (found == nullptr) continue;
    if (match.credential != nullptr && match.credential->consumer != found->consumer) return {nullptr, true};
    if (match.credential == nullptr) match.credential = found;
  }
  if (match.credential == nullptr) match.credential = look(Mark::subject, certificate.subject, arena);
  return match;
}

}  // namespace gatehouse::plugins::mtls_auth
