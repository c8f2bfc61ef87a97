#pragma once
#include <string>
#include <vector>

#include "plugins/common/authentication.h"
#include "plugins/jwt/claim_rules.h"
#include "plugins/jwt/issuers.h"
#include "plugins/jwt/revoked.h"

namespace gatehouse::plugins::jwt {

/// The plugin's options.
struct Config : AuthenticationConfig {
  Config() { hide_credentials = false; }
  std::string key_claim_name = "iss";
  bool secret_is_base64 = false;
  std::vector<ClaimRule> claims_to_verify;
  Duration clock_skew{};
  Duration maximum_age = kOff, maximum_expiration = kOff;
  std::vector<IssuerConfig> issuers;
  Revoked revoked;
  bool revoked_in_redis = false;
  std::string redis_prefix = "gatehouse:{revoked}:";
  Duration cache_duration = std::chrono::seconds(10);
  bool fault_tolerant = false;
  std::vector<std::string> header_names{"Authorization"};
  std::vector<std::string> uri_param_names, cookie_names;
  bool cache = true;
  int cache_size = 10'000;
};

const config::Options<Config>& options();

}  // namespace gatehouse::plugins::jwt
