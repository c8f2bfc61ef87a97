#include "io/ocsp_response.h"

#include <openssl/ocsp.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <memory>

namespace gatehouse::io {
namespace {

template <auto Free>
struct With {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};

/// The answer about `certificate` among those of `all`; responders name it by its serial number and its issuer.
OCSP_SINGLERESP* answer_about(OCSP_BASICRESP* all, const X509* certificate) {
  for (int i = 0; i < OCSP_resp_count(all); ++i) {
    OCSP_SINGLERESP* const each = OCSP_resp_get0(all, i);
    ASN1_INTEGER* serial = nullptr;
    OCSP_id_get0_info(nullptr, nullptr, nullptr, &serial, const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(each)));
    if (ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(certificate)) == 0) return each;
  }
  return nullptr;
}

}  // namespace

std::optional<OcspResponse> read_ocsp_response(const std::string& file, const X509* certificate, std::string& error) {
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    error = std::strerror(errno);
    return std::nullopt;
  }
  OcspResponse read{{std::istreambuf_iterator<char>(in), {}}, 0};
  const auto* bytes = reinterpret_cast<const unsigned char*>(read.der.data());
  const std::unique_ptr<OCSP_RESPONSE, With<OCSP_RESPONSE_free>> response(
      d2i_OCSP_RESPONSE(nullptr, &bytes, static_cast<long>(read.der.size())));
  if (response == nullptr) {
    error = "holds no OCSP response (DER)";
    return std::nullopt;
  }
  if (OCSP_response_status(response.get()) != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    error = std::string("the responder answered ") + OCSP_response_status_str(OCSP_response_status(response.get()));
    return std::nullopt;
  }
  const std::unique_ptr<OCSP_BASICRESP, With<OCSP_BASICRESP_free>> basic(OCSP_response_get1_basic(response.get()));
  OCSP_SINGLERESP* const answer = basic != nullptr ? answer_about(basic.get(), certificate) : nullptr;
  if (answer == nullptr) {
    error = "is about another certificate";
    return std::nullopt;
  }
  ASN1_GENERALIZEDTIME* next = nullptr;
  OCSP_single_get0_status(answer, nullptr, nullptr, nullptr, &next);
  std::tm parts{};
  if (next == nullptr || ASN1_TIME_to_tm(next, &parts) != 1) {
    error = "does not say until when it is good";
    return std::nullopt;
  }
  read.good_until_s = ::timegm(&parts);
  return read;
}

}  // namespace gatehouse::io
