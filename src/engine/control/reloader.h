#pragma once
#include <memory>
#include <string>

#include "engine/control.h"
#include "engine/control/plugin_host.h"
#include "engine/control/publisher.h"
#include "engine/gateway.h"

namespace gatehouse::engine {

/// Takes configurations into force, one at a time: checks everything that can fail first, then swaps; what fails leaves
/// the one in force as it is. Control thread.
class Reloader {
 public:
  Reloader(const GatewayOptions& options, io::Reactor& control, Workforce& workforce, telemetry::Metrics& metrics);

  /// Reads what the options name. What takes a restart to change has its old value in the result, with a warning.
  config::Loaded load() const;
  config::Loaded load_text(std::string text) const;
  /// Puts `loaded` in force, or says why not in the report.
  ReloadReport apply(config::Loaded loaded);
  /// What apply() would change.
  ReloadReport try_out(config::Loaded loaded) const;

  /// The configuration in force; null before the first.
  const std::shared_ptr<const Snapshot>& current() const { return current_; }
  std::uint64_t version() const { return version_; }
  /// Whether the last one that was to be put in force is.
  bool last_accepted() const { return last_accepted_; }

  void reopen_logs();
  /// No further connections; those that the kernel has accepted are served.
  void stop_accepting();
  void retire_services(std::move_only_function<void()> then) {
    services_.retire_all([this, then = std::move(then)]() mutable { redis_.retire_all(std::move(then)); });
  }
  void sweep();
  /// Once a day: the listeners' certificates that end soon. (A load speaks of them by itself.)
  void warn_of_expiries();
  void scrape(telemetry::Samples& samples) const;

 private:
  bool prepare_log(const config::AccessLog& log, Publisher::AccessLogging& prepared, config::Diagnostics& out) const;
  /// False if a file of a listener's TLS cannot be used, with the reason in `out`.
  bool prepare_tls(const std::vector<config::Listener>& listeners, Publisher::Tls& prepared,
                   config::Diagnostics& out) const;
  config::Loaded with_fixed(config::Loaded loaded) const;

  const GatewayOptions& options_;
  Workforce& workforce_;
  telemetry::Metrics& metrics_;
  Services services_;
  Documents documents_;
  SharedStates states_;
  RedisClients redis_;
  ListeningSockets sockets_;
  Publisher publisher_;
  Publisher::AccessLogging log_;
  std::string log_path_;
  std::vector<std::shared_ptr<telemetry::AccessSink>> old_sinks_;  ///< that workers may still hold
  std::shared_ptr<const Snapshot> current_;
  Publisher::Tls tls_;         ///< of its listeners
  std::int64_t warned_s_ = 0;  ///< when warn_of_expiries() last looked, Unix time
  std::uint64_t version_ = 0;
  bool last_accepted_ = true;
};

}  // namespace gatehouse::engine
