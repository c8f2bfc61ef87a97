#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/commands.h"
#include "cli/demo_certificates.h"
#include "cli/demo_services.h"
#include "cli/demo_text.h"

namespace gatehouse::cli {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Demo, runs_the_example_as_it_stands_in_the_file) {
  std::ifstream file(GATEHOUSE_SOURCE_DIR "/examples/shop.yaml");
  std::stringstream text;
  text << file.rdbuf();
  ASSERT_GT(text.str().size(), 100u);
  EXPECT_EQ(shop_yaml(), text.str());
  EXPECT_EQ(demo_configuration({}), text.str());
}

TEST(Demo, has_a_configuration_without_errors_and_warnings) {
  DemoPorts ports{.gateway = 18080, .admin = 19901};
  for (std::size_t i = 0; i < ports.services.size(); ++i) ports.services[i] = static_cast<std::uint16_t>(40000 + i);
  const config::Loaded loaded = config::load_text({.name = "demo", .text = demo_configuration(ports)}, catalogue());
  EXPECT_EQ(loaded.diagnostics.text(), "");
  ASSERT_EQ(loaded.model.listeners.size(), 1u);
  EXPECT_EQ(loaded.model.listeners[0].address.port, 18080);
  ASSERT_TRUE(loaded.model.admin.has_value());
  EXPECT_EQ(loaded.model.admin->address.port, 19901);
  ASSERT_EQ(loaded.model.services.size(), kShopServices);
  for (std::size_t i = 0; i < kShopServices; ++i)
    EXPECT_EQ(loaded.model.services[i].targets.at(0).address.port, 40000 + i);
}

TEST(Demo, with_certificates_speaks_tls_too) {
  const std::string folder = testing::TempDir() + "/gatehouse-demo-certificates";
  std::filesystem::remove_all(folder);
  ASSERT_EQ(make_demo_certificates(folder), "");
  const auto inode = [&] {
    struct stat info{};
    EXPECT_EQ(::stat((folder + "/ca.pem").c_str(), &info), 0);
    return info.st_ino;
  };
  struct stat key{};
  EXPECT_EQ(::stat((folder + "/ca.key").c_str(), &key), 0);
  EXPECT_EQ(key.st_mode & 0777, 0600U);
  const auto before = inode();
  EXPECT_EQ(make_demo_certificates(folder), "") << "what is there stays";
  EXPECT_EQ(inode(), before);
  const DemoPorts ports{.tls = 18443, .certificates = folder};
  const config::Loaded loaded = config::load_text({.name = "demo", .text = demo_configuration(ports)}, catalogue());
  EXPECT_EQ(loaded.diagnostics.text(), "");
  ASSERT_EQ(loaded.model.listeners.size(), 2u);
  EXPECT_TRUE(loaded.model.listeners[0].tls.has_value());
  EXPECT_THAT(demo_greeting(ports), HasSubstr("curl --cacert " + folder + "/ca.pem https://localhost:18443/users/1"));
  EXPECT_THAT(make_demo_certificates("/proc/nowhere"), HasSubstr("cannot make the folder"));
  std::filesystem::remove_all(folder);
}

TEST(Demo, greets_with_five_requests_to_the_ports_in_use) {
  const std::string text = demo_greeting({.gateway = 18080, .admin = 19901});
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find("    curl ", at)) != std::string::npos; ++at) ++count;
  EXPECT_EQ(count, 5u);
  EXPECT_THAT(text, AllOf(HasSubstr("http://127.0.0.1:18080/users/1"), HasSubstr("http://127.0.0.1:19901/explain")));
  EXPECT_THAT(text, AllOf(Not(HasSubstr(":8080")), Not(HasSubstr(":9901"))));
}

std::string ask(std::uint16_t port, std::string_view request) {
  const io::Endpoint to = io::Endpoint::ip(*IpAddress::parse("127.0.0.1"), port);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{20, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::string got;
  if (::connect(fd, to.get(), to.size()) == 0 && ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
    char room[4096];
    for (ssize_t count; (count = ::recv(fd, room, sizeof room, 0)) > 0;)
      got.append(room, static_cast<std::size_t>(count));
  }
  ::close(fd);
  return got;
}

TEST(DemoServices, listen_each_on_a_free_port) {
  const auto services = DemoServices::start(0);
  ASSERT_TRUE(services.has_value()) << services.error();
  for (std::size_t i = 0; i < kShopServices; ++i) {
    const std::string answer =
        ask((*services)->ports()[i], "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer,
                HasSubstr("X-Service: " + std::string(shop_service_name(static_cast<ShopService>(i))) + "\r\n"));
    EXPECT_THAT(answer, EndsWith("{\n  \"status\": \"ok\"\n}\n"));
  }
}

TEST(DemoServices, name_the_port_that_is_taken) {
  const auto first = DemoServices::start(0);
  ASSERT_TRUE(first.has_value()) << first.error();
  const std::uint16_t taken = (*first)->ports()[0];
  const auto second = DemoServices::start(taken);
  ASSERT_FALSE(second.has_value());
  EXPECT_THAT(second.error(), HasSubstr("127.0.0.1:" + std::to_string(taken)));
}

}  // namespace
}  // namespace gatehouse::cli
