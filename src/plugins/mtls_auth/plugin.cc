#include "config/options.h"
#include "plugin/build_context.h"
#include "plugins/common/authentication.h"
#include "plugins/mtls_auth/certificate_table.h"

namespace gatehouse::plugins::mtls_auth {
namespace {

using plugin::Exchange;
using plugin::Verdict;

struct Config : AuthenticationConfig {};

const config::Options<Config>& options() {
  static const auto table = with_authentication(config::Options<Config>(), false);
  return table;
}

// ---- credentials ----

struct CertificateCredential {
  std::string fingerprint, san_dns, san_email, san_uri, subject;
};

/// The one that is written.
std::pair<Mark, const std::string*> mark_of(const CertificateCredential& credential) {
  const std::pair<Mark, const std::string*> marks[] = {{Mark::fingerprint, &credential.fingerprint},
                                                       {Mark::san_dns, &credential.san_dns},
                                                       {Mark::san_email, &credential.san_email},
                                                       {Mark::san_uri, &credential.san_uri},
                                                       {Mark::subject, &credential.subject}};
  std::pair<Mark, const std::string*> found = {Mark::subject, nullptr};
  for (const auto& mark : marks) {
    if (mark.second->empty()) continue;
    if (found.second != nullptr) return {Mark::subject, nullptr};
    found = mark;
  }
  return found;
}

const config::Options<CertificateCredential>& credential_options() {
  const auto kind = [](Mark mark) {
    return config::string([mark](std::string_view text) { return check_mark(mark, text); });
  };
  static const auto table =
      config::Options<CertificateCredential>()
          .add("fingerprint", &CertificateCredential::fingerprint, kind(Mark::fingerprint),
               "The SHA-256 of the certificate, in hex, with or without colons; or …")
          .add("san_dns", &CertificateCredential::san_dns, kind(Mark::san_dns), "… a host name in it; or …")
          .add("san_email", &CertificateCredential::san_email, kind(Mark::san_email), "… an e-mail address in it; or …")
          .add("san_uri", &CertificateCredential::san_uri, kind(Mark::san_uri), "… a URI in it; or …")
          .add("subject", &CertificateCredential::subject, kind(Mark::subject),
               "… its subject, as `openssl x509 -noout -subject -nameopt RFC2253` prints it.")
          .check([](const CertificateCredential& credential, const config::Where& at) {
            if (mark_of(credential).second == nullptr)
              at.error("needs one of \"fingerprint\", \"san_dns\", \"san_email\", \"san_uri\" and \"subject\"");
          });
  return table;
}

config::CredentialName name_of(const CertificateCredential& credential) {
  Arena arena;
  const auto [mark, text] = mark_of(credential);
  const std::string normal(normal_form(mark, *text, arena));
  return {.unique = std::to_string(static_cast<int>(mark)) + normal,
          .shown = mark == Mark::fingerprint ? normal.substr(0, 12) : normal};
}

std::shared_ptr<CertificateTable> table_of(const plugin::Consumers& consumers) {
  auto table = std::make_shared<CertificateTable>();
  for (const plugin::Credential& credential : consumers.credentials("mtls-auth")) {
    const CertificateCredential written = credential_options().read(credential.config);
    const auto [mark, text] = mark_of(written);
    table->add(mark, *text, credential);
  }
  return table;
}

// ---- the plugin ----

class MtlsAuth : public plugin::Plugin {
 public:
  MtlsAuth(const Config& config, plugin::BuildContext& context)
      : policy_(config, "", context),
        consumers_(context.consumers()),
        certificates_(
            context.shared_here<CertificateTable>("certificates", [&] { return table_of(*context.consumers()); })) {}

  Verdict on_request(Exchange& x) const noexcept override {
    if (policy_.passes_by(x)) return Verdict::proceed;
    if (x.certificate == nullptr) return policy_.missing(x);
    const CertificateTable::Match match = certificates_->find(*x.certificate, x.arena);
    if (match.ambiguous) return policy_.invalid(x, "the certificate's names are of several consumers");
    if (match.credential == nullptr) return policy_.invalid(x, "the certificate is not known");
    return plugin::accept(x, {match.credential->consumer, match.credential, match.credential->id});
  }

 private:
  const AuthenticationPolicy policy_;
  const std::shared_ptr<const plugin::Consumers> consumers_;  ///< what the certificates point into
  const std::shared_ptr<const CertificateTable> certificates_;
};

config::PluginInfo info() {
  config::PluginInfo info =
      config::plugin_info("mtls-auth", "Knows consumers by the certificate that their client shows.", 1600, options());
  info.authenticates = true;
  info.credential = config::credential_info(credential_options(), name_of);
  return info;
}

std::shared_ptr<const plugin::Plugin> make(const config::Node* node, plugin::BuildContext& context) {
  return std::make_shared<MtlsAuth>(options().read(node), context);
}

}  // namespace

extern const plugin::PluginType kType;
const plugin::PluginType kType = {.name = "mtls-auth",
                                  .posture = plugin::Posture::fail_closed,
                                  .hooks = plugin::hooks_of<MtlsAuth>(),
                                  .info = info,
                                  .make = make};

}  // namespace gatehouse::plugins::mtls_auth
