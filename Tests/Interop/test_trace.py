"""Where a message is, for administrators and for the account itself; setting a host up again."""
import os
import shutil
import smtplib
import subprocess
import tempfile
import unittest

from host import MARTINET, PASSWORD, Host


class Trace(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Host('queue: {smarthost: "127.0.0.1:9"}\n').start()

    @classmethod
    def tearDownClass(cls):
        cls.host.close()

    def send(self, sender, recipients, identity):
        with smtplib.SMTP("127.0.0.1", self.host.port["submission"], timeout=10) as client:
            client.login(sender, PASSWORD)
            client.sendmail(sender, recipients, f"Message-ID: <{identity}>\r\nFrom: {sender}\r\nSubject: x\r\n\r\nx\r\n")

    def events(self, *words):
        return [(e["event"], e["recipient"]) for m in self.host.cli("trace", *words) for e in m["events"]]

    def test_life(self):
        """R68 R76 R90: by id, Message-ID, sender, recipient; an account sees its own mail only."""
        self.send("alice@example.test", ["bob@example.test", "friend@outside.test"], "one@client")
        self.host.wait_for(lambda: ("deferred", "friend@outside.test") in self.events("one@client"))
        found = self.host.cli("trace", "<one@client>")[0]
        self.assertEqual([e["event"] for e in found["events"]][0], "accepted")
        self.assertIn(("delivered", "bob@example.test"), self.events(found["id"]))
        deferred = [e for e in found["events"] if e["event"] == "deferred"][0]
        self.assertIn("establish an SMTP connection. (#4.4.1)", deferred["reply"])
        for words in (["--id", found["id"]], ["--sender", "alice@example.test"], ["--recipient", "friend@outside.test"],
                      ["--message-id", "one@client"], ["--account", "alice%example.test"], ["--recipient", "@outside.test"]):
            self.assertIn(("queued", "friend@outside.test"), self.events(*words), words)
        self.assertEqual(self.events("--account", "bob%example.test"),
                         [("accepted", None), ("delivered", "bob@example.test")])
        self.host.cli("trace", "nobody@nowhere.test", expect=3)
        self.host.cli("trace", expect=2)
        self.host.cli("trace", "--account", "nobody%example.test", expect=3)
        self.host.cli("queue", "rm", found["id"], "--yes")
        self.assertIn(("removed", "friend@outside.test"), self.events(found["id"]))

    def test_reports(self):
        """R25: what was sent and who logged in is counted."""
        self.send("bob@example.test", ["alice@example.test"], "two@client")
        self.host.wait_for(lambda: self.events("two@client"))
        usage = {row["user"]: row for row in self.host.cli("report", "smtp-out-usage")}
        self.assertGreaterEqual(usage["bob@example.test"]["messages"], 1)
        self.assertEqual(usage["bob@example.test"]["via"], "auth")
        access = {row["account"]: row for row in self.host.cli("report", "access")}
        self.assertGreaterEqual(access["bob@example.test"]["smtp"], 1)
        traffic = [row for row in self.host.cli("report", "traffic") if row["domain"] == "example.test"][0]
        self.assertGreaterEqual(traffic["in_msgs"], 1)
        self.assertEqual(traffic["mailboxes"], 3)

    def test_explain_address(self):
        """R46: the four checks, in their order."""
        found = self.host.cli("address", "explain", "alice@example.test")
        self.assertTrue(found["accepted"])
        done = subprocess.run([MARTINET, "address", "explain", "nobody@example.test", "--config", self.host.config],
                              capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 1)
        lines = [line.split(":")[0] for line in done.stdout.splitlines()]
        self.assertEqual([line[2:] for line in lines if line[0].isdigit()], ["catch-all", "account", "directory", "alias"])
        self.assertIn("Sorry, no mailbox here by that name. vpopmail (#5.1.1)", done.stdout)


class Setup(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="martinet-init-")
        self.addCleanup(shutil.rmtree, self.folder, True)

    def init(self, *words):
        return subprocess.run([MARTINET, "init", "--data", f"{self.folder}/data", "--hostname", "mail.example.test",
                               "--port-base", "21000", *words], capture_output=True, text=True, timeout=60)

    def test_init(self):
        """R72 R74: site and mail name; again only on purpose, and what was there stays."""
        self.assertEqual(self.init("--site", "satellite").returncode, 2)
        self.assertEqual(self.init("--site", "internet", "--mailname", "example.test").returncode, 0)
        config = f"{self.folder}/data/martinet.yaml"
        with open(config) as file:
            self.assertIn("mailname: example.test", file.read())
        add = subprocess.run([MARTINET, "domain", "add", "example.test", "--random", "--config", config], capture_output=True)
        self.assertEqual(add.returncode, 0)
        again = self.init("--mailname", "other.test")
        self.assertEqual(again.returncode, 4, again.stderr)
        self.assertEqual(self.init("--mailname", "other.test", "--reconfigure").returncode, 0)
        self.assertTrue(os.path.exists(config + ".old"))
        info = subprocess.run([MARTINET, "domain", "info", "example.test", "--config", config], capture_output=True)
        self.assertEqual(info.returncode, 0)
        done = subprocess.run([MARTINET, "sendmail", "-v", "--config", config, "postmaster@example.test"], input=b"Subject: x\n",
                              capture_output=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"@other.test>", done.stdout)


if __name__ == "__main__":
    unittest.main()
