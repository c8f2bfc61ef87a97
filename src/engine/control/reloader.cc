#include "engine/control/reloader.h"

#include <fmt/format.h>

#include "base/log.h"
#include "engine/control/changes.h"
#include "engine/listener_tls.h"

namespace gatehouse::engine {

Reloader::Reloader(const GatewayOptions& options, io::Reactor& control, Workforce& workforce,
                   telemetry::Metrics& metrics)
    : options_(options),
      workforce_(workforce),
      metrics_(metrics),
      services_(control, workforce.reactors()),
      publisher_(control, workforce, [this] { sweep(); }) {
  if (sockets_.unclaimed() != 0) GH_LOG_INFO("sockets handed in by the service manager: {}", sockets_.unclaimed());
}

config::Loaded Reloader::load() const {
  return options_.source ? config::load_text(*options_.source, *options_.catalogue)
                         : config::load_file(options_.config_file, *options_.catalogue);
}

config::Loaded Reloader::load_text(std::string text) const {
  return config::load_text({.name = "POST /config", .text = std::move(text), .allow_files = false},
                           *options_.catalogue);
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

/// What takes a restart to change keeps its old value, and that is said.
void Reloader::report_fixed(const config::Model& next, config::Diagnostics& out) const {
  const config::Model& now = current_->model();
  if (next.workers != now.workers) {
    out.warning({}, "workers", "needs a restart to change; the number of workers stays as it is");
  }
  const bool moved =
      next.admin.has_value() != now.admin.has_value() || (now.admin && next.admin->address != now.admin->address);
  if (moved) {
    out.warning(next.admin ? next.admin->mark : config::Mark(), "admin.address",
                "needs a restart to change; the admin listener stays as it is");
  }
}

ReloadReport Reloader::try_out(config::Loaded loaded) const {
  ReloadReport report;
  report.version = version_;
  report.accepted = !loaded.diagnostics.has_errors();
  if (report.accepted) report.changes = changes_between(*current_->loaded, loaded);
  if (report.accepted) report_fixed(loaded.model, loaded.diagnostics);
  report.diagnostics = std::move(loaded.diagnostics);
  return report;
}

ReloadReport Reloader::apply(config::Loaded loaded) {
  ReloadReport report;
  Publisher::AccessLogging logging;
  Publisher::Tls tls;
  if (current_ != nullptr && !loaded.diagnostics.has_errors()) {
    report.changes = changes_between(*current_->loaded, loaded);
    report_fixed(loaded.model, loaded.diagnostics);
  }
  report.accepted = !loaded.diagnostics.has_errors() &&
                    prepare_log(loaded.model.logging.access, logging, loaded.diagnostics) &&
                    prepare_tls(loaded.model.listeners, tls, loaded.diagnostics) &&
                    sockets_.open(loaded.model.listeners, loaded.diagnostics);
  if (report.accepted) {
    ++version_;
    report.diagnostics = loaded.diagnostics;
    services_.resolve_new_names(loaded.model);
    BuildSurroundings surroundings(loaded.model, workforce_.shared(), services_, states_, metrics_);
    const auto kept = std::make_shared<config::Loaded>(std::move(loaded));
    std::shared_ptr<Snapshot> snapshot = build_snapshot(kept, nullptr, options_.plugins, surroundings);
    snapshot->version = version_;
    services_.commit(snapshot->model());
    log::Level level = log::level();
    if (log::parse_level(snapshot->model().logging.level, level)) log::set_level(level);
    log_ = logging;
    log_path_ = logging.sink != nullptr ? snapshot->model().logging.access.path : "";
    current_ = snapshot;
    sockets_.silence_others(snapshot->model().listeners);
    publisher_.publish(snapshot, sockets_, std::move(tls), std::move(logging));
    sockets_.close_others(snapshot->model().listeners);
  } else {
    report.diagnostics = std::move(loaded.diagnostics);
  }
  report.version = version_;
  metrics_.set_config(version_, report.accepted);
  return report;
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
}

}  // namespace gatehouse::engine
