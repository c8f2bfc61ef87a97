#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/options.h"
#include "jose/key_set.h"
#include "plugin/build_context.h"

namespace gatehouse::plugins::jwt {

/// Who signs tokens, as it is written.
struct IssuerConfig {
  std::string issuer;
  std::string jwks_url, jwks;
  std::vector<std::string> algorithms;
  std::vector<std::string> audience;
  std::string consumer_claim;
  std::string ca;
  Duration min_refetch = std::chrono::seconds(5), refresh = std::chrono::minutes(10), timeout = std::chrono::seconds(5);
};

config::Value<std::vector<IssuerConfig>> issuer_list();

/// An issuer and its keys: those of the configuration, or the gateway's copy of what it publishes. Immutable, any
/// thread.
class Issuer {
 public:
  Issuer(const IssuerConfig& config, plugin::BuildContext& context);

  const std::string& name() const { return config_.issuer; }
  /// One of these must be in the token's aud; empty: anything goes.
  const std::vector<std::string>& audience() const { return config_.audience; }
  /// The claim that names a consumer of the configuration; "": its tokens need none.
  const std::string& consumer_claim() const { return config_.consumer_claim; }

  /// Null before the first were fetched. Good until the exchange next waits.
  const std::shared_ptr<const void>& keys(unsigned worker) const {
    return document_ != nullptr ? document_->current(worker) : fixed_;
  }
  static const jose::KeySet& of(const std::shared_ptr<const void>& keys) {
    return *static_cast<const jose::KeySet*>(keys.get());
  }
  bool may_renew(const plugin::Exchange& x) const { return document_ != nullptr && document_->may_renew(x); }
  Task<void> renew(plugin::Exchange& x) const { return document_->renew(x); }

 private:
  const IssuerConfig config_;
  std::shared_ptr<const void> fixed_;
  std::shared_ptr<const plugin::Document> document_;
};

}  // namespace gatehouse::plugins::jwt
