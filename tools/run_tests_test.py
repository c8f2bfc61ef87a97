"""Tests of tools/run_tests: how tests are counted, above all that no failure gets lost."""

import importlib.machinery
import importlib.util
import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
_PATH = os.path.join(os.path.dirname(os.path.realpath(__file__)), "run_tests")
_LOADER = importlib.machinery.SourceFileLoader("run_tests", _PATH)
run_tests = importlib.util.module_from_spec(importlib.util.spec_from_loader("run_tests", _LOADER))
_LOADER.exec_module(run_tests)

GOOD = '<testcase name="a" status="run"/>'
BAD = '<testcase name="b" classname="S" status="run"><failure message="x"/></testcase>'
SKIPPED = '<testcase name="c" status="run"><skipped message="x"/></testcase>'


class RunTests(unittest.TestCase):
    def count(self, tests, good=True, ctest=True):
        """(passed, failed, skipped) for tests given as (ctest's status, cases in GoogleTest's report or None)."""
        with tempfile.TemporaryDirectory() as folder:
            junit = os.path.join(folder, "ctest.junit")
            cases = ""
            for number, (status, report) in enumerate(tests):
                cases += f'<testcase name="t{number}" status="{status}"><system-out>said</system-out></testcase>'
                if report is not None:
                    with open(os.path.join(folder, f"t{number}_test.xml"), "w", encoding="utf-8") as file:
                        file.write(f"<testsuites><testsuite>{report}</testsuite></testsuites>")
            if ctest:
                with open(junit, "w", encoding="utf-8") as file:
                    file.write(f"<testsuite>{cases}</testsuite>")
            programs = {f"t{number}": f"t{number}_test" for number in range(len(tests))}
            tally = run_tests.Tally()
            run_tests.count_ctest(tally, good, junit, folder, programs)
        self.said = tally.said
        return tally.passed, tally.failed, tally.skipped

    def test_each_google_test_counts_and_every_other_test_once(self):
        self.assertEqual(self.count([("run", GOOD + GOOD), ("run", GOOD + SKIPPED), ("run", None)]), (4, 0, 1))

    def test_failures_are_counted_one_by_one(self):
        self.assertEqual(self.count([("fail", GOOD + BAD + BAD), ("run", None)], good=False), (2, 2, 0))
        self.assertEqual(self.said, ["S.b\nx", "S.b\nx"])

    def test_a_program_that_crashed_or_ended_badly_is_a_failure(self):
        self.assertEqual(self.count([("run", GOOD), ("fail", None)], good=False), (1, 1, 0))
        self.assertEqual(self.count([("fail", GOOD)], good=False), (1, 1, 0))
        self.assertEqual(self.said, ["t0\nsaid"])

    def test_a_ctest_that_failed_otherwise_is_a_failure(self):
        self.assertEqual(self.count([("run", GOOD)], good=False), (1, 1, 0))
        self.assertEqual(self.count([], good=False, ctest=False), (0, 1, 0))

    def test_a_build_that_fails_is_a_failure(self):
        tally = run_tests.Tally()
        self.assertFalse(tally.check(False))
        self.assertEqual((tally.passed, tally.failed), (0, 1))

    def test_what_runs_under_thread_sanitizer_is_built_for_it(self):
        targets, pattern = run_tests.tsan_targets()
        self.assertIn("gatehouse", targets)
        for target in targets[1:]:
            name = target.replace("e2e_", "e2e.") if target.startswith("e2e_") else target[: -len("_test")]
            self.assertRegex(name, pattern)


if __name__ == "__main__":
    unittest.main()
