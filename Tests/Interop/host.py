"""A martinet of its own for each test class: data in a temporary folder, every port free, everything on loopback."""
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

MARTINET = os.environ.get("MARTINET", ".build/debug/martinet")
SERVICES = ("smtp", "smtp-alt", "submission", "submissions", "pop3", "pop3s", "imap", "imaps", "lmtp", "http", "https")
PASSWORD = "a-long-pass-1"


def free_ports(count):
    """Ports nobody listens on, below those the kernel gives to clients, which could take one before it is listened on."""
    sockets = []
    try:
        while len(sockets) < count:
            s = socket.socket()
            try:
                s.bind(("127.0.0.1", random.randrange(15000, 32000)))
            except OSError:
                s.close()
            else:
                sockets.append(s)
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()


class Host:
    """Starts with domain example.test and accounts alice and bob; `settings` is YAML text added to the configuration."""

    def __init__(self, settings="", accounts=("alice", "bob"), dns=None):
        self.folder = tempfile.mkdtemp(prefix="martinet-interop-")
        self.port = dict(zip(SERVICES, free_ports(len(SERVICES))))
        self.config = f"{self.folder}/martinet.yaml"
        self.certificate = f"{self.folder}/cert.pem"
        self.process = None
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-keyout", f"{self.folder}/key.pem", "-out", self.certificate], check=True, capture_output=True)
        listen = "".join(f'  {s}: ["127.0.0.1:{p}"]\n' for s, p in self.port.items())
        defaults = {
            "tls": f"{{certificate: {self.certificate}, key: {self.folder}/key.pem, plaintext-login: true}}",
            "open-smtp": '{include-networks: ["127.0.0.0/8"]}',
            "smtp": "{check-sender-domain: false}",
            "pop3": "{login-delay: 0s}",
            "limits": '{exempt-networks: ["127.0.0.0/8"]}',
        }
        given = {line.split(":")[0] for line in settings.splitlines() if line and not line[0].isspace()}
        text = f"hostname: mail.example.test\ndata: {self.folder}/data\nlisten:\n{listen}"
        text += "".join(f"{key}: {value}\n" for key, value in defaults.items() if key not in given)
        if dns:
            text += f'dns: {{servers: ["{dns}"]}}\n'
        with open(self.config, "w") as file:
            file.write(text + settings.replace("{FOLDER}", self.folder))
        if accounts:
            self.cli("domain", "add", "example.test", "--random")
            for name in accounts:
                self.cli("account", "add", f"{name}%example.test", "--quota", "25M", "--password-file", "-",
                         stdin=PASSWORD + "\n")

    def cli(self, *arguments, stdin=None, expect=0):
        """Runs a command with --json; returns its data (or, for another exit code expected, its error)."""
        done = subprocess.run([MARTINET, *arguments, "--config", self.config, "--json"], input=stdin, text=True,
                              capture_output=True, timeout=60)
        if done.returncode != expect:
            raise AssertionError(f"martinet {' '.join(arguments)}: exit {done.returncode}, expected {expect}\n"
                                 f"{done.stdout}\n{done.stderr}")
        answer = json.loads(done.stdout)
        return answer["data"] if expect == 0 else answer

    def start(self, wait=True, env=None, prefix=()):
        """Serves; with `wait` it returns when every protocol takes connections."""
        self.log = open(f"{self.folder}/log", "ab")
        self.process = subprocess.Popen([*prefix, MARTINET, "serve", "--config", self.config], stderr=self.log,
                                        stdout=self.log, env={**os.environ, **(env or {})})
        if not wait:
            return self
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError("the server ended: " + open(f"{self.folder}/log").read()[-2000:])
            if all(self.answers(self.port[s]) for s in ("smtp", "pop3", "imap")):
                return self
            time.sleep(0.05)
        raise AssertionError("the server does not answer: " + open(f"{self.folder}/log").read()[-2000:])

    @staticmethod
    def answers(port):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        except OSError:
            return False

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(timeout=40)
        if self.process:
            self.log.close()
            self.process = None

    def close(self):
        self.stop()
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def maildir(self, name, folder=""):
        return f"{self.folder}/data/mail/example.test/{name}/Maildir" + (f"/.{folder}" if folder else "")

    def messages(self, name, folder=""):
        """The texts of all messages in a folder, whatever program put them there."""
        found = []
        for part in ("new", "cur"):
            path = f"{self.maildir(name, folder)}/{part}"
            for entry in sorted(os.listdir(path)) if os.path.isdir(path) else []:
                with open(f"{path}/{entry}", "rb") as file:
                    found.append(file.read())
        return found

    def wait_for(self, condition, seconds=10, step=0.05):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if condition():
                return
            time.sleep(step)
        with open(f"{self.folder}/log") as file:
            raise AssertionError("waited in vain; the log ends:\n" + file.read()[-2000:])


def run(*command, stdin=None, timeout=60, env=None):
    """Runs a program; its output and exit code."""
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=timeout,
                          env={**os.environ, **(env or {})})
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


def swaks(host, *arguments, service="smtp"):
    return run("swaks", "--server", "127.0.0.1", "--port", str(host.port[service]), *arguments)
