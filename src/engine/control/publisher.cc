#include "engine/control/publisher.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>

namespace gatehouse::engine {
namespace {

/// What a listener's sessions keep: it may outlive the model that it was made from.
struct ListenerSettings : SessionSettings {
  std::vector<Cidr> trusted;

  ListenerSettings(const config::Listener& listener, const std::vector<Cidr>& trusted_proxies,
                   std::shared_ptr<const io::TlsServer> tls_server)
      : trusted(trusted_proxies) {
    tls = std::move(tls_server);
    const config::Limits& limits = listener.limits;
    head = {limits.request_line, limits.max_header_bytes, limits.max_headers};
    http2 = listener.http2;
    http2_settings.head = head;
    http2_settings.max_streams = limits.http2.max_concurrent_streams;
    http2_settings.stream_window = limits.http2.stream_window;
    http2_settings.connection_window = 4 * limits.http2.stream_window;
    http2_settings.cheap_frames = limits.http2.control_frames;
    http2_settings.cheap_frames_per_second = limits.http2.control_frames_per_second;
    header_timeout = limits.header_timeout;
    idle_timeout = limits.idle_timeout;
    body_timeout = limits.body_timeout;
    port = listener.address.port;
    proxy_protocol = listener.proxy_protocol;
    context = this;
    may_send_proxy = [](const void* self, const IpAddress& peer) {
      // Who may write to a Unix socket is for its file's permissions to say.
      return peer.unspecified() || std::ranges::any_of(static_cast<const ListenerSettings*>(self)->trusted,
                                                       [&](const Cidr& block) { return block.contains(peer); });
    };
  }
};

/// As many clients as there are open files, less what the rest of the process needs.
std::uint32_t connections_of_open_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t files = std::min<rlim_t>(limit.rlim_cur, 4'000'000);
  return static_cast<std::uint32_t>(files - std::min<rlim_t>(files / 2, 4096));
}

}  // namespace

Publisher::Publisher(io::Reactor& control, Workforce& workforce, std::function<void()> released)
    : control_(control), workforce_(workforce), released_(std::move(released)) {
  workforce_.shared().released = [this](PublishedSnapshot* published) {
    control_.post([this, published] { let_go(published); });
  };
}

std::uint16_t Publisher::id_of(const config::Listener& listener) {
  const auto next = static_cast<std::uint16_t>(ids_.size());
  return ids_.try_emplace(listener.address.text(), next).first->second;
}

void Publisher::publish(std::shared_ptr<const Snapshot> snapshot, const ListeningSockets& sockets, Tls tls,
                        AccessLogging logging) {
  const config::Model& model = snapshot->model();
  std::vector<Listening> listening;
  std::set<std::uint16_t> wanted;
  for (const config::Listener& listener : model.listeners) {
    const std::uint16_t id = id_of(listener);
    listening.push_back(
        {id,
         {},
         listener.name,
         std::make_shared<ListenerSettings>(listener, model.trusted_proxies, std::move(tls[listening.size()])),
         !live_.contains(id)});
    if (listening.back().fresh) {
      // Now: when a worker comes to it, the socket may have been closed again.
      for (std::size_t i = 0; i < workforce_.shared().workers.size(); ++i) {
        listening.back().fds.push_back(::fcntl(sockets.fd(listener.address), F_DUPFD_CLOEXEC, 3));
      }
    }
    wanted.insert(id);
  }
  std::vector<std::uint16_t> gone;
  std::ranges::set_difference(live_, wanted, std::back_inserter(gone));
  live_ = std::move(wanted);

  Shared& shared = workforce_.shared();
  const std::uint32_t cap = model.limits.max_connections;
  shared.max_connections.store(cap != 0 ? cap : connections_of_open_files(), std::memory_order_relaxed);

  const std::size_t workers = shared.workers.size();
  auto published = std::make_unique<PublishedSnapshot>(std::move(snapshot), static_cast<unsigned>(workers));
  published->listener_index.assign(ids_.size(), PublishedSnapshot::kGone);
  for (std::size_t i = 0; i < listening.size(); ++i) {
    published->listener_index[listening[i].id] = static_cast<std::uint16_t>(i);
  }
  PublishedSnapshot* const raw = published.get();
  in_service_.push_back({std::move(published), workers});
  workforce_.each([raw, listening, gone, logging](Worker& worker) {
    worker.use(raw);
    worker.use_log(logging.sink, logging.format);
    for (const Listening& each : listening) {
      if (each.fresh) {
        worker.add_listener(each.id, each.fds[worker.index()], each.name, each.settings);
      } else {
        worker.change_listener(each.id, each.settings);
      }
    }
    for (const std::uint16_t id : gone) worker.remove_listener(id);
  });
}

void Publisher::stop_accepting() {
  workforce_.each([ids = std::exchange(live_, {})](Worker& worker) {
    for (const std::uint16_t id : ids) worker.remove_listener(id);
  });
}

void Publisher::let_go(PublishedSnapshot* published) {
  const auto found =
      std::ranges::find_if(in_service_, [&](const InService& each) { return each.published.get() == published; });
  if (--found->users != 0) return;
  in_service_.erase(found);
  released_();
}

}  // namespace gatehouse::engine
