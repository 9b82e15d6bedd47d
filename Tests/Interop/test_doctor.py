"""The doctor, with a name server (nsd) and zones of our own; what it finds must be what the zones say."""
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

from host import MARTINET, Host, free_ports

ZONES = {
    "example.test": """@ IN MX 10 mail.example.test.
mail IN A 127.0.0.1
ns IN A 127.0.0.1
@ IN TXT "v=spf1 mx a:mail.example.test ~all"
_dmarc IN TXT "v=DMARC1; p=none"
""",
    "broken.test": "@ IN MX 10 mx.example.test.\nns IN A 127.0.0.1\n",
    "bl.test": "10.2.0.192 IN A 127.0.0.2\nns IN A 127.0.0.1\n",
    "2.0.192.in-addr.arpa": "10 IN PTR mail.example.test.\nns IN A 127.0.0.1\n",
}


class NameServer:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="martinet-nsd-")
        self.port = free_ports(1)[0]
        text = (f'server:\n  ip-address: 127.0.0.1@{self.port}\n  username: ""\n  chroot: ""\n  zonesdir: "{self.folder}"\n'
                f'  database: ""\n  pidfile: "{self.folder}/pid"\n  xfrdfile: "{self.folder}/xfrd"\n'
                f'  zonelistfile: "{self.folder}/list"\n  logfile: "{self.folder}/log"\n  server-count: 1\n'
                "remote-control:\n  control-enable: no\n")
        for name, records in ZONES.items():
            head = f"$ORIGIN {name}.\n$TTL 60\n@ SOA ns.{name}. admin.{name}. 1 3600 600 86400 60\n@ NS ns.{name}.\n"
            with open(f"{self.folder}/{name}", "w") as file:
                file.write(head + records)
            text += f'zone:\n  name: "{name}."\n  zonefile: "{name}"\n'
        with open(f"{self.folder}/nsd.conf", "w") as file:
            file.write(text)
        self.process = subprocess.Popen(["nsd", "-d", "-c", f"{self.folder}/nsd.conf"], stderr=subprocess.DEVNULL)
        question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x04test\x00\x00\x06\x00\x01"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(0.1)
            for _ in range(100):
                asking.sendto(question, ("127.0.0.1", self.port))
                try:
                    if asking.recv(512):
                        return
                except OSError:
                    time.sleep(0.05)
        raise AssertionError("nsd does not answer")

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=10)
        shutil.rmtree(self.folder, ignore_errors=True)


class Doctor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.names = NameServer()
        cls.host = Host("queue: {source-addresses: [192.0.2.10], dnsbl-watch: [bl.test], dnsbl-interval: 1s}\n",
                        dns=f"127.0.0.1:{cls.names.port}").start()
        cls.host.cli("domain", "add", "broken.test", "--random")

    @classmethod
    def tearDownClass(cls):
        cls.host.close()
        cls.names.close()

    def doctor(self, *arguments, code):
        done = subprocess.run([MARTINET, "doctor", *arguments, "--config", self.host.config, "--json"], capture_output=True,
                              text=True, timeout=120)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        data = json.loads(done.stdout)["data"]
        return {f["subject"]: f for f in data["findings"]}, data["plan"]

    def test_names(self):
        """R48 R65 R80: what the zones lack is named, with the line to add."""
        found, plan = self.doctor("dns", "--ip", "127.0.0.1", code=1)
        self.assertEqual(found["MX example.test"]["text"], "10 mail.example.test.")
        for subject in ("A/AAAA mail.example.test", "MX example.test", "SPF example.test", "DMARC example.test", "NS example.test"):
            self.assertEqual(found[subject]["state"], "ok", found[subject])
        self.assertEqual(found["A/AAAA mx.example.test"]["state"], "failed")
        self.assertEqual(found["SPF broken.test"]["state"], "warning")
        self.assertIn("broken.test. IN MX 10 mail.example.test.", "\n".join(plan))

    def test_addresses(self):
        """R13 R14 R70: reverse names and blacklists."""
        found, _ = self.doctor("dnsbl", "--ip", "192.0.2.10", "--ip", "192.0.2.11", "--zone", "bl.test", code=1)
        self.assertEqual([found[f"192.0.2.{n} bl.test"]["state"] for n in (10, 11)], ["failed", "ok"])
        found, plan = self.doctor("rdns", "--ip", "192.0.2.10", "--ip", "192.0.2.11", code=1)
        self.assertIn("does not lead back", found["192.0.2.10"]["text"])
        self.assertIn("192.0.2.11 -> mail.example.test", "\n".join(plan))

    def test_watch(self):
        """R70: the server asks by itself, and says so in status and in a report."""
        self.host.wait_for(lambda: self.host.cli("status")["listings"])
        self.assertEqual([(l["address"], l["list"], l["state"]) for l in self.host.cli("status")["listings"]],
                         [("192.0.2.10", "bl.test", "listed")])
        row = self.host.cli("report", "dnsbl")[0]
        self.assertEqual((row["address"], row["list"], row["state"]), ("192.0.2.10", "bl.test", "listed"))

    def test_ports_tls_relay(self):
        """R42 R82 R85 R88: real connections; a dead port 25 ends in a plan with a smarthost."""
        found, plan = self.doctor("ports", "--probe", f"127.0.0.1:{self.host.port['smtp']}", code=0)
        self.assertEqual({f["state"] for f in found.values()}, {"ok"})
        _, plan = self.doctor("ports", "--probe", "127.0.0.1:1", code=1)
        self.assertIn("smarthost: {host:", plan[0])
        found, _ = self.doctor("relay", code=0)
        self.assertTrue(all(f["state"] == "ok" for f in found.values()), found)
        os.chmod(f"{self.host.folder}/key.pem", 0o644)
        found, plan = self.doctor("tls", code=1)
        self.assertIn("chmod 600", "\n".join(plan))
        self.assertTrue(found[f"smtp 127.0.0.1:{self.host.port['smtp']}"]["text"].startswith("TLS"), found)

    def test_verify_and_records(self):
        """R4 R29 R33 R58: records, proof of ownership by MX, names of certificates, settings for users."""
        self.assertIn({"MX", "TXT", "SRV", "CNAME"} & {r["type"] for r in self.host.cli("domain", "dns", "example.test")},
                      [{"MX", "TXT", "SRV", "CNAME"}])
        started = self.host.cli("domain", "verify", "start", "example.test")
        self.assertTrue(started["record"].startswith("_martinet.example.test. IN TXT "))
        self.assertEqual(self.host.cli("domain", "verify", "check", "example.test")["state"], "verified")
        self.host.cli("domain", "verify", "check", "broken.test", expect=1)
        self.host.cli("domain", "verify", "status", "nowhere.test", expect=3)
        self.assertIn("smtp.example.test", self.host.cli("tls", "names")["not_covered"])
        settings = self.host.cli("client-settings", "alice%example.test")
        self.assertEqual(settings["login"], "alice@example.test")
        self.assertEqual({s["port"] for s in settings["settings"] if s["encryption"] == "SSL"},
                         {self.host.port[s] for s in ("imaps", "pop3s", "submissions")})

    def test_explain_and_reports(self):
        """R25 R89: error texts, and reports in three formats."""
        found = self.host.cli("explain", "553 Sorry, that domain isn't allowed to be relayed thru this MTA (#5.7.1)")
        self.assertIn("SMTP AUTH", found[0]["cause"]["fr"])
        self.host.cli("explain", "what is this", expect=3)
        for name in "smtp-out-usage smtp-out-connections outgoing traffic spam access limits dnsbl".split():
            self.assertIsInstance(self.host.cli("report", name), list)
            done = subprocess.run([MARTINET, "report", name, "--format", "csv", "--config", self.host.config],
                                  capture_output=True, text=True, timeout=30)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(",", done.stdout.splitlines()[0])
        self.host.cli("report", "nonsense", expect=2)
        self.host.cli("report", "spam", "--from", "yesterday", expect=2)


if __name__ == "__main__":
    unittest.main()
