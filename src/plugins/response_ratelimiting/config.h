#pragma once
#include <string>
#include <utility>
#include <vector>

#include "plugins/rate_limiting/config.h"

namespace gatehouse::plugins::response_ratelimiting {

struct Config {
  std::vector<std::pair<std::string, rate_limiting::WrittenLimits>> limits;
  std::string header_name = "X-Kong-Limit";
  rate_limiting::LimitBy limit_by = rate_limiting::LimitBy::consumer;
  bool block_on_first_violation = false;
  bool hide_client_headers = false;
  rate_limiting::Policy policy = rate_limiting::Policy::local;
  bool fault_tolerant = true;
  std::string key_space = "gh";
  std::uint32_t max_keys = 1'000'000;
  int error_code = 429;
  std::string error_message = "the quota is used up";
};

const config::Options<Config>& options();

}  // namespace gatehouse::plugins::response_ratelimiting
