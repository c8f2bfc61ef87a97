// HTTP/2 as h2spec sees it: a program that others wrote, built by Go where Go is.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "support/certificates.h"
#include "support/echo_service.h"
#include "support/gateway.h"

namespace gatehouse::test {
namespace {

constexpr Millis kBuildTime{240'000};
constexpr Millis kRunTime{120'000};

/// The program, built once into build/peers; "" where that is not possible here.
std::string h2spec() {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(GATEHOUSE_SOURCE_DIR) / "build" / "peers" / "h2spec";
  const fs::path program = folder / "h2spec";
  if (fs::exists(program)) return program;
  if (run_program({"/usr/bin/env", "go", "version"}).exit_code != 0) return "";
  fs::create_directories(folder);
  std::ofstream(folder / "go.mod")
      << "module build\n\ngo 1.20\n\nrequire github.com/summerwind/h2spec v2.2.1+incompatible\n";
  const std::string build = "cd '" + folder.string() +
                            "' && export GOFLAGS=-mod=mod && go mod tidy && "
                            "go build -o h2spec.new github.com/summerwind/h2spec/cmd/h2spec && mv h2spec.new h2spec";
  if (run_program({"/bin/sh", "-c", build}, {}, Deadline(kBuildTime)).exit_code != 0) return "";
  return program;
}

std::string run(const std::string& program, const Gateway& gateway, std::vector<std::string> more) {
  std::vector<std::string> command{program, "--strict",   "-h", "127.0.0.1", "-p", std::to_string(gateway.port()),
                                   "-P",    "/?size=100", "-o", "4"};
  command.insert(command.end(), more.begin(), more.end());
  return run_program(command, {}, Deadline(kRunTime)).out;
}

/// From "Failures:" on, for the message of a failed test.
std::string failures(const std::string& output) {
  const std::size_t at = output.find("Failures:");
  return at == std::string::npos ? output.substr(output.size() - std::min<std::size_t>(output.size(), 400))
                                 : output.substr(at);
}

std::string routes(const EchoService& echo) {
  return "services: [{name: main, url: \"" + echo.url() + "\"}]\nroutes: [{path: \"/*\", service: main}]\n";
}

TEST(H2spec, all_of_its_cases_pass_through_tls) {
  const std::string program = h2spec();
  if (program.empty()) GTEST_SKIP() << "h2spec cannot be built here: there is no Go, or no way to its modules";
  TempDir files;
  TestCa ca(files.path());
  ca.issue("shop", {"localhost"});
  EchoService echo;
  Gateway gateway("listeners:\n  - {name: public, address: \"@listen@\", tls: {certificates: [{cert: " +
                  files.file("shop.pem") + ", key: " + files.file("shop.key") + "}]}}\n" + routes(echo));
  const std::string output = run(program, gateway, {"-t", "-k"});
  EXPECT_NE(output.find("146 tests, 146 passed, 0 skipped, 0 failed"), std::string::npos) << failures(output);
}

TEST(H2spec, all_but_the_wrong_preface_pass_on_a_port_shared_with_http_1) {
  const std::string program = h2spec();
  if (program.empty()) GTEST_SKIP() << "h2spec cannot be built here: there is no Go, or no way to its modules";
  EchoService echo;
  Gateway gateway(routes(echo));
  const std::string output = run(program, gateway, {});
  // What is not HTTP/2's preface is taken for HTTP/1.1 there, and answered as such.
  EXPECT_NE(output.find("146 tests, 145 passed, 0 skipped, 1 failed"), std::string::npos) << failures(output);
  EXPECT_NE(failures(output).find("Sends invalid connection preface"), std::string::npos) << failures(output);
}

}  // namespace
}  // namespace gatehouse::test
