#pragma once
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "plugins/testing/fixture.h"

namespace gatehouse::plugins::testing {

/// The consumers of a list like the configuration's, each with `username`, `groups` and `credentials` that are all of
/// `type`. What is wrong with a credential fails the test.
inline std::shared_ptr<const plugin::Consumers> consumers(const plugin::PluginType& type, const std::string& yaml) {
  constexpr std::string_view kCommon[] = {"type", "id"};
  struct Kept {
    config::Model model;
    std::unique_ptr<plugin::Consumers> consumers;
  };
  const auto kept = std::make_shared<Kept>();
  const config::PluginInfo info = type.info();
  config::Diagnostics out;
  const config::Node list = parse(yaml, out);
  for (const config::Node& written : list.items()) {
    config::Consumer& consumer = kept->model.consumers.emplace_back();
    consumer.username = written.find("username")->text();
    if (const config::Node* const groups = written.find("groups")) {
      for (const config::Node& group : groups->items()) consumer.groups.push_back(group.text());
    }
    const config::Node* const credentials = written.find("credentials");
    if (credentials == nullptr) continue;
    for (const config::Node& each : credentials->items()) {
      config::CredentialUse& use = consumer.credentials.emplace_back();
      config::Node own = config::Node::mapping();
      for (const config::Node::Entry& entry : each.entries()) {
        if (std::ranges::find(kCommon, entry.key) == std::end(kCommon)) own.set(entry.key, entry.value);
      }
      info.credential->check(own, "credential", out);
      use.type = type.name;
      const config::Node* const id = each.find("id");
      use.id = id != nullptr ? id->text() : info.credential->name(own).shown;
      use.config = std::make_shared<const config::Node>(std::move(own));
    }
  }
  EXPECT_EQ(out.error_count(), 0u) << out.text();
  kept->consumers = std::make_unique<plugin::Consumers>(kept->model);
  return {kept, kept->consumers.get()};
}

}  // namespace gatehouse::plugins::testing
