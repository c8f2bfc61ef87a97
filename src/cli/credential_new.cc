#include <openssl/rand.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <memory>
#include <string>
#include <vector>

#include "cli/credential.h"
#include "cli/support.h"

namespace gatehouse::cli {
namespace {

using config::Node;

struct NewOptions {
  std::string type = "key-auth", username = "my-app", prefix, format;
  bool has_prefix = false, redis = false;
};

/// 43 letters and digits, each as likely as the other: 256 random bits. "" where the kernel gives no randomness.
std::string fresh_secret() {
  constexpr std::string_view kDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  constexpr std::size_t kLength = 43;
  constexpr unsigned kFair = 256 / kDigits.size() * kDigits.size();
  std::string text;
  while (text.size() < kLength) {
    unsigned char bytes[64];
    if (RAND_bytes(bytes, sizeof bytes) != 1) return {};
    for (const unsigned char byte : bytes) {
      if (byte < kFair && text.size() < kLength) text += kDigits[byte % kDigits.size()];
    }
  }
  return text;
}

/// "ADA_HMAC_AUTH_SECRET": the variable that is to hold a secret that cannot stand there as a hash.
std::string variable_for(const NewOptions& options) {
  std::string name = options.username + "_" + options.type + "_secret";
  for (char& c : name) {
    const auto byte = static_cast<unsigned char>(c);
    c = std::isalnum(byte) != 0 ? static_cast<char>(std::toupper(byte)) : '_';
  }
  if (std::isdigit(static_cast<unsigned char>(name.front())) != 0) name.insert(0, "_");
  return name;
}

/// The credential as it stands in the configuration.
Node credential_of(const NewOptions& options, const CredentialKind& kind, const std::string& hash) {
  Node node = Node::mapping();
  node.set("type", Node::string(options.type));
  if (kind.type == "basic-auth" || kind.type == "hmac-auth") node.set("username", Node::string(options.username));
  if (kind.type == "jwt") {
    node.set("key", Node::string(options.username));
    node.set("algorithm", Node::string("HS256"));
  }
  if (kind.hash.empty()) {
    node.set(std::string(kind.secret), Node::string("${env:" + variable_for(options) + "}"));
  } else {
    node.set(std::string(kind.hash), Node::string(hash));
  }
  return node;
}

Node configuration_of(const NewOptions& options, Node credential) {
  Node consumer = Node::mapping();
  consumer.set("username", Node::string(options.username));
  Node credentials = Node::sequence();
  credentials.push(std::move(credential));
  consumer.set("credentials", std::move(credentials));
  Node consumers = Node::sequence();
  consumers.push(std::move(consumer));
  Node root = Node::mapping();
  root.set("consumers", std::move(consumers));
  return root;
}

/// The command that issues a key in a Redis, where key-auth looks it up.
std::vector<std::string> redis_command(const NewOptions& options, std::string_view hash) {
  hash.remove_prefix(hash.find(':') + 1);  // "sha256:"
  return {"HSET", "gatehouse:key:" + std::string(hash), "username", options.username};
}

/// For a shell.
std::string line_of(const std::vector<std::string>& command) {
  std::string line = "redis-cli";
  for (const std::string& word : command) {
    const bool bare = std::ranges::all_of(
        word, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == ':' || c == '-' || c == '_'; });
    line += bare ? " " : " '";
    for (const char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    if (!bare) line += '\'';
  }
  return line + "\n";
}

std::string text_of(const NewOptions& options, const CredentialKind& kind, const std::string& secret, Node credential) {
  std::string text = std::string(kind.secret) + ": " + secret + "\n\n";
  if (kind.hash.empty()) {
    text += "It is shown this once. Keep it safe, and give it to the gateway as " + variable_for(options) + ":\n\n";
  } else {
    text += "It is shown this once: keep it safe. The configuration needs its hash alone:\n\n";
  }
  return text + to_yaml(configuration_of(options, std::move(credential)));
}

std::string fault_of(const NewOptions& options) {
  const auto is_plain = [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '$'; };
  if (options.username.empty()) return "--username must not be empty";
  if (options.redis && options.type != "key-auth") return "--redis is for keys: only key-auth looks there";
  if (options.type == "basic-auth" && options.username.contains(':'))
    return "--username must not contain a colon: HTTP puts one between it and the password";
  if (!std::ranges::all_of(options.username, is_plain))
    return "--username must be of visible ASCII without quotes, backslashes and dollars";
  if (!std::ranges::all_of(options.prefix, [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.';
      }))
    return "--prefix must be of letters, digits, \"_\", \"-\" and \".\"";
  return "";
}

int make(const NewOptions& options) {
  if (const std::string fault = fault_of(options); !fault.empty()) {
    complain("gatehouse credential new: " + fault + "\n");
    return 2;
  }
  const CredentialKind& kind = *credential_kind(options.type);
  std::string secret = fresh_secret();
  if (!secret.empty()) secret.insert(0, options.has_prefix ? options.prefix : std::string(kind.prefix));
  const std::string hash = secret.empty() || kind.hash.empty() ? "" : hash_for(kind, secret);
  if (secret.empty() || (hash.empty() && !kind.hash.empty())) {
    complain("gatehouse credential new: no random numbers or no memory\n");
    return 1;
  }
  Node credential = credential_of(options, kind, hash);
  if (options.format == "json") {
    Node root = Node::mapping();
    root.set("secret", Node::string(secret));
    root.set("credential", std::move(credential));
    if (options.redis) {
      Node command = Node::sequence();
      for (std::string& word : redis_command(options, hash)) command.push(Node::string(std::move(word)));
      root.set("redis", std::move(command));
    }
    say(to_json(root));
  } else {
    say(text_of(options, kind, secret, std::move(credential)));
    if (options.redis) say("\nOr, for a key-auth with redis: true:\n\n" + line_of(redis_command(options, hash)));
  }
  return 0;
}

}  // namespace

void add_credential_new(CLI::App& app, Context& context) {
  const auto options = std::make_shared<NewOptions>();
  CLI::App* command = app.add_subcommand("new", "Makes a secret and what stands for it in the configuration");
  add_choice(*command, "--type", options->type, {"key-auth", "basic-auth", "hmac-auth", "jwt"},
             "The plugin that it is for");
  command->add_option("--username", options->username, "The consumer's name in what is printed")->capture_default_str();
  CLI::Option* prefix = command->add_option("--prefix", options->prefix,
                                            "What the secret begins with [ak_live_, pw_, hs_ or js_ by its type]");
  command->add_flag("--redis", options->redis, "Prints the command too that issues the key in a Redis");
  add_format(*command, options->format, {"text", "json"});
  command->footer(
      "The secret has 256 random bits. It is printed once and kept nowhere.\n\n"
      "Examples:\n"
      "  gatehouse credential new --username ada\n"
      "  gatehouse credential new --type basic-auth --username ada\n"
      "  gatehouse credential new --prefix ak_test_ --format json | jq -r .secret");
  command->callback([options, prefix, &context] {
    options->has_prefix = prefix->count() != 0;
    context.exit_code = make(*options);
  });
}

}  // namespace gatehouse::cli
