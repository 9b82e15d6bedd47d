"""sendmail as programs of the machine use it, and the story of what they sent."""
import os
import subprocess
import unittest

from host import MARTINET, Host

SETTINGS = """sendmail:
  drop: {FOLDER}/drop
  users: {4242: alice@example.test}
queue: {smarthost: "127.0.0.1:9"}
"""


class Sendmail(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Host(SETTINGS)
        os.chmod(cls.host.folder, 0o755)
        os.chmod(cls.host.config, 0o644)
        for name in ("sendmail", "mailq"):
            os.symlink(os.path.abspath(MARTINET), f"{cls.host.folder}/{name}")
        os.mkdir(f"{cls.host.folder}/drop", 0o3733)
        os.chmod(f"{cls.host.folder}/drop", 0o3733)

    @classmethod
    def tearDownClass(cls):
        cls.host.close()

    def sendmail(self, text, *arguments, name="sendmail", user=None):
        done = subprocess.run(
            [f"{self.host.folder}/{name}", *arguments], input=text.encode(), capture_output=True, timeout=30, user=user,
            group=user, extra_groups=[] if user else None, env={**os.environ, "MARTINET_CONFIG": self.host.config})
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def inbox(self, name, words):
        return [m for m in self.host.messages(name) if words.encode() in m]

    def test_1_spools_without_server(self):
        """R69 R72 R78: works with no server; the server takes it up at start."""
        code, out, _ = self.sendmail("Subject: hello\n", "-v", "alice@example.test")
        self.assertEqual(code, 0)
        for line in ("220 mail.example.test", ">>> MAIL FROM:<", "250 2.1.0 Ok", "354 ", "250 2.0.0 Ok: queued as "):
            self.assertIn(line, out)
        identity = out.split("queued as ")[1].split()[0].rstrip(")")
        self.assertIn(identity, self.sendmail("", name="mailq")[1])
        self.assertEqual(self.sendmail("To: bob@example.test\nBcc: alice@example.test\nSubject: two\n\n.\nx\n", "-t", "-oi",
                                       "-f", "bob@example.test", "-F", "Bob B")[0], 0)
        dialogue = "HELO x\r\nmail from: bob\r\nrcpt to:<alice@example.test>\r\ndata\r\nSubject: three\r\n\r\n..a\r\n.\r\nquit\r\n"
        code, out, _ = self.sendmail(dialogue, "-bs")
        self.assertEqual([line[:3] for line in out.splitlines()], "220 250 250 250 354 250 221".split())
        self.host.start()
        self.host.wait_for(lambda: len(self.host.messages("alice")) == 3 and len(self.host.messages("bob")) == 1)
        two = self.inbox("alice", "Subject: two")[0]
        self.assertIn(b"From: Bob B <bob@example.test>", two)
        self.assertNotIn(b"Bcc", two)
        self.assertTrue(two.endswith(b"\r\n.\r\nx\r\n"))
        self.assertIn(b"<bob@mail.example.test>", self.inbox("alice", "Subject: three")[0])
        self.assertIn(b"\r\n.a\r\n", self.inbox("alice", "Subject: three")[0])
        events = [e["event"] for e in self.host.cli("trace", identity)[0]["events"]]
        self.assertEqual(events, ["accepted", "queued", "delivered"])

    def test_2_exit_codes(self):
        """R78: sysexits."""
        for code, arguments in ((67, ["nobody@example.test"]), (64, []), (64, ["-Z"]), (64, ["-bd"]), (64, ["-t"]),
                                (64, ["-f", "no address", "alice@example.test"]), (67, ["-bv", "nobody@example.test"]),
                                (0, ["-bv", "alice@example.test"]), (0, ["-bi"]), (0, ["-q"])):
            self.assertEqual(self.sendmail("Subject: x\n", *arguments)[0], code, arguments)
        big = "Subject: x\n\n" + "x" * 70 * 1000 + "\n"
        self.assertEqual(self.sendmail(big * 150, "alice@example.test")[0], 65)
        broken = subprocess.run([MARTINET, "sendmail", "--config", "/nowhere", "x@y.test"], capture_output=True, input=b"")
        self.assertEqual(broken.returncode, 78)

    @unittest.skipUnless(os.getuid() == 0, "only root can become somebody else")
    def test_3_other_users(self):
        """R23 R69: a site's mail counts for its account; others reach mailboxes here only, and hear of refusals."""
        if not self.host.process:
            self.host.start()
        send = lambda text, *arguments, user: self.assertEqual(self.sendmail(text, *arguments, user=user)[0], 0)
        send("Subject: from the site\nFrom: alice@example.test\n\nx\n", "-f", "alice@example.test", "friend@outside.test",
             user=4242)
        self.host.wait_for(lambda: any(m["via"] == "local:4242" for m in self.host.cli("queue", "list")))
        row = [m for m in self.host.cli("queue", "list") if m["via"] == "local:4242"][0]
        self.assertEqual((row["account"], row["sender"]), ("alice@example.test", "alice@example.test"))
        send("Subject: forged\nFrom: ceo@example.test\n\nx\n", "bob@example.test", user=4242)
        self.host.wait_for(lambda: self.inbox("alice", "not owned by user 4242"))
        self.assertEqual(self.inbox("bob", "forged"), [])
        send("Subject: local one\n\nx\n", "bob@example.test", user=4343)
        self.host.wait_for(lambda: self.inbox("bob", "Subject: local one"))
        send("Subject: relayed\n\nx\n", "friend@outside.test", user=4343)
        self.host.wait_for(lambda: not [n for n in os.listdir(f"{self.host.folder}/drop") if n[0] != "."])
        self.assertFalse([m for m in self.host.cli("queue", "list") if m["via"] == "local:4343"])
        self.assertEqual(self.sendmail("", name="mailq", user=4343)[0], 77)


if __name__ == "__main__":
    unittest.main()
