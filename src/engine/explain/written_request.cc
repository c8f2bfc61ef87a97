#include "engine/explain/written_request.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/value_kinds.h"
#include "http/head.h"
#include "io/certificate_facts.h"

namespace gatehouse::engine::explaining {
namespace {

/// "http://host:80/path?query#fragment" in its parts.
struct Url {
  std::string scheme, authority, target;
};

Url split_url(std::string_view text) {
  Url url;
  text = text.substr(0, text.find('#'));
  if (const std::size_t mark = text.find("://"); mark != std::string_view::npos && text.find_first_of("/?") > mark) {
    url.scheme = config::lower(text.substr(0, mark));
    text.remove_prefix(mark + 3);
    const std::size_t end = std::min(text.find_first_of("/?"), text.size());
    url.authority = text.substr(0, end);
    text.remove_prefix(end);
  }
  if (text.empty() || text.front() == '?') url.target = "/";
  url.target += text;
  return url;
}

std::string check_fields(const ExplainRequest& request) {
  for (const auto& [name, value] : request.headers) {
    if (!http::is_token(name)) return fmt::format("\"{}\" is no name of a header", name);
    if (!value.empty() && !http::is_field_value(value)) return fmt::format("the value of header {} is not valid", name);
  }
  return "";
}

bool has(const ExplainRequest& request, std::string_view name) {
  return std::ranges::any_of(request.headers,
                             [&](const auto& header) { return http::equal_names(header.first, name); });
}

/// Without a name: the first that speaks the URL's scheme, else the first.
std::string find_listener(const config::Model& model, const std::string& name, const std::string& scheme,
                          std::uint16_t& index) {
  if (name.empty()) {
    const auto fits = [&](const config::Listener& each) { return each.tls.has_value() == (scheme == "https"); };
    const auto first = std::ranges::find_if(model.listeners, fits);
    if (!scheme.empty() && first != model.listeners.end()) {
      index = static_cast<std::uint16_t>(first - model.listeners.begin());
    }
    return "";
  }
  std::vector<std::string> names;
  for (const config::Listener& listener : model.listeners) names.push_back(listener.name);
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) {
    const std::string hint = config::suggest(name, names);
    return fmt::format("no listener \"{}\"{}{}", name, hint.empty() ? "" : "; ", hint);
  }
  index = static_cast<std::uint16_t>(found - names.begin());
  return "";
}

std::string find_peer(const std::string& text, IpAddress& peer) {
  const std::optional<IpAddress> address = IpAddress::parse(text.empty() ? "127.0.0.1" : text);
  if (!address) return fmt::format("\"{}\" is no IP address", text);
  peer = *address;
  return "";
}

/// What the client shows, if it is asked for it. That its issuer is believed is taken for granted.
std::string find_certificate(const config::Listener& listener, const std::string& pem, WrittenRequest& to) {
  const bool asked = listener.tls && listener.tls->client_auth.mode != config::ClientAuth::none;
  if (pem.empty()) {
    if (asked && listener.tls->client_auth.mode == config::ClientAuth::required)
      to.notes.push_back("the listener " + listener.name + " requires a certificate, and the client shows none");
    return "";
  }
  to.certificate = io::certificate_facts(pem);
  if (to.certificate == nullptr) return "the client's certificate is no certificate in PEM";
  if (asked) return "";
  to.certificate.reset();
  to.notes.push_back("the listener " + listener.name + " asks for no certificate: the client's is not seen");
  return "";
}

std::string check_url(const ExplainRequest& request, const Url& url) {
  const auto printable = [](unsigned char c) { return c > ' ' && c < 0x7f; };
  if (!http::is_token(request.method)) return fmt::format("\"{}\" is no method", request.method);
  if (request.url.empty()) return "needs a URL such as http://api.example.com/users/1";
  if (!std::ranges::all_of(request.url, printable))
    return "the URL holds a space, a control character or a byte that is not ASCII; percent-encode it";
  if (!url.scheme.empty() && url.scheme != "http" && url.scheme != "https") {
    return fmt::format("the URL's scheme must be http or https, got \"{}\"", url.scheme);
  }
  const bool other_form = request.url == "*" || request.method == "CONNECT";
  if (url.scheme.empty() && !url.target.starts_with('/') && !other_form) {
    return fmt::format("\"{}\" is neither a URL nor a path; they start with http:// or /", request.url);
  }
  if (!url.scheme.empty() && !http::is_valid_authority(url.authority)) {
    return fmt::format("\"{}\" is no host", url.authority);
  }
  return "";
}

}  // namespace

WrittenRequest write_request(const config::Model& model, const ExplainRequest& request, std::string& error) {
  WrittenRequest written;
  const Url url = split_url(request.url);
  error = check_url(request, url);
  if (error.empty()) error = check_fields(request);
  if (error.empty()) error = find_listener(model, request.listener, url.scheme, written.listener);
  if (error.empty()) error = find_peer(request.client_ip, written.peer);
  if (error.empty()) error = find_certificate(model.listeners[written.listener], request.client_cert, written);
  if (!error.empty()) return written;

  written.head = fmt::format("{} {} HTTP/1.1\r\n", request.method, url.target);
  if (!has(request, "Host")) {
    std::string host = url.authority.empty() ? "localhost" : url.authority;
    if (url.authority.empty() && request.method == "CONNECT") host = url.target;
    written.head += fmt::format("Host: {}\r\n", host);
    if (url.authority.empty()) written.notes.push_back("the URL names no host: Host is " + host);
  }
  for (const auto& [name, value] : request.headers) written.head += fmt::format("{}: {}\r\n", name, value);
  if (!request.body.empty() && !has(request, "Content-Length") && !has(request, "Transfer-Encoding")) {
    written.head += fmt::format("Content-Length: {}\r\n", request.body.size());
  }
  written.head += "\r\n";
  const config::Listener& listener = model.listeners[written.listener];
  if (url.scheme == "https" && !listener.tls) {
    written.notes.push_back("the URL says https, but the listener " + listener.name +
                            " speaks no TLS: the scheme is http unless a trusted proxy says X-Forwarded-Proto: https");
  } else if (url.scheme == "http" && listener.tls) {
    written.notes.push_back("the URL says http, but the listener " + listener.name +
                            " speaks TLS: the scheme is https");
  }
  return written;
}

}  // namespace gatehouse::engine::explaining
