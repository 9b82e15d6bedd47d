import Testing

@testable import IMAPServer

/// Parses a command and fails the test when it cannot be read.
func parsed(_ text: String) throws -> Command {
  try CommandParser.parse(Array(text.utf8)).command.get()
}

/// The error text of a command that must not be read.
func fault(_ text: String) -> String? {
  do {
    switch try CommandParser.parse(Array(text.utf8)).command {
    case .success: return nil
    case .failure(let error): return error.text
    }
  } catch {
    return error.text
  }
}

private func octets(_ text: String) -> [UInt8] { Array(text.utf8) }

@Suite struct CommandParserTests {
  @Test func plainCommandsInAnyCase() throws {
    #expect(try parsed("a001 noop") == .noop)
    #expect(try parsed("a001 Capability") == .capability)
    #expect(try parsed("a001 LOGOUT  ") == .logout)
    #expect(try parsed("a.1]x UNSELECT") == .unselect)
    #expect(fault("a001 NOOP x") != nil)
    #expect(fault("a001 NOOPX") == "Unknown command")
  }

  @Test func tagsAreChecked() {
    #expect(fault("") != nil)
    #expect(fault("* NOOP") != nil)
    #expect(fault("+ NOOP") != nil)
    #expect(fault("a+b NOOP") != nil)
    #expect(fault(String(repeating: "a", count: 129) + " NOOP") != nil)
  }

  @Test func loginTakesEveryFormOfString() throws {
    #expect(try parsed("a LOGIN mrc secret") == .login(user: octets("mrc"), password: octets("secret")))
    #expect(try parsed(#"a login "m\"r\\c" """#) == .login(user: octets("m\"r\\c"), password: []))
    #expect(
      try parsed("a LOGIN {11}\r\nFRED FOOBAR {7+}\r\nfat man")
        == .login(user: octets("FRED FOOBAR"), password: octets("fat man")))
    #expect(
      try parsed("a LOGIN alice%example.test p*(w")
        == .login(
          user: octets("alice%example.test"), password: octets("p*(w")))
  }

  @Test func hostileStringsAreRefused() {
    #expect(fault("a LOGIN \"x\0y\" z") != nil)
    #expect(fault("a LOGIN \"xy z") != nil)
    #expect(fault("a LOGIN {3}\r\nx\0y z") != nil)
    #expect(fault("a LOGIN {300}\r\nxyz z") != nil)
    #expect(fault("a LOGIN {99999999999999999999999}\r\nxyz z") != nil)
    #expect(fault("a LOGIN {18446744073709551615}\r\nxyz z") != nil)
    #expect(fault("a LOGIN {-1}\r\nxyz z") != nil)
    #expect(fault(#"a LOGIN "\x" z"#) != nil)
    #expect(fault("a LOGIN ~{3}\r\nxyz z") != nil)
  }

  @Test func selectWithItsParameters() throws {
    #expect(try parsed("a SELECT INBOX") == .select(SelectArgument(mailbox: octets("INBOX")), readOnly: false))
    #expect(
      try parsed("a EXAMINE blurdybloop (CONDSTORE)")
        == .select(SelectArgument(mailbox: octets("blurdybloop"), condStore: true), readOnly: true))
    let command = try parsed(
      "A02 SELECT INBOX (QRESYNC (67890007 90060115194045000 41:211,214:541 (1,3 41,50)))")
    guard case .select(let argument, readOnly: false) = command, let resync = argument.quickResync else {
      Issue.record("not a SELECT with QRESYNC")
      return
    }
    #expect(resync.uidValidity == 67_890_007)
    #expect(resync.modSeq == 90_060_115_194_045_000)
    #expect(resync.knownUIDs?.ranges(star: 0) == [41...211, 214...541])
    #expect(resync.sequenceMatch?.uids.ranges(star: 0) == [41...41, 50...50])
    #expect(fault("a SELECT INBOX (QRESYNC (1 1 1:*))") != nil)
  }

  @Test func authenticateWithInitialResponse() throws {
    #expect(
      try parsed("a AUTHENTICATE PLAIN AGFsaWNlAHB3")
        == .authenticate(mechanism: "PLAIN", initialResponse: octets("AGFsaWNlAHB3")))
    #expect(
      try parsed("a authenticate scram-sha-256-plus")
        == .authenticate(
          mechanism: "SCRAM-SHA-256-PLUS", initialResponse: nil))
    #expect(
      try parsed("a AUTHENTICATE EXTERNAL =") == .authenticate(mechanism: "EXTERNAL", initialResponse: octets("=")))
  }

  @Test func identificationAndEnable() throws {
    #expect(try parsed("a ID NIL") == .id([]))
    #expect(
      try parsed(#"a ID ("name" "sodr" "version" NIL)"#)
        == .id([
          IDParameter(key: octets("name"), value: octets("sodr")), IDParameter(key: octets("version"), value: nil),
        ]))
    #expect(fault(#"a ID ("name")"#) != nil)
    #expect(try parsed("a ENABLE CONDSTORE X-GOOD-IDEA") == .enable(["CONDSTORE", "X-GOOD-IDEA"]))
  }

  @Test func storeInAllItsForms() throws {
    let set = SequenceSet(elements: [.init(first: 2, last: 4)])
    #expect(
      try parsed(#"A003 STORE 2:4 +FLAGS (\Deleted)"#)
        == .store(
          StoreArgument(set: set, mode: .add, silent: false, flags: FlagArgument(system: [.deleted])), uid: false))
    #expect(
      try parsed(#"A003 UID STORE 2:4 (UNCHANGEDSINCE 12) -flags.silent \Seen $Junk $junk"#)
        == .store(
          StoreArgument(
            set: set, mode: .remove, silent: true, flags: FlagArgument(system: [.seen], keywords: ["$Junk"]),
            unchangedSince: 12), uid: true))
    #expect(
      try parsed("a STORE 1 FLAGS ()")
        == .store(
          StoreArgument(
            set: SequenceSet(elements: [.init(first: 1, last: 1)]), mode: .replace, silent: false, flags: FlagArgument()
          ),
          uid: false))
    #expect(fault(#"a STORE 1 +FLAGS (\Recent)"#) != nil)
    #expect(fault(#"a STORE 1 +FLAGS (\Bogus)"#) != nil)
    #expect(fault("a STORE 0 +FLAGS (x)") != nil)
  }

  @Test func statusListAndTheirKin() throws {
    #expect(try parsed("a STATUS b (UIDNEXT MESSAGES uidnext)") == .status(octets("b"), [.uidNext, .messages]))
    #expect(try parsed("a LIST \"\" %") == .list(ListArgument(reference: [], patterns: [octets("%")])))
    #expect(
      try parsed("a LIST ~/Mail/ *") == .list(ListArgument(reference: octets("~/Mail/"), patterns: [octets("*")])))
    let extended = try parsed(
      "A LIST (SUBSCRIBED RECURSIVEMATCH) \"\" (INBOX \"a/%\") RETURN (CHILDREN STATUS (UNSEEN))")
    guard case .list(let argument) = extended else {
      Issue.record("not a LIST")
      return
    }
    #expect(argument.patterns == [octets("INBOX"), octets("a/%")])
    #expect(argument.selection == [.subscribed, .recursiveMatch])
    #expect(argument.returns == [.children])
    #expect(argument.status == [.unseen])
    #expect(fault("a LIST (RECURSIVEMATCH) \"\" *") != nil)
    #expect(
      try parsed(#"a CREATE MySpecial (USE (\Drafts \Sent))"#)
        == .create(octets("MySpecial"), uses: ["\\DRAFTS", "\\SENT"]))
    #expect(fault("a RENAME onlyone") != nil)
  }

  @Test func uidCommands() throws {
    let set = SequenceSet(elements: [.init(first: 3000, last: nil)])
    #expect(try parsed("a UID EXPUNGE 3000:*") == .expunge(uids: set))
    #expect(try parsed("a UID COPY 3000:* m") == .copy(set, to: octets("m"), uid: true))
    #expect(try parsed("a MOVE 3000:* m") == .move(set, to: octets("m"), uid: false))
    #expect(fault("a UID NOOP") != nil)
    #expect(fault("a UID") != nil)
  }
}
