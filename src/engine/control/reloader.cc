#include "engine/control/reloader.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/node.h"
#include "engine/control/changes.h"
#include "engine/listener_tls.h"
#include "io/tls_files.h"

namespace gatehouse::engine {

Reloader::Reloader(const GatewayOptions& options, io::Reactor& control, Workforce& workforce,
                   telemetry::Metrics& metrics)
    : options_(options),
      workforce_(workforce),
      metrics_(metrics),
      services_(control, workforce.reactors()),
      documents_(control, workforce.reactors()),
      redis_(control, workforce.reactors()),
      publisher_(control, workforce, [this] { sweep(); }) {
  if (sockets_.unclaimed() != 0) GH_LOG_INFO("sockets handed in by the service manager: {}", sockets_.unclaimed());
}

config::Loaded Reloader::load() const {
  return with_fixed(options_.source ? config::load_text(*options_.source, *options_.catalogue)
                                    : config::load_file(options_.config_file, *options_.catalogue));
}

config::Loaded Reloader::load_text(std::string text) const {
  return with_fixed(
      config::load_text({.name = "POST /config", .text = std::move(text), .allow_files = false}, *options_.catalogue));
}

bool Reloader::prepare_log(const config::AccessLog& log, Publisher::AccessLogging& prepared,
                           config::Diagnostics& out) const {
  if (!log.enabled) return true;
  std::string error;
  prepared.format = telemetry::make_access_format(log.format, error);
  if (prepared.format == nullptr) {
    out.error(log.mark, "logging.access.format", error);
    return false;
  }
  prepared.sink = log.path == log_path_ ? log_.sink : telemetry::open_access_sink(log.path, error);
  if (prepared.sink == nullptr) {
    out.error(log.mark, "logging.access.path", error);
    return false;
  }
  return true;
}

bool Reloader::prepare_tls(const std::vector<config::Listener>& listeners, Publisher::Tls& prepared,
                           config::Diagnostics& out) const {
  for (const config::Listener& listener : listeners) {
    config::Diagnostics faults;  // what can be used all the same has been said when the file was read
    prepared.push_back(make_tls(listener, prepared.size(), faults));
    if (listener.tls && prepared.back() == nullptr) {
      for (const config::Diagnostic& fault : faults.items()) out.add(fault);
      return false;
    }
  }
  return true;
}

/// What takes a restart to change keeps its old value, and that is said. With the admin listener's address its token
/// stays too: the new one was checked against another address.
config::Loaded Reloader::with_fixed(config::Loaded loaded) const {
  if (current_ == nullptr || loaded.diagnostics.has_errors()) return loaded;
  const config::Model& now = current_->model();
  config::Model& next = loaded.model;
  const auto mark_of = [&](const char* key) {
    const config::Node* node = loaded.tree->find(key);
    return node != nullptr ? node->mark() : loaded.tree->mark();
  };
  config::Node tree = *loaded.tree;
  const auto keep = [&](const char* key) {
    const config::Node* old = current_->loaded->tree->find(key);
    if (old != nullptr) {
      tree.set(key, *old);
    } else {
      tree.erase(key);
    }
  };
  if (next.workers != now.workers) {
    loaded.diagnostics.warning(mark_of("workers"), "workers",
                               "needs a restart to change; the number of workers stays as it is");
    next.workers = now.workers;
    keep("workers");
  }
  const bool moved =
      next.admin.has_value() != now.admin.has_value() || (now.admin && next.admin->address != now.admin->address);
  if (moved) {
    loaded.diagnostics.warning(mark_of("admin"), "admin.address",
                               "needs a restart to change; the admin listener stays as it is, with its token");
    next.admin = now.admin;
    keep("admin");
  }
  loaded.tree = std::make_shared<const config::Node>(std::move(tree));
  return loaded;
}

ReloadReport Reloader::try_out(config::Loaded loaded) const {
  ReloadReport report;
  report.version = version_;
  report.accepted = !loaded.diagnostics.has_errors();
  if (report.accepted) report.changes = changes_between(*current_->loaded, loaded);
  report.diagnostics = std::move(loaded.diagnostics);
  return report;
}

ReloadReport Reloader::apply(config::Loaded loaded) {
  ReloadReport report;
  Publisher::AccessLogging logging;
  Publisher::Tls tls;
  if (current_ != nullptr && !loaded.diagnostics.has_errors()) {
    report.changes = changes_between(*current_->loaded, loaded);
  }
  report.accepted =
      !loaded.diagnostics.has_errors() && prepare_log(loaded.model.logging.access, logging, loaded.diagnostics) &&
      prepare_tls(loaded.model.listeners, tls, loaded.diagnostics) &&
      services_.prepare_tls(loaded.model, loaded.diagnostics) && redis_.prepare(loaded.model, loaded.diagnostics) &&
      sockets_.open(loaded.model.listeners, loaded.diagnostics);
  if (report.accepted) {
    ++version_;
    report.diagnostics = loaded.diagnostics;
    services_.resolve_new_names(loaded.model);
    BuildSurroundings surroundings(loaded.model, workforce_.shared(), services_, states_, documents_, redis_, metrics_);
    const auto kept = std::make_shared<config::Loaded>(std::move(loaded));
    std::shared_ptr<Snapshot> snapshot = build_snapshot(kept, nullptr, options_.plugins, surroundings);
    snapshot->version = version_;
    if (std::string error; logging.format != nullptr && !snapshot->secret_parameters.empty()) {
      const std::string& format = snapshot->model().logging.access.format;  // which prepare_log() has found good
      logging.format = telemetry::make_access_format(format, error, snapshot->secret_parameters);
    }
    services_.commit(snapshot->model());
    log::Level level = log::level();
    if (log::parse_level(snapshot->model().logging.level, level)) log::set_level(level);
    // A worker that lets go of a sink as the last would wait until it is written out.
    if (log_.sink != nullptr && log_.sink != logging.sink) old_sinks_.push_back(log_.sink);
    log_ = logging;
    log_path_ = logging.sink != nullptr ? snapshot->model().logging.access.path : "";
    current_ = snapshot;
    sockets_.silence_others(snapshot->model().listeners);
    tls_ = tls;
    publisher_.publish(snapshot, sockets_, std::move(tls), std::move(logging));
    sockets_.close_others(snapshot->model().listeners);
  } else {
    report.diagnostics = std::move(loaded.diagnostics);
  }
  report.version = version_;
  last_accepted_ = report.accepted;
  metrics_.set_config(version_, report.accepted);
  return report;
}

void Reloader::scrape(telemetry::Samples& samples) const {
  services_.scrape(samples);
  documents_.scrape(samples);
  redis_.scrape(samples);
  states_.scrape(samples);
  for (std::size_t i = 0; i < tls_.size(); ++i) {
    if (tls_[i] == nullptr) continue;
    for (const io::TlsServer::Expiry& each : tls_[i]->expiries()) {
      samples.gauge("gatehouse_tls_certificate_expiry_seconds", "When a listener's certificate ends, as Unix time.",
                    {{"listener", current_->model().listeners[i].name}, {"certificate", each.file}},
                    static_cast<double>(each.not_after_s));
    }
  }
}

void Reloader::warn_of_expiries() {
  const std::int64_t now = wall_clock_us() / 1'000'000;
  constexpr std::int64_t kDay = 24 * 60 * 60;
  if (warned_s_ == 0) warned_s_ = now;  // a load warns by itself
  if (now - warned_s_ < kDay) return;
  warned_s_ = now;
  for (std::size_t i = 0; i < tls_.size(); ++i) {
    if (tls_[i] == nullptr) continue;
    for (const io::TlsServer::Expiry& each : tls_[i]->expiries()) {
      const std::string words = io::expiry_words(each.not_after_s, now);
      if (!words.empty())
        GH_LOG_WARN("the certificate {} of listener {} {}", each.file, current_->model().listeners[i].name, words);
    }
  }
}

void Reloader::reopen_logs() {
  if (log_.sink != nullptr) log_.sink->reopen();
}

void Reloader::stop_accepting() {
  sockets_.silence_others({});
  publisher_.stop_accepting();
  sockets_.close_others({});
}

void Reloader::sweep() {
  services_.sweep();
  states_.sweep();
  redis_.sweep();
  std::erase_if(old_sinks_, [](const auto& sink) { return sink.use_count() == 1; });
}

}  // namespace gatehouse::engine
