#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <optional>

#include "cli/credential.h"
#include "cli/support.h"

namespace gatehouse::cli {
namespace {

using config::Node;

struct HashOptions {
  std::string type = "key-auth", format;
};

constexpr std::size_t kMostBytes = 1024;

/// Asks twice, without showing what is typed. OpenSSL gives the terminal back as it was, also after a signal.
std::optional<std::string> ask(const CredentialKind& kind) {
  char text[kMostBytes + 1] = {};
  const std::string prompt = "The " + std::string(kind.secret) + ": ";
  const int fault = EVP_read_pw_string(text, sizeof text, prompt.c_str(), 1);
  std::optional<std::string> secret;
  if (fault == 0) secret = text;
  OPENSSL_cleanse(text, sizeof text);
  return secret;
}

/// All of stdin, without the line's end that `echo` and editors put behind it.
std::optional<std::string> read() {
  std::string secret;
  char text[kMostBytes + 3];  // with a line's end, and one too many to be seen
  const std::size_t size = std::fread(text, 1, sizeof text, stdin);
  if (std::ferror(stdin) != 0) return std::nullopt;
  secret.assign(text, size);
  OPENSSL_cleanse(text, sizeof text);
  if (secret.ends_with('\n')) secret.pop_back();
  if (secret.ends_with('\r')) secret.pop_back();
  return secret;
}

int hash(const HashOptions& options) {
  const CredentialKind& kind = *credential_kind(options.type);
  const auto refuse = [](const std::string& why) {
    complain("gatehouse credential hash: " + why + "\n");
    return 1;
  };
  std::optional<std::string> secret = ::isatty(STDIN_FILENO) != 0 ? ask(kind) : read();
  if (!secret) return refuse("nothing was read, or the two were not the same");
  if (secret->empty()) return refuse("the " + std::string(kind.secret) + " is empty");
  if (secret->size() > kMostBytes) return refuse("the " + std::string(kind.secret) + " is longer than 1024 bytes");
  if (secret->find_first_of(std::string_view("\n\r\0", 3)) != std::string::npos)
    return refuse("the " + std::string(kind.secret) + " has several lines or a NUL");
  const std::string made = hash_for(kind, *secret);
  OPENSSL_cleanse(secret->data(), secret->size());
  if (made.empty()) return refuse("no random numbers or no memory");
  if (options.format == "json") {
    Node root = Node::mapping();
    root.set("type", Node::string(options.type));
    root.set(std::string(kind.hash), Node::string(made));
    say(to_json(root));
  } else {
    say(made + "\n");
  }
  return 0;
}

}  // namespace

void add_credential_hash(CLI::App& app, Context& context) {
  const auto options = std::make_shared<HashOptions>();
  CLI::App* command = app.add_subcommand("hash", "Prints the hash of a secret, for the configuration");
  add_choice(*command, "--type", options->type, {"key-auth", "basic-auth"}, "The plugin that it is for");
  add_format(*command, options->format, {"text", "json"});
  command->footer(
      "The secret is read from stdin, never from the command line, which others on the machine can see. On a terminal "
      "it is\n"
      "asked for, and not shown. A line's end behind it does not belong to it.\n\n"
      "Examples:\n"
      "  gatehouse credential hash < key.txt\n"
      "  gatehouse credential hash --type basic-auth");
  command->callback([options, &context] { context.exit_code = hash(*options); });
}

}  // namespace gatehouse::cli
