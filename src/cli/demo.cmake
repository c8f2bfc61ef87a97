# The demo runs examples/shop.yaml, which so cannot differ from what `gatehouse demo` shows.
set(shop_yaml "${PROJECT_SOURCE_DIR}/examples/shop.yaml")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${shop_yaml}")
file(READ "${shop_yaml}" SHOP_YAML)
configure_file(shop_yaml.cc.in shop_yaml.cc @ONLY)
target_sources(gh_cli PRIVATE "${CMAKE_CURRENT_BINARY_DIR}/shop_yaml.cc")
target_link_libraries(gh_cli PRIVATE Boost::json)
