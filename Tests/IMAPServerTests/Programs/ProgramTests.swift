import Foundation
import Testing
import WireTesting

@testable import IMAPServer

/// Real clients against a real server; each test runs where its program is installed.
@Suite struct ProgramTests {
  @Test(.enabled(if: Program.isInstalled("curl"))) func curlListsSearchesAndReads() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    try await client.append(rfcMessage)
    let base = "curl -sS -m 20 -u 'alice%example.test:secret one' imap://127.0.0.1:\(host.port)"
    let list = await Program.run("\(base)/", in: host.folder)
    #expect(list.status == 0 && list.output.contains("\"work\""), "\(list)")
    let read = await Program.run("\(base)/work\\;MAILINDEX=1", in: host.folder)
    #expect(read.status == 0 && read.output == rfcMessage, "\(read)")
    let search = await Program.run("\(base)/work?SUBJECT%20afternoon", in: host.folder)
    #expect(search.output.contains("* SEARCH 1"), "\(search)")
    try Data(rfcMessage.utf8).write(to: URL(fileURLWithPath: host.folder + "/up.eml"))
    let upload = await Program.run("\(base)/work -T up.eml", in: host.folder)
    #expect(upload.status == 0, "\(upload)")
    let secure = await Program.run(
      "curl -sSk -m 20 -u 'alice@example.test:secret one' 'imaps://127.0.0.1:\(host.tlsPort)/work;UID=2'",
      in: host.folder)
    #expect(secure.output == rfcMessage, "\(secure)")
    let wrong = await Program.run("curl -sS -u 'alice@example.test:no' imap://127.0.0.1:\(host.port)/", in: host.folder)
    #expect(wrong.status == 67, "\(wrong)")
    await host.stop()
  }

  @Test(.enabled(if: Program.isInstalled("mbsync"))) func mbsyncBothWays() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.login()
    for name in ["Entw&APw-rfe &ZeVnLA- &- Co", "work/deep"] {
      try await client.ok("CREATE \"\(name)\"")
      try await client.append(rfcMessage, to: "\"\(name)\"", flags: "\\Seen \\Flagged")
    }
    try await client.append(multipartMessage, to: "INBOX")
    let local = host.folder + "/local"
    try FileManager.default.createDirectory(atPath: local, withIntermediateDirectories: true)
    let configuration = """
      IMAPAccount a
      Host 127.0.0.1
      Port \(host.port)
      User alice%example.test
      Pass "secret one"
      SSLType None
      AuthMechs LOGIN

      IMAPStore far
      Account a

      MaildirStore near
      Path \(local)/
      Inbox \(local)/INBOX
      SubFolders Verbatim

      Channel all
      Far :far:
      Near :near:
      Patterns *
      Create Both
      Expunge Both
      SyncState *

      """
    try Data(configuration.utf8).write(to: URL(fileURLWithPath: host.folder + "/mbsyncrc"))
    let first = await Program.run("mbsync -c mbsyncrc all", in: host.folder)
    #expect(first.status == 0, "\(first)")
    let files = try FileManager.default.subpathsOfDirectory(atPath: local)
    #expect(files.contains { $0.hasPrefix("work/deep/cur/") && $0.hasSuffix(":2,FS") }, "\(files)")
    #expect(files.contains { $0.hasPrefix("Entwürfe 日本 & Co/cur/") || $0.hasPrefix("Entw&APw-rfe") }, "\(files)")
    // The other way: a new message and a new folder made here go there.
    let message = "Subject: from here\n\nhello\n"
    try Data(message.utf8).write(to: URL(fileURLWithPath: local + "/work/deep/new/1.x.y"))
    for part in ["cur", "new", "tmp"] {
      try FileManager.default.createDirectory(atPath: local + "/made/" + part, withIntermediateDirectories: true)
    }
    let second = await Program.run("mbsync -c mbsyncrc all", in: host.folder)
    #expect(second.status == 0, "\(second)")
    #expect(try await client.ok("STATUS work/deep (MESSAGES)")[0].contains("MESSAGES 2"))
    try await client.ok("SELECT made")
    try await client.ok("SELECT work/deep")
    try await client.ok("STORE 1 +FLAGS (\\Deleted)")
    try await client.ok("EXPUNGE")
    let third = await Program.run("mbsync -c mbsyncrc all", in: host.folder)
    #expect(third.status == 0, "\(third)")
    let left = try FileManager.default.subpathsOfDirectory(atPath: local).filter {
      $0.hasPrefix("work/deep/cur/") || $0.hasPrefix("work/deep/new/")
    }
    #expect(left.count == 1, "\(left)")
    await host.stop()
  }

  @Test(.enabled(if: Program.isInstalled("fetchmail"))) func fetchmailTakesTheMail() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.login()
    try await client.append(rfcMessage, to: "INBOX")
    try await client.append(rfcMessage, to: "INBOX")
    let configuration = """
      poll 127.0.0.1 service \(host.port) protocol IMAP user "alice@example.test" password "secret one"
      mda "cat >> \(host.folder)/taken" sslproto "" fetchall

      """
    let path = host.folder + "/fetchmailrc"
    try Data(configuration.utf8).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    let outcome = await Program.run("fetchmail -f fetchmailrc --nosyslog -v", in: host.folder)
    let taken = (try? String(contentsOfFile: host.folder + "/taken", encoding: .utf8)) ?? ""
    #expect(taken.components(separatedBy: "Subject: afternoon meeting").count == 3, "\(outcome)")
    #expect(try await client.ok("STATUS INBOX (MESSAGES)")[0].contains("MESSAGES 0"))
    await host.stop()
  }

  @Test(.enabled(if: Program.isInstalled("offlineimap"))) func offlineIMAPSyncs() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh("Projekte")
    try await client.append(rfcMessage, to: "Projekte")
    let configuration = """
      [general]
      accounts = a
      metadata = \(host.folder)/offline-state
      ui = basic
      [Account a]
      localrepository = l
      remoterepository = r
      [Repository l]
      type = Maildir
      localfolders = \(host.folder)/offline
      [Repository r]
      type = IMAP
      remotehost = 127.0.0.1
      remoteport = \(host.port)
      remoteuser = alice@example.test
      remotepass = secret one
      ssl = no
      starttls = no
      auth_mechanisms = LOGIN

      """
    try Data(configuration.utf8).write(to: URL(fileURLWithPath: host.folder + "/offlinerc"))
    let outcome = await Program.run("offlineimap -o -c offlinerc", in: host.folder)
    #expect(outcome.status == 0, "\(outcome)")
    let files = try FileManager.default.subpathsOfDirectory(atPath: host.folder + "/offline")
    #expect(files.contains { $0.hasPrefix("Projekte/new/") || $0.hasPrefix("Projekte/cur/") }, "\(files)\n\(outcome)")
    await host.stop()
  }

  @Test(.enabled(if: Program.isInstalled("mutt"))) func muttOpensTheFolder() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    for _ in 0..<3 { try await client.append(rfcMessage) }
    let configuration = """
      set imap_user="alice@example.test"
      set imap_pass="secret one"
      set ssl_starttls=no
      set ssl_force_tls=no
      set folder="imap://127.0.0.1:\(host.port)/"
      set delete=yes
      set wait_key=no
      push "<delete-pattern>~A<enter><sync-mailbox><exit>"

      """
    try Data(configuration.utf8).write(to: URL(fileURLWithPath: host.folder + "/muttrc"))
    let outcome = await Program.run(
      "script -qec 'env TERM=vt100 mutt -F muttrc -f =work' /dev/null", in: host.folder)
    #expect(try await client.ok("STATUS work (MESSAGES)")[0].contains("MESSAGES 0"), "\(outcome)")
    await host.stop()
  }
}

/// A server for experiments by hand: `MARTINET_IMAP_SERVE=10143 swift test --filter serveByHand`.
@Suite struct ManualServer {
  @Test(.enabled(if: ProcessInfo.processInfo.environment["MARTINET_IMAP_SERVE"] != nil)) func serveByHand() async throws
  {
    let port = Int(ProcessInfo.processInfo.environment["MARTINET_IMAP_SERVE"] ?? "") ?? 10143
    let host = try await IMAPHost.start(port: port)
    print(
      "imap 127.0.0.1:\(host.port), imaps \(host.tlsPort), alice@example.test / \(IMAPHost.password), \(host.folder)")
    let seconds = Int(ProcessInfo.processInfo.environment["MARTINET_IMAP_SECONDS"] ?? "") ?? 3600
    try await Task.sleep(for: .seconds(seconds))
    await host.stop()
  }
}
