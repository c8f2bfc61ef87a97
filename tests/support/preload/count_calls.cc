// LD_PRELOAD library: counts allocations and socket calls of a program into the file $GATEHOUSE_CALL_COUNTS. A tracer
// would slow the program until data is always there and so change what is counted.
#include "support/count_calls.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdlib>

// glibc's own names for its allocator: no dlsym, which would itself allocate.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);
}

namespace {

using gatehouse::test::CallCounts;

CallCounts g_before_main;  // until the file is mapped
CallCounts* g_counts = &g_before_main;

enum : unsigned char { kUnknown, kSocket, kOther };
constexpr int kMaxFd = 1 << 16;
unsigned char g_kinds[kMaxFd];

bool is_socket(int fd) {
  if (fd < 0 || fd >= kMaxFd) return false;
  if (g_kinds[fd] == kUnknown) {
    struct stat info{};
    g_kinds[fd] = ::fstat(fd, &info) == 0 && S_ISSOCK(info.st_mode) ? kSocket : kOther;
  }
  return g_kinds[fd] == kSocket;
}

void count(std::atomic<std::uint64_t>& counter) {
  counter.fetch_add(1, std::memory_order_relaxed);
}

ssize_t count_read(int fd, ssize_t result) {
  if (is_socket(fd)) {
    count(g_counts->socket_reads);
    if (result < 0) count(g_counts->failed_reads);
  }
  return result;
}

ssize_t count_write(int fd, ssize_t result) {
  if (is_socket(fd)) count(g_counts->socket_writes);
  return result;
}

template <typename Function>
Function* real(Function* own, const char* symbol) {
  (void)own;
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, symbol));
}

__attribute__((constructor)) void map_counts() {
  const char* path = std::getenv("GATEHOUSE_CALL_COUNTS");
  if (path == nullptr) return;
  int fd = ::open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* memory = ::mmap(nullptr, sizeof(CallCounts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (memory != MAP_FAILED) g_counts = static_cast<CallCounts*>(memory);
}

}  // namespace

#define GATEHOUSE_REAL(function) static auto* next = real(&::function, #function)

extern "C" {

void* malloc(std::size_t size) noexcept {
  count(g_counts->allocations);
  return __libc_malloc(size);
}
void* calloc(std::size_t number, std::size_t size) noexcept {
  count(g_counts->allocations);
  return __libc_calloc(number, size);
}
void* realloc(void* memory, std::size_t size) noexcept {
  count(g_counts->allocations);
  return __libc_realloc(memory, size);
}
void* memalign(std::size_t alignment, std::size_t size) noexcept {
  count(g_counts->allocations);
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  count(g_counts->allocations);
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** into, std::size_t alignment, std::size_t size) noexcept {
  count(g_counts->allocations);
  *into = __libc_memalign(alignment, size);
  return *into != nullptr ? 0 : 12;
}
void free(void* memory) noexcept {
  if (memory != nullptr) count(g_counts->frees);
  __libc_free(memory);
}

ssize_t read(int fd, void* into, std::size_t size) {
  GATEHOUSE_REAL(read);
  return count_read(fd, next(fd, into, size));
}
ssize_t readv(int fd, const iovec* parts, int number) {
  GATEHOUSE_REAL(readv);
  return count_read(fd, next(fd, parts, number));
}
ssize_t recv(int fd, void* into, std::size_t size, int flags) {
  GATEHOUSE_REAL(recv);
  return count_read(fd, next(fd, into, size, flags));
}
ssize_t recvfrom(int fd, void* into, std::size_t size, int flags, sockaddr* from, socklen_t* length) {
  GATEHOUSE_REAL(recvfrom);
  return count_read(fd, next(fd, into, size, flags, from, length));
}
ssize_t recvmsg(int fd, msghdr* message, int flags) {
  GATEHOUSE_REAL(recvmsg);
  return count_read(fd, next(fd, message, flags));
}
ssize_t write(int fd, const void* from, std::size_t size) {
  GATEHOUSE_REAL(write);
  return count_write(fd, next(fd, from, size));
}
ssize_t writev(int fd, const iovec* parts, int number) {
  GATEHOUSE_REAL(writev);
  return count_write(fd, next(fd, parts, number));
}
ssize_t send(int fd, const void* from, std::size_t size, int flags) {
  GATEHOUSE_REAL(send);
  return count_write(fd, next(fd, from, size, flags));
}
ssize_t sendto(int fd, const void* from, std::size_t size, int flags, const sockaddr* to, socklen_t length) {
  GATEHOUSE_REAL(sendto);
  return count_write(fd, next(fd, from, size, flags, to, length));
}
ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  GATEHOUSE_REAL(sendmsg);
  return count_write(fd, next(fd, message, flags));
}
int epoll_wait(int fd, epoll_event* events, int number, int timeout) {
  GATEHOUSE_REAL(epoll_wait);
  count(g_counts->epoll_waits);
  return next(fd, events, number, timeout);
}
int close(int fd) {
  GATEHOUSE_REAL(close);
  if (fd >= 0 && fd < kMaxFd) g_kinds[fd] = kUnknown;
  return next(fd);
}

}  // extern "C"
