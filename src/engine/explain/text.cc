#include <fmt/format.h>

#include <iterator>

#include "engine/explain/facts.h"

namespace gatehouse::engine::explaining {
namespace {

class Text {
 public:
  std::string run(const Facts& facts) {
    request(facts);
    candidates(facts);
    if (!facts.route.empty()) route(facts);
    plugins("plugins, by rank", facts.request_plugins);
    if (facts.identity) identity(*facts.identity);
    path(facts);
    if (facts.forward) forward(*facts.forward);
    plugins("before each try", facts.attempt_plugins);
    if (facts.forward) sent(*facts.forward);
    plugins(facts.reply ? "plugins, on the answer" : "plugins, on the service's answer", facts.response_plugins);
    if (facts.reply) reply(*facts.reply);
    return std::move(out_);
  }

 private:
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_ += '\n';
  }
  /// Each section but the first has an empty line in front.
  void heading(std::string_view text) {
    if (!out_.empty()) out_ += '\n';
    line("{}", text);
  }
  void lines(std::string_view margin, const Lines& lines) {
    for (const auto& [name, value] : lines) line("{}{}: {}", margin, name, value);
  }

  void changes(std::string_view margin, const Changes& changes) {
    lines(fmt::format("{}- ", margin), changes.removed);
    lines(fmt::format("{}+ ", margin), changes.added);
    for (const Changes::Value& value : changes.values) {
      line("{}{}: {} → {}", margin, value.name, value.from.empty() ? "none" : value.from,
           value.to.empty() ? "none" : value.to);
    }
  }

  void request(const Facts& facts) {
    heading("request");
    line("  {}", facts.request_line);
    lines("  ", facts.fields);
    if (facts.body_size != 0) line("  (a body of {} bytes)", facts.body_size);
    for (const std::string& note : facts.notes) line("  note: {}", note);
    heading("taken in");
    line("  listener   {} at {}", facts.listener, facts.listener_address);
    line("  client ip  {}: {}", facts.client_ip, facts.client_ip_reason);
    if (!facts.client_certificate.empty()) line("  certificate {}", facts.client_certificate);
    line("  scheme     {}", facts.https ? "https" : "http");
    if (!facts.host.empty()) line("  host       {}", facts.host);
    if (!facts.path.empty()) line("  path       {} (normalised)", facts.path);
    if (!facts.preflight_method.empty()) {
      line("  preflight  matched as {}, the method that it asks for", facts.preflight_method);
    }
    if (!facts.taken_in.empty()) line("  headers");
    changes("    ", facts.taken_in);
  }

  void candidates(const Facts& facts) {
    heading("routes, in their order");
    std::size_t number = 0;
    for (const CandidateFact& fact : facts.candidates) {
      using Result = CandidateFact::Result;
      line("  {}. {} ({})", ++number, fact.route, fact.place);
      line("     rank: {}", fact.rank);
      line("     {}", fact.result == Result::matched       ? "matched"
                      : fact.result == Result::not_reached ? "not reached"
                                                           : "failed at " + fact.failed);
    }
    line("  → {}", facts.decision);
  }

  void route(const Facts& facts) {
    heading(fmt::format("route {} ({})", facts.route, facts.route_place));
    for (const auto& [name, value] : facts.captures) line("  {} = {}", name, value);
    if (facts.split.empty()) return;
    std::uint64_t total = 0;
    for (const SplitFact& fact : facts.split) total += fact.weight;
    for (const SplitFact& fact : facts.split) {
      line("  {} of {} to {}{}", fact.weight, total, fact.service, fact.chosen ? "  ← " + facts.split_reason : "");
    }
  }

  static std::string said(const PluginFact& fact) {
    switch (fact.outcome) {
      case PluginFact::Outcome::answers:
        return "answers, and the request goes no further";
      case PluginFact::Outcome::would_wait:
        return "would wait for another service here; what it then says is not known";
      case PluginFact::Outcome::no_hook:
        return "does nothing to the request";
      case PluginFact::Outcome::not_reached:
        return "not reached";
      case PluginFact::Outcome::later:
        return "when the service has answered";
      case PluginFact::Outcome::proceeds:
        break;
    }
    return fact.changes.empty() ? "proceeds, changes nothing" : "proceeds";
  }

  void plugins(std::string_view title, const std::vector<PluginFact>& facts) {
    if (facts.empty()) return;
    heading(title);
    for (const PluginFact& fact : facts) {
      const std::string instance = fact.instance.empty() ? "" : " instance " + fact.instance;
      line("  {}{} (rank {}, {}, {}): {}", fact.name, instance, fact.rank, fact.level, fact.place, said(fact));
      changes("    ", fact.changes);
      for (const std::string& service : fact.copies_to) line("    sends a copy to {}", service);
      if (fact.watches_request_body) line("    watches the request's body");
      if (fact.watches_response_body) line("    watches the response's body");
    }
  }

  void identity(const IdentityFact& fact) {
    heading("who calls");
    if (!fact.admitted) line("  nobody who may pass");
    if (!fact.consumer.empty()) line("  consumer   {}{}", fact.consumer, fact.anonymous ? " (anonymous)" : "");
    if (!fact.groups.empty()) line("  groups     {}", fact.groups);
    if (!fact.tier.empty()) line("  tier       {}", fact.tier);
    if (!fact.credential.empty()) line("  credential {}", fact.credential);
    changes("    ", fact.changes);
  }

  void path(const Facts& facts) {
    if (facts.path_steps.empty()) return;
    heading("path");
    for (const PathStep& step : facts.path_steps) line("  {}: {}", step.what, step.path);
  }

  void forward(const ForwardFact& fact) {
    heading(fmt::format("service {} ({})", fact.service, fact.place));
    if (!fact.url.empty()) line("  url {}", fact.url);
    for (const TargetFact& target : fact.targets) {
      line("  target {}, weight {}{}", target.address, target.weight,
           target.first && fact.targets.size() > 1 ? "  ← first in the round robin of each worker" : "");
    }
    for (const Setting& setting : fact.settings) {
      line("  {} {} ({}{}{})", setting.name, setting.value, setting.from, setting.place.empty() ? "" : " ",
           setting.place);
    }
  }

  void sent(const ForwardFact& fact) {
    heading("sent to the service");
    line("  {}", fact.request_line);
    lines("  ", fact.fields);
  }

  void reply(const ReplyFact& fact) {
    heading("answer by the gateway");
    line("  {} {}{}", fact.status, fact.phrase, fact.reason.empty() ? "" : " (" + fact.reason + ")");
    lines("  ", fact.fields);
    if (fact.body.empty()) return;
    line("");
    line("  {}", fact.body.ends_with('\n') ? fact.body.substr(0, fact.body.size() - 1) : fact.body);
  }

  std::string out_;
};

}  // namespace

std::string as_text(const Facts& facts) {
  return Text().run(facts);
}

}  // namespace gatehouse::engine::explaining
