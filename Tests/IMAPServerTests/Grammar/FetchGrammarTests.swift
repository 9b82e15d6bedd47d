import Testing

@testable import IMAPServer

private func items(_ text: String) throws -> [FetchItem] {
  guard case .fetch(let argument, uid: false) = try parsed("a FETCH 1 \(text)") else { return [] }
  return argument.items
}

private func octets(_ text: String) -> [UInt8] { Array(text.utf8) }

@Suite struct FetchGrammarTests {
  @Test func macros() throws {
    #expect(try items("ALL") == [.flags, .internalDate, .size, .envelope])
    #expect(try items("fast") == [.flags, .internalDate, .size])
    #expect(try items("Full") == [.flags, .internalDate, .size, .envelope, .body])
  }

  @Test func sections() throws {
    #expect(try items("BODY[]") == [.section(SectionArgument(), nil, peek: false)])
    #expect(try items("BODY") == [.body])
    #expect(
      try items("(BODY.PEEK[HEADER.FIELDS (DATE \"From\")])")
        == [
          .section(
            SectionArgument(text: .headerFields([octets("DATE"), octets("From")], not: false)), nil, peek: true)
        ])
    #expect(
      try items("BODY[4.2.2.MIME]<0.2048>")
        == [
          .section(SectionArgument(part: [4, 2, 2], text: .mime), PartialArgument(origin: 0, count: 2048), peek: false)
        ])
    #expect(
      try items("body.peek[1.header.fields.not (x)]")
        == [.section(SectionArgument(part: [1], text: .headerFields([octets("x")], not: true)), nil, peek: true)])
    #expect(try items("(UID RFC822.SIZE UID)") == [.uid, .size])
  }

  @Test(arguments: [
    "BODY[MIME]", "BODY[1.]", "BODY[0]", "BODY[.1]", "BODY[1..2]", "BODY[", "BODY[]<0.0>", "BODY[]<5>", "BODY[]<-1.5>",
    "BODY[]<99999999999.1>", "BODY[99999999999]", "BODY[HEADER.FIELDS ()]", "BODY[HEADER.FIELDS]", "()", "X", "(FLAGS",
    "BODY.PEEK", "BODY[HEADER.FIELDS (\"a\0b\")]", "BODY[HEADER.FIELDS (\"a\\\"b:\")]",
  ]) func nonsenseIsRefused(_ text: String) {
    #expect(fault("a FETCH 1 \(text)") != nil)
  }

  @Test func sectionNumbersAreBoundedInDepth() {
    let deep = Array(repeating: "1", count: 5000).joined(separator: ".")
    #expect(fault("a FETCH 1 BODY[\(deep)]") == "Section too deep")
  }

  @Test func modifiers() throws {
    guard case .fetch(let argument, uid: true) = try parsed("s UID FETCH 300:500 (FLAGS) (CHANGEDSINCE 12345 VANISHED)")
    else {
      Issue.record("not a FETCH")
      return
    }
    #expect(argument.changedSince == 12345)
    #expect(argument.vanished)
    #expect(fault("s FETCH 1 (FLAGS) (CHANGEDSINCE 12345 VANISHED)") != nil)
    #expect(fault("s UID FETCH 1 (FLAGS) (VANISHED)") != nil)
  }
}
