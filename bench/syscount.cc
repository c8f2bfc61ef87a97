// LD_PRELOAD library that counts a program's calls of the functions below. The counters are an array of uint64 in the
// file that GATEHOUSE_SYSCOUNT names (shared by all processes that inherit it), in the order of Counter; the harness
// reads differences. Calls that libc makes inside itself are not seen, so only what the program asked for is counted.
// EAGAIN is counted apart: it shows speculative reads and writes.

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <type_traits>

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
}

namespace {

enum Counter : unsigned {
  kRead,
  kWrite,
  kEpollWait,
  kEpollCtl,
  kAccept,
  kAgain,
  kMalloc,
  kCalloc,
  kRealloc,
  kCounters
};

// Until the file is mapped, and in programs started without one, counts go nowhere that matters.
std::atomic<std::uint64_t> own[kCounters];
std::atomic<std::uint64_t>* counters = own;

void count(Counter which) {
  counters[which].fetch_add(1, std::memory_order_relaxed);
}

__attribute__((constructor)) void map_counters() {
  const char* path = std::getenv("GATEHOUSE_SYSCOUNT");
  if (path == nullptr) return;
  const int fd = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0));
  if (fd < 0) return;
  void* memory = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (memory != MAP_FAILED) counters = static_cast<std::atomic<std::uint64_t>*>(memory);
}

// The kernel takes every argument as a full register.
template <typename T>
long in_register(T value) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<long>(value);
  } else {
    return reinterpret_cast<long>(static_cast<const void*>(value));
  }
}

template <typename... Args>
long counted(Counter which, long number, Args... args) {
  count(which);
  const long result = syscall(number, in_register(args)...);
  if (result < 0 && errno == EAGAIN) count(kAgain);
  return result;
}

}  // namespace

extern "C" {

ssize_t read(int fd, void* to, size_t n) {
  return counted(kRead, SYS_read, fd, to, n);
}
ssize_t __read_chk(int fd, void* to, size_t n, size_t) {
  return counted(kRead, SYS_read, fd, to, n);
}
ssize_t readv(int fd, const iovec* parts, int n) {
  return counted(kRead, SYS_readv, fd, parts, n);
}
ssize_t recv(int fd, void* to, size_t n, int flags) {
  return counted(kRead, SYS_recvfrom, fd, to, n, flags, nullptr, nullptr);
}
ssize_t __recv_chk(int fd, void* to, size_t n, size_t, int flags) {
  return recv(fd, to, n, flags);
}
ssize_t recvfrom(int fd, void* to, size_t n, int flags, sockaddr* from, socklen_t* size) {
  return counted(kRead, SYS_recvfrom, fd, to, n, flags, from, size);
}
ssize_t recvmsg(int fd, msghdr* message, int flags) {
  return counted(kRead, SYS_recvmsg, fd, message, flags);
}

ssize_t write(int fd, const void* from, size_t n) {
  return counted(kWrite, SYS_write, fd, from, n);
}
ssize_t writev(int fd, const iovec* parts, int n) {
  return counted(kWrite, SYS_writev, fd, parts, n);
}
ssize_t send(int fd, const void* from, size_t n, int flags) {
  return counted(kWrite, SYS_sendto, fd, from, n, flags, nullptr, 0);
}
ssize_t sendto(int fd, const void* from, size_t n, int flags, const sockaddr* to, socklen_t size) {
  return counted(kWrite, SYS_sendto, fd, from, n, flags, to, size);
}
ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  return counted(kWrite, SYS_sendmsg, fd, message, flags);
}
ssize_t sendfile(int out, int in, off_t* at, size_t n) noexcept {
  return counted(kWrite, SYS_sendfile, out, in, at, n);
}
ssize_t splice(int in, off64_t* in_at, int out, off64_t* out_at, size_t n, unsigned flags) {
  return counted(kWrite, SYS_splice, in, in_at, out, out_at, n, flags);
}

int epoll_wait(int fd, epoll_event* events, int n, int timeout) {
  return static_cast<int>(counted(kEpollWait, SYS_epoll_pwait, fd, events, n, timeout, nullptr, 8));
}
int epoll_pwait(int fd, epoll_event* events, int n, int timeout, const sigset_t* mask) {
  return static_cast<int>(counted(kEpollWait, SYS_epoll_pwait, fd, events, n, timeout, mask, 8));
}
int epoll_ctl(int fd, int what, int target, epoll_event* event) noexcept {
  return static_cast<int>(counted(kEpollCtl, SYS_epoll_ctl, fd, what, target, event));
}
int accept(int fd, sockaddr* from, socklen_t* size) {
  return static_cast<int>(counted(kAccept, SYS_accept4, fd, from, size, 0));
}
int accept4(int fd, sockaddr* from, socklen_t* size, int flags) {
  return static_cast<int>(counted(kAccept, SYS_accept4, fd, from, size, flags));
}

void* malloc(size_t n) {
  count(kMalloc);
  return __libc_malloc(n);
}
void* calloc(size_t n, size_t size) {
  count(kCalloc);
  return __libc_calloc(n, size);
}
void* realloc(void* block, size_t n) {
  count(kRealloc);
  return __libc_realloc(block, n);
}
void* memalign(size_t alignment, size_t n) {
  count(kMalloc);
  return __libc_memalign(alignment, n);
}
void* aligned_alloc(size_t alignment, size_t n) {
  count(kMalloc);
  return __libc_memalign(alignment, n);
}
int posix_memalign(void** block, size_t alignment, size_t n) {
  count(kMalloc);
  *block = __libc_memalign(alignment, n);
  return *block == nullptr ? ENOMEM : 0;
}

}  // extern "C"
