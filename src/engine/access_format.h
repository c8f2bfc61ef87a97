#pragma once
#include <string>
#include <string_view>

namespace gatehouse::engine {

/// "" if the access log can be written in this format, else why not.
std::string check_access_format(std::string_view format);

}  // namespace gatehouse::engine
