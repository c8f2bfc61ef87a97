#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/process.h"
#include "support/raw_client.h"
#include "support/temp_dir.h"

namespace gatehouse::test {

struct GatewayOptions {
  std::map<std::string, std::string> variables = {};  ///< "up1" → "127.0.0.1:4711" for @up1@ in the configuration
  std::vector<std::string> arguments = {};            ///< after `run FILE`, for example "--watch"
  ProcessOptions process = {};
  bool wait_ready = true;
};

/// The program under test: $GATEHOUSE_BINARY, else the one that this build makes.
std::string gatehouse_binary();
/// `gatehouse` with these arguments, run to its end.
Finished run_gatehouse(std::vector<std::string> arguments);

/// A running `gatehouse run FILE` with a configuration of the test. In the text, @listen@ and @admin@ become addresses
/// on free ports, @dir@ a temporary directory, @NAME@ a variable. Where the text has no `listeners`, `admin` or
/// `logging` of its own, one listener on @listen@, an admin listener on @admin@ and an access log in @dir@/access.log
/// are put in front of it, and `workers: 2`.
///
/// A gateway that does not start fails the test. The destructor stops it if the test has not.
class Gateway {
 public:
  explicit Gateway(std::string_view config, GatewayOptions options = {});
  ~Gateway();

  std::uint16_t port() const { return listen_port_; }
  std::uint16_t admin_port() const { return admin_port_; }
  Process& process() { return *process_; }
  const TempDir& dir() const { return dir_; }
  std::string config_file() const { return dir_.file("gatehouse.yaml"); }
  std::string expand(std::string_view text) const;  ///< what the configuration becomes

  RawClient connect(const ConnectOptions& options = {}) const { return RawClient(listen_port_, options); }
  Response get(std::string_view target, std::string_view fields = "") const {
    return test::get(listen_port_, target, fields);
  }
  Response send(std::string_view bytes) const { return ask(listen_port_, bytes); }
  Response admin(std::string_view method, std::string_view target, std::string_view body = "",
                 std::string_view fields = "") const;

  /// The sum of all series of a metric whose line has every one of `labels` ('code="200"'); -1 if there is none.
  double metric(std::string_view name, const std::vector<std::string>& labels = {}) const;
  /// Waits until metric(name, labels) is `value`; gives what it was last.
  double wait_metric(std::string_view name, double value, const std::vector<std::string>& labels = {});

  /// Writes the file without telling the gateway.
  void write_config(std::string_view config);
  /// SIGHUP after writing `config`; waits until it is in force (true) or was refused (false).
  bool reload(std::string_view config);
  /// Lines of the access log; waits until there are at least `count`.
  std::vector<std::string> access_log(std::size_t count);

  /// SIGTERM; expects exit code 0 in time and no word of a sanitizer. Gives the exit code, -1 if it did not end.
  int stop(const Deadline& deadline = Deadline());

 private:
  std::string complete(std::string_view config) const;
  bool wait_ready();

  TempDir dir_;
  GatewayOptions options_;
  std::uint16_t listen_port_, admin_port_;
  std::unique_ptr<Process> process_;
  bool stopped_ = false;
};

}  // namespace gatehouse::test
