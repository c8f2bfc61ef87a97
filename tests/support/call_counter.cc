#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

#include "support/count_calls.h"
#include "support/socket.h"

namespace gatehouse::test {

CallCounter::CallCounter(const std::string& file) {
  Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd || ::ftruncate(fd.get(), sizeof(CallCounts)) != 0) std::abort();
  void* memory = ::mmap(nullptr, sizeof(CallCounts), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (memory == MAP_FAILED) std::abort();
  counts_ = static_cast<CallCounts*>(memory);
}

CallCounter::~CallCounter() {
  ::munmap(counts_, sizeof(CallCounts));
}

CallCounter::Values CallCounter::values() const {
  return {counts_->allocations,   counts_->frees,        counts_->socket_reads,
          counts_->socket_writes, counts_->failed_reads, counts_->epoll_waits};
}

std::string CallCounter::library() {
  return GATEHOUSE_COUNT_CALLS_PATH;
}

}  // namespace gatehouse::test
