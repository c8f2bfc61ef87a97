#include "support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

extern char** environ;

namespace gatehouse::test {

namespace {

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& added) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string_view text = *entry;
    if (!added.contains(std::string(text.substr(0, text.find('='))))) result.emplace_back(text);
  }
  for (const auto& [key, value] : added) result.push_back(key + "=" + value);
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& text : strings) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

}  // namespace

Process::Process(std::vector<std::string> arguments, ProcessOptions options) {
  int out[2], err[2];
  if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0) std::abort();
  std::string listen_pid = "LISTEN_PID=00000000000";  // the child fills in its own
  if (!options.keep_descriptors.empty()) {
    options.environment["LISTEN_FDS"] = std::to_string(options.keep_descriptors.size());
  }
  std::vector<std::string> environment = merged_environment(options.environment);
  if (!options.keep_descriptors.empty()) environment.push_back(listen_pid);
  std::vector<char*> argv = pointers(arguments), envp = pointers(environment);
  pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(126);
    ::dup2(out[1], 1);
    ::dup2(err[1], 2);
    int count = static_cast<int>(options.keep_descriptors.size());
    if (count > 0) {
      for (int i = 0; i < count; ++i) ::dup2(options.keep_descriptors[static_cast<std::size_t>(i)], 500 + i);
      for (int i = 0; i < count; ++i) ::dup2(500 + i, 3 + i);
      for (int i = 0; i < count; ++i) ::close(500 + i);
      std::snprintf(environment.back().data() + 11, 12, "%d", ::getpid());
    }
    if (options.in_child) options.in_child();
    ::execvpe(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  ::close(out[1]);
  ::close(err[1]);
  reader_ = std::thread([this, a = out[0], b = err[0]] { collect(Fd(a), Fd(b)); });
  reaper_ = std::thread([this] { reap(); });
}

Process::~Process() {
  signal(SIGKILL);
  reaper_.join();
  reader_.join();
}

void Process::signal(int number) {
  std::lock_guard lock(mutex_);
  if (!exit_) ::kill(pid_, number);
}

void Process::reap() {
  // WNOWAIT first: the pid stays ours until exit_ is set, so that signal() never hits a stranger.
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  std::lock_guard lock(mutex_);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  exit_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  changed_.notify_all();
}

void Process::collect(Fd out, Fd err) {
  pollfd fds[2] = {{out.get(), POLLIN, 0}, {err.get(), POLLIN, 0}};
  std::string* texts[2] = {&out_, &err_};
  char buffer[16384];
  while (fds[0].fd >= 0 || fds[1].fd >= 0) {
    if (::poll(fds, 2, -1) < 0) continue;
    for (int i = 0; i < 2; ++i) {
      if (fds[i].fd < 0 || fds[i].revents == 0) continue;
      ssize_t got = ::read(fds[i].fd, buffer, sizeof buffer);
      if (got <= 0) {
        fds[i].fd = -1;
        continue;
      }
      std::lock_guard lock(mutex_);
      texts[i]->append(buffer, static_cast<std::size_t>(got));
      changed_.notify_all();
    }
  }
  std::lock_guard lock(mutex_);
  drained_ = true;
  changed_.notify_all();
}

bool Process::running() {
  std::lock_guard lock(mutex_);
  return !exit_;
}

std::optional<int> Process::wait_exit(const Deadline& deadline) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, deadline.at(), [&] { return exit_ && drained_; });
  return exit_;
}

std::string Process::out() {
  std::lock_guard lock(mutex_);
  return out_;
}

std::string Process::err() {
  std::lock_guard lock(mutex_);
  return err_;
}

bool Process::wait_err(std::string_view text, const Deadline& deadline, std::size_t from) {
  std::unique_lock lock(mutex_);
  auto there = [&] { return err_.find(text, std::min(from, err_.size())) != std::string::npos; };
  changed_.wait_until(lock, deadline.at(), [&] { return there() || (exit_ && drained_); });
  return there();
}

void Process::pause(Millis time) {
  std::unique_lock lock(mutex_);
  std::size_t before = err_.size();
  changed_.wait_for(lock, time, [&] { return exit_.has_value() || err_.size() != before; });
}

std::size_t Process::resident_kib() const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/statm");
  std::size_t size = 0, resident = 0;
  in >> size >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 1024;
}

std::size_t Process::open_descriptors() const {
  std::error_code ignored;
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid_) + "/fd", ignored)) {
    (void)entry;
    ++count;
  }
  return count;
}

Finished run_program(std::vector<std::string> arguments, ProcessOptions options, const Deadline& deadline) {
  Process process(std::move(arguments), std::move(options));
  std::optional<int> code = process.wait_exit(deadline);
  return {code.value_or(-1), process.out(), process.err()};
}

}  // namespace gatehouse::test
