#include <fcntl.h>
#include <fmt/format.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <thread>
#include <utility>

#include "base/log.h"
#include "telemetry/access_log.h"
#include "telemetry/block_ring.h"
#include "telemetry/dropped_lines.h"

namespace gatehouse::telemetry {
namespace {

constexpr std::size_t kBlocks = 128;
constexpr std::size_t kGather = 16;  ///< blocks in one writev
constexpr Duration kLastWait = std::chrono::seconds(1);

/// Where the lines go. For stdout and stderr the descriptor is not ours to close.
struct Target {
  std::string path;
  int fd = -1;
  bool owned = true;
  bool regular = false;  ///< a write never has to wait for a reader

  bool open(std::string& error) {
    if (path == "stdout" || path == "stderr") {
      fd = path == "stdout" ? STDOUT_FILENO : STDERR_FILENO;
      owned = false;
    } else {
      // O_NONBLOCK: a FIFO without a reader must not stop the start.
      fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    }
    struct stat info{};
    if (fd < 0 || fstat(fd, &info) != 0) {
      const int failed = errno;
      error = fmt::format("cannot open access log {}: {}{}", path, strerrordesc_np(failed),
                          failed == ENXIO ? " (a FIFO needs a reader first)" : "");
      return false;
    }
    regular = S_ISREG(info.st_mode);
    return true;
  }
  void close() {
    if (owned && fd >= 0) ::close(fd);
    fd = -1;
  }
};

class Sink final : public AccessSink {
 public:
  Sink(Target target, int wake_fd)
      : target_(std::move(target)), reopenable_(target_.owned), wake_fd_(wake_fd), ring_(kBlocks, kAccessBlock) {
    writer_ = std::thread([this] { run(); });
  }
  ~Sink() override {
    stop_.store(true, std::memory_order_release);
    wake();
    writer_.join();
    target_.close();
    ::close(wake_fd_);
  }

  bool submit(const char* data, std::size_t size, std::uint32_t lines) override {
    if (size == 0) return true;
    if (!ring_.push(data, size, lines)) {
      lose(lines);
      return false;
    }
    wake();
    return true;
  }
  void reopen() override {
    if (!reopenable_) return;
    reopen_.store(true, std::memory_order_release);
    wake();
  }
  std::uint64_t dropped() const override { return dropped_.load(std::memory_order_relaxed); }
  void flush(Duration wait) override;

 private:
  enum class Ready : std::uint8_t { writable, broken_off };

  void run();
  void write_queued();
  bool write_all(std::array<iovec, kGather>& parts, std::size_t count);
  ssize_t write_some(const iovec* parts, std::size_t count) const;
  Ready wait_writable();
  void do_reopen();
  void finish(std::size_t blocks, std::uint32_t lost);

  void wake() const {
    const std::uint64_t one = 1;
    // Fails only where the counter is full: the writer has been woken then.
    [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof one);
  }
  void lose(std::uint64_t lines) {
    dropped_.fetch_add(lines, std::memory_order_relaxed);
    count_dropped_lines(lines);
  }

  Target target_;  // the writer's, while it runs
  const bool reopenable_;
  const int wake_fd_;
  BlockRing ring_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> reopen_{false};
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<std::uint32_t> done_{0};  ///< blocks written or lost, modulo 2^32: the word that flush() waits on
  TimePoint give_up_ = kNever;          ///< the writer's: when a blocked target is left after stop
  bool mid_line_ = false;               ///< the writer's: the target ends in the first part of a line
  std::thread writer_;
};

void Sink::run() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are the control thread's; a broken pipe is an EPIPE here
  pthread_setname_np(pthread_self(), "gh-access-log");
  for (;;) {
    const bool stopping = stop_.load(std::memory_order_acquire);
    write_queued();
    if (stopping) return;
    if (stop_.load(std::memory_order_acquire))
      continue;  // its wake-up may have been taken while waiting for the target
    pollfd woken{wake_fd_, POLLIN, 0};
    if (poll(&woken, 1, -1) > 0) {
      std::uint64_t count;
      [[maybe_unused]] const ssize_t got = ::read(wake_fd_, &count, sizeof count);
    }
  }
}

void Sink::write_queued() {
  for (;;) {
    if (reopen_.exchange(false, std::memory_order_acq_rel)) do_reopen();
    std::array<iovec, kGather> parts;
    std::size_t count = 0;
    for (BlockRing::Block block; count < kGather && ring_.peek(count, block); ++count) {
      parts[count] = {const_cast<char*>(block.data), block.size};
    }
    if (count == 0) return;
    const auto all = parts;
    std::uint32_t lost = 0;
    if (!write_all(parts, count)) {
      // What is left of each part begins at iov_base: whole lines that were not written, and one cut in two.
      for (std::size_t i = 0; i < count; ++i) {
        lost += static_cast<std::uint32_t>(
            std::ranges::count(std::string_view(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len), '\n'));
        const auto* start = static_cast<const char*>(all[i].iov_base);
        const auto* stopped = static_cast<const char*>(parts[i].iov_base);
        if (stopped != start) mid_line_ = stopped[-1] != '\n';
      }
    }
    finish(count, lost);
  }
}

/// Writes all parts, moving their starts on; false if the rest must be given up.
bool Sink::write_all(std::array<iovec, kGather>& parts, std::size_t count) {
  for (std::size_t first = 0; first < count;) {
    if (!target_.regular && wait_writable() == Ready::broken_off) return false;
    iovec end_of_line{const_cast<char*>("\n"), 1};
    const ssize_t written = mid_line_ ? write_some(&end_of_line, 1) : write_some(&parts[first], count - first);
    if (written < 0) {
      const int failed = errno;
      if (failed == EINTR || (failed == EAGAIN && !target_.regular)) continue;
      GH_LOG_LIMITED(error, 1, "cannot write access log path={} error=\"{}\"", target_.path, strerrordesc_np(failed));
      return false;
    }
    if (std::exchange(mid_line_, false)) continue;  // only the newline: ask again whether there is room
    for (auto left = static_cast<std::size_t>(written); first < count;) {
      const std::size_t step = std::min(left, parts[first].iov_len);
      parts[first].iov_base = static_cast<char*>(parts[first].iov_base) + step;
      parts[first].iov_len -= step;
      left -= step;
      if (parts[first].iov_len != 0) break;
      ++first;
    }
  }
  return true;
}

/// One write. To a pipe, a socket or a terminal, which may be in blocking mode and shared with other processes, at most
/// PIPE_BUF bytes, up to the end of a line where one ends in them: that much never blocks after poll() said yes.
ssize_t Sink::write_some(const iovec* parts, std::size_t count) const {
  if (target_.regular) return ::writev(target_.fd, parts, static_cast<int>(count));
  const std::string_view bytes(static_cast<const char*>(parts[0].iov_base),
                               std::min<std::size_t>(parts[0].iov_len, PIPE_BUF));
  const std::size_t line_end = bytes.rfind('\n');
  return ::write(target_.fd, bytes.data(), line_end == std::string_view::npos ? bytes.size() : line_end + 1);
}

/// Waits until the target takes bytes; broken off when it is to be opened again, or when a stopped sink has waited
/// enough.
Sink::Ready Sink::wait_writable() {
  for (;;) {
    if (reopen_.load(std::memory_order_acquire)) return Ready::broken_off;
    int timeout_ms = -1;
    if (stop_.load(std::memory_order_acquire)) {
      const TimePoint now = steady_now();
      if (give_up_ == kNever) give_up_ = now + kLastWait;
      timeout_ms = static_cast<int>(
          std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(give_up_ - now).count()));
    }
    std::array<pollfd, 2> polled{{{target_.fd, POLLOUT, 0}, {wake_fd_, POLLIN, 0}}};
    const int ready = poll(polled.data(), polled.size(), timeout_ms);
    if (ready > 0 && polled[0].revents != 0) return Ready::writable;  // an error shows in the write
    if (ready == 0 && timeout_ms >= 0) return Ready::broken_off;
    if (ready > 0 && polled[1].revents != 0) {
      std::uint64_t count;  // whoever waits here looks at the ring again anyway
      [[maybe_unused]] const ssize_t got = ::read(wake_fd_, &count, sizeof count);
    }
  }
}

void Sink::do_reopen() {
  Target fresh{.path = target_.path};
  std::string error;
  if (!fresh.open(error)) {
    fresh.close();
    GH_LOG_LIMITED(error, 1, "access log goes on in the old file error=\"{}\"", error);
    return;
  }
  target_.close();
  target_ = fresh;
  mid_line_ = false;
}

void Sink::finish(std::size_t blocks, std::uint32_t lost) {
  if (lost != 0) lose(lost);
  for (std::size_t i = 0; i < blocks; ++i) ring_.pop();
  done_.fetch_add(static_cast<std::uint32_t>(blocks), std::memory_order_release);
  syscall(SYS_futex, &done_, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

void Sink::flush(Duration wait) {
  const auto target = static_cast<std::uint32_t>(ring_.pushed());
  const TimePoint deadline = deadline_after(steady_now(), wait);
  for (;;) {
    const std::uint32_t done = done_.load(std::memory_order_acquire);
    if (static_cast<std::int32_t>(target - done) <= 0) return;
    const Duration left = deadline == kNever ? std::chrono::hours(1) : deadline - steady_now();
    if (left <= Duration::zero()) return;
    // std::atomic::wait has no deadline.
    const timespec timeout{static_cast<time_t>(left.count() / 1'000'000'000), left.count() % 1'000'000'000};
    syscall(SYS_futex, &done_, FUTEX_WAIT_PRIVATE, done, &timeout, nullptr, 0);
  }
}

}  // namespace

std::shared_ptr<AccessSink> open_access_sink(const std::string& path, std::string& error) {
  error.clear();
  Target target{.path = path};
  if (!target.open(error)) {
    target.close();
    return nullptr;
  }
  const int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0) {
    error = fmt::format("cannot open access log {}: {}", path, strerrordesc_np(errno));
    target.close();
    return nullptr;
  }
  return std::make_shared<Sink>(std::move(target), wake_fd);
}

}  // namespace gatehouse::telemetry
