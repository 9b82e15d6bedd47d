import Foundation
import Testing

@testable import martinet

@Suite("What --json prints")
struct JSONValueTests {
  @Test("Any text survives a strict parser")
  func escapes() throws {
    let odd = "quote \" back \\ line \n tab \t nul \u{0} bell \u{7} DEL \u{7f} é 日本 \u{1F600} \u{2028}"
    let value: JSONValue = ["text": .string(odd), "list": [1, true, nil], "nothing": [:]]
    let parsed = try #require(
      try JSONSerialization.jsonObject(with: Data(value.text.utf8)) as? [String: Any])
    #expect(parsed["text"] as? String == odd)
    #expect((parsed["list"] as? [Any])?.count == 3)
  }

  @Test("Tables align their columns")
  func table() {
    var table = Table("NAME", "N")
    table.add("a-long-name", "1")
    table.add("b", "")
    #expect(table.text == "NAME         N\na-long-name  1\nb")
  }
}
