"""SMTP with swaks, msmtp and curl: AUTH, TLS, quota, suspension."""
import os
import unittest

from host import PASSWORD, Host, run, swaks

ALICE, BOB = "alice@example.test", "bob@example.test"


class Submission(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Host('queue: {smarthost: "127.0.0.1:9"}\n'
                        'limits: {message-size: 60M, exempt-networks: ["127.0.0.0/8"]}\n').start()

    @classmethod
    def tearDownClass(cls):
        cls.host.close()

    def login(self, mechanism, service, tls, password=PASSWORD, to=BOB):
        return swaks(self.host, "--from", ALICE, "--to", to, "--auth", mechanism, "--auth-user", "alice%example.test",
                     "--auth-password", password, tls, service=service)

    def test_swaks_auth(self):
        """R5 R16 R75: PLAIN and LOGIN, under STARTTLS on 587 and under TLS on 465."""
        for mechanism in ("PLAIN", "LOGIN"):
            for service, tls in (("submission", "-tls"), ("submissions", "-tlsc")):
                with self.subTest(mechanism=mechanism, service=service):
                    before = len(self.host.messages("bob"))
                    code, text = self.login(mechanism, service, tls)
                    self.assertEqual(code, 0, text)
                    self.assertRegex(text, r"TLSv1\.[23]")
                    self.assertIn("235 2.7.0", text)
                    self.assertEqual(len(self.host.messages("bob")), before + 1)

    def test_outside_by_auth(self):
        """R5: who is logged in sends to the outside; the queue says on whose charge."""
        code, text = self.login("PLAIN", "submission", "-tls", to="friend@outside.test")
        self.assertEqual(code, 0, text)
        row = [m for m in self.host.cli("queue", "list") if m["recipients"][0]["address"] == "friend@outside.test"][0]
        self.assertEqual((row["account"], row["sender"]), (ALICE, ALICE))

    def test_wrong_password(self):
        code, text = self.login("PLAIN", "submission", "-tls", password="not-hers")
        self.assertNotEqual(code, 0, text)
        self.assertIn("535 5.7.8", text)

    def test_starttls_on_25(self):
        """R16: mail from strangers comes under TLS when they like."""
        before = len(self.host.messages("alice"))
        code, text = swaks(self.host, "--from", "friend@outside.test", "--to", ALICE, "-tls")
        self.assertEqual(code, 0, text)
        self.assertRegex(text, r"TLS started with cipher TLSv1\.[23]")
        self.assertEqual(len(self.host.messages("alice")), before + 1)
        self.assertIn(b"with ESMTPS", self.host.messages("alice")[-1] + b"".join(self.host.messages("alice")))

    def test_submission_needs_login(self):
        code, text = swaks(self.host, "--from", "postmaster@example.test", "--to", ALICE, "-tls", service="submission")
        self.assertNotEqual(code, 0, text)
        self.assertIn("530 5.7.0", text)

    def test_msmtp_scram(self):
        """R5: SCRAM-SHA-256 by a client we did not write."""
        config = f"{self.host.folder}/msmtprc"
        with open(config, "w") as file:
            file.write(f"account default\nhost localhost\nport {self.host.port['submission']}\ntls on\n"
                       f"tls_trust_file {self.host.certificate}\nauth scram-sha-256\nuser {ALICE}\n"
                       f"password {PASSWORD}\nfrom {ALICE}\n")
        os.chmod(config, 0o600)
        before = len(self.host.messages("bob"))
        code, text = run("msmtp", "-C", config, "-v", BOB,
                         stdin=f"From: {ALICE}\nTo: {BOB}\nSubject: by msmtp\n\n.hello\n".encode())
        self.assertEqual(code, 0, text)
        self.assertIn("AUTH SCRAM-SHA-256", text)
        self.assertEqual(len(self.host.messages("bob")), before + 1)
        self.assertTrue(any(b"\n.hello" in m for m in self.host.messages("bob")), "the dot came through")

    def test_curl_smtp(self):
        path = f"{self.host.folder}/letter"
        with open(path, "w") as file:
            file.write(f"From: {ALICE}\r\nTo: {BOB}\r\nSubject: by curl\r\n\r\nhello\r\n")
        for scheme, service in (("smtp", "submission"), ("smtps", "submissions")):
            code, text = run("curl", "-sS", "--ssl-reqd", "--cacert", self.host.certificate, "-u",
                             f"{ALICE}:{PASSWORD}", "--mail-from", ALICE, "--mail-rcpt", BOB, "-T", path,
                             f"{scheme}://localhost:{self.host.port[service]}/client.example.test")
            self.assertEqual(code, 0, text)
        self.assertEqual(sum(b"Subject: by curl" in m for m in self.host.messages("bob")), 2)

    def test_quota_at_rcpt(self):
        """R64: curl declares SIZE; what does not fit is refused at RCPT, before its octets come."""
        self.host.cli("account", "add", "small%example.test", "--quota", "25M", "--random")
        path = f"{self.host.folder}/large"
        with open(path, "wb") as file:
            file.write(b"Subject: large\r\n\r\n" + (b"x" * 76 + b"\r\n") * 390_000)
        code, text = run("curl", "-sSv", "--mail-from", "friend@outside.test", "--mail-rcpt", "small@example.test",
                         "-T", path, f"smtp://127.0.0.1:{self.host.port['smtp']}/client.example.test")
        self.assertNotEqual(code, 0, text)
        self.assertIn("552 5.2.2 user is over quota (#5.2.2)", text)
        self.assertNotIn("> DATA", text)
        self.assertEqual(self.host.messages("small"), [])
        use = self.host.cli("quota", "show", "small%example.test")
        self.assertIn("26214400", str(use), use)

    def test_suspended_account(self):
        """R62: a suspended account neither sends, nor reads, and does again when it is let."""
        self.host.cli("account", "add", "carol%example.test", "--quota", "25M", "--password-file", "-",
                      stdin=PASSWORD + "\n")
        login = f"carol%example.test:{PASSWORD}"
        pop3 = f"pop3://127.0.0.1:{self.host.port['pop3']}/"
        auth = ("--from", "carol@example.test", "--to", BOB, "--auth", "PLAIN", "--auth-user", "carol@example.test",
                "--auth-password", PASSWORD, "-tls")
        self.assertEqual(run("curl", "-sS", "-u", login, pop3)[0], 0)
        self.host.cli("account", "set", "carol%example.test", "--suspended", "on")
        self.assertNotEqual(run("curl", "-sS", "-u", login, pop3)[0], 0)
        self.assertNotEqual(swaks(self.host, *auth, service="submission")[0], 0)
        self.host.cli("account", "set", "carol%example.test", "--suspended", "off")
        self.assertEqual(run("curl", "-sS", "-u", login, pop3)[0], 0)
        code, text = swaks(self.host, *auth, service="submission")
        self.assertEqual(code, 0, text)


if __name__ == "__main__":
    unittest.main()
