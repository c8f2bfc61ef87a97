"""Run with `python3 -m unittest discover -s bench/harness -t bench -p '*_test.py'`."""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import tempfile
import unittest

from harness import guards
from harness.guards import Guard, Material


def _decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class Keys(unittest.TestCase):
    def test_gatehouse_knows_the_hash_of_what_is_sent(self):
        with tempfile.TemporaryDirectory() as folder:
            written = {}
            material = Material(folder)
            top = guards.gatehouse(Guard(keys=3), material, lambda name, text: written.setdefault(name, text) and name, 0)
            self.assertIn('include: ["consumers.json"]', top)
            consumers = json.loads(written["consumers.json"])["consumers"]
            self.assertEqual([c["username"] for c in consumers], ["c0000000", "c0000001", "c0000002"])
            name, before, path = guards.sent(Guard(keys=3), material)
            with open(path, encoding="ascii") as f:
                keys = f.read().split()
            self.assertEqual((name, before, len(keys)), ("X-API-Key", "", 3))
            for sent, known in zip(keys, consumers):
                self.assertEqual(known["credentials"][0]["key_hash"], "sha256:" + hashlib.sha256(sent.encode()).hexdigest())


class Tokens(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.material = Material(self.folder.name)

    def token(self, algorithm):
        return self.material._token(algorithm, 7).split(".")

    def test_an_hmac_is_of_what_stands_before_it(self):
        head, claims, signature = self.token("HS256")
        self.assertEqual(json.loads(_decoded(head))["alg"], "HS256")
        self.assertEqual(json.loads(_decoded(claims))["sub"], "user-000007")
        expected = hmac.digest(guards.HMAC_SECRET.encode(), f"{head}.{claims}".encode(), "sha256")
        self.assertEqual(_decoded(signature), expected)

    def test_public_keys_verify_their_signatures(self):
        for algorithm in ("RS256", "EdDSA"):
            head, claims, signature = self.token(algorithm)
            paths = {name: os.path.join(self.folder.name, name) for name in ("text", "signature")}
            for name, octets in (("text", f"{head}.{claims}".encode()), ("signature", _decoded(signature))):
                with open(paths[name], "wb") as f:
                    f.write(octets)
            digest = ["-digest", "sha256"] if algorithm == "RS256" else []
            subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", self.material.public_key(algorithm), "-rawin",
                            *digest, "-in", paths["text"], "-sigfile", paths["signature"]], check=True, capture_output=True)

    def test_an_ecdsa_signature_is_two_numbers_of_32_bytes(self):
        self.assertEqual(len(_decoded(self.token("ES256")[2])), 64)
        der = bytes.fromhex("3007" "020200ff" "020101")
        self.assertEqual(guards.ecdsa_pair(der), (b"\xff").rjust(32, b"\0") + b"\1".rjust(32, b"\0"))


if __name__ == "__main__":
    unittest.main()
