"""The trap: takes everything, sends nothing, shows what it caught (R63)."""
import json
import shutil
import smtplib
import socket
import ssl
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

from host import MARTINET, free_ports


class Trap(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="martinet-trap-")
        cls.port, cls.http = free_ports(2)
        cls.process = subprocess.Popen(
            [MARTINET, "trap", "serve", "--folder", cls.folder, "--listen", f"127.0.0.1:{cls.port}",
             "--http", f"127.0.0.1:{cls.http}", "--keep", "20", "--size", "1M"], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        while not cls.process.stdout.readline().startswith("messages in"):
            if cls.process.poll() is not None:
                raise AssertionError("the trap ended")

    @classmethod
    def tearDownClass(cls):
        cls.process.terminate()
        cls.process.wait(timeout=20)
        cls.process.stdout.close()
        shutil.rmtree(cls.folder, ignore_errors=True)

    def cli(self, *words, code=0):
        done = subprocess.run([MARTINET, "trap", *words, "--folder", self.folder, "--json"], capture_output=True, text=True,
                              timeout=30)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout)["data"]

    def get(self, path, method="GET", host=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}{path}", method=method)
        if host:
            request.add_header("Host", host)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()

    def test_whole(self):
        """R63: caught with any login and TLS, listed, shown, raw, cleared, by command and by HTTP."""
        body = "Subject: <script>alert(1)</script>\r\nFrom: a@x.test\r\n\r\n..dots\r\n.\r\n"
        with smtplib.SMTP("127.0.0.1", self.port, timeout=10) as client:
            client.starttls(context=ssl._create_unverified_context())
            client.login("anybody", "any password")
            client.sendmail("a@x.test", ["one@far.test", "two@far.test"], body)
        last = self.cli("show", "last")
        self.assertEqual((last["sender"], last["recipients"], last["login"], last["tls"]),
                         ("a@x.test", ["one@far.test", "two@far.test"], "anybody", True))
        self.assertEqual(self.cli("raw", last["id"])["raw"], body)
        plain = subprocess.run([MARTINET, "trap", "raw", "last", "--folder", self.folder], capture_output=True)
        self.assertEqual(plain.stdout.decode(), body)
        self.assertEqual(json.loads(self.get("/messages"))[-1]["id"], last["id"])
        self.assertEqual(self.get(f"/messages/{last['id']}.eml").decode(), body)
        page = self.get("/")
        self.assertNotIn(b"<script>", page)
        self.assertIn(b"&lt;script&gt;", page)
        with self.assertRaises(urllib.error.HTTPError) as refused:
            self.get("/messages", host="evil.example.com")
        self.assertEqual(refused.exception.code, 421)
        refused.exception.close()
        self.get(f"/messages/{last['id']}", method="DELETE")
        self.cli("show", last["id"], code=3)
        self.cli("show", "../../etc/passwd", code=3)

    def test_everything_is_taken(self):
        """R63: odd addresses, many recipients, BDAT; too large is refused; only the newest stay."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as raw, raw.makefile("rb") as lines:
            def say(text):
                raw.sendall(text.encode() + b"\r\n")
                while True:
                    line = lines.readline()
                    if line[3:4] != b"-":
                        return line[:3].decode()
            lines.readline()
            self.assertEqual(say("EHLO x"), "250")
            self.assertEqual(say("AUTH PLAIN AGEAYg=="), "235")
            self.assertEqual(say("MAIL FROM:<not an address at all>"), "250")
            self.assertEqual(say("RCPT TO:<|/bin/sh>"), "250")
            raw.sendall(b"BDAT 5\r\nhello")
            self.assertTrue(lines.readline().startswith(b"250"))
            raw.sendall(b"BDAT 3 LAST\r\n\r\n!")
            self.assertTrue(lines.readline().startswith(b"250"))
            self.assertEqual(say("DATA"), "503")
            self.assertEqual(say("BDAT -1"), "501")
        self.assertEqual(self.cli("raw", "last")["raw"], "hello\r\n!")
        with smtplib.SMTP("127.0.0.1", self.port, timeout=20) as client:
            with self.assertRaises(smtplib.SMTPDataError) as refused:
                client.sendmail("a@x.test", ["b@x.test"], "x" * 70 + "\r\n" * 20 + ("y" * 78 + "\r\n") * 14000)
            self.assertEqual(refused.exception.smtp_code, 552)
            for number in range(25):
                client.sendmail("a@x.test", ["b@x.test"], f"Subject: {number}\r\n\r\nx\r\n")
        caught = self.cli("list")
        self.assertEqual(len(caught), 20)
        self.assertEqual(caught[-1]["subject"], "24")
        self.assertEqual(self.cli("clear")["removed"], 20)
        self.assertEqual(self.cli("list"), [])


if __name__ == "__main__":
    unittest.main()
