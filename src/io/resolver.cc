#include "io/resolver.h"

#include <ares.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

#include <list>
#include <map>
#include <stdexcept>

namespace gatehouse::io {
namespace {

/// Of one try; c-ares makes kTries on each server, waiting longer each time.
constexpr int kTimeoutMs = 1500;
constexpr int kTries = 2;

/// c-ares wants one initialisation a process.
void initialise_library() {
  static const int status = ::ares_library_init(ARES_LIB_INIT_ALL);
  if (status != ARES_SUCCESS) throw std::runtime_error(std::string("c-ares: ") + ::ares_strerror(status));
}

Resolution resolution_of(int status, const ares_addrinfo* found) {
  Resolution result;
  if (status != ARES_SUCCESS) {
    result.error = status == ARES_ENOTFOUND || status == ARES_ENODATA ? kNoSuchHost : ::ares_strerror(status);
    return result;
  }
  int ttl = -1;
  for (const ares_addrinfo_node* node = found->nodes; node != nullptr; node = node->ai_next) {
    result.addresses.push_back(IpAddress::from(*node->ai_addr));
    if (ttl < 0 || node->ai_ttl < ttl) ttl = node->ai_ttl;
  }
  if (ttl > 0) result.ttl = std::chrono::seconds(ttl);
  if (result.addresses.empty()) result.error = kNoSuchHost;
  return result;
}

}  // namespace

struct Resolver::Impl {
  /// A socket of c-ares's, watched through a duplicate: c-ares closes its own.
  struct Socket {
    Socket(Impl& of, ares_socket_t its) : owner(of), original(its), readable(*this), writable(*this) {}

    struct Ready : Wait {
      explicit Ready(Socket& of) : Wait([](Wait& wait) { static_cast<Ready&>(wait).socket.owner.process(); }), socket(of) {}
      Socket& socket;
    };
    void wait(Scheduler& scheduler) {
      readable.attach(scheduler, &watched.readable, nullptr, kNever);
      if (wants_write) {
        writable.attach(scheduler, &watched.writable, nullptr, kNever);
      } else {
        writable.detach();
      }
    }

    Impl& owner;
    const ares_socket_t original;
    bool wants_write = false;
    Descriptor watched;
    Ready readable, writable;
  };
  struct Query {
    Impl* owner;
    std::move_only_function<void(Resolution)> done;
    Resolution result;
    bool answered = false;
  };
  struct Timer : Wait {
    explicit Timer(Impl& of) : Wait([](Wait& wait) { static_cast<Timer&>(wait).owner.process(); }), owner(of) {}
    Impl& owner;
  };
  struct Deliver : Wait {
    explicit Deliver(Impl& of) : Wait([](Wait& wait) { static_cast<Deliver&>(wait).owner.deliver(); }), owner(of) {}
    Impl& owner;
  };

  Impl(Reactor& of, const std::string& servers) : reactor(of), timer(*this), deliver_soon(*this) {
    initialise_library();
    ares_options options{};
    options.timeout = kTimeoutMs;
    options.tries = kTries;
    options.sock_state_cb = &state_changed;
    options.sock_state_cb_data = this;
    int status = ::ares_init_options(&channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (status == ARES_SUCCESS && !servers.empty()) {
      status = ::ares_set_servers_ports_csv(channel, servers.c_str());
      if (status != ARES_SUCCESS) ::ares_destroy(channel);
    }
    if (status != ARES_SUCCESS) throw std::runtime_error(std::string("c-ares: ") + ::ares_strerror(status));
  }

  ~Impl() {
    ending = true;
    ::ares_destroy(channel);  // answers every query with ARES_EDESTRUCTION
  }

  static void state_changed(void* self, ares_socket_t socket, int readable, int writable) {
    static_cast<Impl*>(self)->watch(socket, readable != 0, writable != 0);
  }

  void watch(ares_socket_t socket, bool read, bool write) {
    if (!read && !write) {
      sockets.erase(socket);
      return;
    }
    auto& slot = sockets[socket];
    if (slot == nullptr) {
      slot = std::make_unique<Socket>(*this, socket);
      const int own = ::fcntl(socket, F_DUPFD_CLOEXEC, 3);
      if (own < 0 || !slot->watched.open(reactor, own)) return;  // then the query times out
    }
    slot->wants_write = write;
    slot->wait(reactor.scheduler());
  }

  /// Lets c-ares read and write every socket: it has two at most for each server, and an edge may stand for more than it
  /// takes at once.
  void process() {
    std::vector<ares_socket_t> ready;
    for (const auto& [socket, watched] : sockets) ready.push_back(socket);
    bool any = false;
    for (const ares_socket_t socket : ready) {
      const auto found = sockets.find(socket);
      if (found == sockets.end()) continue;
      any = true;
      ::ares_process_fd(channel, socket, found->second->wants_write ? socket : ARES_SOCKET_BAD);
    }
    if (!any) ::ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    for (const auto& [socket, watched] : sockets) watched->wait(reactor.scheduler());
    arm();
  }

  void arm() {
    timeval most{60, 0}, left{};
    const timeval* next = ::ares_timeout(channel, &most, &left);
    timer.detach();
    if (queries.empty()) return;
    const Duration after = std::chrono::seconds(next->tv_sec) + std::chrono::microseconds(next->tv_usec);
    timer.attach(reactor.scheduler(), nullptr, nullptr,
                 deadline_after(steady_now(), std::max<Duration>(after, std::chrono::milliseconds(1))));
  }

  void start(const std::string& name, std::move_only_function<void(Resolution)> done) {
    Query& query = queries.emplace_back(this, std::move(done));
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    ::ares_getaddrinfo(channel, name.c_str(), nullptr, &hints, &answered, &query);
    arm();
  }

  static void answered(void* argument, int status, int, ares_addrinfo* found) {
    Query& query = *static_cast<Query*>(argument);
    query.result = resolution_of(status, found);
    query.answered = true;
    if (found != nullptr) ::ares_freeaddrinfo(found);
    // From the loop: c-ares must not be called from inside its own callback, and the caller not from inside resolve().
    Impl& self = *query.owner;
    if (!self.ending) self.reactor.scheduler().complete(self.fresh_deliver(), Outcome::ready);
  }

  Deliver& fresh_deliver() {
    deliver_soon.detach();
    return deliver_soon;
  }

  void deliver() {
    std::list<Query> done;
    for (auto at = queries.begin(); at != queries.end();) {
      const auto next = std::next(at);
      if (at->answered) done.splice(done.end(), queries, at);
      at = next;
    }
    arm();
    for (Query& query : done) query.done(std::move(query.result));  // may destroy the resolver: the list is our own
  }

  Reactor& reactor;
  ares_channel channel = nullptr;
  bool ending = false;
  std::map<ares_socket_t, std::unique_ptr<Socket>> sockets;
  std::list<Query> queries;
  Timer timer;
  Deliver deliver_soon;
};

Resolver::Resolver(Reactor& reactor, const std::string& servers) : impl_(std::make_unique<Impl>(reactor, servers)) {}
Resolver::~Resolver() = default;

void Resolver::resolve(const std::string& name, std::move_only_function<void(Resolution)> done) {
  impl_->start(name, std::move(done));
}

}  // namespace gatehouse::io
