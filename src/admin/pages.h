#pragma once
#include <string_view>

#include "engine/control.h"

namespace gatehouse::admin {

/// One path of the administration interface and what answers on it.
struct Page {
  using Answer = engine::LocalResponse (*)(engine::Control&, const engine::LocalRequest&);

  std::string_view path;
  bool open;  ///< needs no token, and is served on `probes`
  Answer get;
  Answer post = nullptr;  ///< null: POST is not allowed
};

// What the larger pages answer with. Each says 400 to a parameter that it does not know.

engine::LocalResponse explain_from_query(engine::Control&, const engine::LocalRequest&);
engine::LocalResponse explain_from_body(engine::Control&, const engine::LocalRequest&);
engine::LocalResponse show_config(engine::Control&, const engine::LocalRequest&);
engine::LocalResponse submit_config(engine::Control&, const engine::LocalRequest&);

}  // namespace gatehouse::admin
