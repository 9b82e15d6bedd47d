"""The walk of the README: read mail, and SMTP opens for your address."""
import socket
import time
import unittest

from host import PASSWORD, Host, run, swaks


class Walk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Host('pop3: {login-delay: 3s}\nqueue: {smarthost: "127.0.0.1:9"}\n').start()

    @classmethod
    def tearDownClass(cls):
        cls.host.close()

    def relay(self):
        return swaks(self.host, "--from", "alice@example.test", "--to", "friend@outside.test")

    def test_walk(self):
        """R30 R31 R41 R54 R76: refused, read, accepted, listed, throttled, revoked."""
        code, text = self.relay()
        self.assertNotEqual(code, 0, text)
        self.assertIn("Sorry, that domain isn't allowed to be relayed thru this MTA (#5.7.1)", text)
        self.assertIn("127.0.0.1", text.split("relayed thru this MTA")[1])
        code, text = swaks(self.host, "--from", "bob@example.test", "--to", "alice@example.test",
                           "--header", "Subject: for the walk")
        self.assertEqual(code, 0, text)
        self.assertRegex(text, r"250 2\.0\.0 Ok: queued as [0-9A-Za-z]+")
        login = f"alice%example.test:{PASSWORD}"
        pop3 = f"pop3://127.0.0.1:{self.host.port['pop3']}/1"
        code, text = run("curl", "-sS", "-u", login, pop3)
        self.assertEqual(code, 0, text)
        self.assertIn("Subject: for the walk", text)
        code, text = self.relay()
        self.assertEqual(code, 0, text)
        queued = [m for m in self.host.cli("queue", "list") if m["sender"] == "alice@example.test"]
        self.assertEqual(len(queued), 1, queued)
        leases = self.host.cli("open-smtp", "list")
        self.assertEqual(len(leases), 1)
        self.assertEqual(leases[0]["account"], "alice@example.test")
        for key in "net account proto tls first_seen last_seen expires logins origin state".split():
            self.assertIn(key, leases[0])
        with socket.create_connection(("127.0.0.1", self.host.port["pop3"])) as client:
            stream = client.makefile("rwb")
            self.assertTrue(stream.readline().startswith(b"+OK"))
            stream.write(f"USER alice%example.test\r\nPASS {PASSWORD}\r\n".encode())
            stream.flush()
            self.assertTrue(stream.readline().startswith(b"+OK"))
            refusal = stream.readline()
            self.assertRegex(refusal, rb"^-ERR \[LOGIN-DELAY\] .*retry in \d+ s, see http://[^ ]+/help/pop-too-often\r\n")
            self.assertEqual(stream.readline(), b"", "the server closes after the refusal")
        time.sleep(3.1)
        code, text = run("curl", "-sS", "-u", login, pop3)
        self.assertEqual(code, 0, text)
        self.host.cli("open-smtp", "revoke", "--account", "alice%example.test", "--reason", "test")
        code, text = self.relay()
        self.assertNotEqual(code, 0, text)

    def test_sender_of_another_is_refused(self):
        """R23: a lease allows its own account's addresses only."""
        run("curl", "-sS", "-u", f"bob%example.test:{PASSWORD}", f"imap://127.0.0.1:{self.host.port['imap']}/")
        code, text = swaks(self.host, "--from", "bob@example.test", "--to", "friend@outside.test")
        self.assertEqual(code, 0, text)
        code, text = swaks(self.host, "--from", "postmaster@example.test", "--to", "friend@outside.test")
        self.assertNotEqual(code, 0, text)
        self.assertIn("553 5.7.1", text.replace("553-5.7.1", "553 5.7.1"))
        # The walk begins with nobody's lease on this address.
        self.host.cli("open-smtp", "revoke", "--account", "bob%example.test", "--reason", "test")

    def test_status(self):
        """R73: the process and its listeners."""
        status = self.host.cli("status")
        self.assertEqual(status["pid"], self.host.process.pid)
        ports = {row["service"]: row["port"] for row in status["listeners"]}
        self.assertEqual(ports, self.host.port)


if __name__ == "__main__":
    unittest.main()
