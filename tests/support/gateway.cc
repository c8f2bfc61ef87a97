#include "support/gateway.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>

namespace gatehouse::test {

namespace {

constexpr Millis kPoll{2};

bool has_key(std::string_view config, std::string_view key) {
  std::string line = std::string(key) + ":";
  return config.starts_with(line) || config.find("\n" + line) != std::string_view::npos;
}

void expect_no_sanitizer_report(const std::string& err) {
  for (const char* word : {"AddressSanitizer", "ThreadSanitizer", "LeakSanitizer", "runtime error:"}) {
    EXPECT_EQ(err.find(word), std::string::npos) << err;
  }
}

}  // namespace

std::string gatehouse_binary() {
  const char* given = std::getenv("GATEHOUSE_BINARY");
  return given != nullptr ? given : GATEHOUSE_BINARY_PATH;
}

Finished run_gatehouse(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), gatehouse_binary());
  Finished result = run_program(std::move(arguments));
  expect_no_sanitizer_report(result.err);
  return result;
}

Gateway::Gateway(std::string_view config, GatewayOptions options)
    : options_(std::move(options)), listen_port_(free_port()), admin_port_(free_port()) {
  write_config(config);
  std::vector<std::string> command{gatehouse_binary(), "run", config_file()};
  command.insert(command.end(), options_.arguments.begin(), options_.arguments.end());
  process_ = std::make_unique<Process>(command, options_.process);
  if (options_.wait_ready && !wait_ready()) {
    ADD_FAILURE() << "the gateway did not start with\n" << read_file(config_file()) << "\nstderr: " << process_->err();
  }
}

Gateway::~Gateway() {
  if (!stopped_ && process_->running())
    stop(Deadline(Millis(40000)));
  else
    expect_no_sanitizer_report(process_->err());
}

std::string Gateway::expand(std::string_view text) const {
  std::string result;
  while (!text.empty()) {
    std::size_t start = text.find('@');
    std::size_t end = start == std::string_view::npos ? start : text.find('@', start + 1);
    if (end == std::string_view::npos) break;
    std::string key(text.substr(start + 1, end - start - 1));
    std::string value;
    if (key == "listen")
      value = "127.0.0.1:" + std::to_string(listen_port_);
    else if (key == "listen_port")
      value = std::to_string(listen_port_);
    else if (key == "admin")
      value = "127.0.0.1:" + std::to_string(admin_port_);
    else if (key == "dir")
      value = dir_.path();
    else if (auto given = options_.variables.find(key); given != options_.variables.end())
      value = given->second;
    else {
      result += text.substr(0, end);  // no variable: an @ of the text's own
      text.remove_prefix(end);
      continue;
    }
    result += text.substr(0, start);
    result += value;
    text.remove_prefix(end + 1);
  }
  return result + std::string(text);
}

std::string Gateway::complete(std::string_view config) const {
  std::string front;
  if (!has_key(config, "workers")) front += "workers: 2\n";
  if (!has_key(config, "listeners")) front += "listeners: [{name: public, address: \"@listen@\"}]\n";
  if (!has_key(config, "admin")) front += "admin: {address: \"@admin@\"}\n";
  if (!has_key(config, "logging")) front += "logging: {access: {path: \"@dir@/access.log\"}}\n";
  return expand(front + std::string(config));
}

void Gateway::write_config(std::string_view config) {
  dir_.write("gatehouse.yaml", complete(config));
}

bool Gateway::wait_ready() {
  Deadline deadline(Millis(10000 * kSlowness));
  while (!deadline.passed() && process_->running()) {
    RawClient client(admin_port_);
    if (client.connected()) {
      client.send(request("GET", "/ready", "Connection: close\r\n", "", "127.0.0.1"));
      if (client.read_response().status == 200) return true;
    }
    process_->pause(kPoll);
  }
  return false;
}

Response Gateway::admin(std::string_view method, std::string_view target, std::string_view body,
                        std::string_view fields) const {
  std::string all = "Connection: close\r\n" + std::string(fields);
  return ask(admin_port_, request(method, target, all, body, "127.0.0.1:" + std::to_string(admin_port_)));
}

double Gateway::metric(std::string_view name, const std::vector<std::string>& labels) const {
  Response answer = admin("GET", "/metrics");
  std::string_view rest = answer.body;
  double sum = 0;
  bool found = false;
  while (!rest.empty()) {
    std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!line.starts_with(name) || line.size() == name.size()) continue;
    if (line[name.size()] != '{' && line[name.size()] != ' ') continue;
    bool all = true;
    for (const std::string& label : labels) all = all && line.find(label) != std::string_view::npos;
    if (!all) continue;
    std::size_t space = line.find("} ");
    space = space == std::string_view::npos ? line.find(' ') : space + 1;
    sum += std::strtod(std::string(line.substr(space + 1)).c_str(), nullptr);
    found = true;
  }
  return found ? sum : -1;
}

double Gateway::wait_metric(std::string_view name, double value, const std::vector<std::string>& labels) {
  Deadline deadline;
  double now = metric(name, labels);
  while (now != value && !deadline.passed() && process_->running()) {
    process_->pause(kPoll);
    now = metric(name, labels);
  }
  return now;
}

bool Gateway::reload(std::string_view config) {
  double before = metric("gatehouse_config_version");
  std::size_t said = process_->err().size();
  write_config(config);
  process_->signal(SIGHUP);
  Deadline deadline;
  while (!deadline.passed() && process_->running()) {
    if (metric("gatehouse_config_version") != before) return true;
    if (process_->err().size() > said && metric("gatehouse_config_last_reload_successful") == 0) return false;
    process_->pause(kPoll);
  }
  ADD_FAILURE() << "neither a new version nor an error after SIGHUP; stderr: " << process_->err();
  return false;
}

std::vector<std::string> Gateway::access_log(std::size_t count) {
  std::vector<std::string> lines;
  for (Deadline deadline; !deadline.passed(); process_->pause(Millis(10))) {
    lines.clear();
    std::string text = read_file(dir_.file("access.log"));
    for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
      lines.push_back(text.substr(at, end - at));
    }
    if (lines.size() >= count) break;
  }
  return lines;
}

int Gateway::stop(const Deadline& deadline) {
  stopped_ = true;
  process_->signal(SIGTERM);
  std::optional<int> code = process_->wait_exit(deadline);
  EXPECT_TRUE(code.has_value()) << "the gateway did not end after SIGTERM; stderr: " << process_->err();
  if (code) EXPECT_EQ(*code, 0) << process_->err();
  expect_no_sanitizer_report(process_->err());
  return code.value_or(-1);
}

}  // namespace gatehouse::test
