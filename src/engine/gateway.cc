#include "engine/gateway.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <exception>

#include "base/log.h"
#include "engine/control/addresses.h"
#include "engine/control/file_watch.h"
#include "engine/control/process_limits.h"
#include "engine/control/reloader.h"
#include "engine/control/signals.h"
#include "engine/control/systemd.h"
#include "engine/explain.h"
#include "telemetry/process_stats.h"

namespace gatehouse::engine {
namespace {

/// The control thread: brings the gateway up, steers it by signals and the admin API, takes it down.
///
///   starting  configuration, listeners, workers; then
///   serving   SIGHUP, a watched file or POST /config reload; then SIGTERM or SIGINT
///   waiting   for drain.delay: not ready, but everything is served as before
///   draining  no new connections; answers end their connections; until none is left or drain.timeout is over
///   ended     what is left is cut, logs are written
class Gateway final : public Control {
 public:
  Gateway(const GatewayOptions& options, config::Loaded loaded);
  int run();

  bool ready() const override { return state_ == State::serving; }
  std::string metrics() const override { return metrics_.expose(); }
  std::string effective_config(bool json) const override;
  std::uint64_t config_version() const override { return reloader_.version(); }
  std::string routes_json() const override { return engine::routes_json(*reloader_.current()); }
  std::string explain(const ExplainRequest& request, bool json, std::string& error) const override {
    return engine::explain(*reloader_.current(), request, json, error);
  }
  ReloadReport submit(std::string text, bool dry_run) override;
  const std::string& admin_token() const override;

 private:
  enum class State : std::uint8_t { starting, serving, waiting, draining, ended };
  /// Something to do at a time.
  struct Timer : Wait {
    explicit Timer(Gateway& of, void (Gateway::*then)()) : Wait(&fired), gateway(of), due(then) {}
    static void fired(Wait& wait) {
      auto& timer = static_cast<Timer&>(wait);
      (timer.gateway.*timer.due)();
    }
    void in(Duration after) {
      attach(gateway.reactor_.scheduler(), nullptr, nullptr, deadline_after(gateway.reactor_.now(), after));
    }
    Gateway& gateway;
    void (Gateway::*due)();
  };

  bool start();
  bool open_admin();
  std::unique_ptr<LocalServer> serve(const config::Address& address, LocalServer::Pages pages, std::string& error);
  /// Opens the probes' address of `loaded` if it is another one; false, with an error in it, if that fails.
  bool prepare_probes(config::Loaded& loaded, std::unique_ptr<LocalServer>& fresh);
  void use_probes(std::unique_ptr<LocalServer> fresh);
  ReloadReport put_in_force(config::Loaded loaded);
  void watch_files(std::vector<std::string> read);
  void on_signal(int signal);
  void reload();
  void reload_if_changed();
  void log_report(const ReloadReport& report) const;
  void housekeeping();
  void begin_stop();
  void drain();
  void look_whether_drained();
  void cut();
  void end();

  const GatewayOptions& options_;
  io::Reactor reactor_;
  telemetry::Metrics metrics_;
  Signals signals_;
  Workforce workforce_;
  Reloader reloader_;
  std::optional<config::Loaded> first_;
  std::unique_ptr<FileWatch> watch_;
  std::unique_ptr<LocalServer> admin_, probes_;
  std::optional<config::Address> probes_at_;
  State state_ = State::starting;
  TimePoint drain_until_ = kNever;
  std::atomic<std::size_t> cut_{0};
  int exit_code_ = 0;
  Timer housekeeping_{*this, &Gateway::housekeeping};
  Timer stop_{*this, &Gateway::drain};
};

void say(const config::Diagnostics& diagnostics) {
  for (const config::Diagnostic& each : diagnostics.items()) {
    const bool error = each.severity == config::Severity::error;
    log::write(error ? log::Level::error : log::Level::warn, each.text());
  }
}

Gateway::Gateway(const GatewayOptions& options, config::Loaded loaded)
    : options_(options),
      signals_(reactor_, [this](int signal) { on_signal(signal); }),
      workforce_(reactor_, loaded.model.workers != 0 ? loaded.model.workers : usable_cpus(), metrics_),
      reloader_(options, reactor_, workforce_, metrics_),
      first_(std::move(loaded)) {
  metrics_.on_scrape([this](telemetry::Samples& samples) { reloader_.scrape(samples); });
}

// ---- start ----

bool Gateway::start() {
  const ReloadReport report = put_in_force(std::move(*first_));
  first_.reset();
  say(report.diagnostics);
  if (!report.accepted || !open_admin()) return false;
  workforce_.start();
  state_ = State::serving;
  if (options_.watch) {
    watch_ = std::make_unique<FileWatch>(reactor_, [this] { reload_if_changed(); });
    watch_->watch(reloader_.current()->loaded->files);
  }
  for (const config::Listener& listener : reloader_.current()->model().listeners) {
    GH_LOG_INFO("listening on {} as {}", listener.address.text(), listener.name);
  }
  GH_LOG_INFO("serving {} routes with {} workers", reloader_.current()->model().routes.size(),
              workforce_.shared().workers.size());
  housekeeping_.in(std::chrono::seconds(1));
  notify_service_manager("READY=1");
  if (options_.started) options_.started();
  return true;
}

std::unique_ptr<LocalServer> Gateway::serve(const config::Address& address, LocalServer::Pages pages,
                                            std::string& error) {
  const std::expected<int, std::string> fd = io::listen_on(endpoint_of(address));
  if (fd) return std::make_unique<LocalServer>(reactor_, *fd, std::move(pages));
  error = fd.error();
  return nullptr;
}

bool Gateway::open_admin() {
  const std::optional<config::Admin>& admin = reloader_.current()->model().admin;
  if (!admin || !options_.admin) return true;
  std::string error;
  admin_ = serve(admin->address, options_.admin(*this), error);
  if (admin_ == nullptr) {
    GH_LOG_ERROR("{}: admin.address: {}", admin->mark.text(), error);
    return false;
  }
  GH_LOG_INFO("admin API on {}", admin->address.text());
  return true;
}

bool Gateway::prepare_probes(config::Loaded& loaded, std::unique_ptr<LocalServer>& fresh) {
  const std::optional<config::Admin>& admin = loaded.model.admin;
  if (!admin || !admin->probes || admin->probes == probes_at_ || !options_.probes) return true;
  std::string error;
  fresh = serve(*admin->probes, options_.probes(*this), error);
  if (fresh == nullptr) loaded.diagnostics.error(admin->mark, "admin.probes", error);
  return fresh != nullptr;
}

void Gateway::use_probes(std::unique_ptr<LocalServer> fresh) {
  const std::optional<config::Admin>& admin = reloader_.current()->model().admin;
  const std::optional<config::Address> wanted = admin ? admin->probes : std::nullopt;
  if (wanted == probes_at_) return;
  probes_ = std::move(fresh);
  probes_at_ = wanted;
}

// ---- while it serves ----

void Gateway::on_signal(int signal) {
  switch (signal) {
    case SIGHUP:
      reload();
      break;
    case SIGUSR1:
      reloader_.reopen_logs();
      break;
    default:
      begin_stop();
  }
}

void Gateway::log_report(const ReloadReport& report) const {
  say(report.diagnostics);
  if (!report.accepted) {
    GH_LOG_ERROR("reload refused, version {} of the configuration stays in force", report.version);
    return;
  }
  for (const std::string& change : report.changes) GH_LOG_INFO("reload: {}", change);
  GH_LOG_INFO("reloaded, version {} of the configuration is in force, {} changes", report.version,
              report.changes.size());
}

ReloadReport Gateway::put_in_force(config::Loaded loaded) {
  std::unique_ptr<LocalServer> probes;
  prepare_probes(loaded, probes);  // a fault makes it be refused
  const ReloadReport report = reloader_.apply(std::move(loaded));
  if (report.accepted) use_probes(std::move(probes));
  return report;
}

void Gateway::reload() {
  if (state_ != State::serving) return;
  notify_reloading();
  config::Loaded loaded = reloader_.load();
  const std::vector<std::string> files = loaded.files;
  log_report(put_in_force(std::move(loaded)));
  watch_files(files);
  notify_service_manager("READY=1");
}

/// `read` are the files of the last configuration that was read: it may have been refused, and is waited for too.
void Gateway::watch_files(std::vector<std::string> read) {
  if (watch_ == nullptr) return;
  const std::vector<std::string>& in_force = reloader_.current()->loaded->files;
  read.insert(read.end(), in_force.begin(), in_force.end());
  watch_->watch(read);
}

void Gateway::reload_if_changed() {
  if (state_ != State::serving) return;
  config::Loaded loaded = reloader_.load();
  watch_files(loaded.files);  // a link may lead to another folder now
  const ReloadReport report = reloader_.try_out(std::move(loaded));
  if (!report.accepted || !report.changes.empty() || !reloader_.last_accepted()) reload();
}

ReloadReport Gateway::submit(std::string text, bool dry_run) {
  if (state_ != State::serving) {
    ReloadReport refused;
    refused.version = reloader_.version();
    refused.diagnostics.error({}, "", "the gateway is stopping and takes no configuration any more");
    return refused;
  }
  config::Loaded loaded = reloader_.load_text(std::move(text));
  if (dry_run) return reloader_.try_out(std::move(loaded));
  const ReloadReport report = put_in_force(std::move(loaded));
  log_report(report);
  return report;
}

std::string Gateway::effective_config(bool json) const {
  const config::Loaded& loaded = *reloader_.current()->loaded;
  return json ? config::print_effective_json(loaded, *options_.catalogue)
              : config::print_effective(loaded, *options_.catalogue);
}

const std::string& Gateway::admin_token() const {
  static const std::string kNone;
  const std::optional<config::Admin>& admin = reloader_.current()->model().admin;
  return admin ? admin->token.value : kNone;
}

void Gateway::housekeeping() {
  reloader_.sweep();
  reloader_.warn_of_expiries();
  log::report_suppressed(reactor_.now());
  if (state_ != State::ended) housekeeping_.in(std::chrono::seconds(1));
}

// ---- the end ----

void Gateway::begin_stop() {
  if (state_ == State::waiting || state_ == State::draining) {
    cut();
    return;
  }
  if (state_ == State::ended) end();  // whatever it waits for
  if (state_ != State::serving) return;
  state_ = State::waiting;
  notify_service_manager("STOPPING=1");
  const Duration delay = reloader_.current()->model().drain.delay;
  GH_LOG_INFO("stopping{}", delay > Duration::zero() ? ": still serving during drain.delay" : "");
  if (delay > Duration::zero()) {
    stop_.in(delay);
  } else {
    drain();
  }
}

void Gateway::drain() {
  state_ = State::draining;
  drain_until_ = deadline_after(reactor_.now(), reloader_.current()->model().drain.timeout);
  workforce_.each([](Worker& worker) { worker.drain(); });
  reloader_.stop_accepting();
  stop_.due = &Gateway::look_whether_drained;
  // Connections may be on their way from one worker to another: a first look comes after a round through all of them.
  workforce_.each([](Worker&) {}, [this] { workforce_.each([](Worker&) {}, [this] { look_whether_drained(); }); });
}

void Gateway::look_whether_drained() {
  if (state_ != State::draining) return;
  if (workforce_.connections() == 0 || reactor_.now() >= drain_until_) {
    cut();
  } else {
    stop_.in(std::min<Duration>(std::chrono::milliseconds(5), drain_until_ - reactor_.now()));
  }
}

void Gateway::cut() {
  if (state_ == State::waiting) reloader_.stop_accepting();
  state_ = State::ended;
  stop_.detach();
  const auto retire = [this] { reloader_.retire_services([this] { end(); }); };
  // Cancelled exchanges end in the turn after: their connections to services come back first.
  workforce_.each(
      [this](Worker& worker) { cut_ += worker.abort_all(); },
      [this, retire] { workforce_.each([](Worker&) {}, [this, retire] { workforce_.each([](Worker&) {}, retire); }); });
}

void Gateway::end() {
  if (cut_ != 0) {
    GH_LOG_WARN("stopped, {} connections were cut", cut_.load());
  } else {
    GH_LOG_INFO("stopped, no connection was cut");
  }
  reactor_.stop();
}

int Gateway::run() {
  if (!start()) return 1;
  reactor_.run();
  admin_.reset();
  probes_.reset();
  workforce_.stop();
  return exit_code_;
}

}  // namespace

int run_gateway(const GatewayOptions& options) {
  try {
    raise_open_files();
    config::Loaded loaded = options.source ? config::load_text(*options.source, *options.catalogue)
                                           : config::load_file(options.config_file, *options.catalogue);
    if (loaded.diagnostics.has_errors()) {
      std::fputs(loaded.diagnostics.text().c_str(), stderr);
      return 1;
    }
    return Gateway(options, std::move(loaded)).run();
  } catch (const std::exception& fault) {
    GH_LOG_ERROR("cannot start: {}", fault.what());
    return 1;
  }
}

}  // namespace gatehouse::engine
