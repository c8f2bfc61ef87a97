"""Tests of tools/check_docs."""

import importlib.machinery
import importlib.util
import os
import stat
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
_PATH = os.path.join(os.path.dirname(os.path.realpath(__file__)), "check_docs")
_LOADER = importlib.machinery.SourceFileLoader("check_docs", _PATH)
check_docs = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_docs", _LOADER))
_LOADER.exec_module(check_docs)


class CheckDocs(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = self.folder.name

    def write(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)

    def test_links_to_files_and_headings_that_exist_are_good(self):
        self.write("docs/a.md", "# On `max_body`, and more\n")
        self.write("b.md", "[x](docs/a.md) [y](docs/a.md#on-max_body-and-more) [z](https://example.com/q)\n`[c](none)`\n")
        self.assertEqual(check_docs.check_links(self.root, "b.md"), [])

    def test_a_link_to_nowhere_is_a_fault(self):
        self.write("docs/a.md", "# One\n")
        self.write("docs/b.md", "[x](c.md)\n[y](a.md#two)\n")
        self.assertEqual(check_docs.check_links(self.root, "docs/b.md"),
                         ["docs/b.md:1: c.md is not there", "docs/b.md:2: docs/a.md has no heading #two"])

    def test_only_marked_blocks_are_whole_configurations(self):
        text = "```yaml\na: 1\n```\n\n```yaml check\nb: 2\n```\n"
        self.assertEqual(list(check_docs.configurations(text)), [(5, "b: 2\n")])

    def test_a_configuration_that_does_not_load_is_a_fault(self):
        program = os.path.join(self.root, "gatehouse")
        self.write("gatehouse", "#!/bin/sh\ngrep -q good \"$2\"\n")
        os.chmod(program, stat.S_IRWXU)
        self.write("a.md", "```yaml check\ngood: 1\n```\n```yaml check\nbad: 1\n```\n")
        count, faults = check_docs.check_configurations(self.root, "a.md", program)
        self.assertEqual(count, 2)
        self.assertEqual(len(faults), 1)
        self.assertIn("a.md:4", faults[0])

    def test_a_named_test_that_is_not_there_is_a_fault(self):
        self.write("a.md", "`Http1.keeps_alive` `Http1.is_gone_now` `one.case` `two.case` `Config.h`\n")
        faults = check_docs.check_tests(self.root, "a.md", {"Http1.keeps_alive"}, {"one.case"})
        self.assertEqual(faults, ["a.md:1: there is no test Http1.is_gone_now", "a.md:1: there is no case two.case"])

    def test_the_table_of_reasons_must_be_that_of_the_code(self):
        self.write("src/base/error.cc", '{Reason::no_route, "no_route", 404},\n{Reason::internal, "internal", 500},\n')
        self.write("docs/errors.md", "| 404 | `no_route` | x |\n| 500 | `odd` | x |\n")
        self.assertEqual(check_docs.check_reasons(self.root),
                         ["docs/errors.md: internal is not there with status 500",
                          "docs/errors.md: there is no reason odd with status 500"])


if __name__ == "__main__":
    unittest.main()
