#pragma once
#include <string>

namespace gatehouse::cli {

/// Makes, for trying things out on one machine, an authority (ca.pem, ca.key), a certificate for localhost, 127.0.0.1,
/// ::1 and *.example.com (shop.pem, shop.key) and one of a client (ada.pem, ada.key) in `directory`, which is created;
/// keys are for their owner's eyes only. What is there and good for another day stays. "" or what went wrong.
std::string make_demo_certificates(const std::string& directory);

}  // namespace gatehouse::cli
