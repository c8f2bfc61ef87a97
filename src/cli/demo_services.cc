#include "cli/demo_services.h"

#include <pthread.h>

#include <csignal>

namespace gatehouse::cli {

std::expected<std::unique_ptr<DemoServices>, std::string> DemoServices::start(std::uint16_t base_port) {
  std::unique_ptr<DemoServices> made(new DemoServices);
  for (std::size_t i = 0; i < kShopServices; ++i) {
    const auto port = static_cast<std::uint16_t>(base_port == 0 ? 0 : base_port + i);
    const auto fd = io::listen_on(io::Endpoint::ip(*IpAddress::parse("127.0.0.1"), port));
    if (!fd) return std::unexpected(fd.error());
    made->ports_[i] = io::local_endpoint(*fd).port();
    const auto service = static_cast<ShopService>(i);
    made->servers_[i] = std::make_unique<engine::LocalServer>(
        made->reactor_, *fd, [service](const engine::LocalRequest& request) { return answer_shop(service, request); });
  }
  sigset_t all, before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // the thread starts with this mask: signals are for the others
  made->thread_ = std::thread(&DemoServices::run, made.get());
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return made;
}

void DemoServices::run() {
  reactor_.run();
  for (auto& server : servers_) server.reset();  // connections end on the thread that served them
}

DemoServices::~DemoServices() {
  if (!thread_.joinable()) return;
  reactor_.post([this] { reactor_.stop(); });
  thread_.join();
}

}  // namespace gatehouse::cli
