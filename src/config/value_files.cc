#include "config/custom_kind.h"
#include "config/decode.h"
#include "config/load_values.h"

namespace gatehouse::config {

Value<std::string> file_name() {
  return custom<std::string>({.decode =
                                  [](const Node& node, const Where& at, std::string& to) {
                                    if (!node.is_scalar() || node.text().empty()) {
                                      at.expected("the name of a file", node);
                                      return false;
                                    }
                                    to = relative_to_writer(node.mark(), node.text());
                                    return true;
                                  },
                              .type = "file",
                              .schema = schema_of_type("string")});
}

Mark mark_of(const Node& node, const char* key) {
  const Node* found = node.find(key);
  return found != nullptr ? found->mark() : node.mark();
}

void mark_tls_rules(const Node& node, TlsRules& to) {
  to.ciphers_mark = mark_of(node, "ciphers");
  to.curves_mark = mark_of(node, "curves");
}

void check_tls_rules(const TlsRules& rules, const Where& at) {
  if (rules.min_version > rules.max_version) at.error("has a \"min_version\" above its \"max_version\"");
}

}  // namespace gatehouse::config
