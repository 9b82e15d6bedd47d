"""The rest of the network on loopback: a name server of our own zones (nsd behind a proxy that can misbehave), servers that
do as a script says, and a Postfix."""
import os
import socket
import socketserver
import ssl
import struct
import subprocess
import tempfile
import threading
import time

from host import free_ports, run


class Names:
    """nsd with the zone `test.`, and a proxy before it: names with `slow.`, `silent.`, `servfail.` or `empty.` in them
    get what they say, `_` names with `lost.` a failure, names with `forged.` a record that is not the zone's. With
    `signed` its trust anchor is in `anchor`."""

    def __init__(self, zone, signed=False):
        self.folder = tempfile.mkdtemp(prefix="martinet-names-")
        self.port, self.inner = free_ports(2)
        with open(f"{self.folder}/zone", "w") as file:
            file.write("$ORIGIN test.\n$TTL 5\n@ SOA ns admin 1 3600 600 86400 5\n@ NS ns\nns A 127.0.0.1\n" + zone)
        self.anchor = f"{self.folder}/anchor" if signed and self.sign() else None
        with open(f"{self.folder}/nsd.conf", "w") as file:
            file.write(f'server:\n  ip-address: 127.0.0.1@{self.inner}\n  username: ""\n  chroot: ""\n'
                       f'  zonesdir: "{self.folder}"\n  database: ""\n  pidfile: "{self.folder}/pid"\n'
                       f'  xfrdfile: "{self.folder}/xfrd"\n  zonelistfile: "{self.folder}/list"\n'
                       f'  logfile: "{self.folder}/log"\n  server-count: 1\nremote-control:\n  control-enable: no\n'
                       f'zone:\n  name: "test."\n  zonefile: "zone"\n')
        self.nsd = subprocess.Popen(["nsd", "-d", "-c", f"{self.folder}/nsd.conf"], stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL)
        self.asked = []
        names = self

        class Proxy(socketserver.BaseRequestHandler):
            def handle(self):
                question, sock = self.request
                name = names.name(question)
                names.asked.append(name)
                if "silent." in name:
                    return
                if "slow." in name:
                    time.sleep(1)
                lost = "servfail." in name or (name.startswith("_") and "lost." in name)
                if lost or "empty." in name:
                    flags = 0x8182 if lost else 0x8180
                    sock.sendto(question[:2] + struct.pack(">H", flags) + question[4:6] + bytes(6) +
                                question[12:names.end(question)], self.client_address)
                    return
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as inner:
                    inner.settimeout(5)
                    inner.sendto(question, ("127.0.0.1", names.inner))
                    try:
                        answer = bytearray(inner.recv(65535))
                        if "forged." in name and answer[6:8] != b"\0\0":
                            answer[names.end(question) + 12] ^= 255  # the first octet of the first record's data
                        sock.sendto(answer, self.client_address)
                    except OSError:
                        pass

        class Server(socketserver.ThreadingUDPServer):
            daemon_threads = True
            allow_reuse_address = True
        self.proxy = Server(("127.0.0.1", self.port), Proxy)
        threading.Thread(target=self.proxy.serve_forever, daemon=True).start()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.settimeout(0.2)
                s.sendto(b"\0\1\1\0\0\1\0\0\0\0\0\0\2ns\4test\0\0\1\0\1", ("127.0.0.1", self.inner))
                try:
                    s.recv(512)
                    return
                except OSError:
                    pass
        raise AssertionError(f"nsd does not answer, see {self.folder}/log")

    def sign(self):
        """Signs the zone with a new key, which is its own anchor."""
        key = subprocess.run(["ldns-keygen", "-k", "-a", "ECDSAP256SHA256", "test"], cwd=self.folder, check=True,
                             capture_output=True, text=True).stdout.strip()
        subprocess.run(["ldns-signzone", "-f", "signed", "zone", key], cwd=self.folder, check=True, capture_output=True)
        os.replace(f"{self.folder}/signed", f"{self.folder}/zone")
        os.replace(f"{self.folder}/{key}.key", f"{self.folder}/anchor")
        return True

    @staticmethod
    def end(question):
        """Behind the question's name, type and class."""
        place = 12
        while question[place]:
            place += question[place] + 1
        return place + 5

    @staticmethod
    def name(question):
        place, labels = 12, []
        while question[place]:
            labels.append(question[place + 1:place + 1 + question[place]].decode("latin-1"))
            place += question[place] + 1
        return ".".join(labels).lower() + "."

    def close(self):
        self.proxy.shutdown()
        self.proxy.server_close()
        self.nsd.terminate()
        self.nsd.wait(10)
        run("rm", "-rf", self.folder)


class Server:
    """An SMTP server on an address of loopback; `behave(session, line)` may answer a line itself (a string, or True when it
    did what is to be done), else the usual is said."""

    def __init__(self, address, port, behave=None, greeting="220 {0} ESMTP\r\n", extensions=("PIPELINING",), tls=None):
        self.sessions, self.messages = [], []
        server = self

        class Session(socketserver.StreamRequestHandler):
            def say(self, text):
                try:
                    self.wfile.write(text.encode("latin-1"))
                    self.wfile.flush()
                except OSError:
                    pass

            def handle(self):
                try:
                    self.talk()
                except OSError:
                    pass

            def talk(self):
                self.lines, self.envelope, self.secure, self.began = [], [], False, time.monotonic()
                server.sessions.append(self)
                text = greeting(self) if callable(greeting) else greeting.format(address)
                if text is None:
                    return
                self.say(text)
                while line := self.rfile.readline().decode("latin-1").rstrip("\r\n"):
                    self.lines.append(line)
                    answer = behave(self, line) if behave else None
                    if answer is False:
                        return
                    if isinstance(answer, str):
                        self.say(answer)
                    if answer is not None:
                        continue
                    verb = line[:4].upper()
                    if verb == "EHLO":
                        names = list(extensions) + (["STARTTLS"] if tls and not self.secure else [])
                        self.say("".join(f"250-{n}\r\n" for n in [address] + names[:-1]) + f"250 {names[-1]}\r\n")
                    elif verb == "STAR":
                        self.say("220 go\r\n")
                        if not self.secured():
                            return
                    elif verb == "DATA":
                        self.say("354 go\r\n")
                        octets = b""
                        while (part := self.rfile.readline()) != b".\r\n":
                            if not part:
                                return
                            octets += part
                        server.messages.append((list(self.envelope), octets, self.secure))
                        self.envelope = []
                        self.say("250 2.0.0 taken\r\n")
                    elif verb == "QUIT":
                        self.say("221 bye\r\n")
                        return
                    else:
                        if verb in ("MAIL", "RCPT"):
                            self.envelope.append(line)
                        self.say("250 2.1.0 ok\r\n")

            def secured(self):
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(*tls)
                try:
                    self.connection = context.wrap_socket(self.connection, server_side=True)
                except (OSError, ssl.SSLError):
                    return False
                self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")
                self.secure = True
                return True

        class Listener(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 100
            address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = Listener((address, port), Session)
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()

    def recipients(self):
        return [line.split("<")[1].split(">")[0] for envelope, _, _ in self.messages for line in envelope
                if line.startswith("RCPT")]

    def close(self):
        self.listener.shutdown()
        self.listener.server_close()


class Postfix:
    """A real one, taking mail for the domains given into mailboxes below its folder."""

    def __init__(self, address, port, domains, certificate, key, settings=""):
        self.folder = tempfile.mkdtemp(prefix="martinet-postfix-")
        os.chmod(self.folder, 0o755)
        for name in ("queue", "data", "conf", "mail"):
            os.mkdir(f"{self.folder}/{name}")
        with open(f"{self.folder}/conf/main.cf", "w") as file:
            file.write(f"""compatibility_level = 3.6
queue_directory = {self.folder}/queue
data_directory = {self.folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.postfix.test
mydestination =
local_recipient_maps =
alias_maps =
maillog_file = {self.folder}/log
maillog_file_prefixes = /tmp
virtual_mailbox_domains = {" ".join(domains)}
virtual_mailbox_base = {self.folder}/mail
virtual_mailbox_maps = texthash:{self.folder}/conf/users
virtual_uid_maps = static:8
virtual_gid_maps = static:8
virtual_minimum_uid = 1
smtpd_recipient_restrictions = reject_unauth_destination
smtpd_tls_security_level = may
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_received_header = yes
{settings}
""")
        with open(f"{self.folder}/conf/users", "w") as file:
            file.write("".join(f"{user}@{domain} {user}/\n" for domain in domains for user in ("a", "b", "c")))
        services = f"{address}:{port} inet n - n - - smtpd\n"
        services += "cleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\ntlsmgr unix - - n 1000? 1 tlsmgr\n"
        services += "rewrite unix - - n - - trivial-rewrite\nproxymap unix - - n - - proxymap\nvirtual unix - n n - - virtual\n"
        services += "".join(f"{name} unix - - n - 0 bounce\n" for name in ("bounce", "defer", "trace"))
        services += "".join(f"{name} unix - - n - - error\n" for name in ("error", "retry"))
        services += "anvil unix - - n - 1 anvil\npostlog unix-dgram n - n - 1 postlogd\n"
        with open(f"{self.folder}/conf/master.cf", "w") as file:
            file.write(services)
        run("chown", "postfix", f"{self.folder}/data")
        run("chown", "mail:mail", f"{self.folder}/mail")
        self.process = subprocess.Popen(["postfix", "-c", f"{self.folder}/conf", "start-fg"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                with socket.create_connection((address, port), 1) as s:
                    if s.recv(3) == b"220":
                        return
            except OSError:
                time.sleep(0.2)
        self.close()
        raise AssertionError("Postfix does not answer: " + self.log())

    def log(self):
        try:
            with open(f"{self.folder}/log") as file:
                return file.read()
        except OSError:
            return ""

    def mail(self, user):
        folder = f"{self.folder}/mail/{user}/new"
        if not os.path.isdir(folder):
            return []
        found = []
        for name in os.listdir(folder):
            with open(f"{folder}/{name}", "rb") as file:
                found.append(file.read())
        return found

    def close(self):
        run("postfix", "-c", f"{self.folder}/conf", "stop")
        self.process.terminate()
        self.process.wait(30)
        run("rm", "-rf", self.folder)
