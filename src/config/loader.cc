#include "config/loader.h"

#include <exception>
#include <functional>

#include "config/decode.h"
#include "config/documents.h"
#include "config/load_values.h"

namespace gatehouse::config {
namespace {

/// A hash of what `path` holds, 0 if it cannot be read; notes that the configuration has to do with it. A renewed
/// certificate is a change, though no word of the configuration is another.
std::size_t hash_of(const std::string& path, std::vector<std::string>& files) {
  if (path.empty()) return 0;
  files.push_back(path);
  std::string contents;
  return read_file(path, contents).empty() ? std::hash<std::string>()(contents) : 0;
}

void read_tls_files(Model& model, std::vector<std::string>& files) {
  for (Listener& listener : model.listeners) {
    if (!listener.tls) continue;
    for (TlsCertificate& certificate : listener.tls->certificates) {
      certificate.contents = hash_of(certificate.cert, files);
      certificate.contents = certificate.contents * 31 + hash_of(certificate.key, files);
      certificate.contents = certificate.contents * 31 + hash_of(certificate.ocsp, files);
    }
    ClientAuthentication& auth = listener.tls->client_auth;
    auth.contents = hash_of(auth.ca, files) * 31 + hash_of(auth.crl, files);
  }
  const auto read = [&files](ServiceTls& tls) {
    tls.contents = (hash_of(tls.ca, files) * 31 + hash_of(tls.cert, files)) * 31 + hash_of(tls.key, files);
  };
  for (Service& service : model.services) read(service.tls);
  if (model.redis && model.redis->tls) read(*model.redis->tls);
}

Loaded load(const Source& source, const Catalogue& catalogue, std::vector<std::string> files) {
  Loaded loaded;
  loaded.files = std::move(files);
  Diagnostics& out = loaded.diagnostics;
  try {
    auto tree = std::make_shared<Node>(read_documents(source, loaded.files, out));
    if (!tree->mark().file) tree->set_mark({std::make_shared<const std::string>(source.name), 1, 1});
    loaded.tree = tree;
    // What could not be read whole would only bring errors that are not there.
    if (out.has_errors() && tree->entries().empty()) {
      out.sort();
      return loaded;
    }
    WrittenModel written;
    root_options().decode(*tree, Where(out, "", tree->mark()), written);
    loaded.model = resolve(std::move(written), loaded.tree, catalogue, out);
    read_tls_files(loaded.model, loaded.files);
    if (catalogue.check_tls && !out.has_errors()) catalogue.check_tls(loaded.model, out);
    if (catalogue.check_routes && !out.has_errors()) catalogue.check_routes(loaded.model, out);
  } catch (const std::exception& fault) {
    out.error({std::make_shared<const std::string>(source.name), 0, 0}, "",
              std::string("cannot be loaded: ") + fault.what());
  }
  out.sort();
  return loaded;
}

}  // namespace

Loaded load_file(const std::string& path, const Catalogue& catalogue) {
  Source source{.name = path, .text = {}, .allow_files = true};
  if (const std::string fault = read_file(path, source.text); !fault.empty()) {
    Loaded loaded;
    loaded.diagnostics.error({std::make_shared<const std::string>(path), 0, 0}, "", "cannot be read: " + fault);
    loaded.tree = std::make_shared<const Node>(Node::mapping());
    loaded.files.push_back(path);
    return loaded;
  }
  return load(source, catalogue, {path});
}

Loaded load_text(const Source& source, const Catalogue& catalogue) {
  return load(source, catalogue, {});
}

}  // namespace gatehouse::config
