#include "config/parse_json.h"

#include <gtest/gtest.h>

namespace gatehouse::config {
namespace {

const auto kFile = std::make_shared<const std::string>("t.json");

/// Everything that a tree knows, a line for each node.
void describe(const Node& node, std::string& to) {
  to += std::to_string(static_cast<int>(node.kind())) + (node.quoted() ? " quoted " : " bare ") + node.mark().text() +
        " <" + node.text() + ">\n";
  for (const Node& item : node.items()) describe(item, to);
  for (const Node::Entry& entry : node.entries()) {
    to += "key " + entry.key_mark.text() + " <" + entry.key + ">\n";
    describe(entry.value, to);
  }
}
std::string described(const Node& node) {
  std::string text;
  describe(node, text);
  return text;
}

/// A comment behind it makes a text YAML's, and moves nothing.
std::string as_yaml(const std::string& text) {
  EXPECT_FALSE(parse_plain_json(text + "\n# no JSON", kFile));
  Diagnostics out;
  const Node node = parse_document(text + "\n# no JSON", "t.json", out);
  EXPECT_EQ(out.text(), "") << text;
  return described(node);
}

TEST(ParseJson, gives_the_tree_that_yaml_gives) {
  for (
      const std::string text : {
          R"({})",
          R"([])",
          R"( {"a": 1, "b": [true, false, null, "null", "", -0.5e+7, 0], "c": {"d": {}, "e": []}})",
          "{\n  \"listeners\": [\n    {\"address\": \"127.0.0.1:8080\"},\r\n    {\"address\":\"[::1]:1\"}\n  "
          "],\n\"x\": 12\n}\n",
          R"({"escapes": "a\"b\\c\/d\b\f\n\r\te\u0041\u00e9\u20ac", "\u006bey": 1, "": 2, "<<": 3})",
          "{\"plain\": \"gr\xc3\xbc\xc3\x9f\xe2\x82\xac\", \"after\": 1}",
          R"({"1":1,"2":1,"3":1,"4":1,"5":1,"6":1,"7":1,"8":1,"9":1,"10":1,"11":1,"12":1,"13":1,"14":1,"15":1,"16":1,"17":1,"18":1})",
      }) {
    const auto node = parse_plain_json(text, kFile);
    ASSERT_TRUE(node) << text;
    EXPECT_EQ(described(*node), as_yaml(text)) << text;
  }
}

TEST(ParseJson, leaves_to_yaml_what_it_does_not_know) {
  std::string deep(101, '['), many = "{";
  for (int i = 0; i < 20; ++i) many += "\"" + std::to_string(i) + "\": 1, ";
  for (const std::string& text : {std::string(""),
                                  std::string("{"),
                                  std::string("{a: 1}"),
                                  std::string("{\"a\": yes}"),
                                  std::string("{\"a\": 01}"),
                                  std::string("{\"a\": 1,}"),
                                  std::string("[1 2]"),
                                  std::string("{\"a\" 1}"),
                                  std::string("{} {}"),
                                  std::string("{\"a\": 1, \"a\": 2}"),
                                  std::string("{\"a\": \"b\nc\"}"),
                                  std::string("{\"a\": \"\\x\"}"),
                                  std::string("{\"a\": \"\\ud83d\\ude00\"}"),
                                  std::string("{\"a\": \"\\u0000\"}"),
                                  std::string("{\"a\": \"\\u12"),
                                  std::string("{\"a\": .5}"),
                                  std::string("{\"a\": 1.}"),
                                  std::string("{\"a\": -}"),
                                  std::string("[nul]"),
                                  std::string("{\"a\": \"b"),
                                  std::string("{\"a\": \"\\"),
                                  many + "\"7\": 1}",
                                  deep + std::string(101, ']')}) {
    EXPECT_FALSE(parse_plain_json(text, kFile)) << text;
  }
  EXPECT_TRUE(parse_plain_json(std::string(100, '[') + std::string(100, ']'), kFile));
  EXPECT_TRUE(parse_plain_json(many + "\"20\": 1}", kFile));
}

TEST(ParseJson, a_fault_is_told_as_yaml_tells_it) {
  Diagnostics out;
  parse_document("{\"a\": 1,\n \"a\": 2}", "t.json", out);
  EXPECT_EQ(out.text(), "t.json:2:2: duplicate key \"a\", first at t.json:1:2\n");
}

}  // namespace
}  // namespace gatehouse::config
