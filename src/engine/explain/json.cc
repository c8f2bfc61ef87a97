#include "config/node.h"
#include "engine/explain/facts.h"

namespace gatehouse::engine::explaining {
namespace {

using config::Node;

Node integer(std::uint64_t value) {
  return Node::integer(static_cast<std::int64_t>(value));
}

Node text_or_null(const std::string& text) {
  return text.empty() ? Node() : Node::string(text);
}

Node lines(const Lines& lines) {
  Node list = Node::sequence();
  for (const auto& [name, value] : lines) {
    Node& line = list.push(Node::mapping());
    line.set("name", Node::string(name));
    line.set("value", Node::string(value));
  }
  return list;
}

Node changes(const Changes& changes) {
  Node node = Node::mapping();
  node.set("added", lines(changes.added));
  node.set("removed", lines(changes.removed));
  for (const Changes::Value& value : changes.values) {
    Node& pair = node.set(value.name, Node::mapping());
    pair.set("from", Node::string(value.from));
    pair.set("to", Node::string(value.to));
  }
  return node;
}

Node identity(const IdentityFact& fact) {
  Node node = Node::mapping();
  node.set("admitted", Node::boolean(fact.admitted));
  node.set("consumer", text_or_null(fact.consumer));
  node.set("anonymous", Node::boolean(fact.anonymous));
  node.set("groups", text_or_null(fact.groups));
  node.set("tier", text_or_null(fact.tier));
  node.set("credential", text_or_null(fact.credential));
  node.set("changes", changes(fact.changes));
  return node;
}

const char* outcome(PluginFact::Outcome outcome) {
  switch (outcome) {
    case PluginFact::Outcome::proceeds:
      return "proceeds";
    case PluginFact::Outcome::answers:
      return "answers";
    case PluginFact::Outcome::would_wait:
      return "would_wait";
    case PluginFact::Outcome::no_hook:
      return "no_hook";
    case PluginFact::Outcome::not_reached:
      return "not_reached";
    case PluginFact::Outcome::later:
      return "later";
  }
  return "";
}

Node plugins(const std::vector<PluginFact>& facts) {
  Node list = Node::sequence();
  for (const PluginFact& fact : facts) {
    Node& node = list.push(Node::mapping());
    node.set("name", Node::string(fact.name));
    if (!fact.instance.empty()) node.set("instance", Node::string(fact.instance));
    node.set("rank", Node::integer(fact.rank));
    node.set("level", Node::string(fact.level));
    node.set("place", Node::string(fact.place));
    node.set("outcome", Node::string(outcome(fact.outcome)));
    if (!fact.changes.empty()) node.set("changes", changes(fact.changes));
    if (!fact.copies_to.empty()) {
      Node& copies = node.set("copies_to", Node::sequence());
      for (const std::string& service : fact.copies_to) copies.push(Node::string(service));
    }
    if (fact.watches_request_body) node.set("watches_request_body", Node::boolean(true));
    if (fact.watches_response_body) node.set("watches_response_body", Node::boolean(true));
  }
  return list;
}

Node request(const Facts& facts) {
  Node node = Node::mapping();
  node.set("line", Node::string(facts.request_line));
  node.set("headers", lines(facts.fields));
  node.set("body_bytes", integer(facts.body_size));
  node.set("listener", Node::string(facts.listener));
  node.set("listener_address", Node::string(facts.listener_address));
  node.set("scheme", Node::string(facts.https ? "https" : "http"));
  node.set("host", Node::string(facts.host));
  node.set("path", text_or_null(facts.path));
  if (!facts.preflight_method.empty()) node.set("preflight_for", Node::string(facts.preflight_method));
  return node;
}

Node client(const Facts& facts) {
  Node node = Node::mapping();
  node.set("peer", Node::string(facts.peer));
  node.set("ip", Node::string(facts.client_ip));
  node.set("reason", Node::string(facts.client_ip_reason));
  if (!facts.client_certificate.empty()) node.set("certificate", Node::string(facts.client_certificate));
  return node;
}

Node candidates(const Facts& facts) {
  Node list = Node::sequence();
  for (const CandidateFact& fact : facts.candidates) {
    using Result = CandidateFact::Result;
    Node& node = list.push(Node::mapping());
    node.set("route", Node::string(fact.route));
    node.set("place", Node::string(fact.place));
    node.set("rank", Node::string(fact.rank));
    node.set("result", Node::string(fact.result == Result::matched  ? "matched"
                                    : fact.result == Result::failed ? "failed"
                                                                    : "not_reached"));
    if (fact.result == Result::failed) node.set("failed", Node::string(fact.failed));
  }
  return list;
}

Node split(const Facts& facts) {
  Node node = Node::mapping();
  Node& services = node.set("services", Node::sequence());
  for (const SplitFact& fact : facts.split) {
    Node& part = services.push(Node::mapping());
    part.set("service", Node::string(fact.service));
    part.set("weight", integer(fact.weight));
    part.set("chosen", Node::boolean(fact.chosen));
  }
  node.set("reason", Node::string(facts.split_reason));
  return node;
}

Node route(const Facts& facts) {
  Node node = Node::mapping();
  node.set("name", Node::string(facts.route));
  node.set("place", Node::string(facts.route_place));
  Node& captures = node.set("captures", Node::mapping());
  for (const auto& [name, value] : facts.captures) captures.set(name, Node::string(value));
  if (!facts.split.empty()) node.set("split", split(facts));
  return node;
}

Node path_steps(const Facts& facts) {
  Node list = Node::sequence();
  for (const PathStep& step : facts.path_steps) {
    Node& node = list.push(Node::mapping());
    node.set("step", Node::string(step.what));
    node.set("path", Node::string(step.path));
  }
  return list;
}

Node forward(const ForwardFact& fact) {
  Node node = Node::mapping();
  node.set("service", Node::string(fact.service));
  node.set("place", Node::string(fact.place));
  if (!fact.url.empty()) node.set("url", Node::string(fact.url));
  Node& targets = node.set("targets", Node::sequence());
  for (const TargetFact& target : fact.targets) {
    Node& each = targets.push(Node::mapping());
    each.set("address", Node::string(target.address));
    each.set("weight", integer(target.weight));
    each.set("first", Node::boolean(target.first));
  }
  node.set("request_line", Node::string(fact.request_line));
  node.set("headers", lines(fact.fields));
  Node& settings = node.set("settings", Node::mapping());
  for (const Setting& setting : fact.settings) {
    Node& each = settings.set(setting.name, Node::mapping());
    each.set("value", Node::string(setting.value));
    each.set("from", Node::string(setting.from));
    if (!setting.place.empty()) each.set("place", Node::string(setting.place));
  }
  return node;
}

Node reply(const ReplyFact& fact) {
  Node node = Node::mapping();
  node.set("status", Node::integer(fact.status));
  node.set("reason", text_or_null(fact.reason));
  node.set("headers", lines(fact.fields));
  node.set("body", Node::string(fact.body));
  return node;
}

}  // namespace

std::string as_json(const Facts& facts) {
  Node root = Node::mapping();
  root.set("request", request(facts));
  root.set("client", client(facts));
  root.set("taken_in", changes(facts.taken_in));
  Node& notes = root.set("notes", Node::sequence());
  for (const std::string& note : facts.notes) notes.push(Node::string(note));
  root.set("candidates", candidates(facts));
  root.set("decision", Node::string(facts.decision));
  root.set("route", facts.route.empty() ? Node() : route(facts));
  root.set("request_plugins", plugins(facts.request_plugins));
  root.set("identity", facts.identity ? identity(*facts.identity) : Node());
  root.set("path_steps", path_steps(facts));
  root.set("attempt_plugins", plugins(facts.attempt_plugins));
  root.set("forward", facts.forward ? forward(*facts.forward) : Node());
  root.set("response_plugins", plugins(facts.response_plugins));
  root.set("reply", facts.reply ? reply(*facts.reply) : Node());
  return to_json(root);
}

}  // namespace gatehouse::engine::explaining
