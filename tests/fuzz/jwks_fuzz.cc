// A JWK Set as an issuer serves it, and each part of the input as a PEM text.
#include "fuzz/fuzz.h"
#include "jose/key_set.h"

namespace {

using namespace gatehouse;
using namespace gatehouse::fuzz;
using jose::Algorithm;

void read_set(std::string_view text, jose::AlgorithmSet allowed) {
  const auto set = jose::parse_jwks(text, allowed);
  if (!set) {
    require(*set.error().detail != '\0', "an error says what is wrong");
    return;
  }
  require((set->skipped() > 0) == (*set->skipped_why() != '\0'), "what is left out has a reason");
  for (const jose::Key& key : set->keys()) {
    const jose::AlgorithmSet own = key.algorithms();
    require(!own.empty() && allowed.contains(own), "a key has allowed algorithms only");
    require(jose::kHmac.contains(own) || (own & jose::kHmac).empty(), "a secret is no public key");
    bool found = false;
    for (const jose::Key& other : set->find(key.kid())) found = found || &other == &key;
    require(found, "a key is found by its kid");
  }
  for (std::size_t i = 0; i < jose::kAlgorithmCount; ++i) {
    const jose::Token token{.algorithm = static_cast<Algorithm>(i),
                            .kid = "1",
                            .typ = {},
                            .signing_input = "a.b",
                            .payload = "",
                            .signature = text.substr(0, 64)};
    require(set->verify(token) == nullptr, "nothing verifies what was not signed");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = as_text(data, size);
  read_set(input, jose::kAsymmetric);
  read_set(input, jose::kAllAlgorithms);
  for (const Algorithm algorithm : {Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA}) {
    if (const auto key = jose::Key::from_pem(input, algorithm)) {
      require(key->algorithms() == jose::AlgorithmSet(algorithm), "a PEM key has the one algorithm");
      require(!key->verify(algorithm, "a.b", input.substr(0, 64)), "and verifies nothing that was not signed");
    }
  }
  return 0;
}
