"""Mail taken over from a real Dovecot: its clients find every UID, flag, keyword, date and unique id as it was."""
import imaplib
import os
import poplib
import pwd
import shutil
import subprocess
import tempfile
import unittest

from host import MARTINET, PASSWORD, Host


class Dovecot:
    """Dovecot's IMAP and POP3 programs over a Maildir of their own, without a server. They refuse to run as root."""

    def __init__(self, settings=""):
        self.folder = tempfile.mkdtemp(prefix="martinet-dovecot-")
        uid = os.getuid() or pwd.getpwnam("nobody").pw_uid
        gid = os.getgid() or pwd.getpwnam("nobody").pw_gid
        name = pwd.getpwuid(uid).pw_name
        self.owner = f"{uid}:{gid}"
        self.maildir = f"{self.folder}/Maildir"
        with open(f"{self.folder}/dovecot.conf", "w") as file:
            file.write(f"""base_dir = {self.folder}/run
state_dir = {self.folder}/run
log_path = {self.folder}/log
ssl = no
mail_location = maildir:{self.maildir}
mail_home = {self.folder}
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 1
first_valid_gid = 1
default_internal_user = {name}
default_login_user = {name}
namespace inbox {{
  inbox = yes
  separator = /
}}
{settings}
""")
        os.chmod(self.folder, 0o755)
        os.chown(self.folder, uid, gid)
        self.environment = {**os.environ, "USER": name, "HOME": self.folder}

    def imap(self):
        os.environ.update(USER=self.environment["USER"], HOME=self.folder)
        return imaplib.IMAP4_stream(f"doveadm -c {self.folder}/dovecot.conf exec imap 2>>{self.folder}/errors")

    def pop3(self, *commands):
        """The answers of one POP3 session, each without its status line."""
        text = "".join(f"{command}\r\n" for command in (*commands, "QUIT")).encode()
        done = subprocess.run(["doveadm", "-c", f"{self.folder}/dovecot.conf", "exec", "pop3"], input=text,
                              capture_output=True, env=self.environment, timeout=60)
        answers = done.stdout.decode().split("\r\n.\r\n")
        return [answer.split("\r\n")[1 + (number == 0 and answer.startswith("+OK Logged")):]
                for number, answer in enumerate(answers[:len(commands)])]

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


@unittest.skipUnless(shutil.which("doveadm"), "Dovecot is not installed")
class FromDovecot(unittest.TestCase):
    def setUp(self):
        home = {key: os.environ.get(key) for key in ("USER", "HOME")}
        self.addCleanup(lambda: os.environ.update({key: value for key, value in home.items() if value}))
        self.host = Host()
        self.addCleanup(self.host.close)

    def dovecot(self, settings=""):
        dovecot = Dovecot(settings)
        self.addCleanup(dovecot.close)
        return dovecot

    @staticmethod
    def fill(session, folder, count):
        for number in range(count):
            message = (f"Subject: {folder} {number}\r\nMessage-ID: <{number}@old.test>\r\n\r\n" + "line\r\n" * number).encode()
            flags = ("(\\Seen $Work)", "(\\Flagged \\Answered blue)", None, "(\\Draft)")[number % 4]
            session.append(folder, flags, imaplib.Time2Internaldate(1_000_000_000 + number * 86_400), message)

    @staticmethod
    def seen(session, folder):
        """UIDVALIDITY, and UID, flags, date and size of each message as the server tells them."""
        session.select(folder, readonly=True)
        validity = session.response("UIDVALIDITY")[1]
        rows = {}
        for line in session.uid("FETCH", "1:*", "(UID FLAGS INTERNALDATE RFC822.SIZE)")[1]:
            if line:
                text = line.decode()
                rows[text.split("UID ")[1].split()[0].rstrip(")")] = (
                    sorted(flag for flag in text.split("FLAGS (")[1].split(")")[0].split() if flag != "\\Recent"),
                    text.split('INTERNALDATE "')[1].split('"')[0], text.split("RFC822.SIZE ")[1].split()[0].rstrip(")"))
        return validity, rows

    def ours(self):
        session = imaplib.IMAP4("127.0.0.1", self.host.port["imap"])
        session.login("alice@example.test", PASSWORD)
        return session

    def ids(self):
        session = poplib.POP3("127.0.0.1", self.host.port["pop3"])
        session.user("alice@example.test")
        session.pass_(PASSWORD)
        answer = [[line.decode() for line in listing] for listing in (session.uidl()[1], session.list()[1])]
        session.quit()
        return answer

    def bring(self, dovecot, *options, expect=0):
        return self.host.cli("mailbox", "import", "alice@example.test", dovecot.maildir, *options, expect=expect)

    def test_everything_stays(self):
        """Copied without the server, then once more beside it with what came and changed meanwhile."""
        dovecot = self.dovecot()
        session = dovecot.imap()
        folders = ("INBOX", "Projects/Entw&APw-rfe", "Trash")
        for folder in folders[1:]:
            session.create(folder)
        session.subscribe(folders[1])
        for folder in folders:
            self.fill(session, folder, 30)
            session.select(folder)
            session.store("3,7,20:22", "+FLAGS", "\\Deleted")
            session.expunge()
        session.copy("1:2", "INBOX")
        before = {folder: self.seen(session, folder) for folder in folders}
        session.logout()
        report = self.bring(dovecot)
        self.assertEqual({row["uids"] for row in report["folders"]}, {"kept"})
        self.assertEqual(report["messages"], 77)
        self.host.start()
        mine = self.ours()
        for folder in folders:
            self.assertEqual(self.seen(mine, folder), before[folder], folder)
        self.assertEqual(self.ids(), dovecot.pop3("UIDL", "LIST"))
        self.assertIn(b"Projects/Entw&APw-rfe", b" ".join(mine.lsub()[1]))
        # A day goes by on the old server: one read, one expunged, two new.
        session = dovecot.imap()
        session.select("INBOX")
        session.store("1", "+FLAGS", "(\\Answered)")
        session.store("2", "+FLAGS", "\\Deleted")
        session.expunge()
        self.fill(session, "INBOX", 2)
        now = self.seen(session, "INBOX")
        session.logout()
        mine.select("INBOX")
        row = [row for row in self.bring(dovecot, "--link", "--expunge-gone")["folders"] if row["name"] == "INBOX"][0]
        self.assertEqual((row["new"], row["flags_changed"], row["expunged"]), (2, 1, 1))
        # The session that was open meanwhile sees all of it.
        self.host.wait_for(lambda: mine.noop() and self.seen(mine, "INBOX") == now)
        self.assertEqual(self.ids(), dovecot.pop3("UIDL", "LIST"))
        self.assertTrue(self.host.cli("mailbox", "check", "alice@example.test")["sound"])
        # And back: another Dovecot serves what is exported as if nothing had been.
        before = {folder: self.seen(mine, folder) for folder in folders}
        mine.logout()
        other = self.dovecot()
        report = self.host.cli("mailbox", "export", "alice@example.test", other.maildir)
        self.assertEqual(report["messages"], sum(len(rows) for _, rows in before.values()))
        subprocess.run(["chown", "-R", other.owner, other.maildir], check=True)
        session = other.imap()
        for folder in folders:
            self.assertEqual(self.seen(session, folder), before[folder], folder)
        self.assertIn(b"Projects/Entw&APw-rfe", b" ".join(session.lsub()[1]))
        session.logout()
        self.assertEqual(other.pop3("UIDL", "LIST"), self.ids())
        self.host.cli("mailbox", "export", "alice@example.test", other.maildir, expect=4)

    def test_order_and_own_ids(self):
        """Records P and O, and the file's name as the format."""
        dovecot = self.dovecot("pop3_uidl_format = %f\nprotocol pop3 {\n  pop3_save_uidl = yes\n}\n")
        session = dovecot.imap()
        self.fill(session, "INBOX", 12)
        session.logout()
        with open(f"{dovecot.maildir}/dovecot-uidlist") as file:
            lines = file.read().splitlines()
        for place, order in ((3, 9), (8, 2)):
            uid, name = lines[place].split(" :")
            lines[place] = f"{uid} O{order} Pmoved-{uid} :{name}"
        with open(f"{dovecot.maildir}/dovecot-uidlist", "w") as file:
            file.write("\n".join(lines) + "\n")
        for name in os.listdir(dovecot.maildir):
            if name.startswith("dovecot.index"):
                os.unlink(f"{dovecot.maildir}/{name}")
        before = dovecot.pop3("UIDL", "LIST")
        self.assertEqual(before[0][0], "1 moved-8")
        self.host.start()
        self.bring(dovecot, "--uidl", "dovecot=%f")
        self.assertEqual(self.ids(), before)
        self.assertEqual(self.bring(dovecot, "--uidl", "dovecot=%f")["messages"], 0)


class Kills(unittest.TestCase):
    def test_every_message_once(self):
        """Killed again and again beside the server: no message twice, every UID the old one."""
        host = Host()
        self.addCleanup(host.close)
        source = f"{host.folder}/old"
        for part in ("cur", "new", "tmp"):
            os.makedirs(f"{source}/{part}")
        count = 10_000
        with open(f"{source}/dovecot-uidlist", "w") as uids:
            uids.write(f"3 V1234567 N{3 * count + 1}\n")
            for number in range(1, count + 1):
                name = f"{1_600_000_000 + number}.M{number}.old"
                with open(f"{source}/cur/{name}:2,S", "w") as file:
                    file.write(f"Subject: {number}\n\nx\n")
                uids.write(f"{3 * number} :{name}\n")
        host.start()
        kills = 0
        for delay in [0.3 + 0.15 * number for number in range(40)]:
            command = [MARTINET, "mailbox", "import", "alice@example.test", source, "--link", "--config", host.config]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                process.wait(timeout=delay)
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                kills += 1
        self.assertGreater(kills, 0)
        self.assertEqual(host.cli("mailbox", "import", "alice@example.test", source)["messages"], 0)
        session = imaplib.IMAP4("127.0.0.1", host.port["imap"])
        session.login("alice@example.test", PASSWORD)
        session.select("INBOX")
        self.assertEqual(session.response("UIDVALIDITY")[1], [b"1234567"])
        self.assertEqual(session.uid("SEARCH", "ALL")[1][0].split(), [b"%d" % (3 * n) for n in range(1, count + 1)])
        session.logout()
        self.assertTrue(host.cli("mailbox", "check", "alice@example.test")["sound"])


class Refusals(unittest.TestCase):
    def test_exit_codes(self):
        host = Host()
        self.addCleanup(host.close)
        source = f"{host.folder}/old"
        for part in ("cur", "new", "tmp"):
            os.makedirs(f"{source}/{part}")
        for number in range(3):
            with open(f"{source}/cur/100{number}.M1.old:2,S", "wb") as file:
                file.write(b"Subject: x\n\n" + b"x" * 1000 + b"\n")
        host.cli("mailbox", "import", "alice@example.test", f"{host.folder}/nothing", expect=3)
        host.cli("mailbox", "import", "nobody@example.test", source, expect=3)
        host.cli("mailbox", "import", "alice@example.test", f"{source}/cur", expect=1)
        host.cli("mailbox", "import", "alice@example.test", source, "--uidl", "dovecot=%m", expect=2)
        host.cli("quota", "set", "alice@example.test", "2K")
        answer = host.cli("mailbox", "import", "alice@example.test", source, expect=5)
        self.assertIn("quota", answer["error"]["text"])
        self.assertEqual(host.messages("alice"), [])
        self.assertEqual(host.cli("mailbox", "import", "alice@example.test", source, "--over-quota-ok")["messages"], 3)
        self.assertEqual(len(host.messages("alice")), 3)


if __name__ == "__main__":
    unittest.main()
