#pragma once
#include <atomic>
#include <cstdint>
#include <string>

namespace gatehouse::test {

/// What the preload library counts, in a file that the test maps too. All threads of the program together.
struct CallCounts {
  std::atomic<std::uint64_t> allocations;  ///< malloc, calloc, realloc, aligned ones
  std::atomic<std::uint64_t> frees;
  std::atomic<std::uint64_t> socket_reads;   ///< read, readv, recv, recvfrom, recvmsg on a socket
  std::atomic<std::uint64_t> socket_writes;  ///< write, writev, send, sendto, sendmsg on a socket
  std::atomic<std::uint64_t> failed_reads;   ///< of the reads, those that gave an error (EAGAIN)
  std::atomic<std::uint64_t> epoll_waits;
};

/// The test's end: makes the file, gives the environment for the child, and reads the counts.
class CallCounter {
 public:
  explicit CallCounter(const std::string& file);
  ~CallCounter();
  CallCounter(const CallCounter&) = delete;
  CallCounter& operator=(const CallCounter&) = delete;

  struct Values {
    std::uint64_t allocations, frees, socket_reads, socket_writes, failed_reads, epoll_waits;
  };
  Values values() const;
  static std::string library();  ///< path for LD_PRELOAD

 private:
  CallCounts* counts_ = nullptr;
};

}  // namespace gatehouse::test
