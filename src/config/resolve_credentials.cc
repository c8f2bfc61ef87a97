#include <algorithm>
#include <string_view>
#include <unordered_set>

#include "config/decode.h"

namespace gatehouse::config {
namespace {

/// One use of a plugin that is in force somewhere.
struct Use {
  const PluginUse* written;
  const PluginInfo* info;
  CredentialCheck check = {};
};

std::vector<Use> uses_of(const Model& model, const Catalogue& catalogue) {
  std::vector<Use> uses;
  for_each_plugin_list(model, [&](const std::vector<PluginUse>& plugins) {
    for (const PluginUse& use : plugins) {
      const PluginInfo* const info = use.enabled ? catalogue.plugin(use.name) : nullptr;
      if (info == nullptr) continue;
      uses.push_back({&use, info});
      if (info->credential_check) uses.back().check = info->credential_check(use.config.get());
    }
  });
  return uses;
}

/// A credential that no use of its plugin can read is a mistake; one that some cannot may be for the others.
void check(const CredentialUse& credential, const std::vector<Use>& uses, Diagnostics& out) {
  CredentialFault fault;
  for (const Use& use : uses) {
    if (use.info->name != credential.type) continue;
    if (use.check && credential.config != nullptr) fault = use.check(*credential.config);
    if (fault.message.empty()) return;
  }
  if (!fault.message.empty())
    out.error(mark_of(*credential.config, fault.key.c_str()), credential.config_path + "." + fault.key, fault.message);
}

/// Credentials for which no plugin asks let nobody in, and the API may be open where its writer believes it is not.
void check_unused(const Model& model, const std::vector<Use>& uses, Diagnostics& out) {
  std::unordered_set<std::string_view> asked_for;
  for (const Use& use : uses) asked_for.insert(use.info->name);
  const auto add = [&](const std::optional<Authentication>& auth) {
    if (auth) asked_for.insert(auth->plugins.begin(), auth->plugins.end());
  };
  for (const Service& service : model.services) add(service.auth);
  for (const Route& route : model.routes) add(route.auth);
  for (const Consumer& consumer : model.consumers) {
    for (const CredentialUse& credential : consumer.credentials) {
      if (credential.type.empty() || !asked_for.insert(credential.type).second) continue;
      out.warning(credential.mark, credential.config_path, "no plugin asks for credentials of " + credential.type,
                  "plugins: [{name: " + credential.type + "}]");
    }
  }
}

/// Names of headers do not tell cases apart.
bool same_header(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

/// What a plugin fills in is taken out of what clients send, before anybody could read a credential in it.
void check_identity_headers(const std::vector<Use>& uses, Diagnostics& out) {
  for (const Use& filler : uses) {
    if (!filler.info->identity_headers) continue;
    for (const std::string& filled : filler.info->identity_headers(filler.written->config.get())) {
      for (const Use& reader : uses) {
        if (!reader.info->credential_headers) continue;
        const std::vector<std::string> read = reader.info->credential_headers(reader.written->config.get());
        if (std::ranges::none_of(read, [&](const std::string& name) { return same_header(name, filled); })) continue;
        out.error(filler.written->mark, filler.written->config_path + ".config",
                  "must not fill " + filled + ", in which " + reader.info->name + " at " + reader.written->mark.text() +
                      " looks for credentials");
        break;
      }
    }
  }
}

}  // namespace

void check_credentials(const Model& model, const Catalogue& catalogue, Diagnostics& out) {
  const std::vector<Use> uses = uses_of(model, catalogue);
  for (const Consumer& consumer : model.consumers) {
    for (const CredentialUse& credential : consumer.credentials) check(credential, uses, out);
  }
  check_unused(model, uses, out);
  check_identity_headers(uses, out);
}

}  // namespace gatehouse::config
