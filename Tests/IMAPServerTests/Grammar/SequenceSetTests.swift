import Testing

@testable import IMAPServer

private func set(_ text: String) throws -> SequenceSet {
  var cursor = ByteCursor(text)
  let set = try cursor.sequenceSet()
  try cursor.expectEnd()
  return set
}

@Suite struct SequenceSetTests {
  @Test func rangesAreSortedAndMerged() throws {
    #expect(try set("2,4:7,9,12:*").ranges(star: 15) == [2...2, 4...7, 9...9, 12...15])
    #expect(try set("*:4,5:7").ranges(star: 10) == [4...10])
    #expect(try set("5,4,3,1").ranges(star: 10) == [1...1, 3...5])
    #expect(try set("15:*").ranges(star: 3) == [3...15])
    #expect(try set("1:4294967295").ranges(star: 3) == [1...4_294_967_295])
  }

  @Test func anEmptyMailboxHasNoStar() throws {
    #expect(try set("1:*").ranges(star: 0).isEmpty)
    #expect(try set("*").ranges(star: 0).isEmpty)
    #expect(try !set("1:*").exceeds(0))
    #expect(try set("1").exceeds(0))
  }

  @Test(arguments: ["", "0", "1:0", "1:", ":1", "1,,2", "1,", "4294967296", "99999999999999999999", "1-2", "**"])
  func nonsenseIsRefused(_ text: String) {
    #expect(throws: GrammarError.self) { try set(text) }
  }

  @Test func longSetsAreBounded() {
    let bomb = (0..<20_000).map { "\($0 + 1):*" }.joined(separator: ",")
    #expect(throws: GrammarError.self) { try set(bomb) }
  }

  @Test func writing() {
    var out = ResponseWriter()
    out.numberSet([1, 2, 3, 5, 9, 10])
    #expect(String(decoding: out.bytes, as: UTF8.self) == "1:3,5,9:10")
  }
}
