#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "config/value_kinds.h"
#include "jose/key_set.h"
#include "plugin/document.h"

/// Keys as JSON, those that are written and those that issuers publish.
namespace gatehouse::plugins::jwt {

/// A JWK or a set of them, as JSON text or as a mapping. One that holds a secret or a private key is refused: what is
/// public is printed.
config::Value<std::string> json_document();

/// Reads a JWK Set or a document of OpenID Connect Discovery, which says where the set is. `issuer` must be the one
/// that the latter names.
plugin::DocumentContent read_keys(std::string_view body, std::string_view issuer, jose::AlgorithmSet allowed);

/// As options list them.
std::vector<std::string> algorithm_names(jose::AlgorithmSet algorithms);

}  // namespace gatehouse::plugins::jwt
