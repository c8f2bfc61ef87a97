#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/node.h"
#include "config/options.h"
#include "engine/explain.h"
#include "engine/offline.h"
#include "routing/router.h"

/// For the tests of explain: a plugin for each thing that a plugin can do, and a shop of routes.
namespace gatehouse::engine::explaining::testing {

using config::Node;
using plugin::Exchange;
using plugin::Verdict;

struct Settings {
  std::string service;
};
inline const config::Options<Settings>& settings() {
  static const auto table =
      config::Options<Settings>().add("service", &Settings::service, config::service_name(), "Who gets a copy.");
  return table;
}

template <class P>
struct TypeOf {
  static config::PluginInfo info() { return config::plugin_info(P::kName, "For tests.", P::kRank, settings()); }
  static std::shared_ptr<const plugin::Plugin> make(const Node* config, plugin::BuildContext& context) {
    return std::make_shared<P>(settings().read(config), context);
  }
  static constexpr plugin::PluginType kType{P::kName, plugin::Posture::fail_closed, plugin::hooks_of<P>(), info, make};
};

class Tags : public plugin::Plugin {
 public:
  static constexpr const char* kName = "tags";
  static constexpr int kRank = 50;
  Tags(const Settings&, plugin::BuildContext&) {}
  Verdict on_request(Exchange& x) const noexcept override {
    x.request.fields.set("X-Tag", "yes");
    x.request.fields.remove("X-Secret");
    x.forward_query = "";
    return Verdict::proceed;
  }
  Verdict on_response(Exchange& x) const noexcept override {
    x.response.fields.append("X-Answered", "yes");
    return Verdict::proceed;
  }
};

class Denies : public plugin::Plugin {
 public:
  static constexpr const char* kName = "denies";
  static constexpr int kRank = 100;
  Denies(const Settings&, plugin::BuildContext&) {}
  Verdict on_request(Exchange& x) const noexcept override { return x.refuse(Reason::forbidden, "not today"); }
};

class Waits : public plugin::Plugin {
 public:
  static constexpr const char* kName = "waits";
  static constexpr int kRank = 70;
  Waits(const Settings&, plugin::BuildContext&) {}
  Verdict on_request(Exchange&) const noexcept override { return Verdict::suspend; }
};

class Copies : public plugin::Plugin {
 public:
  static constexpr const char* kName = "copies";
  static constexpr int kRank = 1;
  Copies(const Settings& settings, plugin::BuildContext& context) : caller_(context.http(settings.service)) {}
  Verdict on_request(Exchange& x) const noexcept override {
    caller_->send_copy(x, "");
    x.observe_body(plugin::Direction::response);
    return Verdict::proceed;
  }

 private:
  std::shared_ptr<const plugin::HttpCaller> caller_;
};

/// Counts in what configurations share.
class Counts : public plugin::Plugin {
 public:
  static constexpr const char* kName = "counts";
  static constexpr int kRank = 60;
  Counts(const Settings&, plugin::BuildContext& context)
      : count_(context.process<int>("count", [] { return std::make_shared<int>(0); })) {}
  Verdict on_request(Exchange&) const noexcept override {
    ++*count_;
    return Verdict::proceed;
  }
  int count() const { return *count_; }

 private:
  std::shared_ptr<int> count_;
};

class Tries : public plugin::Plugin {
 public:
  static constexpr const char* kName = "tries";
  static constexpr int kRank = 40;
  Tries(const Settings&, plugin::BuildContext&) {}
  void on_attempt(Exchange& x, plugin::Attempt& attempt) const noexcept override {
    x.request.fields.set("X-Target", x.arena.copy(attempt.target));
  }
};

inline constexpr const plugin::PluginType* kTypes[] = {&TypeOf<Tags>::kType,   &TypeOf<Denies>::kType,
                                                       &TypeOf<Waits>::kType,  &TypeOf<Copies>::kType,
                                                       &TypeOf<Counts>::kType, &TypeOf<Tries>::kType};

inline constexpr const char* kFront = "listeners: [{name: public, address: \"127.0.0.1:8080\"}]\n";

inline std::shared_ptr<const Snapshot> snapshot_of(const std::string& yaml) {
  config::Catalogue catalogue;
  for (const plugin::PluginType* type : kTypes) catalogue.plugins.push_back(type->info());
  catalogue.check_path = routing::check_path;
  config::Loaded loaded = config::load_text({.name = "t.yaml", .text = kFront + yaml}, catalogue);
  EXPECT_EQ(loaded.diagnostics.text(), "");
  config::Diagnostics faults;
  auto snapshot = build_offline(std::move(loaded), kTypes, faults);
  EXPECT_EQ(faults.text(), "");
  return snapshot;
}

inline ExplainRequest get(std::string url) {
  ExplainRequest request;
  request.url = std::move(url);
  return request;
}

inline std::string explained(const std::string& yaml, const ExplainRequest& request) {
  std::string error;
  std::string text = explain_offline(*snapshot_of(yaml), request, false, error);
  EXPECT_EQ(error, "");
  return text;
}

inline Node as_tree(const std::string& json) {
  config::Diagnostics faults;
  Node tree = config::parse_document(json, "explain", faults);
  EXPECT_EQ(faults.text(), "") << json;
  return tree;
}
inline Node explained_json(const std::string& yaml, const ExplainRequest& request) {
  std::string error;
  Node tree = as_tree(explain_offline(*snapshot_of(yaml), request, true, error));
  EXPECT_EQ(error, "");
  return tree;
}

/// The text at a path of keys and indices, "(none)" where there is nothing.
inline std::string at(const Node& tree, std::initializer_list<std::string_view> path) {
  const Node* node = &tree;
  for (const std::string_view key : path) {
    if (node->is_sequence()) {
      const auto index = static_cast<std::size_t>(std::stoi(std::string(key)));
      node = index < node->items().size() ? &node->items()[index] : nullptr;
    } else {
      node = node->find(key);
    }
    if (node == nullptr) return "(none)";
  }
  return node->is_null() ? "(none)" : node->text();
}

/// The part of a text that begins with the heading `name`, up to the next empty line.
inline std::string section(const std::string& text, const std::string& name) {
  const std::size_t start =
      text.find("\n\n" + name) == std::string::npos ? text.find(name) : text.find("\n\n" + name) + 2;
  if (start == std::string::npos) return "no section " + name + " in\n" + text;
  return text.substr(start, text.find("\n\n", start) - start) + "\n";
}

inline constexpr const char* kShop =
    "services:\n"
    "  - {name: users, url: \"http://127.0.0.1:9001/v1\", timeouts: {read: 7s, send: 8s}}\n"
    "  - {name: shadow, targets: [{address: \"10.0.0.1:80\"}, {address: \"10.0.0.2:80\", weight: 3}]}\n"
    "routes:\n"
    "  - {name: users, path: \"/users/*\", service: users, strip_path: true, timeouts: {read: 1s}, limits: {max_body: "
    "10}}\n"
    "  - {name: create, path: \"/users/{id}\", methods: [POST], service: users}\n"
    "  - {name: tea, path: /tea, respond: {status: 418, headers: {X-Pot: short}, body: stout}}\n"
    "  - {name: old, path: \"/old/{id}\", redirect: {location: \"https://x.example/{id}\"}}\n"
    "  - {name: shadow, path: \"/shadow/{id}\", rewrite: {path: \"/s/{id}\"}, service: shadow}\n";

}  // namespace gatehouse::engine::explaining::testing
