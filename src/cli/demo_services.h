#pragma once
#include <array>
#include <expected>
#include <memory>
#include <string>
#include <thread>

#include "cli/shop.h"

namespace gatehouse::cli {

/// The shop's services, each a listener of its own on 127.0.0.1, all on one thread with a reactor of its own. That
/// thread takes no signals. The destructor ends it.
class DemoServices {
 public:
  /// Users on `base_port`, orders on the next and so on; each on a free port where it is 0. An error names the port
  /// that could not be had.
  static std::expected<std::unique_ptr<DemoServices>, std::string> start(std::uint16_t base_port);
  ~DemoServices();
  DemoServices(const DemoServices&) = delete;
  DemoServices& operator=(const DemoServices&) = delete;

  /// In the order of ShopService.
  const std::array<std::uint16_t, kShopServices>& ports() const { return ports_; }

 private:
  DemoServices() = default;
  void run();

  std::array<std::uint16_t, kShopServices> ports_{};
  io::Reactor reactor_;
  std::array<std::unique_ptr<engine::LocalServer>, kShopServices> servers_;
  std::thread thread_;
};

}  // namespace gatehouse::cli
