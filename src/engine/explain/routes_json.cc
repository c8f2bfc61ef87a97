#include "config/node.h"
#include "engine/explain.h"
#include "engine/explain/settings.h"

namespace gatehouse::engine {
namespace {

using config::Node;

Node strings(const std::vector<std::string>& values) {
  Node list = Node::sequence();
  for (const std::string& value : values) list.push(Node::string(value));
  return list;
}

Node value_match(const config::ValueMatch& match) {
  using Kind = config::ValueMatch::Kind;
  if (match.kind == Kind::one_of) return strings(match.values);
  Node node = Node::mapping();
  if (match.kind == Kind::regex) {
    node.set("regex", Node::string(match.regex));
  } else {
    node.set("present", Node::boolean(match.kind == Kind::present));
  }
  return node;
}

Node named_matches(const std::vector<config::NamedMatch>& matches) {
  Node node = Node::mapping();
  for (const config::NamedMatch& each : matches) node.set(each.name, value_match(each.match));
  return node;
}

/// Only the conditions that the route gives.
Node conditions(const config::Route& route) {
  Node node = Node::mapping();
  if (!route.hosts.empty()) node.set("hosts", strings(route.hosts));
  if (!route.paths.empty()) {
    Node& paths = node.set("path", Node::sequence());
    for (const config::PathPattern& path : route.paths) paths.push(Node::string(path.text));
  }
  if (!route.methods.empty()) node.set("methods", strings(route.methods));
  if (!route.headers.empty()) node.set("headers", named_matches(route.headers));
  if (!route.query.empty()) node.set("query", named_matches(route.query));
  if (!route.clients.empty()) {
    Node& clients = node.set("clients", Node::sequence());
    for (const Cidr& block : route.clients) clients.push(Node::string(block.text()));
  }
  if (!route.client_cert.empty()) node.set("client_cert", named_matches(route.client_cert));
  if (!route.listeners.empty()) node.set("listeners", strings(route.listeners));
  if (route.scheme != config::SchemeMatch::any) {
    node.set("scheme", Node::string(route.scheme == config::SchemeMatch::https ? "https" : "http"));
  }
  return node;
}

struct WriteAction {
  Node operator()(const config::ForwardAction& action) const {
    Node node = Node::mapping();
    node.set("service", Node::string(action.service));
    return node;
  }
  Node operator()(const config::SplitAction& action) const {
    Node node = Node::mapping();
    Node& services = node.set("split", Node::mapping());
    for (const config::SplitAction::Part& part : action.parts) services.set(part.service, Node::integer(part.weight));
    return node;
  }
  Node operator()(const config::RedirectAction& action) const {
    Node node = Node::mapping();
    Node& redirect = node.set("redirect", Node::mapping());
    redirect.set("location", Node::string(action.location));
    redirect.set("status", Node::integer(action.status));
    return node;
  }
  Node operator()(const config::RespondAction& action) const {
    Node node = Node::mapping();
    node.set("respond", Node::mapping()).set("status", Node::integer(action.status));
    return node;
  }
};

Node plugins(const RouteRuntime& route) {
  Node list = Node::sequence();
  for (const plugin::Instance* member : route.destinations.front().chain.members()) {
    Node& node = list.push(Node::mapping());
    node.set("name", Node::string(std::string(member->type->name)));
    if (!member->instance.empty()) node.set("instance", Node::string(member->instance));
    node.set("rank", Node::integer(member->rank));
    node.set("level", Node::string(explaining::level_of(*member->use)));
    node.set("place", Node::string(explaining::place_of(member->use->mark)));
  }
  return list;
}

}  // namespace

std::string routes_json(const Snapshot& snapshot) {
  Node list = Node::sequence();
  for (const std::uint32_t index : snapshot.router->order()) {
    const RouteRuntime& runtime = snapshot.routes[index];
    const config::Route& route = *runtime.source;
    Node& node = list.push(Node::mapping());
    node.set("name", Node::string(route.name));
    node.set("place", Node::string(explaining::place_of(route.mark)));
    node.set("priority", Node::integer(route.priority));
    node.set("conditions", conditions(route));
    node.set("action", std::visit(WriteAction(), route.action));
    node.set("plugins", plugins(runtime));
  }
  return to_json(list);
}

}  // namespace gatehouse::engine
