#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <thread>

#include "e2e/fixtures.h"

// `gatehouse credential`: what it prints is what a gateway takes.
namespace gatehouse::test {
namespace {

std::string member(const boost::json::value& of, const char* name) {
  return std::string(of.at(name).as_string());
}

/// `gatehouse credential hash ARGUMENTS` with `input` at its stdin.
Finished hash_of(const std::string& input, std::vector<std::string> arguments = {}) {
  TempDir dir;
  const std::string file = dir.write("input", input);
  ProcessOptions options;
  options.in_child = [file] { ::dup2(::open(file.c_str(), O_RDONLY), 0); };
  arguments.insert(arguments.begin(), {gatehouse_binary(), "credential", "hash"});
  return run_program(std::move(arguments), std::move(options));
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

TEST(CredentialNew, makes_a_key_whose_hash_stands_in_the_snippet) {
  const Finished made = run_gatehouse({"credential", "new", "--username", "ada"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const std::string line = first_line(made.out), key = line.substr(line.find(' ') + 1);
  EXPECT_TRUE(line.starts_with("key: ak_live_")) << line;
  EXPECT_EQ(key.size(), std::string("ak_live_").size() + 43);
  const std::string hash = first_line(hash_of(key + "\n").out);
  EXPECT_EQ(hash.size(), std::string("sha256:").size() + 64);
  EXPECT_NE(made.out.find(hash), std::string::npos) << made.out;
  EXPECT_EQ(made.out.find(key), made.out.rfind(key)) << "it is shown once";
  EXPECT_NE(run_gatehouse({"credential", "new", "--username", "ada"}).out, made.out);
}

TEST(CredentialNew, prints_a_snippet_that_a_configuration_takes) {
  for (const std::string type : {"key-auth", "basic-auth", "hmac-auth"}) {
    const Finished made =
        run_gatehouse({"credential", "new", "--type", type, "--username", "ada", "--prefix", "test_"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    TempDir dir;
    const std::string file = dir.write("x.yaml",
                                       "listeners: [{address: \"127.0.0.1:8080\"}]\n"
                                       "routes: [{path: /x, respond: {status: 200}, plugins: [{name: " +
                                           type + "}]}]\n" + made.out.substr(made.out.find("consumers:")));
    const std::string line = first_line(made.out), secret = line.substr(line.find(' ') + 1);
    EXPECT_TRUE(secret.starts_with("test_")) << line;
    ProcessOptions options;
    options.environment = {{"ADA_HMAC_AUTH_SECRET", secret}};
    const Finished checked = run_program({gatehouse_binary(), "check", file}, std::move(options));
    EXPECT_EQ(checked.exit_code, 0) << checked.out << made.out;
  }
}

TEST(CredentialNew, keeps_what_must_be_known_to_verify_out_of_the_file) {
  for (const char* type : {"hmac-auth", "jwt"}) {
    const Finished made = run_gatehouse({"credential", "new", "--type", type, "--username", "ada", "--format", "json"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    const boost::json::value said = boost::json::parse(made.out);
    EXPECT_EQ(member(said.at("credential"), "type"), type);
    EXPECT_TRUE(member(said.at("credential"), "secret").starts_with("${env:ADA_")) << made.out;
    EXPECT_GE(member(said, "secret").size(), 43u);
  }
}

TEST(CredentialNew, hashes_passwords_with_argon2id) {
  const Finished made =
      run_gatehouse({"credential", "new", "--type", "basic-auth", "--username", "ada", "--format", "json"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const boost::json::value said = boost::json::parse(made.out);
  EXPECT_TRUE(member(said.at("credential"), "password_hash").starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
  EXPECT_EQ(member(said.at("credential"), "username"), "ada");
  EXPECT_TRUE(member(said, "secret").starts_with("pw_"));
}

TEST(CredentialNew, refuses_names_that_would_not_work) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--type", "basic-auth", "--username", "a:b"},
        {"--username", "a\nb"},
        {"--username", ""},
        {"--prefix", "a b"},
        {"--type", "jwt", "--redis"},
        {"--type", "oauth"}}) {
    std::vector<std::string> line = {"credential", "new"};
    line.insert(line.end(), arguments.begin(), arguments.end());
    const Finished made = run_gatehouse(line);
    EXPECT_EQ(made.exit_code, 2) << arguments[1];
    EXPECT_EQ(made.out, "") << arguments[1];
  }
}

TEST(CredentialHash, reads_the_secret_from_stdin) {
  const std::string hash = "sha256:2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683\n";
  EXPECT_EQ(hash_of("key").out, hash);
  EXPECT_EQ(hash_of("key\n").out, hash);
  EXPECT_EQ(hash_of("key\r\n").out, hash);
  EXPECT_NE(hash_of("key ").out, hash);
  EXPECT_EQ(hash_of("key", {"--format", "json"}).out.find("key_hash"),
            std::string("{\n  \"type\": \"key-auth\",\n  \"").size());
}

TEST(CredentialHash, refuses_what_is_no_secret) {
  for (const std::string& input : {std::string(), std::string("\n"), std::string("a\nb\n"), std::string(1025, 'a')}) {
    const Finished made = hash_of(input);
    EXPECT_EQ(made.exit_code, 1) << input.size();
    EXPECT_EQ(made.out, "");
    EXPECT_NE(made.err, "");
  }
  EXPECT_EQ(hash_of(std::string(1024, 'a')).exit_code, 0);
  EXPECT_EQ(run_gatehouse({"credential", "hash", "secret"}).exit_code, 2) << "never from the command line";
}

bool shows_what_is_typed(int terminal) {
  termios mode{};
  return ::tcgetattr(terminal, &mode) == 0 && (mode.c_lflag & ECHO) != 0;
}

TEST(CredentialHash, asks_on_a_terminal_without_showing_what_is_typed) {
  int master = -1, slave = -1;
  ASSERT_EQ(::openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
  std::string shown;
  std::thread types([&] {
    char text[256];
    for (std::size_t answered = 0; answered < 2;) {
      const ssize_t size = ::read(master, text, sizeof text);
      if (size <= 0) return;
      shown.append(text, static_cast<std::size_t>(size));
      std::size_t prompts = 0;
      for (std::size_t at = 0; (at = shown.find("key: ", at)) != std::string::npos; ++at) ++prompts;
      for (; answered < prompts; ++answered) {
        // The question comes before the terminal is told not to show the answer: no person is faster, this thread is.
        for (Deadline deadline; shows_what_is_typed(master) && !deadline.passed();) ::usleep(1000);
        if (::write(master, "key\n", 4) != 4) return;
      }
    }
  });
  ProcessOptions options;
  options.in_child = [slave] {
    ::setsid();
    ::ioctl(slave, TIOCSCTTY, 0);
    ::dup2(slave, 0);
  };
  const Finished made = run_program({gatehouse_binary(), "credential", "hash"}, std::move(options));
  ::close(slave);
  types.join();
  ::close(master);
  EXPECT_EQ(made.out, "sha256:2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683\n") << made.err;
  EXPECT_EQ(shown.find("key\r"), std::string::npos) << shown;
  EXPECT_EQ(shown.find("key\n"), std::string::npos) << shown;
}

}  // namespace
}  // namespace gatehouse::test
