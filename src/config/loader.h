#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"
#include "config/model.h"
#include "config/references.h"

namespace gatehouse::config {

class Node;
class Decoder;

/// What tells a credential from all others of its type. `unique` may be the secret's hash, `shown` is for logs.
struct CredentialName {
  std::string unique, shown;
};

/// What is wrong with a credential, and with which key of it; nothing where `message` is "".
struct CredentialFault {
  std::string key, message;
};
using CredentialCheck = std::function<CredentialFault(const Node& credential)>;

/// What an authentication plugin says of consumers' credentials of its type.
struct CredentialInfo {
  /// Decodes what is written besides the keys that all credentials have, and reports every fault.
  std::function<void(const Node& written, const std::string& path, Diagnostics&)> check;
  std::function<CredentialName(const Node& written)> name;
  std::function<Node(const Node& written)> effective;  ///< for printing: complete, without secrets
  std::function<std::string()> schema, options_table;
};

/// What the configuration layer must know of a plugin without linking it.
struct PluginInfo {
  std::string name;
  std::string summary;  ///< one line for docs and schema
  int rank = 0;         ///< position in the chain, higher runs earlier (Kong's priority where Kong has the plugin)
  /// Decodes the `config` mapping (null: absent) and reports every fault. Called by check and at build.
  std::function<void(const Node* config, const std::string& path, const Mark& at, Diagnostics&)> check;
  /// JSON Schema of `config`, as text.
  std::function<std::string()> schema;
  /// Rows of the options table of the docs page, Markdown.
  std::function<std::string()> options_table;
  /// Names of what must be there that a config refers to (mirror's `service`).
  std::function<References(const Node* config)> references;
  /// A written config for printing: defaults filled in, secrets as ***. Empty: printed as written.
  std::function<std::shared_ptr<const Node>(const Node* config)> effective;
  /// It finds out who calls: `auth` may name it.
  bool authenticates = false;
  std::optional<CredentialInfo> credential;
  /// Finds what only shows when a config and credentials of its type come together; empty where that is nothing.
  std::function<CredentialCheck(const Node* config)> credential_check;
  /// Header fields in which clients send credentials.
  std::function<std::vector<std::string>(const Node* config)> credential_headers;
  /// Header fields that say who calls, filled by it: taken out of what clients send, on every route.
  std::function<std::vector<std::string>(const Node* config)> identity_headers;
  /// The key of a config that asks for the gateway's `redis`; "" for none.
  std::function<std::string(const Node* config)> needs_redis;
  /// The key of a config that can only be answered when it is known who calls; "" for none.
  std::function<std::string(const Node* config)> needs_caller;
  /// Query parameters that hold credentials: *** in logs.
  std::function<std::vector<std::string>(const Node* config)> secret_parameters;
};

/// Checks that other layers lend to the loader, so that config links none of them.
struct Catalogue {
  std::vector<PluginInfo> plugins;
  /// "" if `pattern` is a valid RE2, else RE2's message.
  std::function<std::string(std::string_view pattern)> check_regex;
  /// "" if it is a valid path pattern (PathPattern), else why not; fills the names that it captures.
  std::function<std::string(std::string_view pattern, std::vector<std::string>* captures)> check_path;
  /// "" if it is a format of the access log, else why not.
  std::function<std::string(std::string_view format)> check_access_format;
  /// Duplicate, shadowed and order-decided routes, found by the router.
  std::function<void(const Model&, Diagnostics&)> check_routes;
  /// Certificates and keys of listeners that cannot be used.
  std::function<void(const Model&, Diagnostics&)> check_tls;

  const PluginInfo* plugin(std::string_view name) const;
};

/// How a load reaches files; `check` and `run` use the real ones.
struct Source {
  std::string name;  ///< shown in marks: "shop.yaml", or "POST /config"
  std::string text;
  bool allow_files = true;  ///< false refuses include, import and ${file:}
};

struct Loaded {
  Model model;
  Diagnostics diagnostics;           ///< sorted
  std::vector<std::string> files;    ///< every file read, includes (patterns too) and ${file:}: what --watch watches
  std::shared_ptr<const Node> tree;  ///< the merged document, for print --effective
};

/// Reads and checks a file; never throws. On errors the model is as far as it could be decoded and must not be run.
Loaded load_file(const std::string& path, const Catalogue& catalogue);
Loaded load_text(const Source& source, const Catalogue& catalogue);

/// The configuration with every default filled in, as YAML that loads to the same model once secrets, shown as ***, are
/// put back.
std::string print_effective(const Loaded& loaded, const Catalogue& catalogue);
/// The same as JSON.
std::string print_effective_json(const Loaded& loaded, const Catalogue& catalogue);
/// JSON Schema (2020-12) of the native format, plugins included, for editors.
std::string schema(const Catalogue& catalogue);

}  // namespace gatehouse::config
