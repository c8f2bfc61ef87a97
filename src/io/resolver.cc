#include "io/resolver.h"

#include <ares.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <list>
#include <map>
#include <stdexcept>

namespace gatehouse::io {
namespace {

/// On each server, waiting longer each time.
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
  int ttl = std::numeric_limits<int>::max();
  for (const ares_addrinfo_node* node = found->nodes; node != nullptr; node = node->ai_next) {
    result.addresses.push_back(IpAddress::from(*node->ai_addr));
    ttl = std::min(ttl, node->ai_ttl);
  }
  for (const ares_addrinfo_cname* alias = found->cnames; alias != nullptr; alias = alias->next) {
    ttl = std::min(ttl, alias->ttl);
  }
  result.ttl = std::chrono::seconds(std::max(ttl, 1));
  if (result.addresses.empty()) result.error = kNoSuchHost;
  return result;
}

}  // namespace

struct Resolver::Impl {
  /// A socket of c-ares's, watched through a duplicate: c-ares closes its own.
  struct Socket {
    Socket(Impl& of, ares_socket_t its) : owner(of), original(its), readable(*this), writable(*this) {}

    struct Ready : Wait {
      explicit Ready(Socket& of)
          : Wait([](Wait& wait) { static_cast<Ready&>(wait).socket.owner.process(); }), socket(of) {}
      Socket& socket;
    };
    void wait(Scheduler& scheduler) {
      readable.attach(scheduler, &watched.readable, nullptr, kNever);
      // The edge is gone but bytes may be left: of an answer over TCP c-ares reads the length and the rest apart.
      if (has_bytes()) scheduler.complete(readable, Outcome::ready);
      if (wants_write) {
        writable.attach(scheduler, &watched.writable, nullptr, kNever);
      } else {
        writable.detach();
      }
    }

    bool has_bytes() const {
      pollfd asked{.fd = original, .events = POLLIN, .revents = 0};
      return watched.is_open() && ::poll(&asked, 1, 0) == 1;
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
    bool asked = false;  ///< c-ares had to ask the DNS
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

  Impl(Reactor& of, const std::string& servers, Duration first_try) : reactor(of), timer(*this), delivery(*this) {
    initialise_library();
    ares_options options{};
    options.timeout = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(first_try).count());
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

  /// Lets c-ares read and write every socket (it has two at most for each server) and look at the time.
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
    if (const auto address = IpAddress::parse(name)) {  // c-ares would ask the DNS for an IPv4 address's other family
      query.result.addresses.push_back(*address);
      query.answered = true;
      deliver_soon();
      return;
    }
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    ::ares_getaddrinfo(channel, name.c_str(), nullptr, &hints, &answered, &query);
    query.asked = true;  // it is still there: what is answered already is delivered later
    arm();
  }

  static void answered(void* argument, int status, int, ares_addrinfo* found) {
    Query& query = *static_cast<Query*>(argument);
    query.result = resolution_of(status, found);
    if (!query.asked) query.result.ttl = {};
    query.answered = true;
    if (found != nullptr) ::ares_freeaddrinfo(found);
    // From the loop: c-ares must not be called from inside its own callback, and the caller not from inside resolve().
    Impl& self = *query.owner;
    if (!self.ending) self.deliver_soon();
  }

  void deliver_soon() {
    delivery.detach();
    reactor.scheduler().complete(delivery, Outcome::ready);
  }

  /// One at a time, and as the last thing: the callback may destroy the resolver.
  void deliver() {
    const auto first = std::ranges::find_if(queries, &Query::answered);
    if (first == queries.end()) return;
    std::list<Query> done;
    done.splice(done.end(), queries, first);
    if (std::ranges::any_of(queries, &Query::answered)) deliver_soon();
    arm();
    done.front().done(std::move(done.front().result));
  }

  Reactor& reactor;
  ares_channel channel = nullptr;
  bool ending = false;
  std::map<ares_socket_t, std::unique_ptr<Socket>> sockets;
  std::list<Query> queries;
  Timer timer;
  Deliver delivery;
};

Resolver::Resolver(Reactor& reactor, const std::string& servers, Duration first_try)
    : impl_(std::make_unique<Impl>(reactor, servers, first_try)) {}
Resolver::~Resolver() = default;

void Resolver::resolve(const std::string& name, std::move_only_function<void(Resolution)> done) {
  impl_->start(name, std::move(done));
}

}  // namespace gatehouse::io
