import Basics
import Glibc
import Inspection
import Testing

@testable import MailStore

@Suite struct ImportTests {
  private func uids(_ store: MailStore, _ fixture: Fixture, _ name: MailboxName = .inbox) async throws -> [UInt32] {
    try await store.mailbox(fixture.account(), name: name).snapshot().messages.map(\.uid)
  }

  private func pop(_ store: MailStore, _ fixture: Fixture) async throws -> [POPMessage] {
    try await store.mailbox(fixture.account(), name: .inbox).popListing()
  }

  /// A tree as Dovecot leaves it, with gaps, keywords, and records P and O.
  private func dovecot() throws -> ImportSource {
    let source = try ImportSource()
    try source.put("1000.M1P1.old,S=\(message(1).count):2,Sa", message(1), date: 1_111_111)
    try source.put("1001.M1P1.old:2,FRb", message(2))
    try source.put("1002.M1P1.old:2,DT", message(3))
    try source.put("1003.M1P1.old", message(4), part: "new")
    try source.write(
      "dovecot-uidlist", "3 V1234567890 N40 Gabcdef0123456789", "3 :1000.M1P1.old,S=\(message(1).count)",
      "9 Pold-id-9 O2 :1001.M1P1.old:2,F", "20 :gone.M1P1.old", "31 W99 O1 :1002.M1P1.old")
    try source.write("dovecot-keywords", "0 $Work", "1 blue", "x", "99 far")
    try source.put("1004.M1P1.old:2,S", message(5), in: ".Entw&APw-rfe.2026")
    try source.write(".Entw&APw-rfe.2026/dovecot-uidlist", "1 1234567891 8", "7 1004.M1P1.old")
    try source.write("subscriptions", "V\t2", "", "INBOX", "Entw&APw-rfe\t2026", "Nowhere")
    return source
  }

  @Test("Dovecot: UIDVALIDITY, UIDs, flags, keywords, dates, unique ids and their order, subscriptions")
  func fromDovecot() async throws {
    let (fixture, source) = (Fixture(), try dovecot())
    let drafts = try MailboxName("Entwürfe/2026")
    let before = source.inventory()
    try await fixture.withStore { store in
      let plan = try await store.importMail(fixture.account(), source.options { $0.isDryRun = true })
      #expect(plan.messages == 5 && plan.folders.map(\.uids) == [.kept, .kept])
      #expect(!FileSystem.exists(fixture.account().directory))
      let outcome = try await store.importMail(fixture.account(), source.options())
      #expect(outcome.messages == 5 && outcome.warnings.isEmpty && !outcome.isPartial)
      #expect(outcome.uniqueIDs == "dovecot=%08Xu%08Xv")
      #expect(outcome.folders.map(\.name) == [drafts, .inbox])
      #expect(outcome.folders.map(\.keptUIDs) == [1, 3])
      let snapshot = try await store.mailbox(fixture.account(), name: .inbox).snapshot()
      #expect(snapshot.uidValidity == 1_234_567_890 && snapshot.uidNext == 41)
      #expect(snapshot.messages.map(\.uid) == [3, 9, 31, 40])
      #expect(snapshot.messages.map(\.flags) == [.seen, [.flagged, .answered], [.draft, .deleted], []])
      #expect(snapshot.messages.map { snapshot.keywordNames($0) } == [["$Work"], ["blue"], [], []])
      #expect(snapshot.messages[0].internalDate == Timestamp(seconds: 1_111_111))
      #expect(snapshot.messages.allSatisfy { $0.isMeasured })
      #expect(snapshot.messages[0].size == message(1).count)
      #expect(try await pop(store, fixture).map(\.uid) == [31, 9, 3, 40])
      #expect(
        try await pop(store, fixture).map(\.uidl)
          == ["0000001f499602d2", "old-id-9", "00000003499602d2", "1003.M1P1.old"])
      #expect(try await uids(store, fixture, drafts) == [7])
      let folders = try await store.folders(fixture.account())
      #expect(folders.first { $0.name == drafts }?.isSubscribed == true)
      #expect(try await store.recount(fixture.account()) == (try await store.quotaUse(fixture.account())))
      // What comes later goes on above the source's UIDNEXT.
      _ = try await store.deliver(.bytes(message(9)), to: fixture.account())
      #expect(try await uids(store, fixture) == [3, 9, 31, 40, 41])
    }
    #expect(source.inventory() == before)
    let report = MailInspection(
      fixture.account(), settings: MailStoreSettings(hostname: "h"), now: fixture.time.now, depth: InspectionDepth())
    #expect(report.report.isSound)
  }

  @Test("A rebuilt index and one from its backup still know imported UIDs, unique ids and their order")
  func outlivesRebuild() async throws {
    for isLost in [false, true] {
      let (fixture, source) = (Fixture(), try dovecot())
      var before: [POPMessage] = []
      try await fixture.withStore { store in
        _ = try await store.importMail(fixture.account(), source.options())
        before = try await pop(store, fixture)
        try await store.backUpIndex(fixture.account())
        guard !isLost else { return }
        _ = try await store.rebuild(fixture.account())
        #expect(try await pop(store, fixture) == before)
      }
      if isLost {
        for suffix in ["", "-wal", "-shm"] { unlink(fixture.account().directory + "/index.db" + suffix) }
      }
      try await fixture.withStore { store in
        #expect(try await pop(store, fixture) == before)
        let snapshot = try await store.mailbox(fixture.account(), name: .inbox).snapshot()
        #expect(snapshot.uidValidity == 1_234_567_890)
      }
    }
  }

  @Test("Courier: UIDs, keywords with changes not merged yet, unique ids of all versions")
  func fromCourier() async throws {
    let (fixture, source) = (Fixture(), try ImportSource())
    for number in 1...4 { try source.put("100\(number).V1I\(number)_0.old:2,S", message(number)) }
    try source.put("1005.M1+V1.old", message(5), part: "new")
    try source.write(
      "courierimapuiddb", "1 555000111 17", "11 1001.V1I1_0.old", "12 1002.V1I2_0.old", "16 1004.V1I4_0.old")
    try source.write(
      "courierpop3dsizelist", "/3 9 777", "1001.V1I1_0.old:2,S 40 5:777:0", "1002.V1I2_0.old 40 6:0:0",
      "1004.V1I4_0.old 40 8:777", "1005.M1+V1.old 40 0:0:0")
    try FileSystem.makePath(source.root + "/courierimapkeywords")
    try source.write("courierimapkeywords/:list", "$Work", "blue", "", "1001.V1I1_0.old:0 1", "1002.V1I2_0.old:1 7")
    try source.write("courierimapkeywords/.2.1002.V1I2_0.old", "late")
    try source.write("courierimapkeywords/.1.1002.V1I2_0.old", "early")
    try source.write("courierimapkeywords/1004.V1I4_0.old", "last", "$Work")
    try source.put("1006.V1I6_0.old:2,", message(6), in: ".Sent Items")
    try source.write("courierimapsubscribed", "INBOX", "INBOX.Sent Items")
    try await fixture.withStore { store in
      let outcome = try await store.importMail(fixture.account(), source.options())
      #expect(outcome.uniqueIDs == "courier" && outcome.warnings.isEmpty)
      let snapshot = try await store.mailbox(fixture.account(), name: .inbox).snapshot()
      #expect(snapshot.uidValidity == 555_000_111)
      #expect(snapshot.messages.map(\.uid) == [11, 12, 16, 17, 18])
      #expect(
        snapshot.messages.map { Set(snapshot.keywordNames($0)) } == [
          ["$Work", "blue"], ["late"], ["last", "$Work"], [], [],
        ])
      #expect(
        try await pop(store, fixture).map(\.uidl)
          == ["UID5-777", "UID6", "UID8-777", "1003.V1I3_0.old", "1005.M1+2BV1.old"])
      let folders = try await store.folders(fixture.account())
      let sent = try #require(folders.first { $0.name.path == "Sent Items" })
      #expect(sent.isSubscribed && sent.specialUse == .sent)
      #expect(folders.first { $0.name.path == "Sent" }?.specialUse == nil)
    }
  }

  @Test("qmail: unique ids are the file names, the order is the files' dates; sizes in names are not believed")
  func fromQmail() async throws {
    let (fixture, source) = (Fixture(), try ImportSource())
    let long = "1002." + String(repeating: "x", count: 70) + ".old,S=5"
    let text = Array("Subject: x\n\nno end".utf8)
    try source.put("1001.1.old,S=\(text.count)", text, part: "new", date: 3_000_000)
    try source.put("\(long):2,", message(2), date: 2_000_000)
    try source.put("1003.1.old,S=\(message(3).count),W=7:2,S", message(3), date: 1_000_000)
    try await fixture.withStore { store in
      let outcome = try await store.importMail(fixture.account(), source.options())
      #expect(outcome.uniqueIDs == "qmail" && outcome.warnings.count == 1 && outcome.folders[0].uids == .unknown)
      let list = try await pop(store, fixture)
      #expect(list[0].uidl == "1003.1.old,S=\(message(3).count),W=7")
      #expect(list[1].uidl.hasPrefix("H") && list[2].uidl == "1001.1.old,S=\(text.count)")
      #expect(list.map(\.size) == [message(3).count, message(2).count, text.count + 2 + 2])
      let snapshot = try await store.mailbox(fixture.account(), name: .inbox).snapshot()
      #expect(snapshot.messages.map(\.internalDate.seconds) == [1_000_000, 2_000_000, 3_000_000])
      let file = try await store.mailbox(fixture.account(), name: .inbox).open(3)
      #expect(try await file.bytes() == Array("Subject: x\r\n\r\nno end".utf8))
      // Again: nothing is taken twice, names that had to change included.
      #expect(try await store.importMail(fixture.account(), source.options()).messages == 0)
    }
  }

  @Test("Dovecot's LAYOUT=fs; two folders that share a UIDVALIDITY keep it both")
  func tree() async throws {
    let (fixture, source) = (Fixture(), try ImportSource())
    try source.put("1000.a:2,", message(1), in: "Work/2026")
    try source.put("1001.a:2,", message(2), in: "R&D")
    for folder in ["Work/2026", "R&D"] {
      try source.write("\(folder)/dovecot-uidlist", "3 V5000 N9", "8 :1000.a", "8 :1001.a")
    }
    try source.write("subscriptions", "Work/2026")
    try await fixture.withStore { store in
      let outcome = try await store.importMail(fixture.account(), source.options())
      #expect(outcome.folders.map(\.name.path) == ["INBOX", "R&D", "Work/2026"])
      #expect(outcome.folders.map(\.uidValidity).suffix(2) == [5000, 5000])
      #expect(try await uids(store, fixture, MailboxName("R&D")) == [8])
      let subscribed = try await store.folders(fixture.account()).filter {
        $0.isSubscribed && $0.name.path.hasPrefix("W")
      }
      #expect(subscribed.map(\.name.path) == ["Work/2026"])
    }
  }

  @Test("Symbolic links, pipes, directories and empty files are left out and told; nothing outside is read")
  func hostileFiles() async throws {
    let (fixture, source) = (Fixture(), try ImportSource())
    let outside = try ImportSource()
    try outside.put("secret", message(1))
    try source.put("1000.a:2,", message(1))
    try source.put("1001.empty:2,", [])
    symlink(outside.root + "/cur/secret", source.root + "/cur/1002.link:2,")
    mkfifo(source.root + "/cur/1003.pipe", 0o600)
    mkdir(source.root + "/cur/1004.directory", 0o700)
    symlink(outside.root, source.root + "/.Elsewhere")
    symlink(outside.root + "/cur/secret", source.root + "/dovecot-uidlist")
    symlink(outside.root + "/cur", source.root + "/new/1005.link")
    try await fixture.withStore { store in
      let outcome = try await store.importMail(fixture.account(), source.options())
      #expect(outcome.messages == 1 && outcome.isPartial)
      #expect(outcome.folders.map(\.name.path) == ["INBOX"] && outcome.folders[0].refused == 5)
      #expect(outcome.warnings.count == 6)
    }
  }

  @Test(
    "Lists that make no sense are not believed",
    arguments: [
      ["3 V0 N5", "1 :1000.a"], ["3 V4294967295 N5", "4 :1000.a"], ["3 V77 N4294967290", "4 :1000.a"],
      ["9 V77 N5", "4 :1000.a"], [""], ["3 Vx Ny", "1 :1000.a"], ["1 99999999999 5", "4 1000.a"],
    ])
  func brokenLists(_ lines: [String]) async throws {
    let (fixture, source) = (Fixture(), try ImportSource())
    try source.put("1000.a:2,", message(1))
    try source.write("dovecot-uidlist", lines.joined(separator: "\n"))
    try await fixture.withStore { store in
      let outcome = try await store.importMail(fixture.account(), source.options())
      #expect(outcome.messages == 1 && outcome.folders[0].keptUIDs == 0)
      #expect(try await uids(store, fixture) == [1])
      #expect(outcome.folders[0].uidValidity > 1_000_000_000)
      // There is room for folders after it.
      try await store.createFolder(fixture.account(), name: MailboxName("More"))
    }
  }

  @Test("Two messages of one UID or unique id, UIDs above UIDNEXT, lines without end")
  func oddLists() async throws {
    let (fixture, source) = (Fixture(), try ImportSource())
    for number in 0..<4 { try source.put("100\(number).a:2,", message(number)) }
    try source.write(
      "dovecot-uidlist", "3 V77 N3", "1 Psame :1000.a", "1 Psame :1001.a", "900 :1002.a",
      String(repeating: "x", count: 100_000), "-5 :1003.a", "12345678901 :1003.a", "7", "7 :")
    try await fixture.withStore { store in
      let outcome = try await store.importMail(fixture.account(), source.options())
      #expect(outcome.folders[0].keptUIDs == 2 && outcome.folders[0].uids == .partlyKept)
      #expect(try await uids(store, fixture) == [1, 900, 901, 902])
      let ids = try await pop(store, fixture).map(\.uidl)
      #expect(Set(ids).count == 4 && ids[0] == "same")
      #expect(outcome.warnings.count == 1)
    }
  }

  @Test("The format in the list's header is believed before the one that is said")
  func formatOfHeader() async throws {
    for (header, expected) in [("P%v.%u", "77.5"), ("P%m", "5-77"), ("", "5-77")] {
      let (fixture, source) = (Fixture(), try ImportSource())
      try source.put("1000.a:2,", message(1))
      try source.write("dovecot-uidlist", "3 V77 N9 \(header)", "5 :1000.a")
      try await fixture.withStore { store in
        let origin = try #require(UniqueIDOrigin("dovecot=%u-%v"))
        _ = try await store.importMail(fixture.account(), source.options { $0.uniqueIDs = origin })
        #expect(try await pop(store, fixture).map(\.uidl) == [expected])
      }
    }
  }

  @Test("Formats of unique ids")
  func formats() throws {
    func id(_ format: String) -> String? {
      UniqueIDFormat(format).map {
        String(
          decoding: $0.id(uid: 10, uidValidity: 255, base: Array("1000.a,S=5".utf8), guid: Array("g1".utf8)),
          as: UTF8.self)
      }
    }
    #expect(id("%08Xu%08Xv") == "0000000a000000ff")
    #expect(id("%v.%u") == "255.10")
    #expect(id("UID%u-%v") == "UID10-255")
    #expect(id("%f") == "1000.a,S=5")
    #expect(id("%Mf") == "5c961b9a3ac0217c19cce1664f70b0b4")
    #expect(id("%g") == "g1")
    #expect(id("%{uid | hex(8)}%{uidvalidity | hex(8)}") == "0000000a000000ff")
    #expect(id("100%%%u") == "100%10")
    for wrong in ["", "plain", "%v", "%m", "%", "%08", "%{from}", "%{uid", "%{uid|hex(0)}", "%{uid|hex|hex}"] {
      #expect(id(wrong) == nil, "\(wrong)")
    }
    #expect(UniqueIDOrigin("dovecot=%v.%u")?.text == "dovecot=%v.%u")
    #expect(UniqueIDOrigin("dovecot=%m") == nil && UniqueIDOrigin("uw") == nil)
  }
}
