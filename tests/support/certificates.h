#pragma once
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

struct evp_pkey_st;
struct x509_st;

namespace gatehouse::test {

/// A certificate authority of a test's own. Certificates and keys are PEM files in its directory.
class TestCa {
 public:
  enum class Key : std::uint8_t { ecdsa, rsa };

  /// Writes `directory`/`name`.pem.
  explicit TestCa(std::string directory, std::string_view name = "ca");
  ~TestCa();
  TestCa(const TestCa&) = delete;
  TestCa& operator=(const TestCa&) = delete;

  const std::string& file() const { return file_; }
  /// Writes NAME.pem and NAME.key (by rename) for these DNS names and IPv4 addresses. `days` from now; may be negative:
  /// expired.
  void issue(std::string_view name, const std::vector<std::string>& hosts, Key key = Key::ecdsa, int days = 30) const;

  /// The same of a certificate whose time is over in a moment.
  void issue_briefly(std::string_view name, std::chrono::seconds lasts) const;

  /// Writes NAME.der: what an OCSP responder says of that certificate. `days` until the next update.
  void attest(std::string_view name, std::string_view certificate, int days = 7) const;
  /// Writes NAME.pem: a list that revokes those certificates. `days` until the next one is due.
  void revoke(std::string_view name, const std::vector<std::string>& certificates, int days = 30) const;

 private:
  void write(std::string_view name, const std::vector<std::string>& hosts, Key kind, long from_s, long to_s) const;
  x509_st* read(std::string_view name) const;

  std::string directory_, file_;
  evp_pkey_st* key_;
  x509_st* certificate_;
};

}  // namespace gatehouse::test
