// gRPC with peers that others wrote: grpcio, service and client, with a gateway in between.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "support/gateway.h"

namespace gatehouse::test {
namespace {

/// A Python that has grpcio, in a venv under build/peers; "" where that cannot be had here.
std::string python_with_grpc() {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(GATEHOUSE_SOURCE_DIR) / "build" / "peers" / "grpc";
  const fs::path python = folder / "bin" / "python";
  const auto works = [&] {
    return run_program({python, "-c", "import grpc"}, {}, Deadline(Millis(60'000))).exit_code == 0;
  };
  if (fs::exists(python) && works()) return python;
  const std::string make = "rm -rf '" + folder.string() + "' && python3 -m venv '" + folder.string() + "' && '" +
                           (folder / "bin" / "pip").string() + "' install -q --disable-pip-version-check grpcio";
  if (run_program({"/bin/sh", "-c", make}, {}, Deadline(Millis(200'000))).exit_code != 0) return "";
  return works() ? python.string() : "";
}

TEST(Grpc, every_kind_of_call_passes) {
  const std::string python = python_with_grpc();
  if (python.empty()) GTEST_SKIP() << "grpcio cannot be installed here";
  const std::string script = GATEHOUSE_SOURCE_DIR "/tests/conformance/grpc_peer.py";
  const std::uint16_t port = free_port();
  Process service({python, script, "serve", std::to_string(port)});
  const Deadline up(Millis(20'000 * kSlowness));
  while (!connect_tcp(port) && !up.passed()) service.pause(Millis(50));
  Gateway gateway(
      "services:\n  - {name: orders, url: \"grpc://127.0.0.1:" + std::to_string(port) +
      "\"}\n  - {name: gone, url: \"grpc://127.0.0.1:1\"}\n"
      "routes:\n  - {path: \"/shop.Echo/*\", service: orders}\n  - {path: \"/gone.Service/*\", service: gone}\n");
  const Finished calls = run_program({python, script, "call", "127.0.0.1:" + std::to_string(gateway.port())}, {},
                                     Deadline(Millis(60'000 * kSlowness)));
  EXPECT_EQ(calls.out,
            "unary (b'hi', 't')\n"
            "fail NOT_FOUND no such order\n"
            "unknown UNIMPLEMENTED Method not found!\n"
            "deadline DEADLINE_EXCEEDED\n"
            "many [b'a0', b'a1', b'a2', b'a3', b'a4']\n"
            "sum b'a,b,c'\n"
            "chat [b're:0', b're:1', b're:2']\n"
            "large 3000000\n"
            "no-route UNIMPLEMENTED no route matches this request\n"
            "no-service UNAVAILABLE the service could not be reached\n"
            "hundreds 2000\n")
      << calls.err;
  const std::vector<std::string> log = gateway.access_log(410);
  const auto logged = [&](std::string_view status) {
    return std::count_if(log.begin(), log.end(), [&](const std::string& line) {
      return line.find("\"grpc_status\":" + std::string(status) + "}") != std::string::npos;
    });
  };
  EXPECT_EQ(logged("0"), 405);  // unary, streams and hundreds
  EXPECT_EQ(logged("5"), 1);    // NOT_FOUND
  EXPECT_EQ(logged("12"), 2);   // UNIMPLEMENTED: the service's and the gateway's
  EXPECT_EQ(logged("14"), 1);   // UNAVAILABLE
}

}  // namespace
}  // namespace gatehouse::test
