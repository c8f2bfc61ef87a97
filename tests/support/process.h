#pragma once
#include <sys/types.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/deadline.h"
#include "support/socket.h"

namespace gatehouse::test {

struct ProcessOptions {
  std::map<std::string, std::string> environment = {};  ///< added to ours
  /// Runs in the child before exec; only async-signal-safe calls.
  std::function<void()> in_child = {};
  std::vector<int> keep_descriptors = {};  ///< become 3, 4, … in the child, as for LISTEN_FDS (LISTEN_PID is set)
};

/// A child program. Its output is collected by a thread; the destructor kills and reaps it.
class Process {
 public:
  explicit Process(std::vector<std::string> arguments, ProcessOptions options = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number);
  bool running();
  /// The exit code, 128 + signal if one ended it, nullopt if it runs still at the deadline.
  std::optional<int> wait_exit(const Deadline& deadline = Deadline());

  std::string out();
  std::string err();
  /// True once stderr holds `text` (from byte `from` on). False if the deadline passed or the program ended without it.
  bool wait_err(std::string_view text, const Deadline& deadline = Deadline(), std::size_t from = 0);
  /// Returns after `time`, or sooner when the program writes to stderr or ends. For loops that poll.
  void pause(Millis time);

  /// Resident memory in KiB.
  std::size_t resident_kib() const;
  std::size_t open_descriptors() const;

 private:
  void collect(Fd out, Fd err);
  void reap();

  pid_t pid_ = -1;
  std::thread reader_, reaper_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string out_, err_;
  std::optional<int> exit_;
  bool drained_ = false;
};

/// Runs a program to its end.
struct Finished {
  int exit_code = -1;  ///< -1: it did not end in time
  std::string out, err;
};
Finished run_program(std::vector<std::string> arguments, ProcessOptions options = {},
                     const Deadline& deadline = Deadline());

}  // namespace gatehouse::test
