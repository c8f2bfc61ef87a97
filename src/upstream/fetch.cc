#include "upstream/fetch.h"

#include "client/h1_client.h"

namespace gatehouse::upstream {
namespace {

using Failure = std::unexpected<std::string>;
using http::Io;

constexpr int kMostHeads = 8;  ///< of one response, interim ones included

std::string words(const Error& error) {
  return *error.detail != '\0' ? error.detail : std::string(to_string(error.reason));
}

class Fetch {
 public:
  Fetch(io::Reactor& reactor, io::Resolver& resolver, Scope& scope, const FetchRequest& request)
      : reactor_(reactor), resolver_(resolver), scope_(scope), request_(request) {}

  Task<std::expected<Fetched, std::string>> run() {
    const std::expected<std::vector<IpAddress>, std::string> addresses = co_await resolve();
    if (!addresses) co_return Failure(addresses.error());
    std::string error = "it has no address";
    auto left = static_cast<Duration::rep>(addresses->size());
    for (const IpAddress& address : *addresses) {
      // Each has its share, so that one that does not answer leaves time for the others.
      const TimePoint now = reactor_.now();
      const TimePoint due = deadline_after(now, (request_.deadline - now) / left--);
      error = co_await connect(io::Endpoint::ip(address, request_.url.address.port), due);
      if (error.empty()) break;
    }
    if (!error.empty()) co_return Failure(error);
    co_return co_await exchange();
  }

 private:
  /// Until `signal`; "" or what went wrong.
  Task<std::string> wait(Signal& signal) { return wait(signal, request_.deadline); }
  Task<std::string> wait(Signal& signal, TimePoint due) {
    switch (co_await until(signal, scope_, due)) {
      case Outcome::ready:
        co_return "";
      case Outcome::timeout:
        co_return "it took too long";
      default:
        co_return "given up";
    }
  }

  Task<std::expected<std::vector<IpAddress>, std::string>> resolve() {
    const config::Address& address = request_.url.address;
    if (address.kind == config::Address::Kind::ip) co_return std::vector<IpAddress>{address.ip};
    struct Answer {
      Signal came;
      std::optional<io::Resolution> found;
    };
    // The resolver may answer when this task is gone.
    const auto answer = std::make_shared<Answer>();
    resolver_.resolve(address.host, [answer](io::Resolution found) {
      answer->found = std::move(found);
      answer->came.notify();
    });
    if (!answer->found) {
      const std::string error = co_await wait(answer->came);
      if (!error.empty()) co_return Failure(error);
    }
    if (answer->found->addresses.empty()) co_return Failure(address.host + ": " + answer->found->error);
    co_return std::move(answer->found->addresses);
  }

  Task<std::string> connect(io::Endpoint endpoint, TimePoint due) {
    client_ = std::make_unique<client::H1Client>();
    Io io = client_->connect(reactor_, endpoint);
    if (io == Io::blocked) {
      const std::string error = co_await wait(client_->writable(), due);
      if (!error.empty()) co_return error;
      io = client_->connected();
    }
    if (io == Io::failed) co_return words(client_->error());
    if (!request_.url.tls) co_return "";
    io = client_->start_tls({request_.tls, tls_host()}, session_);
    while (io != Io::failed && (io = client_->shake_hands()) == Io::blocked) {
      const std::string error = co_await wait(client_->handshake_signal(), due);
      if (!error.empty()) co_return error;
    }
    co_return io == Io::failed ? words(client_->error()) : "";
  }

  std::string tls_host() const {
    const config::Address& address = request_.url.address;
    return address.kind == config::Address::Kind::ip ? address.ip.text() : address.host;
  }

  Task<std::expected<Fetched, std::string>> exchange() {
    http::RequestHead head(arena_);
    head.method = http::Method::get;
    head.method_text = "GET";
    head.fields.append(http::FieldId::host, "Host", request_.url.authority);
    head.fields.append(std::string_view("Accept"), "application/json");
    head.fields.append(std::string_view("User-Agent"), "gatehouse");
    client_->begin(arena_, http::Method::get);
    Io io = client_->write_head(head, request_.url.target, "", true);
    while (io == Io::blocked) {
      const std::string error = co_await wait(client_->writable());
      if (!error.empty()) co_return Failure(error);
      io = client_->flush();
    }
    if (io == Io::failed) co_return Failure(words(client_->error()));
    http::ResponseHead response(arena_);
    int heads = 0;
    do {
      if (++heads > kMostHeads) co_return Failure("it sends interim responses without an end");
      while ((io = client_->read_head(response)) == Io::blocked) {
        const std::string error = co_await wait(client_->readable());
        if (!error.empty()) co_return Failure(error);
      }
      if (io == Io::failed) co_return Failure(words(client_->error()));
    } while (response.status < 200);
    if (response.status != 200) co_return Failure("it answers with status " + std::to_string(response.status));
    Fetched fetched;
    for (const http::Field& field : response.fields) {
      if (!http::equal_names(field.name, "Cache-Control")) continue;
      if (!fetched.cache_control.empty()) fetched.cache_control += ", ";
      fetched.cache_control += field.value;
    }
    fetched.age = response.fields.get("Age");
    const std::string error = co_await read(response, fetched.body);
    if (!error.empty()) co_return Failure(error);
    co_return fetched;
  }

  Task<std::string> read(const http::ResponseHead& response, std::string& body) {
    if (!response.framing.has_body()) co_return "";
    http::BodyPiece piece;
    while (!piece.last) {
      const Io io = client_->read_body(piece);
      if (io == Io::failed) co_return words(client_->error());
      if (io == Io::blocked) {
        std::string error = co_await wait(client_->readable());
        if (!error.empty()) co_return error;
        continue;
      }
      if (body.size() + piece.data.size() > request_.max_size) {
        co_return "it is larger than " + std::to_string(request_.max_size) + " bytes";
      }
      body.append(piece.data);
    }
    co_return "";
  }

  io::Reactor& reactor_;
  io::Resolver& resolver_;
  Scope& scope_;
  const FetchRequest& request_;
  Arena arena_;
  io::TlsSession session_;
  std::unique_ptr<client::H1Client> client_;
};

}  // namespace

Task<std::expected<Fetched, std::string>> fetch(io::Reactor& reactor, io::Resolver& resolver, Scope& scope,
                                                const FetchRequest& request) {
  Fetch running(reactor, resolver, scope, request);
  co_return co_await running.run();
}

}  // namespace gatehouse::upstream
