// What a token costs: each step of its own, and the whole of what a request needs. The budget is what OpenSSL's
// arithmetic takes
// (`openssl speed rsa2048 ecdsap256 ed25519`) and a microsecond.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "base/arena.h"
#include "jose/claims.h"
#include "jose/key.h"
#include "jose/key_set.h"
#include "jose/times.h"
#include "jose/token.h"
#include "support/jwt.h"

namespace gatehouse::jose {
namespace {

constexpr std::string_view kClaims =
    R"({"iss":"https://id.example.com","sub":"248289761001","aud":["shop","orders"],"exp":1900000000,"iat":1700000000,)"
    R"("user_id":"u-1001","email":"alice@example.com","realm_access":{"roles":["customer","admin"]},"scope":"openid profile"})";

struct Sample {
  std::string text;
  KeySet keys;
};

Sample sample(std::string_view algorithm) {
  const test::SigningKey key = test::SigningKey::fit_for(algorithm);
  auto keys = parse_jwks(test::jwks({key.jwk(R"("kid":"1","alg":")" + std::string(algorithm) + '"')}), kAllAlgorithms);
  return {test::jwt(key, algorithm, kClaims, "1"), *std::move(keys)};
}

/// The signature alone.
void verify_signature(benchmark::State& state, std::string_view algorithm) {
  const Sample made = sample(algorithm);
  Arena arena;
  const Token token = *parse_compact(made.text, arena);
  const Key& key = made.keys.keys()[0];
  for (auto _ : state) {
    if (!verify(key, token)) state.SkipWithError("not verified");
  }
}
BENCHMARK_CAPTURE(verify_signature, HS256, "HS256");
BENCHMARK_CAPTURE(verify_signature, HS512, "HS512");
BENCHMARK_CAPTURE(verify_signature, RS256, "RS256");
BENCHMARK_CAPTURE(verify_signature, PS256, "PS256");
BENCHMARK_CAPTURE(verify_signature, ES256, "ES256");
BENCHMARK_CAPTURE(verify_signature, ES384, "ES384");
BENCHMARK_CAPTURE(verify_signature, EdDSA, "EdDSA");

/// Keys in turn: above 256 a thread makes a context for each verification.
void verify_with_many_keys(benchmark::State& state) {
  std::vector<Key> keys;
  std::vector<std::string> signatures;
  for (int i = 0; i < state.range(0); ++i) {
    const test::SigningKey signer = test::SigningKey::ec();
    keys.push_back(*Key::from_jwk(signer.jwk()));
    signatures.push_back(signer.sign("ES256", kClaims));
  }
  std::size_t at = 0;
  for (auto _ : state) {
    at = (at + 1) % keys.size();
    if (!keys[at].verify(Algorithm::ES256, kClaims, signatures[at])) state.SkipWithError("not verified");
  }
}
BENCHMARK(verify_with_many_keys)->Arg(10)->Arg(1000);

/// Budget: 500 ns.
void parse_token(benchmark::State& state) {
  const Sample made = sample("HS256");
  for (auto _ : state) {
    Arena arena;
    benchmark::DoNotOptimize(parse_compact(made.text, arena));
  }
}
BENCHMARK(parse_token);

/// Budget: 1 us.
void parse_claims_of_a_token(benchmark::State& state) {
  for (auto _ : state) {
    Arena arena;
    benchmark::DoNotOptimize(parse_claims(kClaims, arena));
  }
}
BENCHMARK(parse_claims_of_a_token);

void keep_claims(benchmark::State& state) {
  Arena arena;
  const ClaimsView claims = *parse_claims(kClaims, arena);
  for (auto _ : state) benchmark::DoNotOptimize(Claims(claims));
}
BENCHMARK(keep_claims);

void find_a_nested_claim(benchmark::State& state) {
  Arena arena;
  const Claims claims(*parse_claims(kClaims, arena));
  for (auto _ : state) {
    Arena scratch;
    benchmark::DoNotOptimize(claims.text("realm_access.roles", scratch));
  }
}
BENCHMARK(find_a_nested_claim);

/// From the text to checked claims.
void whole(benchmark::State& state, std::string_view algorithm) {
  const Sample made = sample(algorithm);
  for (auto _ : state) {
    Arena arena;
    const auto token = parse_compact(made.text, arena);
    const auto claims = made.keys.verify(*token) == nullptr ? ClaimsView() : *parse_claims(token->payload, arena);
    if (check_times(claims, {.now_s = 1'800'000'000, .skew_s = 60, .max_age_s = 200'000'000}) != TimeFault::none) {
      state.SkipWithError("not verified");
    }
  }
}
BENCHMARK_CAPTURE(whole, HS256, "HS256");
BENCHMARK_CAPTURE(whole, RS256, "RS256");
BENCHMARK_CAPTURE(whole, ES256, "ES256");
BENCHMARK_CAPTURE(whole, EdDSA, "EdDSA");

}  // namespace
}  // namespace gatehouse::jose
