#include "engine/tls_rules.h"

namespace gatehouse::engine {

std::optional<io::TlsRules> make_tls_rules(const config::TlsRules& written, const std::string& path,
                                           config::Diagnostics& out) {
  io::TlsRules rules{written.min_version == "1.2", written.max_version == "1.3", written.ciphers, written.curves};
  bool good = true;
  for (const io::TlsRulesFault& fault : io::check_rules(rules)) {
    const bool curves = fault.list == io::TlsRulesFault::List::curves;
    const config::Mark& mark = curves ? written.curves_mark : written.ciphers_mark;
    const std::string place = path + (curves ? ".curves" : ".ciphers");
    fault.warning ? out.warning(mark, place, fault.message) : out.error(mark, place, fault.message);
    good = good && fault.warning;
  }
  if (!good) return std::nullopt;
  return rules;
}

}  // namespace gatehouse::engine
