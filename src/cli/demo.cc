#include <fmt/format.h>
#include <pthread.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <memory>

#include "admin/admin.h"
#include "cli/commands.h"
#include "cli/demo_certificates.h"
#include "cli/demo_services.h"
#include "cli/demo_text.h"
#include "cli/support.h"
#include "engine/gateway.h"
#include "plugins/registry.h"

namespace gatehouse::cli {
namespace {

struct DemoOptions {
  DemoPorts ports;
  std::uint16_t base_port = 9001;
  bool services_only = false;
  bool print_config = false;
};

/// Greetings are wanted at once, also by a program that reads them through a pipe.
void say_now(std::string_view text) {
  say(text);
  std::fflush(stdout);
}

bool make_certificates(const DemoPorts& ports) {
  if (ports.certificates.empty()) return true;
  const std::string fault = make_demo_certificates(ports.certificates);
  if (!fault.empty()) complain("gatehouse demo: " + fault + "\n");
  return fault.empty();
}

int run_services(const DemoOptions& options) {
  sigset_t end;
  sigemptyset(&end);
  sigaddset(&end, SIGINT);
  sigaddset(&end, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &end, nullptr);
  const auto services = DemoServices::start(options.base_port);
  if (!services) {
    complain("gatehouse demo: " + services.error() + "; --base-port chooses other ports\n");
    return 1;
  }
  std::string text;
  for (std::size_t i = 0; i < kShopServices; ++i) {
    text += fmt::format("{:<19} http://127.0.0.1:{}\n", shop_service_name(static_cast<ShopService>(i)),
                        (*services)->ports()[i]);
  }
  say_now(text);
  int signal = 0;
  ::sigwait(&end, &signal);
  return 0;
}

int run_demo(DemoOptions options) {
  const auto services = DemoServices::start(0);
  if (!services) {
    complain("gatehouse demo: " + services.error() + "\n");
    return 1;
  }
  options.ports.services = (*services)->ports();
  bool started = false;
  engine::GatewayOptions gateway;
  gateway.source = {.name = "demo", .text = demo_configuration(options.ports)};
  gateway.catalogue = &catalogue();
  gateway.plugins = plugins::all();
  gateway.admin = admin::make_admin;
  gateway.probes = admin::make_probes;
  gateway.started = [&] {
    started = true;
    say_now(demo_greeting(options.ports));
  };
  const int exit_code = engine::run_gateway(gateway);
  if (exit_code != 0 && !started) complain("gatehouse demo: --port, --tls-port and --admin-port choose other ports\n");
  return exit_code;
}

}  // namespace

void add_demo(CLI::App& app, Context& context) {
  const auto options = std::make_shared<DemoOptions>();
  CLI::App* command = app.add_subcommand("demo", "Runs a gateway in front of the sample services of a small shop");
  command->add_option("--port", options->ports.gateway, "Port of the gateway")
      ->check(CLI::Range(1, 65535).description(""))
      ->type_name("PORT")
      ->capture_default_str();
  command->add_option("--admin-port", options->ports.admin, "Port of the admin interface")
      ->check(CLI::Range(1, 65535).description(""))
      ->type_name("PORT")
      ->capture_default_str();
  CLI::Option* const certificates =
      command->add_option("--certificates", options->ports.certificates,
                          "Make certificates of an authority of the demo's own in this folder, and speak TLS, too");
  certificates->type_name("FOLDER");
  command->add_option("--tls-port", options->ports.tls, "Port of the gateway for TLS")
      ->check(CLI::Range(1, 65535).description(""))
      ->needs(certificates)
      ->type_name("PORT")
      ->capture_default_str();
  CLI::Option* print = command->add_flag("--print-config", options->print_config,
                                         "Print the configuration, with the services where --services puts them");
  CLI::Option* services =
      command->add_flag("--services", options->services_only, "Run only the services, without a gateway");
  command->add_option("--base-port", options->base_port, "Port of the first service, the others follow; 0: free ports")
      ->check(CLI::Range(0, 65535 - static_cast<int>(kShopServices) + 1).description(""))
      ->needs(services)
      ->type_name("PORT")
      ->capture_default_str();
  print->excludes(services);
  certificates->excludes(services);
  command->footer(
      "Everything listens on 127.0.0.1, nothing is written anywhere but certificates where they are asked for, and "
      "every "
      "run answers alike.\n\n"
      "Examples:\n"
      "  gatehouse demo\n"
      "  gatehouse demo --print-config > shop.yaml\n"
      "  gatehouse demo --services & gatehouse run shop.yaml");
  command->callback([options, &context] {
    if (!make_certificates(options->ports)) {
      context.exit_code = 1;
    } else if (options->print_config) {
      say(demo_configuration(options->ports));
    } else {
      context.exit_code = options->services_only ? run_services(*options) : run_demo(*options);
    }
  });
}

}  // namespace gatehouse::cli
