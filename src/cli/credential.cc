#include "cli/credential.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/hex.h"
#include "base/password_hash.h"
#include "base/sha256.h"
#include "cli/support.h"

namespace gatehouse::cli {
namespace {

constexpr CredentialKind kKinds[] = {{"key-auth", "key", "key_hash", "ak_live_"},
                                     {"basic-auth", "password", "password_hash", "pw_"},
                                     {"hmac-auth", "secret", "", "hs_"},
                                     {"jwt", "secret", "", "js_"}};

}  // namespace

const CredentialKind* credential_kind(std::string_view type) {
  const auto* const found = std::ranges::find(kKinds, type, &CredentialKind::type);
  return found != std::end(kKinds) ? found : nullptr;
}

std::string hash_for(const CredentialKind& kind, std::string_view secret) {
  return kind.type == "basic-auth" ? hash_password(secret) : "sha256:" + hex(sha256(secret));
}

void add_credential(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("credential", "Makes secrets, and hashes of them for the configuration");
  command->require_subcommand(1);
  add_credential_new(*command, context);
  add_credential_hash(*command, context);
  command->footer(
      "Examples:\n"
      "  gatehouse credential new --username ada\n"
      "  gatehouse credential hash --type basic-auth\n\n"
      "\"gatehouse credential new --help\" tells more about new.");
}

}  // namespace gatehouse::cli
