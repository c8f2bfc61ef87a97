#include "io/reactor.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace gatehouse::io {
namespace {

constexpr int kEventsPerTurn = 256;

int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

int milliseconds(Duration sleep) {
  if (sleep == kOff) return -1;
  const auto ms = (sleep.count() + 999'999) / 1'000'000;  // rounded up: waking early would only make another turn
  return ms > 60'000 ? 60'000 : static_cast<int>(ms);
}

}  // namespace

Reactor::Reactor()
    : epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      event_(checked(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")),
      scheduler_(steady_now()) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;  // every write is an edge: the counter need not be read
  event.data.ptr = nullptr;
  checked(::epoll_ctl(epoll_, EPOLL_CTL_ADD, event_, &event), "epoll_ctl");
}

Reactor::~Reactor() {
  for (Letter* letter = inbox_.exchange(nullptr); letter != nullptr;) {
    Letter* next = letter->next;
    delete letter;
    letter = next;
  }
  ::close(event_);
  ::close(epoll_);
}

void Reactor::run() {
  stopping_ = false;
  while (!stopping_) turn();
}

void Reactor::turn() {
  epoll_event events[kEventsPerTurn];
  const int count = ::epoll_wait(epoll_, events, kEventsPerTurn, milliseconds(scheduler_.sleep_for()));
  scheduler_.advance(steady_now());
  bool mail = false;
  for (int i = 0; i < count; ++i) {
    if (events[i].data.ptr == nullptr) {
      mail = true;
    } else {
      static_cast<Descriptor*>(events[i].data.ptr)->note(events[i].events);
    }
  }
  if (mail) read_inbox();
  scheduler_.run_ready();
}

void Reactor::post(std::move_only_function<void()> work) {
  auto* letter = new Letter{std::move(work)};
  Letter* head = inbox_.load(std::memory_order_relaxed);
  do {
    letter->next = head;
  } while (!inbox_.compare_exchange_weak(head, letter, std::memory_order_release, std::memory_order_relaxed));
  if (head == nullptr) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(event_, &one, sizeof one);
  }
}

void Reactor::read_inbox() {
  Letter* newest = inbox_.exchange(nullptr, std::memory_order_acquire);
  Letter* oldest = nullptr;
  while (newest != nullptr) {
    Letter* next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
  }
  while (oldest != nullptr) {
    Letter* next = oldest->next;
    oldest->work();
    delete oldest;
    oldest = next;
  }
}

}  // namespace gatehouse::io
