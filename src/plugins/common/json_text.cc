#include "plugins/common/json_text.h"

#include "config/custom_kind.h"

namespace gatehouse::plugins {

config::Value<std::string> json_text() {
  return config::custom<std::string>({.decode =
                                          [](const config::Node& node, const config::Where& at, std::string& to) {
                                            if (!node.is_mapping()) {
                                              at.expected("a mapping", node);
                                              return false;
                                            }
                                            to = config::to_json_line(node);
                                            return true;
                                          },
                                      .type = "mapping",
                                      .schema = config::schema_of_type("object")});
}

}  // namespace gatehouse::plugins
