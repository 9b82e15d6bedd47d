"""The command line as scripts see it: exit codes and JSON, while the server runs and when it does not."""
import json
import os
import subprocess
import tempfile
import unittest

from host import MARTINET, PASSWORD, Host


class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Host(accounts=())

    @classmethod
    def tearDownClass(cls):
        cls.host.close()

    def refused(self, code, *arguments, stdin=None):
        answer = self.host.cli(*arguments, stdin=stdin, expect=code)
        self.assertEqual(answer["ok"], False)
        self.assertTrue(answer["error"]["code"])
        self.assertTrue(answer["error"]["text"])
        return answer["error"]["text"]

    def walk(self, domain):
        host = self.host
        host.cli("domain", "add", domain, "--random")
        alice = f"alice%{domain}"
        host.cli("account", "add", alice, "--quota", "25M", "--password-file", "-", stdin=PASSWORD + "\n")
        # 1: a rule says no.
        self.assertIn("postmaster account cannot be deleted", self.refused(1, "account", "rm", f"postmaster%{domain}", "--yes"))
        self.refused(1, "account", "set", f"postmaster%{domain}", "--suspended", "on")
        # 2: makes no sense, or a password as an argument.
        self.refused(2, "account", "set", alice, "--suspended", "perhaps")
        self.refused(2, "account", "add", f"x%{domain}", "secret-as-argument")
        self.refused(2, "quota", "set", alice, "much")
        self.refused(2, "nonsense")
        self.refused(2, "account")
        self.refused(2, "queue", "show")
        self.assertIn("nonsense", self.refused(2, "nonsense", "verb"))
        # 3: not there.
        self.refused(3, "account", "info", f"nobody%{domain}")
        self.refused(3, "domain", "info", "nowhere.test")
        # 4: there already.
        self.refused(4, "domain", "add", domain, "--random")
        self.refused(4, "account", "add", f"alice@{domain}", "--random")
        # 5: over the offer.
        offer = f"small-{domain.split('.')[0]}"
        host.cli("offer", "add", offer, "--quota", "25M")
        host.cli("account", "set", alice, "--offer", offer)
        self.refused(5, "account", "set", alice, "--quota", "1G")
        # Shapes.
        info = json.dumps(host.cli("account", "info", alice))
        self.assertIn(f"alice@{domain}", info)
        self.assertIn("26214400", info)  # sizes in octets
        self.assertEqual(len(host.cli("account", "list", "--domain", domain)), 2)
        # Mailboxes: sound, rebuilt without losing a UID, nothing expunged that could come back.
        self.assertTrue(host.cli("mailbox", "check", alice)["sound"])
        for folder in host.cli("mailbox", "rebuild", alice)["folders"]:
            self.assertEqual(folder["new_uids"] if folder["uidvalidity_before"] else 0, 0)
        self.refused(3, "mailbox", "undelete", alice, "--folder", "INBOX", "--since", "24h", "--dry-run")
        self.refused(2, "mailbox", "undelete", alice, "--since", "yesterday")
        self.refused(3, "mailbox", "check", f"nobody%{domain}")
        host.cli("alias", "add", f"info@{domain}", f"alice@{domain}")
        self.assertEqual(len(host.cli("alias", "list", "--domain", domain)), 1)
        host.cli("alias", "rm", f"info@{domain}")
        self.vpopmail(domain)
        host.cli("catchall", "set", domain, f"alice@{domain}")
        self.assertIn(f"alice@{domain}", json.dumps(host.cli("catchall", "show", domain)))
        host.cli("open-smtp", "add", "192.0.2.7", "--account", alice, "--ttl", "10m")
        rows = host.cli("open-smtp", "list", "--account", alice)
        self.assertEqual(len(rows), 1)
        for key in "net account proto tls first_seen last_seen expires logins origin state".split():
            self.assertIn(key, rows[0])
        self.assertRegex(rows[0]["expires"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        host.cli("open-smtp", "check", "192.0.2.7", "--from", f"alice@{domain}")
        host.cli("open-smtp", "revoke", "--ip", "192.0.2.7", "--reason", "test")
        self.host.cli("open-smtp", "check", "192.0.2.7", "--from", f"alice@{domain}", expect=1)
        host.cli("blacklist", "add", "198.51.100.7", "--ttl", "1h", "--reason", "test")
        self.assertIn("198.51.100.7", json.dumps(host.cli("blacklist", "list")))
        host.cli("blacklist", "explain", "198.51.100.7")
        host.cli("blacklist", "lift", "198.51.100.7")
        self.assertEqual(host.cli("queue", "list"), [])
        self.refused(3, "queue", "show", "0123456789")
        self.refused(1, "account", "rm", alice, "--yes")  # the catch-all leads to it
        self.assertEqual(host.cli("account", "prune", "--idle", "1d", "--domain", domain)["accounts"], [])
        self.refused(2, "account", "prune", "--idle", "0s")
        host.cli("catchall", "set", domain, "bounce")
        host.cli("account", "rm", alice, "--yes")
        self.refused(3, "account", "info", alice)
        host.cli("domain", "rm", domain, "--yes")
        self.refused(3, "domain", "info", domain)

    def vpopmail(self, domain):
        """R79: aliases and the catch-all of a vpopmail domain, from its files and from `valias -s`."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (("sales", f"&alice@{domain}\nfriend@outside.test\n"), ("robot", "|/usr/bin/program\n"),
                               ("default", "| /home/vpopmail/bin/vdelivermail '' bounce-no-mailbox\n")):
                with open(f"{folder}/.qmail-{name}", "w") as file:
                    file.write(text)
            told = self.host.cli("alias", "import", folder, "--domain", domain, "--dry-run", expect=1)["data"]
            self.assertEqual(self.host.cli("alias", "list", "--domain", domain), [])
            self.assertEqual([row["name"] for row in told["refused"]], ["robot"])
            os.unlink(f"{folder}/.qmail-robot")
            told = self.host.cli("alias", "import", folder, "--domain", domain)
            self.assertEqual(told["catchall"], "bounce")
            self.assertEqual(told["aliases"], [{"alias": f"sales@{domain}",
                                                "targets": [f"alice@{domain}", "friend@outside.test"]}])
            with open(f"{folder}/list", "w") as file:
                file.write(f"sales@{domain} -> &alice@{domain}\nhelp@{domain} -> &alice@{domain}\r\n"
                           f"help@{domain} -> &friend@outside.test\nother@other.test -> &x@y.test\n")
            told = self.host.cli("alias", "import", f"{folder}/list", "--domain", domain, expect=1)["data"]
            self.assertEqual([row["alias"] for row in told["aliases"]], [f"help@{domain}"])
            self.assertEqual([row["name"] for row in told["refused"]], ["sales"])
            self.assertEqual(len(self.host.cli("alias", "list", "--domain", domain)), 2)
        self.refused(3, "alias", "import", "/nowhere/at/all", "--domain", domain)
        self.refused(3, "alias", "import", "/", "--domain", "nowhere.test")
        for name in ("sales", "help"):
            self.host.cli("alias", "rm", f"{name}@{domain}")

    def test_1_without_server(self):
        """R73 R74: every command works with no server, to the letter."""
        self.walk("offline.test")

    def test_2_beside_server(self):
        """R73 R74: and the same beside one."""
        self.host.start()
        self.walk("online.test")
        self.host.stop()

    def test_config_show(self):
        done = subprocess.run([MARTINET, "config", "show", "--config", self.host.config, "--json"], capture_output=True,
                              text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(json.loads(done.stdout)["ok"])


if __name__ == "__main__":
    unittest.main()
