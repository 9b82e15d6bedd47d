"""POP3 with curl, fetchmail and mpop; the login delay and the end of a lease, once for real."""
import os
import socket
import time
import unittest

from host import PASSWORD, Host, run, swaks

LOGIN = f"alice%example.test:{PASSWORD}"


class Reading(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Host().start()
        for number in (1, 2):
            code, text = swaks(cls.host, "--from", "friend@outside.test", "--to", "alice@example.test", "--header",
                               f"Subject: letter {number}", "--body", ".a dot\\nthe end")
            assert code == 0, text

    @classmethod
    def tearDownClass(cls):
        cls.host.close()

    def test_curl(self):
        """R2 R16: in clear, by STLS, and under TLS from the first octet."""
        for scheme, tls in (("pop3", []), ("pop3", ["--ssl-reqd"]), ("pop3s", [])):
            with self.subTest(scheme=scheme, tls=tls):
                url = f"{scheme}://localhost:{self.host.port[scheme]}"
                common = ["curl", "-sS", "--cacert", self.host.certificate, *tls, "-u", LOGIN]
                code, text = run(*common, f"{url}/1")
                self.assertEqual(code, 0, text)
                self.assertIn("Subject: letter 1", text)
                self.assertIn("\n.a dot", text)
                code, text = run(*common, f"{url}/", "-X", "UIDL")
                self.assertEqual(code, 0, text)
                self.assertEqual(len(text.split()), 4, text)
        code, text = run("curl", "-sS", "-u", "alice%example.test:not-hers", f"pop3://localhost:{self.host.port['pop3']}/")
        self.assertEqual(code, 67, text)

    def test_fetchmail_keeps(self):
        """R2: fetchmail with `uidl` and `keep` takes each message once."""
        folder = self.host.folder
        config = f"{folder}/fetchmailrc"
        with open(config, "w") as file:
            file.write(f'poll localhost service {self.host.port["pop3s"]} protocol POP3 uidl\n'
                       f'  user "alice%example.test" password "{PASSWORD}" is "alice" here\n'
                       f'  keep ssl sslcertck sslcertfile "{self.host.certificate}" mda "cat >> {folder}/fetched"\n')
        os.chmod(config, 0o600)
        command = ("fetchmail", "-f", config, "-i", f"{folder}/fetchids", "--nosyslog", "--pidfile", f"{folder}/pid")
        code, text = run(*command)
        self.assertEqual(code, 0, text)
        with open(f"{folder}/fetched") as file:
            first = file.read()
        self.assertEqual(first.count("Subject: letter"), 2, text)
        code, text = run(*command)
        self.assertEqual(code, 1, text)  # 1: no mail
        with open(f"{folder}/fetched") as file:
            self.assertEqual(file.read(), first)

    def test_mpop(self):
        """R2 R5: mpop by SCRAM-SHA-256 under STLS, into a Maildir."""
        folder = self.host.folder
        for part in ("cur", "new", "tmp"):
            os.makedirs(f"{folder}/mpop/{part}")
        config = f"{folder}/mpoprc"
        with open(config, "w") as file:
            file.write(f"account default\nhost localhost\nport {self.host.port['pop3']}\nuser alice@example.test\n"
                       f"password {PASSWORD}\nauth scram-sha-256\ntls on\ntls_starttls on\n"
                       f"tls_trust_file {self.host.certificate}\nkeep on\nuidls_file {folder}/mpop-uidls\n"
                       f"delivery maildir {folder}/mpop\n")
        os.chmod(config, 0o600)
        for _ in range(2):
            code, text = run("mpop", "-C", config)
            self.assertIn(code, (0, 1), text)
            self.assertEqual(len(os.listdir(f"{folder}/mpop/new")), 2, text)

    def test_one_session_a_mailbox(self):
        """R2: a second session hears [IN-USE], and the first ends undisturbed."""
        def open_session():
            client = socket.create_connection(("127.0.0.1", self.host.port["pop3"]), timeout=20)
            stream = client.makefile("rwb")
            stream.write(f"USER bob%example.test\r\nPASS {PASSWORD}\r\n".encode())
            stream.flush()
            return client, stream, [stream.readline() for _ in range(3)][-1]

        first, stream, reply = open_session()
        self.assertTrue(reply.startswith(b"+OK"), reply)
        second, other, reply = open_session()
        self.assertTrue(reply.startswith(b"-ERR [IN-USE]"), reply)
        stream.write(b"QUIT\r\n")
        stream.flush()
        self.assertTrue(stream.readline().startswith(b"+OK"))
        for thing in (stream, other, first, second):
            thing.close()


class Times(unittest.TestCase):
    """Real seconds, short settings."""

    def setUp(self):
        self.host = Host('pop3: {login-delay: 2s}\nqueue: {smarthost: "127.0.0.1:9"}\n'
                         'open-smtp: {lifetime: 6s, include-networks: ["127.0.0.0/8"]}\n').start()
        self.addCleanup(self.host.close)

    def poll(self):
        return run("curl", "-sS", "-u", LOGIN, f"pop3://127.0.0.1:{self.host.port['pop3']}/")

    def relay(self):
        return swaks(self.host, "--from", "alice@example.test", "--to", "friend@outside.test")

    def test_login_delay_and_lifetime(self):
        """R30 R31 R54: too soon is cut off and moves nothing; the lease ends by itself."""
        code, text = self.poll()
        after = time.monotonic()
        self.assertEqual(code, 0, text)
        self.assertEqual(self.poll()[0], 67)
        time.sleep(max(0, after + 2.05 - time.monotonic()))
        code, text = self.poll()
        self.assertEqual(code, 0, text)
        last = time.monotonic()
        code, text = self.relay()
        self.assertEqual(code, 0, text)
        self.assertEqual(len(self.host.cli("open-smtp", "list")), 1)
        time.sleep(max(0, last + 6.1 - time.monotonic()))
        code, text = self.relay()
        self.assertNotEqual(code, 0, text)
        self.assertIn("553 5.7.1", text)
        denied = self.host.cli("open-smtp", "check", "127.0.0.1", "--from", "alice@example.test", expect=1)
        self.assertIn("ok", denied)


if __name__ == "__main__":
    unittest.main()
