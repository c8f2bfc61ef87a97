"""Tests of tools/check_includes: each rule is broken once in a small tree of its own."""

import importlib.machinery
import importlib.util
import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
_PATH = os.path.join(os.path.dirname(os.path.realpath(__file__)), "check_includes")
_LOADER = importlib.machinery.SourceFileLoader("check_includes", _PATH)
_SPEC = importlib.util.spec_from_loader("check_includes", _LOADER)
check_includes = importlib.util.module_from_spec(_SPEC)
_LOADER.exec_module(check_includes)


class CheckIncludes(unittest.TestCase):
    def check(self, files):
        """The faults and notes of a tree with these files; faults about unneeded exceptions left out."""
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, "src"))
            for path, text in files.items():
                full = os.path.join(root, path)
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "w", encoding="utf-8") as file:
                    file.write(text)
            checker = check_includes.Checker(root)
            checker.run()
        self.notes = checker.notes
        return [f"{path}:{line}: {sentence}" for path, line, sentence in checker.faults
                if path != "tools/check_includes"]

    def assert_fault(self, files, place, words):
        faults = self.check(files)
        self.assertEqual(len(faults), 1, faults)
        self.assertTrue(faults[0].startswith(place + ": "), faults)
        self.assertIn(words, faults[0])

    def test_includes_in_the_right_direction_are_good(self):
        self.assertEqual(self.check({"src/http/a.h": '#include "base/error.h"\n#include "http/b.h"\n'}), [])

    def test_an_include_against_the_direction_is_a_fault(self):
        self.assert_fault({"src/base/a.cc": '\n#include "http/head.h"\n'}, "src/base/a.cc:2", "base must not include")

    def test_tests_keep_to_the_direction_too(self):
        self.assert_fault({"src/base/a_test.cc": '#include "engine/worker.h"\n'}, "src/base/a_test.cc:1", "must not")

    def test_an_exception_holds_for_its_header_only(self):
        self.assertEqual(self.check({"src/admin/a.cc": '#include "engine/control.h"\n'}), [])
        self.assert_fault({"src/admin/a.cc": '#include "engine/worker.h"\n'}, "src/admin/a.cc:1", "admin must not")

    def test_a_folder_without_a_rule_is_a_fault(self):
        self.assert_fault({"src/misc/a.h": ""}, "src/misc:0", "no rule")

    def test_an_exception_that_is_not_needed_is_a_fault(self):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, "src"))
            checker = check_includes.Checker(root)
            checker.run()
        self.assertTrue(any("src/base/clock.cc is not needed" in sentence for _, _, sentence in checker.faults))

    def test_std_regex_is_banned_everywhere(self):
        self.assert_fault({"tests/e2e/a.cc": "std::regex pattern;\n"}, "tests/e2e/a.cc:1", "RE2")
        self.assert_fault({"src/http/a.cc": "#include <regex>\n"}, "src/http/a.cc:1", "RE2")
        self.assert_fault({"src/http/a.cc": "if (std::regex_match(a, b)) {}\n"}, "src/http/a.cc:1", "RE2")

    def test_wall_clock_calls_are_banned(self):
        for call in ("std::chrono::system_clock::now()", "gettimeofday(&t, nullptr)", "time(nullptr)", "::time(0)",
                     "std::time(&now)", "clock_gettime(CLOCK_REALTIME, &t)"):
            self.assert_fault({"src/http/a.cc": f"auto x = {call};\n"}, "src/http/a.cc:1", "base/clock")

    def test_calls_that_only_end_in_time_are_good(self):
        self.assertEqual(self.check({"src/http/a.cc": "a.time(0); b->time(0); read_time(0); my::time(0); x(\"time(0)\");\n"}),
                         [])

    def test_locks_are_banned_outside_tests(self):
        for lock in ("std::mutex m;", "std::shared_mutex m;", "std::condition_variable c;", "pthread_mutex_t m;"):
            self.assert_fault({"src/engine/a.cc": lock + "\n"}, "src/engine/a.cc:1", "locks")
        self.assertEqual(self.check({"src/engine/a_test.cc": "std::mutex m;\n"}), [])

    def test_throw_is_banned_but_not_in_comments_and_texts(self):
        self.assert_fault({"src/http/a.cc": "if (bad) throw Stop();\n"}, "src/http/a.cc:1", "throws")
        text = "// throw\n/* a\nthrow */ auto s = \"throw\";\nauto r = R\"(\nthrow\n)\";\nauto n = 1'000; // throw '\n"
        self.assertEqual(self.check({"src/http/a.cc": text}), [])

    def test_heavy_headers_are_banned_in_headers_only(self):
        for header in ("boost/json.hpp", "re2/re2.h", "yaml-cpp/yaml.h", "fmt/format.h", "openssl/ssl.h",
                       "nghttp2/nghttp2.h"):
            line = f"#include <{header}>\n"
            self.assert_fault({"src/http/a.h": line}, "src/http/a.h:1", "heavy")
            self.assertEqual(self.check({"src/http/a.cc": line}), [])

    def test_long_files_are_reported_and_too_long_ones_refused(self):
        self.assertEqual(self.check({"src/http/a.cc": "\n" * 400}), [])
        self.assertEqual(self.notes, [])
        self.assertEqual(self.check({"src/http/a.cc": "\n" * 401}), [])
        self.assertEqual(len(self.notes), 1)
        self.assert_fault({"src/http/a.cc": "\n" * 801}, "src/http/a.cc:801", "800 are allowed")

    def test_long_public_headers_are_reported(self):
        self.assertEqual(self.check({"src/http/a.h": "\n" * 151}), [])
        self.assertIn("contract under 150", self.notes[0])


if __name__ == "__main__":
    unittest.main()
