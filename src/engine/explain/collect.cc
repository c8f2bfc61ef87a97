#include <algorithm>

#include "engine/dispatch.h"
#include "engine/explain/facts.h"
#include "engine/explain/observe.h"
#include "engine/explain/settings.h"
#include "engine/explain/written_request.h"
#include "engine/inbound.h"
#include "engine/offline.h"
#include "http/h1_parser.h"

namespace gatehouse::engine::explaining {
namespace {

using Outcome = PluginFact::Outcome;

PluginFact fact_of(const plugin::Instance& member) {
  PluginFact fact;
  fact.name = member.type->name;
  fact.instance = member.instance;
  fact.level = level_of(*member.use);
  fact.place = place_of(member.use->mark);
  fact.rank = member.rank;
  return fact;
}

Outcome outcome_of(plugin::Verdict verdict) {
  if (verdict == plugin::Verdict::reply) return Outcome::answers;
  return verdict == plugin::Verdict::suspend ? Outcome::would_wait : Outcome::proceeds;
}

/// One request on its way, as ExchangeDriver takes it, with nothing sent.
class Walk {
 public:
  Walk(const Snapshot& snapshot, WrittenRequest written)
      : snapshot_(snapshot), model_(snapshot.model()), written_(std::move(written)), dispatch_(snapshot) {}

  Facts run() {
    facts_.notes = written_.notes;
    const config::Listener& listener = model_.listeners[written_.listener];
    facts_.listener = listener.name;
    facts_.listener_address = listener.address.text();
    x_.now = steady_now();
    const bool readable = read(listener);
    take_in_request(listener);
    if (readable) {
      route();
      run_request_hooks();
    } else {
      chain_ = &dispatch_.destination().chain;
      x_.refuse(fault_.reason, fault_.detail);
      facts_.decision = "refused before routing: it is no valid request";
    }
    if (x_.replied) {
      reply();
    } else {
      forward();
    }
    return std::move(facts_);
  }

 private:
  /// The head as a session reads it. False: `fault_` says why it is none.
  bool read(const config::Listener& listener) {
    const config::Limits& limits = listener.limits;
    http::RequestParser parser({limits.request_line, limits.max_header_bytes, limits.max_headers});
    facts_.request_line = written_.head.substr(0, written_.head.find("\r\n"));
    if (parser.parse(written_.head, x_.request) == http::Parse::complete) {
      x_.method = x_.request.method_text;
      facts_.fields = lines_of(x_.request.fields);
      return true;
    }
    fault_ = parser.error();
    x_.request = http::RequestHead(arena_);
    x_.request.method = http::Method::other;
    return false;
  }

  void take_in_request(const config::Listener& listener) {
    const Moment before(x_);
    take_in(
        x_,
        {written_.peer, listener.address.port, listener.tls.has_value(), written_.listener, written_.certificate.get()},
        model_, random_);
    name_client(x_, model_, written_.listener);
    remove_identity(x_, snapshot_.identity_headers);
    if (written_.certificate != nullptr) facts_.client_certificate = written_.certificate->subject;
    facts_.taken_in = changes_between(before, Moment(x_), false);
    facts_.peer = written_.peer.text();
    facts_.client_ip = x_.client_ip_text;
    facts_.https = x_.https;
    if (!is_trusted_proxy(model_, written_.peer)) {
      facts_.client_ip_reason = "the peer; it is no trusted proxy, so its forwarding headers are replaced";
    } else if (x_.client_ip == written_.peer) {
      facts_.client_ip_reason = "the peer; it is a trusted proxy, but its X-Forwarded-For names nobody else";
    } else {
      facts_.client_ip_reason =
          "the rightmost address of X-Forwarded-For that is no trusted proxy's; the peer " + facts_.peer + " is one";
    }
  }

  void route() {
    dispatch_.route(x_, written_.listener, random_);
    facts_.host = x_.host;
    facts_.path = x_.path;
    if (x_.preflight) facts_.preflight_method = x_.method;
    if (x_.path.empty()) {
      facts_.decision = x_.refused() ? "refused before routing: " + std::string(to_string(x_.reason))
                                     : "answered by the gateway itself: it is about the gateway, not a path";
      return;
    }
    routing::Explanation explanation;
    routing::Captures captures;
    snapshot_.router->explain(routing_request(x_, written_.listener), captures, explanation);
    for (const routing::Candidate& candidate : explanation.candidates) {
      const config::Route& route = model_.routes[candidate.route];
      const auto result = candidate.matched   ? CandidateFact::Result::matched
                          : candidate.reached ? CandidateFact::Result::failed
                                              : CandidateFact::Result::not_reached;
      facts_.candidates.push_back({route.name, place_of(route.mark), candidate.rank, result, candidate.failed});
    }
    facts_.decision = explanation.decision;
    if (dispatch_.route() != nullptr) tell_route(*dispatch_.route());
  }

  void tell_route(const RouteRuntime& route) {
    facts_.route = route.source->name;
    facts_.route_place = place_of(route.source->mark);
    const routing::Match& found = dispatch_.found();
    const std::vector<std::string>& names = snapshot_.router->capture_names(found.route, found.path);
    for (std::size_t i = 0; i < dispatch_.captures().count; ++i) {
      facts_.captures.emplace_back(names[i], dispatch_.captures().values[i]);
    }
    if (route.destinations.size() > 1) tell_split(route);
    if (dispatch_.destination().service == nullptr) return;
    facts_.path_steps.push_back({"as sent", std::string(x_.request.path)});
    if (x_.path != x_.request.path) facts_.path_steps.push_back({"normalised", std::string(x_.path)});
    const bool rewritten = route.source->rewrite.set();
    if (rewritten || route.source->strip_path) {
      facts_.path_steps.push_back({rewritten ? "rewrite" : "strip_path", std::string(x_.forward_path)});
    } else if (x_.forward_path != x_.path) {
      facts_.path_steps.push_back({"forwarded as sent, since only escapes differ", std::string(x_.forward_path)});
    }
  }

  void tell_split(const RouteRuntime& route) {
    for (const Destination& destination : route.destinations) {
      facts_.split.push_back({destination.service->name, destination.weight, &destination == &dispatch_.destination()});
    }
    if (!route.sticky_cookie.empty()) {
      facts_.split_reason = dispatch_.sticky_cookie().empty()
                                ? "the cookie " + route.sticky_cookie + " decides"
                                : "drawn by weight; the cookie " + route.sticky_cookie + " is set and keeps it";
    } else if (!route.sticky_header.empty() && !x_.request.fields.get(route.sticky_header).empty()) {
      facts_.split_reason = "the header " + route.sticky_header + " decides";
    } else {
      facts_.split_reason = "drawn by weight for this request";
    }
  }

  void run_request_hooks() {
    chain_ = &dispatch_.destination().chain;
    if (!dispatch_.runs_request_hooks(x_)) return;
    const bool authenticates = dispatch_.destination().authenticates;
    if (authenticates) plugin::begin_authentication(x_, dispatch_.destination().rules);
    bool ended = false;
    for (const bool identified : {false, true}) {
      for (const plugin::Instance* member : chain_->members()) {
        if ((member->rank < plugin::kAuthenticationRank) == identified) run_request_hook(*member, ended);
      }
      if (!identified && authenticates && !ended) ended = !identify();
    }
  }

  void run_request_hook(const plugin::Instance& member, bool& ended) {
    PluginFact fact = fact_of(member);
    if (!member.type->hooks.request) {
      fact.outcome = Outcome::no_hook;
    } else if (ended) {
      fact.outcome = Outcome::not_reached;
    } else {
      const bool watched_request = x_.observes(plugin::Direction::request);
      const bool watched_response = x_.observes(plugin::Direction::response);
      const Moment before(x_);
      take_unsent_copies();
      fact.outcome = outcome_of(member.plugin->on_request(x_));
      fact.copies_to = take_unsent_copies();
      fact.changes = changes_between(before, Moment(x_), false);
      fact.watches_request_body = !watched_request && x_.observes(plugin::Direction::request);
      fact.watches_response_body = !watched_response && x_.observes(plugin::Direction::response);
      ended = fact.outcome == Outcome::answers;
    }
    facts_.request_plugins.push_back(std::move(fact));
  }

  /// Whether the request goes on.
  bool identify() {
    const Moment before(x_);
    IdentityFact& fact = facts_.identity.emplace();
    fact.admitted = plugin::finish_authentication(x_) != plugin::Verdict::reply;
    fact.changes = changes_between(before, Moment(x_), false);
    fact.credential = x_.credential_id;
    fact.anonymous = x_.anonymous;
    if (x_.consumer != nullptr) {
      fact.consumer = x_.consumer->username;
      fact.groups = x_.consumer->groups_text;
      fact.tier = x_.credential != nullptr && !x_.credential->tier.empty() ? x_.credential->tier : x_.consumer->tier;
    }
    if (fact.admitted) chain_ = snapshot_.chain_for(x_, *chain_);
    return fact.admitted;
  }

  void forward() {
    const ServiceRuntime& service = *dispatch_.destination().service;
    ForwardFact fact;
    fact.service = service.name;
    fact.place = place_of(service.source->mark);
    fact.url = service.source->url;
    fact.settings = settings_in_force(*snapshot_.loaded, model_.listeners[written_.listener],
                                      *dispatch_.route()->source, *service.source);
    tell_targets(*service.source, fact);

    const std::string target(dispatch_.finish_head(x_));
    tell_last_path_steps(service, target);
    run_attempt_hooks(fact);
    for (const plugin::Instance* member : chain_->members()) {
      if (!member->type->hooks.response && !member->type->hooks.body) continue;
      facts_.response_plugins.push_back(fact_of(*member));
      facts_.response_plugins.back().outcome = Outcome::later;
    }
    fact.request_line = std::string(x_.request.method_text) + " " + target + " HTTP/1.1";
    fact.fields = sent_lines(x_.request.fields, x_.request.framing);
    facts_.forward = std::move(fact);
  }

  static void tell_targets(const config::Service& service, ForwardFact& fact) {
    // Round robin by weight begins with the heaviest, the first of equals.
    const auto heaviest = std::ranges::max_element(service.targets, {}, &config::Target::weight);
    for (const config::Target& target : service.targets) {
      fact.targets.push_back({target.address.text(), target.weight, &target == &*heaviest});
    }
  }

  void tell_last_path_steps(const ServiceRuntime& service, const std::string& target) {
    const std::string known = facts_.path_steps.back().path;
    if (x_.forward_path != known) facts_.path_steps.push_back({"plugins", std::string(x_.forward_path)});
    if (!service.base_path.empty()) {
      facts_.path_steps.push_back({"the service's url", target.substr(0, target.find('?'))});
    }
  }

  void run_attempt_hooks(const ForwardFact& to) {
    const auto first = std::ranges::find(to.targets, true, &TargetFact::first);
    plugin::Attempt attempt{first->address, 1};
    for (const plugin::Instance* member : chain_->members()) {
      if (!member->type->hooks.attempt) continue;
      PluginFact fact = fact_of(*member);
      const Moment before(x_);
      member->plugin->on_attempt(x_, attempt);
      fact.changes = changes_between(before, Moment(x_), false);
      facts_.attempt_plugins.push_back(std::move(fact));
    }
  }

  void reply() {
    for (const plugin::Instance* member : chain_->members()) {
      if (!member->type->hooks.response) continue;
      PluginFact fact = fact_of(*member);
      const Moment before(x_);
      const plugin::Verdict verdict = member->plugin->on_response(x_);
      // The driver goes on whatever the verdict is: there is an answer already.
      fact.outcome = verdict == plugin::Verdict::suspend ? Outcome::would_wait : Outcome::proceeds;
      fact.changes = changes_between(before, Moment(x_), true);
      facts_.response_plugins.push_back(std::move(fact));
    }
    dispatch_.finish_reply(x_, wall_clock_us());
    facts_.path_steps.clear();  // nothing goes there
    ReplyFact fact;
    fact.status = x_.response.status;
    fact.phrase = http::reason_phrase(fact.status);
    fact.reason = to_string(x_.reason);
    fact.fields = sent_lines(x_.response.fields, x_.response.framing);
    if (x_.request.method != http::Method::head) fact.body = x_.reply_body;
    facts_.reply = std::move(fact);
  }

  const Snapshot& snapshot_;
  const config::Model& model_;
  const WrittenRequest written_;
  Arena arena_;
  plugin::Exchange x_{arena_};
  Dispatch dispatch_;
  const plugin::Chain* chain_ = nullptr;
  Random random_;
  Error fault_;
  Facts facts_;
};

}  // namespace

Facts collect(const Snapshot& offline, const ExplainRequest& request, std::string& error) {
  WrittenRequest written = write_request(offline.model(), request, error);
  if (!error.empty()) return {};
  Facts facts = Walk(offline, std::move(written)).run();
  facts.body_size = request.body.size();
  hide_credentials(facts, offline);
  return facts;
}

}  // namespace gatehouse::engine::explaining
