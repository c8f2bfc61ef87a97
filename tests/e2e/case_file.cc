#include "e2e/case_file.h"

#include <boost/json.hpp>
#include <cstdlib>
#include <sstream>

namespace gatehouse::test {

namespace {

struct Section {
  int line = 0;
  std::string title;  ///< "client sees"
  std::vector<std::pair<int, std::string>> lines;

  std::string text() const {
    std::string all;
    for (const auto& [number, content] : lines) all += content + "\n";
    return all;
  }
};

bool is_comment(std::string_view line) {
  return line.starts_with('#');
}

std::vector<Section> sections_of(std::string_view text, CaseFile& file) {
  std::vector<Section> sections;
  std::istringstream in{std::string(text)};
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.starts_with("=== ")) {
      sections.push_back({number, std::string(trim(std::string_view(line).substr(4))), {}});
    } else if (!sections.empty()) {
      sections.back().lines.emplace_back(number, line);
    } else if (!trim(line).empty() && !is_comment(line)) {
      file.problems.push_back("line " + std::to_string(number) + ": expected a section (=== config), got: " + line);
    }
  }
  // Empty lines and comments at the end of a section are space between sections.
  for (Section& section : sections) {
    while (!section.lines.empty() &&
           (trim(section.lines.back().second).empty() || is_comment(section.lines.back().second))) {
      section.lines.pop_back();
    }
  }
  return sections;
}

/// \r \n \t \0 \\ and \xHH.
std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    char c = text[++i];
    if (c == 'x' && i + 2 < text.size()) {
      out += static_cast<char>(std::strtol(std::string(text.substr(i + 1, 2)).c_str(), nullptr, 16));
      i += 2;
    } else {
      out += c == 'r' ? '\r' : c == 'n' ? '\n' : c == 't' ? '\t' : c == '0' ? '\0' : c;
    }
  }
  return out;
}

struct Message {
  std::string first;
  std::string fields;  ///< lines ended by \r\n
  std::string body;
};

/// First line, fields, empty line, body: the last line end of the body is not part of it.
Message read_message(const std::vector<std::pair<int, std::string>>& lines) {
  Message message;
  bool in_body = false;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string& line = lines[i].second;
    if (i == 0)
      message.first = line;
    else if (in_body)
      message.body += (message.body.empty() ? "" : "\n") + line;
    else if (line.empty())
      in_body = true;
    else if (!is_comment(line))
      message.fields += line + "\r\n";
  }
  return message;
}

bool has_field(std::string_view fields, std::string_view key) {
  RequestHead head;
  return parse_request_head("GET / HTTP/1.1\r\n" + std::string(fields) + "\r\n", head) && head.fields.has(key);
}

void read_request(const Section& section, CaseStep& step) {
  std::istringstream words(section.title.substr(7));
  bool raw = false;
  for (std::string word; words >> word;) {
    if (word == "raw")
      raw = true;
    else if (word == "keep")
      step.keep = true;
    else if (word.starts_with("times="))
      step.times = std::atoi(word.c_str() + 6);
  }
  if (raw) {
    bool open = false;
    for (const auto& [number, line] : section.lines) {
      open = line.ends_with("\\c");
      step.request += unescape(open ? std::string_view(line).substr(0, line.size() - 2) : line) + (open ? "" : "\r\n");
    }
    if (!open) step.request += "\r\n";
    step.head_request = step.request.starts_with("HEAD ");
    return;
  }
  Message message = read_message(section.lines);
  if (message.first.find(" HTTP/1.") == std::string::npos) message.first += " HTTP/1.1";
  step.head_request = message.first.starts_with("HEAD ");
  step.request = message.first + "\r\n";
  if (!has_field(message.fields, "host")) step.request += "Host: test\r\n";
  step.request += message.fields;
  bool framed = has_field(message.fields, "content-length") || has_field(message.fields, "transfer-encoding");
  if (!message.body.empty() && !framed)
    step.request += "Content-Length: " + std::to_string(message.body.size()) + "\r\n";
  step.request += "\r\n" + message.body;
}

std::string service_of(std::string_view title, std::string_view section) {
  std::string_view rest = trim(title.substr(section.size()));
  return rest.empty() ? "up1" : std::string(rest);
}

CaseAnswer read_answer(Section section) {
  CaseAnswer answer;
  answer.service = service_of(section.title, "upstream answers");
  if (!section.lines.empty()) {
    std::string_view last = section.lines.back().second;
    using End = CaseAnswer::End;
    answer.end = last == "(close)"   ? End::close
                 : last == "(reset)" ? End::reset
                 : last == "(hang)"  ? End::hang
                                     : End::keep;
    if (answer.end != End::keep) section.lines.pop_back();
  }
  if (section.lines.empty()) return answer;
  Message message = read_message(section.lines);
  std::string first = message.first.starts_with("HTTP/") ? message.first : "HTTP/1.1 " + message.first;
  if (first.size() == 12) first += " Case";
  answer.head = first + "\r\n" + message.fields;
  answer.body = message.body;
  return answer;
}

std::vector<Expectation> read_expectations(const Section& section) {
  std::vector<Expectation> result;
  for (const auto& [number, line] : section.lines) {
    if (!is_comment(line) && !trim(line).empty()) result.push_back({number, line});
  }
  return result;
}

void add_section(const Section& section, CaseFile& file, std::vector<CaseAnswer>& pending) {
  auto problem = [&](const std::string& text) {
    file.problems.push_back("line " + std::to_string(section.line) + ": " + text);
  };
  auto step = [&]() -> CaseStep* {
    if (!file.steps.empty() && file.steps.back().kind == CaseStep::Kind::exchange) return &file.steps.back();
    problem("\"" + section.title + "\" needs a request before it");
    return nullptr;
  };
  const std::string& title = section.title;
  if (title == "config") {
    file.config = section.text();
  } else if (title.starts_with("file ")) {
    file.files.emplace_back(std::string(trim(std::string_view(title).substr(5))), section.text());
  } else if (title == "env") {
    for (const auto& [number, line] : section.lines) {
      std::size_t equals = line.find('=');
      if (equals != std::string::npos) file.environment.emplace_back(line.substr(0, equals), line.substr(equals + 1));
    }
  } else if (title == "check fails" || title == "check warns") {
    file.check_says = read_expectations(section);
    file.check_passes = title == "check warns";
    if (file.check_says.empty()) problem("say what must be said");
  } else if (title == "reload") {
    CaseStep& next = file.steps.emplace_back();
    next.kind = CaseStep::Kind::reload;
    next.line = section.line;
    next.config = section.text();
  } else if (title == "request" || title.starts_with("request ")) {
    CaseStep& next = file.steps.emplace_back();
    next.line = section.line;
    next.answers = std::exchange(pending, {});
    read_request(section, next);
  } else if (title.starts_with("upstream answers")) {
    pending.push_back(read_answer(section));
  } else if (title.starts_with("upstream sees")) {
    if (CaseStep* last = step())
      last->upstream.push_back({section.line, service_of(title, "upstream sees"), read_expectations(section)});
  } else if (title == "client sees") {
    if (CaseStep* last = step()) {
      last->client = read_expectations(section);
      last->client_line = section.line;
    }
  } else {
    problem("unknown section \"" + title + "\"");
  }
}

bool same_json(std::string_view a, std::string_view b) {
  boost::system::error_code first, second;
  boost::json::value x = boost::json::parse(a, first), y = boost::json::parse(b, second);
  return !first && !second && x == y;
}

/// "" if the line holds, else why not.
std::string judge(std::string_view line, std::string_view first_line, const Fields& fields, const Fields& trailers,
                  std::string_view body, std::string& exact_body) {
  auto starts = [&](std::string_view mark) { return line == mark || line.starts_with(std::string(mark) + " "); };
  auto rest = [&](std::size_t from) { return line.size() > from ? line.substr(from) : std::string_view(); };
  if (starts("=")) {
    exact_body += std::string(rest(2)) + "\n";
    return "";
  }
  if (starts("~")) return body.find(rest(2)) != std::string_view::npos ? "" : "the body does not contain it";
  if (starts("!~")) return body.find(rest(3)) == std::string_view::npos ? "" : "the body contains it";
  if (starts("json")) return same_json(rest(5), body) ? "" : "the body is not this JSON";
  if (starts("!")) {
    std::string_view key = trim(line.substr(1));
    const bool behind = key.starts_with("trailer ");
    if (behind) key = trim(key.substr(8));
    const Fields& where = behind ? trailers : fields;
    return where.has(key) ? "there is: " + where.get(key) : "";
  }
  bool trailer = starts("trailer");
  std::string_view field = trailer ? trim(rest(8)) : line;
  std::size_t colon = field.find(':');
  bool is_field =
      colon != std::string_view::npos && field.substr(0, colon).find_first_of(" /") == std::string_view::npos;
  if (!is_field) return glob_match(line, first_line) ? "" : "it is: " + std::string(first_line);
  std::vector<std::string> values = (trailer ? trailers : fields).all(field.substr(0, colon));
  std::string all;
  for (const std::string& value : values) {
    if (glob_match(trim(field.substr(colon + 1)), value)) return "";
    all += " [" + value + "]";
  }
  return values.empty() ? "there is none" : "it is" + all;
}

}  // namespace

CaseFile parse_case(std::string_view text, std::string name) {
  CaseFile file;
  file.name = std::move(name);
  std::vector<CaseAnswer> pending;
  for (const Section& section : sections_of(text, file)) add_section(section, file, pending);
  if (file.config.empty()) file.problems.push_back("no config section");
  if (!pending.empty()) file.problems.push_back("an answer of an upstream stands behind the last request");
  bool expects = !file.check_says.empty();
  for (const CaseStep& step : file.steps) expects = expects || step.client_line != 0 || !step.upstream.empty();
  if (!expects) file.problems.push_back("nothing is expected: the case cannot fail");
  return file;
}

std::vector<std::string> unmet(const std::vector<Expectation>& expected, std::string_view first_line,
                               const Fields& fields, const Fields& trailers, std::string_view body) {
  std::vector<std::string> result;
  std::string exact_body;
  for (const Expectation& line : expected) {
    std::string why = judge(line.text, first_line, fields, trailers, body, exact_body);
    if (!why.empty()) result.push_back("line " + std::to_string(line.line) + ": " + line.text + ": " + why);
  }
  if (!exact_body.empty()) {
    exact_body.pop_back();
    if (exact_body != body && exact_body != std::string(body) + "\n" && exact_body + "\n" != body) {
      result.push_back("the body is not\n" + exact_body + "\nbut\n" + std::string(body));
    }
  }
  return result;
}

bool glob_match(std::string_view glob, std::string_view text) {
  if (glob.empty()) return text.empty();
  if (glob.front() == '*') {
    for (std::size_t skip = 0; skip <= text.size(); ++skip) {
      if (glob_match(glob.substr(1), text.substr(skip))) return true;
    }
    return false;
  }
  if (glob.starts_with("\\*")) return text.starts_with('*') && glob_match(glob.substr(2), text.substr(1));
  return !text.empty() && text.front() == glob.front() && glob_match(glob.substr(1), text.substr(1));
}

}  // namespace gatehouse::test
