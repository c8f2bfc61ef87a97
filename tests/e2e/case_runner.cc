#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <map>

#include "e2e/case_file.h"
#include "e2e/fixtures.h"

namespace gatehouse::test {
namespace {

/// A service of a case: gives the answer that was set last and keeps the last request.
class CaseService {
 public:
  CaseService() : service_([this](ServiceExchange& exchange) { serve(exchange); }) {}

  void answer_with(CaseAnswer answer) {
    std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }
  struct Seen {
    RequestHead head;
    std::string body;
    Fields trailers;
    int count = 0;
  };
  /// `expected`: waits for a request that may still be on its way, as a mirrored one is.
  Seen seen(bool expected) {
    std::unique_lock lock(mutex_);
    if (expected) arrived_.wait_for(lock, kPatience, [this] { return seen_.count != 0; });
    return seen_;
  }
  void forget() {
    std::lock_guard lock(mutex_);
    seen_ = {};
  }
  std::string address() const { return service_.address(); }

 private:
  void serve(ServiceExchange& exchange) {
    std::string body = exchange.read_whole_body();
    CaseAnswer answer;
    {
      std::lock_guard lock(mutex_);
      seen_ = {exchange.head(), body, exchange.trailers(), seen_.count + 1};
      answer = answer_;
    }
    arrived_.notify_all();
    if (!answer.head.empty()) exchange.write(bytes_of(answer, exchange.head().method == "HEAD"));
    if (answer.end == CaseAnswer::End::hang) exchange.pause(Millis(60000));
    if (answer.end == CaseAnswer::End::reset) exchange.reset_after();
    if (answer.end != CaseAnswer::End::keep) exchange.close_after();
  }

  static std::string bytes_of(const CaseAnswer& answer, bool to_head_request) {
    Response parsed;
    parse_response_head(answer.head + "\r\n", parsed);
    bool bodiless = parsed.status == 204 || parsed.status == 304;
    bool framed = bodiless || parsed.fields.has("content-length") || parsed.fields.has("transfer-encoding") ||
                  parsed.version == "HTTP/1.0";
    bool chunked = has_token(parsed.fields, "transfer-encoding", "chunked");
    std::string length = framed ? "" : "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
    std::string body = chunked ? chunk(answer.body) + "0\r\n\r\n" : answer.body;
    return answer.head + length + "\r\n" + (to_head_request ? "" : body);
  }

  std::mutex mutex_;
  std::condition_variable arrived_;
  CaseAnswer answer_{"", "HTTP/1.1 200 OK\r\n", "ok", CaseAnswer::End::keep};
  Seen seen_;
  HttpService service_;  // last: its threads use what is above
};

class CaseTest : public testing::Test {
 public:
  explicit CaseTest(std::string path) : path_(std::move(path)) {}

  void TestBody() override {
    CaseFile file = parse_case(read_file(path_), path_);
    for (const std::string& problem : file.problems) ADD_FAILURE() << path_ << ": " << problem;
    if (!file.problems.empty()) return;
    if (!file.check_says.empty()) return check(file);
    for (int i = 1; i <= 9; ++i) {
      std::string name = "up" + std::to_string(i);
      if (read_file(path_).find("@" + name + "@") != std::string::npos) services_.try_emplace(name);
    }
    GatewayOptions options;
    for (auto& [name, service] : services_) options.variables[name] = service.address();
    for (const auto& [key, value] : file.environment) options.process.environment[key] = value;
    TempDir files;  // for @files@ outside the gateway's own directory
    options.variables["files"] = files.path();
    for (const auto& [name, text] : file.files) files.write(name, text);
    Gateway gateway(file.config, std::move(options));
    if (HasFailure()) return;
    for (const CaseStep& step : file.steps) run(step, gateway);
    gateway.stop();
  }

 private:
  void check(const CaseFile& file) {
    TempDir dir;
    for (const auto& [name, text] : file.files) dir.write(name, text);
    std::string config = file.config;
    auto replace = [&config](const std::string& key, const std::string& value) {
      for (std::size_t at = 0; (at = config.find(key, at)) != std::string::npos; at += value.size()) {
        config.replace(at, key.size(), value);
      }
    };
    replace("@files@", dir.path());
    replace("@listen@", "127.0.0.1:8080");
    for (int i = 1; i <= 9; ++i) replace("@up" + std::to_string(i) + "@", "127.0.0.1:900" + std::to_string(i));
    Finished result = run_gatehouse({"check", dir.write("gatehouse.yaml", config)});
    EXPECT_EQ(result.exit_code, file.check_passes ? 0 : 1) << path_ << "\n" << result.out << result.err;
    for (const Expectation& line : file.check_says) {
      EXPECT_NE((result.out + result.err).find(line.text), std::string::npos)
          << path_ << ":" << line.line << ": \"" << line.text << "\" is not in\n"
          << result.out << result.err;
    }
  }

  void run(const CaseStep& step, Gateway& gateway) {
    if (step.kind == CaseStep::Kind::reload) {
      EXPECT_TRUE(gateway.reload(step.config)) << path_ << ":" << step.line;
      return;
    }
    for (auto& [name, service] : services_) service.forget();
    for (CaseAnswer answer : step.answers) {
      auto service = services_.find(answer.service);
      if (service == services_.end()) {
        ADD_FAILURE() << path_ << ": no @" << answer.service << "@ in the configuration";
        continue;
      }
      answer.head = gateway.expand(answer.head);
      answer.body = gateway.expand(answer.body);
      service->second.answer_with(std::move(answer));
    }
    Response response;
    for (int i = 0; i < step.times; ++i) {
      if (!connection_ || !step.keep) connection_ = std::make_unique<RawClient>(gateway.port());
      connection_->send(gateway.expand(step.request));
      response = connection_->read_response(step.head_request);
    }
    if (step.client_line != 0) check_client(step, response, gateway);
    for (const CaseStep::Seen& seen : step.upstream) check_upstream(seen, gateway);
  }

  void check_client(const CaseStep& step, const Response& response, const Gateway& gateway) {
    std::vector<Expectation> expected;
    for (Expectation line : step.client) {
      line.text = gateway.expand(line.text);
      if (line.text == "(closed)") {
        EXPECT_NE(connection_->wait_end(), End::timeout) << path_ << ":" << line.line << ": the connection stays open";
      } else if (line.text == "(cut)") {
        EXPECT_FALSE(response.complete) << path_ << ":" << line.line << ": the answer is whole";
      } else {
        expected.push_back(std::move(line));
      }
    }
    std::string status = std::to_string(response.status);
    for (const std::string& why : unmet(expected, status, response.fields, response.trailers, response.body)) {
      ADD_FAILURE() << path_ << ": the client: " << why << "\nThe answer was: " << response.describe();
    }
  }

  void check_upstream(const CaseStep::Seen& seen, const Gateway& gateway) {
    auto service = services_.find(seen.service);
    if (service == services_.end()) {
      ADD_FAILURE() << path_ << ":" << seen.line << ": no @" << seen.service << "@ in the configuration";
      return;
    }
    bool nothing = seen.expected.size() == 1 && seen.expected[0].text == "(nothing)";
    CaseService::Seen request = service->second.seen(!nothing);
    EXPECT_EQ(request.count == 0, nothing)
        << path_ << ":" << seen.line << ": " << seen.service << " saw " << request.count << " requests";
    if (nothing || request.count == 0) return;
    std::vector<Expectation> expected = seen.expected;
    for (Expectation& line : expected) line.text = gateway.expand(line.text);
    std::string first = request.head.method + " " + request.head.target + " " + request.head.version;
    for (const std::string& why : unmet(expected, first, request.head.fields, request.trailers, request.body)) {
      ADD_FAILURE() << path_ << ": " << seen.service << ": " << why;
    }
  }

  std::string path_;
  std::map<std::string, CaseService> services_;
  std::unique_ptr<RawClient> connection_;
};

std::string camel(std::string_view text) {
  std::string out;
  bool upper = true;
  for (char c : text) {
    if (c == '_' || c == '-') {
      upper = true;
      continue;
    }
    out += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = false;
  }
  return out;
}

std::size_t register_folder(const std::filesystem::path& folder, const std::string& suite) {
  std::error_code missing;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder, missing)) {
    if (entry.path().extension() == ".case") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  for (const auto& file : files) {
    std::string path = file.string(), name = file.stem().string();
    std::ranges::replace(name, '-', '_');
    testing::RegisterTest(suite.c_str(), name.c_str(), nullptr, nullptr, path.c_str(), 1,
                          [path]() -> testing::Test* { return new CaseTest(path); });
  }
  return files.size();
}

}  // namespace
}  // namespace gatehouse::test

/// Arguments after GoogleTest's own are folders with cases; without any, those of the project.
int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  using gatehouse::test::register_folder;
  std::size_t count = 0;
  for (int i = 1; i < argc; ++i) count += register_folder(argv[i], "Case");
  if (argc == 1) {
    count += register_folder(GATEHOUSE_SOURCE_DIR "/tests/e2e/cases", "Case");
    std::error_code missing;
    std::vector<std::filesystem::path> plugins;
    for (const auto& plugin : std::filesystem::directory_iterator(GATEHOUSE_SOURCE_DIR "/src/plugins", missing)) {
      if (plugin.is_directory()) plugins.push_back(plugin.path());
    }
    std::ranges::sort(plugins);
    for (const auto& plugin : plugins) {
      count += register_folder(plugin / "cases", gatehouse::test::camel(plugin.filename().string()));
    }
  }
  if (count == 0) {
    std::fprintf(stderr, "no cases found\n");
    return 1;
  }
  return RUN_ALL_TESTS();
}
