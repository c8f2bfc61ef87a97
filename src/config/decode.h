#pragma once
#include "config/loader.h"
#include "config/model.h"
#include "config/options.h"

namespace gatehouse::config {

/// What is written of each object before names are resolved: the model's struct and what has to be looked at again.

/// A name that refers to something, with its place.
struct Reference {
  std::string name;
  Mark mark;
};

struct WrittenListener : Listener {
  const Node* limits_node = nullptr;
};

struct WrittenService : Service {
  Reference written_url;
  std::optional<Target> dns;
  std::string written_protocol = "http", algorithm = "round-robin";
};

struct WrittenRoute : Route {
  std::optional<Reference> forward;
  std::optional<SplitAction> split;
  std::optional<RedirectAction> redirect;
  std::optional<RespondAction> respond;
  std::vector<Reference> listener_references;
  Mark action_mark;
};

/// An entry of `api_keys`: a consumer with one key.
struct ApiKey {
  Secret key;
  std::string key_hash, name, tier;
  std::optional<Rate> rate_limit;
  std::vector<std::string> services, groups;
  Mark mark, key_mark;
  std::string config_path;
};

struct WrittenModel : Model {
  std::vector<std::string> include;
  std::vector<WrittenListener> written_listeners;
  std::vector<WrittenService> written_services;
  std::vector<WrittenRoute> written_routes;
  Reference default_service_reference;
  std::vector<std::pair<std::string, Tier>> written_tiers;
  std::vector<ApiKey> api_keys;
  const Node* validation = nullptr;
};

/// The tables of the native format, outermost first. Built once.
const Options<WrittenModel>& root_options();
const Options<Limits>& limits_options();
const Options<WrittenListener>& listener_options();
const Options<Admin>& admin_options();
const Options<WrittenService>& service_options();
const Options<WrittenRoute>& route_options();
const Options<PluginUse>& plugin_options();

/// Lists of the objects above; each keeps its mark and what could be decoded of it.
Value<std::vector<PluginUse>> plugin_list();
Value<std::vector<WrittenListener>> listener_list();
Value<std::vector<WrittenService>> service_list();
Value<std::vector<WrittenRoute>> route_list();
Value<std::vector<Consumer>> consumer_list();
Value<std::vector<ApiKey>> api_key_list();
Value<std::vector<std::pair<std::string, Tier>>> tier_map();
Value<Authentication> authentication();
Value<Redis> redis();
/// "10.0.0.1:80", "[::1]:80", "items.internal:80", "unix:/run/x.sock"
Value<Address> target_address();
Value<ServiceTls> service_tls();
bool decode_authentication(const Node& node, const Where& at, Authentication& to);
bool decode_credential(const Node& node, const Where& at, CredentialUse& to);
/// What all credentials have, and what is of the type.
std::pair<Node, Node> split_credential(const Node& written);
/// "" or which of the limits could never be reached. `rates` go from the shortest period to the longest.
std::string check_window_order(const std::vector<Rate>& rates);
/// Ranks from here on are before or of authentication (plugin/authentication.h).
inline constexpr int kLowestAuthenticationRank = 1000;
Value<const Node*> api_key_validation();
const Options<CredentialUse>& credential_options();
Value<Reference> reference(std::string type);
/// The versions, ciphers and curves that both sides of TLS have alike.
template <class C>
Options<C> with_tls_rules(Options<C> table) {
  table.add("min_version", &C::min_version, one_of({"1.2", "1.3"}), "The lowest version of TLS.")
      .add("max_version", &C::max_version, one_of({"1.2", "1.3"}), "The highest.")
      .add("ciphers", &C::ciphers, list(non_empty(), 1),
           "Names of OpenSSL or IANA, the dearest first; those of a version replace its defaults.")
      .add("curves", &C::curves, list(non_empty(), 1), "For the key exchange, the dearest first.");
  return table;
}
void mark_tls_rules(const Node& node, TlsRules& to);
void check_tls_rules(const TlsRules& rules, const Where& at);

/// Where `key` stands in `node`, or `node` itself.
Mark mark_of(const Node& node, const char* key);

/// Names, references and what spans several objects; completes the model. `tree` owns the nodes that plugins keep.
Model resolve(WrittenModel written, const std::shared_ptr<const Node>& tree, const Catalogue& catalogue,
              Diagnostics& out);

/// Consumers, tiers and api_keys: completes them, and checks that they name what there is.
void resolve_identity(WrittenModel& written, const std::shared_ptr<const Node>& tree, const Catalogue& catalogue,
                      const std::vector<std::string>& services, Diagnostics& out);
/// The plugins and the consumer that an `auth` names.
void check_authentication(const Authentication& auth, const std::string& path, const Model& model,
                          const Catalogue& catalogue, Diagnostics& out);

/// Calls `see` with each list of plugins in the model.
template <class See>
void for_each_plugin_list(const Model& model, See&& see) {
  see(model.plugins);
  for (const Service& service : model.services) see(service.plugins);
  for (const Route& route : model.routes) see(route.plugins);
  for (const Consumer& consumer : model.consumers) see(consumer.plugins);
}
struct Place {
  Mark mark;
  std::string path;
};
/// Where the option `key` of a plugin stands; the plugin itself, where it is not written.
inline Place option_of(const PluginUse& use, const std::string& key) {
  const Node* const at = use.config ? use.config->find(key) : nullptr;
  return {at != nullptr ? at->mark() : use.mark, use.config_path + ".config." + key};
}
/// Checks the plugins of one list, and lets their configs share `tree`.
void check_plugins(std::vector<PluginUse>& plugins, const std::shared_ptr<const Node>& tree, const Catalogue& catalogue,
                   Diagnostics& out);
/// Who counts in a Redis and is not told in which gets the one where Redis' own programs look; who believes what stands
/// there about callers must be told.
void find_redis(Model& model, const Node& tree, const Catalogue& catalogue, Diagnostics& out);
/// What plugins' options say of consumers' credentials, and of each other's headers.
void check_credentials(const Model& model, const Catalogue& catalogue, Diagnostics& out);
/// What the options of plugins name: that it is there.
void check_references(const Model& model, const Catalogue& catalogue, Diagnostics& out);

/// "10.0.0.1:80", "[::1]:80", "unix:/run/x.sock", and "host:80" where `names`.
std::optional<Address> parse_address(std::string_view text, bool names);
bool is_host_name(std::string_view text);

/// "GET,POST api.example.com/payments/*"
std::string name_of_conditions(const Route& route);

}  // namespace gatehouse::config
