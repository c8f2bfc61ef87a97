#include "redis/wire.h"

#include <hiredis/read.h>

#include <algorithm>
#include <charconv>
#include <new>

namespace gatehouse::redis {
namespace {

constexpr std::size_t kMostNumber = 24;  ///< bytes of one: its mark, digits, CR LF

char* put_number(char* to, char kind, std::size_t number) {
  *to++ = kind;
  to = std::to_chars(to, to + kMostNumber, number).ptr;
  *to++ = '\r';
  *to++ = '\n';
  return to;
}

}  // namespace

Arguments auth_command(std::span<std::string_view, 3> words, std::string_view username, std::string_view password) {
  if (username.empty() && password.empty()) return {};
  words[0] = "AUTH";
  words[1] = username.empty() ? password : username;
  words[2] = password;
  return words.first(username.empty() ? 2 : 3);
}

void append_command(std::string& to, Arguments arguments) {
  std::size_t most = to.size() + kMostNumber;
  for (const std::string_view argument : arguments) most += kMostNumber + argument.size() + 2;
  to.resize_and_overwrite(most, [&, before = to.size()](char* bytes, std::size_t) {
    char* at = put_number(bytes + before, '*', arguments.size());
    for (const std::string_view argument : arguments) {
      at = put_number(at, '$', argument.size());
      at = std::copy(argument.begin(), argument.end(), at);
      *at++ = '\r';
      *at++ = '\n';
    }
    return static_cast<std::size_t>(at - bytes);
  });
}

RedisReply copy(const RedisReply& reply, Arena& arena) {
  RedisReply to = reply;
  to.text = arena.copy(reply.text);
  if (reply.count != 0) {
    auto* const items = arena.array<RedisReply>(reply.count);
    for (std::uint32_t i = 0; i < reply.count; ++i) new (items + i) RedisReply(copy(reply.first[i], arena));
    to.first = items;
  }
  return to;
}

/// hiredis' callbacks: each puts a value into the place of its parent's that waits for it.
struct Builder {
  static ReplyReader& reader(const redisReadTask* task) { return *static_cast<ReplyReader*>(task->privdata); }
  static RedisReply* place(const redisReadTask* task) {
    if (task->parent == nullptr) return reader(task).arena_.make<RedisReply>();
    const auto* const parent = static_cast<RedisReply*>(task->parent->obj);
    return const_cast<RedisReply*>(parent->first) + task->idx;
  }
  static void* put(const redisReadTask* task, const RedisReply& value) {
    RedisReply* const to = place(task);
    *to = value;
    return to;
  }

  static void* string(const redisReadTask* task, char* bytes, std::size_t size) {
    using Kind = RedisReply::Kind;
    const Kind kind = task->type == REDIS_REPLY_ERROR    ? Kind::error
                      : task->type == REDIS_REPLY_STATUS ? Kind::status
                                                         : Kind::string;
    return put(task, {.kind = kind, .text = reader(task).arena_.copy({bytes, size})});
  }
  /// Null, which hiredis takes for a lack of memory, where there would be too many.
  static void* array(const redisReadTask* task, int count) {
    ReplyReader& self = reader(task);
    const auto more = static_cast<std::size_t>(count);
    if (count < 0 || more > ReplyReader::kMostElements - self.elements_) return nullptr;
    self.elements_ += more;
    auto* const items = self.arena_.array<RedisReply>(more);
    for (std::size_t i = 0; i < more; ++i) new (items + i) RedisReply();
    return put(task, {.kind = RedisReply::Kind::array, .first = items, .count = static_cast<std::uint32_t>(more)});
  }
  static void* integer(const redisReadTask* task, long long value) {
    return put(task, {.kind = RedisReply::Kind::integer, .integer = value});
  }
  static void* nil(const redisReadTask* task) { return put(task, {}); }
  static void free(void*) {}  // the arena's

  static redisReader* make(ReplyReader& owner) {
    static redisReplyObjectFunctions functions{&string, &array, &integer, &nil, &free};
    redisReader* const made = ::redisReaderCreateWithFunctions(&functions);
    if (made == nullptr) return nullptr;
    made->privdata = &owner;
    made->maxbuf = 64 * 1024;  // a buffer that was used once is kept up to this size
    return made;
  }
};

ReplyReader::ReplyReader() : reader_(Builder::make(*this)) {}

ReplyReader::~ReplyReader() {
  if (reader_ != nullptr) ::redisReaderFree(reader_);
}

void ReplyReader::reset() {
  if (reader_ != nullptr) ::redisReaderFree(reader_);
  reader_ = Builder::make(*this);
  arena_.reset();
  given_ = false;
  elements_ = fed_ = complete_ = 0;
  error_ = "";
}

ReplyReader::Step ReplyReader::failed(const char* why) {
  if (*error_ == '\0') error_ = why;
  return Step::failed;
}

void ReplyReader::feed(std::string_view bytes) {
  if (*error_ != '\0' || bytes.empty()) return;
  fed_ += bytes.size();
  if (reader_ == nullptr || ::redisReaderFeed(reader_, bytes.data(), bytes.size()) != REDIS_OK) {
    failed("no memory for a reply");
  }
}

ReplyReader::Step ReplyReader::next(RedisReply& to) {
  if (*error_ != '\0') return Step::failed;
  if (given_) {
    arena_.reset();
    elements_ = 0;
    given_ = false;
  }
  void* built = nullptr;
  if (::redisReaderGetReply(reader_, &built) != REDIS_OK) {
    return failed(reader_->err == REDIS_ERR_OOM ? "a reply has too many elements" : "what it sent is not RESP");
  }
  const std::size_t unread = reader_->len - reader_->pos;
  if (built == nullptr) {
    return fed_ - complete_ > kMostBytes ? failed("a reply is larger than 1 MiB") : Step::more;
  }
  const std::size_t size = fed_ - unread - complete_;
  complete_ = fed_ - unread;
  if (size > kMostBytes) return failed("a reply is larger than 1 MiB");
  given_ = true;
  to = *static_cast<RedisReply*>(built);
  return Step::reply;
}

}  // namespace gatehouse::redis
