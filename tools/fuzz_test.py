"""Tests of tools/fuzz: a target that fails is told, and a smoke stays short."""

import contextlib
import importlib.machinery
import importlib.util
import io
import os
import sys
import tempfile
import unittest
from unittest import mock

sys.dont_write_bytecode = True
_PATH = os.path.join(os.path.dirname(os.path.realpath(__file__)), "fuzz")
_LOADER = importlib.machinery.SourceFileLoader("fuzz", _PATH)
fuzz = importlib.util.module_from_spec(importlib.util.spec_from_loader("fuzz", _LOADER))
_LOADER.exec_module(fuzz)


class Fuzz(unittest.TestCase):
    def run_with(self, targets, *arguments):
        """(exit code, output) with programs given as {name: shell script}."""
        with tempfile.TemporaryDirectory() as root:
            for name, script in targets.items():
                path = os.path.join(root, "build", "asan", "tests", f"{name}_fuzz")
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="ascii") as file:
                    file.write(f"#!/bin/sh\n{script}\n")
                os.chmod(path, 0o755)
            out = io.StringIO()
            command = ["fuzz", "--build", os.path.join(root, "build", "asan"), *arguments]
            with mock.patch.object(fuzz, "ROOT", root), mock.patch.object(sys, "argv", command), \
                    contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
                code = fuzz.main()
            return code, out.getvalue()

    def test_targets_that_end_well_pass(self):
        code, output = self.run_with({"a": 'echo "stat::number_of_executed_units: 7"', "b": "true"})
        self.assertEqual(0, code)
        self.assertIn("fuzz a: ok, 7 inputs", output)
        self.assertIn("2 fuzz targets for 20 s each, 0 failed", output)

    def test_a_target_that_fails_is_told_with_its_output(self):
        code, output = self.run_with({"a": "true", "b": "echo what was wrong; exit 77"})
        self.assertEqual(1, code)
        self.assertIn("fuzz b: FAILED", output)
        self.assertIn("what was wrong", output)

    def test_no_target_is_no_success(self):
        self.assertEqual(2, self.run_with({})[0])
        self.assertEqual(2, self.run_with({"a": "true"}, "b")[0])

    def test_finds_lie_where_the_text_says(self):
        code, output = self.run_with({"a": 'echo "$@"; exit 1'}, "--seconds", "3")
        self.assertEqual(1, code)
        self.assertIn("-max_total_time=3 ", output)
        self.assertIn("/build/fuzz-finds/a/ ", output)

    def test_a_smoke_takes_a_minute(self):
        self.assertEqual(20, fuzz.share(targets=3, jobs=2))
        self.assertEqual(10, fuzz.share(targets=12, jobs=2))
        self.assertEqual(5, fuzz.share(targets=100, jobs=2))


if __name__ == "__main__":
    unittest.main()
